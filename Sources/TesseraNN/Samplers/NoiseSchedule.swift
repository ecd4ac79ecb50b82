import Foundation
import TesseraTensor

/// What a diffusion model predicts.
public enum PredictionType: String, Sendable, Codable, CaseIterable {
  /// The noise.
  case epsilon
  /// The data.
  case sample
  /// `√ᾱ · noise - √(1 - ᾱ) · data` (Salimans, Ho 2022, arXiv 2202.00512).
  case velocity = "v_prediction"
  /// `noise - data`, for flows.
  case flow = "flow_prediction"
}

/// How much noise every step of a diffusion process adds.
///
/// The numbers are those of diffusers, computed in single precision as there, so that schedules agree to the last bit.
public struct NoiseSchedule: Sendable, Equatable {
  /// βₜ
  public let betas: [Float]
  /// ᾱₜ = Π (1 - βₛ), falling.
  public private(set) var cumulativeAlphas: [Float]

  /// Shapes of β over the steps.
  public enum Shape: String, Sendable, Codable, CaseIterable {
    case linear
    case scaledLinear = "scaled_linear"
    /// ᾱ follows a squared cosine (Nichol, Dhariwal 2021, arXiv 2102.09672).
    case cosine = "squaredcos_cap_v2"
    case exponential = "exp"
    case laplace, sigmoid
  }

  /// A schedule by its name.
  /// - Throws: `TensorError.invalid` for sizes out of range
  public init(
    _ shape: Shape = .linear, start: Double = 1e-4, end: Double = 0.02, steps: Int = 1000, zeroTerminalSNR: Bool = false
  )
    throws
  {
    guard (1...1_000_000).contains(steps), start.isFinite, end.isFinite, shape != .scaledLinear || min(start, end) >= 0
    else {
      throw TensorError.invalid("NoiseSchedule", "\(steps) steps from \(start) to \(end)")
    }
    let betas: [Float]
    switch shape {
    case .linear: betas = try Self.line(start, end, steps)
    case .scaledLinear: betas = try Self.line(start.squareRoot(), end.squareRoot(), steps).map { $0 * $0 }
    case .cosine: betas = Self.from(steps) { pow(cos(($0 + 0.008) / 1.008 * .pi / 2), 2) }
    case .exponential: betas = Self.from(steps) { exp($0 * -12) }
    case .laplace:
      betas = Self.from(steps) { t in
        let side = (0.5 - t).sign == .minus ? -1.0 : 1.0
        let ratio = exp(-0.5 * side * log(1 - 2 * abs(0.5 - t) + 1e-6))
        return (ratio / (1 + ratio)).squareRoot()
      }
    case .sigmoid:
      betas = try (Tensor.linspace(-6, 6, count: steps).sigmoid() * (end - start) + start).values(Float.self)
    }
    try self.init(betas: betas, zeroTerminalSNR: zeroTerminalSNR)
  }

  /// A schedule of given βs.
  /// - Parameter zeroTerminalSNR: true to shift it so that the last step is pure noise (arXiv 2305.08891, algorithm 1)
  public init(betas: [Float], zeroTerminalSNR: Bool = false) throws {
    guard !betas.isEmpty, betas.allSatisfy({ $0.isFinite && $0 <= 1 }) else {
      throw TensorError.invalid("NoiseSchedule", "betas are finite numbers of at most 1")
    }
    let final = zeroTerminalSNR ? try Self.rescaled(betas) : betas
    self.betas = final
    cumulativeAlphas = try Self.cumulative(final)
  }

  /// The last ᾱ, where it is zero, raised to a number whose noise level is finite.
  mutating func keepLastAlphaPositive() { cumulativeAlphas[cumulativeAlphas.count - 1] = Float(pow(2.0, -24)) }

  public var steps: Int { betas.count }

  /// √((1 - ᾱ) / ᾱ)
  public var sigmas: [Float] { cumulativeAlphas.map { (((1 - $0) / $0)).squareRoot() } }

  private static func line(_ start: Double, _ end: Double, _ steps: Int) throws -> [Float] {
    try Tensor.linspace(start, end, count: steps).values(Float.self)
  }

  /// βs of a falling function ᾱ over 0...1, at most 0.999.
  private static func from(_ steps: Int, _ alpha: (Double) -> Double) -> [Float] {
    (0..<steps).map { Float(min(1 - alpha(Double($0 + 1) / Double(steps)) / alpha(Double($0) / Double(steps)), 0.999)) }
  }

