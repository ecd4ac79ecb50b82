import TesseraTensor

/// A linear layer whose weight lies the other way around: `x · weight + bias`.
public final class Conv1D: Module {
  /// `[in, out]`
  public let weight: Parameter
  /// `[out]`
  public let bias: Parameter

  /// Takes `weight` and `bias` from a scope.
  /// - Throws: `CheckpointError` if one is missing or has another shape.
  public init(_ input: Int, _ output: Int, _ scope: Scope) throws {
    weight = try scope.parameter("weight", [input, output], .normal(0.02))
    bias = try scope.parameter("bias", [output], .zeros)
    super.init(scope)
  }

  /// - Parameter x: `[..., in]`
  /// - Returns: `[..., out]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor { try x.linear(weight.value.transposed(0, 1), bias.value) }
}

/// Attention of GPT-2: over the text itself, or over a second sequence.
public final class GPT2Attention: Module {
  /// Queries, keys and values of the text; keys and values of the second sequence.
  public let projection: Conv1D
  /// Queries, in cross-attention.
  public let queryProjection: Conv1D?
  /// From the heads back to the width.
  public let output: Conv1D
  /// Its place among the blocks, from 0.
  public let layer: Int
  private let heads, width: Int
  private let scale: Double

  /// - Parameter cross: true for attention over a second sequence
  public init(_ configuration: GPT2Configuration, layer: Int, cross: Bool = false, _ scope: Scope) throws {
    (self.layer, heads, width) = (layer, configuration.heads, configuration.width)
    scale =
      (configuration.scalesAttention ? 1 / Double(width / heads).squareRoot() : 1)
      / (configuration.scalesAttentionByLayer ? Double(layer + 1) : 1)
    projection = try Conv1D(width, (cross ? 2 : 3) * width, scope / "c_attn")
    queryProjection = cross ? try Conv1D(width, width, scope / "q_attn") : nil
    output = try Conv1D(width, width, scope / "c_proj")
    super.init(scope)
  }

  /// - Parameter x: `[batch, tokens, width]`
  public func callAsFunction(_ x: Tensor, _ pass: DecoderPass) throws -> Tensor {
    func split(_ features: Tensor) throws -> Tensor {
      try features.reshaped([features.size(0), features.size(1), heads, width / heads]).transposed(1, 2)
    }
    let mixed: Tensor
    if let queryProjection {
      guard let context = pass.context else { throw TensorError.invalid("encoder_hidden_states", "there are none") }
      let parts = try projection(context.states).chunked(2, axis: 2).map(split)
      mixed = try split(queryProjection(x)).attending(parts[0], parts[1], context.mask, scale: scale)
    } else {
      let parts = try projection(x).chunked(3, axis: 2).map(split)
      mixed = try pass.attend(parts[0], parts[1], parts[2], layer: layer, scale: scale)
    }
    return try output(mixed.transposed(1, 2).reshaped([x.size(0), x.size(1), width]))
  }
}

/// A block of GPT-2: norms stand before attention and before the feed-forward part.
public final class GPT2Block: Module, DecoderBlock {
  /// Its place among the blocks, from 0.
  public let layer: Int
  /// Before attention.
  public let attentionNorm: LayerNorm
  /// Attention over the text.
  public let selfAttention: GPT2Attention
  /// Before cross-attention.
  public let crossNorm: LayerNorm?
  /// Attention over a second sequence; nil if the model has none.
  public let crossAttention: GPT2Attention?
  /// Before the feed-forward part.
  public let feedForwardNorm: LayerNorm
  /// The two layers of the feed-forward part.
  public let expansion, contraction: Conv1D
  /// Between them.
  public let activation: Activation

  /// Takes the parameters of a block from its scope: `h.0`.
  public init(_ configuration: GPT2Configuration, layer: Int, _ scope: Scope) throws {
    guard let activation = Activation(rawValue: configuration.activation) else {
      throw ConfigurationError("activation_function", "the activation '\(configuration.activation)' is not known")
    }
    (self.layer, self.activation) = (layer, activation)
    let (width, epsilon) = (configuration.width, configuration.normEpsilon)
    let inner = configuration.innerWidth ?? 4 * width
    attentionNorm = try LayerNorm(width, epsilon: epsilon, scope / "ln_1")
    selfAttention = try GPT2Attention(configuration, layer: layer, scope / "attn")
    let crosses = configuration.addsCrossAttention
    crossNorm = crosses ? try LayerNorm(width, epsilon: epsilon, scope / "ln_cross_attn") : nil
    crossAttention =
      crosses ? try GPT2Attention(configuration, layer: layer, cross: true, scope / "crossattention") : nil
    feedForwardNorm = try LayerNorm(width, epsilon: epsilon, scope / "ln_2")
    expansion = try Conv1D(width, inner, scope / "mlp" / "c_fc")
    contraction = try Conv1D(inner, width, scope / "mlp" / "c_proj")
    super.init(scope)
  }

  /// What attention adds, over the text and then over the second sequence.
  public func attention(_ hidden: Tensor, _ pass: DecoderPass) throws -> Tensor {
    let own = try selfAttention(attentionNorm(hidden), pass)
    guard pass.context != nil, let crossNorm, let crossAttention else { return own }
    return try own + crossAttention(crossNorm(hidden + own), pass)
  }

  /// What the feed-forward part adds.
  public func feedForward(_ hidden: Tensor) throws -> Tensor {
    try contraction(activation(expansion(feedForwardNorm(hidden))))
  }
}
