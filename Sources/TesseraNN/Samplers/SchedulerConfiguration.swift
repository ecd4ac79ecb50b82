import Foundation
import TesseraTensor

/// What a `scheduler_config.json` of diffusers says: the process a model was trained on, and how it is sampled.
///
/// Keys keep diffusers' names in the file; values that depend on the sampler are nil until a sampler reads them.
public struct SchedulerConfiguration: Codable, Sendable {
  /// How a DDPM step gets its variance.
  public enum Variance: String, Codable, Sendable {
    case fixedSmall = "fixed_small", fixedSmallLog = "fixed_small_log", fixedLarge = "fixed_large"
    case fixedLargeLog = "fixed_large_log", learned, learnedRange = "learned_range"
  }
  /// What DPM-Solver integrates: the data (`++`) or the noise, as an ordinary or a stochastic equation.
  public enum Algorithm: String, Codable, Sendable {
    case data = "dpmsolver++", noise = "dpmsolver", stochasticData = "sde-dpmsolver++", stochasticNoise =
      "sde-dpmsolver"
  }
  public enum SecondOrder: String, Codable, Sendable { case midpoint, heun }
  public enum FinalSigma: String, Codable, Sendable { case zero, smallest = "sigma_min" }
  public enum TimeShift: String, Codable, Sendable { case exponential, linear }

  public var trainingSteps = 1000
  public var betaStart: Double?
  public var betaEnd: Double?
  public var betaSchedule = NoiseSchedule.Shape.linear
  public var betas: [Float]?
  public var zeroTerminalSNR = false
  public var prediction = PredictionType.epsilon
  public var spacing: TimestepSpacing?
  public var stepsOffset = 0
  /// True: data predictions are cut at ±`clipRange`.
  public var clips: Bool?
  public var clipRange = 1.0
  /// True: data predictions are scaled by a quantile of their magnitudes (arXiv 2205.11487, section 2.3).
  public var thresholds = false
  public var thresholdRatio = 0.995
  public var thresholdLimit = 1.0
  public var endsAtData = true
  public var variance: Variance?
  public var solverOrder = 2
  public var algorithm = Algorithm.data
  public var secondOrder = SecondOrder.midpoint
  public var lowersFinalOrder = true
  public var endsWithEuler = false
  public var finalSigma = FinalSigma.zero
  public var smallestLambda: Double?
  public var usesKarrasSigmas = false
  public var usesExponentialSigmas = false
  public var usesBetaSigmas = false
  public var usesUniformLambdas = false
  public var usesFlowSigmas = false
  public var flowShift = 1.0
  public var sigmaMinimum: Double?
  public var sigmaMaximum: Double?
  public var shift = 1.0
  public var shiftsDynamically = false
  public var timeShift = TimeShift.exponential
  public var terminalShift: Double?
  public var invertsSigmas = false
  public var isStochastic = false

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case trainingSteps = "num_train_timesteps", betaStart = "beta_start", betaEnd = "beta_end", betaSchedule =
      "beta_schedule"
    case betas = "trained_betas", zeroTerminalSNR = "rescale_betas_zero_snr", prediction = "prediction_type"
    case spacing = "timestep_spacing", stepsOffset = "steps_offset", clips = "clip_sample", clipRange =
      "clip_sample_range"
    case thresholds = "thresholding", thresholdRatio = "dynamic_thresholding_ratio", thresholdLimit = "sample_max_value"
    case endsAtData = "set_alpha_to_one", variance = "variance_type", solverOrder = "solver_order"
    case algorithm = "algorithm_type", secondOrder = "solver_type", lowersFinalOrder = "lower_order_final"
    case endsWithEuler = "euler_at_final", finalSigma = "final_sigmas_type", smallestLambda = "lambda_min_clipped"
    case usesKarrasSigmas = "use_karras_sigmas", usesExponentialSigmas = "use_exponential_sigmas"
    case usesBetaSigmas = "use_beta_sigmas", usesUniformLambdas = "use_lu_lambdas", usesFlowSigmas = "use_flow_sigmas"
    case flowShift = "flow_shift", sigmaMinimum = "sigma_min", sigmaMaximum = "sigma_max", shift
    case shiftsDynamically = "use_dynamic_shifting", timeShift = "time_shift_type", terminalShift = "shift_terminal"
    case invertsSigmas = "invert_sigmas", isStochastic = "stochastic_sampling"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ place: inout Value, _ key: CodingKeys) throws {
      place = try container.decodeIfPresent(Value.self, forKey: key) ?? place
    }
    func read<Value: Decodable>(_ place: inout Value?, _ key: CodingKeys) throws {
      place = try container.decodeIfPresent(Value.self, forKey: key) ?? place
    }
    try read(&trainingSteps, .trainingSteps)
    try read(&betaStart, .betaStart)
    try read(&betaEnd, .betaEnd)
    try read(&betaSchedule, .betaSchedule)
    try read(&betas, .betas)
    try read(&zeroTerminalSNR, .zeroTerminalSNR)
    try read(&prediction, .prediction)
    try read(&spacing, .spacing)
    try read(&stepsOffset, .stepsOffset)
    try read(&clips, .clips)
    try read(&clipRange, .clipRange)
    try read(&thresholds, .thresholds)
    try read(&thresholdRatio, .thresholdRatio)
    try read(&thresholdLimit, .thresholdLimit)
    try read(&endsAtData, .endsAtData)
    try read(&variance, .variance)
    try read(&solverOrder, .solverOrder)
    try read(&algorithm, .algorithm)
    try read(&secondOrder, .secondOrder)
    try read(&lowersFinalOrder, .lowersFinalOrder)
    try read(&endsWithEuler, .endsWithEuler)
    try read(&finalSigma, .finalSigma)
    try read(&smallestLambda, .smallestLambda)
    try read(&usesKarrasSigmas, .usesKarrasSigmas)
    try read(&usesExponentialSigmas, .usesExponentialSigmas)
    try read(&usesBetaSigmas, .usesBetaSigmas)
    try read(&usesUniformLambdas, .usesUniformLambdas)
    try read(&usesFlowSigmas, .usesFlowSigmas)
    try read(&flowShift, .flowShift)
    try read(&sigmaMinimum, .sigmaMinimum)
    try read(&sigmaMaximum, .sigmaMaximum)
    try read(&shift, .shift)
    try read(&shiftsDynamically, .shiftsDynamically)
    try read(&timeShift, .timeShift)
    try read(&terminalShift, .terminalShift)
    try read(&invertsSigmas, .invertsSigmas)
    try read(&isStochastic, .isStochastic)
  }

  /// The noise schedule.
  /// - Parameters: what βs start and end with where the configuration does not say
  func noiseSchedule(start: Double = 1e-4, end: Double = 0.02) throws -> NoiseSchedule {
    if let betas {
      guard betas.count == trainingSteps else {
        throw TensorError.invalid("scheduler", "\(betas.count) trained_betas for \(trainingSteps) training steps")
      }
      return try NoiseSchedule(betas: betas, zeroTerminalSNR: zeroTerminalSNR)
    }
    return try NoiseSchedule(
      betaSchedule, start: betaStart ?? start, end: betaEnd ?? end, steps: trainingSteps,
      zeroTerminalSNR: zeroTerminalSNR)
  }

  func demandSteps(_ count: Int) throws {
    guard count >= 1, count <= trainingSteps, trainingSteps <= 1_000_000 else {
      throw TensorError.invalid("scheduler", "\(count) inference steps of \(trainingSteps) training steps")
    }
    let fancy = [usesKarrasSigmas, usesExponentialSigmas, usesBetaSigmas].filter { $0 }.count
    guard fancy <= 1, !usesBetaSigmas else {
      throw TensorError.invalid("scheduler", "only one kind of sigmas, and none of the beta distribution")
    }
  }

  /// Data predictions, scaled or cut as the configuration says.
  func bounded(_ x: Tensor, clipping: Bool) throws -> Tensor {
    if thresholds {
      guard (0...1).contains(thresholdRatio) else {
        throw TensorError.invalid("scheduler", "dynamic_thresholding_ratio \(thresholdRatio) is not in 0...1")
      }
      let quantile = Operator("aten::quantile.scalar")
      let flat = try x.flattened(1)
      let limit = try quantile(.tensor(flat.abs()), .double(thresholdRatio), .int(1), .bool(true)).clamped(
        1, max(thresholdLimit, 1))
      return try (flat.maximum(limit.negated()).minimum(limit) / limit).reshaped(x.shape)
    }
    return clipping ? try x.clamped(-clipRange, clipRange) : x
  }
}

