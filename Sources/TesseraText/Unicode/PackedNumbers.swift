/// Numbers packed into printable text, as the tables of this folder are stored.
///
/// A digit carries five bits, lowest first, and a sixth that says another digit follows; digit `v` is the ASCII
/// character `40 + v`, with `~` in the place of the backslash. Everything below `(` is white space of the source file.
/// A table written this way costs the compiler one string constant and the program a fraction of a millisecond, once.
struct PackedNumbers: Sequence, IteratorProtocol {
  private let text: StaticString
  private var position = 0

  init(_ text: StaticString) { self.text = text }

  /// The next number, or nil at the end of the text. O(digits of the number).
  mutating func next() -> UInt32? {
    var number: UInt32 = 0
    var shift: UInt32 = 0
    while position < text.utf8CodeUnitCount {
      let byte = text.utf8Start[position]
      position += 1
      guard byte >= 40 else { continue }
      let digit = UInt32(byte == 126 ? 52 : byte - 40)
      number |= (digit & 31) << shift
      if digit < 32 { return number }
      shift += 5
    }
    return nil
  }

  /// The next number with its sign in the lowest bit, added to a base; nil at the end.
  mutating func next(relativeTo base: UInt32) -> UInt32? {
    guard let number = next() else { return nil }
    return number & 1 == 0 ? base &+ number >> 1 : base &- (number >> 1) &- 1
  }

  /// Pairs of (distance from the start before, value), as absolute starts for a `ScalarTable`. O(length of the text).
  static func runs(_ text: StaticString) -> [(scalar: UInt32, value: UInt32)] {
    var numbers = PackedNumbers(text)
    var result: [(scalar: UInt32, value: UInt32)] = []
    var start: UInt32 = 0
    while let step = numbers.next(), let value = numbers.next() {
      start &+= step
      result.append((start, value))
    }
    return result
  }
}
