import TesseraTensor

/// Vector quantization: every vector becomes the nearest one of a codebook.
///
/// Paper: *Neural Discrete Representation Learning*, 2017 (arXiv 1711.00937). Options: cosine distance (Yu et al. 2021, arXiv
/// 2110.04627), heads (product quantization), moving averages, k-means start, revival of dead codes, the rotation trick.
///
///     var configuration = VectorQuantizer.Configuration(width: 64, codebookSize: 1024)
///     configuration.update = .movingAverage(decay: 0.99, epsilon: 1e-5)
///     let quantizer = try VectorQuantizer(configuration, scope / "quantize")
///
/// - Complexity: O(vectors · codebookSize · width) multiply-adds.
public final class VectorQuantizer: Module, Quantizer {
  public struct Configuration: Sendable {
    /// The length of the vectors going in.
    public var width: Int
    public var codebookSize: Int
    /// The length of code vectors; nil means `width / heads`. Other lengths are reached by linear maps.
    public var codebookWidth: Int?
    /// Parts of a vector that are quantized by themselves.
    public var heads = 1
    /// True if every head has a codebook of its own.
    public var separateCodebooks = false
    public var metric = Codebook.Metric.euclidean
    public var update = Codebook.Update.movingAverage(decay: 0.99, epsilon: 1e-5)
    public var revival = Codebook.Revival.none
    /// Iterations of the k-means that chooses the first code vectors; nil draws them.
    public var kMeansIterations: Int?
    public var estimator = GradientEstimator.rotation
    /// Weight of the loss that holds vectors near their codes.
    public var commitmentWeight = 1.0
    /// Weight of the loss that moves codes to their vectors; with nil the commitment loss does both, as in vector-quantize-pytorch.
    public var codebookWeight: Double?
    /// True if the commitment loss is the cross-entropy of the distances.
    public var commitmentByCrossEntropy = false
    public var orthogonalityWeight = 0.0
    /// True if only the codes of this batch are kept orthogonal.
    public var orthogonalityOfActiveCodes = false
    public var diversityWeight = 0.0
    public var diversityTemperature = 100.0
    /// True to give zeros where a mask is false; false to give what came in.
    public var zerosWhereMasked = true
    public var seed: UInt64 = 0

    public init(width: Int, codebookSize: Int) { (self.width, self.codebookSize) = (width, codebookSize) }
  }

  public let configuration: Configuration
  public let codebook: Codebook
  private let projectIn: Linear?
  private let projectOut: Linear?

  public var width: Int { configuration.width }
  public var codebookSize: Int { configuration.codebookSize }
  private var heads: Int { configuration.heads }

