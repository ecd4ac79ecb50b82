/// The files that came before `tokenizer.json`: `vocab.json` with `merges.txt`, and `vocab.txt`.
///
/// Each reader gives the description a `tokenizer.json` would hold. What such files leave out is told from their content, and from
/// what the models that published them do; pass the switches of the model's configuration where they differ.
public enum VocabularyFiles {
  /// Byte-pair encoding from `vocab.json` and `merges.txt`.
  ///
  /// The family is told from the vocabulary: tokens that end in `</w>` are CLIP's, `<s>` with `</s>` RoBERTa's, all others GPT-2's.
  ///
  /// - Parameters:
  ///   - vocabulary: an object of tokens and ids.
  ///   - merges: one merge per line, two tokens with a space between; lines that start with `#version` are passed over.
  ///   - addPrefixSpace: whether a space is put before a text that has none.
  /// - Throws: ``TokenizerError`` naming the key or the line.
  public static func bytePairs(vocabulary: [UInt8], merges: [UInt8], addPrefixSpace: Bool = false) throws -> JSON {
    let tokens = try readVocabulary(vocabulary)
    let family = Family(tokens)
    let suffix = family == .clip ? "</w>" : nil
    let pairs = try readMerges(merges, tokens)
    let unknown: String? = family == .clip ? "<|endoftext|>" : nil
    let model = TokenizerDocument.bpe(
      vocabulary: tokens, merges: pairs, unknown: unknown.flatMap { tokens[$0] == nil ? nil : $0 }, suffix: suffix)
    func id(_ token: String) -> Int { tokens[token]?.integerValue ?? 0 }
    func added(_ texts: [String], leftStrip: String? = nil) -> [JSON] {
      texts.filter { tokens[$0] != nil }.map {
        TokenizerDocument.addedToken(id($0), $0, leftStrip: $0 == leftStrip)
      }
    }
    let bytes = TokenizerDocument.byteLevel(addPrefixSpace: addPrefixSpace, useRegex: true)
    switch family {
    case .clip:
      let first = (id("<|startoftext|>"), "<|startoftext|>")
      let last = (id("<|endoftext|>"), "<|endoftext|>")
      return TokenizerDocument.make(
        model: model, normalizer: clipNormalizer, preTokenizer: clipPreTokenizer,
        postProcessor: roberta(first, last, trimOffsets: false),
        decoder: TokenizerDocument.byteLevel(useRegex: true), addedTokens: added([first.1, last.1]))
    case .roberta:
      return TokenizerDocument.make(
        model: model, preTokenizer: bytes,
        postProcessor: roberta((id("<s>"), "<s>"), (id("</s>"), "</s>"), addPrefixSpace: addPrefixSpace),
        decoder: TokenizerDocument.byteLevel(useRegex: true),
        addedTokens: added(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], leftStrip: "<mask>"))
    case .gpt2:
      return TokenizerDocument.make(
        model: model, preTokenizer: bytes,
        postProcessor: TokenizerDocument.byteLevel(trimOffsets: false, useRegex: true),
        decoder: TokenizerDocument.byteLevel(useRegex: true), addedTokens: added(["<|endoftext|>"]))
    }
  }

  /// WordPiece from `vocab.txt`: one token per line, its number is its id.
  ///
  /// - Parameters:
  ///   - lowercase: whether the text is lowercased; by default when no token but the special ones has an upper-case Latin letter.
  /// - Throws: ``TokenizerError`` naming the line.
  public static func wordPieces(vocabulary: [UInt8], lowercase: Bool? = nil) throws -> JSON {
    var tokens = JSONObject()
    var hasUpperCase = false
    try forEachLine(vocabulary) { line, number in
      // As in the reference, white space at the end does not count, and of equal lines the last one does.
      var scalars = line.unicodeScalars
      while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
      tokens[String(scalars)] = .integer(Int64(number - 1))
      if !line.hasPrefix("["), line.unicodeScalars.contains(where: { ("A"..."Z").contains($0) }) { hasUpperCase = true }
    }
    for token in ["[UNK]", "[CLS]", "[SEP]"] where tokens[token] == nil {
      throw TokenizerError(.inconsistent, "the vocabulary has no token \(token)")
    }
    func special(_ token: String) -> (Int, String) { (tokens[token]?.integerValue ?? 0, token) }
    let lowers = lowercase ?? !hasUpperCase
    return TokenizerDocument.make(
      model: [
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": .object(tokens),
      ],
      normalizer: [
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil,
        "lowercase": .bool(lowers),
      ],
      preTokenizer: ["type": "BertPreTokenizer"],
      postProcessor: TokenizerDocument.template(
        before: [special("[CLS]")], after: [special("[SEP]")], pairBefore: false),
      decoder: ["type": "WordPiece", "prefix": "##", "cleanup": true],
      addedTokens: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].filter { tokens[$0] != nil }.map {
        TokenizerDocument.addedToken(special($0).0, $0)
      })
  }

  private enum Family {
    case gpt2, roberta, clip

    init(_ tokens: JSONObject) {
      if tokens["<|startoftext|>"] != nil, tokens.keys.contains(where: { $0.hasSuffix("</w>") }) {
        self = .clip
      } else {
        self = tokens["<s>"] != nil && tokens["</s>"] != nil ? .roberta : .gpt2
      }
    }
  }

  private static func roberta(
    _ first: (Int, String), _ last: (Int, String), trimOffsets: Bool = true, addPrefixSpace: Bool = false
  ) -> JSON {
    func pair(_ token: (Int, String)) -> JSON { [.string(token.1), .integer(Int64(token.0))] }
    return [
      "type": "RobertaProcessing", "sep": pair(last), "cls": pair(first), "trim_offsets": .bool(trimOffsets),
      "add_prefix_space": .bool(addPrefixSpace),
    ]
  }

  private static let clipNormalizer: JSON = [
    "type": "Sequence",
    "normalizers": [
      ["type": "NFC"], ["type": "Replace", "pattern": ["Regex": #"\s+"#], "content": " "], ["type": "Lowercase"],
    ],
  ]

  private static let clipPreTokenizer: JSON = [
    "type": "Sequence",
    "pretokenizers": [
      [
        "type": "Split", "pattern": ["Regex": #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#],
        "behavior": "Removed", "invert": true,
      ],
      TokenizerDocument.byteLevel(useRegex: true),
    ],
  ]

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
