import ArgumentParser
import Foundation
import TesseraLab
import TesseraTensor

struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Build data, train the small networks, run proofs, and report what came out.",
    discussion: """
      Data sets are built on the spot into the cache (TESSERA_CACHE, or ~/.cache/tessera). Work that was interrupted goes on from \
      its last checkpoint when it is started again.

      Example: tessera lab train shapes --quick --output /tmp/shapes
      """,
    subcommands: [LabData.self, LabTrain.self, LabList.self, LabRun.self, LabReport.self])
}

/// What every verb of the laboratory can be told.
struct LabOptions: ParsableArguments {
  @Option(help: "Where data sets and checkpoints lie. (default: TESSERA_CACHE, or ~/.cache/tessera)") var cache: String?
  @Option(help: "The folder of the small networks.") var models = "Models"
  @Option(help: "The folder of records.") var results = "Results"
  @Option(help: "Threads of one operation. The same number gives the same bits.") var threads: Int?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads needs at least 1.") }
  }

  /// A laboratory that shows its progress and stops after an interrupt.
  func lab(_ watch: LabWatch) throws -> Lab {
    if let threads { try Torch.setThreads(threads) }
    return Lab(cache: cache, models: models, results: results) { try watch.report($0) }
  }
}

/// Shows how far the laboratory's work has come, and ends it after an interrupt, with a checkpoint.
final class LabWatch: Sendable {
  private let line = ProgressLine(label: "")

  init() { Interrupt.watch() }

  func report(_ progress: TesseraLab.Progress) throws {
    try Interrupt.check()
    line.update(
      done: progress.done, total: progress.total, unit: progress.unit, label: progress.label, detail: progress.detail)
  }

  func finish() { line.finish() }
}

struct LabData: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "List the data sets, or build some of them.",
    discussion: "Example: tessera lab data glyphs --json")

  @Argument(help: "Data sets to build; none lists them all.") var names: [String] = []
  @OptionGroup var options: LabOptions
  @Flag(help: "Only the packages they are made from, one a line.") var packages = false
  @Flag(help: "Build all of them whose packages are installed.") var all = false
  @Option(help: "Write a page of HTML that shows all data sets that are built.") var html: String?
  @Flag(help: "As JSON.") var json = false

  func run() throws {
    let watch = LabWatch()
    let lab = try options.lab(watch)
    defer { watch.finish() }
    if packages {
      let sets = try names.isEmpty ? DataSet.all : names.map(DataSet.named)
      for package in Set(sets.flatMap(\.packages).map(\.name)).sorted() { try Console.print(package) }
      return
    }
    if let html {
      let chosen = try all ? DataSet.all.filter { $0.packages.allSatisfy(\.isInstalled) } : names.map(DataSet.named)
      for set in chosen { _ = try set.open(lab) }
      return try Console.write(Array(DataPage(lab).html.utf8), to: html)
    }
    if names.isEmpty && !all {
      for set in DataSet.all {
        let missing = set.packages.filter { !$0.isInstalled }.map(\.name)
        let state =
          FileManager.default.fileExists(atPath: set.path(lab) + "/manifest.json")
          ? "built" : missing.isEmpty ? "not built" : "needs \(missing.joined(separator: ", "))"
        try Console.print("\(set.name): \(set.summary) (\(state))")
      }
      return
    }
    let chosen = try all ? DataSet.all.filter { $0.packages.allSatisfy(\.isInstalled) } : names.map(DataSet.named)
    for set in chosen {
      let folder = try set.open(lab)
      watch.finish()
      if json {
        try Console.write(folder.bytes("manifest.json"))
      } else {
        let counts = folder.manifest.counts.map { "\($0.split) \($0.count) \($0.unit)" }
        try Console.print("\(set.name): \(counts.joined(separator: ", "))\n  \(folder.path)")
      }
    }
  }
}

