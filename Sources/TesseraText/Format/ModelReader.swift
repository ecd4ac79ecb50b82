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
    switch kind {
    case "BPE": return (.bpe(try bpe(settings, vocabulary, node["merges"])), parameters)
    case "WordPiece":
      var model = WordPieceModel(vocabulary: try table(vocabulary))
      model.unknownToken = try settings.string("unk_token", default: "[UNK]")
      model.continuingSubwordPrefix = Array(try settings.string("continuing_subword_prefix", default: "##").utf8)
      model.maximumCharactersPerWord = try settings.count("max_input_chars_per_word", default: 100)
      return (.wordPiece(model), parameters)
    case "WordLevel":
      var model = WordLevelModel(vocabulary: try table(vocabulary))
      model.unknownToken = try settings.string("unk_token", default: "<unk>")
      return (.wordLevel(model), parameters)
    case "Unigram": return (.unigram(try unigram(settings, vocabulary)), parameters)
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
    var table = TokenTable(capacity: node.count)
    try node.forEachMember { key, value in
      guard let id = value.integer.flatMap({ UInt32(exactly: $0) }) else {
        throw TokenizerError(
          .malformed, "expected an id from 0 to 4294967295, found \(value.kindName)",
          at: .key("model.vocab.\(key.string ?? "")"))
      }
      key.withUTF8 { table.insert($0, id: id) }
    }
    return table
  }

  private static func bpe(_ settings: ConfigurationNode, _ vocabulary: JSONNode, _ merges: JSONNode?) throws -> BPEModel
  {
    let table = try table(vocabulary)
    func optional(_ key: String) throws -> String? {
      settings.json[key]?.isNull ?? true ? nil : try settings.string(key)
    }
    func flag(_ key: String) throws -> Bool { settings.json[key]?.isNull ?? true ? false : try settings.bool(key) }
    guard let merges, merges.isArray else {
      throw TokenizerError(.malformed, "expected the array 'merges'", at: .key("model"))
    }
    let prefix = Array((try optional("continuing_subword_prefix") ?? "").utf8)
    var model = BPEModel(vocabulary: table, pairs: try pairs(merges, table, prefixLength: prefix.count))
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

  private static func pairs(_ merges: JSONNode, _ table: TokenTable, prefixLength: Int) throws -> MergeTable {
    var pairs = MergeTable(capacity: merges.count)
    var rank: UInt32 = 0
    var index = 0
    var joined: [UInt8] = []
    func add(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) throws {
      func id(_ text: UnsafeRawBufferPointer) throws -> UInt32 {
        if let id = table.id(of: text) { return id }
        throw TokenizerError(
          .inconsistent, "the merge needs '\(String(decoding: text, as: UTF8.self))', which is not in the vocabulary",
          at: .key("model.merges[\(index)]"))
      }
      let (leftID, rightID) = (try id(left), try id(right))
      joined.removeAll(keepingCapacity: true)
      joined.append(contentsOf: left)
      joined.append(contentsOf: right.dropFirst(prefixLength))
      pairs.insert(leftID, rightID, .init(rank: rank, id: try joined.withUnsafeBytes(id)))
      rank += 1
    }
    try merges.forEachElement { merge in
      if merge.isString {
        try merge.withUTF8 { text in
          if text.starts(with: "#version".utf8) { return }
          guard let space = text.firstIndex(of: 0x20), !text[(space + 1)...].contains(0x20) else {
            throw TokenizerError(
              .malformed, "expected two tokens with one space between them", at: .key("model.merges[\(index)]"))
          }
          try add(.init(rebasing: text[..<space]), .init(rebasing: text[(space + 1)...]))
        }
      } else {
        var parts: [JSONNode] = []
        merge.forEachElement { parts.append($0) }
        guard parts.count == 2, parts[0].isString, parts[1].isString else {
          throw TokenizerError(.malformed, "expected a pair of tokens", at: .key("model.merges[\(index)]"))
        }
        try parts[0].withUTF8 { left in try parts[1].withUTF8 { try add(left, $0) } }
      }
      index += 1
    }
    return pairs
  }

  private static func unigram(_ settings: ConfigurationNode, _ vocabulary: JSONNode) throws -> UnigramModel {
    guard vocabulary.isArray else {
      throw TokenizerError(.malformed, "expected an array, found \(vocabulary.kindName)", at: .key("model.vocab"))
    }
    var table = TokenTable(capacity: vocabulary.count)
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
