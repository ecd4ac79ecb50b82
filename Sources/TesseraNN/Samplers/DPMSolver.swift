import Foundation
import TesseraTensor

/// DPM-Solver++: an exponential integrator that reuses what the model said at the steps before.
///
/// Paper: *DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models*, 2022 (arXiv 2211.01095). Agrees with
/// diffusers' `DPMSolverMultistepScheduler`, also for the first and third order and the stochastic variants.
public struct DPMSolver: DiffusionSampler {
  public let configuration: SchedulerConfiguration
  public let timesteps: [Double]
  /// Noise levels at the steps, and after the last.
  public let sigmas: [Double]
  public private(set) var stepIndex = 0
  private var history: [Tensor] = []

  public var needsNoise: Bool {
    configuration.algorithm == .stochasticData || configuration.algorithm == .stochasticNoise
  }

  public init(_ configuration: SchedulerConfiguration = .init(), steps: Int) throws {
    try configuration.demandSteps(steps)
    guard (1...3).contains(configuration.solverOrder) else {
      throw TensorError.invalid("scheduler", "solver_order \(configuration.solverOrder) is not 1, 2 or 3")
    }
    if configuration.finalSigma == .zero,
      configuration.algorithm == .noise || configuration.algorithm == .stochasticNoise
    {
      throw TensorError.invalid(
        "scheduler", "algorithm_type '\(configuration.algorithm.rawValue)' cannot end at sigma 0")
    }
    guard configuration.algorithm != .stochasticNoise || configuration.solverOrder < 3 else {
      throw TensorError.invalid("scheduler", "algorithm_type 'sde-dpmsolver' has no third order")
    }
    self.configuration = configuration
    (timesteps, sigmas) = try Self.schedule(configuration, steps)
  }

  private static func schedule(_ c: SchedulerConfiguration, _ steps: Int) throws -> (
    timesteps: [Double], sigmas: [Double]
  ) {
    var schedule = try c.noiseSchedule()
    if c.zeroTerminalSNR { schedule.keepLastAlphaPositive() }
    let grid = SigmaGrid(schedule)
    let (low, high) = (grid.levels[0], grid.levels[grid.levels.count - 1])
    var (timesteps, sigmas): ([Double], [Double])
    func placed(_ levels: [Double], rounding: Bool) -> ([Double], [Double]) {
      let places = levels.map(grid.timestep)
      return (rounding ? places.map { $0.rounded(.toNearestOrEven) } : places, levels)
    }
    let rounds = c.betaSchedule != .cosine
    if c.usesKarrasSigmas {
      (timesteps, sigmas) = placed(
        SigmaGrid.karras(c.sigmaMinimum ?? low, c.sigmaMaximum ?? high, steps), rounding: rounds)
    } else if c.usesUniformLambdas {
      let ends = grid.logarithmicEnds
      (timesteps, sigmas) = placed(TimestepGrid.line(ends.high, ends.low, steps).map { exp($0) }, rounding: rounds)
    } else if c.usesExponentialSigmas {
      (timesteps, sigmas) = placed(SigmaGrid.exponential(low, high, steps), rounding: false)
    } else if c.usesFlowSigmas {
      let all = TimestepGrid.line(1, 1 / Double(c.trainingSteps), steps + 1).map { 1 - $0 }
      sigmas = Array(all.map { c.flowShift * $0 / (1 + (c.flowShift - 1) * $0) }.reversed().dropLast())
      timesteps = sigmas.map { $0 * Double(c.trainingSteps) }
    } else {
      timesteps = evenly(c, schedule, steps)
      sigmas = timesteps.map(grid.level)
    }
    let last = c.finalSigma == .zero ? 0 : low
    return (timesteps.map { $0.rounded(.towardZero) }, (sigmas + [last]).map(\.single))
  }

  private static func evenly(_ c: SchedulerConfiguration, _ schedule: NoiseSchedule, _ steps: Int) -> [Double] {
    let lowest = c.smallestLambda ?? -.infinity
    let clipped = schedule.cumulativeAlphas.count { alpha in
      Double(Foundation.log(alpha.squareRoot()) - Foundation.log((1 - alpha).squareRoot())) < lowest
    }
    let last = c.trainingSteps - clipped
    switch c.spacing ?? .linspace {
    case .linspace:
      return TimestepGrid.line(0, Double(last - 1), steps + 1).map { $0.rounded(.toNearestOrEven) }.reversed()
        .dropLast()
    case .leading:
      let ratio = last / (steps + 1)
      return (1...steps).reversed().map { Double($0 * ratio + c.stepsOffset) }
    case .trailing: return TimestepGrid.trailing(from: last, steps, of: c.trainingSteps)
    }
  }

  public mutating func restart() { (stepIndex, history) = (0, []) }

