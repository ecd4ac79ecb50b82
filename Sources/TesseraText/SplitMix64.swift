/// Numbers that are the same in every run (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014, figure 19).
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Numbers of a seed.
  package init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// A number whose every bit hangs on every bit of another: the generator's last step.
  package static func mixed(_ number: UInt64) -> UInt64 {
    var word = number
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
