/// A page of HTML that needs nothing but itself: no address is loaded, and it is readable without scripts.
struct Page {
  let title: String
  /// A sentence below the title.
  let subtitle: String
  let body: Markup

  var html: String {
    let style = Markup(trusting: ReportStyle.colors + ReportStyle.charts + ReportStyle.page)
    let page: Markup = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; media-src data:; \
      style-src 'unsafe-inline'; script-src 'unsafe-inline'">
      <title>\(title)</title>
      <style>
      \(style)</style>
      </head>
      <body>
      <header class="top"><h1>\(title)</h1><p class="soft">\(subtitle)</p></header>
      <main>
      \(body)
      </main>
      <script>
      \(Markup(trusting: ReportStyle.script))
      </script>
      </body>
      </html>

      """
    return page.source
  }
}

/// A table of a page. A heading can sort it, and on a phone each row becomes a block with its headings before its texts.
struct PageTable {
  struct Cell {
    let content: Markup
    /// What it is sorted by, where that is not what it shows.
    let key: String?

    init(_ content: Markup, key: String? = nil) { (self.content, self.key) = (content, key) }
    init(text: String, key: String? = nil) { self.init(Markup(text: text), key: key) }
    /// A number that is written in some way and sorted by its value.
    init(_ value: Double, text: String) { self.init(text: text, key: value.isFinite ? "\(value)" : "") }
  }

  let columns: [TextTable.Column]
  /// Columns of numbers that share a line on a phone.
  let compact: Range<Int>
  private(set) var rows: [[Cell]] = []

  init(_ columns: [TextTable.Column], compact: Range<Int> = 0..<0) { (self.columns, self.compact) = (columns, compact) }

  /// A table of texts as it is.
  init(_ table: TextTable) {
    (columns, compact) = (table.columns, 0..<0)
    rows = table.rows.map { $0.map { Cell(text: $0) } }
  }

  mutating func add(_ cells: Cell...) { rows.append(cells) }
  mutating func add(_ cells: [Cell]) { rows.append(cells) }

  /// - Parameter stacks: false for tables of numbers that scroll inside their frame on a phone
  func markup(stacks: Bool = true) -> Markup {
    let heads = columns.indices.map { index -> Markup in
      "<th scope=\"col\"\(kind(index))>\(columns[index].heading)</th>"
    }
    let lines = rows.map { cells -> Markup in
      let cells = zip(columns.indices, cells).map { index, cell -> Markup in
        let key: Markup = cell.key.map { "\" data-value=\"\($0)" } ?? ""
        return "<td\(kind(index)) data-label=\"\(columns[index].heading)\(key)\">\(cell.content)</td>"
      }
      return "<tr>\(cells.joined())</tr>"
    }
    let list: Markup = stacks ? "sortable stack" : "sortable"
    let table: Markup = """
      <table class="\(list)"><thead><tr>\(heads.joined())</tr></thead><tbody>
      \(lines.joined("\n"))
      </tbody></table>
      """
    return "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"table\">\(table)</div>"
  }

  private func kind(_ index: Int) -> Markup {
    if compact.contains(index) { return " class=\"number compact\"" }
    return columns[index].side == .right ? " class=\"number\"" : ""
  }
}
