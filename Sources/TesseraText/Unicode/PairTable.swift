/// A fixed map from pairs of scalars to a scalar, by open addressing; lookups touch one or two neighbouring slots.
struct PairTable: Sendable {
  private let keys: [UInt64]
  private let values: [UInt32]
  private let mask: Int

  init(_ pairs: [(first: UInt32, second: UInt32, value: UInt32)]) {
    var size = 16
    while size < pairs.count * 2 { size *= 2 }
    var keys = [UInt64](repeating: .max, count: size)
    var values = [UInt32](repeating: 0, count: size)
    for pair in pairs {
      var slot = Self.slot(pair.first, pair.second, size - 1)
      while keys[slot] != .max { slot = (slot + 1) & (size - 1) }
      keys[slot] = UInt64(pair.first) << 32 | UInt64(pair.second)
      values[slot] = pair.value
    }
    (self.keys, self.values, mask) = (keys, values, size - 1)
  }

  /// The value of a pair, or nil. O(1).
  @inline(__always)
  subscript(first: UInt32, second: UInt32) -> UInt32? {
    let key = UInt64(first) << 32 | UInt64(second)
    var slot = Self.slot(first, second, mask)
    while keys[slot] != key {
      if keys[slot] == .max { return nil }
      slot = (slot &+ 1) & mask
    }
    return values[slot]
  }

  @inline(__always)
  private static func slot(_ first: UInt32, _ second: UInt32, _ mask: Int) -> Int {
    let mixed = (UInt64(first) &* 0x9E37_79B9_7F4A_7C15) ^ (UInt64(second) &* 0xC2B2_AE3D_27D4_EB4F)
    return Int(truncatingIfNeeded: mixed >> 40) & mask
  }
}
