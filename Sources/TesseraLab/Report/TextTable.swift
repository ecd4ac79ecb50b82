import TesseraText

/// A table of texts, printed for a terminal, for Markdown, or for a page.
///
///     var table = TextTable([.init("figure"), .init("mean", side: .right), .init("unit")])
///     table.add("accuracy", "0.923", "")
///     print(table.text())
public struct TextTable: Sendable {
  /// Where the texts of a column stand.
  public enum Side: Sendable {
    case left, right
  }

  /// One column.
  public struct Column: Sendable {
    /// What stands in it.
    public let title: String
    /// In what, shown behind the title; empty for plain texts and numbers.
    public let unit: String
    /// Numbers stand on the right.
    public let side: Side

    /// Makes it from its parts.
    public init(_ title: String, unit: String = "", side: Side = .left) {
      (self.title, self.unit, self.side) = (title, unit, side)
    }

    var heading: String { unit.isEmpty ? title : "\(title) (\(unit))" }
  }

  /// The columns, from the left.
  public let columns: [Column]
  /// The rows, from the top; each has a text for every column.
  public private(set) var rows: [[String]] = []

  /// An empty table.
  public init(_ columns: [Column]) { self.columns = columns }

  /// Adds a row; texts that are missing are empty, and there is no room for more than there are columns.
  public mutating func add(_ texts: [String]) {
    let texts = texts.prefix(columns.count).map { String($0.map { $0.isNewline || $0 == "\t" ? " " : $0 }) }
    rows.append(texts + Array(repeating: "", count: columns.count - texts.count))
  }

  /// Adds a row.
  public mutating func add(_ texts: String...) { add(texts) }

  /// Aligned columns, two spaces between them, and no spaces at the ends of lines.
  /// - Parameter width: how many columns of characters there are; the last column is folded at spaces to fit, if at least 20 are
  ///   left for it
  public func text(width: Int? = nil) -> String {
    guard !columns.isEmpty else { return "" }
    var widths = columns.indices.map { index in
      ([columns[index].heading] + rows.map { $0[index] }).map { DisplayWidth.of($0) }.max() ?? 0
    }
    let last = widths.count - 1
    let left = widths[..<last].reduce(0) { $0 + $1 + 2 }
    if let width, width - left >= 20 { widths[last] = min(widths[last], width - left) }
    let rule = widths.map { String(repeating: "-", count: $0) }
    return ([columns.map(\.heading), rule] + rows).flatMap { lines($0, widths) }.joined(separator: "\n")
  }

  private func lines(_ texts: [String], _ widths: [Int]) -> [String] {
    let last = widths.count - 1
    let first = (0..<last).map { aligned(texts[$0], widths[$0], columns[$0].side) + "  " }.joined()
    let indent = String(repeating: " ", count: DisplayWidth.of(first))
    return Self.fold(texts[last], widths[last]).enumerated().map { index, part in
      Self.trimmed((index == 0 ? first : indent) + aligned(part, widths[last], columns[last].side))
    }
  }

  private func aligned(_ text: String, _ width: Int, _ side: Side) -> String {
    let space = String(repeating: " ", count: max(0, width - DisplayWidth.of(text)))
    return side == .left ? text + space : space + text
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.last == " " { line.removeLast() }
    return line
  }

  /// Lines of at most `width` columns, broken at spaces; a word that is longer is broken inside.
  static func fold(_ text: String, _ width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      var word = String(word)
      if !line.isEmpty, DisplayWidth.of(line) + 1 + DisplayWidth.of(word) <= width {
        line += " " + word
        continue
      }
      if !line.isEmpty { lines.append(line) }
      while DisplayWidth.of(word) > width {
        let head = DisplayWidth.prefix(of: word, columns: max(width, 2))
        lines.append(head)
        word.removeFirst(head.count)
      }
      line = word
    }
    return line.isEmpty && !lines.isEmpty ? lines : lines + [line]
  }

  /// A table of GitHub's Markdown.
  public var markdown: String {
    let header = "| " + columns.map { Self.escape($0.heading) }.joined(separator: " | ") + " |"
    let sides = "|" + columns.map { $0.side == .right ? "---:|" : "---|" }.joined()
    return ([header, sides] + rows.map { "| " + $0.map(Self.escape).joined(separator: " | ") + " |" }).joined(
      separator: "\n")
  }

  /// Text that Markdown takes as it is.
  static func escape(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "|", "*", "_", "`", "[", "]", "\\", "#", "~": result += "\\\(character)"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "&": result += "&amp;"
      default: result.append(character)
      }
    }
  }
}
