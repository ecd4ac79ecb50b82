import TesseraText

/// A text with its tokens made visible: in a terminal on alternating backgrounds, wrapped at its width; elsewhere with bars between.
struct TokenView {
  /// What is shown in one piece.
  struct Cell {
    enum Kind { case token, special, gap }

    var text: String
    var kind: Kind
    var id: UInt32?
  }

  var cells: [Cell] = []

  /// - Parameter isSpecial: whether an id is that of a special token.
  init(_ text: String, _ encoding: Encoding, _ tokenizer: TextTokenizer) {
    let positions = TextPositions(text)
    let specials = Set(tokenizer.specialTokens.map(\.id))
    var shown = 0
    for index in encoding.ids.indices {
      let range = encoding.offsets[index]
      let isAdded = encoding.specialTokensMask[index] == 1
      if !isAdded, range.lowerBound > shown {
        cells.append(Cell(text: String(text[positions.indices(shown..<range.lowerBound)]), kind: .gap))
      }
      // A part of a character cannot be shown; the token's own bytes can.
      let isWhole = range.lowerBound >= shown && !range.isEmpty && !isShared(encoding, index)
      let own = String(text[positions.indices(range)])
      let isSpecial = isAdded || specials.contains(encoding.ids[index])
      let piece = isSpecial ? encoding.tokens[index] : isWhole ? own : Self.bytes(of: encoding, index, tokenizer)
      cells.append(Cell(text: piece, kind: isSpecial ? .special : .token, id: encoding.ids[index]))
      if !isAdded { shown = max(shown, range.upperBound) }
    }
    if shown < positions.scalarCount {
      cells.append(Cell(text: String(text[positions.indices(shown..<positions.scalarCount)]), kind: .gap))
    }
  }

  private func isShared(_ encoding: Encoding, _ index: Int) -> Bool {
    guard index + 1 < encoding.count, encoding.specialTokensMask[index + 1] == 0 else { return false }
    return encoding.offsets[index + 1].lowerBound < encoding.offsets[index].upperBound
  }

  /// The bytes of a token that is a part of a character; `<0xE6>` says them itself.
  private static func bytes(of encoding: Encoding, _ index: Int, _ tokenizer: TextTokenizer) -> String {
    let bytes = tokenizer.decodeBytes([encoding.ids[index]], skipSpecialTokens: false)
    if String(validating: bytes, as: UTF8.self) != nil { return encoding.tokens[index] }
    return bytes.map { byte in
      (0x20..<0x7F).contains(byte)
        ? String(Unicode.Scalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }

  // MARK: Drawing

  private static let backgrounds = ["153", "223", "157", "218"]
  private static let reset = "\u{1B}[0m"

  private func style(_ cell: Cell, _ number: Int) -> String {
    switch cell.kind {
    case .token: "\u{1B}[30;48;5;\(Self.backgrounds[number % Self.backgrounds.count])m"
    case .special: "\u{1B}[1;97;48;5;90m"
    case .gap: "\u{1B}[2m"
    }
  }

  /// The view as lines.
  ///
  /// - Parameters:
  ///   - columns: where lines are wrapped; `nil` for nowhere.
  ///   - hasColors: backgrounds tell tokens apart; otherwise bars do.
  ///   - showsIDs: the id follows each token.
  func lines(columns: Int?, hasColors: Bool, showsIDs: Bool) -> [String] {
    var lines = [""]
    var used = 0
    var number = 0
    func put(_ character: Character, _ style: String) {
      let width = DisplayWidth.of(character)
      if let columns, used + width > columns, used > 0 {
        lines[lines.count - 1] += style.isEmpty ? "" : Self.reset
        lines.append(style)
        used = 0
      }
      lines[lines.count - 1].append(character)
      used += width
    }
    for (index, cell) in cells.enumerated() {
      let style = hasColors ? style(cell, number) : ""
      if cell.kind == .token { number += 1 }
      if !hasColors, index > 0, used > 0 { put("|", "") }
      lines[lines.count - 1] += style
      for character in Self.visible(cell.text) {
        guard character != "\n" else {
          lines[lines.count - 1] += hasColors ? Self.reset : ""
          lines.append(style)
          used = 0
          continue
        }
        put(character, style)
      }
      if showsIDs, let id = cell.id { for character in "[\(id)]" { put(character, style) } }
      if hasColors { lines[lines.count - 1] += Self.reset }
    }
    return lines
  }

  /// The text with its control characters as pictures; a line feed keeps its line end behind the picture. A mark that begins the
  /// text stands on a dotted circle, so that it does not land on the token before.
  static func visible(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control where scalar == "\n": result.append(contentsOf: "\u{23CE}\n".unicodeScalars)
      case .control where scalar == "\t": result.append(contentsOf: "\u{21E5} ".unicodeScalars)
      case .control where scalar.value < 0x20: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? scalar)
      case .control where scalar.value == 0x7F: result.append("\u{2421}")
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
        // Joiners inside an emoji or a word belong to what is seen.
        if scalar.value == 0x200D || scalar.value == 0x200C, !result.isEmpty {
          result.append(scalar)
        } else {
          result.append(contentsOf: "<U+\(String(scalar.value, radix: 16, uppercase: true))>".unicodeScalars)
        }
      case .nonspacingMark, .enclosingMark:
        if result.isEmpty { result.append("\u{25CC}") }
        result.append(scalar)
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// The tokens as JSON.
  static func json(_ text: String, _ encoding: Encoding, _ tokenizer: TextTokenizer) -> JSON {
    let specials = Set(tokenizer.specialTokens.map(\.id))
    func range(_ range: Range<Int>) -> JSON { [.integer(Int64(range.lowerBound)), .integer(Int64(range.upperBound))] }
    return [
      "count": .integer(Int64(encoding.count)),
      "tokens": .array(
        encoding.tokens(in: text).map { token in
          [
            "id": .integer(Int64(token.id)), "token": .string(token.text), "text": .string(String(text[token.range])),
            "offsets": range(token.scalars), "utf8": range(token.utf8), "utf16": range(token.utf16),
            "word": token.word.map { .integer(Int64($0)) } ?? .null,
            "special": .bool(token.isAdded || specials.contains(token.id)),
          ]
        }),
    ]
  }
}
