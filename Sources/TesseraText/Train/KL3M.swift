/// Byte-level tokenizers for law, finance and government, and short-token tokenizers for mending text.
///
///     let domain = try KL3M(.domain(customTokens: KL3M.customTokens(KL3M.TokenGroup.allCases)), vocabularySize: 32_768)
///     let words = try WordCounter(cutting: domain.cutting()).count(files: contracts)
///     let tokenizer = try domain.train(on: words, cutting: domain.cutting())
///
/// The *domain* recipe adds curated tokens to those that training finds: years, numbers, enumerations, marks of markup. They are
/// tokens wherever they stand, the longest first, and so may cut words: `1000` becomes `100` and `0`. The *character* recipe caps the length of
/// tokens, so that a word with a wrong letter falls into nearly the same pieces as the right one. Text is normalized to NFKC, so
/// decoding gives the normalized text. A vocabulary is filled up to a power of two with runs of spaces and line ends.
///
/// What differs from the paper's code: the alphabet is exactly the 256 bytes (there two bytes have no token); a vocabulary whose size
/// is a power of two is not doubled; custom tokens get the ids behind the control tokens instead of the last ones, and are compared
/// with learned ones as bytes, so that none is in the vocabulary twice unless it holds characters outside of printable ASCII.
///
/// Source: *KL3M Tokenizers: A Family of Domain-Specific and Character-Level Tokenizers for Legal, Financial, and Preprocessing
/// Applications*, 2025 (arXiv 2503.17247), the domain-specific and the character tokenizers.
public struct KL3M: Sendable {
  /// The control tokens, which get the first ids.
  public static let controlTokens = [
    "<|start|>", "<|end|>", "<|pad|>", "<|unk|>", "<|sep|>", "<|cls|>", "<|mask|>", "<|system|>", "</|system|>",
    "<|user|>", "</|user|>", "<|instruction|>", "</|instruction|>",
  ]

  /// The two families.
  public enum Recipe: Sendable, Equatable {
    /// Learned tokens of any length, and others that are tokens in any case.
    case domain(customTokens: [String])
    /// Learned tokens of at most so many byte-level characters; the published ones have 3 or 4.
    case characters(maximum: Int)
  }

  /// The family.
  public let recipe: Recipe
  /// The size of the vocabulary before it is filled up, control and custom tokens included.
  public let vocabularySize: Int
  /// Pairs that occur less often are not merged.
  public var minimumFrequency = 2
  /// `NFKC` or another form that a `normalizer` of tokenizer.json names; `nil` keeps text as it is, and decoding exact.
  public var normalization: String? = "NFKC"
  /// Whether the vocabulary is filled up to a power of two.
  public var fillsToPowerOfTwo = true
  /// Where to keep the merges found so far.
  public var checkpoint: String?

  /// Makes a preset. Custom tokens are sorted; single characters and repeated ones are left out.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` when the size has no room for control tokens, custom tokens and bytes, or
  ///   when tokens may have less than one character.
  public init(_ recipe: Recipe, vocabularySize: Int) throws {
    var least = Self.controlTokens.count + 256
    switch recipe {
    case .domain(let customTokens):
      let tokens = Self.cleaned(customTokens)
      least += tokens.count
      self.recipe = .domain(customTokens: tokens)
    case .characters(let maximum):
      guard maximum >= 1 else {
        throw TokenizerError(.invalidRequest, "tokens of at most \(maximum) characters; expected at least 1")
      }
      self.recipe = recipe
    }
    guard vocabularySize >= least else {
      throw TokenizerError(
        .invalidRequest, "a vocabulary of \(vocabularySize); control tokens, custom tokens and bytes alone are \(least)"
      )
    }
    self.vocabularySize = vocabularySize
  }

  /// Sorted by bytes, without repetition and single characters.
  private static func cleaned(_ tokens: [String]) -> [String] {
    Set(tokens.lazy.filter { $0.unicodeScalars.count > 1 }.map { Array($0.utf8) })
      .sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
  }

