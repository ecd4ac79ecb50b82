import TesseraTensor

/// The feed-forward part of a diffusion transformer's block, with the activations that diffusers names.
public final class DiffusionFeedForward: Module {
  /// How the hidden values come about; a gate is the second half of the first projection.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    case gelu
    /// The approximation with tanh.
    case geluApproximate = "gelu-approximate"
    case geglu
    /// x · sigmoid(1.702 x), without a gate in spite of its name.
    case gegluApproximate = "geglu-approximate"
    case swiglu
    case linearSiLU = "linear-silu"

    var isGated: Bool { self == .geglu || self == .swiglu }
  }

  /// How the hidden values come about.
  public let kind: Kind
  private let input: Linear
  private let output: Linear

  /// - Parameter names: the keys of the two projections below the scope
  public init(
    _ width: Int, hidden: Int, _ kind: Kind, names: (input: String, output: String) = ("net.0.proj", "net.2"),
    _ scope: Scope
  ) throws {
    self.kind = kind
    input = try Linear(width, kind.isGated ? 2 * hidden : hidden, scope / names.input, initialization: .xavierUniform)
    output = try Linear(hidden, width, scope / names.output, initialization: .xavierUniform)
    super.init(scope)
  }

  /// - Parameter x: `[..., width]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    let values = try input(x)
    switch kind {
    case .gelu: return try output(values.gelu())
    case .geluApproximate: return try output(values.gelu(tanh: true))
    case .gegluApproximate: return try output(values * (values * 1.702).sigmoid())
    case .linearSiLU: return try output(values.silu())
    case .geglu, .swiglu:
      let halves = try values.chunked(2, axis: -1)
      return try output(halves[0] * (kind == .geglu ? halves[1].gelu() : halves[1].silu()))
    }
  }
}
