extension TextTokenizer {
  /// A tokenizer from a trained byte-pair-encoding vocabulary.
  ///
  /// - Parameters:
  ///   - trainer: the trainer, for its special and required tokens, prefix and suffix.
  ///   - cutting: how the words were cut; its stages become those of the tokenizer.
  ///   - unknownToken: stands for characters outside the alphabet; it has to be a special token.
  /// - Throws: ``TokenizerError``.
  public init(
    _ trained: TrainedBPE, from trainer: BPETrainer, cutting: WordCutting, unknownToken: String? = nil
  ) throws {
    try Self.check(unknownToken, in: trainer.specialTokens)
    var pairs = MergeTableBuilder(capacity: trained.merges.count)
    for (rank, merge) in trained.merges.enumerated() {
      pairs.insert(merge.left, merge.right, .init(rank: UInt32(rank), id: merge.result))
    }
    var model = BPEModel(vocabulary: Self.table(trained.vocabulary), pairs: pairs.finish())
    model.continuingSubwordPrefix = Array((trainer.continuingSubwordPrefix ?? "").utf8)
    model.endOfWordSuffix = Array((trainer.endOfWordSuffix ?? "").utf8)
    model.unknownToken = unknownToken
    model.prepareRawBytes()
    func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }
    let parameters: JSON = [
      "type": "BPE", "dropout": nil, "unk_token": optional(unknownToken),
      "continuing_subword_prefix": optional(trainer.continuingSubwordPrefix),
      "end_of_word_suffix": optional(trainer.endOfWordSuffix), "fuse_unk": false, "byte_fallback": false,
      "ignore_merges": false,
    ]
    try self.init(
      .bpe(model), parameters, cutting, decoder: Self.decoder(trainer, cutting), special: trainer.specialTokens,
      required: trainer.requiredTokens)
  }

  /// A WordPiece tokenizer from a vocabulary that was trained with a continuing prefix.
  ///
  /// - Throws: ``TokenizerError``.
  public init(
    wordPiece trained: TrainedBPE, from trainer: BPETrainer, cutting: WordCutting, unknownToken: String = "[UNK]"
  ) throws {
    try Self.check(unknownToken, in: trainer.specialTokens)
    let prefix = trainer.continuingSubwordPrefix ?? "##"
    var model = WordPieceModel(vocabulary: Self.table(trained.vocabulary))
    model.unknownToken = unknownToken
    model.continuingSubwordPrefix = Array(prefix.utf8)
    let parameters: JSON = [
      "type": "WordPiece", "unk_token": .string(unknownToken), "continuing_subword_prefix": .string(prefix),
      "max_input_chars_per_word": 100,
    ]
    try self.init(
      .wordPiece(model), parameters, cutting,
      decoder: ["type": "WordPiece", "prefix": .string(prefix), "cleanup": true],
      special: trainer.specialTokens, required: trainer.requiredTokens)
  }

  /// A tokenizer with one token per word.
  ///
  /// - Parameter vocabulary: the words in the order of ids, special tokens first.
  /// - Throws: ``TokenizerError``.
  public init(
    words vocabulary: [String], from trainer: WordLevelTrainer, cutting: WordCutting, unknownToken: String = "<unk>"
  ) throws {
    try Self.check(unknownToken, in: trainer.specialTokens)
    var model = WordLevelModel(vocabulary: Self.table(vocabulary))
    model.unknownToken = unknownToken
    try self.init(
      .wordLevel(model), ["type": "WordLevel", "unk_token": .string(unknownToken)], cutting, decoder: nil,
      special: trainer.specialTokens, required: [])
  }

  private init(
    _ model: TokenizerModel, _ parameters: JSON, _ cutting: WordCutting, decoder: JSON, special: [String],
    required: [String]
  ) throws {
    let header: JSONObject = [
      "version": "1.0", "truncation": nil, "padding": nil, "normalizer": cutting.normalizer,
      "pre_tokenizer": cutting.preTokenizer, "post_processor": nil, "decoder": decoder, "model": parameters,
    ]
    var added = special.map { (token: AddedToken($0, isSpecial: true), id: UInt32?.none) }
    for text in required where !special.contains(where: { $0.utf8.elementsEqual(text.utf8) }) {
      var token = AddedToken(text)
      token.isNormalized = false
      added.append((token, nil))
    }
    self.init(core: try TokenizerCore(TokenizerDescription(header: header, model: model, addedTokens: added)))
  }

  private static func table(_ vocabulary: [String]) -> TokenTable {
    var table = TokenTableBuilder(capacity: vocabulary.count)
    for (id, token) in vocabulary.enumerated() { table.insert(token.utf8, id: UInt32(id)) }
    return table.finish()
  }

  private static func check(_ unknownToken: String?, in special: [String]) throws {
    guard let unknownToken, !special.contains(where: { $0.utf8.elementsEqual(unknownToken.utf8) }) else { return }
    throw TokenizerError(.invalidRequest, "the unknown token '\(unknownToken)' has to be one of the special tokens")
  }

  /// What undoes the cutting.
  private static func decoder(_ trainer: BPETrainer, _ cutting: WordCutting) -> JSON {
    if cutting.isByteLevel {
      return ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true]
    }
    if let suffix = trainer.endOfWordSuffix { return ["type": "BPEDecoder", "suffix": .string(suffix)] }
    if let prefix = trainer.continuingSubwordPrefix {
      return ["type": "WordPiece", "prefix": .string(prefix), "cleanup": false]
    }
    let stages = cutting.preTokenizer["pretokenizers"]?.arrayValue ?? [cutting.preTokenizer]
    return stages.last { $0["type"]?.stringValue == "Metaspace" } ?? .null
  }
}
