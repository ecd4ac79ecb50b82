/// What the scanners ask about a scalar, as one byte.
struct ScanClasses: Sendable {
  static let letter: UInt8 = 1
  /// Upper and title case, and what has no case: `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`.
  static let upper: UInt8 = 2
  /// Lower case, and what has no case: `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`.
  static let lower: UInt8 = 4
  static let mark: UInt8 = 8
  static let number: UInt8 = 16
  /// `\s`, line ends included.
  static let space: UInt8 = 32
  /// U+000D and U+000A.
  static let lineEnd: UInt8 = 64
  /// `[\p{P}\p{S}]`, or in the tables made for it `\p{Han}`.
  static let symbol: UInt8 = 128
  static let han: UInt8 = 128

  private let classes: ScalarClasses

  static func standard(_ dialect: SplitPattern.Dialect) -> ScanClasses {
    dialect == .oniguruma ? standardOniguruma : standardRust
  }
  static func withHan(_ dialect: SplitPattern.Dialect) -> ScanClasses {
    dialect == .oniguruma ? hanOniguruma : hanRust
  }

  private static let standardOniguruma = ScanClasses(.oniguruma, .oniguruma, special: #"[\p{P}\p{S}]"#)
  private static let standardRust = ScanClasses(.rust, .rust, special: #"[\p{P}\p{S}]"#)
  private static let hanOniguruma = ScanClasses(.oniguruma, .oniguruma, special: #"\p{Han}"#)
  private static let hanRust = ScanClasses(.rust, .rust, special: #"\p{Han}"#)

  private init(_ dialect: SplitPattern.Dialect, _ properties: UnicodeProperties, special: String) {
    func named(_ names: String...) -> ScalarSet {
      ScalarSet(names.flatMap { properties.named($0, in: dialect)?.ranges ?? [] })
    }
    let specials = special.contains("Han") ? named("Han") : named("P", "S")
    let spaces = properties.property("[\\s]") ?? properties.property("\\s") ?? .empty
    self.init([
      (Self.letter, named("L")), (Self.upper, named("Lu", "Lt", "Lm", "Lo", "M")),
      (Self.lower, named("Ll", "Lm", "Lo", "M")), (Self.mark, named("M")), (Self.number, named("N")),
      (Self.space, spaces), (Self.lineEnd, ScalarSet(0x0A...0x0A, 0x0D...0x0D)), (Self.symbol, specials),
    ])
  }

  /// One bit for each set.
  init(_ sets: [(bit: UInt8, set: ScalarSet)]) {
    var flips: [(scalar: UInt32, bit: UInt8)] = []
    for (bit, set) in sets {
      for range in set.ranges {
        flips.append((range.lowerBound, bit))
        flips.append((range.upperBound, bit))
      }
    }
    flips.sort { $0.scalar < $1.scalar }
    var value: UInt8 = 0
    let starts = flips.map { scalar, bit in
      value ^= bit
      return (scalar: scalar, value: value)
    }
    classes = ScalarClasses(starts: starts)
  }

  /// The classes of the scalar at a position before the end, and where the next begins.
  @inline(__always)
  func at(_ position: Int, _ text: UnsafeBufferPointer<UInt8>) -> (bits: UInt8, next: Int) {
    let byte = text[position]
    if byte < 0x80 { return (classes[UInt32(byte)], position &+ 1) }
    let (value, length) = UTF8Scalars.decode(text, at: position)
    return (classes[value], position &+ length)
  }

  /// The classes of the scalar at a position; none at the end.
  @inline(__always)
  func bits(_ position: Int, _ text: UnsafeBufferPointer<UInt8>) -> UInt8 {
    position < text.count ? at(position, text).bits : 0
  }

  /// Goes on while a scalar has one of these bits.
  @inline(__always)
  func skip(_ wanted: UInt8, _ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var position = start
    while position < text.count {
      let (bits, next) = at(position, text)
      if bits & wanted == 0 { break }
      position = next
    }
    return position
  }

  /// Goes on while a scalar has none of these bits.
  @inline(__always)
  func skip(without unwanted: UInt8, _ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var position = start
    while position < text.count {
      let (bits, next) = at(position, text)
      if bits & unwanted != 0 { break }
      position = next
    }
    return position
  }

  /// Goes on while a scalar has one of these bits, for at most so many scalars.
  @inline(__always)
  func skip(_ wanted: UInt8, atMost most: Int, _ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var position = start
    var left = most
    while position < text.count, left > 0 {
      let (bits, next) = at(position, text)
      if bits & wanted == 0 { break }
      position = next
      left -= 1
    }
    return position
  }
}
