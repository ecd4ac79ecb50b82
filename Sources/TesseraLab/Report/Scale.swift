import Foundation

/// Maps numbers of an axis to places in a drawing, and finds round numbers to mark.
struct Scale {
  /// The numbers at both ends.
  let domain: ClosedRange<Double>
  /// True if equal distances are equal factors.
  let isLogarithmic: Bool
  /// The marked numbers, all inside the domain.
  let ticks: [Double]
  /// How each of them is written.
  let labels: [String]

  /// A scale around values, widened to round numbers.
  ///
  /// A logarithmic scale takes positive values only; where there are none it is a linear one.
  /// - Parameters:
  ///   - values: what must fit; numbers that are not finite are ignored
  ///   - count: about how many ticks there is room for
  ///   - includesZero: true where lengths are compared, as in a bar chart
  ///   - isTight: true if the domain ends at the values and not at ticks
  init(
    _ values: [Double], isLogarithmic: Bool = false, count: Int = 5, includesZero: Bool = false, isTight: Bool = false
  ) {
    // Beyond these numbers steps and differences would overflow or vanish.
    let usable = values.filter { $0.isFinite && abs($0) < 1e300 && (!isLogarithmic || $0 > 1e-290) }
      .map { abs($0) < 1e-290 ? 0 : $0 }
    self.isLogarithmic = isLogarithmic && !usable.isEmpty
    if self.isLogarithmic {
      (domain, ticks) = Self.logarithmic(usable.min() ?? 1, usable.max() ?? 1, count, isTight)
    } else {
      let values = usable + (includesZero || usable.isEmpty ? [0] : [])
      (domain, ticks) = Self.linear(values.min() ?? 0, values.max() ?? 0, count, isTight)
    }
    labels = Self.labels(ticks, isLogarithmic: self.isLogarithmic)
  }

  /// Where a number lies, 0 at the lower end and 1 at the upper; nil if it has no place.
  func position(_ value: Double) -> Double? {
    guard value.isFinite else { return nil }
    if isLogarithmic {
      guard value > 0 else { return nil }
      return (log(value) - log(domain.lowerBound)) / (log(domain.upperBound) - log(domain.lowerBound))
    }
    return (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
  }

  private static func linear(_ low: Double, _ high: Double, _ count: Int, _ isTight: Bool) -> (
    ClosedRange<Double>, [Double]
  ) {
    var (low, high) = (low, high)
    if high - low <= max(abs(low), abs(high)) * 1e-12 {
      // One value alone is put in the middle.
      let room = low == 0 ? 1 : abs(low) * 0.1
      (low, high) = (low - (low == 0 ? 0 : room), high + room)
    }
    let step = roundStep((high - low) / Double(max(count, 1)))
    let (first, last) = isTight ? (ceilTo(low, step), floorTo(high, step)) : (floorTo(low, step), ceilTo(high, step))
    let steps = max(0, Int(((last - first) / step).rounded()))
    let ticks = (0...steps).map { value in
      let tick = first + Double(value) * step
      return abs(tick) < step * 1e-9 ? 0 : tick
    }
    return isTight ? (low...high, ticks.filter { low <= $0 && $0 <= high }) : (first...max(last, first + step), ticks)
  }

  private static func floorTo(_ value: Double, _ step: Double) -> Double { (value / step + 1e-9).rounded(.down) * step }
  private static func ceilTo(_ value: Double, _ step: Double) -> Double { (value / step - 1e-9).rounded(.up) * step }

  /// The next of 1, 2, 2.5, 5 and 10 times a power of ten.
  static func roundStep(_ step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    let factor = [1, 2, 2.5, 5, 10].first { $0 * power >= step * (1 - 1e-9) } ?? 10
    return factor * power
  }

  private static func logarithmic(
    _ low: Double, _ high: Double, _ count: Int, _ isTight: Bool
  ) -> (ClosedRange<Double>, [Double]) {
    var (bottom, top) = (low, high)
    if high <= low * (1 + 1e-12) { (bottom, top) = (low / 2, high * 2) }
    let decades = log10(top) - log10(bottom)
    // Few decades take 1, 2, 5 in each; many take powers of ten alone, perhaps not every one.
    let factors: [Double] =
      decades * 3 <= Double(count) ? [1, 2, 5] : decades * 2 <= Double(count) ? [1, 3] : [1]
    let skip = factors.count > 1 ? 1 : max(1, Int((decades / Double(max(count, 1))).rounded(.up)))
    let powers = Int(log10(bottom).rounded(.down)) - skip...Int(log10(top).rounded(.up)) + skip
    let all = powers.filter { $0 % skip == 0 }.flatMap { power in factors.map { $0 * pow(10, Double(power)) } }
      .filter { $0 > 1e-300 && $0 < 1e301 }
    if !isTight {
      bottom = all.last { $0 <= bottom * (1 + 1e-9) } ?? bottom
      top = all.first { $0 >= top * (1 - 1e-9) } ?? top
    }
    var ticks = all.filter { $0 >= bottom * (1 - 1e-9) && $0 <= top * (1 + 1e-9) }
    if ticks.count < 2 { ticks = [bottom, top] }
    return (bottom...top, ticks)
  }

  private static func labels(_ ticks: [Double], isLogarithmic: Bool) -> [String] {
    let largest = ticks.map(abs).max() ?? 0
    if isLogarithmic { return ticks.map(short) }
    if largest >= 10_000, largest < 1e15, ticks.allSatisfy({ $0 == $0.rounded() }) { return ticks.map(short) }
    let decimals = NumberText.decimals(for: ticks)
    return ticks.map { decimals == nil ? String(format: "%.3g", $0) : NumberText.of($0, decimals: decimals) }
  }

  /// `12k`, `3M`; other numbers as elsewhere.
  private static func short(_ value: Double) -> String {
    let size = abs(value)
    for (name, unit) in [("G", 1e9), ("M", 1e6), ("k", 1e3)]
    where size >= unit && size < 1e13 && (size >= 10_000 || unit > 1e3) {
      let text = String(format: "%.4g", value / unit)
      return text + name
    }
    return NumberText.of(value)
  }
}
