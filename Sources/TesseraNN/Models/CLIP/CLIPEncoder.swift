import TesseraTensor

extension EncoderStack {
  /// The layers of one of CLIP's encoders: attention and MLP, each behind a norm and added to its input.
  static func clip(
    _ width: Int, hidden: Int, heads: Int, layers: Int, _ activation: Activation, epsilon: Double, _ scope: Scope
  ) throws -> EncoderStack {
    let configuration = EncoderBlock.Configuration(
      attention: SelfAttention.Configuration(width: width, heads: heads),
      feedForward: FeedForward.Configuration(width: width, hidden: hidden, activation),
      norm: .layer(epsilon: epsilon))
    let names = EncoderBlock.Names(
      attention: ("self_attn", SelfAttention.Names(["q_proj", "k_proj", "v_proj"], "out_proj")), norm: "layer_norm1",
      feedForward: ("mlp", FeedForward.Names(["fc1"], "fc2")), "layer_norm2")
    return try EncoderStack(layers) { try EncoderBlock(configuration, names, scope / "layers" / $0) }
  }
}

/// What one of CLIP's encoders gives.
public struct CLIPEncoding {
  /// `[batch, tokens, width]`
  public var lastHiddenState: Tensor
  /// The state that stands for the whole, `[batch, width]`.
  public var pooled: Tensor
  /// The input of the first layer and what each layer gives, if asked for.
  public var hiddenStates: [Tensor]

  /// The outputs under the reference's names.
  func named(_ prefix: String = "") -> [String: Tensor] {
    var outputs = [prefix + "last_hidden_state": lastHiddenState, prefix + "pooler_output": pooled]
    for (number, state) in hiddenStates.enumerated() { outputs["\(prefix)hidden_states.\(number)"] = state }
    return outputs
  }
}
