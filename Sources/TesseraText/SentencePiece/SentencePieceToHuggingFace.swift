/// A SentencePiece model as a `tokenizer.json` of the Hugging Face library, the way its converters write one.
///
/// Unigram models become a `Unigram` with a `Metaspace` pre-tokenizer, as T5 and XLM-R have it. Merging models become a `BPE` whose
/// merges are all splits of all pieces into two pieces, ordered by the merged piece's score; with byte fallback they get the
/// normalizer and decoder of Llama. The two libraries differ in what they do with malformed and with unusual text, so that the
/// result is equal for ordinary text only.
///
/// - Throws: ``TokenizerError`` of kind `unsupported` for word and character models, which `tokenizer.json` has no idiom for, and
///   of kind `inconsistent` for a piece that is no UTF-8.
/// - Complexity: O(bytes of the pieces · log).
/// - Source: the behaviour of `convert_slow_tokenizer` in transformers 4.57.1, classes SpmConverter and LlamaConverter.
public func huggingFaceJSON(from model: SentencePieceModel) throws -> JSON {
  try HuggingFaceConversion(model).document()
}

private struct HuggingFaceConversion {
  private static let mark = "\u{2581}"

  let model: SentencePieceModel
  let texts: [String]
  /// Whether the model is written with Llama's idiom.
  let isLlama: Bool

  init(_ model: SentencePieceModel) throws {
    self.model = model
    texts = try model.pieces.enumerated().map { id, piece in
      guard let text = String(validating: piece.bytes, as: UTF8.self) else {
        throw TokenizerError(.inconsistent, "a piece that is no UTF-8", at: .key("pieces[\(id)]"))
      }
      return text
    }
    isLlama = model.trainer.kind == .bpe && model.trainer.usesByteFallback
  }

  func document() throws -> JSON {
    [
      "version": "1.0",
      "truncation": nil,
      "padding": nil,
      "added_tokens": .array(addedTokens()),
      "normalizer": normalizer(),
      "pre_tokenizer": isLlama ? nil : metaspace(),
      "post_processor": nil,
      "decoder": decoder(),
      "model": try body(),
    ]
  }

  private func body() throws -> JSON {
    switch model.trainer.kind {
    case .unigram:
      let vocabulary = zip(texts, model.pieces).map { JSON.array([.string($0), .number(Double($1.score))]) }
      let unknown = model.pieces.firstIndex { $0.kind == .unknown }
      return [
        "type": "Unigram",
        "unk_id": unknown.map { .integer(Int64($0)) } ?? .null,
        "vocab": .array(vocabulary),
        "byte_fallback": .bool(model.trainer.usesByteFallback),
      ]
    case .bpe:
      var vocabulary = JSONObject()
      for (id, text) in texts.enumerated() { vocabulary[text] = .integer(Int64(id)) }
      return [
        "type": "BPE",
        "dropout": nil,
        "unk_token": .string(String(decoding: model.trainer.unknownPiece, as: UTF8.self)),
        "continuing_subword_prefix": nil,
        "end_of_word_suffix": nil,
        "fuse_unk": true,
        "byte_fallback": .bool(model.trainer.usesByteFallback),
        "ignore_merges": false,
        "vocab": .object(vocabulary),
        "merges": .array(merges().map { [.string(texts[$0.left]), .string(texts[$0.right])] }),
      ]
    case .word, .character:
      throw TokenizerError(
        .unsupported, "a model of kind \(model.trainer.kind); only unigram and bpe can be written", at: .key("model"))
    }
  }

  private struct Merge {
    var left: Int
    var right: Int
    var score: Float
    var leftLength: Int
    var rightLength: Int
  }

