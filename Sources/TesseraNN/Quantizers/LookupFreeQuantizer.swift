import TesseraTensor

/// Lookup-free quantization: every dimension becomes its sign, and a code is all the signs as bits.
///
/// Papers: *Language Model Beats Diffusion*, 2023 (arXiv 2310.05737), section 3.1; the spherical variant is *Image and Video Tokenization
/// with Binary Spherical Quantization*, 2024 (arXiv 2406.07548). An entropy loss makes single decisions certain and all codes used. With a
/// mask, both entropies are those of the tokens that count (vector-quantize-pytorch lets them cancel then).
///
///     let lfq = try LookupFreeQuantizer(.init(bits: 10), scope)
///     let bsq = try LookupFreeQuantizer(.spherical(bits: 18), scope)
public final class LookupFreeQuantizer: Module, Quantizer {
  public struct Configuration: Sendable {
    /// Dimensions, and so bits, of a code: 1...62.
    public var bits: Int
    /// The length of the vectors; nil means one number for each bit. Other lengths are reached by linear maps.
    public var width: Int?
    public var codebooks = 1
    /// Codes are ±scale.
    public var scale = 1.0
    /// True: vectors and codes lie on the unit sphere.
    public var spherical = false
    /// True: the first dimension is the lowest bit, as in WeTok; false: the highest, as in vector-quantize-pytorch.
    public var firstIsLowest = false
    public var entropyWeight = 0.1
    /// How much the entropy of all tokens together counts against the mean entropy of each.
    public var diversityGamma = 1.0
    public var commitmentWeight = 0.0
    /// The distances are multiplied by this in the softmax of the entropy loss.
    public var inverseTemperature = 100.0
    /// Codes of more bits than this take the entropies bit by bit: exact for single tokens, an upper bound for all together.
    public var exactEntropyBits = 14
    /// Numbers are squeezed softly into ±softClamp first.
    public var softClamp: Double?
    /// True: the map in is by cosines (scaled by `scale`).
    public var cosineProjection = false
    public var projectionBias = true
    /// The entropy loss is made positive by softplus(loss + offset).
    public var softplusOffset: Double?
    public var rotates = false
    public var seed: UInt64 = 0

    public init(bits: Int, width: Int? = nil) { (self.bits, self.width) = (bits, width) }

    /// Binary spherical quantization.
    public static func spherical(bits: Int, width: Int? = nil) -> Configuration {
      var configuration = Configuration(bits: bits, width: width)
      configuration.spherical = true
      return configuration
    }
  }

  public let configuration: Configuration
  public let width: Int
  public var codebookSize: Int { 1 << configuration.bits }
  private let projectIn: Linear?
  private let cosineIn: Parameter?
  private let projectOut: Linear?
  private let rotation: Parameter?

