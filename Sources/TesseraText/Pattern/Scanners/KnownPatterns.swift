extension SplitPattern {
  /// The scanner of a pattern that released tokenizers use, found by its exact text.
  static func scanner(for source: String, dialect: Dialect) -> Once<any PieceScanner>? {
    // Line ends stand in files as themselves or escaped.
    let key = source.unicodeScalars.reduce(into: "") { key, scalar in
      switch scalar {
      case "\r": key += #"\r"#
      case "\n": key += #"\n"#
      default: key.unicodeScalars.append(scalar)
      }
    }
    guard let family = KnownPattern.all[key] else { return nil }
    if let only = family.dialect, only != dialect { return nil }
    return Once { family.make(dialect) }
  }

  /// BERT's pre-tokenizer, which is no pattern: pieces between blanks, every punctuation scalar on its own.
  static var bert: some PieceScanner { KnownPattern.bert }
}

/// Texts of patterns and what scans for them.
struct KnownPattern: Sendable {
  let dialect: SplitPattern.Dialect?
  let make: @Sendable (SplitPattern.Dialect) -> any PieceScanner

  private init(
    _ dialect: SplitPattern.Dialect? = nil, _ make: @escaping @Sendable (SplitPattern.Dialect) -> any PieceScanner
  ) {
    self.dialect = dialect
    self.make = make
  }

  private static let blanks = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let upper = #"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"#
  private static let lower = #"\p{Ll}\p{Lm}\p{Lo}\p{M}"#
  private static let lead = #"[^\r\n\p{L}\p{N}]?"#

  /// The word rules of the o200k family.
  private static func words(_ excluded: String, _ end: String) -> String {
    "\(lead)[\(upper)\(excluded)]*[\(lower)\(excluded)]+\(end)|\(lead)[\(upper)\(excluded)]+[\(lower)\(excluded)]*\(end)"
  }

  private static func llama(_ word: String, _ digits: String, _ rest: String) -> String {
    "\(contractions)|\(lead)\(word)+|\(digits)| ?[^\\s\(rest)\\p{N}]+[\\r\\n]*\(blanks)"
  }

  static let all: [String: KnownPattern] = [
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: gpt2,
    #"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: gpt2,
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: gpt2,
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"#: KnownPattern(.rust, gpt2.make),
    #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"#
      + #"|\s+(?!\S)|\s"#: KnownPattern(.rust) { CL100KScanner(classes: .standard($0), takesAllAtEnd: true) },
    #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#:
      KnownPattern { CL100KScanner(classes: .standard($0)) },
    llama(#"\p{L}"#, #"\p{N}{1,3}"#, #"\p{L}"#): KnownPattern { CL100KScanner(classes: .standard($0)) },
    llama(#"\p{L}"#, #"\p{N}"#, #"\p{L}"#): KnownPattern { CL100KScanner(classes: .standard($0), digits: 1) },
    llama(#"[\p{L}\p{M}]"#, #"\p{N}"#, #"\p{L}\p{M}"#): KnownPattern {
      CL100KScanner(classes: .standard($0), digits: 1, word: ScanClasses.letter | ScanClasses.mark)
    },
    words("", contractions + "?") + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + blanks: KnownPattern {
      O200KScanner(classes: .standard($0))
    },
    words("", "") + #"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + blanks: KnownPattern {
      O200KScanner(classes: .standard($0), digits: 1, joinsContractions: false)
    },
    #"[\p{Han}]+|"# + words(#"&&[^\p{Han}]"#, contractions + "?") + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + blanks:
      KnownPattern { O200KScanner(classes: .withHan($0), takesSlashes: false, separatesHan: true) },
    #"\p{N}{1,3}"#: KnownPattern { ClassRunScanner(named("N", $0), atMost: 3) },
    #"[一-龥぀-ゟ゠-ヿ]+"#: KnownPattern { _ in
      ClassRunScanner(ideographs)
    },
    ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"##
      + blanks: KnownPattern {
        DeepSeekScanner(classes: .standard($0))
      },
    #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#: KnownPattern {
      CLIPScanner(classes: .standard($0))
    },
    #"\w+|[^\w\s]+"#: KnownPattern { whitespace($0) },
  ]

  /// What DeepSeek's second pattern takes for Chinese and Japanese.
  static let ideographs = ScalarSet(0x4E00...0x9FA5, 0x3040...0x309F, 0x30A0...0x30FF)

  private static let gpt2 = KnownPattern { GPT2Scanner(classes: .standard($0)) }

  static func properties(_ dialect: SplitPattern.Dialect) -> UnicodeProperties {
    dialect == .oniguruma ? .oniguruma : .rust
  }

  static func named(_ name: String, _ dialect: SplitPattern.Dialect) -> ScalarSet {
    properties(dialect).named(name, in: dialect) ?? .empty
  }

  private static func whitespace(_ dialect: SplitPattern.Dialect) -> WhitespaceScanner {
    let properties = properties(dialect)
    func inBracket(_ key: String) -> ScalarSet {
      properties.property("[\(key)]") ?? properties.property(key) ?? .empty
    }
    return WhitespaceScanner(
      words: properties.property("\\w") ?? .empty, blanksAndWords: inBracket("\\w").union(inBracket("\\s")))
  }

  fileprivate static let bert = BertScanner(
    punctuation: UnicodeProperties.oniguruma.property("[bert]") ?? .empty,
    blanks: UnicodeProperties.rust.property("\\s") ?? .empty)
}
