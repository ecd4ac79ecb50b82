extension LineChart {
  /// The drawing.
  /// - Parameter styled: true for a file that stands alone; a page has one style sheet for all its charts
  public func svg(styled: Bool = true) -> String { Drawing(self).svg(styled) }

  /// Where everything stands.
  private struct Drawing {
    let chart: LineChart
    let x: Scale
    let y: Scale
    let left: Double
    let right: Double
    let top = 30.0
    let bottom = 230.0
    /// Heights of the names behind the ends of lines; nil where names stand in a legend below.
    let names: [Double?]?

    init(_ chart: LineChart) {
      self.chart = chart
      let drawn = chart.means.map { $0.filter(\.isDrawn) }
      x = Scale(drawn.flatMap { $0.map(\.x) }, isLogarithmic: chart.x.isLogarithmic, count: 5, isTight: true)
      y = Scale(drawn.flatMap { $0.flatMap { [$0.low, $0.high] } }, isLogarithmic: chart.y.isLogarithmic, count: 5)
      left = max(24, 8 + (y.labels.map { ChartParts.width(of: $0) }.max() ?? 0))
      let scale = y
      let (top, bottom) = (top, bottom)
      let ends = drawn.map { $0.last.flatMap { scale.position($0.mean) }.map { bottom - $0 * (bottom - top) } }
      let widest = chart.series.map { ChartParts.width(of: $0.name) }.max() ?? 0
      names = chart.series.count > 6 || widest > 130 ? nil : Self.spread(ends, top, bottom)
      right = ChartParts.width - (names == nil ? 14 : widest + 16)
    }

    /// Moves names apart that would cover one another; nil if one would end up far from its line.
    private static func spread(_ ends: [Double?], _ top: Double, _ bottom: Double) -> [Double?]? {
      let order = ends.indices.filter { ends[$0] != nil }.sorted { (ends[$0] ?? 0) < (ends[$1] ?? 0) }
      var places = order.compactMap { ends[$0] }
      for index in places.indices.dropFirst() { places[index] = max(places[index], places[index - 1] + 15) }
      // Down to the last one they may hang out at the bottom; then all above give way.
      var limit = bottom + 4
      for index in places.indices.reversed() {
        places[index] = min(places[index], limit)
        limit = places[index] - 15
      }
      var result = [Double?](repeating: nil, count: ends.count)
      for (index, place) in zip(order, places) {
        guard place >= top - 6, abs(place - (ends[index] ?? 0)) <= 32 else { return nil }
        result[index] = place
      }
      return result
    }

    func placeX(_ value: Double) -> Double { left + (x.position(value) ?? 0) * (right - left) }
    func placeY(_ value: Double) -> Double { bottom - (y.position(value) ?? 0) * (bottom - top) }

    func svg(_ styled: Bool) -> String {
      let legend = names == nil ? self.legend : (markup: "", height: 0)
      // Lines that matter most are drawn last.
      let lines = chart.series.indices.reversed()
      let content = frame + lines.map(band).joined() + lines.map(line).joined() + labels + legend.markup
      let note =
        chart.means.allSatisfy { !$0.contains(where: \.isDrawn) }
        ? ChartParts.text("no points", (left + right) / 2, (top + bottom) / 2, "soft", anchor: "middle") : ""
      return ChartParts.svg(
        height: bottom + 42 + legend.height, title: chart.title, summary: chart.summary, style: styled, content + note)
    }

    private var frame: Markup {
      var result = ChartParts.text(ChartParts.fitted(ChartParts.heading(chart.y), 420), 0, 13, "name")
      for (tick, label) in zip(y.ticks, y.labels) {
        let place = placeY(tick)
        result += ChartParts.line(left, place, right, place, "grid")
        result += ChartParts.text(label, left - 6, place + 4, "tick", anchor: "end")
      }
      var edge = -Double.infinity
      for (tick, label) in zip(x.ticks, x.labels) {
        let place = placeX(tick)
        result += ChartParts.line(place, bottom, place, bottom + 4, "axis")
        // Labels that would touch the one before are left out; the mark stays.
        let half = ChartParts.width(of: label) / 2
        guard place - half > edge + 4 else { continue }
        edge = place + half
        result += ChartParts.text(label, place, bottom + 17, "tick", anchor: "middle")
      }
      result += ChartParts.line(left, bottom, right, bottom, "axis")
      let name = ChartParts.fitted(ChartParts.heading(chart.x), 420)
      return result + ChartParts.text(name, max((left + right) / 2, left), bottom + 34, "name", anchor: "middle")
    }

    /// The stretches of a line without holes.
    private func stretches(_ index: Int) -> [ArraySlice<Place>] {
      chart.means[index].split(whereSeparator: { !$0.isDrawn })
    }

    private func band(_ index: Int) -> Markup {
      stretches(index).filter { $0.count > 1 && $0.contains { $0.low < $0.high } }.map { places in
        let edge = places.map { ($0.x, $0.high) } + places.reversed().map { ($0.x, $0.low) }
        let path = edge.map { "\(Coordinate.text(placeX($0.0))),\(Coordinate.text(placeY($0.1)))" }.joined(
          separator: " ")
        return "<polygon class=\"band \(ChartParts.style(index))\" points=\"\(path)\"/>"
      }.joined()
    }

    private func line(_ index: Int) -> Markup {
      let name = chart.series[index].name
      let style = ChartParts.style(index)
      let lines = stretches(index).filter { $0.count > 1 }.map { places -> Markup in
        let path = places.map { "\(Coordinate.text(placeX($0.x))),\(Coordinate.text(placeY($0.mean)))" }
        return
          "<polyline class=\"line \(style)\" points=\"\(path.joined(separator: " "))\"><title>\(name)</title></polyline>"
      }
      let isSparse = chart.means[index].count <= 12
      let dots = stretches(index).filter { isSparse || $0.count == 1 }.joined().map { place -> Markup in
        let text = "\(name): \(NumberText.of(place.mean)) at \(NumberText.of(place.x))"
        var dot: Markup = ""
        if place.low < place.high, chart.means[index].count == 1 {
          dot += ChartParts.line(
            placeX(place.x), placeY(place.low), placeX(place.x), placeY(place.high), "line \(style)")
        }
        return dot + """
          <circle class="dot \(style)" cx="\(placeX(place.x))" cy="\(placeY(place.mean))" r="3.5"><title>\(text)</title></circle>
          """
      }
      return lines.joined() + dots.joined()
    }

    /// Names behind the ends of lines, with a thread to the line where a name had to move.
    private var labels: Markup {
      guard let names else { return "" }
      return chart.series.indices.map { index -> Markup in
        guard let place = names[index], let last = chart.means[index].last(where: \.isDrawn) else { return "" }
        let (x, y) = (placeX(last.x), placeY(last.mean))
        let isFar = abs(place - y) > 3 || x < right - 3
        let thread = isFar ? ChartParts.line(x + 5, y, right + 4, place, "thread \(ChartParts.style(index))") : ""
        return thread
          + ChartParts.text(chart.series[index].name, right + 8, place + 4, "direct \(ChartParts.style(index))")
      }.joined()
    }

    /// Swatches and names in rows below the chart; lines without a colour of their own share one entry.
    private var legend: (markup: Markup, height: Double) {
      let own = chart.series.count > 2 * ChartParts.colors ? 2 * ChartParts.colors : chart.series.count
      var entries = (0..<own).map { (chart.series[$0].name, ChartParts.style($0)) }
      if own < chart.series.count { entries.append(("\(chart.series.count - own) others", "rest")) }
      var result: Markup = ""
      var (x, y) = (0.0, bottom + 58)
      for (name, style) in entries {
        let text = ChartParts.fitted(name, ChartParts.width - 24)
        let width = 24 + ChartParts.width(of: text) + 14
        if x > 0, x + width > ChartParts.width + 14 { (x, y) = (0, y + 18) }
        result += ChartParts.line(x, y - 4, x + 18, y - 4, "line \(style)") + ChartParts.text(text, x + 24, y, "legend")
        x += width
      }
      return (result, y - bottom - 34)
    }
  }
}
