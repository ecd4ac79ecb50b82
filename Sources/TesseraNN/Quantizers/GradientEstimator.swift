import TesseraTensor

/// How gradients pass a quantizer, whose own derivative is zero or does not exist.
public enum GradientEstimator: String, Sendable, Codable {
  /// The gradient of the quantized vector is taken as that of the vector (Bengio, Léonard, Courville 2013).
  case straightThrough
  /// The gradient is rotated and scaled as the vector is on its way to the code (Fifty et al. 2024, arXiv 2410.06424).
  case rotation

  /// The numbers of `quantized` with a gradient for `z`.
  /// - Parameters: both `[..., width]`
  public func callAsFunction(_ z: Tensor, _ quantized: Tensor) throws -> Tensor {
    switch self {
    case .straightThrough: try quantized.straightThrough(to: z)
    case .rotation: try rotated(z, onto: quantized)
    }
  }

  /// `out = (z - 2 (z·w) w + 2 (z·u) q) |q| / |z|` with `u`, `q`, `w` the unit vectors of z, the code and their sum, all constant.
  private func rotated(_ z: Tensor, onto quantized: Tensor) throws -> Tensor {
    let (u, q, w, scale) = try noGrad {
      let (from, to) = (try z.detached(), try quantized.detached())
      let fromNorm = try from.norm([-1], keepingAxes: true).clamped(1e-6)
      let toNorm = try to.norm([-1], keepingAxes: true)
      let (u, q) = (try from / fromNorm, try to / toNorm.clamped(1e-6))
      return (u, q, try (u + q).normalized(epsilon: 1e-6), try toNorm / fromNorm)
    }
    let along = try (z * w).sum([-1], keepingAxes: true) * 2
    let across = try (z * u).sum([-1], keepingAxes: true) * 2
    return try (z - along * w + across * q) * scale
  }
}

/// Rounds, with the gradient of the identity.
func roundedStraightThrough(_ z: Tensor) throws -> Tensor { try z.rounded().straightThrough(to: z) }

/// Rounds down, with the gradient of the identity.
func flooredStraightThrough(_ z: Tensor) throws -> Tensor { try z.floor().straightThrough(to: z) }
