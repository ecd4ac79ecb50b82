/// How text becomes the words that are counted for training.
///
///     let gpt2 = try WordCutting(preTokenizer: ["type": "ByteLevel", "add_prefix_space": false, "use_regex": true])
///     let counts = try WordCounter(cutting: gpt2).count(files: ["corpus.txt"])
///
/// Words never cross the ends of a unit: a line with its line end, as when the reference library trains on files, or a whole file.
public struct WordCutting: Sendable {
  /// What is normalized and cut as one text.
  public enum Unit: String, Sendable, CaseIterable {
    /// A line with its line end. Lines of more than 16 MB are cut there.
    case line
    /// A whole file, which has to fit in memory.
    case document
  }

  /// The `normalizer` of tokenizer.json, or null.
  public let normalizer: JSON
  /// The `pre_tokenizer` of tokenizer.json, or null.
  public let preTokenizer: JSON
  /// What is cut as one text.
  public let unit: Unit
  /// The rules of sentencepiece that stand in the place of the two stages; `nil` where the stages count.
  public let normalization: SentencePieceNormalization?

  /// The chunks of raw bytes that stand in the place of words; `nil` where text is cut.
  public let chunks: ByteChunks?
  /// The random chunks of text that stand in the place of words; `nil` where they are cut otherwise.
  public let randomChunks: RandomChunks?

  private enum Way: Sendable {
    case pattern(SplitPattern)
    case stages(NormalizerStage?, PreTokenizer?)
    case marks(SentencePieceNormalizer, isASCIIFixed: Bool)
    case chunks(ByteChunks)
    case randomChunks(NormalizerStage?, RandomChunks)
  }
  private let way: Way

  /// Cuts with the stages of a tokenizer.json.
  ///
  /// - Throws: ``TokenizerError`` that names the key.
  public init(normalizer: JSON = nil, preTokenizer: JSON = nil, unit: Unit = .line) throws {
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
    self.unit = unit
    normalization = nil
    chunks = nil
    randomChunks = nil
    let first = normalizer.isNull ? nil : try NormalizerStage(ConfigurationNode(normalizer, path: "normalizer"))
    let second = preTokenizer.isNull ? nil : try PreTokenizer(ConfigurationNode(preTokenizer, path: "pre_tokenizer"))
    way = first == nil ? second?.plainPattern.map(Way.pattern) ?? .stages(first, second) : .stages(first, second)
  }

  /// Cuts as sentencepiece's trainer does: normalized text is cut before every space mark.
  ///
  /// - Throws: ``TokenizerError`` when the rules do not fit in the format, which no rule here does.
  public init(sentencePiece normalization: SentencePieceNormalization, unit: Unit = .line) throws {
    normalizer = nil
    preTokenizer = nil
    self.unit = unit
    self.normalization = normalization
    chunks = nil
    randomChunks = nil
    way = .marks(
      try SentencePieceNormalizer(try normalization.specification()), isASCIIFixed: !normalization.changesASCII)
  }

  /// A byte-level stage that cuts nothing: what encodes text whose tokens may cross words.
  public static let wholeText: JSON = [
    "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
  ]

  /// Cuts files into chunks of raw bytes, which need not be text. Encoding will not cut at all.
  public init(chunks: ByteChunks) {
    normalizer = nil
    preTokenizer = Self.wholeText
    unit = .document
    normalization = nil
    self.chunks = chunks
    randomChunks = nil
    way = .chunks(chunks)
  }

  /// Cuts text at random places, so that tokens may cross words. Encoding will not cut at all.
  ///
  /// - Throws: ``TokenizerError`` that names the key of the normalizer.
  public init(randomChunks: RandomChunks, normalizer: JSON = nil, unit: Unit = .document) throws {
    self.normalizer = normalizer
    preTokenizer = Self.wholeText
    self.unit = unit
    normalization = nil
    chunks = nil
    self.randomChunks = randomChunks
    let stage = normalizer.isNull ? nil : try NormalizerStage(ConfigurationNode(normalizer, path: "normalizer"))
    way = .randomChunks(stage, randomChunks)
  }

  /// Whether words are raw bytes that the model will see as characters of the byte-level alphabet.
  public var isByteLevel: Bool {
    switch way {
    case .pattern: preTokenizerEndsInByteLevel
    case .stages(_, let stage): stage?.endsInByteLevel ?? false
    case .marks: false
    case .chunks, .randomChunks: true
    }
  }

  private var preTokenizerEndsInByteLevel: Bool {
    preTokenizer["type"]?.stringValue == "ByteLevel"
      || preTokenizer["pretokenizers"]?.arrayValue?.last?["type"]?.stringValue == "ByteLevel"
  }

  /// The choices as JSON, kept in files of word counts.
  public var json: JSON {
    if let normalization { return ["sentencepiece": .string(normalization.rawValue), "unit": .string(unit.rawValue)] }
    if let chunks { return ["chunks": chunks.json, "unit": .string(unit.rawValue)] }
    if let randomChunks {
      return ["normalizer": normalizer, "random_chunks": randomChunks.json, "unit": .string(unit.rawValue)]
    }
    return ["normalizer": normalizer, "pre_tokenizer": preTokenizer, "unit": .string(unit.rawValue)]
  }

