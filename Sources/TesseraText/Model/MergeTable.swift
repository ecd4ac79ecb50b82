/// Which pairs of tokens merge, with what priority and into what: the heart of a byte-pair encoding.
///
/// Open addressing with slots of 16 bytes, at most two thirds full: the pair, its bits inverted so that 0 is a free place, and beside
/// it the id above the rank. Nothing read from the memory is trusted, which may be that of a mapped file.
struct MergeTable: Sendable {
  struct Merge {
    /// Lower merges first.
    var rank: UInt32
    /// The id of the joined token.
    var id: UInt32
  }

  /// Two words for each place; the number of places is a power of two, and at least one is free.
  let slots: TableRow<UInt64>
  let count: Int

  @inline(__always)
  fileprivate static func place(_ key: UInt64, _ mask: Int) -> Int {
    let hash = key &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: hash >> 32 ^ hash >> 12) & mask
  }

  @inline(__always)
  func merge(of left: UInt32, _ right: UInt32) -> Merge? {
    let key = UInt64(left) << 32 | UInt64(right)
    let mask = slots.count / 2 &- 1
    var place = Self.place(key, mask)
    while true {
      let found = slots.base[2 &* place]
      if found == ~key { return Self.unpack(slots.base[2 &* place &+ 1]) }
      if found == 0 { return nil }
      place = (place &+ 1) & mask
    }
  }

  @inline(__always)
  private static func unpack(_ word: UInt64) -> Merge {
    Merge(rank: UInt32(truncatingIfNeeded: word), id: UInt32(truncatingIfNeeded: word &>> 32))
  }

  /// Calls the body with every merge, in no order.
  func forEach(_ body: (_ left: UInt32, _ right: UInt32, Merge) -> Void) {
    slots.withUnsafeBufferPointer { slots in
      var index = 0
      while index < slots.count {
        let key = ~slots[index]
        if key != .max {
          body(UInt32(truncatingIfNeeded: key >> 32), UInt32(truncatingIfNeeded: key), Self.unpack(slots[index + 1]))
        }
        index += 2
      }
    }
  }

  /// All merges in order of their ranks.
  var sorted: [(left: UInt32, right: UInt32, merge: Merge)] {
    var all: [(left: UInt32, right: UInt32, merge: Merge)] = []
    all.reserveCapacity(count)
    forEach { all.append(($0, $1, $2)) }
    return all.sorted { $0.merge.rank < $1.merge.rank }
  }
}

/// Gathers merges in a table whose size is known before.
struct MergeTableBuilder: ~Copyable {
  private var memory: TableMemory
  private var slots: UnsafeMutablePointer<UInt64>
  private var mask: Int
  private var count = 0

  /// - Parameter capacity: how many merges are expected; more make the table grow.
  init(capacity: Int = 0) {
    var size = 16
    while 2 * size < capacity * 3 + 2 { size *= 2 }
    memory = TableMemory(byteCount: 16 * size)
    slots = memory.row(of: UInt64.self)
    mask = size - 1
  }

  /// Calls for the line where a merge will stand.
  @inline(__always)
  func prefetch(_ left: UInt32, _ right: UInt32) {
    let place = MergeTable.place(UInt64(left) << 32 | UInt64(right), mask)
    TesseraText.prefetch(UnsafeMutableRawPointer(slots + 2 &* place))
  }

  /// Adds a merge; a pair that is there already takes the new values, as in the reference library.
  mutating func insert(_ left: UInt32, _ right: UInt32, _ merge: MergeTable.Merge) {
    if 3 * (count + 1) > 2 * (mask + 1) { grow() }
    let key = ~(UInt64(left) << 32 | UInt64(right))
    var place = MergeTable.place(~key, mask)
    while slots[2 &* place] != 0, slots[2 &* place] != key { place = (place &+ 1) & mask }
    if slots[2 &* place] == 0 { count += 1 }
    slots[2 &* place] = key
    slots[2 &* place &+ 1] = UInt64(merge.id) << 32 | UInt64(merge.rank)
  }

  private mutating func grow() {
    let old = (memory: memory, slots: slots, size: mask + 1)
    memory = TableMemory(byteCount: 32 * old.size)
    slots = memory.row(of: UInt64.self)
    mask = 2 * old.size - 1
    for index in 0..<old.size where old.slots[2 * index] != 0 {
      let key = old.slots[2 * index]
      var place = MergeTable.place(~key, mask)
      while slots[2 &* place] != 0 { place = (place &+ 1) & mask }
      slots[2 &* place] = key
      slots[2 &* place &+ 1] = old.slots[2 * index + 1]
    }
    withExtendedLifetime(old.memory) {}
  }

  consuming func finish() -> MergeTable {
    MergeTable(slots: TableRow(UnsafePointer(slots), count: 2 * (mask + 1), owner: memory), count: count)
  }
}
