/// Reads the `model` object of tokenizer.json straight from the bytes of the file.
enum ModelReader {
  /// - Returns: the model and its members other than the vocabulary and the merges.
  static func read(_ node: JSONNode) throws -> (TokenizerModel, JSONObject) {
    guard node.isObject else {
      throw TokenizerError(.malformed, "expected an object, found \(node.kindName)", at: .key("model"))
    }
    var parameters = JSONObject()
    node.forEachMember { key, value in
      guard !key.equals("vocab"), !key.equals("merges"), let name = key.string else { return }
      parameters[name] = value.value()
    }
    guard let vocabulary = node["vocab"] else {
      throw TokenizerError(.malformed, "the key 'vocab' is missing", at: .key("model"))
    }
    let settings = ConfigurationNode(.object(parameters), path: "model")
    let kind = settings.type ?? guessKind(node)
    if kind == "Unigram" {
      let (table, scores) = try scoredTable(vocabulary)
      return (
        try make(kind, settings, table, pairs: { _ in MergeTableBuilder().finish() }, scores: { scores }), parameters
      )
    }
    let merges = node["merges"]
    let table = try table(vocabulary)
    let model = try make(
      kind, settings, table,
      pairs: { prefixLength in
        guard let merges, merges.isArray else {
          throw TokenizerError(.malformed, "expected the array 'merges'", at: .key("model"))
        }
        return try MergeReader.read(merges, table, prefixLength: prefixLength)
      }, scores: { [] })
    return (model, parameters)
  }

  /// A model from its tables and its settings.
  ///
  /// - Parameters:
  ///   - pairs: gives the merges, by the length of the prefix that continues words.
  ///   - scores: gives a score for each entry.
  static func make(
    _ kind: String, _ settings: ConfigurationNode, _ vocabulary: TokenTable, pairs: (Int) throws -> MergeTable,
    scores: () throws -> [Double]
  ) throws -> TokenizerModel {
    switch kind {
    case "BPE": return .bpe(try bpe(settings, vocabulary, pairs))
    case "WordPiece":
      var model = WordPieceModel(vocabulary: vocabulary)
      model.unknownToken = try settings.string("unk_token", default: "[UNK]")
      model.continuingSubwordPrefix = Array(try settings.string("continuing_subword_prefix", default: "##").utf8)
      model.maximumCharactersPerWord = try settings.count("max_input_chars_per_word", default: 100)
      return .wordPiece(model)
    case "WordLevel":
      var model = WordLevelModel(vocabulary: vocabulary)
      model.unknownToken = try settings.string("unk_token", default: "<unk>")
      return .wordLevel(model)
    case "Unigram": return .unigram(try unigram(settings, vocabulary, try scores()))
    default: throw TokenizerError(.unsupported, "unknown model '\(kind)'", at: .key("model.type"))
    }
  }

  /// Files from before the `type` key are told apart by their members.
  private static func guessKind(_ node: JSONNode) -> String {
    if node["merges"] != nil { return "BPE" }
    if node["vocab"]?.isArray == true { return "Unigram" }
    return node["max_input_chars_per_word"] != nil || node["continuing_subword_prefix"] != nil
      ? "WordPiece" : "WordLevel"
  }

  private static func table(_ node: JSONNode) throws -> TokenTable {
    guard node.isObject else {
      throw TokenizerError(.malformed, "expected an object, found \(node.kindName)", at: .key("model.vocab"))
    }
    let document = node.document
    var table = TokenTableBuilder(capacity: node.count, bytes: node.byteCount / 2)
    try document.bytes.withUnsafeBufferPointer { bytes in
      try document.tape.withUnsafeBufferPointer { tape in
        var index = node.index + 1
        for _ in 0..<node.count {
          let (key, value) = (tape[index], tape[index + 1])
          if key.kind == .string, let id = JSONTape.identifier(value, bytes) {
            table.insert(JSONTape.text(key, bytes), id: id)
          } else {
            let (key, value) = (
              JSONNode(document: document, index: index), JSONNode(document: document, index: index + 1)
            )
            guard let id = value.integer.flatMap({ UInt32(exactly: $0) }) else {
              throw TokenizerError(
                .malformed, "expected an id from 0 to 4294967295, found \(value.kindName)",
                at: .key("model.vocab.\(key.string ?? "")"))
            }
            key.withUTF8 { table.insert($0, id: id) }
          }
          // An id is no container, so that the next key follows.
          index += 2
        }
      }
    }
    return table.finish()
  }

  private static func bpe(
    _ settings: ConfigurationNode, _ table: TokenTable, _ pairs: (Int) throws -> MergeTable
  ) throws -> BPEModel {
    func optional(_ key: String) throws -> String? {
      settings.json[key]?.isNull ?? true ? nil : try settings.string(key)
    }
    func flag(_ key: String) throws -> Bool { settings.json[key]?.isNull ?? true ? false : try settings.bool(key) }
    let prefix = Array((try optional("continuing_subword_prefix") ?? "").utf8)
    var model = BPEModel(vocabulary: table, pairs: try pairs(prefix.count))
    model.continuingSubwordPrefix = prefix
    model.endOfWordSuffix = Array((try optional("end_of_word_suffix") ?? "").utf8)
    model.unknownToken = try optional("unk_token")
    model.fusesUnknown = try flag("fuse_unk")
    model.byteFallback = try flag("byte_fallback")
    model.ignoresMerges = try flag("ignore_merges")
    if let dropout = settings.json["dropout"], !dropout.isNull {
      guard let value = dropout.doubleValue, (0...1).contains(value) else {
        throw TokenizerError(.malformed, "expected a number from 0 to 1", at: .key("model.dropout"))
      }
      model.dropout = value
    }
    model.prepareRawBytes()
    return model
  }

  private static func scoredTable(_ vocabulary: JSONNode) throws -> (TokenTable, [Double]) {
    guard vocabulary.isArray else {
      throw TokenizerError(.malformed, "expected an array, found \(vocabulary.kindName)", at: .key("model.vocab"))
    }
    var table = TokenTableBuilder(capacity: vocabulary.count)
    var scores: [Double] = []
    try vocabulary.forEachElement { entry in
      var parts: [JSONNode] = []
      entry.forEachElement { parts.append($0) }
      guard parts.count == 2, parts[0].isString, let score = parts[1].referenceDouble, score.isFinite else {
        throw TokenizerError(.malformed, "expected a token and its score", at: .key("model.vocab[\(scores.count)]"))
      }
      parts[0].withUTF8 { table.insert($0, id: UInt32(scores.count)) }
      scores.append(score)
    }
    return (table.finish(), scores)
  }

  private static func unigram(
    _ settings: ConfigurationNode, _ table: TokenTable, _ scores: [Double]
  ) throws -> UnigramModel {
    var unknown: UInt32?
    if let id = settings.json["unk_id"], !id.isNull {
      let value = try settings.count("unk_id")
      guard value < scores.count else {
        throw TokenizerError(
          .inconsistent, "\(value) is not an id of the \(scores.count) tokens", at: .key("model.unk_id"))
      }
      unknown = UInt32(value)
    }
    return UnigramModel(
      vocabulary: table, scores: scores, unknownID: unknown,
      byteFallback: settings.json["byte_fallback"]?.isNull ?? true ? false : try settings.bool("byte_fallback"))
  }
}
