/// Learns words first and then tokens that cross them: a second pass over word boundaries.
///
///     let preset = try Superwords(vocabularySize: 32_000, wordVocabularySize: 24_000)
///     let words = try WordCounter(cutting: preset.wordCutting()).count(files: paths)
///     let lines = try WordCounter(cutting: preset.lineCutting()).count(files: paths)
///     let tokenizer = try preset.train(words: words, lines: lines)
///
/// The first pass is ordinary byte-pair encoding inside words. For the second, whole lines are encoded with its merges, and merging
/// goes on over them without cuts until the vocabulary is full. For encoding, text is not cut; as merges run by rank, words are built
/// before they are joined. The memory of the second pass grows with the distinct lines.
///
/// Source: *SuperBPE: Space Travel for Language Models*, 2025 (arXiv 2503.13423), its method in its simplest form: of its further
/// rules for what may be joined only a bound on length is kept.
public struct Superwords: Sendable {
  /// The size of the vocabulary.
  public let vocabularySize: Int
  /// The size at which the second pass begins.
  public let wordVocabularySize: Int
  /// Pairs that occur less often are not merged.
  public var minimumFrequency = 2
  /// The most byte-level characters of a token that the second pass makes; `nil` for no bound.
  public var maximumTokenLength: Int? = 30
  /// Tokens that get the first ids.
  public var specialTokens: [String] = []

  /// Makes a preset.
  ///
  /// - Parameter wordVocabularySize: `nil` for nine tenths.
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` unless the first size is 256 up to the second.
  public init(vocabularySize: Int, wordVocabularySize: Int? = nil) throws {
    let first = wordVocabularySize ?? max(256, vocabularySize / 10 * 9)
    guard first >= 256, first <= vocabularySize else {
      throw TokenizerError(
        .invalidRequest, "words take \(first) tokens of \(vocabularySize); expected 256 to \(vocabularySize)")
    }
    self.vocabularySize = vocabularySize
    self.wordVocabularySize = first
  }

  /// How to count words for the first pass.
  public func wordCutting() throws -> WordCutting {
    try WordCutting(
      preTokenizer: ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true])
  }

  /// How to count lines for the second pass.
  public func lineCutting() throws -> WordCutting { try WordCutting(preTokenizer: WordCutting.wholeText) }

  /// Trains in two passes.
  ///
  /// - Throws: as ``BPETrainer/train(on:reading:progress:)``.
  public func train(
    words: CountedWords, lines: CountedWords, progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> TextTokenizer {
    let cutting = try lineCutting()
    var trainer = BPETrainer(vocabularySize: wordVocabularySize)
    trainer.minimumFrequency = minimumFrequency
    trainer.specialTokens = specialTokens
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    let first = try trainer.train(on: words, reading: .byteLevel, progress: progress)
    let encoder = try TextTokenizer(first, from: trainer, cutting: cutting)
    var texts = SymbolWords()
    try lines.forEach { line, count in
      texts.symbols.append(contentsOf: try encoder.ids(ofUTF8: line, specialTokensInText: .text))
      texts.endWord(count: count)
    }
    trainer.vocabularySize = vocabularySize
    trainer.maximumTokenLength = maximumTokenLength.map { $0 + 1 }
    let trained = try trainer.train(continuing: first, on: texts, progress: progress)
    return try TextTokenizer(trained, from: trainer, cutting: cutting)
  }
}