  /// Reads the form of ``json``.
  ///
  /// - Throws: ``TokenizerError`` that names the key.
  public init(json: JSON) throws {
    guard let unit = json["unit"]?.stringValue.flatMap(Unit.init) else {
      throw TokenizerError(.malformed, "expected 'line' or 'document'", at: .key("unit"))
    }
    if let name = json["sentencepiece"]?.stringValue {
      guard let normalization = SentencePieceNormalization(rawValue: name) else {
        throw TokenizerError(.unsupported, "unknown normalization '\(name)'", at: .key("sentencepiece"))
      }
      try self.init(sentencePiece: normalization, unit: unit)
    } else if let chunks = json["chunks"] {
      self.init(chunks: try ByteChunks(json: chunks))
    } else if let chunks = json["random_chunks"] {
      try self.init(
        randomChunks: try RandomChunks(json: chunks), normalizer: json["normalizer"] ?? .null, unit: unit)
    } else {
      try self.init(
        normalizer: json["normalizer"] ?? .null, preTokenizer: json["pre_tokenizer"] ?? .null, unit: unit)
    }
  }

  /// Calls `body` with each word of one unit of text, in order.
  ///
  /// - Parameter text: valid UTF-8, unless the words are chunks of raw bytes.
  /// - Complexity: O(n) for n bytes, times what the stages need.
  func forEachWord(in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    guard !text.isEmpty else { return }
    switch way {
    case .pattern(let pattern):
      pattern.forEachPiece(in: text) { body(UnsafeBufferPointer(rebasing: text[$0])) }
    case .stages(let normalizer, let preTokenizer):
      var pieces = Pieces(input: Array(text))
      if let normalizer, !normalizer.leavesUnchanged(text) { pieces.rewrite { normalizer.apply(to: &$0) } }
      preTokenizer?.apply(to: &pieces, keepsRawBytes: preTokenizer?.endsInByteLevel ?? false)
      pieces.bytes.withUnsafeBufferPointer { all in
        for piece in pieces.pieces where piece.count > 0 {
          body(UnsafeBufferPointer(rebasing: all[piece.start..<piece.end]))
        }
      }
    case .chunks(let chunks): chunks.forEachChunk(in: text, body)
    case .randomChunks(let normalizer, let chunks):
      var pieces = Pieces(input: Array(text))
      if let normalizer, !normalizer.leavesUnchanged(text) { pieces.rewrite { normalizer.apply(to: &$0) } }
      pieces.bytes.withUnsafeBufferPointer { chunks.forEachChunk(in: $0, body) }
    case .marks(let normalizer, let isASCIIFixed):
      if isASCIIFixed, Self.isPlainASCII(text) { return Self.forEachMarkedWord(inASCII: text, body) }
      var end = text.count
      while end > 0, text[end - 1] == 0x0A || text[end - 1] == 0x0D { end -= 1 }
      let output = normalizer.normalize(UnsafeBufferPointer(rebasing: text[..<end]), withOrigins: false)
      output.bytes.withUnsafeBufferPointer { Self.forEachMarkedWord(in: $0, body) }
    }
  }

  /// Printable characters and blanks only, which every rule but case folding leaves alone or makes a space.
  private static func isPlainASCII(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    var odd: UInt8 = 0
    for byte in text {
      let isControl = byte &- 0x20 >= 0x5F
      let isBlank = byte == 0x0A || byte == 0x09 || byte == 0x0D
      odd |= isControl && !isBlank ? 1 : 0
    }
    return odd == 0
  }

  private static func forEachMarkedWord(
    inASCII text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count + 3) { word in
      for (index, byte) in SentencePieceVocabulary.spaceMark.enumerated() { word[index] = byte }
      var start = 0
      while start < text.count {
        while start < text.count, text[start] <= 0x20 { start &+= 1 }
        var length = 3
        while start < text.count, text[start] > 0x20 {
          word[length] = text[start]
          length &+= 1
          start &+= 1
        }
        if length > 3 { body(UnsafeBufferPointer(rebasing: word[..<length])) }
      }
    }
  }

  /// Cuts before each mark that does not follow another one.
  private static func forEachMarkedWord(
    in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    func isMark(_ at: Int) -> Bool {
      at + 2 < text.count && text[at] == 0xE2 && text[at + 1] == 0x96 && text[at + 2] == 0x81
    }
    var start = 0
    var at = 0
    while at < text.count {
      guard isMark(at) else {
        at += 1
        continue
      }
      if at > start { body(UnsafeBufferPointer(rebasing: text[start..<at])) }
      start = at
      while isMark(at) { at += 3 }
    }
    if start < text.count { body(UnsafeBufferPointer(rebasing: text[start...])) }
  }
}

extension PreTokenizer {
  /// The pattern, where cutting is nothing but isolating its matches in text that stays as it is.
  var plainPattern: SplitPattern? {
    switch self {
    case .byteLevel(addPrefixSpace: false, let pattern): pattern
    case .split(let pattern, .isolated, invert: _): pattern
    case .sequence(let parts):
      if parts.count == 2, let pattern = parts[0].plainPattern, case .split = parts[0],
        case .byteLevel(addPrefixSpace: false, pattern: nil) = parts[1]
      {
        pattern
      } else {
        nil
      }
    default: nil
    }
  }
}
