/// Which pairs of tokens merge, with what priority and into what: the heart of a byte-pair encoding.
///
/// Open addressing with 16-byte slots, at most half full.
struct MergeTable: Sendable {
  struct Merge {
    /// Lower merges first.
    var rank: UInt32
    /// The id of the joined token.
    var id: UInt32
  }

  private static let free = UInt64.max
  private var keys: [UInt64]
  private var merges: [Merge]
  private(set) var count = 0

  init(capacity: Int = 0) {
    var size = 16
    while size < capacity * 2 + 2 { size *= 2 }
    keys = [UInt64](repeating: Self.free, count: size)
    merges = [Merge](repeating: Merge(rank: 0, id: 0), count: size)
  }

  @inline(__always)
  private static func slot(_ key: UInt64, _ mask: Int) -> Int {
    let hash = key &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: hash >> 32 ^ hash >> 12) & mask
  }

  /// Adds a merge; a pair that is there already takes the new values, as in the reference library.
  mutating func insert(_ left: UInt32, _ right: UInt32, _ merge: Merge) {
    if (count + 1) * 2 > keys.count { grow() }
    let key = UInt64(left) << 32 | UInt64(right)
    var slot = Self.slot(key, keys.count - 1)
    while keys[slot] != Self.free, keys[slot] != key { slot = (slot + 1) & (keys.count - 1) }
    if keys[slot] == Self.free { count += 1 }
    keys[slot] = key
    merges[slot] = merge
  }

  @inline(__always)
  func merge(of left: UInt32, _ right: UInt32) -> Merge? {
    let key = UInt64(left) << 32 | UInt64(right)
    return keys.withUnsafeBufferPointer { keys in
      var slot = Self.slot(key, keys.count - 1)
      while true {
        let found = keys[slot]
        if found == key { return merges.withUnsafeBufferPointer { $0[slot] } }
        if found == Self.free { return nil }
        slot = (slot + 1) & (keys.count - 1)
      }
    }
  }

  /// Calls the body with every merge, in no order.
  func forEach(_ body: (_ left: UInt32, _ right: UInt32, Merge) -> Void) {
    for index in keys.indices where keys[index] != Self.free {
      body(UInt32(truncatingIfNeeded: keys[index] >> 32), UInt32(truncatingIfNeeded: keys[index]), merges[index])
    }
  }

  /// All merges in order of their ranks.
  var sorted: [(left: UInt32, right: UInt32, merge: Merge)] {
    keys.indices.filter { keys[$0] != Self.free }
      .map { (UInt32(truncatingIfNeeded: keys[$0] >> 32), UInt32(truncatingIfNeeded: keys[$0]), merges[$0]) }
      .sorted { $0.2.rank < $1.2.rank }
  }

  private mutating func grow() {
    let (oldKeys, oldMerges) = (keys, merges)
    keys = [UInt64](repeating: Self.free, count: oldKeys.count * 2)
    merges = [Merge](repeating: Merge(rank: 0, id: 0), count: oldKeys.count * 2)
    for index in oldKeys.indices where oldKeys[index] != Self.free {
      var slot = Self.slot(oldKeys[index], keys.count - 1)
      while keys[slot] != Self.free { slot = (slot + 1) & (keys.count - 1) }
      keys[slot] = oldKeys[index]
      merges[slot] = oldMerges[index]
    }
  }
}
