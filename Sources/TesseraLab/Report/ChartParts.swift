import TesseraText

/// What all charts share: sizes, texts, frames, and the colours, which are names that a style sheet fills in.
enum ChartParts {
  /// The width of every chart, in its own units: fonts of 12 units are readable on a phone and not loud on a desk.
  static let width = 440.0
  /// How many series have a colour of their own.
  static let colors = 5

  /// How wide a text of 12 units is, about. The estimate is generous, since fonts differ.
  static func width(of text: String, size: Double = 12) -> Double { Double(DisplayWidth.of(text)) * size * 0.56 }

  /// As much of a text as fits, with an ellipsis in the place of the rest.
  static func fitted(_ text: String, _ width: Double, size: Double = 12) -> String {
    if self.width(of: text, size: size) <= width { return text }
    let columns = max(1, Int(width / (size * 0.56)) - 1)
    return DisplayWidth.prefix(of: text, columns: columns) + "…"
  }

  static func text(_ text: String, _ x: Double, _ y: Double, _ kind: String, anchor: String = "start") -> Markup {
    "<text x=\"\(x)\" y=\"\(y)\" class=\"\(kind)\" text-anchor=\"\(anchor)\">\(text)</text>"
  }

  static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) -> Markup {
    "<line x1=\"\(x1)\" y1=\"\(y1)\" x2=\"\(x2)\" y2=\"\(y2)\" class=\"\(kind)\"/>"
  }

  /// The drawing with its texts for those who do not see it.
  static func svg(height: Double, title: String, summary: String, style: Bool, _ content: Markup) -> String {
    let sheet: Markup = style ? "<style>\(Markup(trusting: ReportStyle.colors + ReportStyle.charts))</style>" : ""
    let markup: Markup = """
      <svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(title). \(summary)">\
      <title>\(title)</title><desc>\(summary)</desc>\(sheet)\(content)</svg>
      """
    return markup.source
  }

  /// The class of a series: colours first, then the same ones dashed, then one for all others.
  static func style(_ index: Int) -> String {
    if index < colors { return "s\(index)" }
    return index < 2 * colors ? "s\(index - colors) dashed" : "rest"
  }

  static func heading(_ axis: Curve.Axis) -> String { axis.unit.isEmpty ? axis.label : "\(axis.label) (\(axis.unit))" }
}
