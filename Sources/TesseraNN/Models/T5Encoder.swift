import TesseraTensor

/// The sizes of the encoder of a T5.
public struct T5Configuration: Sendable, Codable {
  public var vocabulary = 32_128
  public var width = 512
  public var headWidth = 64
  public var hidden = 2048
  public var layers = 6
  public var heads = 8
  public var buckets = 32
  public var greatestDistance = 128
  public var epsilon = 1e-6
  public var activation = Activation.relu
  public var gated = false
  /// Every block has positions of its own (UMT5); otherwise the first block's serve all.
  public var positionsPerLayer = false

  public init() {}

  /// Reads a configuration of Hugging Face.
  /// - Throws: `CheckpointError.configuration` naming the key
  public init(_ reader: ConfigurationReader) throws {
    let type = try reader.text("model_type", default: "t5")
    let isNewer = type == "mt5" || type == "umt5"
    vocabulary = try reader.size("vocab_size", default: isNewer ? 250_112 : 32_128)
    width = try reader.size("d_model", default: 512)
    headWidth = try reader.size("d_kv", default: 64)
    hidden = try reader.size("d_ff", default: isNewer ? 1024 : 2048)
    layers = try reader.size("num_layers", default: isNewer ? 8 : 6, minimum: 0)
    heads = try reader.size("num_heads", default: isNewer ? 6 : 8)
    buckets = try reader.size("relative_attention_num_buckets", default: 32, minimum: 4)
    greatestDistance = try reader.size("relative_attention_max_distance", default: 128)
    guard greatestDistance > buckets / 4 else {
      throw reader.refuse("relative_attention_max_distance", "\(greatestDistance) does not exceed \(buckets / 4)")
    }
    epsilon = try reader.epsilon("layer_norm_epsilon", default: 1e-6)
    positionsPerLayer = type == "umt5"
    let kind = try reader.text("feed_forward_proj", default: isNewer ? "gated-gelu" : "relu")
    let words = kind.split(separator: "-", omittingEmptySubsequences: false)
    gated = words.count == 2 && words[0] == "gated"
    guard words.count == 1 || gated, let last = words.last,
      let named = kind == "gated-gelu" ? Activation.geluNew : Activation(rawValue: String(last))
    else {
      throw reader.refuse("feed_forward_proj", "'\(kind)' is not known: an activation, or 'gated-' and an activation")
    }
    activation = named
  }
}

/// The encoder of T5, T5 1.1 (and with it Flan-T5), mT5 and UMT5: blocks that normalise first, relative positions in the attention.
///
/// Paper: *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*, 2020. Folders of the whole model are read,
/// too; their decoders are left alone.
public final class T5Encoder: PublishedModel {
  public static let architectures =
    ["T5", "MT5", "UMT5"].flatMap {
      [$0 + "EncoderModel", $0 + "ForConditionalGeneration", $0 + "Model"]
    } + ["t5", "mt5", "umt5"]

  public let store: ParameterStore
  public let configuration: T5Configuration
  public let words: Embedding
  public let stack: EncoderStack
  private let positions: [RelativePositionBias]
  private let norm: RMSNorm

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    try self.init(T5Configuration(ConfigurationReader(folder)), options.store(folder.checkpoint()))
  }

  public init(_ configuration: T5Configuration, _ store: ParameterStore) throws {
    (self.configuration, self.store) = (configuration, store)
    let root = store.root
    let scope = root / "encoder"
    words = try Embedding(
      configuration.vocabulary, configuration.width,
      root.contains("shared.weight") ? root / "shared" : scope / "embed_tokens",
      initialization: .normal(1))
    let (block, names) = Self.block(configuration)
    stack = try EncoderStack(configuration.layers) { try EncoderBlock(block, names, scope / "block" / $0) }
    positions = try (0..<(configuration.positionsPerLayer ? configuration.layers : min(configuration.layers, 1))).map {
      try RelativePositionBias(
        buckets: configuration.buckets, greatestDistance: configuration.greatestDistance, heads: configuration.heads,
        scope / "block" / $0 / "layer.0.SelfAttention.relative_attention_bias")
    }
    norm = try RMSNorm(configuration.width, epsilon: configuration.epsilon, scope / "final_layer_norm")
  }

  private static func block(_ configuration: T5Configuration) -> (EncoderBlock.Configuration, EncoderBlock.Names) {
    var attention = SelfAttention.Configuration(
      width: configuration.width, heads: configuration.heads, headWidth: configuration.headWidth)
    (attention.bias, attention.outputBias, attention.scale) = (false, false, 1)
    var feedForward = FeedForward.Configuration(
      width: configuration.width, hidden: configuration.hidden, configuration.activation)
    (feedForward.bias, feedForward.gate) = (false, configuration.gated ? .separate : .none)
    let names = EncoderBlock.Names(
      attention: ("layer.0.SelfAttention", .init(["q", "k", "v"], "o")), norm: "layer.0.layer_norm",
      feedForward: ("layer.1.DenseReluDense", .init(configuration.gated ? ["wi_0", "wi_1"] : ["wi"], "wo")),
      "layer.1.layer_norm")
    return (.init(attention: attention, feedForward: feedForward, norm: .rms(epsilon: configuration.epsilon)), names)
  }

  /// - Parameters:
  ///   - embedded: `[batch, tokens, width]`
  ///   - mask: the reference's attention mask
  ///   - hook: what works on the tokens inside every block
  /// - Returns: the normalised output of the last block, and the hidden states, the embedding first, if they are kept
  public func callAsFunction(
    embedded: Tensor, mask: Tensor? = nil, hook: (any TokenHook)? = nil, keepingStates: Bool = false
  ) throws -> (last: Tensor, states: [Tensor]) {
    let read = try AttentionBias.read(mask, batch: embedded.size(0), tokens: embedded.size(1))
    var states: [Tensor] = []
    let state = try stack(
      TokenState(embedded, mask: read.tokens), hook: hook,
      bias: { layer, state in
        let table = self.positions[self.configuration.positionsPerLayer ? layer : 0]
        let relative = try table(tokens: state.count, positions: state.positions)
        guard let finished = read.finished else { return relative }
        return finished.dataType == .bool ? try AttentionBias.joined(relative, finished) : try relative + finished
      }, isSharedByLayers: !configuration.positionsPerLayer,
      visit: { if keepingStates { states.append($0.features) } })
    let last = try norm(state.features)
    if keepingStates { states[states.count - 1] = last }
    return (last, states)
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown()
    guard options.greedy == nil else { throw TensorError.invalid("forward", "an encoder does not generate tokens") }
    let ids = try inputs.optional("input_ids", rank: 2, .int64)
    let given = try inputs.optional("inputs_embeds", rank: 3, words.weight.value.dataType)
    let mask = try inputs.optional("attention_mask")
    try inputs.demandAllTaken()
    guard (ids == nil) != (given == nil), let embedded = try given ?? ids.map({ try words($0) }) else {
      throw TensorError.invalid("forward", "exactly one of 'input_ids' and 'inputs_embeds' is expected")
    }
    guard embedded.size(2) == configuration.width else {
      throw TensorError.invalid(
        "forward", "'inputs_embeds' is \(embedded.summary): [batch, tokens, \(configuration.width)] is expected")
    }
    let (last, states) = try self(embedded: embedded, mask: mask, keepingStates: options.hiddenStates)
    var outputs = ["last_hidden_state": last]
    for (index, state) in states.enumerated() { outputs["hidden_states.\(index)"] = state }
    return outputs
  }
}
