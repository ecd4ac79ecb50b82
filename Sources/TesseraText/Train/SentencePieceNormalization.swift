import Synchronization

/// The named normalizations of sentencepiece's trainer, built from Unicode's own rules.
///
/// As in the library, a character and its decomposed form have one and the same result. The tables here follow the Unicode
/// version of this toolkit, so characters newer than the library's tables are treated too.
public enum SentencePieceNormalization: String, Sendable, CaseIterable {
  /// Nothing is changed.
  case identity
  /// Compatibility composition.
  case nfkc
  /// Compatibility composition, then the rules for controls and blanks of neural machine translation. The default.
  case nmtNFKC = "nmt_nfkc"
  /// ``nfkc`` in lower case.
  case nfkcCF = "nfkc_cf"
  /// ``nmtNFKC`` in lower case.
  case nmtNFKCCF = "nmt_nfkc_cf"

  private var folds: Bool { self == .nfkcCF || self == .nmtNFKCCF }
  private var isNmt: Bool { self == .nmtNFKC || self == .nmtNFKCCF }

  /// Whether printable ASCII or its blanks become something other than a space.
  var changesASCII: Bool { folds || !isNmt }

  /// The normalizer part of a model file: this rule, folded spaces and a mark in front.
  ///
  /// - Complexity: O(Unicode) when it is first asked for.
  func specification() throws -> SentencePieceNormalizerSpec {
    var specification = SentencePieceNormalizerSpec()
    specification.name = rawValue
    specification.addsDummyPrefix = true
    specification.removesExtraWhitespaces = true
    specification.escapesWhitespaces = true
    if self != .identity {
      specification.precompiledCharsMap = try Self.tables.withLock { tables in
        if let table = tables[rawValue] { return table }
        let table = try CharsMap.build(from: rules()).blob
        tables[rawValue] = table
        return table
      }
    }
    return specification
  }

  /// The tables that were built already.
  private static let tables = Mutex<[String: [UInt8]]>([:])

  private func rules() -> [(key: String, replacement: String)] {
    var rules: [(key: String, replacement: String)] = []
    let decomposing = Normalizer(.nfkd)
    // Nothing beyond the tertiary ideographs has a mapping.
    for value in UInt32(1)...0x3FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = String(scalar)
      if isNmt, NmtAction.of(value) != .keep {
        rules.append((text, NmtAction.of(value) == .space ? " " : ""))
        continue
      }
      let isFixed = text.utf8.withContiguousStorageIfAvailable { decomposing.isNormalized($0) } ?? false
      if isFixed, !folds { continue }
      let result = mapped(text)
      if !result.utf8.elementsEqual(text.utf8) { rules.append((text, result)) }
      // Hangul syllables are so many that their jamo are left to the encoder's rule for unknown characters.
      guard !(0xAC00...0xD7A3).contains(value) else { continue }
      let decomposed = Self.normalized(text, .nfd)
      guard !decomposed.utf8.elementsEqual(text.utf8), !decomposed.utf8.elementsEqual(result.utf8) else { continue }
      rules.append((decomposed, result))
    }
    return rules
  }

  private func mapped(_ text: String) -> String {
    var result = Self.normalized(text, .nfkc)
    guard folds else { return result }
    var lower = String.UnicodeScalarView()
    for scalar in result.unicodeScalars {
      let (first, second, third) = UnicodeClasses.lowercase(scalar.value)
      for value in [first, second, third] where value != 0 { Unicode.Scalar(value).map { lower.append($0) } }
    }
    result = String(lower)
    return result
  }

  private static func normalized(_ text: String, _ form: NormalizationForm) -> String {
    var bytes: [UInt8] = []
    var normalizer = Normalizer(form)
    Array(text.utf8).withUnsafeBufferPointer { normalizer.append($0, to: &bytes) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
