import Foundation
import TesseraTensor

/// The training objective of a rectified flow: `mean (prediction - (noise - data))²` at `x = (1 - s) data + s noise`.
///
/// Paper: *Flow Straight and Fast*, 2022 (arXiv 2209.03003).
public enum RectifiedFlow {
  /// The sample at times `[batch]`; 0 is data, 1 is noise.
  public static func noised(_ data: Tensor, _ noise: Tensor, at times: Tensor) throws -> Tensor {
    guard times.rank == 1, data.rank > 0, times.size(0) == data.size(0) else {
      throw TensorError.invalid("RectifiedFlow", "times \(times.summary) for \(data.summary)")
    }
    let s = try times.to(data.dataType).reshaped([times.size(0)] + Array(repeating: 1, count: data.rank - 1))
    return try (1 - s) * data + s * noise
  }

  /// What a model should say: `noise - data`.
  public static func target(_ data: Tensor, _ noise: Tensor) throws -> Tensor { try noise - data }

  public static func loss(_ prediction: Tensor, _ data: Tensor, _ noise: Tensor) throws -> Tensor {
    try ReconstructionLoss.l2(prediction, target(data, noise))
  }
}

/// The training objective of denoising diffusion, with the bound that teaches a learned variance.
///
/// Papers: arXiv 2006.11239, equation 14; *Improved Denoising Diffusion Probabilistic Models*, 2021 (arXiv 2102.09672), section 3.1.
public struct DenoisingObjective: Sendable {
  public let schedule: NoiseSchedule
  public var prediction: PredictionType
  private let table: PosteriorTable

  public init(_ schedule: NoiseSchedule, prediction: PredictionType = .epsilon) {
    (self.schedule, self.prediction, table) = (schedule, prediction, PosteriorTable(schedule.betas))
  }

  /// The terms for every row of a batch.
  public struct Terms {
    /// Mean squared error of the prediction, `[batch]`.
    public let squaredError: Tensor
    /// Bound in bits per dimension, `[batch]`; nil where the variance is fixed.
    public let variationalBound: Tensor?
    /// Their sum, averaged over the batch.
    public func loss() throws -> Tensor { try (variationalBound.map { try squaredError + $0 } ?? squaredError).mean() }
  }

  /// The sample with noise, in the coefficients' double precision.
  public func noised(_ data: Tensor, _ noise: Tensor, at timesteps: Tensor) throws -> Tensor {
    try schedule.table(table.signal, at: timesteps, like: data) * data + schedule.table(
      table.noise, at: timesteps, like: data) * noise
  }

  /// - Parameters:
  ///   - output: `[batch, channels, ...]`, or twice the channels with a learned range of variances
  ///   - data: in -1...1
  ///   - timesteps: int64 `[batch]`
  public func callAsFunction(_ output: Tensor, _ data: Tensor, _ noise: Tensor, at timesteps: Tensor) throws -> Terms {
    guard data.rank >= 2, noise.shape == data.shape else {
      throw TensorError.invalid("DenoisingObjective", "noise \(noise.summary) for \(data.summary)")
    }
    func at(_ values: [Double]) throws -> Tensor { try schedule.table(values, at: timesteps, like: data) }
    func perRow(_ x: Tensor) throws -> Tensor { try x.flattened(1).mean([1]) }
    let learns = output.rank == data.rank && output.size(1) == 2 * data.size(1)
    let parts = learns ? try output.chunked(2, axis: 1) : [output]
    guard parts[0].shape == data.shape else {
      throw TensorError.invalid("DenoisingObjective", "the model said \(output.summary) to \(data.summary)")
    }
    let target =
      switch prediction {
      case .epsilon: noise
      case .sample: data
      case .velocity: try at(table.signal) * noise - at(table.noise) * data
      case .flow: throw TensorError.invalid("DenoisingObjective", "flows have an objective of their own")
      }
    let error = try perRow((parts[0] - target).squared())
    guard learns else { return Terms(squaredError: error, variationalBound: nil) }
    let x = try noised(data, noise, at: timesteps)
    let said = try parts[0].detached()
    // The bound teaches the variance alone.
    let original: Tensor =
      switch prediction {
      case .epsilon: try (x - at(table.noise) * said) / at(table.signal)
      case .sample: said
      default: try at(table.signal) * x - at(table.noise) * said
      }
    let share = try (parts[1] + 1) * 0.5
    let logVariance = try share * at(table.logBeta) + (1 - share) * at(table.logPosterior)
    let mean = try at(table.dataWeight) * original + at(table.sampleWeight) * x
    let trueMean = try at(table.dataWeight) * data + at(table.sampleWeight) * x
    let trueLog = try at(table.logPosterior)
    let squared = try (trueMean - mean).squared() * logVariance.negated().exp()
    let divergence = try (logVariance - trueLog - 1 + (trueLog - logVariance).exp() + squared) * 0.5
    let likelihood = try discretizedLogLikelihood(data, mean: mean, logDeviation: logVariance * 0.5)
    let first = try timesteps.to(.int64) .== 0
    let bound = try perRow(likelihood).negated().where(first, else: perRow(divergence)) / log(2.0)
    return Terms(squaredError: error, variationalBound: bound)
  }

