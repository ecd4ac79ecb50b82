import TesseraTensor

/// Mean and covariance of features, gathered batch by batch in double precision.
public struct FeatureMoments {
  /// How many features were added.
  public private(set) var count = 0
  private var sum: Tensor?
  private var products: Tensor?

  public init() {}

  /// - Parameter features: `[batch, width]`
  public mutating func add(_ features: Tensor) throws {
    guard features.rank == 2, features.count > 0, sum.map({ $0.size(0) == features.size(1) }) ?? true else {
      throw TensorError.invalid("FeatureMoments", "\(features.summary) is not [batch, width] of the width before")
    }
    let x = try features.detached().to(.float64)
    let (rows, outer) = (try x.sum([0]), try x.transposed().matmul(x))
    (sum, products) = (try sum.map { try $0 + rows } ?? rows, try products.map { try $0 + outer } ?? outer)
    count += features.size(0)
  }

  /// The mean `[width]` and the unbiased covariance `[width, width]`.
  /// - Throws: `TensorError.invalid` for fewer than two features
  public func values() throws -> (mean: Tensor, covariance: Tensor) {
    guard count >= 2, let sum, let products else {
      throw TensorError.invalid("FeatureMoments", "\(count) features are too few for a covariance: 2 are needed")
    }
    let mean = try sum / Double(count)
    let covariance = try (products - mean.unsqueezed(1) * sum.unsqueezed(0)) / Double(count - 1)
    return (mean, covariance)
  }
}

/// The Fréchet distance of two normal distributions: `|m₁ - m₂|² + tr S₁ + tr S₂ - 2 tr (S₁ S₂)^½`, in double precision.
///
/// Paper: *GANs Trained by a Two Time-Scale Update Rule*, 2017 (arXiv 1706.08500). The root is taken in the symmetric form
/// `(S₁^½ S₂ S₁^½)^½`; negative eigenvalues count as zero.
/// - Parameters: means `[width]`, covariances `[width, width]`
public func frechetDistance(
  _ first: (mean: Tensor, covariance: Tensor), _ second: (mean: Tensor, covariance: Tensor)
) throws -> Double {
  let width = first.mean.count
  for (mean, covariance) in [first, second] where mean.shape != [width] || covariance.shape != [width, width] {
    throw TensorError.invalid("frechetDistance", "a mean \(mean.summary) with a covariance \(covariance.summary)")
  }
  let (s1, s2) = (try first.covariance.to(.float64), try second.covariance.to(.float64))
  let parts = try Op.eigh.all(.tensor(s1), .string("L"))
  let root = try (parts[1] * parts[0].clamped(0).sqrt()).matmul(parts[1].transposed())
  let inner = try root.matmul(s2).matmul(root)
  let eigenvalues = try Op.eigh.all(.tensor((inner + inner.transposed()) * 0.5), .string("L"))[0]
  let difference = try (first.mean.to(.float64) - second.mean.to(.float64)).squared().sum().item()
  func trace(_ matrix: Tensor) throws -> Double { try Op.diagonal(.tensor(matrix)).sum().item() }
  return try difference + trace(s1) + trace(s2) - 2 * eigenvalues.clamped(0).sqrt().sum().item()
}

/// The Fréchet distance of two sets of features `[count, width]`.
/// - Throws: `TensorError.invalid` for fewer than two of either
public func frechetDistance(_ real: Tensor, _ fake: Tensor) throws -> Double {
  var (a, b) = (FeatureMoments(), FeatureMoments())
  try a.add(real)
  try b.add(fake)
  return try frechetDistance(a.values(), b.values())
}

/// The kernel distance: unbiased squared maximum mean discrepancy with `k(a, b) = (a·b / width + 1)³`, in double precision.
///
/// Paper: *Demystifying MMD GANs*, 2018 (arXiv 1801.01401).
/// - Parameters: features `[count, width]`, at least two of each
public func kernelDistance(_ real: Tensor, _ fake: Tensor) throws -> Double {
  guard real.rank == 2, fake.rank == 2, real.size(1) == fake.size(1), real.size(1) > 0,
    min(real.size(0), fake.size(0)) >= 2
  else {
    throw TensorError.invalid(
      "kernelDistance", "\(real.summary) and \(fake.summary): two features of one width are needed")
  }
  let (x, y) = (try real.detached().to(.float64), try fake.detached().to(.float64))
  let width = Double(x.size(1))
  func kernel(_ a: Tensor, _ b: Tensor) throws -> Tensor { try (a.matmul(b.transposed()) / width + 1).pow(3) }
  func within(_ a: Tensor) throws -> Double {
    let (k, n) = (try kernel(a, a), Double(a.size(0)))
    return try (k.sum().item() - Op.diagonal(.tensor(k)).sum().item()) / (n * (n - 1))
  }
  return try within(x) + within(y) - 2 * kernel(x, y).mean().item()
}

/// `exp(mean KL(p(y|x) ‖ p(y)))` of class probabilities `[count, classes]` (Salimans et al. 2016, arXiv 1606.03498).
public func inceptionScore(_ probabilities: Tensor) throws -> Double {
  guard probabilities.rank == 2, probabilities.count > 0 else {
    throw TensorError.invalid("inceptionScore", "\(probabilities.summary) is not [count, classes]")
  }
  let p = try probabilities.detached().to(.float64)
  let marginal = try p.mean([0], keepingAxes: true)
  let ratio = try p.clamped(1e-300).log() - marginal.clamped(1e-300).log()
  return try (p * ratio).sum([1]).mean().exp().item()
}
