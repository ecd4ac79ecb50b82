/// The classes of scalars that normalizers and pre-tokenizers test, as the reference library sees them.
///
/// The reference takes them from several crates of different age: white space, numbers and the word class follow a
/// recent Unicode, `combiningMark` Unicode 9, and `nonspacingMark`, `punctuation` and `control` an older one. The table
/// holds what its build answered for every scalar.
struct CharacterClass: OptionSet, Sendable {
  let rawValue: UInt8

  /// White space of the Rust standard library; also `\s` of its regular expressions.
  static let whitespace = CharacterClass(rawValue: 1 << 0)
  /// Categories Nd, Nl and No, as the Digits pre-tokenizer splits.
  static let numeric = CharacterClass(rawValue: 1 << 1)
  /// ASCII punctuation and symbols, and category P beyond, as the Punctuation and Bert pre-tokenizers split.
  static let punctuation = CharacterClass(rawValue: 1 << 2)
  /// `\w` of the Whitespace pre-tokenizer and of single-word added tokens.
  static let word = CharacterClass(rawValue: 1 << 3)
  /// Category M, dropped by the StripAccents normalizer.
  static let combiningMark = CharacterClass(rawValue: 1 << 4)
  /// Category Mn among the scalars that canonical decomposition leaves, dropped by the Bert normalizer.
  static let nonspacingMark = CharacterClass(rawValue: 1 << 5)
  /// What the Bert normalizer's cleaning drops: controls, formats, private use, NUL and U+FFFD; tab, LF and CR stay.
  static let control = CharacterClass(rawValue: 1 << 6)
  /// The ideographs that the Bert normalizer puts between spaces.
  static let ideograph = CharacterClass(rawValue: 1 << 7)

  /// The table behind `of`; hold it in a local in a loop.
  static let table = ScalarClasses(starts: PackedNumbers.classRuns(ScalarClassData.classes))

  /// The classes of a scalar. O(1).
  @inline(__always)
  static func of(_ scalar: UInt32) -> CharacterClass { CharacterClass(rawValue: table[scalar]) }
}

/// Scripts as the UnicodeScripts pre-tokenizer compares them: kana count as Han, and numbers stand for names.
enum ScriptClass {
  /// A number per script; 0 belongs with every script.
  static let table = ScalarClasses(starts: PackedNumbers.classRuns(ScalarClassData.scripts))

  /// The script number of a scalar, 0 when it goes with any script. O(1).
  @inline(__always)
  static func of(_ scalar: UInt32) -> UInt8 { table[scalar] }
}

/// What the Nmt normalizer does with a scalar.
enum NmtAction: Sendable {
  case keep, remove, space

  /// The action for a scalar. O(1).
  @inline(__always)
  static func of(_ scalar: UInt32) -> NmtAction {
    switch scalar {
    case 0x09, 0x0A, 0x0C, 0x0D: .space
    case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: .remove
    case 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: .space
    default: .keep
    }
  }
}

extension PackedNumbers {
  /// The runs of a table whose values fit a byte.
  static func classRuns(_ text: StaticString) -> [(scalar: UInt32, value: UInt8)] {
    runs(text).map { ($0.scalar, UInt8(truncatingIfNeeded: $0.value)) }
  }
}
