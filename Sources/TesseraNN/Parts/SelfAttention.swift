import TesseraTensor

/// Multi-head self-attention of an encoder (Vaswani et al. 2017, "Attention Is All You Need", section 3.2).
///
/// Projections of queries, keys and values are one matrix or three, as the checkpoint has them.
public final class SelfAttention: Module {
  /// What an attention is made of.
  public struct Configuration: Sendable, Codable {
    public var width: Int
    public var heads: Int
    public var headWidth: Int
    /// Queries, keys and values have biases.
    public var bias = true
    /// The projection of the result has a bias.
    public var outputBias = true
    /// What products of queries and keys are multiplied by; nil: `1 / sqrt(headWidth)`.
    public var scale: Double?
    /// Every head's queries and keys are normalised.
    public var queryKeyNorm: TokenNorm.Kind?
    /// The joined heads are normalised before the projection.
    public var outputNorm: TokenNorm.Kind?

    public init(width: Int, heads: Int, headWidth: Int? = nil) {
      (self.width, self.heads, self.headWidth) = (width, heads, headWidth ?? width / max(heads, 1))
    }
  }

  /// The keys of a checkpoint, below the attention's own path.
  public struct Names: Sendable {
    /// One key, or three for queries, keys, values.
    public var inputs: [String]
    public var output: String
    public init(_ inputs: [String], _ output: String) { (self.inputs, self.output) = (inputs, output) }
  }

  public let configuration: Configuration
  private let inputs: [Linear]
  private let output: Linear
  private let queryNorm: TokenNorm?
  private let keyNorm: TokenNorm?
  private let outputNorm: TokenNorm?

  public init(_ configuration: Configuration, _ names: Names, _ scope: Scope) throws {
    self.configuration = configuration
    let (width, inner) = (configuration.width, configuration.heads * configuration.headWidth)
    guard width > 0, inner > 0 else {
      throw TensorError.invalid("SelfAttention", "width \(width), \(configuration.heads) heads")
    }
    inputs = try names.inputs.map {
      try Linear(width, names.inputs.count == 1 ? 3 * inner : inner, bias: configuration.bias, scope / $0)
    }
    output = try Linear(inner, width, bias: configuration.outputBias, scope / names.output)
    queryNorm = try configuration.queryKeyNorm.map { try TokenNorm($0, configuration.headWidth, scope / "q_norm") }
    keyNorm = try configuration.queryKeyNorm.map { try TokenNorm($0, configuration.headWidth, scope / "k_norm") }
    outputNorm = try configuration.outputNorm.map { try TokenNorm($0, inner, scope / "norm") }
    super.init(scope)
  }

  /// - Parameters:
  ///   - x: `[batch, tokens, width]`
  ///   - bias: boolean or numbers, broadcast to `[batch, heads, tokens, tokens]`
  /// - Returns: `[batch, tokens, width]`, and a probe of what was attended to
  public func callAsFunction(_ x: Tensor, bias: Tensor? = nil) throws -> (output: Tensor, probe: AttentionProbe) {
    var (queries, keys, values) = try projected(x)
    if let queryNorm, let keyNorm { (queries, keys) = (try queryNorm(queries), try keyNorm(keys)) }
    let scale = configuration.scale ?? 1 / Double(configuration.headWidth).squareRoot()
    var joined = try queries.attention(keys, values, mask: bias, scale: scale)
      .transposed(1, 2).reshaped([x.size(0), x.size(1), configuration.heads * configuration.headWidth])
    if let outputNorm { joined = try outputNorm(joined) }
    let probe = AttentionProbe(queries: queries, keys: keys, values: values, scale: scale, bias: bias)
    return (try output(joined), probe)
  }

  /// `[batch, heads, tokens, head width]`, three times.
  private func projected(_ x: Tensor) throws -> (Tensor, Tensor, Tensor) {
    let (batch, tokens, count, width) = (x.size(0), x.size(1), configuration.heads, configuration.headWidth)
    if inputs.count == 1 {
      let all = try inputs[0](x).reshaped([batch, tokens, 3, count, width]).permuted([2, 0, 3, 1, 4])
      return (try all.selected(0, axis: 0), try all.selected(1, axis: 0), try all.selected(2, axis: 0))
    }
    func heads(_ projection: Linear) throws -> Tensor {
      try projection(x).reshaped([batch, tokens, count, width]).transposed(1, 2)
    }
    return (try heads(inputs[0]), try heads(inputs[1]), try heads(inputs[2]))
  }
}

/// One of the normalisations of transformers, or none.
public final class TokenNorm {
  /// Which normalisation, with its epsilon.
  public enum Kind: Sendable, Codable, Equatable {
    case layer(epsilon: Double)
    case rms(epsilon: Double)
  }

  private let layer: LayerNorm?
  private let rms: RMSNorm?

  public init(_ kind: Kind, _ width: Int, _ scope: Scope) throws {
    switch kind {
    case .layer(let epsilon): (layer, rms) = (try LayerNorm(width, epsilon: epsilon, scope), nil)
    case .rms(let epsilon): (layer, rms) = (nil, try RMSNorm(width, epsilon: epsilon, scope))
    }
  }

  public func callAsFunction(_ x: Tensor) throws -> Tensor { try layer?(x) ?? rms?(x) ?? x }
}
