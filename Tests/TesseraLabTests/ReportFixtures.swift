import Foundation

@testable import TesseraLab

/// Records made up for tests of the report: a friendly one, and one that tries everything.
enum ReportFixtures {
  static let machine = Machine(
    processor: "Made up", cores: 2, threads: 1, memory: 8, system: "Test 1.0", torch: "none")

  static func record(
    _ declaration: Declaration, kind: Record.Kind = .proof, setting: Setting = .full, runs: [Record.SeedRun],
    skipped: [String]? = nil
  ) -> Record {
    Record(
      kind: kind, declaration: declaration, setting: setting, revision: "0123456789ab", date: "2026-01-02T03:04:05Z",
      machine: machine, runs: runs, skipped: skipped)
  }

  static func declaration(_ name: String = "merging", rule: [Condition] = [.atLeast("accuracy", 0.9)]) -> Declaration {
    Declaration(
      name: name, claim: "Merging keeps the accuracy.", baseline: "dropping at random", baselineFigures: ["random"],
      data: "shapes: 600 to train, 200 to test", seeds: [1, 2, 3], metric: "share of right answers", rule: rule,
      floor: ["blind"], ceiling: ["uncut"])
  }

  /// Three seeds, two charts.
  static var friendly: Record {
    let step = Curve.Axis("step")
    let runs = (1...3).map { (seed: Int) -> Record.SeedRun in
      let noise: Double = Double(seed) / 100
      let points = (0..<20).map { (index: Int) -> [Double] in
        [Double(index * 50), 0.92 - 0.6 / Double(index + 1) + noise]
      }
      let losses = (1...40).map { (index: Int) -> [Double] in [Double(index), 4 / Double(index) + noise] }
      return Record.SeedRun(
        seed: UInt64(seed), seconds: 12.5,
        figures: [
          Figure("accuracy", 0.9 + noise), Figure("random", 0.7 + noise), Figure("blind", 0.33), Figure("uncut", 0.95),
          Figure("time per image", 1.5 + noise, "ms"),
        ],
        curves: [
          Curve(chart: "Accuracy", name: "merged", x: step, y: .init("accuracy"), points: points),
          Curve(
            chart: "Loss", name: "training", x: .init("step", isLogarithmic: true),
            y: .init("loss", "nats", isLogarithmic: true), points: losses),
        ])
    }
    return record(declaration(), runs: runs)
  }

  static let evil = "<script>alert('x')</script>\"&\u{0}\u{1B}"

  /// Names that are markup, numbers that are none, a hundred lines, empty lines, words without spaces.
  static var hostile: Record {
    let axis = Curve.Axis("x \(evil)", "µs", isLogarithmic: true)
    let plain = Curve.Axis("loss", "nats")
    var curves = (0..<100).map { (index: Int) -> Curve in
      Curve(
        chart: "Many \(evil)", name: "line \(index) \(evil)", x: axis, y: plain,
        points: (-2..<4).map { (power: Int) -> [Double] in [pow(10, Double(power)), Double(index * power)] })
    }
    curves += [
      Curve(chart: "None", name: "nothing", x: plain, y: plain, points: []),
      Curve(chart: "One", name: "alone", x: plain, y: plain, points: [[5, 2.5]]),
      Curve(
        chart: "Holes", name: "broken", x: plain, y: axis,
        points: [[0, 1], [1, .nan], [2, 3], [3, -1], [4, 5], [5, 6]]),
      Curve(
        chart: "Huge", name: "huge", x: plain, y: plain,
        points: [[0, 1e300], [1, -.infinity], [2], [.nan, 1], [-1e250, 1]]),
    ]
    let runs = [1, 2].map { (seed: UInt64) -> Record.SeedRun in
      Record.SeedRun(
        seed: seed, seconds: .nan,
        figures: [
          Figure(evil, 0.5, evil), Figure("nan", .nan), Figure("b", -3e-9), Figure("big", 1.5e22, "FLOP"),
          Figure(String(repeating: "a", count: 300), .infinity),
        ], curves: curves)
    }
    let declaration = Declaration(
      name: "hostile \(evil)", claim: evil + String(repeating: "word", count: 100), baseline: evil,
      baselineFigures: ["b"],
      data: evil, seeds: [1, 2], metric: evil,
      rule: [.atLeast(evil, 0.4), .atLeast("nan", 1), .atMost("big", .infinity)],
      floor: ["b", "absent"], ceiling: [], packages: [.init(evil, file: "/")])
    return record(declaration, runs: runs)
  }
}
