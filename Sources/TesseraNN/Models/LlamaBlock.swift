import TesseraTensor

/// Attention with rotary positions and grouped queries.
public final class LlamaAttention: Module {
  public let queries, keys, values, output: Linear
  /// Qwen3: norms of every head's queries and keys.
  public let queryNorm, keyNorm: RMSNorm?
  /// Its place among the blocks, from 0.
  public let layer: Int
  /// How many tokens one token sees, itself included; nil: all.
  public let window: Int?
  private let heads, keyValueHeads, headWidth: Int

  /// Takes the parameters from a scope: `layers.0`, or `self_attn` in it.
  public init(_ configuration: LlamaConfiguration, layer: Int, _ scope: Scope) throws {
    (self.layer, window) = (layer, configuration.windows[layer])
    (heads, keyValueHeads, headWidth) = (configuration.heads, configuration.keyValueHeads, configuration.headWidth)
    let (width, biases) = (configuration.hiddenSize, configuration.biases)
    queries = try Linear(width, heads * headWidth, bias: biases.input, scope / "q_proj", initialization: .normal(0.02))
    keys = try Linear(
      width, keyValueHeads * headWidth, bias: biases.input, scope / "k_proj", initialization: .normal(0.02))
    values = try Linear(
      width, keyValueHeads * headWidth, bias: biases.input, scope / "v_proj", initialization: .normal(0.02))
    output = try Linear(heads * headWidth, width, bias: biases.output, scope / "o_proj", initialization: .normal(0.02))
    let isNormed = configuration.modelType == .qwen3
    queryNorm = isNormed ? try RMSNorm(headWidth, epsilon: configuration.normEpsilon, scope / "q_norm") : nil
    keyNorm = isNormed ? try RMSNorm(headWidth, epsilon: configuration.normEpsilon, scope / "k_norm") : nil
    super.init(scope)
  }

  /// - Parameter x: `[batch, tokens, width]`
  public func callAsFunction(_ x: Tensor, _ pass: DecoderPass) throws -> Tensor {
    let (batch, count) = (x.size(0), x.size(1))
    func heads(_ features: Tensor, _ number: Int, _ norm: RMSNorm?) throws -> Tensor {
      let split = try features.reshaped([batch, count, number, headWidth])
      return try (norm.map { try $0(split) } ?? split).transposed(1, 2)
    }
    var q = try heads(queries(x), self.heads, queryNorm)
    var k = try heads(keys(x), keyValueHeads, keyNorm)
    let v = try heads(values(x), keyValueHeads, nil)
    if let rotary = pass.rotary { (q, k) = (try rotary.rotate(q), try rotary.rotate(k)) }
    let mixed = try pass.attend(q, k, v, layer: layer, window: window)
    return try output(mixed.transposed(1, 2).reshaped([batch, count, self.heads * headWidth]))
  }
}

/// The gated feed-forward part: down(act(gate(x)) · up(x)) (Shazeer 2020, "GLU Variants Improve Transformer").
public final class LlamaMLP: Module {
  public let gate, up, down: Linear
  /// Of the gate.
  public let activation: Activation

  /// Takes the parameters from the scope `mlp` of a block.
  public init(_ configuration: LlamaConfiguration, _ scope: Scope) throws {
    guard let activation = Activation(rawValue: configuration.activation) else {
      throw ConfigurationError("hidden_act", "the activation '\(configuration.activation)' is not known")
    }
    self.activation = activation
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    let bias = configuration.mlpBias && configuration.modelType == .llama
    gate = try Linear(width, inner, bias: bias, scope / "gate_proj", initialization: .normal(0.02))
    up = try Linear(width, inner, bias: bias, scope / "up_proj", initialization: .normal(0.02))
    down = try Linear(inner, width, bias: bias, scope / "down_proj", initialization: .normal(0.02))
    super.init(scope)
  }

  /// - Parameter x: `[..., width]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor { try down(activation(gate(x)) * up(x)) }
}

/// A block of Llama.
public final class LlamaBlock: Module, DecoderBlock {
  /// Its place among the blocks, from 0.
  public let layer: Int
  /// Before attention.
  public let attentionNorm: RMSNorm
  /// Attention over the text.
  public let selfAttention: LlamaAttention
  /// Before the feed-forward part.
  public let feedForwardNorm: RMSNorm
  /// The feed-forward part.
  public let mlp: LlamaMLP

  /// Takes the parameters from a scope: `layers.0`, or `self_attn` in it.
  public init(_ configuration: LlamaConfiguration, layer: Int, _ scope: Scope) throws {
    self.layer = layer
    attentionNorm = try RMSNorm(configuration.hiddenSize, epsilon: configuration.normEpsilon, scope / "input_layernorm")
    selfAttention = try LlamaAttention(configuration, layer: layer, scope / "self_attn")
    feedForwardNorm = try RMSNorm(
      configuration.hiddenSize, epsilon: configuration.normEpsilon, scope / "post_attention_layernorm")
    mlp = try LlamaMLP(configuration, scope / "mlp")
    super.init(scope)
  }

  /// What attention adds.
  public func attention(_ hidden: Tensor, _ pass: DecoderPass) throws -> Tensor {
    try selfAttention(attentionNorm(hidden), pass)
  }

  /// What the feed-forward part adds.
  public func feedForward(_ hidden: Tensor) throws -> Tensor { try mlp(feedForwardNorm(hidden)) }
}
