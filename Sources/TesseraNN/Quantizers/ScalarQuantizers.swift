import Foundation
import TesseraTensor

/// Scalar quantization of every dimension by itself, made after training: the levels are the means of equally likely parts of a normal
/// distribution, so nothing is learned.
///
/// Paper: *Bridging Continuous and Discrete Tokens for Autoregressive Visual Generation* (TokenBridge), 2025 (arXiv 2503.16430).
public final class NormalScalarQuantizer: Quantizer {
  /// The values in -3...3, rising.
  public let levels: [Double]
  /// Numbers beyond ±range are cut.
  public let range: Double
  public let width: Int
  public var codebookSize: Int { levels.count }

  /// - Parameters:
  ///   - bits: 1...16
  ///   - range: what is mapped to three standard deviations
  public init(width: Int, bits: Int = 6, range: Double = 5) throws {
    guard (1...16).contains(bits), range > 0, range.isFinite, width > 0 else {
      throw TensorError.invalid(
        "NormalScalarQuantizer", "\(bits) bits (1...16), a range of \(range), a width of \(width)")
    }
    (self.width, self.range) = (width, range)
    let count = 1 << bits
    let probabilities = try Tensor((0...count).map { 2 * Double($0) / Double(count) - 1 })
    let bounds = try (Op.erfinv(.tensor(probabilities)) * 2.0.squareRoot()).clamped(-3, 3).values(Double.self)
    func density(_ x: Double) -> Double { exp(-x * x / 2) / (2 * Double.pi).squareRoot() }
    func distribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }
    // The mean of a normal distribution cut to a bin: (φ(a) - φ(b)) / (Φ(b) - Φ(a))
    levels = zip(bounds, bounds.dropFirst()).map { a, b in
      (density(a) - density(b)) / max(distribution(b) - distribution(a), 1e-10)
    }
  }

  /// - Returns: one code for every number: `[batch, tokens, width]`
  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "NormalScalarQuantizer")
    let normal = try (z.detached().to(.float64) * (3 / range)).clamped(-3, 3)
    let codes = try (normal.unsqueezed(-1) - Tensor(levels, device: z.device)).abs().argmin()
    let values = try vectors(codes).to(z.dataType)
    return Quantization(codes: codes, vectors: training ? try values.straightThrough(to: z) : values)
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    try demandCodes(codes, below: levels.count)
    let values = try Tensor(levels.map { Float($0 * range / 3) }, device: codes.device)
    return try values.rows(codes.to(.int64).reshaped([-1])).reshaped(codes.shape)
  }
}

/// Quantization of every dimension to the nearest of a few learned values, with two losses that pull from both sides.
///
/// Paper: *Disentanglement via Latent Quantization*, 2023 (arXiv 2305.18378). Parameters: `values_per_latent.I`.
public final class LatentQuantizer: Module, Quantizer {
  public let levels: [Int]
  public let values: [Parameter]
  /// Weight of the loss that moves what is quantized.
  public let commitmentWeight: Double
  /// Weight of the loss that moves the values.
  public let quantizationWeight: Double
  public let codebookSize: Int
  public var width: Int { levels.count }

  public init(levels: [Int], commitmentWeight: Double = 0.1, quantizationWeight: Double = 0.1, _ scope: Scope) throws {
    guard !levels.isEmpty, levels.allSatisfy({ $0 >= 2 }) else {
      throw TensorError.invalid("LatentQuantizer", "levels \(levels): each is at least 2")
    }
    codebookSize = try product(levels, "LatentQuantizer")
    (self.levels, self.commitmentWeight, self.quantizationWeight) = (levels, commitmentWeight, quantizationWeight)
    values = try levels.enumerated().map { index, count in
      let parameter = try (scope / "values_per_latent").parameter(String(index), [count], .zeros)
      if scope.isRandom { try parameter.assign(Tensor(Self.start(count))) }
      return parameter
    }
    super.init(scope)
  }

