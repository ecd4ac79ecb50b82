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
    // Blanks and bytes beyond ASCII take two bytes in the alphabet.
    var table = TokenTableBuilder(capacity: ranks.count, bytes: ranks.bytes.count * 3 / 2)
    ranks.bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<ranks.count {
        let token = UnsafeBufferPointer(rebasing: bytes[ranks.offsets[index]..<ranks.offsets[index + 1]])
        table.insert(byteLevel: token, id: ranks.ranks[index] + ranks.idOffset)
      }
    }
    let merges = RankMerges(ranks).merges
    var pairs = MergeTableBuilder(capacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      pairs.insert(merge.left, merge.right, .init(rank: UInt32(rank), id: merge.result))
    }
    var model = BPEModel(vocabulary: table.finish(), pairs: pairs.finish())
    model.ignoresMerges = true
    model.prepareRawBytes()
    guard model.rawBytes != nil else {
      throw TokenizerError(.inconsistent, "a vocabulary of ranks needs a token for each of the 256 bytes")
    }
    let level: JSON = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false]
    let split = try SplitPattern(pattern, dialect: .rust)
    // As in tiktoken, what the pattern does not match is left out; known patterns match everything.
    let leavesGaps = !split.isKnown
    let written = RankPattern.oniguruma(pattern)
    let splitJSON: JSON = [
      "type": "Split", "pattern": ["Regex": .string(written ?? pattern)],
      "behavior": leavesGaps ? "Removed" : "Isolated", "invert": .bool(leavesGaps),
    ]
    let header: JSONObject = [
      "version": "1.0", "truncation": nil, "padding": nil,
      "normalizer": normalization.map { ["type": .string($0)] } ?? .null,
      "pre_tokenizer": ["type": "Sequence", "pretokenizers": [splitJSON, level]], "post_processor": nil,
      "decoder": level,
      "model": [
        "type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
        "fuse_unk": false, "byte_fallback": false, "ignore_merges": true,
      ],
    ]
    let added = specialTokens.map { (token: AddedToken($0.text, isSpecial: true), id: UInt32?.some($0.id)) }
    var description = TokenizerDescription(header: header, model: .bpe(model), addedTokens: added)
    if written == nil {
      description.reasonForNoTokenizerJSON = "the pattern uses what the patterns of a tokenizer.json cannot say"
    }
    description.rankPattern = pattern
    self.init(
      core: try TokenizerCore(
        description, specialTokensInText: .text, honorsIDs: true, preTokenizer: .cuttingRanks(by: split)))
  }
}

extension PreTokenizer {
  /// How tiktoken cuts text: what the pattern does not match is left out; known patterns match everything.
  static func cuttingRanks(by split: SplitPattern) -> PreTokenizer {
    let leavesGaps = !split.isKnown
    return .sequence([
      .split(split, leavesGaps ? .removed : .isolated, invert: leavesGaps),
      .byteLevel(addPrefixSpace: false, pattern: nil),
    ])
  }
}
