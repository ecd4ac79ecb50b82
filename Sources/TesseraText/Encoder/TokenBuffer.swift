/// Ids on their way out, and where their tokens end in the text when that is asked for.
struct TokenBuffer: ~Copyable {
  private(set) var ids: UnsafeMutablePointer<UInt32>
  /// Where each token ends, in bytes from the start of the text; as many as there are ids when places are wanted.
  private(set) var ends: UnsafeMutablePointer<UInt32>
  let hasPlaces: Bool
  var count = 0
  /// Once there are so many ids no more are wanted, though some may still come.
  var limit = Int.max
  /// Only their number is wanted: what was written may be overwritten at any time.
  private let countsOnly: Bool
  private var dropped = 0
  private var capacity: Int

  init(capacity: Int = 64, hasPlaces: Bool = false, countsOnly: Bool = false) {
    self.capacity = max(capacity, 16)
    self.countsOnly = countsOnly
    self.hasPlaces = hasPlaces
    ids = .allocate(capacity: self.capacity)
    ends = .allocate(capacity: hasPlaces ? self.capacity : 1)
  }

  deinit {
    ids.deallocate()
    ends.deallocate()
  }

  /// All ids, those that were dropped included.
  var total: Int { dropped + count }
  var isFull: Bool { count >= limit }

  /// Forgets the ids, but not their number, when nothing else is wanted.
  @inline(__always)
  mutating func dropIfCounting() {
    if countsOnly { (dropped, count) = (dropped &+ count, 0) }
  }

  /// Makes sure that so many more ids can be written.
  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(count + more) }
  }

  private mutating func grow(_ needed: Int) {
    let larger = max(needed, capacity + capacity / 2)
    ids = Self.moved(ids, count, larger)
    if hasPlaces { ends = Self.moved(ends, count, larger) }
    capacity = larger
  }

  private static func moved(
    _ old: UnsafeMutablePointer<UInt32>, _ count: Int, _ capacity: Int
  ) -> UnsafeMutablePointer<UInt32> {
    let new = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
    new.update(from: old, count: count)
    old.deallocate()
    return new
  }

  mutating func append(_ id: UInt32, end: Int) {
    reserve(1)
    ids[count] = id
    if hasPlaces { ends[count] = UInt32(truncatingIfNeeded: end) }
    count += 1
  }

  /// The ids as an array.
  borrowing func copyIDs() -> [UInt32] { Array(UnsafeBufferPointer(start: ids, count: count)) }
}
