extension GGUFTokenizer {
  private static let mark = "\u{2581}"

  /// The description as a `tokenizer.json`.
  ///
  /// - Throws: ``TokenizerError`` for a model or a splitting that is not known, and for merges that make no token.
  public func tokenizerJSON() throws -> JSON {
    switch model {
    case "gpt2": try byteLevelDescription()
    case "llama": try sentencePieceDescription()
    case "gemma4": try sentencePieceDescription()
    case "bert": wordPieceDescription()
    case "t5": try unigramDescription()
    default:
      throw TokenizerError(
        .unsupported, "the model \(model) is not known; expected gpt2, llama, gemma4, bert or t5",
        at: .key("tokenizer.ggml.model"))
    }
  }

  private var addedTokens: [JSON] {
    tokens.indices.compactMap { id in
      switch type(of: id) {
      case .control, .unknown: TokenizerDocument.addedToken(id, tokens[id])
      case .userDefined: TokenizerDocument.addedToken(id, tokens[id], special: false)
      default: nil
      }
    }
  }

  /// A repeated token keeps its first id, which is what a search from the front finds.
  private var vocabulary: JSONObject {
    var vocabulary = JSONObject()
    for (id, token) in tokens.enumerated() where vocabulary[token] == nil { vocabulary[token] = .integer(Int64(id)) }
    return vocabulary
  }

  private func named(_ id: Int?, if condition: Bool) -> [(Int, String)] {
    guard condition, let id else { return [] }
    return [(id, tokens[id])]
  }

  private func pairs(_ vocabulary: JSONObject) throws -> [JSON] {
    try merges.enumerated().map { index, merge in
      func fault(_ message: String) -> TokenizerError {
        TokenizerError(.inconsistent, message, at: .key("tokenizer.ggml.merges[\(index)]"))
      }
      // The first character may be a space itself.
      let scalars = merge.unicodeScalars
      guard let space = scalars.dropFirst().firstIndex(of: " ") else {
        throw fault("expected two tokens with a space between")
      }
      let left = String(scalars[..<space])
      let right = String(scalars[scalars.index(after: space)...])
      guard vocabulary[left] != nil, vocabulary[right] != nil, vocabulary[left + right] != nil else {
        throw fault("\(left) and \(right) do not make tokens of the vocabulary")
      }
      return [.string(left), .string(right)]
    }
  }

  private func byteLevelDescription() throws -> JSON {
    guard let splitting else {
      throw TokenizerError(.unsupported, "the splitting \(preTokenizer) is not known", at: .key("tokenizer.ggml.pre"))
    }
    guard !merges.isEmpty else {
      throw TokenizerError(.inconsistent, "is missing", at: .key("tokenizer.ggml.merges"))
    }
    let vocabulary = vocabulary
    let splits = splitting.patterns.map(TokenizerDocument.split)
    return TokenizerDocument.make(
      model: TokenizerDocument.bpe(
        vocabulary: vocabulary, merges: try pairs(vocabulary), ignoreMerges: splitting.ignoresMerges),
      normalizer: splitting.composes ? ["type": "NFC"] : nil,
      preTokenizer: TokenizerDocument.sequence(
        "pretokenizers", splits + [TokenizerDocument.byteLevel(useRegex: false)]),
      postProcessor: TokenizerDocument.template(
        before: named(startID, if: addsStart),
        after: named(splitting.addsSeparator ? separatorID ?? endID : endID, if: addsEnd || splitting.addsSeparator)),
      decoder: TokenizerDocument.byteLevel(useRegex: false), addedTokens: addedTokens)
  }