  /// All splits of pieces into two pieces: better scores first, then longer left and longer right parts, in scalars.
  private func merges() -> [Merge] {
    let lengths = texts.map(\.unicodeScalars.count)
    let forward = PieceTrie(model.pieces.enumerated().map { ($1.bytes, Int32($0)) })
    let backward = PieceTrie(model.pieces.enumerated().map { (Array($1.bytes.reversed()), Int32($0)) })
    var all: [Merge] = []
    for (id, piece) in model.pieces.enumerated() {
      let heads = Self.prefixes(of: piece.bytes, in: forward)
      let tails = Self.prefixes(of: Array(piece.bytes.reversed()), in: backward)
      // Llama's converter gives the first three pieces, its special ones, the score zero.
      let score = isLlama && id < 3 ? 0 : piece.score
      var own: [Merge] = []
      for cut in 1..<Swift.max(1, piece.bytes.count) {
        let left = heads[cut]
        let right = tails[piece.bytes.count - cut]
        if left < 0 || right < 0 { continue }
        own.append(
          Merge(
            left: Int(left), right: Int(right), score: score, leftLength: lengths[Int(left)],
            rightLength: lengths[Int(right)]))
      }
      all += own.sorted { ($0.left, $0.right) < ($1.left, $1.right) }
    }
    let order = all.indices.sorted { first, second in
      let a = all[first]
      let b = all[second]
      if a.score != b.score { return a.score > b.score }
      if a.leftLength != b.leftLength { return a.leftLength > b.leftLength }
      return a.rightLength == b.rightLength ? first < second : a.rightLength > b.rightLength
    }
    return order.map { all[$0] }
  }

  /// For each length the value of the first bytes of a text, or -1.
  private static func prefixes(of text: [UInt8], in trie: PieceTrie) -> [Int32] {
    var result = [Int32](repeating: -1, count: text.count + 1)
    trie.cells.withUnsafeBufferPointer { cells in
      var node = PieceTrie.root
      for (index, byte) in text.enumerated() {
        node = PieceTrie.step(cells, node, byte)
        if node == PieceTrie.nowhere { break }
        result[index + 1] = trie.values[Int(node)]
      }
    }
    return result
  }

  private func addedTokens() -> [JSON] {
    zip(texts, model.pieces).enumerated().compactMap { id, entry in
      let kind = entry.1.kind
      guard kind == .control || kind == .userDefined || isLlama && kind == .unknown else { return nil }
      return [
        "id": .integer(Int64(id)), "content": .string(entry.0), "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": .bool(kind != .userDefined),
      ]
    }
  }

  private func normalizer() -> JSON {
    var steps: [JSON] = []
    let blob = model.normalizer.precompiledCharsMap
    if !blob.isEmpty {
      steps.append(["type": "Precompiled", "precompiled_charsmap": .string(Self.base64(blob))])
    }
    if isLlama {
      if model.normalizer.addsDummyPrefix { steps.append(["type": "Prepend", "prepend": .string(Self.mark)]) }
      steps.append(["type": "Replace", "pattern": ["String": " "], "content": .string(Self.mark)])
    } else if model.normalizer.removesExtraWhitespaces {
      steps.append(["type": "Strip", "strip_left": false, "strip_right": true])
      steps.append(["type": "Replace", "pattern": ["Regex": " {2,}"], "content": .string(Self.mark)])
    }
    return ["type": "Sequence", "normalizers": .array(steps)]
  }

  private func metaspace() -> JSON {
    [
      "type": "Metaspace", "replacement": .string(Self.mark),
      "prepend_scheme": model.normalizer.addsDummyPrefix ? "always" : "never", "split": true,
    ]
  }

  private func decoder() -> JSON {
    guard isLlama else { return metaspace() }
    var steps: [JSON] = [
      ["type": "Replace", "pattern": ["String": .string(Self.mark)], "content": " "],
      ["type": "ByteFallback"],
      ["type": "Fuse"],
    ]
    if model.normalizer.addsDummyPrefix {
      steps.append(["type": "Strip", "content": " ", "start": 1, "stop": 0])
    }
    return ["type": "Sequence", "decoders": .array(steps)]
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = Swift.min(3, bytes.count - start)
      var group = 0
      for index in 0..<3 { group = group << 8 | (index < count ? Int(bytes[start + index]) : 0) }
      for index in 0..<4 { text.append(index <= count ? digits[group >> (18 - 6 * index) & 63] : 0x3D) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