  /// Values from -0.5 with zero among them.
  private static func start(_ count: Int) -> [Float] {
    (0..<count).map { count % 2 == 1 ? Float($0) / Float(count - 1) - 0.5 : Float($0) / Float(count) - 0.5 }
  }

  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "LatentQuantizer")
    var (places, chosen): ([Tensor], [Tensor]) = ([], [])
    for (index, parameter) in values.enumerated() {
      let column = try z.selected(index, axis: -1)
      let place = try noGrad { try (column.detached().unsqueezed(-1) - parameter.value).abs().argmin() }
      places.append(place)
      chosen.append(try parameter.value.rows(place.reshaped([-1])).reshaped(place.shape))
    }
    let nearest = try Tensor.stacked(chosen, axis: -1)
    let vectors = try nearest.straightThrough(to: z)
    var result = Quantization(codes: try combined(vectors.detached()), vectors: training ? vectors : nearest)
    guard training else { return result }
    // Both distances see the straight-through vectors, as in the reference.
    if commitmentWeight != 0 {
      result.losses.append(
        .init(name: .commitment, value: try (z.detached() - vectors).squared().mean(), weight: commitmentWeight))
    }
    if quantizationWeight != 0 {
      result.losses.append(
        .init(name: .latent, value: try (vectors.detached() - z).squared().mean(), weight: quantizationWeight))
    }
    return result
  }

  /// `Σ (value · 2 ⌊L/2⌋ + ⌊L/2⌋) · Π_{j<i} Lⱼ` of the quantized numbers, rounded down.
  private func combined(_ vectors: Tensor) throws -> Tensor {
    var basis = 1
    var sum: Tensor?
    for (index, count) in levels.enumerated() {
      let half = Double(count / 2)
      let part = try (vectors.selected(index, axis: -1) * 2 * half + half) * Double(basis)
      sum = try sum.map { try $0 + part } ?? part
      basis *= count
    }
    return try (sum ?? vectors).to(.int64)
  }

  /// The vectors of evenly spaced values, as the reference has it: learned values are not asked.
  public func vectors(_ codes: Tensor) throws -> Tensor {
    try demandCodes(codes, below: codebookSize)
    var basis = 1
    let parts = try levels.map { count in
      defer { basis *= count }
      let half = Double(count / 2)
      return try (codes.to(.int64).floorDivided(by: basis).remainder(Double(count)).to(.float32) - half) / half / 2
    }
    return try .stacked(parts, axis: -1)
  }
}

/// Bits drawn from logits, as a one-hot vector over all their combinations with the gradient of the probabilities.
///
/// Paper: *The Free Transformer*, 2025 (arXiv 2510.17558), section 3.4.
public final class BinaryMapper: Quantizer {
  public let bits: Int
  /// Entropy, in nats, that is free: what lies below costs.
  public let threshold: Double
  /// True to take the likelier bit in the place of a draw.
  public var deterministic: Bool
  private var stream: RandomStream
  public var width: Int { bits }
  public var codebookSize: Int { 1 << bits }

  /// - Parameter bits: 1...16
  public init(bits: Int, threshold: Double = log(2.0), deterministic: Bool = false, seed: UInt64 = 0) throws {
    guard (1...16).contains(bits) else { throw TensorError.invalid("BinaryMapper", "\(bits) bits are not in 1...16") }
    (self.bits, self.threshold, self.deterministic) = (bits, threshold, deterministic)
    stream = RandomStream(seed: seed)
  }

  /// - Returns: vectors `[batch, tokens, 2^bits]`, one-hot
  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "BinaryMapper")
    let probabilities = try z.detached().sigmoid()
    let drawn =
      deterministic
      ? try probabilities .> 0.5 : try stream.uniform(z.shape, device: z.device) .< probabilities
    let weights = try Tensor((0..<bits).map { 1 << $0 }, device: z.device)
    let codes = try (drawn.to(.int64) * weights).sum([-1])
    var vectors = try self.vectors(codes)
    guard training else { return Quantization(codes: codes, vectors: vectors) }
    // log σ(x) = -softplus(-x)
    let (one, zero) = (try z.negated().softplus().negated(), try z.softplus().negated())
    let table = try Tensor(
      (0..<codebookSize).flatMap { code in (0..<bits).map { Float(code >> $0 & 1) } }, [codebookSize, bits],
      device: z.device)
    let soft = try (one.matmul(table.transposed()) + zero.matmul((1 - table).transposed())).exp()
    vectors = try vectors.straightThrough(to: soft)
    let p = try z.sigmoid()
    let entropy = try (p * one + (1 - p) * zero).sum([-1]).negated()
    let divergence = try (Double(bits) * log(2.0) - entropy - threshold).relu().mean()
    return Quantization(
      codes: codes, vectors: vectors, losses: [.init(name: .divergence, value: divergence, weight: 1)])
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    try demandCodes(codes, below: codebookSize)
    return try codes.to(.int64).oneHot(codebookSize).to(.float32)
  }
}
