import Foundation
import TesseraTensor

/// Finite scalar quantization: every dimension is squeezed into a range and rounded to one of a few levels; a code is all of them
/// together. There is no codebook to learn and no loss.
///
/// Paper: *Finite Scalar Quantization: VQ-VAE Made Simple*, 2023 (arXiv 2309.15505), appendix A.1. The symmetric variant is that of
/// arXiv 2411.19842, section 3.2.
///
///     let quantizer = try FiniteScalarQuantizer(.init(levels: [8, 8, 8, 5, 5, 5]), scope)    // 64,000 codes
public final class FiniteScalarQuantizer: Module, Quantizer {
  public struct Configuration: Sendable {
    /// How many values each dimension has; at least 2 (3 without symmetry).
    public var levels: [Int]
    /// The length of the vectors; nil means one number for each level. Other lengths are reached by linear maps.
    public var width: Int?
    /// Parts of a vector that have codes of their own.
    public var codebooks = 1
    /// True: levels lie symmetrically in [-1, 1], also an even number of them.
    public var preservesSymmetry = false
    /// True: numbers are cut at ±1 instead of squeezed by tanh.
    public var clampsHard = false
    public var projectionBias = true
    /// Share of numbers that get uniform noise in training; symmetric levels only.
    public var noiseDropout = 0.0
    /// True: vectors are turned by a fixed rotation `orthogonal_rot` first, and back afterwards.
    public var rotates = false
    public var seed: UInt64 = 0

    public init(levels: [Int], width: Int? = nil) { (self.levels, self.width) = (levels, width) }
  }

  public let configuration: Configuration
  public let codebookSize: Int
  public let width: Int
  private let projectIn: Linear?
  private let projectOut: Linear?
  private let rotation: Parameter?
  private var stream: RandomStream

