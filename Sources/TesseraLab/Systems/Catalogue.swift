import TesseraText

/// Every system with what is there of it and what its proofs found: a table, a page, or JSON.
///
///     print(Catalogue(try ReportPage(lab)).text())
public struct Catalogue: Sendable {
  /// What a proof of a system came to.
  public struct Finding: Sendable {
    /// The proof.
    public let proof: String
    /// The verdict in words; nil if the proof was not run.
    public let verdict: String?
  }

  /// A system's row.
  public struct Entry: Sendable {
    /// The system.
    public let system: System
    /// What its proofs found, in their order.
    public let findings: [Finding]

    /// All findings in a line; a verdict that all proofs share is said once.
    public var verdict: String {
      let all = findings.map { $0.verdict ?? "not run" }
      guard let first = all.first else { return "" }
      if all.allSatisfy({ $0 == first }) { return first }
      return zip(findings, all).map { "\($0.proof) \($1)" }.joined(separator: ", ")
    }
  }

  /// Room by room.
  public let entries: [Entry]

  /// The catalogue, or one room of it, with the verdicts of a report.
  public init(_ report: ReportPage, room: System.Room? = nil) {
    let records = report.records.filter { $0.kind == .proof }
    entries = System.all.filter { room == nil || $0.room == room }.map { system in
      let findings = system.proofs.map { proof -> Finding in
        if report.refused.contains(where: { $0.name == proof }) { return Finding(proof: proof, verdict: "refused") }
        if let record = records.first(where: { $0.name == proof }) {
          return Finding(proof: proof, verdict: record.verdictText)
        }
        let isSkipped = report.absent.contains { $0.name == proof && $0.reason.hasPrefix("skipped") }
        return Finding(proof: proof, verdict: isSkipped ? "skipped" : nil)
      }
      return Entry(system: system, findings: findings)
    }
  }

  /// How many there are of each status: `68 systems: 2 work, 1 partly, 65 planned`.
  public var summary: String {
    func count(_ status: System.Status) -> Int { entries.count { $0.system.status == status } }
    return "\(entries.count) systems: \(count(.works)) work, \(count(.partly)) partly, \(count(.planned)) planned"
  }

  /// Aligned columns, room by room.
  /// - Parameter width: how many columns of characters there are; descriptions are folded to fit
  public func text(width: Int? = nil) -> String {
    let rooms = System.Room.allCases.compactMap { room -> String? in
      let own = entries.filter { $0.system.room == room }
      guard !own.isEmpty else { return nil }
      let hasVerdicts = entries.contains { !$0.verdict.isEmpty }
      var table = TextTable(
        [.init("system"), .init("status")] + (hasVerdicts ? [.init("verdict")] : []) + [.init("what it does")])
      for entry in own {
        let system = entry.system
        table.add([system.name, system.status.rawValue] + (hasVerdicts ? [entry.verdict] : []) + [system.summary])
      }
      return "\(room.rawValue): \(room.question)\n\n\(table.text(width: width))"
    }
    return (rooms + [summary]).joined(separator: "\n\n")
  }

  /// The page `docs/SYSTEMS.md`.
  public var markdown: String {
    let rooms = System.Room.allCases.compactMap { room -> String? in
      let own = entries.filter { $0.system.room == room }
      guard !own.isEmpty else { return nil }
      let head = "| system | what it does | paper | status | proofs |\n|---|---|---|---|---|"
      return "## \(room.rawValue)\n\(room.question)\n\n\(head)\n" + own.map(Self.row).joined(separator: "\n")
    }
    let start = """
      # Systems
      <!-- Made by `make systems` from the code and from Results; do not edit. -->

      Each paper's system is found by its name. *Planned*: nothing is there yet. *Partly*: some of the paper is. *Works*: the command \
      does what the paper describes. The last column holds the verdicts of `tessera lab run` over small data.

      \(summary).
      """
    return ([start] + rooms).joined(separator: "\n\n") + "\n"
  }

  private static func row(_ entry: Entry) -> String {
    let (system, paper) = (entry.system, entry.system.paper)
    let escape = TextTable.escape
    let authors = paper.authors.map { "\($0), " } ?? ""
    var status = system.status.rawValue
    if let registration = system.registration {
      status += ": `\(registration.command)`" + (registration.missing.map { "; missing: \($0)" } ?? "")
    }
    let findings = entry.findings.map { "\(escape($0.proof)): \($0.verdict ?? "not run")" }.joined(separator: "<br>")
    let source = "[\(escape(paper.title))](\(paper.address)), \(authors)\(paper.year)"
    return
      "| `\(system.name)`<br>\(escape(system.title)) | \(escape(system.summary)) | \(source) | \(status) | \(findings) |"
  }

  /// An object for each system.
  public var json: JSON {
    .array(
      entries.map { entry in
        let (system, paper) = (entry.system, entry.system.paper)
        let proofs = entry.findings.map { finding -> JSON in
          ["name": .string(finding.proof), "verdict": finding.verdict.map { .string($0) } ?? .null]
        }
        return [
          "name": .string(system.name), "title": .string(system.title), "room": .string(system.room.rawValue),
          "summary": .string(system.summary), "status": .string(system.status.rawValue),
          "command": system.registration.map { .string($0.command) } ?? .null,
          "missing": system.registration?.missing.map { .string($0) } ?? .null, "proofs": .array(proofs),
          "paper": [
            "title": .string(paper.title), "authors": paper.authors.map { .string($0) } ?? .null,
            "year": .integer(Int64(paper.year)), "arxiv": .string(paper.arXiv), "url": .string(paper.address),
          ],
        ]
      })
  }
}
