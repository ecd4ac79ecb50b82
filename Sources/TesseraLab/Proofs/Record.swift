import Foundation
import TesseraTensor

/// What came out of a proof or a training: everything a report needs, and nothing else is needed.
public struct Record: Codable, Sendable, Equatable {
  /// What was run.
  public enum Kind: String, Codable, Sendable {
    case proof, host
  }

  /// What came out of one seed.
  public struct SeedRun: Codable, Sendable, Equatable {
    /// The seed.
    public let seed: UInt64
    /// How long the run took.
    public let seconds: Double
    /// What was measured.
    public let figures: [Figure]
    /// Lines of charts.
    public let curves: [Curve]

    /// Makes it from its parts.
    public init(seed: UInt64, seconds: Double, figures: [Figure], curves: [Curve]) {
      (self.seed, self.seconds, self.figures, self.curves) = (seed, seconds, figures, curves)
    }
  }

  /// The version of this form of records.
  public let format: Int
  /// What was run.
  public let kind: Kind
  /// What was said before the run.
  public let declaration: Declaration
  /// The declaration's fingerprint at the time of the run.
  public let fingerprint: String
  /// How thoroughly it was run.
  public let setting: Setting
  /// The code that ran: a commit, with `+` behind it when files had changed; `unknown` outside a repository.
  public let revision: String
  /// When the record was made, in UTC (ISO 8601).
  public let date: String
  /// Where it ran.
  public let machine: Machine
  /// One for each seed; empty if it was skipped.
  public let runs: [SeedRun]
  /// Names of the packages that were missing; nil if it ran.
  public let skipped: [String]?

  /// Makes it from its parts.
  public init(
    kind: Kind, declaration: Declaration, setting: Setting, revision: String, date: String, machine: Machine,
    runs: [SeedRun], skipped: [String]? = nil
  ) {
    (format, self.kind, self.declaration, fingerprint) = (1, kind, declaration, declaration.fingerprint)
    (self.setting, self.revision, self.date, self.machine) = (setting, revision, date, machine)
    (self.runs, self.skipped) = (runs, skipped)
  }

  init(_ experiment: Experiment, _ machine: Machine, _ revision: String, _ runs: [SeedRun]) {
    self.init(
      kind: experiment.kind, declaration: experiment.declaration, setting: experiment.setting, revision: revision,
      date: Self.now, machine: machine, runs: runs)
  }

  init(skipped packages: [DataPackage], _ experiment: Experiment) {
    self.init(
      kind: experiment.kind, declaration: experiment.declaration, setting: experiment.setting,
      revision: Revision.current, date: Self.now, machine: .current, runs: [], skipped: packages.map(\.name))
  }

  private static var now: String { Date().formatted(.iso8601) }

  /// What was run, by name.
  public var name: String { declaration.name }

  /// One condition of the rule, what of the runs was held against it, and whether it is kept.
  public struct Judgement: Sendable {
    /// The condition.
    public let condition: Condition
    /// What was held against its bound; nil if it was not measured.
    public let reading: Double?
    /// Whether it is kept.
    public let holds: Bool
  }

  /// How each condition of the rule came out.
  public var judgements: [Judgement] {
    declaration.rule.map { condition in
      let reading = condition.reading(of: runs.map(\.figures))
      return Judgement(condition: condition, reading: reading, holds: condition.holds(reading))
    }
  }

  /// What follows from the figures; it is computed, never stored.
  public enum Verdict: String, Sendable {
    case holds
    case fails = "does not hold"
    case skipped
  }

  /// See `Verdict`.
  public var verdict: Verdict {
    if skipped != nil || runs.isEmpty { return .skipped }
    return judgements.allSatisfy(\.holds) ? .holds : .fails
  }

  /// A figure over the seeds; nil if a run lacks it.
  public func statistics(_ figure: String) -> Statistics? {
    let values = runs.compactMap { $0.figures.first { $0.name == figure }?.value }
    return values.isEmpty || values.count != runs.count ? nil : Statistics(values)
  }

  /// Refuses a record whose declaration was changed after the run, or that is incomplete.
  /// - Parameter current: what the code declares today; nil if nobody declares it any more
  /// - Throws: `LabError.refused` with the difference.
  public func check(against current: Declaration?) throws {
    guard format == 1 else { throw LabError.refused(name, "its record has the unknown form \(format)") }
    guard declaration.fingerprint == fingerprint else {
      throw LabError.refused(name, "what its record declares was changed after the run; run it again")
    }
    try declaration.check()
    if let current, current != declaration {
      let part = current.rule != declaration.rule ? "rule" : "declaration"
      throw LabError.refused(name, "its \(part) was changed after the run; run it again")
    }
    if skipped == nil {
      let seeds = setting == .quick ? Array(declaration.seeds.prefix(1)) : declaration.seeds
      guard runs.map(\.seed) == seeds else { throw LabError.refused(name, "its record lacks declared seeds") }
    }
  }
}

/// Where something ran.
public struct Machine: Codable, Sendable, Equatable {
  /// The processor's name.
  public let processor: String
  /// How many cores the process may use.
  public let cores: Int
  /// How many threads one operation used.
  public let threads: Int
  /// Memory in GiB.
  public let memory: Double
  /// The operating system.
  public let system: String
  /// The version of libtorch, or `none`.
  public let torch: String

  /// Makes it from its parts.
  public init(processor: String, cores: Int, threads: Int, memory: Double, system: String, torch: String) {
    (self.processor, self.cores, self.threads) = (processor, cores, threads)
    (self.memory, self.system, self.torch) = (memory, system, torch)
  }

  /// This machine.
  public static var current: Machine {
    let information = ProcessInfo.processInfo
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let named = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
    return Machine(
      processor: named.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown",
      cores: information.activeProcessorCount, threads: Torch.threads,
      memory: (Double(information.physicalMemory) / 1_073_741_824 * 10).rounded() / 10,
      system: information.operatingSystemVersionString, torch: Torch.version)
  }
}

/// Which code runs.
enum Revision {
  /// Asked for once: a process does not change its own code.
  static let current: String = {
    guard let head = try? Program.run("git", ["rev-parse", "--short=12", "HEAD"]) else { return "unknown" }
    let name = String(decoding: head, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    let changes =
      (try? Program.run("git", ["status", "--porcelain", "--untracked-files=no", "Sources", "Package.swift"])) ?? Data()
    return name + (changes.isEmpty ? "" : "+")
  }()
}

/// The records of a folder, one JSON file each.
public struct ResultStore: Sendable {
  /// The folder.
  public let folder: String

  /// A store in a folder, which need not exist yet.
  public init(_ folder: String) { self.folder = folder }

  /// Writes a record: `NAME.json`, or `NAME.quick.json` for a quick run, which must not hide a full one.
  public func write(_ record: Record) throws {
    try Files.makeFolder(folder)
    try Files.writeJSON(record, to: path(record.name, record.setting))
  }

  /// Where the record of a name lies.
  public func path(_ name: String, _ setting: Setting) -> String {
    "\(folder)/\(name)\(setting == .quick ? ".quick" : "").json"
  }

  /// Reads one record.
  public static func read(_ path: String) throws -> Record { try Files.decode(Record.self, Files.read(path), path) }

  /// All records of the folder, sorted by name; none if there is no folder.
  public func records() throws -> [Record] {
    guard FileManager.default.fileExists(atPath: folder) else { return [] }
    return try Files.names(in: folder).filter { $0.hasSuffix(".json") }.map { try Self.read("\(folder)/\($0)") }
  }
}
