/// What a tokenizer file says, in one form for all formats: the parts as tokenizer.json describes them, and the model.
struct TokenizerDescription: Sendable {
  /// Every key of tokenizer.json but the vocabulary, the merges and the added tokens; unknown keys are kept as they are.
  var header: JSONObject
  var model: TokenizerModel
  var addedTokens: [(token: AddedToken, id: UInt32?)]
  /// The format can say more than tokenizer.json: the parts here serve for looking tokens up only.
  var hasNoTokenizerJSON = false
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
      case "model": ModelWriter.write(model, parameters: header["model"]?.objectValue ?? [:], to: &writer)
      default: writer.write(header[key] ?? .null, indent: 1)
      }
    }
    writer.newline(0)
    return writer.bytes
  }
}
