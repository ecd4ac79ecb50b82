/// How often each pair of neighbouring symbols occurs: open addressing with key and count side by side, so that an update costs
/// one cache line. Pairs are never removed, as their count may come back.
struct PairCounts: ~Copyable {
  struct Slot {
    var key: UInt64
    var count: Int64
  }

  /// The left symbol above the right one; ordering keys orders pairs.
  @inline(__always)
  static func key(_ left: UInt32, _ right: UInt32) -> UInt64 { UInt64(left) << 32 | UInt64(right) }

  /// No pair has this key: symbols stay below `UInt32.max`.
  private static let empty = UInt64.max

  private(set) var slots: UnsafeMutablePointer<Slot>
  private var capacity: Int
  private var shift: UInt64
  private(set) var count = 0

  init(capacity minimum: Int) {
    var bits = 4
    while 1 << bits < minimum * 2 { bits += 1 }
    capacity = 1 << bits
    shift = UInt64(64 - bits)
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(key: PairCounts.empty, count: 0), count: capacity)
  }

  deinit { slots.deallocate() }

  /// Makes room for this many new pairs, so that slots stay where they are while they are added.
  mutating func reserve(_ more: Int) {
    while (count + more) * 3 > capacity * 2 { grow() }
  }

  /// The slot of a pair, which is added with count zero when it is new. There must be room: ``reserve(_:)``.
  @inline(__always)
  mutating func slot(_ key: UInt64) -> UnsafeMutablePointer<Slot> {
    let mask = capacity &- 1
    var index = Int(truncatingIfNeeded: foldedProduct(key ^ hashSeed, 0x9E37_79B9_7F4A_7C15) &>> shift)
    while true {
      if slots[index].key == key { return slots + index }
      if slots[index].key == PairCounts.empty {
        slots[index].key = key
        count &+= 1
        return slots + index
      }
      index = (index &+ 1) & mask
    }
  }

  /// Calls `body` for every pair, in no particular order.
  func forEach(_ body: (Slot) -> Void) {
    for index in 0..<capacity where slots[index].key != PairCounts.empty { body(slots[index]) }
  }

  private mutating func grow() {
    let old = slots
    let oldCapacity = capacity
    capacity *= 2
    shift -= 1
    count = 0
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(key: PairCounts.empty, count: 0), count: capacity)
    for index in 0..<oldCapacity where old[index].key != PairCounts.empty {
      slot(old[index].key).pointee.count = old[index].count
    }
    old.deallocate()
  }
}

/// A pair that may be merged next, with the words where it was last seen to arise.
struct MergeCandidate {
  /// The count when the candidate was queued or last looked at, as an unsigned number: see ``BPEMerging``.
  var count: UInt64
  var key: UInt64
  /// The words: a range of the pool of positions.
  var start: Int
  var length: UInt32

  /// Higher count first, then the smaller pair.
  @inline(__always)
  func precedes(_ other: MergeCandidate) -> Bool {
    count != other.count ? count > other.count : key < other.key
  }
}

/// A heap of four children per node: half the levels of a binary one, and the children share cache lines.
struct MergeQueue {
  private(set) var nodes: [MergeCandidate] = []

  var first: MergeCandidate? { nodes.first }

  mutating func push(_ candidate: MergeCandidate) {
    nodes.append(candidate)
    nodes.withUnsafeMutableBufferPointer { nodes in
      var at = nodes.count - 1
      while at > 0 {
        let parent = (at - 1) >> 2
        guard candidate.precedes(nodes[parent]) else { break }
        nodes[at] = nodes[parent]
        at = parent
      }
      nodes[at] = candidate
    }
  }

  mutating func removeFirst() {
    let last = nodes.removeLast()
    if !nodes.isEmpty { replaceFirst(with: last) }
  }

  mutating func replaceFirst(with candidate: MergeCandidate) {
    nodes.withUnsafeMutableBufferPointer { nodes in
      var at = 0
      while true {
        let child = 4 * at + 1
        guard child < nodes.count else { break }
        var best = child
        for other in (child + 1)..<max(child + 1, min(child + 4, nodes.count)) where nodes[other].precedes(nodes[best])
        {
          best = other
        }
        guard nodes[best].precedes(candidate) else { break }
        nodes[at] = nodes[best]
        at = best
      }
      nodes[at] = candidate
    }
  }

  /// Gives every candidate a new place for its words.
  mutating func moveWords(_ move: (_ start: Int, _ length: UInt32) -> Int) {
    for index in nodes.indices { nodes[index].start = move(nodes[index].start, nodes[index].length) }
  }
}
