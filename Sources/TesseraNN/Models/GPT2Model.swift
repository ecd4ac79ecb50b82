import TesseraTensor

/// GPT-2: a decoder with learned positions and layer norms.
///
///     let model = try GPT2Model(folder: "gpt2")
///     for try await piece in model.generate("Once upon a time", maxTokens: 64) { print(piece, terminator: "") }
///
/// Paper: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners". Keys and names are those of transformers, with or
/// without the prefix `transformer.`; the causal masks that the first checkpoints carried are left out.
public final class GPT2Model: Module, DecoderModel {
  /// Names in configurations that mean this model.
  public static let architectures = ["GPT2LMHeadModel", "GPT2Model", "gpt2"]

  /// What the model was made from.
  public let configuration: GPT2Configuration
  /// Vectors of the tokens.
  public let embedding: Embedding
  /// Vectors of the positions.
  public let positionEmbedding: Embedding
  /// From the first to the last.
  public let blocks: [GPT2Block]
  /// What follows the last block.
  public let norm: LayerNorm
  /// Logits from hidden states; nil: the table of embeddings does it, or there is no head.
  public let head: Linear?
  /// False for folders of the bare decoder: it has no logits.
  public let hasHead: Bool
  /// Where the tokenizer is.
  public var source: TextSource?

  /// A model with parameters from a scope; the decoder stands under `transformer` if there is a head.
  public init(_ configuration: GPT2Configuration, hasHead: Bool = true, _ scope: Scope) throws {
    try configuration.validate()
    (self.configuration, self.hasHead) = (configuration, hasHead)
    let trunk = hasHead ? scope / "transformer" : scope
    embedding = try Embedding(configuration.vocabularySize, configuration.width, trunk / "wte")
    positionEmbedding = try Embedding(configuration.positions, configuration.width, trunk / "wpe")
    blocks = try (0..<configuration.layers).map { try GPT2Block(configuration, layer: $0, trunk / "h" / $0) }
    norm = try LayerNorm(configuration.width, epsilon: configuration.normEpsilon, trunk / "ln_f")
    // A head of its own in the file wins over the configuration.
    let isTied = configuration.tiesEmbeddings && (scope.isRandom || !scope.contains("lm_head.weight"))
    head =
      hasHead && !isTied
      ? try Linear(
        configuration.width, configuration.vocabularySize, bias: false, scope / "lm_head", initialization: .normal(0.02)
      )
      : nil
    super.init(scope)
  }

  /// Reads a folder of the hub.
  /// - Throws: `CheckpointError` naming the file and the key.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration: GPT2Configuration = try folder.configuration()
    let checkpoint = try folder.checkpoint()
    let hasHead = try folder.readsHead(
      configuration.architectures, known: Self.architectures, checkpoint, tied: configuration.tiesEmbeddings)
    let named = checkpoint.renamed { key in
      if key.hasSuffix(".attn.bias") || key.hasSuffix(".attn.masked_bias") { return nil }
      let plain = key.hasPrefix("transformer.") ? String(key.dropFirst(12)) : key
      return hasHead && !plain.hasPrefix("lm_head.") ? "transformer." + plain : plain
    }
    try self.init(configuration, hasHead: hasHead, options.store(named).root)
    source = try TextSource(folder)
  }

  // MARK: DecoderModel

  /// All parameters.
  public var store: ParameterStore { scope.store }
  /// Features of a token.
  public var width: Int { configuration.width }
  /// Rows of the table of embeddings.
  public var vocabularySize: Int { configuration.vocabularySize }
  /// Ids that end a text: by the folder's generation settings, or else by the configuration.
  public var endOfText: [Int] { source?.endOfText ?? configuration.endOfText }
  /// Whether the reference reads with a cache unless told otherwise.
  public var usesCache: Bool { configuration.usesCache }
  /// The blocks, for loops that work with every decoder.
  public var decoderBlocks: [any DecoderBlock] { blocks }

  /// A cache for a new text.
  public func makeCache() -> KeyValueCache { KeyValueCache(layers: configuration.layers) }

  /// Embeds the tokens and prepares what all blocks share.
  public func begin(
    _ input: TextInput, cache: KeyValueCache?, hooks: [any DecoderHook]
  ) throws -> (hidden: Tensor, pass: DecoderPass) {
    let positions = try positions(of: input, cache)
    let (batch, count) = try input.size(width: width)
    if input.positions == nil, (cache?.length ?? 0) + count > configuration.positions {
      throw TensorError.invalid(
        "input_ids",
        "\((cache?.length ?? 0) + count) tokens are more than the model's \(configuration.positions) positions")
    }
    var hidden =
      try input.embeddings ?? input.tokens.map { try embedding($0) }
      ?? { throw TensorError.invalid("input_ids", "missing") }()
    hidden = try hidden + positionEmbedding(positions)
    if let types = input.types {
      guard types.shape == [batch, count] else {
        throw TensorError.invalid("token_type_ids", "[\(batch), \(count)] is expected, not \(types.summary)")
      }
      hidden = try hidden + embedding(types)
    }
    let context = try input.context.map { ($0.states, try contextMask($0.states, $0.mask, batch)) }
    return (hidden, DecoderPass(positions: positions, mask: input.mask, context: context, cache: cache, hooks: hooks))
  }

  private func contextMask(_ states: Tensor, _ mask: Tensor?, _ batch: Int) throws -> AttentionMask {
    guard configuration.addsCrossAttention else {
      throw TensorError.invalid("encoder_hidden_states", "the model has no cross-attention (add_cross_attention)")
    }
    guard states.rank == 3, states.size(0) == batch, states.size(1) > 0, states.size(2) == width else {
      throw TensorError.invalid(
        "encoder_hidden_states", "[\(batch), length, \(width)] is expected, not \(states.summary)")
    }
    guard let mask else { return .full }
    guard mask.shape == [batch, states.size(1)] else {
      throw TensorError.invalid(
        "encoder_attention_mask", "[\(batch), \(states.size(1))] is expected, not \(mask.summary)")
    }
    return .explicit(try mask.unsqueezed(1).unsqueezed(1))
  }

  /// The final norm.
  public func finish(_ hidden: Tensor) throws -> Tensor { try norm(hidden) }

  /// Logits by the head, or by the table of embeddings where they are tied.
  public func logits(_ hidden: Tensor) throws -> Tensor {
    guard hasHead else { throw TensorError.invalid("logits", "this model is the decoder alone: it has no head") }
    return try head.map { try $0(hidden) } ?? hidden.linear(embedding.weight.value)
  }

  /// Takes `token_type_ids`, `encoder_hidden_states` and `encoder_attention_mask`.
  public func readExtras(_ inputs: NamedTensors, into input: inout TextInput) throws {
    input.types = try inputs.wholeNumbers("token_type_ids", rank: 2)
    let mask = try inputs.optional("encoder_attention_mask", rank: 2, .bool)
    if let states = try inputs.optional("encoder_hidden_states", rank: 3, store.dataType) {
      input.context = (states, mask)
    }
  }
}
