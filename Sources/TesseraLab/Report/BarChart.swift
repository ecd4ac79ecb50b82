/// Numbers side by side as bars from zero, with the single runs as points upon them.
///
///     let chart = BarChart(title: "Accuracy", unit: "", bars: [.init("pruned", [0.91, 0.92, 0.9]), .init("random", [0.7], .baseline)])
public struct BarChart: Sendable {
  /// What a bar is there for; only what was measured has a colour, what it is compared with is grey.
  public enum Role: String, Sendable {
    case measured, baseline, floor, ceiling
  }

  /// A bound that a number must keep, shown as a mark on its bar.
  public struct Bound: Sendable {
    /// True if the number must not be lower; otherwise it must not be higher.
    public let isLower: Bool
    /// The bound.
    public let value: Double

    /// Makes it from its parts.
    public init(isLower: Bool, value: Double) { (self.isLower, self.value) = (isLower, value) }
  }

  /// One bar.
  public struct Bar: Sendable {
    /// What it shows.
    public let name: String
    /// A number for each run.
    public let values: [Double]
    /// What it is there for.
    public let role: Role
    /// Bounds it must keep.
    public let bounds: [Bound]

    /// Makes it from its parts.
    public init(_ name: String, _ values: [Double], _ role: Role = .measured, bounds: [Bound] = []) {
      (self.name, self.values, self.role, self.bounds) = (name, values, role, bounds)
    }

    var label: String { role == .measured ? name : "\(name) (\(role.rawValue))" }
    var finite: [Double] { values.filter { $0.isFinite && abs($0) < 1e300 } }
    var statistics: Statistics? { finite.isEmpty ? nil : Statistics(finite) }

    /// The mean, and the range where there are several runs.
    func text(_ unit: String = "") -> String {
      guard let statistics else { return values.first.map { NumberText.of($0) } ?? "not measured" }
      let suffix = unit.isEmpty ? "" : " \(unit)"
      let missing = values.count - finite.count
      let note = missing > 0 ? ", \(missing) of \(values.count) not finite" : ""
      guard statistics.low < statistics.high else { return NumberText.of(statistics.mean) + suffix + note }
      let texts = NumberText.of([statistics.mean, statistics.low, statistics.high])
      return "\(texts[0])\(suffix) (\(texts[1]) to \(texts[2]))\(note)"
    }
  }

  /// What it shows.
  public let title: String
  /// The unit of all numbers; empty for plain ones.
  public let unit: String
  /// The bars, from the top.
  public let bars: [Bar]

  /// Makes it from its parts.
  public init(title: String, unit: String, bars: [Bar]) { (self.title, self.unit, self.bars) = (title, unit, bars) }

  /// What the chart shows, in words.
  public var summary: String {
    let shown = bars.prefix(12).map { bar in
      "\(bar.label): \(bar.text(unit))"
        + bar.bounds.map { ", \($0.isLower ? "at least" : "at most") \(NumberText.of($0.value)) demanded" }.joined()
    }
    let rest = bars.count > 12 ? ["and \(bars.count - 12) more bars"] : []
    return (["Bar chart"] + shown + rest).joined(separator: "; ") + "."
  }

  /// The drawing.
  /// - Parameter styled: true for a file that stands alone; a page has one style sheet for all its charts
  public func svg(styled: Bool = true) -> String {
    let width = ChartParts.width
    let numbers = bars.flatMap { $0.finite + $0.bounds.map(\.value) }
    let scale = Scale(numbers, count: 4, includesZero: true)
    let (left, right) = (4.0, width - 14)
    func place(_ value: Double) -> Double { left + (scale.position(value) ?? 0) * (right - left) }
    let (top, row) = (6.0, 40.0)
    let bottom = top + row * Double(bars.count)
    var content: Markup = ""
    for (tick, label) in zip(scale.ticks, scale.labels) {
      // Only behind the bars: a line through a name would be in its way.
      for index in bars.indices {
        let middle = top + row * Double(index) + 26
        content += ChartParts.line(place(tick), middle - 9, place(tick), middle + 9, tick == 0 ? "axis" : "grid")
      }
      let half = ChartParts.width(of: label) / 2
      content += ChartParts.text(
        label, min(max(place(tick), half), width - half), bottom + 16, "tick", anchor: "middle")
    }
    for (index, bar) in bars.enumerated() { content += drawing(of: bar, top + row * Double(index), place) }
    if !unit.isEmpty { content += ChartParts.text(unit, (left + right) / 2, bottom + 33, "name", anchor: "middle") }
    let height = bottom + (unit.isEmpty ? 24 : 40)
    return ChartParts.svg(height: height, title: title, summary: summary, style: styled, content)
  }

  private func drawing(of bar: Bar, _ top: Double, _ place: (Double) -> Double) -> Markup {
    let style = bar.role == .measured ? "s0" : "rest"
    let text = bar.text()
    let room = ChartParts.width - 16 - ChartParts.width(of: text) - 12
    let name = ChartParts.fitted(bar.label, max(room, 60))
    var result: Markup = """
      <text x="4" y="\(top + 14)" class="plate"><title>\(bar.label): \(bar.text(unit))</title>\(name)</text>
      """
    result += ChartParts.text(text, ChartParts.width - 14, top + 14, "plate value", anchor: "end")
    let middle = top + 26
    if let statistics = bar.statistics {
      let (zero, end) = (place(0), place(statistics.mean))
      result += """
        <rect class="bar \(style)" x="\(min(zero, end))" y="\(middle - 5)" width="\(max(abs(end - zero), 1))" height="10"/>
        """
      if bar.finite.count > 1 {
        result += ChartParts.line(place(statistics.low), middle, place(statistics.high), middle, "range")
        for value in bar.finite {
          result += """
            <circle class="seed" cx="\(place(value))" cy="\(middle)" r="3"><title>\(NumberText.of(value))</title></circle>
            """
        }
      }
    }
    for bound in bar.bounds where bound.value.isFinite {
      let (x, way) = (place(bound.value), bound.isLower ? 5.0 : -5.0)
      let text = "\(bound.isLower ? "at least" : "at most") \(NumberText.of(bound.value))"
      result += """
        <path class="bound" d="M\(x + way) \(middle - 9)H\(x)V\(middle + 9)h\(way)"><title>\(text)</title></path>
        """
    }
    return result
  }
}
