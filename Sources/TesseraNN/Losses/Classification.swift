import TesseraTensor

/// The cross-entropy of logits and target classes.
///
///     let loss = try CrossEntropy(labelSmoothing: 0.1)(logits, targets)
public struct CrossEntropy: Sendable {
  /// What is made of the losses of single targets.
  public enum Reduction: Int, Sendable { case none, mean, sum }

  /// The share of probability that is spread evenly over all classes.
  public var labelSmoothing = 0.0
  /// Targets with this value count nothing.
  public var ignoreIndex = -100
  public var reduction = Reduction.mean

  public init(labelSmoothing: Double = 0, ignoreIndex: Int = -100, reduction: Reduction = .mean) {
    (self.labelSmoothing, self.ignoreIndex, self.reduction) = (labelSmoothing, ignoreIndex, reduction)
  }

  /// - Parameters:
  ///   - logits: `[batch, classes, ...]`
  ///   - targets: int64 `[batch, ...]`
  ///   - weights: of the classes, `[classes]`
  /// - Throws: `TensorError` for targets out of range or smoothing outside of 0...1
  public func callAsFunction(_ logits: Tensor, _ targets: Tensor, weights: Tensor? = nil) throws -> Tensor {
    guard (0...1).contains(labelSmoothing) else {
      throw TensorError.invalid("CrossEntropy", "a label smoothing of \(labelSmoothing) is not in 0...1")
    }
    guard logits.rank >= 2, targets.shape == [logits.size(0)] + logits.shape[2...], !targets.dataType.isFloatingPoint
    else {
      throw TensorError.invalid("CrossEntropy", "targets \(targets.summary) do not fit logits \(logits.summary)")
    }
    return try Op.crossEntropy(
      .tensor(logits), .tensor(targets.to(.int64)), .optional(weights), .int(reduction.rawValue), .int(ignoreIndex),
      .double(labelSmoothing))
  }
}

/// The divergence of a student's softened distribution from a teacher's: `T² · KL(teacher ‖ student)`, averaged over the rows.
///
/// Paper: *Distilling the Knowledge in a Neural Network*, 2015 (arXiv 1503.02531), section 2.
/// - Parameters:
///   - student, teacher: logits `[..., classes]`; the teacher gets no gradient
///   - temperature: above 0
public func distillationDivergence(_ student: Tensor, _ teacher: Tensor, temperature: Double = 1) throws -> Tensor {
  guard student.shape == teacher.shape, student.rank > 0, temperature > 0 else {
    throw TensorError.invalid(
      "distillationDivergence", "\(student.summary) and \(teacher.summary) at a temperature of \(temperature)")
  }
  let target = try (teacher.detached() / temperature).logSoftmax()
  let divergence = try (target.exp() * (target - (student / temperature).logSoftmax())).sum([-1])
  return try divergence.mean() * (temperature * temperature)
}

/// The entropy loss of lookup-free quantization: the mean entropy of single decisions minus the entropy of all together.
///
/// Paper: *Language Model Beats Diffusion*, 2023 (arXiv 2310.05737), section 3.1.
public struct EntropyLoss {
  /// Mean entropy of the tokens, in nats.
  public let sample: Tensor
  /// Entropy of the mean distribution, in nats.
  public let batch: Tensor

  /// `sample - batch`: small when single tokens are certain and all codes are used.
  public func value() throws -> Tensor { try sample - batch }

  /// Over a codebook: `P = softmax(2 z·c / T)`; logarithms are taken of `P + 1e-5`.
  /// - Parameters:
  ///   - z: `[..., width]`
  ///   - codebook: `[codes, width]`
  public static func over(_ codebook: Tensor, _ z: Tensor, temperature: Double = 0.01) throws -> EntropyLoss {
    let flat = try z.reshaped([-1, z.size(-1)])
    let p = try (flat.matmul(codebook.transposed()) * (2 / temperature)).softmax()
    func entropy(_ p: Tensor) throws -> Tensor { try (p * (p + 1e-5).log()).sum([-1]).negated() }
    return EntropyLoss(sample: try entropy(p).mean(), batch: try entropy(p.mean([0])))
  }

  /// Over all sign vectors of a given size, bit by bit: `p = σ(4 z s / T)`. For single tokens that is exact; for all together it is an
  /// upper bound, since it takes the bits for independent.
  /// - Parameters:
  ///   - z: `[..., bits]`
  ///   - scale: the codes are ±scale
  public static func bitwise(_ z: Tensor, scale: Double = 1, temperature: Double = 0.01) throws -> EntropyLoss {
    let logits = try z.reshaped([-1, z.size(-1)]) * (4 * scale / temperature)
    // H(σ(x)) = softplus(-|x|) + |x| σ(-|x|): no logarithm of zero, no difference of large numbers
    let size = try logits.abs()
    let sample = try (size.negated().softplus() + size * size.negated().sigmoid()).sum([-1]).mean()
    let mean = try logits.sigmoid().mean([0])
    let batch = try (mean * mean.clamped(1e-12).log() + (1 - mean) * (1 - mean).clamped(1e-12).log()).sum().negated()
    return EntropyLoss(sample: sample, batch: batch)
  }
}
