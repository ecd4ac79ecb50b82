/// Full lower case per scalar, as Rust's `char::to_lowercase` gives it: no locale, no context, so no final sigma.
struct LowercaseMapping: Sendable {
  static let shared = LowercaseMapping()

  /// Per scalar: 0, or one more than the index of its mapping.
  private let index: ScalarTable
  private let mappings: [(UInt32, UInt32, UInt32)]

  private init() {
    var flat = [UInt16](repeating: 0, count: 0x1F000)
    var mappings: [(UInt32, UInt32, UInt32)] = []
    var numbers = PackedNumbers(ScalarClassData.lowercase)
    var scalar: UInt32 = 0
    while let step = numbers.next(), let length = numbers.next() {
      scalar += step
      var parts: [UInt32] = [0, 0, 0]
      for place in 0..<Int(length) { parts[min(place, 2)] = numbers.next(relativeTo: scalar) ?? 0 }
      mappings.append((parts[0], parts[1], parts[2]))
      flat[Int(scalar)] = UInt16(mappings.count)
    }
    index = ScalarTable(flat: flat)
    self.mappings = mappings
  }

  /// The lower case of a scalar: one to three scalars, the missing ones 0. O(1).
  @inline(__always)
  func callAsFunction(_ scalar: UInt32) -> (UInt32, UInt32, UInt32) {
    if scalar < 0x80 { return (scalar &- 0x41 < 26 ? scalar | 0x20 : scalar, 0, 0) }
    let entry = Int(index[scalar])
    return entry == 0 ? (scalar, 0, 0) : mappings[entry - 1]
  }
}