  public init(_ configuration: Configuration, _ scope: Scope) throws {
    self.configuration = configuration
    let levels = configuration.levels
    guard !levels.isEmpty, levels.count <= 64, levels.allSatisfy({ $0 >= (configuration.preservesSymmetry ? 2 : 3) })
    else {
      let smallest = configuration.preservesSymmetry ? "2" : "3 (2 with symmetric levels)"
      throw TensorError.invalid("FiniteScalarQuantizer", "levels \(levels): each is at least \(smallest)")
    }
    guard configuration.noiseDropout == 0 || configuration.preservesSymmetry else {
      throw TensorError.invalid("FiniteScalarQuantizer", "noise needs symmetric levels")
    }
    codebookSize = try product(levels, "FiniteScalarQuantizer")
    let inner = try product([levels.count, configuration.codebooks], "FiniteScalarQuantizer")
    width = configuration.width ?? inner
    guard width > 0 else { throw TensorError.invalid("FiniteScalarQuantizer", "a width of \(width)") }
    let bias = configuration.projectionBias
    projectIn = inner != width ? try Linear(width, inner, bias: bias, scope / "project_in") : nil
    projectOut = inner != width ? try Linear(inner, width, bias: bias, scope / "project_out") : nil
    rotation =
      configuration.rotates ? try orthogonal(levels.count, "orthogonal_rot", seed: configuration.seed, scope) : nil
    stream = RandomStream(seed: configuration.seed)
    super.init(scope)
  }

  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "FiniteScalarQuantizer")
    let lead = Array(z.shape.dropLast())
    let dimensions = configuration.levels.count
    var x = try (projectIn?(z) ?? z).to(z.dataType == .float64 ? .float64 : .float32)
    x = try x.reshaped(lead + [configuration.codebooks, dimensions])
    if let rotation { x = try x.matmul(rotation.value) }
    var (vectors, places) = try leveled(x)
    var codes = try combined(places)
    if training, configuration.noiseDropout > 0 { vectors = try noisy(vectors) }
    if let rotation { vectors = try vectors.matmul(rotation.value.transposed()) }
    vectors = try vectors.reshaped(lead + [configuration.codebooks * dimensions]).to(z.dataType)
    vectors = try projectOut?(vectors) ?? vectors
    if configuration.codebooks == 1 { codes = try codes.squeezed(-1) }
    if let mask {
      vectors = try vectors.filled(0, where: mask.not().unsqueezed(-1))
      codes = try codes.filled(-1, where: configuration.codebooks == 1 ? mask.not() : mask.not().unsqueezed(-1))
    }
    return Quantization(codes: codes, vectors: vectors)
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    try demandCodes(codes, below: codebookSize)
    var ids = try codes.to(.int64)
    if configuration.codebooks == 1 { ids = try ids.unsqueezed(-1) }
    guard ids.rank > 0, ids.size(-1) == configuration.codebooks else {
      throw TensorError.invalid("vectors", "\(codes.summary) does not end in \(configuration.codebooks) codebooks")
    }
    var basis = 1
    let parts = try configuration.levels.map { levels in
      defer { basis *= levels }
      let place = try ids.floorDivided(by: basis).remainder(Double(levels)).to(.float32)
      return configuration.preservesSymmetry
        ? try place * (2 / Double(levels - 1)) - 1 : try (place - Double(levels / 2)) / Double(levels / 2)
    }
    var vectors = try Tensor.stacked(parts, axis: -1)
    if let rotation { vectors = try vectors.matmul(rotation.value.transposed()) }
    vectors = try vectors.reshaped(Array(ids.shape.dropLast()) + [configuration.codebooks * parts.count])
    return try projectOut?(vectors) ?? vectors
  }

  /// Numbers rounded to levels, and which level each took.
  private func leveled(_ z: Tensor) throws -> (vectors: Tensor, places: Tensor) {
    let levels = configuration.levels.map(Double.init)
    func row(_ value: (Double) -> Double) throws -> Tensor {
      try Tensor(levels.map(value), device: z.device).to(z.dataType)
    }
    func squeezed(_ x: Tensor) throws -> Tensor { configuration.clampsHard ? try x.clamped(-1, 1) : try x.tanh() }
    if configuration.preservesSymmetry {
      // QL(x) = 2/(L-1) · ⌊(L-1)(squeezed + 1)/2 + ½⌋ - 1
      let bracket = try flooredStraightThrough(row { $0 - 1 } * (squeezed(z) + 1) * 0.5 + 0.5)
      return (try row { 2 / ($0 - 1) } * bracket - 1, try bracket.detached())
    }
    // bound(z) = squeezed(z + s) · h - o with h = (L-1)(1+ε)/2, o = ½ for even L, s such that bound(0) = 0
    let half = levels.map { ($0 - 1) * (1 + 1e-3) / 2 }
    let offset = levels.map { $0.truncatingRemainder(dividingBy: 2) == 0 ? 0.5 : 0.0 }
    let shift = zip(half, offset).map { configuration.clampsHard ? $1 / $0 : atanh($1 / $0) }
    func tensor(_ values: [Double]) throws -> Tensor { try Tensor(values, device: z.device).to(z.dataType) }
    let bounded = try squeezed(z + tensor(shift)) * tensor(half) - tensor(offset)
    let rounded = try roundedStraightThrough(bounded)
    let middle = try row { ($0 / 2).rounded(.down) }
    return (try rounded / middle, try rounded.detached() + middle)
  }

  /// `Σ placeᵢ · Π_{j<i} Lⱼ`, in whole numbers.
  private func combined(_ places: Tensor) throws -> Tensor {
    var basis: [Int] = []
    var factor = 1
    for levels in configuration.levels {
      basis.append(factor)
      factor *= levels
    }
    return try (places.rounded().to(.int64) * Tensor(basis, device: places.device)).sum([-1])
  }

  private func noisy(_ vectors: Tensor) throws -> Tensor {
    let chosen = try stream.bernoulli(vectors.shape, configuration.noiseDropout, device: vectors.device)
    let offset = try stream.uniform(vectors.shape, -0.5, 0.5, vectors.dataType, device: vectors.device)
    return try (vectors + offset).where(chosen, else: vectors).clamped(-1, 1)
  }
}

/// A fixed random rotation: a buffer that a checkpoint may have.
func orthogonal(_ size: Int, _ name: String, seed: UInt64, _ scope: Scope) throws -> Parameter {
  let parameter = try scope.parameter(name, [size, size], .normal(1), trained: false)
  if scope.isRandom {
    // The orthogonal factor with the signs of a positive diagonal is uniformly distributed (Mezzadri 2007).
    let factors = try Op.qr.all(.tensor(parameter.value), .string("reduced"))
    let signs = try Op.diagonal(.tensor(factors[1]), .int(0), .int(-2), .int(-1)).sign()
    try parameter.assign(factors[0] * signs)
  }
  return parameter
}
