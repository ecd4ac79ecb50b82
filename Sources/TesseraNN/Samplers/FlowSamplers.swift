import Foundation
import TesseraTensor

/// Times of a rectified flow: how they are drawn in training and spread in sampling. 0 is data, 1 is noise.
public enum FlowTime {
  /// `s' = a s / (1 + (a - 1) s)`: more steps near the noise, for large pictures (arXiv 2403.03206, section 5.3.2).
  public static func shifted(_ times: Tensor, by shift: Double) throws -> Tensor {
    try times * shift / (times * (shift - 1) + 1)
  }

  /// `s' = e^μ / (e^μ + 1/s - 1)`, the dynamic shift of FLUX.
  public static func shifted(_ times: Tensor, mu: Double) throws -> Tensor { try shifted(times, by: exp(mu)) }

  /// μ grows linearly with the number of tokens, from 0.5 at 256 to 1.15 at 4096.
  public static func dynamicMu(
    tokens: Int, base: Double = 0.5, maximum: Double = 1.15, baseTokens: Int = 256, maximumTokens: Int = 4096
  ) -> Double {
    base + Double(tokens - baseTokens) * (maximum - base) / Double(maximumTokens - baseTokens)
  }

  /// Logit-normal times: the sigmoid of a normal number (arXiv 2403.03206, section 3.1).
  /// - Parameter normal: standard normal numbers
  public static func logitNormal(_ normal: Tensor, mean: Double = 0, deviation: Double = 1) throws -> Tensor {
    try (normal * deviation + mean).sigmoid()
  }
}

/// Euler's method along a rectified flow: `x += (s_next - s) · velocity`, velocity = noise - data.
///
/// Paper: *Flow Straight and Fast*, 2022 (arXiv 2209.03003). Agrees with diffusers' `FlowMatchEulerDiscreteScheduler`.
public struct FlowEulerSampler: DiffusionSampler {
  public let configuration: SchedulerConfiguration
  public let timesteps: [Double]
  public let sigmas: [Double]
  public private(set) var stepIndex = 0
  public var needsNoise: Bool { configuration.isStochastic }

  /// - Parameters:
  ///   - mu: the dynamic shift, where the configuration asks for one
  ///   - sigmas: the noise levels before shifting, in the place of evenly spread ones
  public init(
    _ configuration: SchedulerConfiguration = .init(), steps: Int, mu: Double? = nil, sigmas given: [Double]? = nil
  ) throws {
    try configuration.demandSteps(steps)
    self.configuration = configuration
    let c = configuration
    var levels = try FlowWalk.levels(c, steps, given, shifted: !c.shiftsDynamically)
    if c.shiftsDynamically {
      guard let mu else { throw TensorError.invalid("scheduler", "use_dynamic_shifting needs 'mu'") }
      let factor = c.timeShift == .exponential ? exp(mu) : mu
      levels = levels.map { factor / (factor + (1 / $0 - 1)) }
    } else {
      levels = levels.map { c.shift * $0 / (1 + (c.shift - 1) * $0) }
    }
    if let terminal = c.terminalShift, terminal != 0, let last = levels.last {
      let scale = (1 - last) / (1 - terminal)
      levels = levels.map { 1 - (1 - $0) / scale }
    }
    if let low = levels.last, let high = levels.first {
      if c.usesKarrasSigmas { levels = SigmaGrid.karras(low, high, steps) }
      if c.usesExponentialSigmas { levels = SigmaGrid.exponential(low, high, steps) }
    }
    levels = levels.map(\.single)
    if c.invertsSigmas { levels = levels.map { (1 - $0).single } }
    timesteps = levels.map { ($0 * Double(c.trainingSteps)).single }
    sigmas = levels + [c.invertsSigmas ? 1 : 0]
  }

  public mutating func restart() { stepIndex = 0 }

  public mutating func step(_ output: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep {
    try demandStep(output, sample)
    let (now, then) = (sigmas[stepIndex], sigmas[stepIndex + 1])
    let next: Tensor
    if configuration.isStochastic {
      next = try (sample - output * now) * (1 - then) + demandNoise(noise, like: sample) * then
    } else {
      next = try sample + output * (then - now)
    }
    stepIndex += 1
    return SamplerStep(sample: next, original: nil)
  }
}

/// Heun's method along a rectified flow: every step but the last averages the slopes at both ends.
///
/// Agrees with diffusers' `FlowMatchHeunDiscreteScheduler` without churning.
public struct FlowHeunSampler: DiffusionSampler {
  public let configuration: SchedulerConfiguration
  public let timesteps: [Double]
  public let sigmas: [Double]
  public private(set) var stepIndex = 0
  private var first: (slope: Tensor, width: Double, sample: Tensor)?
  public var needsNoise: Bool { false }

  public init(_ configuration: SchedulerConfiguration = .init(), steps: Int) throws {
    try configuration.demandSteps(steps)
    self.configuration = configuration
    let shift = configuration.shift
    let levels = try FlowWalk.levels(configuration, steps, nil, shifted: true).map {
      (shift * $0 / (1 + (shift - 1) * $0)).single
    }
    timesteps = SigmaWalk.doubled(levels.map { ($0 * Double(configuration.trainingSteps)).single })
    sigmas = SigmaWalk.doubled(levels + [0], keepingLast: true)
  }

  public mutating func restart() { (stepIndex, first) = (0, nil) }

  public mutating func step(_ output: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep {
    try demandStep(output, sample)
    let next: Tensor
    if let (before, width, start) = first {
      next = try start + (before + output) * (0.5 * width)
      first = nil
    } else {
      let width = sigmas[stepIndex + 1] - sigmas[stepIndex]
      next = try sample + output * width
      first = (output, width, sample)
    }
    stepIndex += 1
    return SamplerStep(sample: next, original: nil)
  }
}

/// What samplers of flows share.
enum FlowWalk {
  /// Noise levels from the largest to the smallest of training, before the shift of sampling.
  ///
  /// The reference shifts the ends once when it is made and everything again when steps are set; so do we.
  static func levels(_ c: SchedulerConfiguration, _ steps: Int, _ given: [Double]?, shifted: Bool) throws -> [Double] {
    if let given {
      guard given.count == steps, given.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
        throw TensorError.invalid("scheduler", "\(steps) sigmas in 0...1 are expected, not \(given)")
      }
      return given.map(\.single)
    }
    guard c.shift > 0, c.shift.isFinite else { throw TensorError.invalid("scheduler", "a shift of \(c.shift)") }
    func end(_ step: Int) -> Double {
      let level = (Float(step) / Float(c.trainingSteps))
      let shift = Float(c.shift)
      return Double(shifted ? shift * level / (1 + (shift - 1) * level) : level)
    }
    let count = Double(c.trainingSteps)
    return TimestepGrid.line(end(c.trainingSteps) * count, end(1) * count, steps).map { $0 / count }
  }
}
