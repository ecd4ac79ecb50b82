/// Learns byte-pair encodings of executables and other files that are no text, in nested sizes.
///
///     let preset = try BinaryBPE(vocabularySize: 4096)
///     let words = try WordCounter(cutting: preset.cutting).count(files: paths)
///     let family = try preset.train(on: words)
///     let small = try family.tokenizer(vocabularySize: 1024)
///     let ids = try small.encode(bytes: bytes, options: .init(specialTokensInText: .text)).ids
///
/// Files are cut into chunks of equal size and into nothing else: no pattern and no normalization may touch bytes. One run at the
/// largest size gives all smaller vocabularies, whose ids are the first ones of the large vocabulary. The ids 0 to 6 are control
/// tokens, 7 to 262 the bytes in their order, then come merges; where the files give too few, runs of blanks that no merge makes
/// fill the vocabulary up to its size.
///
/// Two pairs that make the same bytes give one token here, as in ``BPETrainer``; the paper's trainer refuses the second pair. The
/// ids are those of the layout above; files of the paper's family are read with the ids they state.
///
/// Source: *Binary BPE: A Family of Cross-Platform Tokenizers for Binary Analysis*, 2025 (arXiv 2511.17573), abstract and the
/// released tokenizers: chunks of 8192 bytes, tokens of at most 16 bytes, vocabularies of 4k to 64k.
public struct BinaryBPE: Sendable {
  /// The control tokens, which get the first ids.
  public static let controlTokens = ["<|start|>", "<|end|>", "<|pad|>", "<|unk|>", "<|cls|>", "<|sep|>", "<|mask|>"]
  /// The sizes of the published family.
  public static let familySizes = [4096, 8192, 16_384, 32_768, 65_536]

  /// The size of the largest vocabulary, control tokens included.
  public let vocabularySize: Int
  /// Pairs that occur less often are not merged.
  public let minimumFrequency: Int
  /// The most bytes of a token; `nil` for no bound.
  public let maximumTokenLength: Int?
  /// How files are cut.
  public let chunks: ByteChunks
  /// Where to keep the merges found so far.
  public var checkpoint: String?

  /// Makes a preset.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` when the size has no room for control tokens and bytes, or when the
  ///   least frequency or the length is below 1.
  public init(
    vocabularySize: Int = 65_536, minimumFrequency: Int = 4, maximumTokenLength: Int? = 16,
    chunks: ByteChunks? = nil
  ) throws {
    let least = Self.controlTokens.count + 256
    guard vocabularySize >= least else {
      throw TokenizerError(
        .invalidRequest, "a vocabulary of \(vocabularySize); control tokens and bytes alone are \(least)")
    }
    guard minimumFrequency >= 1 else {
      throw TokenizerError(.invalidRequest, "a least frequency of \(minimumFrequency); expected at least 1")
    }
    if let maximumTokenLength, maximumTokenLength < 1 {
      throw TokenizerError(.invalidRequest, "tokens of at most \(maximumTokenLength) bytes; expected at least 1")
    }
    self.vocabularySize = vocabularySize
    self.minimumFrequency = minimumFrequency
    self.maximumTokenLength = maximumTokenLength
    self.chunks = try chunks ?? ByteChunks()
  }

  /// How to count words for this preset.
  public var cutting: WordCutting { WordCutting(chunks: chunks) }

  /// Trains on counted chunks.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` when there are none, and as ``BPETrainer/train(on:reading:progress:)``.
  public func train(
    on words: CountedWords, progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> BinaryBPEFamily {
    guard !words.isEmpty else {
      throw TokenizerError(.invalidRequest, "there is nothing to train on: no bytes, or none of the wanted entropy")
    }
    var trainer = BPETrainer(vocabularySize: vocabularySize)
    trainer.minimumFrequency = minimumFrequency
    trainer.specialTokens = Self.controlTokens
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    trainer.keepsAlphabetOrder = true
    trainer.limitTokens(to: maximumTokenLength)
    trainer.checkpoint = checkpoint
    let trained = try trainer.train(on: words, reading: .byteLevel, progress: progress)
    return BinaryBPEFamily(trained: trained, trainer: trainer, cutting: cutting)
  }
}

/// Vocabularies of one training run, each a beginning of the next.
public struct BinaryBPEFamily: Sendable {
  /// The largest vocabulary, without tokens that fill it up.
  public let trained: TrainedBPE
  let trainer: BPETrainer
  let cutting: WordCutting

  /// The tokenizer of one size: what training to that size gives.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` for a size that is too small for the bytes, or more than was trained for.
  /// - Complexity: O(n) for n tokens.
  public func tokenizer(vocabularySize size: Int) throws -> TextTokenizer {
    let least = trained.vocabulary.count - trained.learnedCount
    guard size >= least, size <= trainer.vocabularySize else {
      throw TokenizerError(.invalidRequest, "a vocabulary of \(size); expected \(least) to \(trainer.vocabularySize)")
    }
    let part = trained.prefix(min(size, trained.vocabulary.count)) ?? trained
    let runs = BlankRuns(of: [0x20, 0x09, 0x0A, 0x0D]).missing(in: part, count: size - part.vocabulary.count)
    let filled = TrainedBPE(
      vocabulary: part.vocabulary + runs.map { ByteLevelAlphabet.text(of: $0) }, steps: part.steps)
    return try TextTokenizer(filled, from: trainer, cutting: cutting)
  }
}

/// Runs of one blank, shorter ones first, that fill a vocabulary up.
struct BlankRuns {
  let blanks: [UInt8]

  init(of blanks: [UInt8]) { self.blanks = blanks }

  /// The first runs of at least two bytes that are no tokens yet, neither as text nor in the byte-level alphabet.
  func missing(in trained: TrainedBPE, count: Int) -> [[UInt8]] {
    guard count > 0 else { return [] }
    let tokens = Set(trained.vocabulary.map { Array($0.utf8) })
    var runs: [[UInt8]] = []
    var length = 2
    while runs.count < count {
      for blank in blanks where runs.count < count {
        let run = [UInt8](repeating: blank, count: length)
        if tokens.contains(run) || tokens.contains(Array(ByteLevelAlphabet.text(of: run).utf8)) { continue }
        runs.append(run)
      }
      length += 1
    }
    return runs
  }
}

extension BPETrainer {
  /// Sets the bound so that no learned token has more characters, single ones never merging under a bound of 1.
  mutating func limitTokens(to length: Int?) {
    maximumTokenLength = length.map { $0 + 1 }
    if length == 1 { minimumFrequency = .max }
  }
}
