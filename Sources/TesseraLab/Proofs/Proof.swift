import Foundation
import TesseraTensor

/// How thoroughly something is run.
public enum Setting: String, Codable, Sendable, CaseIterable {
  /// Little data, one seed: seconds. It shows that the machinery works, not that the claim holds.
  case quick
  /// As declared: minutes.
  case full
}

/// What one run of a proof or a training of a host is given.
public struct Run: Sendable {
  /// Data, hosts, progress.
  public let lab: Lab
  /// What is being run.
  public let name: String
  /// The seed of this run.
  public let seed: UInt64
  /// How thoroughly.
  public let setting: Setting

  /// Makes it from its parts.
  public init(lab: Lab, name: String, seed: UInt64, setting: Setting) {
    (self.lab, self.name, self.seed, self.setting) = (lab, name, seed, setting)
  }

  /// True for a run of seconds.
  public var isQuick: Bool { setting == .quick }
  /// All random numbers of this run come from here.
  public var stream: RandomStream { RandomStream(seed: seed).named(name) }
  /// Where this run may keep checkpoints. They survive an interrupt, and `lab` removes them when the run is complete.
  public var folder: String { "\(lab.cache)/runs/\(name)-\(setting.rawValue)-\(seed)" }
}

/// What a run has measured.
public struct Outcome: Sendable {
  /// Numbers, in the order in which they are shown.
  public var figures: [Figure]
  /// Lines of charts.
  public var curves: [Curve]

  /// Makes it from its parts.
  public init(figures: [Figure] = [], curves: [Curve] = []) { (self.figures, self.curves) = (figures, curves) }

  /// Adds a number.
  public mutating func add(_ name: String, _ value: Double, _ unit: String = "") {
    figures.append(Figure(name, value, unit))
  }

  /// A number by its name.
  public subscript(name: String) -> Double? { figures.first { $0.name == name }?.value }
}

/// A claim of a paper, measured at a small scale: everything but the figures is said before the run.
public struct Proof: Sendable {
  /// The system it belongs to.
  public let system: String
  /// Claim, baseline, data, seeds, metric, rule.
  public let declaration: Declaration
  let measure: @Sendable (Run) throws -> Outcome

  /// What it is called on the command line.
  public var name: String { declaration.name }

  /// Makes it from its parts.
  public init(system: String, _ declaration: Declaration, measure: @escaping @Sendable (Run) throws -> Outcome) {
    (self.system, self.declaration, self.measure) = (system, declaration, measure)
  }

  /// Runs the declared seeds and judges.
  ///
  /// A run of a seed that was complete before an interrupt is not repeated.
  /// - Throws: `LabError.refused` if the declaration cannot be judged or a run lacks a figure that it names.
  public func run(_ lab: Lab, _ setting: Setting) throws -> Record {
    try Experiment(kind: .proof, declaration: declaration, setting: setting, lab: lab).record(measure)
  }
}

/// Runs what a declaration says, seed by seed, and makes the record of it.
struct Experiment {
  let kind: Record.Kind
  let declaration: Declaration
  let setting: Setting
  let lab: Lab

  func record(_ measure: (Run) throws -> Outcome) throws -> Record {
    try declaration.check()
    if let missing = missing { return Record(skipped: missing, self) }
    let seeds = setting == .quick ? Array(declaration.seeds.prefix(1)) : declaration.seeds
    // Asked for before the work, so that the record names the code that ran.
    let (machine, revision) = (Machine.current, Revision.current)
    let runs = try seeds.map { try run(Run(lab: lab, name: declaration.name, seed: $0, setting: setting), measure) }
    let record = Record(self, machine, revision, runs)
    for seed in seeds {
      let folder = Run(lab: lab, name: declaration.name, seed: seed, setting: setting).folder
      try? FileManager.default.removeItem(atPath: folder)
    }
    return record
  }

  private var missing: [DataPackage]? {
    let absent = declaration.packages.filter { !$0.isInstalled }
    return absent.isEmpty ? nil : absent
  }

  private func run(_ run: Run, _ measure: (Run) throws -> Outcome) throws -> Record.SeedRun {
    // Beside the checkpoints of a run lies its outcome once it is complete: what a later seed's failure must not cost again.
    let kept = run.folder + "/outcome.json"
    if let data = try? Files.read(kept), let known = try? Files.decode(Kept.self, data, kept),
      known.fingerprint == declaration.fingerprint, known.revision == Revision.current
    {
      return known.run
    }
    try lab.report(Progress(run.name, done: 0, total: 0, unit: "", detail: "seed \(run.seed)"))
    let start = ContinuousClock.now
    let outcome = try measure(run)
    let names = Set(outcome.figures.map(\.name))
    guard names.count == outcome.figures.count else {
      throw LabError.refused(run.name, "two figures have one name")
    }
    for name in declaration.baselineFigures where !names.contains(name) {
      throw LabError.refused(run.name, "the baseline '\(name)' was not measured")
    }
    for name in declaration.rule.flatMap({ [$0.figure, $0.minus].compactMap { $0 } }) + declaration.floor
      + declaration.ceiling where !names.contains(name)
    {
      throw LabError.refused(run.name, "'\(name)', which the declaration names, was not measured")
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let result = Record.SeedRun(seed: run.seed, seconds: seconds, figures: outcome.figures, curves: outcome.curves)
    try Files.makeFolder(run.folder)
    try Files.write(
      Files.encode(Kept(fingerprint: declaration.fingerprint, revision: Revision.current, run: result)), to: kept)
    return result
  }

  private struct Kept: Codable {
    let fingerprint: String
    let revision: String
    let run: Record.SeedRun
  }
}

extension Proof {
  /// Every proof there is.
  public static let all: [Proof] = []

  /// The proof of a name.
  /// - Throws: `LabError.unknown`
  public static func named(_ name: String) throws -> Proof {
    guard let proof = all.first(where: { $0.name == name }) else {
      throw LabError.unknown("proof", name, all.map(\.name))
    }
    return proof
  }
}
