import TesseraTensor

/// Vector quantization whose codebook is a learned linear map of fixed random vectors, so that all codes move together.
///
/// Paper: *Addressing Representation Collapse in Vector Quantized Models with One Linear Layer*, 2024 (arXiv 2411.02038). Parameters:
/// `frozen_codebook`, `code_transform.weight`.
public final class SimVectorQuantizer: Module, Quantizer {
  public let width: Int
  public let codebookSize: Int
  public var estimator: GradientEstimator
  /// Weight of the loss that holds vectors at their codes, relative to the one that moves codes.
  public var commitmentWeight: Double
  /// Weight of both.
  public var weight: Double
  private let frozen: Parameter
  private let transform: Linear

  /// - Parameter codeWidth: the length of the fixed vectors; nil means `width`
  public init(
    width: Int, codebookSize: Int, codeWidth: Int? = nil, estimator: GradientEstimator = .rotation,
    commitmentWeight: Double = 0.25, weight: Double = 1, _ scope: Scope
  ) throws {
    let inner = codeWidth ?? width
    guard width > 0, codebookSize > 0, inner > 0 else {
      throw TensorError.invalid("SimVectorQuantizer", "\(codebookSize) codes of \(width) numbers from \(inner)")
    }
    (self.width, self.codebookSize, self.estimator) = (width, codebookSize, estimator)
    (self.commitmentWeight, self.weight) = (commitmentWeight, weight)
    frozen = try scope.parameter(
      "frozen_codebook", [codebookSize, inner], .normal(1 / Double(inner).squareRoot()), trained: false)
    transform = try Linear(inner, width, bias: false, scope / "code_transform")
    super.init(scope)
  }

  public func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization {
    try demandWidth(z, "SimVectorQuantizer")
    let codebook = try transform(frozen.value)
    let codes = try noGrad {
      let (x, table) = (try z.detached(), try codebook.detached())
      let distances =
        try x.squared().sum([-1], keepingAxes: true) + table.squared().sum([-1]) - x.matmul(table.transposed()) * 2
      return try distances.argmin()
    }
    let chosen = try codebook.embedding(codes)
    guard training else { return Quantization(codes: codes, vectors: chosen) }
    let loss =
      try (z.detached() - chosen).squared().mean() + (z - chosen.detached()).squared().mean() * commitmentWeight
    return Quantization(
      codes: codes, vectors: try estimator(z, chosen), losses: [.init(name: .codebook, value: loss, weight: weight)])
  }

  public func vectors(_ codes: Tensor) throws -> Tensor {
    try demandCodes(codes, below: codebookSize)
    return try transform(frozen.value.embedding(codes.to(.int64)))
  }
}
