import Foundation

extension ReportPage {
  /// What the folders of a laboratory hold: the records of proofs, and those beside the hosts.
  ///
  /// A record that cannot be read, or whose declaration was changed after the run, is refused and said to be. A quick run is shown only
  /// where there is no full one.
  /// - Throws: `LabError.unreadable` if a folder that exists cannot be read.
  public init(_ lab: Lab) throws {
    var (records, refused): ([Record], [Absence]) = ([], [])
    for (path, name, kind) in try Self.paths(lab) {
      do {
        let record = try ResultStore.read(path)
        try record.check(against: Self.declared(record.name, record.kind))
        records.append(record)
      } catch let error as LabError {
        refused.append(Absence(name, kind, reason: "\(error)"))
      }
    }
    let full = Set(records.filter { $0.setting == .full }.map(\.name))
    records.removeAll { $0.setting == .quick && full.contains($0.name) }
    let known = Set(records.map(\.name) + refused.map(\.name))
    let absent = Self.declarations.filter { !known.contains($0.declaration.name) }.map { declaration, kind in
      let missing = declaration.packages.filter { !$0.isInstalled }.map(\.name)
      let command = "tessera lab \(kind == .proof ? "run" : "train") \(declaration.name)"
      return Absence(
        declaration.name, kind, reason: missing.isEmpty ? "not run yet: \(command)" : Self.reason(missing: missing))
    }
    self.init(records: records, absent: absent, refused: refused)
  }

  private static var declarations: [(declaration: Declaration, kind: Record.Kind)] {
    Proof.all.map { ($0.declaration, .proof) } + Host.all.map { ($0.declaration, .host) }
  }

  private static func declared(_ name: String, _ kind: Record.Kind) -> Declaration? {
    declarations.first { $0.declaration.name == name && $0.kind == kind }?.declaration
  }

  private static func paths(_ lab: Lab) throws -> [(path: String, name: String, kind: Record.Kind)] {
    let manager = FileManager.default
    func names(_ folder: String) throws -> [String] {
      manager.fileExists(atPath: folder) ? try Files.names(in: folder) : []
    }
    let proofs = try names(lab.results).filter { $0.hasSuffix(".json") }.map { file in
      ("\(lab.results)/\(file)", String(file.split(separator: ".").first ?? ""), Record.Kind.proof)
    }
    let hosts = try names(lab.models).map { ("\(lab.models)/\($0)/record.json", $0, Record.Kind.host) }
    return proofs + hosts.filter { manager.fileExists(atPath: $0.0) }
  }
}