  /// sentencepiece BPE. Files of this kind hold scores and no merges: a merge is any split of a token into two tokens, and the
  /// better score goes first.
  private func sentencePieceDescription() throws -> JSON {
    let vocabulary = vocabulary
    let merges = merges.isEmpty ? mergesByScore() : try pairs(vocabulary)
    var normalizers = [TokenizerDocument.replace(" ", with: GGUFTokenizer.mark)]
    if addsSpacePrefix { normalizers.insert(["type": "Prepend", "prepend": .string(GGUFTokenizer.mark)], at: 0) }
    var decoders: [JSON] = [
      TokenizerDocument.replace(GGUFTokenizer.mark, with: " "), ["type": "ByteFallback"], ["type": "Fuse"],
    ]
    if addsSpacePrefix { decoders.append(["type": "Strip", "content": " ", "start": 1, "stop": 0]) }
    return TokenizerDocument.make(
      model: TokenizerDocument.bpe(
        vocabulary: vocabulary, merges: merges, unknown: unknownID.map { tokens[$0] }, fuseUnknown: true,
        byteFallback: true),
      normalizer: TokenizerDocument.sequence("normalizers", normalizers),
      preTokenizer: model == "gemma4" ? TokenizerDocument.split(#"[^\n]+|[\n]+"#) : nil,
      postProcessor: template, decoder: TokenizerDocument.sequence("decoders", decoders), addedTokens: addedTokens)
  }

  private var template: JSON {
    TokenizerDocument.template(before: named(startID, if: addsStart), after: named(endID, if: addsEnd))
  }

  private func mergesByScore() -> [JSON] {
    var table = ByteStringTable(capacity: tokens.count)
    var ids: [Int] = []
    for id in tokens.indices where type(of: id) != .control && type(of: id) != .unknown && type(of: id) != .byte {
      if table.insert(tokens[id].utf8).isNew { ids.append(id) }
    }
    var found: [(score: Double, id: Int, cut: Int)] = []
    for (index, id) in ids.enumerated() {
      let bytes = Array(table[index])
      // No token of a released file comes near; a longer one would cost the square of its length.
      guard bytes.count <= RankMerges.longestToken else { continue }
      for cut in 1..<max(1, bytes.count) where bytes[cut] & 0xC0 != 0x80 {
        guard table.find(bytes[..<cut]) != nil, table.find(bytes[cut...]) != nil else { continue }
        found.append((scores.isEmpty ? -Double(id) : scores[id], id, cut))
      }
    }
    found.sort { $0.score != $1.score ? $0.score > $1.score : ($0.id, $0.cut) < ($1.id, $1.cut) }
    return found.map { merge in
      let bytes = Array(tokens[merge.id].utf8)
      return [
        .string(String(decoding: bytes[..<merge.cut], as: UTF8.self)),
        .string(String(decoding: bytes[merge.cut...], as: UTF8.self)),
      ]
    }
  }

  /// WordPiece. The file marks tokens that start a word with U+2581, where BERT marks those that continue one with `##`.
  private func wordPieceDescription() -> JSON {
    var vocabulary = JSONObject()
    for (id, token) in tokens.enumerated() {
      let piece = GGUFTokenizer.wordPiece(token, isSpecial: type(of: id) == .control || type(of: id) == .unknown)
      if vocabulary[piece] == nil { vocabulary[piece] = .integer(Int64(id)) }
    }
    let unknown = unknownID.map { tokens[$0] } ?? "[UNK]"
    return TokenizerDocument.make(
      model: [
        "type": "WordPiece", "unk_token": .string(unknown), "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": .object(vocabulary),
      ],
      normalizer: [
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
        "strip_accents": stripsAccents.map { .bool($0) } ?? nil, "lowercase": .bool(lowercases),
      ],
      preTokenizer: ["type": "BertPreTokenizer"],
      postProcessor: TokenizerDocument.template(
        before: named(startID, if: addsStart), after: named(separatorID ?? endID, if: true), pairBefore: false),
      decoder: ["type": "WordPiece", "prefix": "##", "cleanup": true], addedTokens: addedTokens)
  }

  static func wordPiece(_ token: String, isSpecial: Bool) -> String {
    let scalars = token.unicodeScalars
    if scalars.first == "\u{2581}" { return String(scalars.dropFirst()) }
    // The conversion leaves tokens in brackets as they are.
    if isSpecial || (scalars.first == "[" && scalars.last == "]" && scalars.count > 1) { return token }
    return "##" + token
  }

  private func unigramDescription() throws -> JSON {
    guard !scores.isEmpty else { throw TokenizerError(.inconsistent, "is missing", at: .key("tokenizer.ggml.scores")) }
    var normalizers: [JSON] = []
    if !precompiledCharsmap.isEmpty {
      normalizers.append(
        ["type": "Precompiled", "precompiled_charsmap": .string(Base64.encode(precompiledCharsmap))])
    }
    if removesExtraSpaces {
      normalizers.append(["type": "Strip", "strip_left": true, "strip_right": true])
      normalizers.append(["type": "Replace", "pattern": ["Regex": " {2,}"], "content": " "])
    }
    let metaspace: JSON = [
      "type": "Metaspace", "replacement": .string(GGUFTokenizer.mark),
      "prepend_scheme": addsSpacePrefix ? "always" : "never", "split": true,
    ]
    return TokenizerDocument.make(
      model: [
        "type": "Unigram", "unk_id": unknownID.map { .integer(Int64($0)) } ?? nil,
        "vocab": .array(tokens.indices.map { [.string(tokens[$0]), .number(scores[$0])] }), "byte_fallback": false,
      ],
      normalizer: TokenizerDocument.sequence("normalizers", normalizers), preTokenizer: metaspace,
      postProcessor: template, decoder: metaspace, addedTokens: addedTokens)
  }
}
