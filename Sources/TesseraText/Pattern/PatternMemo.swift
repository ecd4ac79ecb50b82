/// Remembers, for positions of the text, at which choices the machine has been.
///
/// What a choice leads to depends on the choice and the position alone, never on the way there. So a choice that failed
/// once is not tried again, which makes the time linear in the text for every pattern. In look-arounds and atomic groups
/// success is remembered too. Positions are kept in blocks, which are made when first touched and dropped when the
/// search has passed them.
struct PatternMemo: ~Copyable {
  private static let shift = 9
  private static let size = 1 << shift

  private let slots: UnsafeBufferPointer<PatternProgram.Slot>
  private let rows: Int
  private let columns: Int
  private let keepsAll: Bool
  private var blocks: UnsafeMutableBufferPointer<UnsafeMutablePointer<UInt64>?>
  private var firstKept = 0

  init(_ slots: UnsafeBufferPointer<PatternProgram.Slot>, rows: Int, columns: Int, keepsAll: Bool) {
    self.slots = slots
    self.rows = rows
    self.columns = columns
    self.keepsAll = keepsAll
    blocks = .init(start: nil, count: 0)
  }

  deinit {
    for block in blocks { block?.deallocate() }
    blocks.deallocate()
  }

  var isOpen: Bool { blocks.count > 0 }

  /// Makes room for a text; its blocks come later.
  mutating func open(length: Int) {
    blocks = .allocate(capacity: length >> Self.shift + 1)
    blocks.initialize(repeating: nil)
  }

  private mutating func block(of position: Int) -> UnsafeMutablePointer<UInt64> {
    let index = position >> Self.shift
    if let block = blocks[index] { return block }
    // A row of bits for 512 positions takes 8 words, a column of 512 distances of 32 bits takes 256.
    let words = rows * 8 + columns * 256
    let block = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
    block.initialize(repeating: 0, count: words)
    blocks[index] = block
    return block
  }

  private mutating func test(_ row: Int, _ position: Int) -> Bool {
    let inside = position & (Self.size - 1)
    return block(of: position)[row * 8 + inside >> 6] >> UInt64(inside & 63) & 1 != 0
  }

  private mutating func fill(_ row: Int, _ low: Int, _ high: Int) {
    var position = low
    while position <= high {
      let inside = position & (Self.size - 1)
      let count = min(high - position + 1, 64 - inside & 63)
      let bits: UInt64 = count == 64 ? .max : ((1 << UInt64(count)) - 1) << UInt64(inside & 63)
      block(of: position)[row * 8 + inside >> 6] |= bits
      position += count
    }
  }

  mutating func isVisited(_ slot: Int32, _ position: Int) -> Bool {
    test(Int(slots[Int(slot)].row), position)
  }

  mutating func visit(_ slot: Int32, _ low: Int, _ high: Int) { fill(Int(slots[Int(slot)].row), low, high) }

  /// Notes that a region succeeds from each of these positions and ends at `end`.
  mutating func succeed(_ slot: Int32, _ low: Int, _ high: Int, end: Int) {
    let kind = slots[Int(slot)]
    guard kind.ends >= 0 else { return fill(Int(kind.row) + 1, low, high) }
    for position in low...high {
      guard let distance = UInt32(exactly: end - position + 1) else { continue }
      column(Int(kind.ends), position).pointee = distance
    }
  }

  /// Where a region ended that passed this visited choice; nil if it failed.
  mutating func end(_ slot: Int32, _ position: Int) -> Int? {
    let kind = slots[Int(slot)]
    guard kind.ends >= 0 else { return test(Int(kind.row) + 1, position) ? position : nil }
    let distance = column(Int(kind.ends), position).pointee
    return distance == 0 ? nil : position + Int(distance) - 1
  }

  private mutating func column(_ column: Int, _ position: Int) -> UnsafeMutablePointer<UInt32> {
    let start = block(of: position) + rows * 8 + column * 256
    return UnsafeMutableRawPointer(start).assumingMemoryBound(to: UInt32.self) + position & (Self.size - 1)
  }

  /// The search goes on from a match's end: what lies before is not needed, and at the end itself choices may have
  /// succeeded that only count as visited.
  mutating func pass(_ end: Int) {
    guard isOpen else { return }
    if let block = blocks[end >> Self.shift] {
      let inside = end & (Self.size - 1)
      for slot in slots where !slot.isInRegion {
        block[Int(slot.row) * 8 + inside >> 6] &= ~(1 << UInt64(inside & 63))
      }
    }
    guard !keepsAll else { return }
    while firstKept < end >> Self.shift {
      blocks[firstKept]?.deallocate()
      blocks[firstKept] = nil
      firstKept += 1
    }
  }
}
