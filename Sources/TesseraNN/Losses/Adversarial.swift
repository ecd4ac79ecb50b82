import TesseraTensor

/// The two sides of a generative adversarial objective, from the discriminator's logits.
public enum AdversarialLoss: String, Sendable, Codable, CaseIterable {
  /// Margins of one (Lim, Ye 2017, arXiv 1705.02894).
  case hinge
  /// Logarithms of the probabilities, with the generator's side turned around (Goodfellow et al. 2014).
  case nonSaturating = "non_saturating"

  /// What the discriminator minimises.
  public func discriminator(real: Tensor, fake: Tensor) throws -> Tensor {
    switch self {
    case .hinge: try ((1 - real).relu().mean() + (fake + 1).relu().mean()) * 0.5
    case .nonSaturating: try (real.negated().softplus().mean() + fake.softplus().mean()) * 0.5
    }
  }

  /// What the generator minimises. Let no gradient reach the discriminator's parameters.
  public func generator(fake: Tensor) throws -> Tensor {
    switch self {
    case .hinge: try fake.mean().negated()
    case .nonSaturating: try fake.negated().softplus().mean()
    }
  }
}

/// Holds a discriminator's logits near moving averages of the other side, for few data.
///
/// Paper: *Regularizing Generative Adversarial Networks under Limited Data* (LeCam), 2021 (arXiv 2104.03310).
public struct LeCamRegularizer: Sendable, Codable {
  /// Moving averages of the logits of real and of generated pictures.
  public private(set) var real: Double
  public private(set) var fake: Double
  public var decay: Double
  /// True if the averages are updated before they are used, as in WeTok.
  public var updatesFirst: Bool

  public init(real: Double = 0, fake: Double = 0, decay: Double = 0.999, updatesFirst: Bool = false) {
    (self.real, self.fake, self.decay, self.updatesFirst) = (real, fake, decay, updatesFirst)
  }

  /// `mean relu(real - fakeAverage)² + mean relu(realAverage - fake)²`, and new averages.
  public mutating func callAsFunction(real realLogits: Tensor, fake fakeLogits: Tensor) throws -> Tensor {
    let next = (
      decay * real + (1 - decay) * (try realLogits.detached().mean().item()),
      decay * fake + (1 - decay) * (try fakeLogits.detached().mean().item())
    )
    let (r, f) = updatesFirst ? next : (real, fake)
    (real, fake) = next
    return try (realLogits - f).relu().squared().mean() + (r - fakeLogits).relu().squared().mean()
  }
}

/// The weight of the adversarial loss at which its gradient in the last layer is as large as the reconstruction's:
/// `clamp(|∇ reconstruction| / (|∇ adversarial| + 1e-4), 0, maximum)`, a constant.
///
/// Paper: *Taming Transformers for High-Resolution Image Synthesis*, 2021 (arXiv 2012.09841), equation 7.
public func adaptiveAdversarialWeight(
  reconstructionGradient: Tensor, adversarialGradient: Tensor, maximum: Double = 1e4, epsilon: Double = 1e-4
) throws -> Tensor {
  func size(_ gradient: Tensor) throws -> Tensor { try gradient.detached().flattened().norm([0]) }
  return try (size(reconstructionGradient) / (size(adversarialGradient) + epsilon)).clamped(0, maximum)
}

/// The same from the losses and the last layer's weight.
public func adaptiveAdversarialWeight(
  reconstruction: Tensor, adversarial: Tensor, lastLayer: Tensor, maximum: Double = 1e4
) throws -> Tensor {
  func gradient(_ loss: Tensor) throws -> Tensor {
    let found = try gradients(of: loss, withRespectTo: [lastLayer], keepingGraph: true)
    guard let gradient = found[0] else {
      throw TensorError.invalid("adaptiveAdversarialWeight", "the loss does not depend on the last layer")
    }
    return gradient
  }
  return try adaptiveAdversarialWeight(
    reconstructionGradient: gradient(reconstruction), adversarialGradient: gradient(adversarial), maximum: maximum)
}
