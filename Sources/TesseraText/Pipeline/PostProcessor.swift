/// What is put around the tokens of a text; the parts of tokenizer.json's `post_processor`.
indirect enum PostProcessor: Sendable {
  case sequence([PostProcessor])
  case template(Template)
  case bert(separator: SpecialToken, start: SpecialToken)
  case roberta(separator: SpecialToken, start: SpecialToken, trim: OffsetTrimming?)
  case byteLevel(trim: OffsetTrimming?)

  struct SpecialToken: Sendable {
    var token: String
    var id: UInt32
  }

  /// Takes white space out of the offsets of byte-level tokens.
  struct OffsetTrimming: Sendable { var addPrefixSpace: Bool }

  /// A pattern of sequences and special tokens, one for single texts and one for pairs.
  struct Template: Sendable {
    enum Part: Sendable {
      case sequence(Int, type: UInt32)
      case special([SpecialToken], type: UInt32)
    }

    var single: [Part]
    var pair: [Part]
  }

  init(_ node: ConfigurationNode) throws {
    switch try node.type ?? Self.guessType(node) {
    case "Sequence": self = .sequence(try node.elements("processors").map { try PostProcessor($0) })
    case "TemplateProcessing": self = .template(try Template(node))
    case "BertProcessing": self = .bert(separator: try Self.special(node, "sep"), start: try Self.special(node, "cls"))
    case "RobertaProcessing":
      self = .roberta(
        separator: try Self.special(node, "sep"), start: try Self.special(node, "cls"), trim: try Self.trimming(node))
    case "ByteLevel": self = .byteLevel(trim: try Self.trimming(node))
    case let other:
      throw TokenizerError(.unsupported, "unknown post-processor '\(other)'", at: .key("\(node.path).type"))
    }
  }

  private static func guessType(_ node: ConfigurationNode) throws -> String {
    if node.has("single") { return "TemplateProcessing" }
    if node.has("processors") { return "Sequence" }
    if node.has("sep") { return node.has("trim_offsets") ? "RobertaProcessing" : "BertProcessing" }
    if node.has("trim_offsets") { return "ByteLevel" }
    throw TokenizerError(.malformed, "the key 'type' is missing", at: .key(node.path))
  }

  private static func trimming(_ node: ConfigurationNode) throws -> OffsetTrimming? {
    let addPrefixSpace = try node.bool("add_prefix_space")
    return try node.bool("trim_offsets") ? OffsetTrimming(addPrefixSpace: addPrefixSpace) : nil
  }

  private static func special(_ node: ConfigurationNode, _ key: String) throws -> SpecialToken {
    let child = try node.child(key)
    guard let pair = child.json.arrayValue, pair.count == 2, let token = pair[0].stringValue,
      let id = pair[1].integerValue.flatMap({ UInt32(exactly: $0) })
    else { throw child.unexpected("a pair of a token and its id") }
    return SpecialToken(token: token, id: id)
  }

  /// How many tokens are put around one text or two.
  func addedTokens(isPair: Bool) -> Int {
    switch self {
    case .sequence(let parts): parts.reduce(0) { $0 + $1.addedTokens(isPair: isPair) }
    case .template(let template): template.addedTokens(isPair: isPair)
    case .bert: isPair ? 3 : 2
    case .roberta: isPair ? 4 : 2
    case .byteLevel: 0
    }
  }

  /// Joins one or two encodings to one.
  func process(_ encodings: [Encoding], addSpecialTokens: Bool) -> Encoding {
    var parts = encodings
    for index in parts.indices {
      parts[index].setSequence(index)
      for window in parts[index].overflowing.indices { parts[index].overflowing[window].setSequence(index) }
      parts[index].setType(UInt32(index))
    }
    apply(to: &parts, addSpecialTokens: addSpecialTokens)
    return parts.reduce(into: Encoding()) { $0.append($1) }
  }

  /// Without a post-processor a pair is only joined.
  static func join(_ encodings: [Encoding]) -> Encoding {
    if encodings.count == 1 { return encodings[0] }
    var result = Encoding()
    for (index, encoding) in encodings.enumerated() {
      var part = encoding
      part.setSequence(index)
      result.append(part)
    }
    return result
  }

  private func apply(to encodings: inout [Encoding], addSpecialTokens: Bool) {
    switch self {
    case .sequence(let parts): for part in parts { part.apply(to: &encodings, addSpecialTokens: addSpecialTokens) }
    case .template(let template): template.apply(to: &encodings, addSpecialTokens: addSpecialTokens)
    case .byteLevel(let trim):
      Self.trim(&encodings, trim)
      for index in encodings.indices { encodings[index].setSequence(index) }
    case .bert(let separator, let start):
      guard addSpecialTokens else { return }
      // Behind a template there are more than two parts; all but the first count as the second sequence.
      for index in encodings.indices {
        encodings[index].wrap(
          sequence: min(index, 1), index == 0 ? start : nil, separator, type: UInt32(min(index, 1)))
      }
    case .roberta(let separator, let start, let trim):
      Self.trim(&encodings, trim)
      for index in encodings.indices { encodings[index].setType(0) }
      guard addSpecialTokens else { return }
      for index in encodings.indices {
        encodings[index].wrap(
          sequence: min(index, 1), index == 0 ? start : separator, separator, type: 0, resetsTypes: true)
      }
    }
  }

  private static func trim(_ encodings: inout [Encoding], _ trimming: OffsetTrimming?) {
    guard let trimming else { return }
    for index in encodings.indices {
      trimming.apply(to: &encodings[index])
      for window in encodings[index].overflowing.indices {
        trimming.apply(to: &encodings[index].overflowing[window])
      }
    }
  }
}

