import Foundation

/// A bound on a figure. A claim holds when all of its conditions do.
public struct Condition: Codable, Hashable, Sendable {
  /// Which way the bound goes.
  public enum Bound: String, Codable, Sendable {
    case atLeast, atMost
  }

  /// What of the runs is held against the bound.
  public enum Reading: String, Codable, Sendable {
    /// The worst run.
    case everyRun
    /// The mean over the seeds.
    case mean
    /// The worse end of the mean's 95 % interval (Student's t over the seeds).
    case interval95
  }

  /// The figure that is looked at.
  public let figure: String
  /// A figure of the same run that is taken off first: the baseline.
  public let minus: String?
  /// Which way the bound goes.
  public let bound: Bound
  /// The bound.
  public let value: Double
  /// What of the runs counts.
  public let reading: Reading

  /// At least this.
  public static func atLeast(_ figure: String, _ value: Double, _ reading: Reading = .everyRun) -> Condition {
    Condition(figure: figure, minus: nil, bound: .atLeast, value: value, reading: reading)
  }

  /// At most this.
  public static func atMost(_ figure: String, _ value: Double, _ reading: Reading = .everyRun) -> Condition {
    Condition(figure: figure, minus: nil, bound: .atMost, value: value, reading: reading)
  }

  /// Above a baseline by at least a margin.
  public static func above(
    _ figure: String, _ baseline: String, by margin: Double = 0, _ reading: Reading = .everyRun
  ) -> Condition {
    Condition(figure: figure, minus: baseline, bound: .atLeast, value: margin, reading: reading)
  }

  /// Below a baseline by at least a margin.
  public static func below(
    _ figure: String, _ baseline: String, by margin: Double = 0, _ reading: Reading = .everyRun
  ) -> Condition {
    Condition(figure: figure, minus: baseline, bound: .atMost, value: -margin, reading: reading)
  }

  /// In words.
  public var text: String {
    let subject = minus.map { "\(figure) minus \($0)" } ?? figure
    let side = bound == .atLeast ? "at least" : "at most"
    let reading =
      switch reading {
      case .everyRun: "in every run"
      case .mean: "on average over the seeds"
      case .interval95: "with 95 % confidence over the seeds"
      }
    // A margin of nothing is stored as -0.
    return "\(subject) \(side) \((value == 0 ? 0 : value).formatted()), \(reading)"
  }

  /// What is held against the bound; nil when a run lacks a figure, or there are too few runs for an interval.
  public func reading(of runs: [[Figure]]) -> Double? {
    let values = runs.compactMap { figures -> Double? in
      guard let value = figures.first(where: { $0.name == figure })?.value else { return nil }
      guard let minus else { return value }
      return figures.first { $0.name == minus }.map { value - $0.value }
    }
    guard values.count == runs.count, let first = values.first else { return nil }
    // A comparison with NaN is false, so that the smallest or largest of the others would hide it.
    if values.contains(where: \.isNaN) { return .nan }
    let statistics = Statistics(values)
    switch reading {
    case .everyRun: return bound == .atLeast ? values.min() ?? first : values.max() ?? first
    case .mean: return statistics.mean
    case .interval95:
      return statistics.halfWidth95.map { bound == .atLeast ? statistics.mean - $0 : statistics.mean + $0 }
    }
  }

  /// True if the bound is kept; NaN keeps none.
  public func holds(_ reading: Double?) -> Bool {
    guard let reading else { return false }
    return bound == .atLeast ? reading >= value : reading <= value
  }
}

/// Mean and spread of one figure over the seeds.
public struct Statistics: Sendable {
  /// The arithmetic mean.
  public let mean: Double
  /// The smallest value.
  public let low: Double
  /// The largest value.
  public let high: Double
  /// Half the width of the mean's 95 % interval by Student's t; nil with fewer than two values.
  public let halfWidth95: Double?

  /// - Parameter values: at least one
  public init(_ values: [Double]) {
    let count = Double(max(values.count, 1))
    let mean = values.reduce(0, +) / count
    self.mean = mean
    (low, high) = (values.min() ?? .nan, values.max() ?? .nan)
    guard values.count > 1 else {
      halfWidth95 = nil
      return
    }
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
    let quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
    let quantile = values.count - 2 < quantiles.count ? quantiles[values.count - 2] : 2.228
    halfWidth95 = quantile * (variance / count).squareRoot()
  }
}