  /// How to count words for this preset: as GPT-2 cuts them.
  public func cutting(unit: WordCutting.Unit = .line) throws -> WordCutting {
    try WordCutting(
      normalizer: normalization.map { ["type": .string($0)] } ?? .null,
      preTokenizer: ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true],
      unit: unit)
  }

  /// Trains on counted words.
  ///
  /// - Throws: as ``BPETrainer/train(on:reading:progress:)``.
  public func train(
    on words: CountedWords, cutting: WordCutting, progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> TextTokenizer {
    var trainer = BPETrainer(vocabularySize: vocabularySize)
    trainer.minimumFrequency = minimumFrequency
    trainer.specialTokens = Self.controlTokens
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    trainer.checkpoint = checkpoint
    switch recipe {
    case .domain(let customTokens): trainer.requiredTokens = customTokens
    case .characters(let maximum): trainer.limitTokens(to: maximum)
    }
    var trained = try trainer.train(on: words, reading: .byteLevel, progress: progress)
    if fillsToPowerOfTwo {
      var size = 1
      while size < trained.vocabulary.count { size *= 2 }
      let runs = BlankRuns(of: [0x20, 0x0A]).missing(in: trained, count: size - trained.vocabulary.count)
      let texts = runs.map { String(decoding: $0, as: UTF8.self) }
      trainer.requiredTokens += texts
      trained = TrainedBPE(vocabulary: trained.vocabulary + texts, steps: trained.steps)
    }
    return try TextTokenizer(trained, from: trainer, cutting: cutting)
  }
}

extension KL3M {
  /// Kinds of custom tokens.
  public enum TokenGroup: String, Sendable, CaseIterable {
    /// Runs of blanks.
    case whitespace
    /// Marks of Markdown and runs of punctuation.
    case markdown
    /// Tags and attributes.
    case html
    /// Neighbouring marks of JSON and its words.
    case json
    /// Marks of XML.
    case xml
    /// 1776 to 2049.
    case years
    /// 10 to 999.
    case numbers
    /// (a), (A), (1) and (ii).
    case enumerations
  }

  /// The custom tokens of some groups.
  public static func customTokens(_ groups: [TokenGroup]) -> [String] { groups.flatMap(tokens) }

  private static func tokens(of group: TokenGroup) -> [String] {
    switch group {
    case .whitespace: runs(" \t\r\n") + ["\r\n", "\t "]
    case .markdown:
      (2...6).map { String(repeating: "#", count: $0) } + [
        "**", "~~", "```", "![", "](", "http://", "https://", "www.",
      ]
        + runs(".-=_*~")
    case .html:
      tags.flatMap { ["<\($0)", "</\($0)>", "<\($0.uppercased())", "</\($0.uppercased())>"] }
        + attributes.map { " \($0)=" } + ["/>", "=\"", "\">", "<!--", "-->"]
    case .json: ["{\"", "\"}", "\":", "\",", "\",\"", "\":\"", "[\"", "\"]", "[{", "}]", "},", "null", "true", "false"]
    case .xml: ["<?xml", "?>", "<![CDATA[", "]]>", "xmlns", "<!DOCTYPE"]
    case .years: (1776...2049).map(String.init)
    case .numbers: (10...999).map(String.init)
    case .enumerations:
      letters.flatMap { ["(\($0))", "(\($0.uppercased()))"] } + (1...99).map { "(\($0))" }
        + ["ii", "iii", "iv", "vi", "vii", "viii", "ix"].flatMap { ["(\($0))", "(\($0.uppercased()))"] }
    }
  }

  private static let letters = "abcdefghijklmnopqrstuvwxyz".map(String.init)
  private static let tags = [
    "html", "head", "body", "title", "meta", "link", "script", "style", "div", "span", "p", "br", "hr", "a", "img",
    "ul",
    "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6", "b",
    "i", "u", "em", "strong", "font", "center", "form", "input", "pre", "code", "sup", "sub", "blockquote", "section",
  ]
  private static let attributes = [
    "href", "src", "class", "id", "style", "name", "type", "value", "width", "height", "align", "valign", "colspan",
    "rowspan", "alt", "title", "content", "color", "size", "border",
  ]

  private static func runs(_ characters: String) -> [String] {
    characters.unicodeScalars.flatMap { scalar in
      (2...8).map { String(String.UnicodeScalarView(repeatElement(scalar, count: $0))) }
    }
  }
}
