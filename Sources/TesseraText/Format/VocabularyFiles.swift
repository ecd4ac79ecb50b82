/// The files that came before `tokenizer.json`: `vocab.json` with `merges.txt`, and `vocab.txt`.
///
/// Each reader gives the description a `tokenizer.json` would hold. What such files leave out is told from their content, and from
/// what the models that published them do; pass the switches of the model's configuration where they differ.
public enum VocabularyFiles {
  /// Byte-pair encoding from `vocab.json` and `merges.txt`.
  ///
  /// The family is told from the vocabulary: tokens that end in `</w>` are CLIP's when there is a
  /// `<|startoftext|>` and of the first GPT's kind otherwise, `<s>` with `</s>` RoBERTa's, all others GPT-2's.
  ///
  /// - Parameters:
  ///   - vocabulary: an object of tokens and ids.
  ///   - merges: one merge per line, two tokens with a space between; lines that start with `#version` are passed over.
  ///   - addPrefixSpace: whether a space is put before a text that has none.
  /// - Throws: ``TokenizerError`` naming the key or the line.
  public static func bytePairs(vocabulary: [UInt8], merges: [UInt8], addPrefixSpace: Bool = false) throws -> JSON {
    var configuration = TokenizerConfiguration()
    configuration.addsPrefixSpace = addPrefixSpace
    return try bytePairs(vocabulary: vocabulary, merges: merges, configuration)
  }

  static func bytePairs(
    vocabulary: [UInt8], merges: [UInt8], _ configuration: TokenizerConfiguration
  ) throws -> JSON {
    let tokens = try readVocabulary(vocabulary)
    let family = Family(tokens, className: configuration.className)
    let pairs = try readMerges(merges, tokens)
    let parts = FamilyParts(family, tokens: tokens, configuration)
    let unknown = parts.unknown.flatMap { tokens[$0] == nil ? nil : $0 }
    return TokenizerDocument.make(
      model: TokenizerDocument.bpe(vocabulary: tokens, merges: pairs, unknown: unknown, suffix: parts.suffix),
      normalizer: parts.normalizer, preTokenizer: parts.preTokenizer, postProcessor: parts.postProcessor,
      decoder: parts.decoder, addedTokens: parts.addedTokens())
  }

  /// WordPiece from `vocab.txt`: one token per line, its number is its id.
  ///
  /// - Parameters:
  ///   - lowercase: whether the text is lowercased; by default when no token but the special ones has an upper-case Latin letter.
  /// - Throws: ``TokenizerError`` naming the line.
  public static func wordPieces(vocabulary: [UInt8], lowercase: Bool? = nil) throws -> JSON {
    var configuration = TokenizerConfiguration()
    configuration.lowercases = lowercase
    return try wordPieces(vocabulary: vocabulary, configuration)
  }

  static func wordPieces(vocabulary: [UInt8], _ configuration: TokenizerConfiguration) throws -> JSON {
    var tokens = JSONObject()
    var hasUpperCase = false
    try forEachLine(vocabulary) { line, number in
      // As in the reference, white space at the end does not count, and of equal lines the last one does.
      var scalars = line.unicodeScalars
      while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
      tokens[String(scalars)] = .integer(Int64(number - 1))
      if !line.hasPrefix("["), line.unicodeScalars.contains(where: { ("A"..."Z").contains($0) }) { hasUpperCase = true }
    }
    var configuration = configuration
    configuration.setDefaults([("unk_token", "[UNK]"), ("sep_token", "[SEP]"), ("cls_token", "[CLS]")])
    configuration.setDefaults([("pad_token", "[PAD]"), ("mask_token", "[MASK]")], ifPresentIn: tokens)
    func special(_ role: String) throws -> (Int, String) {
      let token = configuration.token(role) ?? ""
      guard let id = tokens[token]?.integerValue else {
        throw TokenizerError(.inconsistent, "the vocabulary has no token \(token)")
      }
      return (id, token)
    }
    let unknown = try special("unk_token").1
    // The reference lowercases unless it is told not to; a vocabulary that stands alone tells by itself.
    let lowers = configuration.lowercases ?? (configuration.isPresent || !hasUpperCase)
    return TokenizerDocument.make(
      model: [
        "type": "WordPiece", "unk_token": .string(unknown), "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": .object(tokens),
      ],
      normalizer: [
        "type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": .bool(configuration.spacesIdeographs ?? true),
        "strip_accents": configuration.stripsAccents.map { .bool($0) } ?? nil, "lowercase": .bool(lowers),
      ],
      preTokenizer: ["type": "BertPreTokenizer"],
      postProcessor: TokenizerDocument.template(
        before: [try special("cls_token")], after: [try special("sep_token")], pairBefore: false),
      decoder: ["type": "WordPiece", "prefix": "##", "cleanup": true],
      addedTokens: configuration.addedTokens(vocabulary: tokens))
  }

  private static func readVocabulary(_ file: [UInt8]) throws -> JSONObject {
    let root = try JSONDocument(file).root
    guard root.isObject else {
      throw TokenizerError(.malformed, "expected an object of tokens and ids, found \(root.kindName)", at: .byte(0))
    }
    var tokens = JSONObject()
    try root.forEachMember { key, value in
      let token = key.string ?? ""
      guard let id = value.integer, id >= 0, id < Int(UInt32.max) else {
        throw TokenizerError(.malformed, "expected an id, found \(value.kindName)", at: .key(token))
      }
      tokens[token] = .integer(Int64(id))
    }
    return tokens
  }

  private static func readMerges(_ file: [UInt8], _ tokens: JSONObject) throws -> [JSON] {
    var merges: [JSON] = []
    try forEachLine(file) { line, number in
      // Spaces are looked for byte by byte: one that carries a combining mark is another `Character`.
      let bytes = Array(line.utf8)
      if bytes.isEmpty || bytes.starts(with: Array("#version".utf8)) { return }
      let parts = bytes.split(separator: 0x20, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw TokenizerError(.malformed, "expected two tokens with one space between", at: .line(number))
      }
      for token in [parts[0], parts[1], parts[0] + parts[1]] where tokens[token] == nil {
        throw TokenizerError(.inconsistent, "the token \(token) is not in the vocabulary", at: .line(number))
      }
      merges.append([.string(parts[0]), .string(parts[1])])
    }
    return merges
  }

  private static func forEachLine(_ file: [UInt8], _ body: (String, Int) throws -> Void) throws {
    try file.withUnsafeBufferPointer { file in
      try file.forEachLine { line, number in
        guard let text = String(validating: line, as: UTF8.self) else {
          throw TokenizerError(.malformed, "the line is not UTF-8", at: .line(number))
        }
        try body(text, number)
      }
    }
  }
}
