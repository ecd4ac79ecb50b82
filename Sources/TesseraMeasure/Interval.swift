/// A measured number with the range it may lie in.
public struct Estimate: Sendable, Equatable, Codable {
  /// The number on all data.
  public let value: Double
  /// The lower end of the 95 % interval; equal to the value where none was computed.
  public let low: Double
  /// The upper end.
  public let high: Double

  /// Makes it from its parts.
  public init(_ value: Double, low: Double? = nil, high: Double? = nil) {
    (self.value, self.low, self.high) = (value, low ?? value, high ?? value)
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, in every run.
public struct SeededNumbers: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Numbers of a seed.
  public init(seed: UInt64) { state = seed }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

extension Estimate {
  /// The percentile interval of a statistic under resampling of documents (Efron 1979).
  ///
  /// The result depends on the seed and the documents alone, not on threads.
  /// - Parameters:
  ///   - count: how many documents there are
  ///   - statistic: computes the number from how often each document was drawn
  public static func bootstrap(
    over count: Int, samples: Int = 200, seed: UInt64 = 1, _ statistic: ([Int]) -> Double
  ) -> Estimate {
    let value = statistic([Int](repeating: 1, count: count))
    guard count > 1, samples > 1 else { return Estimate(value) }
    var numbers = SeededNumbers(seed: seed)
    let values = (0..<samples).map { _ -> Double in
      var weights = [Int](repeating: 0, count: count)
      for _ in 0..<count { weights[Int.random(in: 0..<count, using: &numbers)] += 1 }
      return statistic(weights)
    }.filter { !$0.isNaN }.sorted()
    guard let last = values.last else { return Estimate(value) }
    func quantile(_ share: Double) -> Double {
      let place = share * Double(values.count - 1)
      let (low, rest) = (Int(place), place - place.rounded(.down))
      return low + 1 < values.count ? values[low] * (1 - rest) + values[low + 1] * rest : last
    }
    return Estimate(value, low: min(quantile(0.025), value), high: max(quantile(0.975), value))
  }
}
