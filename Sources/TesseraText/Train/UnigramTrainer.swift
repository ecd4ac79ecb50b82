/// Learns a vocabulary of pieces with probabilities, of which the most probable sequence makes up a text.
///
///     var trainer = UnigramTrainer(vocabularySize: 8000)
///     trainer.characterCoverage = 1
///     let model = try trainer.train(on: words, normalization: .nmtNFKC)
///     let tokenizer = try TextTokenizer(bytes: model.serialized())
///
/// All substrings that occur in more than one context are candidates. Then, in turns, the probabilities are fitted to the words by
/// expectation and maximization, and the pieces whose loss costs least are dropped, until the vocabulary is small enough.
///
/// Paper: *Subword Regularization*, Kudo 2018 (arXiv 1804.10959), section 3.2; the steps and constants are those of
/// sentencepiece's trainer. Unlike there, candidates are weighted by how often their words occur, and a word cut into parts that no
/// piece may join (scripts, digits, symbols) is trained part by part, equal parts once.
///
/// The result depends on the words and the options alone: sums are taken in fixed point, so that no order of threads shows.
public struct UnigramTrainer: Sendable {
  /// The size of the vocabulary, with control symbols, bytes and characters. It is not reached when the words give fewer pieces.
  public var vocabularySize: Int
  /// The share of all characters that get a piece of their own; the rarest beyond it are unknown.
  public var characterCoverage = 0.9995
  /// Characters that get a piece in any case.
  public var requiredCharacters: [Unicode.Scalar] = []
  /// The most characters of a piece.
  public var maximumPieceLength = 16
  /// The most candidates.
  public var seedSize = 1_000_000
  /// The share of the pieces that each turn keeps.
  public var shrinkingFactor = 0.75
  /// How often probabilities are fitted before pieces are dropped.
  public var subIterations = 2
  /// Whether pieces keep to one script; digits and symbols count as one of their own.
  public var splitsScripts = true
  /// Whether each digit is a piece of its own.
  public var splitsDigits = false
  /// Whether there are 256 pieces for the bytes of unknown characters.
  public var usesByteFallback = false
  /// Marks that stand for no text.
  public var controlSymbols: [String] = []
  /// Texts that are always one piece.
  public var userDefinedSymbols: [String] = []
  /// The number of threads; `nil` for one per core.
  public var threads: Int?
  /// Is told how far the run has come.
  public var progress: TrainingProgressHandler?
  /// Where to keep what was done, so that a later run with the same words and options goes on from there.
  public var checkpoint: String?

  /// Makes a trainer with sentencepiece's defaults.
  public init(vocabularySize: Int = 8000) { self.vocabularySize = vocabularySize }

  /// Trains on words that were cut before each space mark.
  ///
  /// - Parameter normalization: the rules by which the words were cut; they become part of the model.
  /// - Throws: ``TokenizerError`` for options that cannot be, and what ``progress`` throws.
  /// - Complexity: O(n log n) for n characters of distinct words, then O(n · turns).
  public func train(
    on words: CountedWords, normalization: SentencePieceNormalization = .nmtNFKC
  ) throws -> SentencePieceModel {
    let specials = try specialPieces()
    let text = UnigramText(words, self)
    let room = vocabularySize - specials.count
    guard room > text.alphabet.count else {
      throw TokenizerError(
        .invalidRequest,
        "a vocabulary of \(vocabularySize) has no room for \(specials.count) special pieces and the "
          + "\(text.alphabet.count) characters; ask for more than \(specials.count + text.alphabet.count)")
    }
    guard text.symbols.count < 1 << 27, seedSize < 1 << 26 else {
      throw TokenizerError(
        .limitExceeded, "distinct words of 2^27 characters, or 2^26 candidates, are too much at once")
    }
    let found = try pieces(of: text, room: room)
    var model = SentencePieceModel()
    model.trainer = specification()
    model.normalizer = try normalization.specification()
    model.pieces = specials + found.map { SentencePieceModel.Piece($0.text, score: Float($0.score)) }
    return model
  }

  private func pieces(of text: UnigramText, room: Int) throws -> [(text: String, score: Double)] {
    try report(.findingCandidates, 0, 1)
    var vocabulary = UnigramSeeds.find(in: text, limit: seedSize, maximumLength: maximumPieceLength)
    let fingerprint = checkpoint == nil ? 0 : text.fingerprint(of: self)
    let target = room * 11 / 10
    let start = vocabulary.count
    if let checkpoint, let saved = try UnigramCheckpoint(path: checkpoint, fingerprint: fingerprint) {
      try vocabulary.restore(saved)
    }
    while true {
      for _ in 0..<max(1, subIterations) {
        let expected = UnigramExpectation.counts(text, vocabulary, threads: threads)
        vocabulary.maximize(expected)
      }
      try report(.choosingTokens, start - vocabulary.count, max(1, start - target))
      if vocabulary.count <= target { break }
      let before = vocabulary.count
      UnigramPruning.prune(
        &vocabulary, text, to: max(target, Int(shrinkingFactor * Double(before))), threads: threads)
      if vocabulary.count == before { break }
      if let checkpoint { try vocabulary.saved(fingerprint: fingerprint).write(to: checkpoint) }
    }
    if let checkpoint { UnigramCheckpoint.remove(checkpoint) }
    return vocabulary.final(text, room: room)
  }

  private func report(_ stage: TrainingProgress.Stage, _ completed: Int, _ total: Int) throws {
    try Task.checkCancellation()
    try progress?(TrainingProgress(stage: stage, completed: completed, total: total))
  }

  /// The pieces in front of all others: unknown, begin, end, symbols, bytes.
  private func specialPieces() throws -> [SentencePieceModel.Piece] {
    guard (1...31).contains(maximumPieceLength) else {
      throw TokenizerError(.invalidRequest, "pieces of at most \(maximumPieceLength) characters; 1 to 31 are possible")
    }
    guard shrinkingFactor > 0, shrinkingFactor < 1, characterCoverage > 0, characterCoverage <= 1 else {
      throw TokenizerError(
        .invalidRequest, "the shrinking factor lies between 0 and 1, the coverage above 0, at most 1")
    }
    var pieces = [
      SentencePieceModel.Piece("<unk>", kind: .unknown), .init("<s>", kind: .control), .init("</s>", kind: .control),
    ]
    pieces += controlSymbols.map { .init($0, kind: .control) }
    pieces += userDefinedSymbols.map { .init($0, kind: .userDefined) }
    var seen = Set<[UInt8]>()
    for piece in pieces where piece.bytes.isEmpty || !seen.insert(piece.bytes).inserted {
      throw TokenizerError(.invalidRequest, "the symbol '\(piece.text)' is empty or given twice")
    }
    guard usesByteFallback else { return pieces }
    let digits = Array("0123456789ABCDEF")
    return pieces + (0..<256).map { .init("<0x\(digits[$0 >> 4])\(digits[$0 & 15])>", kind: .byte) }
  }

  private func specification() -> SentencePieceTrainerSpec {
    var trainer = SentencePieceTrainerSpec()
    trainer.kind = .unigram
    trainer.message.set(4, .varint(UInt64(vocabularySize)))
    if usesByteFallback { trainer.usesByteFallback = true }
    return trainer
  }
}