  public init(_ configuration: Configuration, _ scope: Scope) throws {
    self.configuration = configuration
    guard (1...62).contains(configuration.bits) else {
      throw TensorError.invalid("LookupFreeQuantizer", "\(configuration.bits) bits are not in 1...62")
    }
    let inner = try product([configuration.bits, configuration.codebooks], "LookupFreeQuantizer")
    width = configuration.width ?? inner
    guard width > 0 else { throw TensorError.invalid("LookupFreeQuantizer", "a width of \(width)") }
    let (maps, bias) = (inner != width, configuration.projectionBias)
    projectIn =
      maps && !configuration.cosineProjection ? try Linear(width, inner, bias: bias, scope / "project_in") : nil
    cosineIn =
      maps && configuration.cosineProjection
      ? try (scope / "project_in").parameter("weight", [width, inner], .normal(1)) : nil
    projectOut = maps ? try Linear(inner, width, bias: bias, scope / "project_out") : nil
    rotation =
      configuration.rotates
      ? try orthogonal(configuration.bits, "orthogonal_rot", seed: configuration.seed, scope) : nil
    super.init(scope)
  }

  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "LookupFreeQuantizer")
    let lead = Array(z.shape.dropLast())
    var x = try projected(z).to(.float32)
    if let clamp = configuration.softClamp { x = try (x / clamp).tanh() * clamp }
    x = try x.reshaped(lead + [configuration.codebooks, configuration.bits])
    if let rotation { x = try x.matmul(rotation.value) }
    x = try onSphere(x)
    let positive = try (x.detached() .> 0)
    let signs = try onSphere(positive.to(.float32) * (2 * configuration.scale) - configuration.scale)
    var codes = try (positive.to(.int64) * Tensor(weights, device: z.device)).sum([-1])
    let losses = training ? try lossTerms(x, signs, mask) : []
    var vectors = training ? try signs.straightThrough(to: x) : signs
    if let rotation { vectors = try vectors.matmul(rotation.value.transposed()) }
    vectors = try vectors.reshaped(lead + [configuration.codebooks * configuration.bits]).to(z.dataType)
    vectors = try projectOut?(vectors) ?? vectors
    if configuration.codebooks == 1 { codes = try codes.squeezed(-1) }
    return Quantization(codes: codes, vectors: vectors, losses: losses)
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    try demandCodes(codes, below: codebookSize)
    var ids = try codes.to(.int64)
    if configuration.codebooks == 1 { ids = try ids.unsqueezed(-1) }
    guard ids.rank > 0, ids.size(-1) == configuration.codebooks else {
      throw TensorError.invalid("vectors", "\(codes.summary) does not end in \(configuration.codebooks) codebooks")
    }
    var vectors = try signs(of: ids)
    if let rotation { vectors = try vectors.matmul(rotation.value.transposed()) }
    vectors = try vectors.reshaped(Array(ids.shape.dropLast()) + [configuration.codebooks * configuration.bits])
    return try projectOut?(vectors) ?? vectors
  }

  /// What each bit counts.
  private var weights: [Int] {
    let rising = (0..<configuration.bits).map { 1 << $0 }
    return configuration.firstIsLowest ? rising : rising.reversed()
  }

  private func signs(of ids: Tensor) throws -> Tensor {
    let bits = try Tensor.stacked(weights.map { try (ids.floorDivided(by: $0).remainder(2)).to(.float32) }, axis: -1)
    return try onSphere(bits * (2 * configuration.scale) - configuration.scale)
  }

  private func projected(_ z: Tensor) throws -> Tensor {
    if let cosineIn { return try z.normalized().matmul(cosineIn.value.normalized(0)) * configuration.scale }
    return try projectIn?(z) ?? z
  }

  private func onSphere(_ x: Tensor) throws -> Tensor {
    configuration.spherical ? try x.normalized() * configuration.scale : x
  }

  // MARK: Losses

  private func lossTerms(_ x: Tensor, _ signs: Tensor, _ mask: Tensor?) throws -> [Quantization.LossTerm] {
    var terms: [Quantization.LossTerm] = []
    let bits = configuration.bits
    func kept(_ tensor: Tensor) throws -> Tensor {
      let rows = try tensor.reshaped([-1, configuration.codebooks, bits])
      return try mask.map { try rows.rows($0.reshaped([-1]).nonzero().reshaped([-1])) } ?? rows
    }
    let entropy = try entropies(kept(x))
    var loss = try entropy.sample - entropy.batch * configuration.diversityGamma
    if let offset = configuration.softplusOffset { loss = try (loss + offset).softplus() }
    terms.append(.init(name: .entropy, value: loss, weight: configuration.entropyWeight))
    if configuration.commitmentWeight > 0 {
      let value = try (kept(x) - kept(signs)).squared().mean()
      terms.append(.init(name: .commitment, value: value, weight: configuration.commitmentWeight))
    }
    return terms
  }

  /// The mean entropy of a token's code and the entropy of the codes of all tokens, under a softmax of the distances.
  private func entropies(_ x: Tensor) throws -> (sample: Tensor, batch: Tensor) {
    guard configuration.bits <= configuration.exactEntropyBits else {
      let size =
        configuration.spherical ? configuration.scale / Double(configuration.bits).squareRoot() : configuration.scale
      let result = try EntropyLoss.bitwise(x, scale: size, temperature: 1 / configuration.inverseTemperature)
      return (result.sample, result.batch)
    }
    let codebook = try signs(of: .range(0..<codebookSize, device: x.device))
    let probabilities = try (x.matmul(codebook.transposed()) * (2 * configuration.inverseTemperature)).softmax()
    let sample = try entropy(probabilities).mean()
    return (sample, try entropy(probabilities.mean([0])).mean())
  }

  private func entropy(_ p: Tensor) throws -> Tensor { try (p * p.clamped(1e-5).log()).sum([-1]).negated() }
}