extension Encoding {
  /// Puts special tokens before and behind; the windows get the same.
  fileprivate mutating func wrap(
    sequence: Int, _ first: PostProcessor.SpecialToken?, _ last: PostProcessor.SpecialToken, type: UInt32,
    resetsTypes: Bool = false
  ) {
    let windows = overflowing.map { window in
      var copy = window
      copy.wrap(sequence: sequence, first, last, type: type, resetsTypes: resetsTypes)
      return copy
    }
    var result = Encoding(capacity: count + 2)
    if let first { result.append(special: first, type: type) }
    let start = result.count
    var body = self
    body.overflowing = []
    body.sequenceRanges = [:]
    // The reference counts everything between the special tokens as text, whatever it was before.
    body.specialTokensMask = [UInt32](repeating: 0, count: count)
    body.attentionMask = [UInt32](repeating: 1, count: count)
    if resetsTypes { body.setType(0) }
    result.append(body)
    result.sequenceRanges = [sequence: start..<result.count]
    result.append(special: last, type: type)
    result.overflowing = windows
    self = result
  }

  mutating func append(special: PostProcessor.SpecialToken, type: UInt32) {
    append(id: special.id, token: special.token, offsets: 0..<0, word: nil, type: type, special: 1)
  }
}

extension PostProcessor.OffsetTrimming {
  fileprivate func apply(to encoding: inout Encoding) {
    for index in encoding.offsets.indices {
      let isBlank = { (scalar: Unicode.Scalar) in
        scalar.value == 0x120 || UnicodeClasses.isWhitespace(scalar.value)
      }
      let scalars = encoding.tokens[index].unicodeScalars
      var leading = scalars.prefix(while: isBlank).count
      let trailing = scalars.reversed().prefix(while: isBlank).count
      guard leading > 0 || trailing > 0 else { continue }
      var (start, end) = (encoding.offsets[index].lowerBound, encoding.offsets[index].upperBound)
      // One leading space at the start of the text is the one that was added.
      if addPrefixSpace, leading == 1, index == 0 || start == 0 { leading = 0 }
      start = min(start + leading, end)
      if trailing > 0, end >= trailing { end = max(end - trailing, start) }
      encoding.offsets[index] = start..<end
    }
  }
}
