extension TextTokenizer {
  /// The tokenizer in the `.tessera` form, which is mapped instead of read: see ``init(contentsOf:)``.
  ///
  /// The same tokenizer gives the same bytes. Models of sentencepiece are put into the form as they are, so that loading them takes
  /// as long as from their own file.
  ///
  /// - Complexity: O(n) for a vocabulary of n bytes.
  public func mappedForm() throws -> [UInt8] {
    var file = MappedFileWriter()
    var header: JSONObject = [
      "special_tokens_in_text": .string(core.defaultSpecialTokensInText.rawValue),
      "chat": [
        "templates": .array(chatConfiguration.templates.map { [.string($0.name), .string($0.source)] }),
        "special_tokens": .object(chatConfiguration.specialTokens),
      ],
    ]
    if let source = core.description.sentencePieceSource {
      header["source"] = "sentencepiece"
      file.add(.source, source)
    } else {
      try describe(core.description, in: &header, &file)
    }
    var writer = MappedFileWriter()
    writer.add(.header, Array(JSON.object(header).text().utf8))
    writer.add(contentsOf: file)
    return writer.finish()
  }

  /// Writes ``mappedForm()``: beside its place first and then moved there, so that it is never half written.
  ///
  /// - Throws: ``TokenizerError`` with the system's reason when the file cannot be written.
  public func writeMapped(to path: String) throws { try FileBytes.write(try mappedForm(), to: path) }

  private func describe(
    _ description: TokenizerDescription, in header: inout JSONObject, _ file: inout MappedFileWriter
  ) throws {
    header["tokenizer"] = .object(description.header)
    header["added_tokens"] = .array(
      description.addedTokens.map { token, id in
        [token.json(id: id ?? 0), .bool(id != nil)]
      })
    header["model"] = .string(description.model.name)
    header["honors_ids"] = .bool(core.honorsIDs)
    header["rank_pattern"] = description.rankPattern.map { .string($0) }
    header["reason_for_no_tokenizer_json"] = description.reasonForNoTokenizerJSON.map { .string($0) }
    header["vocabulary"] = description.model.vocabulary.write(to: &file)
    switch description.model {
    case .bpe(let model):
      header["merges"] = model.pairs.write(to: &file)
      if let raw = model.rawBytes, core.preTokenizer?.endsInByteLevel ?? false,
        let (ranks, words) = ByteMerger.made(model, raw, seed: TokenTable.storedSeed)
      {
        words.stored(with: ranks).write(to: &file)
      }
    case .unigram(let model): file.add(.scores, model.scores)
    case .wordPiece, .wordLevel: break
    }
  }

  /// Lays a tokenizer over a mapped file.
  ///
  /// - Throws: ``TokenizerError`` naming the byte or the key of the header.
  init(mapped file: MappedFile) throws {
    let text = try file.row(.header, of: UInt8.self)
    let header = ConfigurationNode(try JSON(parsing: text), path: "header")
    if header.has("source") {
      guard try header.string("source") == "sentencepiece" else {
        throw TokenizerError(.unsupported, "expected a model of sentencepiece", at: .key("header.source"))
      }
      try self.init(bytes: Array(try file.row(.source, of: UInt8.self)), only: .sentencePiece)
    } else {
      let choice = try header.string("special_tokens_in_text")
      guard let special = SpecialTokensInText(rawValue: choice) else {
        throw TokenizerError(.malformed, "unknown choice '\(choice)'", at: .key("header.special_tokens_in_text"))
      }
      let description = try TokenizerDescription(mapped: file, header)
      self.init(
        core: try TokenizerCore(
          description, specialTokensInText: special, honorsIDs: try header.bool("honors_ids"),
          preTokenizer: try description.rankPattern.map {
            try PreTokenizer.cuttingRanks(by: SplitPattern($0, dialect: .rust))
          }))
    }
    let chat = try header.child("chat")
    chatConfiguration.templates = try chat.elements("templates").map { node in
      let parts = try node.elements()
      guard parts.count == 2, let name = parts[0].json.stringValue, let source = parts[1].json.stringValue else {
        throw node.unexpected("a name and a template")
      }
      return (name: name, source: source)
    }
    let tokens = try chat.child("special_tokens")
    guard let members = tokens.json.objectValue else { throw tokens.unexpected("an object") }
    chatConfiguration.specialTokens = members
  }
}

extension TokenizerDescription {
  fileprivate init(mapped file: MappedFile, _ header: ConfigurationNode) throws {
    let tokenizer = try header.child("tokenizer")
    guard let members = tokenizer.json.objectValue else { throw tokenizer.unexpected("an object") }
    let vocabulary = try TokenTable(file, try header.child("vocabulary"))
    let settings = ConfigurationNode(members["model"] ?? .object([:]), path: "model")
    var model = try ModelReader.make(
      try header.string("model"), settings, vocabulary,
      pairs: { _ in try MergeTable(file, try header.child("merges")) },
      scores: { try Self.scores(file, vocabulary) })
    if case .bpe(var merging) = model {
      merging.storedEncoder = try StoredEncoderTables(file)
      model = .bpe(merging)
    }
    let added = try header.elements("added_tokens").map { node in
      let parts = try node.elements()
      guard parts.count == 2, let hasID = parts[1].json.boolValue else {
        throw node.unexpected("a token and whether it has an id")
      }
      return (token: try AddedToken(parts[0]), id: hasID ? try parts[0].id("id") : nil)
    }
    self.init(header: members, model: model, addedTokens: added)
    if header.has("rank_pattern") { rankPattern = try header.string("rank_pattern") }
    if header.has("reason_for_no_tokenizer_json") {
      reasonForNoTokenizerJSON = try header.string("reason_for_no_tokenizer_json")
    }
  }

  /// The scores of a unigram model, whose ids are the numbers of its texts.
  private static func scores(_ file: MappedFile, _ vocabulary: TokenTable) throws -> [Double] {
    let row = try file.row(.scores, of: Double.self)
    guard row.count == vocabulary.entryCount, row.allSatisfy(\.isFinite),
      vocabulary.ids.enumerated().allSatisfy({ $0.offset == $0.element })
    else {
      throw TokenizerError(
        .malformed, "expected a score for each of the \(vocabulary.entryCount) texts, and ids in order",
        at: file.place(of: .scores))
    }
    return Array(row)
  }
}
