/// The part of a page that shows one record.
struct RecordSection {
  let record: Record
  let anchor: String
  private let declaration: Declaration

  init(_ record: Record, anchor: String) {
    (self.record, self.anchor) = (record, anchor)
    declaration = record.declaration
  }

  /// A verdict as a mark, a word, and a colour.
  static func badge(_ record: Record) -> Markup {
    if record.setting == .quick { return "<span class=\"badge idle\">\(record.verdictText)</span>" }
    return badge(record.verdict, record.verdictText)
  }

  static func badge(_ verdict: Record.Verdict, _ text: String) -> Markup {
    switch verdict {
    case .holds: "<span class=\"badge holds\">✓ \(text)</span>"
    case .fails: "<span class=\"badge fails\">✗ \(text)</span>"
    case .skipped: "<span class=\"badge idle\">– \(text)</span>"
    }
  }

  var markup: Markup {
    let charts = barCharts + lineCharts
    let drawn: Markup =
      charts.isEmpty ? "" : "<h3>Figures and curves</h3><div class=\"charts\">\(charts.joined("\n"))</div>\n"
    return """
      <article class="card" id="\(anchor)">
      <div class="head"><h2>\(record.name)</h2>\(Self.badge(record))<span class="soft small">\(kind)</span></div>
      <p class="claim">\(declaration.claim)</p>
      \(terms)
      <h3>Rule and verdict</h3>
      \(rule)
      \(drawn)<h3>All figures</h3>
      \(figures)
      \(circumstances)
      </article>
      """
  }

  private var kind: String {
    let name = record.kind == .proof ? "proof" : "host"
    return record.setting == .full
      ? name : "\(name), quick run: it shows that the machinery works, not that the claim holds"
  }

  private static func list(_ terms: [(String, String)]) -> Markup {
    let rows = terms.filter { !$0.1.isEmpty }.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as Markup }
    return "<dl>\(rows.joined("\n"))</dl>"
  }

  private var terms: Markup {
    let (floor, ceiling) = (declaration.floor, declaration.ceiling)
    return Self.list([
      ("Baseline", declaration.baseline), ("Data", declaration.data), ("Metric", declaration.metric),
      ("Seeds", declaration.seeds.map(String.init).joined(separator: ", ")),
      ("Floor", floor.map { described($0) }.joined(separator: ", ")),
      ("Ceiling", ceiling.map { described($0) }.joined(separator: ", ")),
    ])
  }

  /// A figure's name with its mean.
  private func described(_ name: String) -> String {
    record.statistics(name).map { "\(name) \(NumberText.of($0.mean, unit(of: name)))" } ?? name
  }

  func unit(of name: String) -> String { record.runs.first?.figures.first { $0.name == name }?.unit ?? "" }

  private var rule: Markup {
    var table = PageTable([
      .init("Condition"), .init("Worst run", side: .right), .init("Judged value", side: .right), .init("Verdict"),
    ])
    for judgement in record.judgements {
      let worst = judgement.condition.worst(of: record.runs.map(\.figures))
      let unit = unit(of: judgement.condition.figure)
      let badge = Self.badge(judgement.holds ? .holds : .fails, judgement.holds ? "holds" : "does not hold")
      func cell(_ value: Double?) -> PageTable.Cell {
        .init(value ?? .nan, text: value.map { NumberText.of($0, unit) } ?? "not measured")
      }
      table.add(.init(text: Self.words(judgement.condition)), cell(worst), cell(judgement.reading), .init(badge))
    }
    return table.markup()
  }

  private static func words(_ condition: Condition) -> String {
    let reading =
      switch condition.reading {
      case .everyRun: "in every run"
      case .mean: "on average over the seeds"
      case .interval95: "with 95 % confidence over the seeds"
      }
    return "\(condition.subject) \(condition.boundText), \(reading)"
  }

  /// What a figure is there for, besides having been measured.
  func role(of name: String) -> BarChart.Role {
    if declaration.floor.contains(name) { return .floor }
    if declaration.ceiling.contains(name) { return .ceiling }
    return declaration.baselineFigures.contains(name) ? .baseline : .measured
  }

  private var figures: Markup {
    let seeds = record.runs.count > 1 ? record.runs : []
    var table = PageTable(
      [.init("Figure"), .init("Mean", side: .right)] + (seeds.isEmpty ? [] : [.init("Range", side: .right)])
        + seeds.map { .init("Seed \($0.seed)", side: .right) } + [.init("Unit")],
      compact: seeds.isEmpty ? 0..<0 : 3..<3 + seeds.count)
    for name in record.figureNames {
      let values = record.values(of: name)
      let present = values.compactMap { $0 }
      let statistics = present.isEmpty ? nil : Statistics(present)
      let numbers = statistics.map { [$0.mean, $0.low, $0.high] } ?? []
      let decimals = NumberText.decimals(for: numbers + present)
      func text(_ value: Double?) -> String { value.map { NumberText.of($0, decimals: decimals) } ?? "missing" }
      let role = role(of: name)
      let note: Markup = role == .measured ? "" : " <span class=\"role\">\(role.rawValue)</span>"
      var cells = [
        PageTable.Cell("\(name)\(note)", key: name), .init(statistics?.mean ?? .nan, text: text(statistics?.mean)),
      ]
      if !seeds.isEmpty {
        let range = statistics.map { $0.low < $0.high ? "\(text($0.low)) to \(text($0.high))" : text($0.low) }
        cells.append(.init(text: range ?? "", key: text(statistics?.low)))
        cells += values.map { .init($0 ?? .nan, text: text($0)) }
      }
      table.add(cells + [.init(text: unit(of: name))])
    }
    return table.markup()
  }

  private var circumstances: Markup {
    let machine = record.machine
    let times = record.runs.map { NumberText.seconds($0.seconds) }.joined(separator: ", ")
    let threads = "\(machine.threads) thread\(machine.threads == 1 ? "" : "s")"
    let packages = declaration.packages.map(\.name).joined(separator: ", ")
    let place =
      "\(machine.processor), \(machine.cores) cores, \(threads), \(NumberText.of(machine.memory)) GiB, \(machine.system), "
      + "libtorch \(machine.torch)"
    let list = Self.list([
      ("Machine", place), ("Code", record.revision), ("Setting", record.setting.rawValue), ("Date", record.date),
      ("Time per seed", times), ("Packages", packages), ("Declaration", record.fingerprint),
    ])
    return "<div class=\"run\">\(list)</div>"
  }
}

extension Record {
  /// The figures' names in the order of the first run, then those that only later runs have.
  var figureNames: [String] {
    var seen = Set<String>()
    return runs.flatMap { $0.figures.map(\.name) }.filter { seen.insert($0).inserted }
  }

  /// A figure of every run.
  func values(of name: String) -> [Double?] { runs.map { $0.figures.first { $0.name == name }?.value } }
}
