/// What happens to the matches of a pattern when text is split at them.
enum SplitBehavior: String, CaseIterable, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"
}

/// A cutting of text into words; the parts of tokenizer.json's `pre_tokenizer`.
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  case byteLevel(addPrefixSpace: Bool, pattern: SplitPattern?)
  case split(SplitPattern, SplitBehavior, invert: Bool)
  case whitespace
  case whitespaceSplit
  case bert
  case metaspace(Metaspace)
  case charDelimiter(UInt32)
  case punctuation(SplitBehavior)
  case digits(individual: Bool)
  case unicodeScripts
  case fixedLength(Int)

  init(_ node: ConfigurationNode) throws {
    switch try node.type ?? Self.guessType(node) {
    case "Sequence": self = .sequence(try node.elements("pretokenizers").map { try PreTokenizer($0) })
    case "ByteLevel":
      _ = try node.bool("trim_offsets")
      let pattern = try node.bool("use_regex", default: true) ? ByteLevelAlphabet.gpt2Pattern() : nil
      self = .byteLevel(addPrefixSpace: try node.bool("add_prefix_space"), pattern: pattern)
    case "Split":
      self = .split(try node.pattern("pattern"), try node.word("behavior"), invert: try node.bool("invert"))
    case "Whitespace": self = .whitespace
    case "WhitespaceSplit": self = .whitespaceSplit
    case "BertPreTokenizer": self = .bert
    case "Metaspace": self = .metaspace(try Metaspace(node))
    case "CharDelimiterSplit": self = .charDelimiter(try node.scalar("delimiter").value)
    case "Punctuation": self = .punctuation(try node.word("behavior", default: .isolated))
    case "Digits": self = .digits(individual: try node.bool("individual_digits"))
    case "UnicodeScripts": self = .unicodeScripts
    case "FixedLength":
      let length = try node.count("length", default: 5)
      guard length > 0 else {
        throw TokenizerError(.malformed, "expected a length of at least 1", at: .key("\(node.path).length"))
      }
      self = .fixedLength(length)
    case let other:
      throw TokenizerError(.unsupported, "unknown pre-tokenizer '\(other)'", at: .key("\(node.path).type"))
    }
  }

  private static func guessType(_ node: ConfigurationNode) throws -> String {
    let signs = [
      ("trim_offsets", "ByteLevel"), ("delimiter", "CharDelimiterSplit"), ("replacement", "Metaspace"),
      ("pretokenizers", "Sequence"), ("pattern", "Split"), ("individual_digits", "Digits"),
      ("behavior", "Punctuation"), ("length", "FixedLength"),
    ]
    guard let sign = signs.first(where: { node.has($0.0) }) else {
      throw TokenizerError(.malformed, "the key 'type' is missing", at: .key(node.path))
    }
    return sign.1
  }

  /// The stage that ends the pipeline by mapping bytes to the byte-level alphabet, when there is one.
  var endsInByteLevel: Bool {
    switch self {
    case .byteLevel: true
    case .sequence(let parts): parts.last?.endsInByteLevel ?? false
    default: false
    }
  }

  /// Cuts the pieces.
  ///
  /// - Parameter keepsRawBytes: leaves out the mapping of bytes to characters of a last byte-level stage; the model knows.
  func apply(to pieces: inout Pieces, keepsRawBytes: Bool = false) {
    switch self {
    case .sequence(let parts):
      for (index, part) in parts.enumerated() {
        part.apply(to: &pieces, keepsRawBytes: keepsRawBytes && index == parts.count - 1)
      }
    case .byteLevel(let addPrefixSpace, let pattern):
      if addPrefixSpace { Self.addPrefixSpace(&pieces) }
      if let pattern { Self.isolate(&pieces, pattern) }
      pieces.dropEmpty()
      if keepsRawBytes {
        pieces.isRawByteLevel = true
      } else {
        pieces.rewrite { ByteLevelAlphabet.map(&$0) }
      }
    case .split(let pattern, let behavior, let invert):
      if behavior == .isolated {
        Self.isolate(&pieces, pattern)
      } else {
        pieces.split { text, _, emit in
          let spans = Self.spans(of: pattern, in: text).map { ($0.range, $0.isMatch != invert) }
          for range in Self.ranges(of: spans, behavior) { emit(range) }
        }
      }
    case .whitespace:
      pieces.split { text, _, emit in Self.splitWords(text, emit) }
    case .whitespaceSplit: Self.split(&pieces, .removed) { UnicodeClasses.isWhitespace($0) }
    case .bert:
      Self.split(&pieces, .removed) { UnicodeClasses.isWhitespace($0) }
      Self.split(&pieces, .isolated) { UnicodeClasses.isPunctuation($0) }
    case .metaspace(let metaspace): metaspace.apply(to: &pieces)
    case .charDelimiter(let delimiter): Self.split(&pieces, .removed) { $0 == delimiter }
    case .punctuation(let behavior): Self.split(&pieces, behavior) { UnicodeClasses.isPunctuation($0) }
    case .digits(let individual):
      Self.split(&pieces, individual ? .isolated : .contiguous) { UnicodeClasses.isNumeric($0) }
    case .unicodeScripts:
      pieces.split { text, _, emit in Self.splitScripts(text, emit) }
    case .fixedLength(let length):
      pieces.split { text, _, emit in Self.splitEvery(length, text, emit) }
    }
  }

  private static func addPrefixSpace(_ pieces: inout Pieces) {
    let bytes = pieces.bytes
    guard pieces.pieces.contains(where: { $0.isText && $0.count > 0 && bytes[$0.start] != 0x20 }) else { return }
    pieces.rewrite { if $0.bytes.first != 0x20 { $0.prepend(" ") } }
  }

  /// Matches and what is between them, each a piece of its own.
  private static func isolate(_ pieces: inout Pieces, _ pattern: SplitPattern) {
    pieces.split { text, _, emit in
      var last = 0
      pattern.forEachMatch(in: text) { match in
        emit(last..<match.lowerBound)
        emit(match)
        last = match.upperBound
      }
      emit(last..<text.count)
    }
  }
}