  /// - Parameter codebook: a codebook that several quantizers share; nil makes one
  /// - Throws: `TensorError.invalid` for sizes that do not fit
  public init(_ configuration: Configuration, codebook: Codebook? = nil, _ scope: Scope) throws {
    self.configuration = configuration
    let (width, heads) = (configuration.width, configuration.heads)
    guard width > 0, heads > 0, configuration.codebookWidth ?? 1 > 0,
      width % heads == 0 || configuration.codebookWidth != nil
    else {
      throw TensorError.invalid("VectorQuantizer", "\(heads) heads of a width of \(width)")
    }
    let part = configuration.codebookWidth ?? width / heads
    let inner = try product([part, heads], "VectorQuantizer")
    self.codebook =
      try codebook
      ?? Codebook(
        books: configuration.separateCodebooks ? heads : 1, size: configuration.codebookSize, width: part,
        metric: configuration.metric, update: configuration.update, revival: configuration.revival,
        kMeansIterations: configuration.kMeansIterations, choice: .random(RandomStream(seed: configuration.seed)),
        scope / "_codebook")
    projectIn = inner != width ? try Linear(width, inner, scope / "project_in") : nil
    projectOut = inner != width ? try Linear(inner, width, scope / "project_out") : nil
    super.init(scope)
  }

  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "VectorQuantizer")
    guard z.rank == 3 else {
      throw TensorError.invalid("VectorQuantizer", "\(z.summary) is not [batch, tokens, width]")
    }
    if let mask, mask.shape != Array(z.shape.dropLast()) || mask.dataType != .bool {
      throw TensorError.invalid("VectorQuantizer", "the mask \(mask.summary) does not fit \(z.summary)")
    }
    var x = try parts(projectIn?(z.to(.float32)) ?? z.to(.float32))
    if configuration.metric == .cosine { x = try x.normalized(epsilon: 1e-6) }
    let partMask = try mask.map { try parts(mask: $0, like: x) }
    if training {
      try codebook.initializeIfNeeded(x, mask: partMask)
      try codebook.reviveAfterStep()
    }
    guard training else {
      let codes = try codebook.nearest(x)
      return try finished(codebook.vectors(codes), codes, z, mask)
    }
    let similarities = needsScores ? try codebook.scores(codebook.similarities(x)) : nil
    let codes = try similarities.map { try $0.detached().argmax() } ?? codebook.nearest(x)
    let chosen = try codebook.vectors(codes)
    let losses = try lossTerms(x, chosen, codes, similarities, z: z, mask: mask, partMask: partMask)
    let quantized = z.requiresGradient ? try configuration.estimator(x, chosen) : chosen
    var result = try finished(quantized, codes, z, mask)
    result.losses = losses
    try codebook.learn(x, codes, mask: partMask)
    return result
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    try demandCodes(codes, below: codebookSize)
    if heads > 1, codes.rank < 2 || codes.size(-1) != heads {
      throw TensorError.invalid("vectors", "\(codes.summary) does not end in \(heads) heads")
    }
    var shape = codes.shape
    var flat = try codes.to(.int64).reshaped([1, -1])
    if heads > 1 {
      shape.removeLast()
      flat = try codes.to(.int64).reshaped([-1, heads])
      flat = configuration.separateCodebooks ? try flat.transposed() : try flat.reshaped([1, -1])
    }
    var vectors = try codebook.vectors(flat)  // [books, places, part]
    if codebook.books > 1 { vectors = try vectors.permuted([1, 0, 2]) }
    vectors = try vectors.reshaped(shape + [heads * codebook.width])
    return try projectOut?(vectors) ?? vectors
  }

  // MARK: Heads

  /// `[batch, tokens, heads · part]` as `[books, vectors, part]`.
  private func parts(_ x: Tensor) throws -> Tensor {
    if heads == 1 { return try x.reshaped([1, -1, codebook.width]) }
    return configuration.separateCodebooks
      ? try x.rearranged("b n (h d) -> h (b n) d", h: heads) : try x.rearranged("b n (h d) -> 1 (b h n) d", h: heads)
  }

  private func parts(mask: Tensor, like x: Tensor) throws -> Tensor {
    let repeats = heads > 1 && !configuration.separateCodebooks ? heads : 1
    let rows = try mask.unsqueezed(1).expanded([mask.size(0), repeats, mask.size(1)]).reshaped([1, -1])
    return try rows.expanded([x.size(0), x.size(1)])
  }

  private func joined(_ x: Tensor, batch: Int, tokens: Int) throws -> Tensor {
    if heads == 1 { return try x.reshaped([batch, tokens, -1]) }
    return configuration.separateCodebooks
      ? try x.rearranged("h (b n) d -> b n (h d)", b: batch)
      : try x.rearranged("1 (b h n) d -> b n (h d)", b: batch, h: heads)
  }

  private func finished(_ quantized: Tensor, _ codes: Tensor, _ z: Tensor, _ mask: Tensor?) throws -> Quantization {
    let (batch, tokens) = (z.size(0), z.size(1))
    var vectors = try joined(quantized, batch: batch, tokens: tokens)
    vectors = try projectOut?(vectors) ?? vectors
    var ids = try joined(codes.unsqueezed(-1), batch: batch, tokens: tokens)
    if heads == 1 { ids = try ids.reshaped([batch, tokens]) }
    if let mask {
      let outside = configuration.zerosWhereMasked ? try Tensor.zeros(z.shape, device: z.device) : z
      vectors = try vectors.where(mask.unsqueezed(-1), else: outside)
      ids = try ids.filled(-1, where: heads == 1 ? mask.not() : mask.not().unsqueezed(-1))
    }
    return Quantization(codes: ids, vectors: try vectors.to(z.dataType))
  }

  // MARK: Losses

  private var needsScores: Bool { configuration.diversityWeight > 0 || configuration.commitmentByCrossEntropy }

  private func lossTerms(
    _ x: Tensor, _ chosen: Tensor, _ codes: Tensor, _ scores: Tensor?, z: Tensor, mask: Tensor?, partMask: Tensor?
  ) throws -> [Quantization.LossTerm] {
    var terms: [Quantization.LossTerm] = []
    if configuration.diversityWeight > 0, let scores {
      // The mean over everything but the position, as the reference has it.
      let tokens = z.size(1)
      let probabilities = try (scores * configuration.diversityTemperature).softmax().reshaped([
        -1, tokens, codebookSize,
      ]).mean([0])
      let diversity = try (probabilities * probabilities.clamped(1e-5).log()).sum([-1]).mean()
      terms.append(.init(name: .diversity, value: diversity, weight: configuration.diversityWeight))
    }
    if configuration.commitmentWeight > 0 {
      let target = codebook.update == .gradient && configuration.codebookWeight == nil
      let loss: Tensor
      if configuration.commitmentByCrossEntropy, let scores {
        loss = try crossEntropy(scores, codes, partMask)
      } else {
        loss = try commitment(x, target ? chosen : chosen.detached(), z: z, mask: mask)
      }
      terms.append(.init(name: .commitment, value: loss, weight: configuration.commitmentWeight))
    }
    if let weight = configuration.codebookWeight {
      terms.append(
        .init(name: .codebook, value: try commitment(x.detached(), chosen, z: z.detached(), mask: mask), weight: weight)
      )
    }
    if configuration.orthogonalityWeight > 0 {
      terms.append(
        .init(name: .orthogonality, value: try orthogonality(codes), weight: configuration.orthogonalityWeight))
    }
    return terms
  }

  /// The mean squared difference; of the tokens that count, to what came in, where there is a mask.
  private func commitment(_ x: Tensor, _ chosen: Tensor, z: Tensor, mask: Tensor?) throws -> Tensor {
    guard let mask, heads == 1, projectIn == nil else {
      guard let mask else { return try (chosen - x).squared().mean() }
      let weights = try parts(mask: mask, like: x).to(x.dataType).unsqueezed(-1)
      return try ((chosen - x).squared() * weights).sum() / (weights.sum() * Double(codebook.width)).clamped(1)
    }
    let difference = try (chosen.reshaped(z.shape) - z).squared()
    return try difference.masked(mask.unsqueezed(-1).expanded(z.shape)).mean()
  }

  private func crossEntropy(_ scores: Tensor, _ codes: Tensor, _ mask: Tensor?) throws -> Tensor {
    let targets = try mask.map { try codes.filled(-1, where: $0.not()) } ?? codes
    return try CrossEntropy(ignoreIndex: -1)(scores.reshaped([-1, codebookSize]), targets.reshaped([-1]))
  }

  /// `Σ cos² / (h n²) - 1/n` over the code vectors (Shin et al. 2021, arXiv 2112.00384, equation 2).
  private func orthogonality(_ codes: Tensor) throws -> Tensor {
    var table = codebook.embed.value
    if configuration.orthogonalityOfActiveCodes {
      let used = Array(Set(try codes.values(Int.self))).sorted()
      table = try table.rows(Tensor(used), axis: 1)
    }
    let unit = try table.normalized(epsilon: 1e-6)
    let (books, count) = (Double(table.size(0)), Double(table.size(1)))
    return try unit.matmul(unit.transposed()).squared().sum() / (books * count * count) - 1 / count
  }
}