/// A walk from noise to data along a schedule, one model call after the other.
///
///     var sampler = try DDIMSampler(configuration, steps: 50)
///     let image = try sampler.sample(from: noise, &stream) { x, t in try model(x, t) }
public protocol DiffusionSampler {
  /// What the model is told at each step.
  var timesteps: [Double] { get }
  /// What standard normal noise is multiplied by at the start.
  var initialScale: Double { get }
  /// True if steps need noise.
  var needsNoise: Bool { get }
  /// The number of the next step.
  var stepIndex: Int { get }

  /// What the model gets to see of a sample at the next step.
  func modelInput(_ sample: Tensor) throws -> Tensor

  /// Takes the next step.
  /// - Parameters:
  ///   - modelOutput: what the model said at `timesteps[stepIndex]`
  ///   - noise: standard normal, of the sample's shape, where `needsNoise`
  /// - Throws: `TensorError.invalid` after the last step
  mutating func step(_ modelOutput: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep

  /// Back to the start.
  mutating func restart()
}

/// Where a step leads.
public struct SamplerStep {
  /// The sample with less noise.
  public let sample: Tensor
  /// The data that the step takes for granted, where the sampler knows.
  public let original: Tensor?
}

extension DiffusionSampler {
  public var initialScale: Double { 1 }
  public func modelInput(_ sample: Tensor) throws -> Tensor { sample }

  /// Walks the whole schedule.
  /// - Parameters:
  ///   - noise: standard normal
  ///   - model: what it says to a sample and a time step
  public mutating func sample(
    from noise: Tensor, _ stream: inout RandomStream, _ model: (Tensor, Double) throws -> Tensor
  ) throws -> Tensor {
    restart()
    var sample = try initialScale == 1 ? noise : noise * initialScale
    for timestep in timesteps {
      let output = try model(modelInput(sample), timestep)
      let fresh = needsNoise ? try stream.normal(sample.shape, sample.dataType, device: sample.device) : nil
      sample = try step(output, sample, noise: fresh).sample
    }
    return sample
  }

  func demandStep(_ output: Tensor, _ sample: Tensor) throws {
    guard stepIndex < timesteps.count else {
      throw TensorError.invalid("sampler", "all \(timesteps.count) steps are taken")
    }
    guard output.rank == sample.rank, sample.rank >= 1, output.size(0) == sample.size(0) else {
      throw TensorError.invalid("sampler", "the model said \(output.summary) to \(sample.summary)")
    }
  }

  func demandNoise(_ noise: Tensor?, like sample: Tensor) throws -> Tensor {
    guard let noise, noise.shape == sample.shape else {
      throw TensorError.invalid("sampler", "this step needs noise of the shape \(sample.shape)")
    }
    return noise
  }
}
