extension PostProcessor.Template {
  init(_ node: ConfigurationNode) throws {
    let specials = try node.child("special_tokens")
    let single = try Self.parts(node, "single", specials)
    let pair = try Self.parts(node, "pair", specials)
    self.init(single: single, pair: pair)
  }

  private static func parts(_ node: ConfigurationNode, _ key: String, _ specials: ConfigurationNode) throws -> [Part] {
    try node.elements(key).map { part in
      if part.has("Sequence") {
        let sequence = try part.child("Sequence")
        let name = try sequence.string("id")
        guard name == "A" || name == "B" else {
          throw TokenizerError(.malformed, "expected 'A' or 'B'", at: .key("\(sequence.path).id"))
        }
        guard key == "pair" || name == "A" else {
          throw TokenizerError(
            .inconsistent, "the template for single texts uses sequence B", at: .key("\(sequence.path).id"))
        }
        return .sequence(name == "A" ? 0 : 1, type: try sequence.id("type_id"))
      }
      let special = try part.child("SpecialToken")
      return .special(try tokens(try special.string("id"), specials), type: try special.id("type_id"))
    }
  }

  private static func tokens(_ name: String, _ specials: ConfigurationNode) throws -> [PostProcessor.SpecialToken] {
    guard let json = specials.json[name] else {
      throw TokenizerError(
        .inconsistent, "the template uses '\(name)', which is not among these", at: .key(specials.path))
    }
    let node = ConfigurationNode(json, path: "\(specials.path).\(name)")
    let ids = try node.elements("ids")
    let tokens = try node.elements("tokens")
    guard ids.count == tokens.count else {
      throw TokenizerError(
        .inconsistent, "\(ids.count) ids but \(tokens.count) tokens", at: .key(node.path))
    }
    return try zip(ids, tokens).map { id, token in
      guard let number = id.json.integerValue.flatMap({ UInt32(exactly: $0) }) else { throw id.unexpected("an id") }
      guard let text = token.json.stringValue else { throw token.unexpected("a string") }
      return PostProcessor.SpecialToken(token: text, id: number)
    }
  }

  func addedTokens(isPair: Bool) -> Int {
    (isPair ? pair : single).reduce(0) { total, part in
      if case .special(let tokens, _) = part { total + tokens.count } else { total }
    }
  }

  func apply(to encodings: inout [Encoding], addSpecialTokens: Bool) {
    let template = encodings.count == 2 ? pair : single
    var sources = encodings
    var result: [Encoding] = []
    for part in template {
      switch part {
      case .sequence(let index, let type):
        guard index < sources.count else { continue }
        sources[index].setType(type)
        sources[index].setSequence(index)
        result.append(sources[index])
      case .special(let tokens, let type):
        guard addSpecialTokens else { continue }
        var encoding = Encoding(capacity: tokens.count)
        for token in tokens { encoding.append(special: token, type: type) }
        result.append(encoding)
      }
    }
    encodings = result
  }
}