  /// The logarithm of the probability that a normal distribution gives to the 8-bit bin of a number in -1...1.
  private func discretizedLogLikelihood(_ x: Tensor, mean: Tensor, logDeviation: Tensor) throws -> Tensor {
    // An approximation of the normal distribution function, as in the reference (Page 1977).
    func distribution(_ y: Tensor) throws -> Tensor {
      try ((y + y.pow(3) * 0.044715) * (2 / Double.pi).squareRoot()).tanh() * 0.5 + 0.5
    }
    let scale = try logDeviation.negated().exp()
    let upper = try distribution(scale * (x - mean + 1.0 / 255))
    let lower = try distribution(scale * (x - mean - 1.0 / 255))
    func logarithm(_ p: Tensor) throws -> Tensor { try p.clamped(1e-12).log() }
    let inner = try logarithm(1 - lower).where(x .> 0.999, else: logarithm(upper - lower))
    return try logarithm(upper).where(x .< -0.999, else: inner)
  }
}

/// Numbers of the posterior q(xₜ₋₁ | xₜ, x₀), in double precision.
struct PosteriorTable: Sendable {
  let signal, noise, logBeta, logPosterior, dataWeight, sampleWeight: [Double]
  let cumulative: [Double]

  init(_ given: [Float]) {
    let betas = given.map(Double.init)
    var bars: [Double] = []
    for beta in betas { bars.append((bars.last ?? 1) * (1 - beta)) }
    let before = [1] + bars.dropLast()
    cumulative = bars
    signal = bars.map { $0.squareRoot() }
    noise = bars.map { (1 - $0).squareRoot() }
    logBeta = betas.map { log(max($0, 1e-20)) }
    let posterior = betas.indices.map { betas[$0] * (1 - before[$0]) / (1 - bars[$0]) }
    // The first is zero: its logarithm is that of the second.
    logPosterior = posterior.indices.map { log(max(posterior[$0 == 0 && posterior.count > 1 ? 1 : $0], 1e-20)) }
    dataWeight = betas.indices.map { betas[$0] * before[$0].squareRoot() / (1 - bars[$0]) }
    sampleWeight = betas.indices.map { (1 - before[$0]) * (1 - betas[$0]).squareRoot() / (1 - bars[$0]) }
  }
}

/// A process with fewer steps, each as noisy as those it stands for together.
///
/// Source: *Improved Denoising Diffusion Probabilistic Models* (arXiv 2102.09672), section 4. The model still sees the numbers of the
/// steps that are kept.
public struct Respacing: Sendable, Equatable {
  /// The kept steps, rising.
  public let timesteps: [Int]
  /// βs between them.
  public let betas: [Double]

  /// Steps at strides of `(steps - 1) / (count - 1)`, rounded.
  public static func strided(_ betas: [Double], count: Int) throws -> Respacing {
    guard count >= 1, count <= betas.count else {
      throw TensorError.invalid("Respacing", "\(count) of \(betas.count) steps")
    }
    let stride = count > 1 ? Double(betas.count - 1) / Double(count - 1) : 1
    return Respacing(betas, keeping: (0..<count).map { Int((Double($0) * stride).rounded(.toNearestOrEven)) })
  }

  /// The whole-numbered stride that gives exactly `count` steps.
  /// - Throws: `TensorError.invalid` if there is none
  public static func ddim(_ betas: [Double], count: Int) throws -> Respacing {
    for stride in 1..<max(betas.count, 2) where count > 0 && (betas.count + stride - 1) / stride == count {
      return Respacing(betas, keeping: Array(Swift.stride(from: 0, to: betas.count, by: stride)))
    }
    throw TensorError.invalid("Respacing", "no stride over \(betas.count) steps gives exactly \(count)")
  }

  init(_ betas: [Double], keeping kept: [Int]) {
    var (bars, last, new): ([Double], Double, [Double]) = ([], 1, [])
    for beta in betas { bars.append((bars.last ?? 1) * (1 - beta)) }
    for step in kept {
      new.append(1 - bars[step] / last)
      last = bars[step]
    }
    (timesteps, self.betas) = (kept, new)
  }
}
