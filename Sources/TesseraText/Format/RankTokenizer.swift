extension TextTokenizer {
  /// Reads a vocabulary of ranked byte strings (`.tiktoken`).
  ///
  /// Special tokens in the text are plain text unless asked for.
  ///
  /// - Parameters:
  ///   - tiktoken: lines of base64 and rank.
  ///   - encoding: the pattern and the special tokens, which such files leave out.
  /// - Throws: ``TokenizerError`` naming the line, or the place in the pattern.
  public init(tiktoken bytes: [UInt8], encoding: NamedEncoding) throws {
    try self.init(
      ranks: TiktokenFile.read(bytes), pattern: encoding.pattern, normalization: encoding.normalization?.rawValue,
      specialTokens: encoding.specialTokens)
  }

  /// Reads a vocabulary of ranked byte strings with a pattern of one's own.
  public init(tiktoken bytes: [UInt8], pattern: String, specialTokens: [(text: String, id: UInt32)]) throws {
    try self.init(
      ranks: TiktokenFile.read(bytes), pattern: pattern, normalization: nil, specialTokens: specialTokens)
  }

  /// Reads a Mistral tekken file.
  init(tekken bytes: [UInt8]) throws {
    let file = try TekkenFile(bytes)
    try self.init(
      ranks: file.vocabulary, pattern: file.pattern, normalization: nil,
      specialTokens: file.specialTokens.map { ($0.text, $0.id) })
  }

  private init(
    ranks: RankVocabulary, pattern: String, normalization: String?, specialTokens: [(text: String, id: UInt32)]
  ) throws {
    var table = TokenTable(capacity: ranks.count)
    for index in 0..<ranks.count {
      table.insert(ByteLevelAlphabet.text(of: ranks.token(index)).utf8, id: ranks.ranks[index] + ranks.idOffset)
    }
    let merges = RankMerges(ranks).merges
    var pairs = MergeTable(capacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      pairs.insert(merge.left, merge.right, .init(rank: UInt32(rank), id: merge.result))
    }
    var model = BPEModel(vocabulary: table, pairs: pairs)
    model.ignoresMerges = true
    model.prepareRawBytes()
    guard model.rawBytes != nil else {
      throw TokenizerError(.inconsistent, "a vocabulary of ranks needs a token for each of the 256 bytes")
    }
    let level: JSON = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false]
    let split: JSON = [
      "type": "Split", "pattern": ["Regex": .string(Self.onigurumaPattern(pattern))], "behavior": "Isolated",
      "invert": false,
    ]
    let header: JSONObject = [
      "version": "1.0", "truncation": nil, "padding": nil,
      "normalizer": normalization.map { ["type": .string($0)] } ?? .null,
      "pre_tokenizer": ["type": "Sequence", "pretokenizers": [split, level]], "post_processor": nil, "decoder": level,
      "model": [
        "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
        "fuse_unk": false, "byte_fallback": false, "ignore_merges": true,
      ],
    ]
    let added = specialTokens.map { (token: AddedToken($0.text, isSpecial: true), id: UInt32?.some($0.id)) }
    self.init(
      core: try TokenizerCore(
        TokenizerDescription(header: header, model: .bpe(model), addedTokens: added), specialTokensInText: .text,
        honorsIDs: true))
  }

  /// The pattern as tokenizer.json means it: there an interval has no possessive form, and `$` also matches before a line's end.
  ///
  /// The patterns in use end their alternatives with such intervals, where possessive and greedy mean the same.
  static func onigurumaPattern(_ pattern: String) -> String {
    var result: [Character] = []
    for character in pattern {
      if character == "+", result.last == "}",
        result.lastIndex(of: "{").map({ Self.isInterval(result[$0...]) }) ?? false
      {
        continue
      }
      if character == "$", result.last != "\\" {
        result += "\\z"
        continue
      }
      result.append(character)
    }
    return String(result)
  }

  private static func isInterval(_ text: ArraySlice<Character>) -> Bool {
    text.dropFirst().dropLast().allSatisfy { $0.isNumber || $0 == "," } && text.count > 2
  }
}
