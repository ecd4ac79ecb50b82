/// Lines over an axis, one or more runs each: the mean over the runs, and a band from the lowest to the highest.
///
///     let chart = LineChart(title: "Training", x: .init("step"), y: .init("accuracy"), series: [.init("pruned", runs)])
///     try Data(chart.svg().utf8).write(to: url)
///
/// Points that are no finite numbers, or not positive on a logarithmic axis, are left out and break the line; `omitted` counts them.
public struct LineChart: Sendable {
  /// One line.
  public struct Series: Sendable {
    /// What it shows.
    public let name: String
    /// For each run its points, pairs of x and y.
    public let runs: [[[Double]]]

    /// Makes it from its parts.
    public init(_ name: String, _ runs: [[[Double]]]) { (self.name, self.runs) = (name, runs) }
  }

  /// What it shows.
  public let title: String
  /// The axis to the right.
  public let x: Curve.Axis
  /// The axis upwards.
  public let y: Curve.Axis
  /// The lines. The first ten are told apart by colours and dashes; others share one.
  public let series: [Series]
  /// How many points could not be drawn.
  public let omitted: Int
  let means: [[Place]]

  /// The runs of a series at one place; without numbers where no run has one.
  struct Place: Equatable {
    let x: Double
    let mean: Double
    let low: Double
    let high: Double
    var isDrawn: Bool { mean.isFinite }
  }

  /// Makes it from its parts.
  public init(title: String, x: Curve.Axis, y: Curve.Axis, series: [Series]) {
    (self.title, self.x, self.y, self.series) = (title, x, y, series)
    var omitted = 0
    let runs = series.map { line in line.runs.map { Self.cleaned($0, x, y, &omitted) }.filter { !$0.isEmpty } }
    self.omitted = omitted
    means = runs.map(Self.places)
  }

  /// Pairs sorted by x. What has no height keeps its place without a number.
  private static func cleaned(
    _ points: [[Double]], _ x: Curve.Axis, _ y: Curve.Axis, _ omitted: inout Int
  ) -> [(x: Double, y: Double)] {
    func isShown(_ value: Double, _ axis: Curve.Axis) -> Bool {
      abs(value) < 1e300 && (!axis.isLogarithmic || value > 1e-300)
    }
    var result: [(x: Double, y: Double)] = []
    for point in points {
      guard point.count == 2, isShown(point[0], x) else {
        omitted += 1
        continue
      }
      if !isShown(point[1], y) { omitted += 1 }
      result.append((point[0], isShown(point[1], y) ? point[1] : .nan))
    }
    return result.sorted { $0.x < $1.x }
  }

  /// The most places of one line: more than there are dots on a screen would only make the file long.
  private static let most = 300

  private static func places(_ runs: [[(x: Double, y: Double)]]) -> [Place] {
    var all = Array(Set(runs.flatMap { $0.map(\.x) })).sorted()
    if all.count > most { all = (0..<most).map { all[$0 * (all.count - 1) / (most - 1)] } }
    var ends = runs.map { _ in 0 }
    return all.map { x in
      let values = runs.indices.compactMap { value(of: runs[$0], at: x, &ends[$0]) }.filter { !$0.isNaN }
      let statistics = values.isEmpty ? nil : Statistics(values)
      return Place(
        x: x, mean: statistics?.mean ?? .nan, low: statistics?.low ?? .nan, high: statistics?.high ?? .nan)
    }
  }

  /// The height of a run between its points, in a straight line; nil before its start and after its end.
  /// - Parameter end: where the search begins: places are asked for from the left
  private static func value(of run: [(x: Double, y: Double)], at x: Double, _ end: inout Int) -> Double? {
    while end < run.count, run[end].x < x { end += 1 }
    guard end < run.count else { return nil }
    if run[end].x == x { return run[end].y }
    guard end > 0 else { return nil }
    let (a, b) = (run[end - 1], run[end])
    return a.y + (b.y - a.y) * ((x - a.x) / (b.x - a.x))
  }

  /// How many runs the line with the most has.
  public var seeds: Int { series.map(\.runs.count).max() ?? 0 }

  /// What the chart shows, in words.
  public var summary: String {
    let axes = "\(ChartParts.heading(y)) over \(ChartParts.heading(x))"
    let spread = seeds > 1 ? ", mean of \(seeds) seeds with their range" : ""
    let shown = zip(series, means).prefix(6).map { line, places -> String in
      let places = places.filter(\.isDrawn)
      guard let first = places.first, let last = places.last else { return "\(line.name): no points" }
      let end = "\(NumberText.of(last.mean)) at \(NumberText.of(last.x))"
      let range = last.low < last.high ? " (\(NumberText.of(last.low)) to \(NumberText.of(last.high)))" : ""
      if places.count == 1 { return "\(line.name): \(end)\(range)" }
      return "\(line.name): from \(NumberText.of(first.mean)) at \(NumberText.of(first.x)) to \(end)\(range)"
    }
    let rest = series.count > 6 ? ["and \(series.count - 6) more lines"] : []
    return (["Line chart: \(axes)\(spread)"] + shown + rest).joined(separator: "; ") + "."
  }

  /// The numbers behind the drawing, at most some hundred rows: each line's places, evenly picked where there are many.
  public var table: TextTable {
    let unit = y.unit
    var table = TextTable([
      .init("line"), .init(x.label, unit: x.unit, side: .right), .init("mean", unit: unit, side: .right),
      .init("lowest", unit: unit, side: .right), .init("highest", unit: unit, side: .right),
    ])
    let most = max(2, min(40, 400 / max(1, series.count)))
    for (line, places) in zip(series, means) {
      let count = min(most, places.count)
      for index in 0..<count {
        let place = places[count < 2 ? 0 : index * (places.count - 1) / (count - 1)]
        table.add([line.name, NumberText.of(place.x)] + NumberText.of([place.mean, place.low, place.high]))
      }
    }
    return table
  }
}
