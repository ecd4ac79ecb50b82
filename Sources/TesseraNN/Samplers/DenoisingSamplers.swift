import Foundation
import TesseraTensor

/// Denoising diffusion implicit models: steps that may be deterministic and may be few.
///
/// Paper: *Denoising Diffusion Implicit Models*, 2020 (arXiv 2010.02502), equations 12 and 16. Agrees with diffusers' `DDIMScheduler`.
public struct DDIMSampler: DiffusionSampler {
  public let configuration: SchedulerConfiguration
  public let schedule: NoiseSchedule
  public let timesteps: [Double]
  /// 0: deterministic; 1: as much noise as DDPM.
  public let eta: Double
  /// True: the noise is computed anew from cut predictions.
  public let usesClippedOutput: Bool
  public private(set) var stepIndex = 0
  private let stride: Int

  public var needsNoise: Bool { eta > 0 }

  public init(
    _ configuration: SchedulerConfiguration = .init(), steps: Int, eta: Double = 0, usesClippedOutput: Bool = false
  ) throws {
    try configuration.demandSteps(steps)
    schedule = try configuration.noiseSchedule()
    timesteps = TimestepGrid.descending(
      configuration.spacing ?? .leading, steps, of: configuration.trainingSteps, offset: configuration.stepsOffset)
    stride = configuration.trainingSteps / steps
    (self.configuration, self.eta, self.usesClippedOutput) = (configuration, eta, usesClippedOutput)
    try schedule.demandInside(timesteps)
  }

  public mutating func restart() { stepIndex = 0 }

  public mutating func step(_ output: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep {
    try demandStep(output, sample)
    let t = Int(timesteps[stepIndex])
    let alphas = schedule.cumulativeAlphas
    let alpha = Double(alphas[t])
    let previous = t - stride >= 0 ? Double(alphas[t - stride]) : configuration.endsAtData ? 1 : Double(alphas[0])
    let prediction = try Prediction(configuration.prediction, output, sample, alpha: alpha)
    let original = try configuration.bounded(prediction.original, clipping: configuration.clips ?? true)
    var epsilon = prediction.epsilon
    if usesClippedOutput { epsilon = try (sample - original * alpha.squareRoot()) / (1 - alpha).squareRoot() }
    let variance = (1 - previous) / (1 - alpha) * (1 - alpha / previous)
    let deviation = eta == 0 ? 0 : eta * max(variance, 0).squareRoot()
    let direction = max(1 - previous - deviation * deviation, 0).squareRoot()
    var next = try original * previous.squareRoot() + epsilon * direction
    if eta > 0 { next = try next + demandNoise(noise, like: sample) * deviation }
    stepIndex += 1
    return SamplerStep(sample: next, original: original)
  }
}

/// Denoising diffusion probabilistic models: the reverse of the diffusion, with noise in every step but the last.
///
/// Paper: *Denoising Diffusion Probabilistic Models*, 2020 (arXiv 2006.11239), equations 6 and 7; learned variances are those of arXiv
/// 2102.09672. Agrees with diffusers' `DDPMScheduler`.
public struct DDPMSampler: DiffusionSampler {
  public let configuration: SchedulerConfiguration
  public let schedule: NoiseSchedule
  public let timesteps: [Double]
  public private(set) var stepIndex = 0
  public var needsNoise: Bool { true }

  public init(_ configuration: SchedulerConfiguration = .init(), steps: Int) throws {
    try configuration.demandSteps(steps)
    self.configuration = configuration
    schedule = try configuration.noiseSchedule()
    timesteps = TimestepGrid.descending(
      configuration.spacing ?? .leading, steps, of: configuration.trainingSteps, offset: configuration.stepsOffset)
    try schedule.demandInside(timesteps)
  }

  public mutating func restart() { stepIndex = 0 }

  public mutating func step(_ output: Tensor, _ sample: Tensor, noise: Tensor?) throws -> SamplerStep {
    try demandStep(output, sample)
    let t = Int(timesteps[stepIndex])
    let kind = configuration.variance ?? .fixedSmall
    var (output, learned): (Tensor, Tensor?) = (output, nil)
    if kind == .learned || kind == .learnedRange {
      guard sample.rank >= 2, output.size(1) == 2 * sample.size(1) else {
        throw TensorError.invalid(
          "sampler", "a learned variance needs twice the channels of \(sample.summary), not \(output.summary)")
      }
      let halves = try output.chunked(2, axis: 1)
      (output, learned) = (halves[0], halves[1])
    }
    let alphas = schedule.cumulativeAlphas
    let alpha = Double(alphas[t])
    let isLast = stepIndex == timesteps.count - 1
    let previous = isLast ? 1 : Double(alphas[Int(timesteps[stepIndex + 1])])
    let beta = 1 - alpha / previous
    let prediction = try Prediction(configuration.prediction, output, sample, alpha: alpha)
    let original = try configuration.bounded(prediction.original, clipping: configuration.clips ?? true)
    var next = try original * (previous.squareRoot() * beta / (1 - alpha))
    next = try next + sample * ((alpha / previous).squareRoot() * (1 - previous) / (1 - alpha))
    if t > 0 {
      let smallest = max((1 - previous) / (1 - alpha) * beta, 1e-20)
      let fresh = try demandNoise(noise, like: sample)
      switch (kind, learned) {
      case (.learnedRange, let learned?):
        let share = try (learned + 1) * 0.5
        let logarithm = try share * log(beta) + (1 - share) * log(smallest)
        next = try next + (logarithm * 0.5).exp() * fresh
      case (.learned, let learned?): next = try next + learned.sqrt() * fresh
      case (.fixedLarge, _), (.fixedLargeLog, _): next = try next + fresh * beta.squareRoot()
      default: next = try next + fresh * smallest.squareRoot()
      }
    }
    stepIndex += 1
    return SamplerStep(sample: next, original: original)
  }
}

/// Data and noise that a model's output stands for at a place of the schedule.
struct Prediction {
  let original: Tensor
  let epsilon: Tensor

  init(_ kind: PredictionType, _ output: Tensor, _ sample: Tensor, alpha: Double) throws {
    let (signal, noise) = (alpha.squareRoot(), (1 - alpha).squareRoot())
    switch kind {
    case .epsilon:
      original = try (sample - output * noise) / signal
      epsilon = output
    case .sample:
      original = output
      epsilon = try (sample - output * signal) / noise
    case .velocity:
      original = try sample * signal - output * noise
      epsilon = try output * signal + sample * noise
    case .flow: throw TensorError.invalid("sampler", "prediction_type 'flow_prediction' belongs to flow samplers")
    }
  }
}

extension NoiseSchedule {
  func demandInside(_ timesteps: [Double]) throws {
    guard timesteps.allSatisfy({ $0 >= 0 && Int($0) < steps }) else {
      throw TensorError.invalid("scheduler", "time steps up to \(timesteps.max() ?? 0) are not in 0..<\(steps)")
    }
  }
}
