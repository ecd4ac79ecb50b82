import Foundation
import TesseraTensor

/// Noise levels of samplers that count in σ = √((1 - ᾱ) / ᾱ).
struct SigmaGrid {
  /// Of the training steps, rising.
  let levels: [Double]
  private let logarithms: [Double]

  init(_ schedule: NoiseSchedule) {
    let sigmas = schedule.sigmas
    levels = sigmas.map(Double.init)
    logarithms = sigmas.map { Double(Float(Foundation.log($0))) }
  }

  /// The level at a place between training steps.
  func level(at timestep: Double) -> Double {
    let place = min(max(timestep, 0), Double(levels.count - 1))
    let low = Int(place)
    guard low + 1 < levels.count else { return levels[low] }
    return levels[low] + (place - Double(low)) * (levels[low + 1] - levels[low])
  }

  /// The place between training steps that has a level.
  func timestep(of level: Double) -> Double {
    guard logarithms.count > 1 else { return 0 }
    let wanted = Foundation.log(max(level, 1e-10))
    let below = logarithms.partitionPoint { $0 <= wanted }
    let low = min(max(below - 1, 0), logarithms.count - 2)
    let share = (logarithms[low] - wanted) / (logarithms[low] - logarithms[low + 1])
    let weight = min(max(share, 0), 1)
    return (1 - weight) * Double(low) + weight * Double(low + 1)
  }

  /// Levels evenly spread in their 7th roots (Karras et al. 2022, arXiv 2206.00364, equation 5).
  static func karras(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
    let (a, b) = (pow(high, 1 / 7), pow(low, 1 / 7))
    return TimestepGrid.line(0, 1, count).map { pow(a + $0 * (b - a), 7) }
  }

  /// Levels evenly spread in their logarithms.
  static func exponential(_ low: Double, _ high: Double, _ count: Int) -> [Double] {
    TimestepGrid.line(Foundation.log(high), Foundation.log(low), count).map { exp($0) }
  }

  /// Logarithms of the smallest and the largest level.
  var logarithmicEnds: (low: Double, high: Double) { (logarithms[0], logarithms[logarithms.count - 1]) }
}

extension Array {
  /// How many leading elements fulfil a condition that only leading elements fulfil.
  fileprivate func partitionPoint(_ condition: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension Double {
  /// The number as single precision has it.
  var single: Double { Double(Float(self)) }
}