  public mutating func step(_ output: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep {
    try demandStep(output, sample)
    let count = timesteps.count
    let few = configuration.lowersFinalOrder && count < 15
    let endsFirst =
      stepIndex == count - 1 && (configuration.endsWithEuler || few || configuration.finalSigma == .zero)
    let endsSecond = stepIndex == count - 2 && few
    let model = try converted(output, sample)
    history = Array((history + [model]).suffix(configuration.solverOrder))
    let order = endsFirst ? 1 : min(configuration.solverOrder, stepIndex + 1, endsSecond ? 2 : 3)
    let fresh = needsNoise ? try demandNoise(noise, like: sample) : nil
    let next = try update(order, sample, fresh)
    stepIndex += 1
    return SamplerStep(sample: next, original: nil)
  }

  /// Signal and noise of a level, and half the logarithm of their ratio.
  private func level(_ index: Int) -> (alpha: Double, sigma: Double, lambda: Double) {
    let sigma = sigmas[index]
    let alpha = configuration.usesFlowSigmas ? 1 - sigma : 1 / (sigma * sigma + 1).squareRoot()
    let noise = configuration.usesFlowSigmas ? sigma : sigma * alpha
    return (alpha, noise, Foundation.log(alpha) - Foundation.log(noise))
  }

  /// The data (or the noise) that the output stands for.
  private func converted(_ output: Tensor, _ sample: Tensor) throws -> Tensor {
    var output = output
    if configuration.prediction == .epsilon,
      configuration.variance == .learned || configuration.variance == .learnedRange
    {
      guard sample.rank >= 2 else { throw TensorError.invalid("sampler", "\(sample.summary) has no channels") }
      output = try output.sliced(0..<sample.size(1), axis: 1)
    }
    let (alpha, sigma, _) = level(stepIndex)
    var data: Tensor
    switch configuration.prediction {
    case .epsilon: data = try (sample - output * sigma) / alpha
    case .sample: data = output
    case .velocity: data = try sample * alpha - output * sigma
    case .flow: data = try sample - output * sigmas[stepIndex]
    }
    data = try configuration.bounded(data, clipping: false)
    if configuration.algorithm == .data || configuration.algorithm == .stochasticData { return data }
    if !configuration.thresholds, configuration.prediction == .epsilon { return output }
    return try (sample - data * alpha) / sigma
  }

  private func update(_ order: Int, _ sample: Tensor, _ noise: Tensor?) throws -> Tensor {
    let (t, s) = (level(stepIndex + 1), level(stepIndex))
    let h = t.lambda - s.lambda
    let m0 = history[history.count - 1]
    let c = Coefficients(configuration.algorithm, t, s, h)
    var next = try sample * c.sample + m0 * c.zeroth
    if order >= 2 {
      let r0 = (s.lambda - level(stepIndex - 1).lambda) / h
      let m1 = history[history.count - 2]
      let d10 = try (m0 - m1) / r0
      if order == 2 {
        next = try next + d10 * (configuration.secondOrder == .midpoint ? c.midpoint : c.first)
      } else {
        let r1 = (level(stepIndex - 1).lambda - level(stepIndex - 2).lambda) / h
        let d11 = try (m1 - history[history.count - 3]) / r1
        let difference = try d10 - d11
        next = try next + (d10 + difference * (r0 / (r0 + r1))) * c.first + difference * (c.second / (r0 + r1))
      }
    }
    return try noise.map { try next + $0 * c.noise } ?? next
  }

  /// What the terms of a step are multiplied by.
  private struct Coefficients {
    var sample, zeroth, midpoint, first, second, noise: Double

    init(
      _ algorithm: SchedulerConfiguration.Algorithm, _ t: (alpha: Double, sigma: Double, lambda: Double),
      _ s: (alpha: Double, sigma: Double, lambda: Double), _ h: Double
    ) {
      switch algorithm {
      case .data:
        let phi = exp(-h) - 1
        (sample, zeroth, midpoint) = (t.sigma / s.sigma, -t.alpha * phi, -0.5 * t.alpha * phi)
        (first, second) = (t.alpha * (phi / h + 1), -t.alpha * ((phi + h) / (h * h) - 0.5))
        noise = 0
      case .noise:
        let phi = exp(h) - 1
        (sample, zeroth, midpoint) = (t.alpha / s.alpha, -t.sigma * phi, -0.5 * t.sigma * phi)
        (first, second) = (-t.sigma * (phi / h - 1), -t.sigma * ((phi - h) / (h * h) - 0.5))
        noise = 0
      case .stochasticData:
        let phi = 1 - exp(-2 * h)
        (sample, zeroth, midpoint) = (t.sigma / s.sigma * exp(-h), t.alpha * phi, 0.5 * t.alpha * phi)
        (first, second) = (t.alpha * (phi / (-2 * h) + 1), t.alpha * ((phi - 2 * h) / (4 * h * h) - 0.5))
        noise = t.sigma * max(phi, 0).squareRoot()
      case .stochasticNoise:
        let phi = exp(h) - 1
        (sample, zeroth, midpoint) = (t.alpha / s.alpha, -2 * t.sigma * phi, -t.sigma * phi)
        (first, second) = (-2 * t.sigma * (phi / h - 1), 0)
        noise = t.sigma * max(exp(2 * h) - 1, 0).squareRoot()
      }
    }
  }
}
