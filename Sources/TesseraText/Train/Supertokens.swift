/// Learns a byte-level vocabulary whose tokens may cross words, such as ` of the`, in one pass.
///
///     let preset = try Supertokens(vocabularySize: 32_000)
///     let words = try WordCounter(cutting: preset.cutting()).count(files: paths)
///     let tokenizer = try preset.train(on: words, cutting: preset.cutting())
///
/// For training, text is cut into contiguous chunks of random lengths in the place of words: bell-shaped around 12 characters, so
/// that every neighbourhood of words falls into one chunk somewhere. For encoding, text is not cut at all; merges run over all of it.
///
/// Source: *Achieving Tokenizer Flexibility in Language Models through Heuristic Adaptation and Supertoken Learning*, 2025 (arXiv
/// 2505.09738), the part on Supertokens, with the lengths of the released configuration, whose weights are brought to a sum of 1.
public struct Supertokens: Sendable {
  /// The released distribution of lengths.
  public static let releasedLengths =
    "4-5:.044,6-7:.091,8-9:.146,10-11:.171,12-13:.185,14-15:.171,16-17:.146,18-19:.091,20-21:.044,22-23:.011"

  /// The size of the vocabulary.
  public var vocabularySize: Int
  /// How text is cut for training.
  public var chunks: RandomChunks
  /// Pairs that occur less often are not merged.
  public var minimumFrequency = 2
  /// The most byte-level characters of a token; `nil` for no bound.
  public var maximumTokenLength: Int? = 30
  /// Tokens that get the first ids.
  public var specialTokens = ["<|endoftext|>", "<|beginoftext|>", "<|image|>", "<|audio|>"]
  /// The form that text is normalized to; `nil` keeps it as it is.
  public var normalization: String? = "NFC"
  /// Where to keep the merges found so far.
  public var checkpoint: String?

  /// Makes a preset.
  ///
  /// - Parameters:
  ///   - lengths: as ``RandomChunks/init(_:seed:droppedRun:)`` reads them. Runs of seven equal characters are dropped in training.
  ///   - seed: other seeds give other chunks.
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` that names the entry of the lengths.
  public init(vocabularySize: Int = 128_000, lengths: String = releasedLengths, seed: UInt64 = 1) throws {
    self.vocabularySize = vocabularySize
    chunks = try RandomChunks(lengths, seed: seed, droppedRun: 7)
  }

  /// How to count words for this preset.
  public func cutting(unit: WordCutting.Unit = .document) throws -> WordCutting {
    try WordCutting(
      randomChunks: chunks, normalizer: normalization.map { ["type": .string($0)] } ?? .null, unit: unit)
  }

  /// Trains on counted chunks.
  ///
  /// - Throws: as ``BPETrainer/train(on:reading:progress:)``.
  public func train(
    on words: CountedWords, cutting: WordCutting, progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> TextTokenizer {
    var trainer = BPETrainer(vocabularySize: vocabularySize)
    trainer.minimumFrequency = minimumFrequency
    trainer.specialTokens = specialTokens
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    trainer.limitTokens(to: maximumTokenLength)
    trainer.checkpoint = checkpoint
    let trained = try trainer.train(on: words, reading: .byteLevel, progress: progress)
    return try TextTokenizer(trained, from: trainer, cutting: cutting)
  }
}
