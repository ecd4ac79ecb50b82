import ArgumentParser
import Foundation
import TesseraText

/// A claim of a paper, measured at a small scale: everything but the figures is said before the run.
struct Proof: Sendable {
  /// A bound on one figure. The claim holds when all of its conditions do.
  struct Condition: Sendable {
    enum Bound: Sendable {
      case atLeast(Double)
      case atMost(Double)
    }

    let figure: String
    let bound: Bound

    func holds(_ value: Double) -> Bool {
      switch bound {
      case .atLeast(let least): value >= least
      case .atMost(let most): value <= most
      }
    }

    var text: String {
      switch bound {
      case .atLeast(let least): "\(figure) at least \(least)"
      case .atMost(let most): "\(figure) at most \(most)"
      }
    }
  }

  let name: String
  let claim: String
  let baseline: String
  let data: String
  let seeds: [UInt64]
  let metric: String
  let rule: [Condition]
  /// Takes the seed and gives figures in the order in which they are shown.
  let measure: @Sendable (ProofData, UInt64) throws -> [(name: String, value: Double)]

  /// What came out: for every condition its worst value over the seeds and whether it holds.
  struct Result {
    let figures: [(seed: UInt64, values: [(name: String, value: Double)])]
    let verdicts: [(condition: Condition, worst: Double?, holds: Bool)]
    var holds: Bool { verdicts.allSatisfy(\.holds) }
  }

  /// A condition whose figure is missing does not hold.
  func run(_ data: ProofData) throws -> Result {
    let figures = try (data.isQuick ? Array(seeds.prefix(1)) : seeds).map { (seed: $0, values: try measure(data, $0)) }
    return Result(figures: figures, verdicts: verdicts(of: figures.map(\.values)))
  }

  func verdicts(of figures: [[(name: String, value: Double)]]) -> [(
    condition: Condition, worst: Double?, holds: Bool
  )] {
    rule.map { condition in
      let values = figures.flatMap { $0.filter { $0.name == condition.figure }.map(\.value) }
      let worst =
        switch condition.bound {
        case .atLeast: values.min()
        case .atMost: values.max()
        }
      let isComplete = !figures.isEmpty && values.count == figures.count
      return (condition, worst, isComplete && values.allSatisfy(condition.holds))
    }
  }
}

struct BenchProof: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proof", abstract: "Measure the claims behind the presets of `tessera train` at a small scale.",
    discussion: """
      Claim, baseline, data, seeds, metric and rule are fixed beforehand; the verdict follows from the figures. Without names all \
      are measured. Exit status 0 whether or not claims hold.

      Examples:
        tessera bench proof --quick
        tessera bench proof binary supertokens --json
      """)

  @Argument(help: "binary, kl3m, kl3m-characters, supertokens, superwords.") var names: [String] = []
  @Flag(help: "Little data and one seed: seconds.") var quick = false
  @Option(help: "A file of general text, documents with a NUL between them.") var text = ".deps/corpora/english.txt"
  @Option(help: "A file of source code, likewise.") var code = ".deps/corpora/code.txt"
  @Option(help: "A folder with executables; may be given several times.") var binaries: [String] = []
  @Option(help: "A folder with licences; may be given several times.") var legal: [String] = []
  @Flag(help: "Everything as JSON.") var json = false

  func validate() throws {
    for name in names where !Proof.all.contains(where: { $0.name == name }) {
      throw ValidationError("'\(name)' is none of \(Proof.all.map(\.name).joined(separator: ", ")).")
    }
  }

  func run() throws {
    let data = ProofData(
      isQuick: quick, text: text, code: code, binaries: binaries.isEmpty ? ["/usr/bin", "/usr/lib"] : binaries,
      legal: legal.isEmpty ? ["/usr/share/common-licenses", "/usr/share/doc"] : legal)
    var reports: [JSON] = []
    for proof in Proof.all where names.isEmpty || names.contains(proof.name) {
      let clock = Clock()
      let result = try proof.run(data)
      if json {
        reports.append(Self.report(proof, result, clock.elapsed.wall))
      } else {
        try Self.show(proof, result, clock.elapsed.wall)
      }
    }
    if json { try Console.print(JSON.array(reports).text(.pretty)) }
  }

  private static func show(_ proof: Proof, _ result: Proof.Result, _ seconds: Double) throws {
    var lines = ["\(proof.name): \(proof.claim)", "  baseline: \(proof.baseline)", "  data: \(proof.data)"]
    lines.append("  metric: \(proof.metric)")
    for (seed, values) in result.figures {
      lines.append("  seed \(seed)")
      for (name, value) in values { lines.append("    \(name): \(BenchEncode.rounded(value))") }
    }
    for (condition, worst, holds) in result.verdicts {
      let found = worst.map { BenchEncode.rounded($0) } ?? "missing"
      lines.append("  \(holds ? "holds" : "DOES NOT HOLD"): \(condition.text) (\(found))")
    }
    lines.append("  \(result.holds ? "the claim holds" : "THE CLAIM DOES NOT HOLD") at this scale, \(Int(seconds)) s")
    try Console.print(lines.joined(separator: "\n") + "\n")
  }

  private static func report(_ proof: Proof, _ result: Proof.Result, _ seconds: Double) -> JSON {
    func text(_ text: String) -> JSON { .string(text) }
    let figures = result.figures.map { seed, values -> JSON in
      var object: JSONObject = ["seed": .integer(Int64(seed))]
      for (name, value) in values { object[name] = .number(value) }
      return .object(object)
    }
    let verdicts = result.verdicts.map { condition, worst, holds -> JSON in
      ["condition": text(condition.text), "worst": worst.map { .number($0) } ?? .null, "holds": .bool(holds)]
    }
    return [
      "name": text(proof.name), "claim": text(proof.claim), "baseline": text(proof.baseline), "data": text(proof.data),
      "metric": text(proof.metric), "seeds": .array(proof.seeds.map { .integer(Int64($0)) }),
      "figures": .array(figures), "verdicts": .array(verdicts), "holds": .bool(result.holds),
      "seconds": .number(seconds),
    ]
  }
}