struct LabTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train one of the small networks on which proofs stand.",
    discussion: """
      All declared seeds are trained; the weights of the first become the host. A training that was interrupted goes on when it is \
      started again and ends with the same weights.

      Example: tessera lab train shapes --quick --output /tmp/shapes
      """)

  @Argument(help: "Hosts; `tessera lab list` names them.") var names: [String]
  @OptionGroup var options: LabOptions
  @Option(name: [.short, .long], help: "The folder that is made, for one host. (default: the host's in --models)")
  var output: String?
  @Flag(help: "Seconds of training, one seed: it shows that the machinery works.") var quick = false
  @Flag(help: "Forget what an interrupted run has left.") var fresh = false
  @Flag(help: "The record as JSON.") var json = false

  func run() throws {
    if quick, output == nil { throw ValidationError("--quick needs --output: it must not replace the host.") }
    if names.count > 1, output != nil { throw ValidationError("--output is for one host.") }
    let watch = LabWatch()
    let lab = try options.lab(watch)
    for host in try names.map(Host.named) { try train(host, lab, watch) }
  }

  private func train(_ host: TesseraLab.Host, _ lab: Lab, _ watch: LabWatch) throws {
    let setting: Setting = quick ? .quick : .full
    if fresh {
      for seed in host.declaration.seeds {
        let run = Run(lab: lab, name: host.name, seed: seed, setting: setting)
        try? FileManager.default.removeItem(atPath: run.folder)
      }
    }
    let record = try host.train(lab, setting, output: output ?? "\(lab.models)/\(host.name)")
    watch.finish()
    try LabRun.show(record, json: json)
  }
}

struct LabList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the proofs and the small networks.",
    discussion: "Example: tessera lab list --json")

  @Flag(help: "The declarations as JSON.") var json = false

  func run() throws {
    if json {
      let all = ["hosts": Host.all.map(\.declaration), "proofs": Proof.all.map(\.declaration)]
      return try Console.write(Files.encode(all) + Data("\n".utf8))
    }
    for host in Host.all { try Console.print("host   \(host.name): \(host.summary)") }
    for proof in Proof.all { try Console.print("proof  \(proof.name): \(proof.declaration.claim)") }
  }
}

struct LabRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run proofs and keep their records.",
    discussion: """
      Claim, baseline, data, seeds, metric, and rule are declared before the run; the verdict follows from the figures. Exit status 0 \
      whether or not claims hold.

      Example: tessera lab run binary-bpe --quick
      """)

  @Argument(help: "Proofs; none runs them all.") var names: [String] = []
  @OptionGroup var options: LabOptions
  @Flag(help: "Little data and one seed: seconds.") var quick = false
  @Flag(help: "The records as JSON.") var json = false

  func run() throws {
    let watch = LabWatch()
    let lab = try options.lab(watch)
    for proof in names.isEmpty ? Proof.all : try names.map(Proof.named) {
      let record = try proof.run(lab, quick ? .quick : .full)
      if record.skipped == nil { try ResultStore(lab.results).write(record) }
      watch.finish()
      try Self.show(record, json: json)
    }
  }

  /// One record, as it goes to a person or to a program.
  static func show(_ record: Record, json: Bool) throws {
    if json { return try Console.write(Files.encode(record) + Data("\n".utf8)) }
    var lines = ["\(record.name): \(record.declaration.claim)"]
    if let skipped = record.skipped {
      lines.append("  skipped: apt-get install \(skipped.joined(separator: " "))")
    }
    for name in record.runs.first?.figures.map(\.name) ?? [] {
      guard let statistics = record.statistics(name) else { continue }
      let unit = record.runs.first?.figures.first { $0.name == name }?.unit ?? ""
      let range = record.runs.count > 1 ? " (\(short(statistics.low)) to \(short(statistics.high)))" : ""
      lines.append("  \(name): \(short(statistics.mean))\(unit.isEmpty ? "" : " " + unit)\(range)")
    }
    for judgement in record.judgements where record.skipped == nil {
      let found = judgement.reading.map(short) ?? "missing"
      lines.append("  \(judgement.holds ? "holds" : "DOES NOT HOLD"): \(judgement.condition.text) (\(found))")
    }
    try Console.print(lines.joined(separator: "\n"))
  }

  static func short(_ value: Double) -> String { BenchEncode.rounded(value) }
}
