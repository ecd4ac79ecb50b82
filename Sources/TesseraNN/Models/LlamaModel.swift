import TesseraTensor

/// Llama 2 and 3, Mistral, Qwen2 and Qwen3: decoders with rotary positions, root-mean-square norms and gated feed-forward parts.
///
///     let model = try LlamaModel(folder: "llama-3.2-1b")
///     for try await piece in model.generate("Once upon a time", maxTokens: 64) { print(piece, terminator: "") }
///
///     let logits = try model(tokens)                    // [batch, tokens, vocabulary]
///
/// Papers: Touvron et al. 2023, "Llama 2"; Jiang et al. 2023, "Mistral 7B"; Yang et al. 2024, "Qwen2"; Yang et al. 2025, "Qwen3".
/// Keys and names are those of transformers, with or without the prefix `model.`.
public final class LlamaModel: Module, DecoderModel {
  /// Names in configurations that mean this model.
  public static let architectures = [
    "LlamaForCausalLM", "LlamaModel", "MistralForCausalLM", "MistralModel", "Qwen2ForCausalLM", "Qwen2Model",
    "Qwen3ForCausalLM",
    "Qwen3Model", "llama", "mistral", "qwen2", "qwen3",
  ]

  /// What the model was made from.
  public let configuration: LlamaConfiguration
  /// Vectors of the tokens.
  public let embedding: Embedding
  /// From the first to the last.
  public let blocks: [LlamaBlock]
  /// What follows the last block.
  public let norm: RMSNorm
  /// Logits from hidden states; nil: the table of embeddings does it, or there is no head.
  public let head: Linear?
  /// False for folders of the bare decoder: it has no logits.
  public let hasHead: Bool
  /// Turns queries and keys.
  public let rotary: RotaryEmbedding
  /// Where the tokenizer is.
  public var source: TextSource?

  /// A model with parameters from a scope; the decoder stands under `model` if there is a head.
  public init(_ configuration: LlamaConfiguration, hasHead: Bool = true, _ scope: Scope) throws {
    try configuration.validate()
    (self.configuration, self.hasHead) = (configuration, hasHead)
    rotary = try configuration.rotaryEmbedding()
    let trunk = hasHead ? scope / "model" : scope
    embedding = try Embedding(configuration.vocabularySize, configuration.hiddenSize, trunk / "embed_tokens")
    blocks = try (0..<configuration.layers).map { try LlamaBlock(configuration, layer: $0, trunk / "layers" / $0) }
    norm = try RMSNorm(configuration.hiddenSize, epsilon: configuration.normEpsilon, trunk / "norm")
    // A head of its own in the file wins over the configuration.
    let isTied = configuration.tiesEmbeddings && (scope.isRandom || !scope.contains("lm_head.weight"))
    head =
      hasHead && !isTied
      ? try Linear(
        configuration.hiddenSize, configuration.vocabularySize, bias: false, scope / "lm_head",
        initialization: .normal(0.02))
      : nil
    super.init(scope)
  }

  /// Reads a folder of the hub.
  /// - Throws: `CheckpointError` naming the file and the key.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration: LlamaConfiguration = try folder.configuration()
    let checkpoint = try folder.checkpoint()
    let hasHead = try folder.readsHead(
      configuration.architectures, known: Self.architectures, checkpoint, tied: configuration.tiesEmbeddings)
    let named = checkpoint.renamed { key in
      if key.hasSuffix("rotary_emb.inv_freq") { return nil }
      let plain = key.hasPrefix("model.") ? String(key.dropFirst(6)) : key
      return hasHead && !plain.hasPrefix("lm_head.") ? "model." + plain : plain
    }
    _ = try folder.naming { try configuration.rotaryEmbedding() }
    try self.init(configuration, hasHead: hasHead, options.store(named).root)
    source = try TextSource(folder)
  }

  // MARK: DecoderModel

  /// All parameters.
  public var store: ParameterStore { scope.store }
  /// Features of a token.
  public var width: Int { configuration.hiddenSize }
  /// Rows of the table of embeddings.
  public var vocabularySize: Int { configuration.vocabularySize }
  /// Ids that end a text: by the folder's generation settings, or else by the configuration.
  public var endOfText: [Int] { source?.endOfText ?? configuration.endOfText }
  /// Whether the reference reads with a cache unless told otherwise.
  public var usesCache: Bool { configuration.usesCache }
  /// The blocks, for loops that work with every decoder.
  public var decoderBlocks: [any DecoderBlock] { blocks }

  /// A cache for a new text.
  public func makeCache() -> KeyValueCache { KeyValueCache(windows: configuration.windows) }

  /// Embeds the tokens and prepares what all blocks share.
  public func begin(
    _ input: TextInput, cache: KeyValueCache?, hooks: [any DecoderHook]
  ) throws -> (hidden: Tensor, pass: DecoderPass) {
    let positions = try positions(of: input, cache)
    let hidden =
      try input.embeddings ?? input.tokens.map { try embedding($0) }
      ?? { throw TensorError.invalid("input_ids", "missing") }()
    let pass = DecoderPass(
      positions: positions, rotary: try rotary(positions, hidden.dataType), mask: input.mask, cache: cache, hooks: hooks
    )
    return (hidden, pass)
  }

  /// The final norm.
  public func finish(_ hidden: Tensor) throws -> Tensor { try norm(hidden) }

  /// Logits by the head, or by the table of embeddings where they are tied.
  public func logits(_ hidden: Tensor) throws -> Tensor {
    guard hasHead else { throw TensorError.invalid("logits", "this model is the decoder alone: it has no head") }
    return try head.map { try $0(hidden) } ?? hidden.linear(embedding.weight.value)
  }
}
