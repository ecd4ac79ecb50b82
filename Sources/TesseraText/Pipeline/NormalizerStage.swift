/// A rewriting of text before it is cut into words; the parts of tokenizer.json's `normalizer`.
indirect enum NormalizerStage: Sendable {
  case sequence([NormalizerStage])
  case form(NormalizationForm)
  case lowercase
  case strip(left: Bool, right: Bool)
  case stripAccents
  case bert(BertOptions)
  case nmt
  case precompiled(CharsMap)
  case replace(SplitPattern, with: String)
  case prepend(String)
  case byteLevel

  struct BertOptions: Sendable {
    var cleanText: Bool
    var handleChineseChars: Bool
    var stripAccents: Bool
    var lowercase: Bool
  }

  init(_ node: ConfigurationNode) throws {
    switch try node.type ?? Self.guessType(node) {
    case "Sequence": self = .sequence(try node.elements("normalizers").map { try NormalizerStage($0) })
    case "NFC": self = .form(.nfc)
    case "NFD": self = .form(.nfd)
    case "NFKC": self = .form(.nfkc)
    case "NFKD": self = .form(.nfkd)
    case "Lowercase": self = .lowercase
    case "Strip": self = .strip(left: try node.bool("strip_left"), right: try node.bool("strip_right"))
    case "StripAccents": self = .stripAccents
    case "Nmt": self = .nmt
    case "BertNormalizer":
      let lowercase = try node.bool("lowercase")
      let followsCase = node.json["strip_accents"]?.isNull ?? true
      self = .bert(
        BertOptions(
          cleanText: try node.bool("clean_text"), handleChineseChars: try node.bool("handle_chinese_chars"),
          stripAccents: try followsCase ? lowercase : node.bool("strip_accents"), lowercase: lowercase))
    case "Precompiled":
      let text = try node.string("precompiled_charsmap")
      let blob: [UInt8]
      do {
        blob = try Base64.decode(text.utf8)
      } catch {
        throw TokenizerError(.malformed, error.message, at: .key("\(node.path).precompiled_charsmap"))
      }
      self = .precompiled(try CharsMap(blob: blob))
    case "Replace": self = .replace(try node.pattern("pattern"), with: try node.string("content"))
    case "Prepend": self = .prepend(try node.string("prepend"))
    case "ByteLevel": self = .byteLevel
    case let other:
      throw TokenizerError(.unsupported, "unknown normalizer '\(other)'", at: .key("\(node.path).type"))
    }
  }

  /// Files from before the `type` key are told apart by their members.
  private static func guessType(_ node: ConfigurationNode) throws -> String {
    let signs = [
      ("clean_text", "BertNormalizer"), ("strip_left", "Strip"), ("normalizers", "Sequence"),
      ("precompiled_charsmap", "Precompiled"), ("pattern", "Replace"), ("prepend", "Prepend"),
    ]
    guard let sign = signs.first(where: { node.has($0.0) }) else {
      throw TokenizerError(.malformed, "the key 'type' is missing", at: .key(node.path))
    }
    return sign.1
  }

  /// Rewrites the text in place.
  func apply(to text: inout AlignedText) {
    switch self {
    case .sequence(let parts): for part in parts { part.apply(to: &text) }
    case .form(let form): Self.normalize(&text, form)
    case .lowercase: Self.lowercase(&text)
    case .strip(let left, let right): Self.strip(&text, left: left, right: right)
    case .stripAccents: text.filter { !UnicodeClasses.isCombiningMark($0) }
    case .bert(let options): Self.bert(&text, options)
    case .nmt: Self.nmt(&text)
    case .precompiled(let map):
      var changes: [ScalarChange] = []
      if text.bytes.withUnsafeBufferPointer({ map.appendReplacing($0, to: &changes) }) { text.rewrite(changes) }
    case .replace(let pattern, let content): Self.replace(&text, pattern, with: content)
    case .prepend(let prefix): text.prepend(prefix)
    case .byteLevel: ByteLevelAlphabet.map(&text)
    }
  }

  private static func normalize(_ text: inout AlignedText, _ form: NormalizationForm) {
    var changes: [ScalarChange] = []
    let isDone = text.bytes.withUnsafeBufferPointer { bytes in
      var normalizer = Normalizer(form)
      if normalizer.isNormalized(bytes) { return true }
      normalizer.append(bytes, to: &changes)
      return false
    }
    if !isDone { text.rewrite(changes) }
  }

  private static func lowercase(_ text: inout AlignedText) {
    var changes: [ScalarChange] = []
    changes.reserveCapacity(text.bytes.count)
    var isChanged = false
    text.forEachScalar { scalar in
      let lower = UnicodeClasses.lowercase(scalar)
      if lower.0 != scalar { isChanged = true }
      changes.append(ScalarChange(scalar: lower.0, change: 0))
      if lower.1 != 0 { changes.append(ScalarChange(scalar: lower.1, change: 1)) }
      if lower.2 != 0 { changes.append(ScalarChange(scalar: lower.2, change: 1)) }
    }
    if isChanged { text.rewrite(changes) }
  }

  private static func strip(_ text: inout AlignedText, left: Bool, right: Bool) {
    var scalars: [UInt32] = []
    text.forEachScalar { scalars.append($0) }
    var start = 0
    var end = scalars.count
    if left { while start < end, UnicodeClasses.isWhitespace(scalars[start]) { start += 1 } }
    if right { while end > start, UnicodeClasses.isWhitespace(scalars[end - 1]) { end -= 1 } }
    guard start > 0 || end < scalars.count else { return }
    text.rewrite(scalars[start..<end].map { ScalarChange(scalar: $0, change: 0) }, skipping: start)
  }

  /// BERT's cleaning, in the order of the original: control characters, ideographs, accents, case.
  private static func bert(_ text: inout AlignedText, _ options: BertOptions) {
    if options.cleanText {
      text.filter { scalar in scalar != 0 && scalar != 0xFFFD && !isBertControl(scalar) }
      let hasBlanks = text.bytes.contains { $0 >= 0x80 || ($0 < 0x20) }
      if hasBlanks { text.map { UnicodeClasses.isWhitespace($0) ? 0x20 : $0 } }
    }
    if options.handleChineseChars { spaceIdeographs(&text) }
    if options.stripAccents {
      normalize(&text, .nfd)
      text.filter { !UnicodeClasses.isNonspacingMark($0) }
    }
    if options.lowercase { lowercase(&text) }
  }

  private static func isBertControl(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x09, 0x0A, 0x0D: false
    default: UnicodeClasses.isOther(scalar)
    }
  }

  private static func spaceIdeographs(_ text: inout AlignedText) {
    var changes: [ScalarChange] = []
    var found = false
    text.forEachScalar { scalar in
      guard UnicodeClasses.isBertIdeograph(scalar) else {
        changes.append(ScalarChange(scalar: scalar, change: 0))
        return
      }
      found = true
      changes.append(ScalarChange(scalar: 0x20, change: 0))
      changes.append(ScalarChange(scalar: scalar, change: 1))
      changes.append(ScalarChange(scalar: 0x20, change: 1))
    }
    if found { text.rewrite(changes) }
  }

  /// The fixed sets of the "neural machine translation" rules.
  private static func nmt(_ text: inout AlignedText) {
    text.filter { NmtAction.of($0) != .remove }
    text.map { NmtAction.of($0) == .space ? 0x20 : $0 }
  }

  /// Every match becomes the content; what is put there stands for the last byte of the match.
  private static func replace(_ text: inout AlignedText, _ pattern: SplitPattern, with content: String) {
    var matches: [Range<Int>] = []
    text.bytes.withUnsafeBufferPointer { bytes in pattern.forEachMatch(in: bytes) { matches.append($0) } }
    guard !matches.isEmpty else { return }
    text.materializeOrigins()
    let replacement = Array(content.utf8)
    var bytes: [UInt8] = []
    var origins: [Origin] = []
    bytes.reserveCapacity(text.bytes.count)
    origins.reserveCapacity(text.bytes.count)
    var last = 0
    for match in matches {
      bytes.append(contentsOf: text.bytes[last..<match.lowerBound])
      origins.append(contentsOf: text.origins[last..<match.lowerBound])
      let origin =
        match.upperBound > 0
        ? text.origins[match.upperBound - 1] : Origin(start: UInt32(text.base), end: UInt32(text.base))
      bytes.append(contentsOf: replacement)
      origins.append(contentsOf: repeatElement(origin, count: replacement.count))
      last = match.upperBound
    }
    bytes.append(contentsOf: text.bytes[last...])
    origins.append(contentsOf: text.origins[last...])
    text.bytes = bytes
    text.origins = origins
  }
}

extension NormalizerStage {
  /// Whether the text is certain to stay as it is: a cheap test that spares the rewriting.
  func leavesUnchanged(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    switch self {
    case .sequence(let parts): parts.allSatisfy { $0.leavesUnchanged(bytes) }
    case .form(let form): Normalizer(form).isNormalized(bytes)
    default: false
    }
  }
}
