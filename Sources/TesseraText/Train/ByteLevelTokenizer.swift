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
    let stage: JSON = [
      "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    ]
    return try TextTokenizer(trained, from: trainer, cutting: try WordCutting(preTokenizer: stage, unit: .document))
  }
}