/// What is said before anything runs: the claim, what it is held against, and the rule that decides.
public struct Declaration: Codable, Hashable, Sendable {
  /// What it is called on the command line.
  public let name: String
  /// The claim, in a sentence.
  public let claim: String
  /// What the claim is held against, in words.
  public let baseline: String
  /// The figures that measure the baseline; each run must give them.
  public let baselineFigures: [String]
  /// On which data, with sizes.
  public let data: String
  /// One run for each; a quick run takes the first.
  public let seeds: [UInt64]
  /// What is measured, in words.
  public let metric: String
  /// The claim holds when all of these do.
  public let rule: [Condition]
  /// Figures that a reader compares with: the worst and the best one can get.
  public let floor: [String]
  /// See `floor`.
  public let ceiling: [String]
  /// What must be installed.
  public let packages: [DataPackage]

  /// Makes it from its parts.
  /// - Parameters:
  ///   - floor: names of figures that show the least one can get
  ///   - ceiling: names of figures that show the most one can get
  public init(
    name: String, claim: String, baseline: String, baselineFigures: [String], data: String, seeds: [UInt64],
    metric: String, rule: [Condition], floor: [String] = [], ceiling: [String] = [], packages: [DataPackage] = []
  ) {
    (self.name, self.claim, self.baseline, self.baselineFigures) = (name, claim, baseline, baselineFigures)
    (self.data, self.seeds, self.metric, self.rule) = (data, seeds, metric, rule)
    (self.floor, self.ceiling, self.packages) = (floor, ceiling, packages)
  }

  /// Refuses a declaration that could not be judged.
  /// - Throws: `LabError.refused` with the reason.
  public func check() throws {
    func refuse(_ reason: String) -> LabError { .refused(name, reason) }
    if claim.isEmpty { throw refuse("it claims nothing") }
    if baseline.isEmpty || baselineFigures.isEmpty { throw refuse("its baseline is missing") }
    if rule.isEmpty { throw refuse("it has no rule for the verdict") }
    if seeds.isEmpty || Set(seeds).count != seeds.count { throw refuse("it needs seeds, each once") }
    if rule.contains(where: { $0.reading == .interval95 }), seeds.count < 2 {
      throw refuse("an interval needs two seeds")
    }
  }

  /// Changes with every word and number of the declaration.
  public var fingerprint: String { (try? Files.encode(self)).map { Checksum($0).text } ?? "" }
}

/// One measured number.
public struct Figure: Codable, Hashable, Sendable {
  /// What was measured, and under which setting.
  public let name: String
  /// The number.
  public let value: Double
  /// In what; empty for a plain number.
  public let unit: String

  /// Makes it from its parts.
  public init(_ name: String, _ value: Double, _ unit: String = "") {
    (self.name, self.value, self.unit) = (name, value, unit)
  }
}

/// One line of a chart.
public struct Curve: Codable, Hashable, Sendable {
  /// An axis: what it shows, in which unit (empty for a plain number), and whether equal steps are equal factors.
  public struct Axis: Codable, Hashable, Sendable {
    /// What it shows.
    public let label: String
    /// In what; empty for a plain number.
    public let unit: String
    /// True: equal distances are equal factors.
    public let isLogarithmic: Bool

    /// Makes it from its parts.
    public init(_ label: String, _ unit: String = "", isLogarithmic: Bool = false) {
      (self.label, self.unit, self.isLogarithmic) = (label, unit, isLogarithmic)
    }
  }

  /// The chart it belongs to: curves with one title and the same axes are drawn together.
  public let chart: String
  /// What this line shows.
  public let name: String
  /// The axis to the right.
  public let x: Axis
  /// The axis upwards.
  public let y: Axis
  /// Pairs of x and y.
  public let points: [[Double]]

  /// Makes it from its parts.
  public init(chart: String, name: String, x: Axis, y: Axis, points: [[Double]]) {
    (self.chart, self.name, self.x, self.y, self.points) = (chart, name, x, y, points)
  }
}
