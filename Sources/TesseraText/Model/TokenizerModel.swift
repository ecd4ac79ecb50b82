/// The part of a tokenizer that turns a word into tokens.
enum TokenizerModel: Sendable {
  case bpe(BPEModel)
  case wordPiece(WordPieceModel)
  case wordLevel(WordLevelModel)
  case unigram(UnigramModel)

  var vocabulary: TokenTable {
    switch self {
    case .bpe(let model): model.vocabulary
    case .wordPiece(let model): model.vocabulary
    case .wordLevel(let model): model.vocabulary
    case .unigram(let model): model.vocabulary
    }
  }

  /// The name in tokenizer.json.
  var name: String {
    switch self {
    case .bpe: "BPE"
    case .wordPiece: "WordPiece"
    case .wordLevel: "WordLevel"
    case .unigram: "Unigram"
    }
  }

  /// Whether words may be handed over as raw bytes instead of the byte-level alphabet.
  var readsRawBytes: Bool {
    if case .bpe(let model) = self { return model.rawBytes != nil }
    return false
  }

  /// Appends the tokens of one word to the scratch's output.
  func tokenize(_ word: UnsafeBufferPointer<UInt8>, isRaw: Bool, _ scratch: inout ModelScratch) throws {
    switch self {
    case .bpe(let model): try model.tokenize(word, isRaw: isRaw, &scratch)
    case .wordPiece(let model): try model.tokenize(word, &scratch)
    case .wordLevel(let model): try model.tokenize(word, &scratch)
    case .unigram(let model): try model.tokenize(word, &scratch)
    }
  }
}
