extension TextTokenizer {
  /// Trains a byte-level tokenizer: every byte has a token, so any text can be encoded and comes back exactly.
  ///
  /// Words are cut as GPT-2 cuts them.
  ///
  /// - Parameters:
  ///   - texts: the corpus; asked for one text after the other, so that it need not be in memory.
  ///   - trainer: sizes and limits; its initial alphabet is replaced by the 256 bytes.
  ///   - specialTokens: control tokens, which get the first ids.
  /// - Throws: whatever reading a text throws, and ``TokenizerError``.
  public static func trainByteLevelBPE(
    on texts: some Sequence<() throws -> [UInt8]>, with trainer: BPETrainer, specialTokens: [String] = [],
    progress: ((TrainingProgress) -> Void)? = nil
  ) throws -> TextTokenizer {
    var counts = WordCounts()
    let pattern = try ByteLevelAlphabet.gpt2Pattern()
    for text in texts {
      let bytes = Array(String(decoding: try text(), as: UTF8.self).utf8)
      bytes.withUnsafeBufferPointer { bytes in
        PreTokenizer.forEachSpan(of: pattern, in: bytes) { range, _ in
          counts.add(UnsafeBufferPointer(rebasing: bytes[range]))
        }
      }
    }
    var trainer = trainer
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    trainer.specialTokens = specialTokens
    let trained = try trainer.train(on: counts, reading: .byteLevel, progress: progress)
    return try TextTokenizer(byteLevel: trained, specialTokens: specialTokens)
  }

  /// A tokenizer from a trained byte-level vocabulary.
  init(byteLevel trained: TrainedBPE, specialTokens: [String]) throws {
    var table = TokenTableBuilder(capacity: trained.vocabulary.count)
    for (id, token) in trained.vocabulary.enumerated() { table.insert(token.utf8, id: UInt32(id)) }
    var pairs = MergeTableBuilder(capacity: trained.merges.count)
    for (rank, merge) in trained.merges.enumerated() {
      pairs.insert(merge.left, merge.right, .init(rank: UInt32(rank), id: merge.result))
    }
    var model = BPEModel(vocabulary: table.finish(), pairs: pairs.finish())
    model.prepareRawBytes()
    let byteLevel: JSON = [
      "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    ]
    let header: JSONObject = [
      "version": "1.0", "truncation": nil, "padding": nil, "normalizer": nil, "pre_tokenizer": byteLevel,
      "post_processor": nil, "decoder": byteLevel,
      "model": [
        "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
        "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
      ],
    ]
    let added = specialTokens.map { (token: AddedToken($0, isSpecial: true), id: UInt32?.none) }
    self.init(
      core: try TokenizerCore(TokenizerDescription(header: header, model: .bpe(model), addedTokens: added)))
  }
}
