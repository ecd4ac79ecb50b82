/// Ids on their way out, and where their tokens end in the text when that is asked for.
struct TokenBuffer: ~Copyable {
  private(set) var ids: UnsafeMutablePointer<UInt32>
  private var memory: TableMemory
  /// Where each token ends, in bytes from the start of the text; as many as there are ids when places are wanted.
  private(set) var ends: UnsafeMutablePointer<UInt32>
  private var endMemory: TableMemory
  let hasPlaces: Bool
  var count = 0
  /// Once there are more ids than these no others are wanted, though some may still come.
  var limit = Int.max
  /// Only their number is wanted: what was written may be overwritten at any time.
  let countsOnly: Bool
  private var dropped = 0
  private var capacity: Int

  init(capacity: Int = 64, hasPlaces: Bool = false, countsOnly: Bool = false) {
    self.capacity = max(capacity, 16)
    self.countsOnly = countsOnly
    self.hasPlaces = hasPlaces
    memory = TableMemory(byteCount: 4 * self.capacity)
    endMemory = TableMemory(byteCount: hasPlaces ? 4 * self.capacity : 0)
    ids = memory.row(of: UInt32.self)
    ends = endMemory.row(of: UInt32.self)
  }

  /// All ids, those that were dropped included.
  var total: Int { dropped + count }
  var isFull: Bool { count > limit }

  /// Forgets the ids, but not their number, when nothing else is wanted.
  @inline(__always)
  mutating func dropIfCounting() {
    if countsOnly { (dropped, count) = (dropped &+ count, 0) }
  }

  /// Goes back to when there were so many ids in ``total``.
  mutating func rewind(to total: Int) {
    if countsOnly { (dropped, count) = (total, 0) } else { count = total }
  }

  /// Makes sure that so many more ids can be written.
  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(count + more) }
  }

  private mutating func grow(_ needed: Int) {
    let larger = max(needed, capacity + capacity / 2)
    memory = Self.moved(ids, count, larger)
    ids = memory.row(of: UInt32.self)
    if hasPlaces {
      endMemory = Self.moved(ends, count, larger)
      ends = endMemory.row(of: UInt32.self)
    }
    capacity = larger
  }

  private static func moved(_ old: UnsafeMutablePointer<UInt32>, _ count: Int, _ capacity: Int) -> TableMemory {
    let new = TableMemory(byteCount: 4 * capacity)
    new.row(of: UInt32.self).update(from: old, count: count)
    return new
  }

  mutating func append(_ id: UInt32, end: Int) {
    reserve(1)
    ids[count] = id
    if hasPlaces { ends[count] = UInt32(truncatingIfNeeded: end) }
    count += 1
  }

  /// Appends ids; their places are not written.
  @inline(__always)
  mutating func append(contentsOf more: UnsafeBufferPointer<UInt32>) {
    reserve(more.count)
    for index in more.indices { ids[count &+ index] = more[index] }
    count &+= more.count
  }

  /// Takes out one id.
  mutating func remove(at index: Int) {
    for next in index + 1..<max(count, index + 1) { ids[next - 1] = ids[next] }
    count -= 1
  }

  /// The memory of the ids and of their ends.
  consuming func take() -> (ids: TableMemory, ends: TableMemory) { (memory, endMemory) }

  /// The ids as an array.
  borrowing func copyIDs() -> [UInt32] { Array(UnsafeBufferPointer(start: ids, count: count)) }
}
