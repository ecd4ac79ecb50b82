import TesseraText

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

/// Numbers of a seed, for resampling.
package typealias SeededNumbers = SplitMix64

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
