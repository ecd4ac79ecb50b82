/// Replaces spaces by a visible mark and cuts before each mark: the SentencePiece way of tokenizer.json.
struct Metaspace: Sendable {
  enum PrependScheme: String, CaseIterable, Sendable {
    case first
    case never
    case always
  }

  var replacement: Unicode.Scalar = "\u{2581}"
  var prependScheme = PrependScheme.always
  var split = true

  init(_ node: ConfigurationNode) throws {
    replacement = try node.scalar("replacement")
    prependScheme = try node.word("prepend_scheme", default: .always)
    split = node.json["split"]?.isNull ?? true ? true : try node.bool("split")
    if node.json["add_prefix_space"]?.boolValue == false {
      guard
        prependScheme == .never || !node.has("prepend_scheme")
          || prependScheme == .always && !node.has("prepend_scheme")
      else {
        throw TokenizerError(
          .inconsistent, "add_prefix_space is false but prepend_scheme is '\(prependScheme.rawValue)'",
          at: .key(node.path))
      }
      prependScheme = .never
    }
  }

  func apply(to pieces: inout Pieces) {
    let mark = String(Character(replacement))
    let changes = mark.unicodeScalars.map(\.value)
    pieces.rewrite { text in
      Self.replaceSpaces(&text, by: changes)
      let startsWithMark = text.bytes.starts(with: mark.utf8)
      switch prependScheme {
      case .always: if !startsWithMark { text.prepend(mark) }
      case .first: if !startsWithMark && text.base == 0 { text.prepend(mark) }
      case .never: break
      }
    }
    guard split else { return pieces.dropEmpty() }
    let lead = Array(mark.utf8)
    pieces.split { text, _, emit in
      var start = 0
      var index = 0
      while index < text.count {
        if text[index] == lead[0], Self.matches(lead, text, at: index) {
          emit(start..<index)
          start = index
          index += lead.count
        } else {
          index += text.leadLength(at: index)
        }
      }
      emit(start..<text.count)
    }
  }

  private static func matches(_ mark: [UInt8], _ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
    guard index + mark.count <= text.count else { return false }
    return mark.indices.allSatisfy { text[index + $0] == mark[$0] }
  }

  private static func replaceSpaces(_ text: inout AlignedText, by mark: [UInt32]) {
    guard text.bytes.contains(0x20) else { return }
    var changes: [ScalarChange] = []
    text.forEachScalar { scalar in
      changes.append(ScalarChange(scalar: scalar == 0x20 ? mark[0] : scalar, change: 0))
    }
    text.materializeOrigins()
    text.rewrite(0..<text.bytes.count, changes)
  }
}
