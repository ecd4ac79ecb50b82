import TesseraTensor

/// The feed-forward part of a transformer block: `down(activation(up(x)))`, or with a gate, `down(activation(gate(x)) * up(x))`
/// (Shazeer 2020, "GLU Variants Improve Transformer").
public final class FeedForward: Module {
  /// What a feed-forward part is made of.
  public struct Configuration: Sendable, Codable {
    /// How the hidden values come about.
    public enum Gate: String, Sendable, Codable {
      /// One projection.
      case none
      /// Gate and values are two projections.
      case separate
      /// One projection, whose first half is the gate.
      case packed
    }
    public var width: Int
    /// What the first projection gives; with a packed gate, half of it is left.
    public var hidden: Int
    public var activation: Activation
    public var bias = true
    public var gate = Gate.none
    /// The hidden values are normalised before the last projection.
    public var norm: TokenNorm.Kind?

    public init(width: Int, hidden: Int, _ activation: Activation) {
      (self.width, self.hidden, self.activation) = (width, hidden, activation)
    }
  }

  /// The keys of a checkpoint.
  public struct Names: Sendable {
    /// One key; with a separate gate two, the gate's first.
    public var inputs: [String]
    public var output: String
    public var norm: String
    public init(_ inputs: [String], _ output: String, norm: String = "norm") {
      (self.inputs, self.output, self.norm) = (inputs, output, norm)
    }
  }

  public let configuration: Configuration
  private let inputs: [Linear]
  private let norm: TokenNorm?
  private let output: Linear

  public init(_ configuration: Configuration, _ names: Names, _ scope: Scope) throws {
    self.configuration = configuration
    let inner = configuration.gate == .packed ? configuration.hidden / 2 : configuration.hidden
    guard inner > 0, configuration.gate != .packed || configuration.hidden % 2 == 0 else {
      throw TensorError.invalid("FeedForward", "\(configuration.hidden) hidden values")
    }
    inputs = try names.inputs.map {
      try Linear(configuration.width, configuration.hidden, bias: configuration.bias, scope / $0)
    }
    norm = try configuration.norm.map { try TokenNorm($0, inner, scope / names.norm) }
    output = try Linear(inner, configuration.width, bias: configuration.bias, scope / names.output)
    super.init(scope)
  }

  /// - Parameter x: `[..., width]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    var hidden: Tensor
    switch configuration.gate {
    case .none: hidden = try configuration.activation(inputs[0](x))
    case .separate: hidden = try configuration.activation(inputs[0](x)) * inputs[1](x)
    case .packed:
      let halves = try inputs[0](x).chunked(2, axis: -1)
      hidden = try configuration.activation(halves[0]) * halves[1]
    }
    if let norm { hidden = try norm(hidden) }
    return try output(hidden)
  }
}
