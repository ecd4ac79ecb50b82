import Foundation
import TesseraTensor

/// Euler's method over noise levels.
///
/// Paper: *Elucidating the Design Space of Diffusion-Based Generative Models*, 2022 (arXiv 2206.00364), algorithm 2 without the second
/// order. Agrees with diffusers' `EulerDiscreteScheduler`.
public struct EulerSampler: DiffusionSampler {
  /// Noise that is put back in before a step.
  public struct Churn: Sendable {
    public var amount = 0.0
    /// The levels at which it happens.
    public var range = 0.0...Double.infinity
    public var noise = 1.0
    public init(amount: Double = 0, range: ClosedRange<Double> = 0...Double.infinity, noise: Double = 1) {
      (self.amount, self.range, self.noise) = (amount, range, noise)
    }
  }

  public let configuration: SchedulerConfiguration
  public let timesteps: [Double]
  public let sigmas: [Double]
  public let churn: Churn
  public private(set) var stepIndex = 0
  public var needsNoise: Bool { churn.amount > 0 }
  public var initialScale: Double { SigmaWalk.initialScale(configuration, sigmas) }

  public init(_ configuration: SchedulerConfiguration = .init(), steps: Int, churn: Churn = Churn()) throws {
    (self.configuration, self.churn) = (configuration, churn)
    let schedule = try configuration.noiseSchedule()
    (timesteps, sigmas) = try SigmaWalk.schedule(configuration, schedule, steps, lifting: true)
  }

  public func modelInput(_ sample: Tensor) throws -> Tensor {
    guard stepIndex < timesteps.count else { return sample }
    return try sample / (sigmas[stepIndex] * sigmas[stepIndex] + 1).squareRoot()
  }

  public mutating func restart() { stepIndex = 0 }

  public mutating func step(_ output: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep {
    try demandStep(output, sample)
    let sigma = sigmas[stepIndex]
    let gamma = churn.range.contains(sigma) ? min(churn.amount / Double(sigmas.count - 1), 2.0.squareRoot() - 1) : 0
    let raised = sigma * (gamma + 1)
    var sample = sample
    if gamma > 0 {
      sample =
        try sample + demandNoise(noise, like: sample) * (churn.noise * (raised * raised - sigma * sigma).squareRoot())
    }
    let original = try SigmaWalk.original(configuration, output, sample, at: sigma, noiseLevel: raised)
    let next = try sample + (sample - original) * ((sigmas[stepIndex + 1] - raised) / raised)
    stepIndex += 1
    return SamplerStep(sample: next, original: original)
  }
}

/// Heun's method over noise levels: every step but the last asks the model twice.
///
/// Paper: as for `EulerSampler`, algorithm 1. Agrees with diffusers' `HeunDiscreteScheduler`.
public struct HeunSampler: DiffusionSampler {
  public let configuration: SchedulerConfiguration
  public let timesteps: [Double]
  public let sigmas: [Double]
  public private(set) var stepIndex = 0
  private var first: (slope: Tensor, width: Double, sample: Tensor)?
  public var needsNoise: Bool { false }
  public var initialScale: Double { SigmaWalk.initialScale(configuration, sigmas) }

  public init(_ configuration: SchedulerConfiguration = .init(), steps: Int) throws {
    self.configuration = configuration
    let schedule = try configuration.noiseSchedule(start: 0.00085, end: 0.012)
    var plain = configuration
    plain.finalSigma = .zero
    let walk = try SigmaWalk.schedule(plain, schedule, steps, lifting: false)
    timesteps = SigmaWalk.doubled(walk.timesteps)
    sigmas = SigmaWalk.doubled(walk.sigmas, keepingLast: true)
  }

  public func modelInput(_ sample: Tensor) throws -> Tensor {
    guard stepIndex < timesteps.count else { return sample }
    return try sample / (sigmas[stepIndex] * sigmas[stepIndex] + 1).squareRoot()
  }

  public mutating func restart() { (stepIndex, first) = (0, nil) }

  public mutating func step(_ output: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep {
    try demandStep(output, sample)
    let level = sigmas[stepIndex]
    var original = try SigmaWalk.original(configuration, output, sample, at: level, noiseLevel: level)
    if configuration.clips ?? false {
      original = try original.clamped(-configuration.clipRange, configuration.clipRange)
    }
    let slope = try (sample - original) / level
    let next: Tensor
    if let (before, width, start) = first {
      next = try start + (before + slope) * (0.5 * width)
      first = nil
    } else {
      let width = sigmas[stepIndex + 1] - level
      next = try sample + slope * width
      first = (slope, width, sample)
    }
    stepIndex += 1
    return SamplerStep(sample: next, original: original)
  }
}

/// What samplers over noise levels share.
enum SigmaWalk {
  static func schedule(
    _ c: SchedulerConfiguration, _ noise: NoiseSchedule, _ steps: Int, lifting: Bool
  ) throws -> (timesteps: [Double], sigmas: [Double]) {
    try c.demandSteps(steps)
    var noise = noise
    if c.zeroTerminalSNR, lifting { noise.keepLastAlphaPositive() }
    let grid = SigmaGrid(noise)
    var timesteps = TimestepGrid.descending(
      c.spacing ?? .linspace, steps, of: c.trainingSteps, offset: c.stepsOffset, rounding: false
    ).map(\.single)
    var sigmas = timesteps.map(grid.level)
    let (low, high) = (c.sigmaMinimum ?? sigmas[sigmas.count - 1], c.sigmaMaximum ?? sigmas[0])
    if c.usesKarrasSigmas || c.usesExponentialSigmas {
      sigmas = c.usesKarrasSigmas ? SigmaGrid.karras(low, high, steps) : SigmaGrid.exponential(low, high, steps)
      timesteps = sigmas.map(grid.timestep).map(\.single)
    }
    return (timesteps, (sigmas + [c.finalSigma == .zero ? 0 : grid.levels[0]]).map(\.single))
  }

  static func initialScale(_ c: SchedulerConfiguration, _ sigmas: [Double]) -> Double {
    let largest = sigmas.max() ?? 1
    return (c.spacing ?? .linspace) == .leading ? (largest * largest + 1).squareRoot() : largest
  }

  /// The data that an output stands for.
  /// - Parameters:
  ///   - sigma: the level that the model was asked at
  ///   - noiseLevel: the level of the sample after churning
  static func original(
    _ c: SchedulerConfiguration, _ output: Tensor, _ sample: Tensor, at sigma: Double, noiseLevel: Double
  ) throws -> Tensor {
    switch c.prediction {
    case .epsilon: return try sample - output * noiseLevel
    case .sample: return output
    case .velocity:
      let power = sigma * sigma + 1
      return try output * (-sigma / power.squareRoot()) + sample / power
    case .flow: throw TensorError.invalid("sampler", "prediction_type 'flow_prediction' belongs to flow samplers")
    }
  }

  /// Every element but the first (and the last) twice.
  static func doubled(_ values: [Double], keepingLast: Bool = false) -> [Double] {
    guard let head = values.first else { return [] }
    let middle = keepingLast ? values.dropFirst().dropLast() : values.dropFirst()
    return [head] + middle.flatMap { [$0, $0] } + (keepingLast ? values.suffix(1) : [])
  }
}
