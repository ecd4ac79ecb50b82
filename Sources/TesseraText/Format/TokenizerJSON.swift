/// What a tokenizer file says, in one form for all formats: the parts as tokenizer.json describes them, and the model.
struct TokenizerDescription: Sendable {
  /// Every key of tokenizer.json but the vocabulary, the merges and the added tokens; unknown keys are kept as they are.
  var header: JSONObject
  var model: TokenizerModel
  var addedTokens: [(token: AddedToken, id: UInt32?)]
  /// Why this cannot be written as a tokenizer.json, when the format can say more: then the parts here serve for looking tokens
  /// up only.
  var reasonForNoTokenizerJSON: String?
  /// The pattern of a vocabulary of ranks, in the dialect of tiktoken.
  var rankPattern: String?
  /// The bytes of the SentencePiece model that this stands for.
  var sentencePieceSource: [UInt8]?
}

extension TokenizerDescription {
  /// Reads a tokenizer.json.
  ///
  /// - Throws: ``TokenizerError`` naming the key and what was expected.
  init(tokenizerJSON root: JSONNode) throws {
    guard root.isObject else {
      throw TokenizerError(.malformed, "expected an object, found \(root.kindName)", at: .byte(root.byteOffset))
    }
    guard let modelNode = root["model"] else {
      throw TokenizerError(.malformed, "the key 'model' is missing: this is no tokenizer.json")
    }
    if let version = root["version"], version.string != "1.0" {
      throw TokenizerError(.unsupported, "expected version '1.0'", at: .key("version"))
    }
    var header = JSONObject()
    root.forEachMember { key, value in
      guard let name = key.string, name != "model", name != "added_tokens" else { return }
      header[name] = value.value()
    }
    let (model, parameters) = try ModelReader.read(modelNode)
    header["model"] = .object(parameters)
    self.init(header: header, model: model, addedTokens: [])
    guard let list = root["added_tokens"], !list.isNull else { return }
    guard list.isArray else {
      throw TokenizerError(.malformed, "expected an array, found \(list.kindName)", at: .key("added_tokens"))
    }
    var index = 0
    try list.forEachElement { element in
      let node = ConfigurationNode(element.value(), path: "added_tokens[\(index)]")
      guard node.json.objectValue != nil else { throw node.unexpected("an object") }
      addedTokens.append((try AddedToken(node), try node.id("id")))
      index += 1
    }
  }

  /// The whole description as the text of a tokenizer.json.
  func tokenizerJSON(layout: JSON.Layout, added: AddedVocabulary) -> [UInt8] {
    var writer = JSONWriter(layout: layout)
    let order = [
      "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder",
      "model",
    ]
    let keys = order + header.keys.filter { !order.contains($0) }
    writer.list("{", "}", count: keys.count, indent: 0) { writer, index in
      let key = keys[index]
      writer.write(string: key)
      writer.raw(layout == .pretty ? ": " : ":")
      switch key {
      case "version": writer.write(string: "1.0")
      case "added_tokens":
        let tokens = added.tokensByID.sorted { $0.key < $1.key }.map { $0.value.json(id: $0.key) }
        writer.write(.array(tokens), indent: 1)
      case "model":
        let parameters = header["model"]?.objectValue ?? [:]
        ModelWriter.write(model, extra: entriesToKeepIDs(of: added), parameters: parameters, to: &writer)
      default: writer.write(header[key] ?? .null, indent: 1)
      }
    }
    writer.newline(0)
    return writer.bytes
  }

  /// An added token whose text the vocabulary has for another id. The text of a byte-level vocabulary stands for other bytes.
  func addedTokenWithoutForm(_ added: AddedVocabulary) -> (text: String, id: UInt32)? {
    added.idsByContent.filter { content, id in model.vocabulary.id(of: content).map { $0 != id } ?? false }
      .min { $0.value < $1.value }.map { (String(decoding: $0.key, as: UTF8.self), $0.value) }
  }

  /// The added tokens that must stand in the vocabulary too, so that they keep their ids: readers number a token that the model
  /// does not know by counting on from the size of the vocabulary, whatever its id in the file.
  private func entriesToKeepIDs(of added: AddedVocabulary) -> [(text: [UInt8], id: UInt32)] {
    if case .unigram = model { return [] }
    let missing = added.idsByContent.filter { model.vocabulary.id(of: $0.key) == nil }
      .map { (text: $0.key, id: $0.value) }
      .sorted { $0.id == $1.id ? $0.text.lexicographicallyPrecedes($1.text) : $0.id < $1.id }
    let isCountedOn = missing.enumerated().allSatisfy { Int($1.id) == model.vocabulary.count + $0 }
    return isCountedOn ? [] : missing
  }
}
