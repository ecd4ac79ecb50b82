extension RecordSection {
  /// The figures that the declaration names, those of one unit and size side by side.
  var barCharts: [Markup] {
    let declaration = record.declaration
    let ruled = declaration.rule.flatMap { [$0.figure, $0.minus].compactMap { $0 } }
    var seen = Set<String>()
    let names = (ruled + declaration.baselineFigures + declaration.floor + declaration.ceiling).filter {
      seen.insert($0).inserted && !record.values(of: $0).allSatisfy { $0 == nil }
    }
    return Self.groups(
      names.map { name in
        let values = record.values(of: name).compactMap { $0 }
        let bounds = declaration.rule.filter { $0.figure == name && $0.minus == nil }.map {
          BarChart.Bound(isLower: $0.bound == .atLeast, value: $0.value)
        }
        return (unit(of: name), BarChart.Bar(name, values, role(of: name), bounds: bounds))
      }
    ).map { unit, bars in
      let chart = BarChart(title: "\(record.name): figures of the rule", unit: unit, bars: bars)
      let spread = record.runs.count > 1 ? "mean and \(record.runs.count) seeds" : "one seed"
      let bracket = bars.contains { !$0.bounds.isEmpty } ? "; brackets are bounds" : ""
      return """
        <figure><figcaption>Figures of the rule <span class="soft">\(spread + bracket)</span></figcaption>\
        \(Markup(trusting: chart.svg(styled: false)))</figure>
        """
    }
  }

  /// Bars that can share an axis: of one unit, and none so small beside the others that it would vanish.
  static func groups(_ bars: [(unit: String, bar: BarChart.Bar)]) -> [(unit: String, bars: [BarChart.Bar])] {
    var units: [String] = []
    for (unit, _) in bars where !units.contains(unit) { units.append(unit) }
    return units.flatMap { unit -> [(unit: String, bars: [BarChart.Bar])] in
      let own = bars.filter { $0.unit == unit }.map(\.bar)
      func size(_ bar: BarChart.Bar) -> Double { (bar.finite + bar.bounds.map(\.value)).map(abs).max() ?? 0 }
      let sizes = own.map(size).filter { $0 > 0 }.sorted()
      let edges = zip(sizes, sizes.dropFirst()).filter { $0 * 20 < $1 }.map(\.1)
      let groups = (0...edges.count).map { level in
        own.filter { bar in edges.count { size(bar) >= $0 } == level }
      }
      return groups.filter { !$0.isEmpty }.map { (unit, $0) }
    }
  }

  /// Curves of one title and the same axes together, the runs of one name as one line with its spread.
  var lineCharts: [Markup] {
    struct Key: Hashable {
      let chart: String
      let x: Curve.Axis
      let y: Curve.Axis
    }
    var order: [Key] = []
    var lines: [Key: [(name: String, runs: [[[Double]]])]] = [:]
    for curve in record.runs.flatMap(\.curves) {
      let key = Key(chart: curve.chart, x: curve.x, y: curve.y)
      if lines[key] == nil { order.append(key) }
      if let index = lines[key]?.firstIndex(where: { $0.name == curve.name }) {
        lines[key]?[index].runs.append(curve.points)
      } else {
        lines[key, default: []].append((curve.name, [curve.points]))
      }
    }
    return order.map { key in
      let chart = LineChart(
        title: key.chart, x: key.x, y: key.y, series: (lines[key] ?? []).map { .init($0.name, $0.runs) })
      return Self.figure(chart)
    }
  }

  static func figure(_ chart: LineChart) -> Markup {
    let left: Markup =
      chart.omitted > 0
      ? "<p class=\"soft small\">\(chart.omitted) points are no numbers that can be drawn and are left out.</p>" : ""
    let spread: Markup = chart.seeds > 1 ? " <span class=\"soft\">mean and range of \(chart.seeds) seeds</span>" : ""
    let table = PageTable(chart.table).markup(stacks: false)
    return """
      <figure><figcaption>\(chart.title)\(spread)</figcaption>\(Markup(trusting: chart.svg(styled: false)))\(left)\
      <details><summary>The numbers</summary>\(table)</details></figure>
      """
  }
}
