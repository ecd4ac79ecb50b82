import TesseraTensor

/// The bottleneck of variational autoencoders: means and variances, a draw, and the divergence from the standard normal distribution.
///
/// Paper: *Auto-Encoding Variational Bayes*, 2013 (arXiv 1312.6114); the limits and the weight are those of latent diffusion
/// (arXiv 2112.10752).
public struct GaussianBottleneck: Sendable {
  /// The axis that holds means, then logarithms of variances.
  public var axis = -1
  /// Weight of the divergence.
  public var weight = 1e-6

  public init(axis: Int = -1, weight: Double = 1e-6) { (self.axis, self.weight) = (axis, weight) }

  /// What the encoder says about the latents.
  public struct Posterior {
    public let mean: Tensor
    /// In -30...20.
    public let logVariance: Tensor

    /// The likeliest latents: the means.
    public var mode: Tensor { mean }

    /// `mean + exp(½ log variance) · noise`.
    public func sample(noise: Tensor) throws -> Tensor { try mean + (logVariance * 0.5).exp() * noise }

    /// A draw.
    public func sample(_ stream: inout RandomStream) throws -> Tensor {
      try sample(noise: stream.normal(mean.shape, mean.dataType, device: mean.device))
    }

    /// `½ Σ (μ² + σ² - 1 - log σ²)`, summed over everything but the batch: `[batch]`, in nats.
    public func divergence() throws -> Tensor {
      let parts = try mean.squared() + logVariance.exp() - 1 - logVariance
      return try parts.flattened(1).sum([1]) * 0.5
    }
  }

  /// - Parameter moments: twice as long along `axis` as the latents
  /// - Throws: `TensorError` if that length is odd
  public func callAsFunction(_ moments: Tensor) throws -> Posterior {
    guard moments.rank >= 2, (-moments.rank..<moments.rank).contains(axis) else {
      throw TensorError.invalid("GaussianBottleneck", "\(moments.summary) has no batch, or no axis \(axis)")
    }
    let halves = try moments.chunked(2, axis: axis)
    return Posterior(mean: halves[0], logVariance: try halves[1].clamped(-30, 20))
  }

  /// The divergence of a posterior, averaged over the batch and weighted.
  public func loss(_ posterior: Posterior) throws -> Tensor { try posterior.divergence().mean() * weight }
}