  private static func cumulative(_ betas: [Float]) throws -> [Float] {
    try Operator("aten::cumprod")(.tensor(Tensor(betas.map { 1 - $0 })), .int(0)).values(Float.self)
  }

  private static func rescaled(_ betas: [Float]) throws -> [Float] {
    var roots = try cumulative(betas).map { $0.squareRoot() }
    let (first, last) = (roots[0], roots[roots.count - 1])
    guard first != last else { throw TensorError.invalid("NoiseSchedule", "one step cannot be rescaled") }
    roots = roots.map { ($0 - last) * (first / (first - last)) }
    let bars = roots.map { $0 * $0 }
    return bars.indices.map { 1 - ($0 == 0 ? bars[0] : bars[$0] / bars[$0 - 1]) }
  }

  // MARK: Forward process

  /// `√ᾱₜ · data + √(1 - ᾱₜ) · noise`
  /// - Parameter timesteps: int64 `[batch]`
  public func noised(_ data: Tensor, _ noise: Tensor, at timesteps: Tensor) throws -> Tensor {
    let (signal, rest) = try coefficients(at: timesteps, like: data)
    return try signal * data + rest * noise
  }

  /// The velocity `√ᾱₜ · noise - √(1 - ᾱₜ) · data`.
  public func velocity(_ data: Tensor, _ noise: Tensor, at timesteps: Tensor) throws -> Tensor {
    let (signal, rest) = try coefficients(at: timesteps, like: data)
    return try signal * noise - rest * data
  }

  private func coefficients(at timesteps: Tensor, like data: Tensor) throws -> (Tensor, Tensor) {
    (
      try table(cumulativeAlphas.map { Double($0).squareRoot() }, at: timesteps, like: data),
      try table(cumulativeAlphas.map { Double(1 - $0).squareRoot() }, at: timesteps, like: data)
    )
  }

  /// One number of a table for each row of a batch, with axes to multiply it in.
  func table(_ values: [Double], at timesteps: Tensor, like data: Tensor) throws -> Tensor {
    guard timesteps.rank == 1, data.rank > 0, timesteps.size(0) == data.size(0) || timesteps.size(0) == 1 else {
      throw TensorError.invalid("NoiseSchedule", "time steps \(timesteps.summary) for \(data.summary)")
    }
    let rows = try timesteps.to(.int64).values(Int.self)
    guard rows.allSatisfy({ values.indices.contains($0) }) else {
      throw TensorError.invalid("NoiseSchedule", "time steps \(rows) are not in 0..<\(values.count)")
    }
    let picked = try Tensor(rows.map { values[$0] }, device: data.device).to(data.dataType)
    return try picked.reshaped([rows.count] + Array(repeating: 1, count: data.rank - 1))
  }
}

/// How the steps of sampling are spread over those of training (arXiv 2305.08891, table 2).
public enum TimestepSpacing: String, Sendable, Codable, CaseIterable { case leading, trailing, linspace }

/// Samplers' evenly spaced steps.
enum TimestepGrid {
  /// NumPy's linspace.
  static func line(_ start: Double, _ end: Double, _ count: Int) -> [Double] {
    guard count > 1 else { return count == 1 ? [start] : [] }
    let step = (end - start) / Double(count - 1)
    return (0..<count).map { $0 == count - 1 ? end : start + Double($0) * step }
  }

  /// Descending time steps of a discrete process, as DDPM, DDIM, Euler and Heun take them; whole numbers if `rounding`.
  static func descending(_ spacing: TimestepSpacing, _ count: Int, of training: Int, offset: Int, rounding: Bool = true)
    -> [Double]
  {
    switch spacing {
    case .linspace:
      let grid = line(0, Double(training - 1), count).reversed()
      return rounding ? grid.map { $0.rounded(.toNearestOrEven) } : Array(grid)
    case .leading:
      let ratio = training / count
      return (0..<count).reversed().map { Double($0 * ratio + offset) }
    case .trailing: return trailing(from: training, count, of: training)
    }
  }

  /// NumPy's arange(last, 0, -training / count), rounded, minus one.
  static func trailing(from last: Int, _ count: Int, of training: Int) -> [Double] {
    let ratio = Double(training) / Double(count)
    let length = Int((Double(last) / ratio).rounded(.up))
    return (0..<length).map { (Double(last) - Double($0) * ratio).rounded(.toNearestOrEven) - 1 }
  }
}
