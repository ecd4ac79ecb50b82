/// The laboratory's report: one page, rendered from records alone.
///
///     let page = ReportPage(records: try ResultStore("Results").records())
///     try Data(page.html.utf8).write(to: url)
public struct ReportPage: Sendable {
  /// What has no figures to show.
  public struct Absence: Sendable {
    /// What it is called.
    public let name: String
    /// A proof or a host.
    public let kind: Record.Kind
    /// Why there is nothing.
    public let reason: String

    /// Makes it from its parts.
    public init(_ name: String, _ kind: Record.Kind, reason: String) {
      (self.name, self.kind, self.reason) = (name, kind, reason)
    }
  }

  /// What is shown, in this order, proofs before hosts.
  public let records: [Record]
  /// What was declared and did not run, for want of a package or of time.
  public let absent: [Absence]
  /// Records that do not count: unreadable ones, and those whose declaration was changed after the run.
  public let refused: [Absence]

  /// Makes it from its parts.
  public init(records: [Record], absent: [Absence] = [], refused: [Absence] = []) {
    let shown = records.filter { $0.verdict != .skipped }
    self.records = Record.Kind.inOrder.flatMap { kind in shown.filter { $0.kind == kind } }
    let skipped = records.filter { $0.verdict == .skipped }.map { record in
      Absence(record.name, record.kind, reason: Self.reason(missing: record.skipped ?? []))
    }
    self.absent = skipped + absent.filter { absence in !records.contains { $0.name == absence.name } }
    self.refused = refused
  }

  /// Why something was skipped.
  public static func reason(missing packages: [String]) -> String {
    packages.isEmpty ? "not run" : "skipped: \(packages.joined(separator: ", ")) is not installed"
  }

  /// The page.
  public var html: String {
    let sections = zip(records, anchors).map { RecordSection($0, anchor: $1).markup }
    let dates = records.map { String($0.date.prefix(10)) }.sorted()
    let span = dates.first.map { first in dates.last == first ? first : "\(first) to \(dates.last ?? first)" }
    let subtitle =
      "What was claimed before each run, and what came out. Small data and small networks: a result shows that a mechanism works and in "
      + "which direction, not a paper's own figures." + (span.map { " Runs of \($0)." } ?? "")
    return Page(title: "Tessera: the laboratory", subtitle: subtitle, body: tiles + overview + sections.joined("\n"))
      .html
  }

  /// Names of places in the page: letters, digits and hyphens of the names, each once.
  var anchors: [String] {
    var seen: [String: Int] = [:]
    return records.map { record in
      let text = String(
        record.name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(60))
      let name = record.setting == .quick ? "\(text)-quick" : text
      seen[name, default: 0] += 1
      return "r-" + (seen[name] == 1 ? name : "\(name)-\(seen[name] ?? 0)")
    }
  }

  private var tiles: Markup {
    let full = records.filter { $0.setting == .full }
    let proofs = full.filter { $0.kind == .proof }
    let hosts = full.filter { $0.kind == .host }
    let quick = records.count - full.count
    var tiles: [(Int, String)] = [
      (proofs.count { $0.verdict == .holds }, "proofs whose claim holds"),
      (proofs.count { $0.verdict == .fails }, "proofs whose claim does not hold"),
      (hosts.count { $0.verdict == .holds }, "hosts that reach their figures"),
    ]
    let short = hosts.count { $0.verdict == .fails }
    if short > 0 { tiles.append((short, "hosts that fall short of them")) }
    if quick > 0 { tiles.append((quick, "quick runs, which judge nothing")) }
    if !absent.isEmpty { tiles.append((absent.count, "not run or skipped")) }
    if !refused.isEmpty { tiles.append((refused.count, "records refused")) }
    return
      "<div class=\"tiles\">\(tiles.map { "<div class=\"tile\"><b>\($0.0)</b><span>\($0.1)</span></div>" as Markup }.joined())</div>\n"
  }

  private var overview: Markup {
    var parts: [Markup] = []
    for kind in Record.Kind.inOrder {
      let rows = zip(records, anchors).filter { $0.0.kind == kind }
      guard !rows.isEmpty else { continue }
      var table = PageTable([
        .init(kind == .proof ? "Proof" : "Host"), .init("Verdict"), .init("What decides"), .init("Seeds", side: .right),
        .init("Time", side: .right), .init("Date"),
      ])
      for (record, anchor) in rows { table.add(Self.row(record, anchor)) }
      parts.append("<section class=\"card\"><h2>\(kind == .proof ? "Proofs" : "Hosts")</h2>\(table.markup())</section>")
    }
    parts += [list("Not run", absent), list("Refused", refused)].filter { !$0.isEmpty }
    if parts.isEmpty { parts = ["<section class=\"card\"><p>There are no records yet.</p></section>"] }
    return parts.joined("\n") + "\n"
  }

  private static func row(_ record: Record, _ anchor: String) -> [PageTable.Cell] {
    let seconds = record.runs.reduce(0) { $0 + $1.seconds }
    let deciding = record.deciding
    return [
      .init("<a href=\"#\(anchor)\">\(record.name)</a>", key: record.name),
      .init(RecordSection.badge(record), key: record.verdictText),
      .init(text: deciding.map { "\($0.condition.subject): \($0.comparison)" } ?? ""),
      .init(Double(record.runs.count), text: "\(record.runs.count)"), .init(seconds, text: NumberText.seconds(seconds)),
      .init(text: String(record.date.prefix(10))),
    ]
  }

  private func list(_ title: String, _ absences: [Absence]) -> Markup {
    guard !absences.isEmpty else { return "" }
    var table = PageTable([.init("Name"), .init("Kind"), .init("Reason")])
    for absence in absences {
      table.add(.init(text: absence.name), .init(text: absence.kind.rawValue), .init(text: absence.reason))
    }
    return "<section class=\"card\"><h2>\(title)</h2>\(table.markup())</section>"
  }
}

extension Record.Kind {
  static let inOrder: [Record.Kind] = [.proof, .host]
}

extension Condition {
  /// What is held against the bound.
  var subject: String { minus.map { "\(figure) minus \($0)" } ?? figure }
  /// The bound, in short.
  var boundText: String { "\(bound == .atLeast ? "at least" : "at most") \(NumberText.of(value))" }

  /// The run that speaks most against it.
  func worst(of runs: [[Figure]]) -> Double? {
    Condition(figure: figure, minus: minus, bound: bound, value: value, reading: .everyRun).reading(of: runs)
  }
}

extension Record.Judgement {
  /// `0.918, at least 0.9`
  var comparison: String { "\(reading.map { NumberText.of($0) } ?? "not measured"), \(condition.boundText)" }
}

extension Record {
  /// The condition that a reader wants to see first: one that does not hold, or the first.
  var deciding: Judgement? {
    let judgements = judgements
    return judgements.first { !$0.holds } ?? judgements.first
  }

  /// The verdict, with what limits it.
  public var verdictText: String {
    setting == .quick && verdict != .skipped ? "\(verdict.rawValue) (quick)" : verdict.rawValue
  }
}
