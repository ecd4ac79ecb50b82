/// The questions that the stages of a pipeline ask about scalars, answered as the reference library does.
enum UnicodeClasses {
  static func isWhitespace(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.whitespace) }
  static func isNumeric(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.numeric) }
  static func isPunctuation(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.punctuation) }
  /// `\w` of the search for added tokens and of the `Whitespace` pre-tokenizer.
  static func isWordCharacter(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.word) }
  /// `\s` of the same patterns.
  static func isPatternSpace(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.whitespace) }
  static func isCombiningMark(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.combiningMark) }
  static func isNonspacingMark(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.nonspacingMark) }
  /// What BERT's cleaning removes.
  static func isOther(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.control) }
  static func isBertIdeograph(_ scalar: UInt32) -> Bool { CharacterClass.of(scalar).contains(.ideograph) }
  static func lowercase(_ scalar: UInt32) -> (UInt32, UInt32, UInt32) { LowercaseMapping.shared(scalar) }
  static func script(_ scalar: UInt32) -> UInt8 { ScriptClass.of(scalar) }
  /// The script of what belongs to any script: the space.
  static let anyScript = ScriptClass.of(0x20)
}
