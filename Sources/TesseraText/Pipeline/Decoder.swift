/// How token texts become running text again; the parts of tokenizer.json's `decoder`. Texts are UTF-8.
indirect enum Decoder: Sendable {
  case sequence([Decoder])
  case byteLevel
  case byteFallback
  case fuse
  case wordPiece(prefix: [UInt8], cleanup: Bool)
  case metaspace(mark: [UInt8], prepends: Bool)
  case bpe(suffix: [UInt8])
  case ctc(padding: [UInt8], delimiter: [UInt8], cleanup: Bool)
  case strip(content: UInt32, start: Int, stop: Int)
  case replace(SplitPattern, with: [UInt8])

  init(_ node: ConfigurationNode) throws {
    switch try node.type ?? Self.guessType(node) {
    case "Sequence": self = .sequence(try node.elements("decoders").map { try Decoder($0) })
    case "ByteLevel": self = .byteLevel
    case "ByteFallback": self = .byteFallback
    case "Fuse": self = .fuse
    case "WordPiece":
      self = .wordPiece(prefix: Array(try node.string("prefix").utf8), cleanup: try node.bool("cleanup"))
    case "Metaspace":
      let metaspace = try Metaspace(node)
      self = .metaspace(
        mark: Array(String(Character(metaspace.replacement)).utf8), prepends: metaspace.prependScheme != .never)
    case "BPEDecoder": self = .bpe(suffix: Array(try node.string("suffix").utf8))
    case "CTC":
      self = .ctc(
        padding: Array(try node.string("pad_token").utf8),
        delimiter: Array(try node.string("word_delimiter_token").utf8),
        cleanup: try node.bool("cleanup"))
    case "Strip":
      self = .strip(
        content: try node.scalar("content").value, start: try node.count("start"), stop: try node.count("stop"))
    case "Replace": self = .replace(try node.pattern("pattern"), with: Array(try node.string("content").utf8))
    case let other: throw TokenizerError(.unsupported, "unknown decoder '\(other)'", at: .key("\(node.path).type"))
    }
  }

  private static func guessType(_ node: ConfigurationNode) throws -> String {
    let signs = [
      ("suffix", "BPEDecoder"), ("trim_offsets", "ByteLevel"), ("prefix", "WordPiece"), ("replacement", "Metaspace"),
      ("word_delimiter_token", "CTC"), ("decoders", "Sequence"), ("pattern", "Replace"), ("start", "Strip"),
    ]
    guard let sign = signs.first(where: { node.has($0.0) }) else {
      throw TokenizerError(.malformed, "the key 'type' is missing", at: .key(node.path))
    }
    return sign.1
  }

  /// Whether the text of the tokens is just their bytes in the byte-level alphabet, joined.
  var isByteLevel: Bool {
    switch self {
    case .byteLevel: true
    case .sequence(let parts): parts.count == 1 && parts[0].isByteLevel
    default: false
    }
  }

  /// Turns token texts into texts that only need to be joined.
  func decode(_ tokens: [[UInt8]]) -> [[UInt8]] {
    switch self {
    case .sequence(let parts): parts.reduce(tokens) { $1.decode($0) }
    case .byteLevel: [Self.decodeBytes(tokens)]
    case .byteFallback: Self.decodeFallback(tokens)
    case .fuse: [Array(tokens.joined())]
    case .bpe:
      tokens.enumerated().map { index, token in decodePart(token, isAtEdge: index == tokens.count - 1) }
    case .ctc(let padding, let delimiter, let cleanup): Self.decodeCTC(tokens, padding, delimiter, cleanup)
    case .wordPiece, .metaspace, .strip, .replace:
      tokens.enumerated().map { index, token in decodePart(token, isAtEdge: index == 0) }
    }
  }

  /// One token by a decoder that looks at no other.
  ///
  /// - Parameter isAtEdge: whether it is the first token; for ``bpe(suffix:)``, the last.
  func decodePart(_ token: [UInt8], isAtEdge: Bool) -> [UInt8] {
    switch self {
    case .wordPiece(let prefix, let cleanup):
      var text = token
      if !isAtEdge { text = token.starts(with: prefix) ? Array(token.dropFirst(prefix.count)) : [0x20] + token }
      return cleanup ? Self.cleanUp(text) : text
    case .metaspace(let mark, let prepends):
      return token.replacingAll(mark, by: isAtEdge && prepends ? [] : [0x20])
    case .bpe(let suffix): return token.replacingAll(suffix, by: isAtEdge ? [] : [0x20])
    case .strip(let content, let start, let stop): return Self.strip(token, content, start, stop)
    case .replace(let pattern, let content):
      var result: [UInt8] = []
      token.withUnsafeBufferPointer { text in
        PreTokenizer.forEachSpan(of: pattern, in: text) { span, isMatch in
          result.append(contentsOf: isMatch ? content[...] : token[span])
        }
      }
      return result
    case .sequence, .byteLevel, .byteFallback, .fuse, .ctc: return token
    }
  }

  private static func decodeBytes(_ tokens: [[UInt8]]) -> [UInt8] {
    var bytes: [UInt8] = []
    for token in tokens { bytes.append(contentsOf: ByteLevelAlphabet.bytes(of: token[...]) ?? token) }
    return repaired(bytes)
  }

  /// The bytes with U+FFFD for what is not UTF-8.
  static func repaired(_ bytes: some Collection<UInt8>) -> [UInt8] {
    Array(String(decoding: bytes, as: UTF8.self).utf8)
  }

  /// Runs of byte tokens become text together; a run that is not UTF-8 gives one replacement character per byte.
  static func decodeFallback(_ tokens: [[UInt8]]) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var run: [UInt8] = []
    func flush() {
      guard !run.isEmpty else { return }
      if String(validating: run, as: UTF8.self) != nil {
        result.append(run)
      } else {
        for _ in run { result.append([0xEF, 0xBF, 0xBD]) }
      }
      run.removeAll()
    }
    for token in tokens {
      if let byte = ByteFallback.byte(of: token) {
        run.append(byte)
      } else {
        flush()
        result.append(token)
      }
    }
    flush()
    return result
  }

  private static let cleanups: [([UInt8], [UInt8])] = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

  /// Undoes the spaces that tokenizing English left, in the reference's order.
  private static func cleanUp(_ text: [UInt8]) -> [UInt8] {
    guard text.contains(0x20) else { return text }
    return cleanups.reduce(text) { $0.replacingAll($1.0, by: $1.1) }
  }

  private static func decodeCTC(
    _ tokens: [[UInt8]], _ padding: [UInt8], _ delimiter: [UInt8], _ cleanup: Bool
  ) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for (index, token) in tokens.enumerated() where index == 0 || token != tokens[index - 1] {
      let text = decodeCTC(token, padding, delimiter, cleanup)
      if !text.isEmpty { result.append(text) }
    }
    return result
  }

  /// One token that is not the same as the one before it.
  static func decodeCTC(_ token: [UInt8], _ padding: [UInt8], _ delimiter: [UInt8], _ cleanup: Bool) -> [UInt8] {
    let text = token.replacingAll(padding, by: [])
    return cleanup ? cleanUp(text).replacingAll(delimiter, by: [0x20]) : text
  }

  private static func strip(_ token: [UInt8], _ content: UInt32, _ start: Int, _ stop: Int) -> [UInt8] {
    let scalars = Array(String(decoding: token, as: UTF8.self).unicodeScalars)
    let leading = scalars.prefix(start).prefix { $0.value == content }.count
    let trailing = scalars.reversed().prefix(stop).prefix { $0.value == content }.count
    guard leading > 0 || trailing > 0 else { return token }
    guard leading + trailing < scalars.count else { return [] }
    var result: [UInt8] = []
    for scalar in scalars[leading..<scalars.count - trailing] { UTF8Scalars.append(scalar.value, to: &result) }
    return result
  }
}

extension [UInt8] {
  /// All occurrences replaced, from the left. An empty pattern matches between any two characters and at both ends.
  func replacingAll(_ pattern: [UInt8], by replacement: [UInt8]) -> [UInt8] {
    guard count >= pattern.count else { return self }
    var result: [UInt8] = []
    result.reserveCapacity(count)
    var index = 0
    while index < count {
      if pattern.isEmpty {
        if self[index] & 0xC0 != 0x80 { result.append(contentsOf: replacement) }
        result.append(self[index])
        index += 1
      } else if self[index] == pattern[0], self[index...].starts(with: pattern) {
        result.append(contentsOf: replacement)
        index += pattern.count
      } else {
        result.append(self[index])
        index += 1
      }
    }
    if pattern.isEmpty { result.append(contentsOf: replacement) }
    return result
  }
}
