import TesseraTensor

/// The configuration of Llama and the decoders that differ from it in a few switches: Mistral, Qwen2, Qwen3.
///
/// Defaults are those of the family that `modelType` names, as its reference implementation sets them.
public struct LlamaConfiguration: Codable, Sendable, Equatable {
  /// Which reference's defaults and switches hold.
  public enum Family: String, Codable, Sendable, CaseIterable { case llama, mistral, qwen2, qwen3 }
  /// What a layer sees.
  public enum LayerType: String, Codable, Sendable {
    case full = "full_attention"
    case sliding = "sliding_attention"
  }

  /// Whose defaults and switches hold.
  public var modelType: Family
  /// Class names of the reference: the first known one decides whether there is a head.
  public var architectures: [String]
  /// Rows of the table of embeddings.
  public var vocabularySize: Int
  /// Features of a token.
  public var hiddenSize: Int
  /// Features inside the feed-forward part.
  public var intermediateSize: Int
  /// Blocks.
  public var layers: Int
  /// Heads of the queries.
  public var heads: Int
  /// Heads of the keys and values; the heads of the queries are a multiple.
  public var keyValueHeads: Int
  /// Width of a head; nil: hidden size / heads.
  public var headSize: Int?
  /// The activation of the gate, by its name.
  public var activation: String
  /// Positions that the model is made for; dynamic scaling begins behind them.
  public var maxPositions: Int
  /// What the norms add to the mean square.
  public var normEpsilon: Double
  /// Whether the table of embeddings gives the logits.
  public var tiesEmbeddings: Bool
  /// Llama and Qwen3: biases of the four projections. Qwen2 has three of them, Mistral none.
  public var attentionBias: Bool
  /// Llama only.
  public var mlpBias: Bool
  /// Qwen: whether `slidingWindow` counts.
  public var usesSlidingWindow: Bool
  /// How many tokens one sees, itself included; nil: all.
  public var slidingWindow: Int?
  /// Qwen: layers from this one on have the window.
  public var maxWindowLayers: Int
  /// Qwen: what every layer sees, instead of `maxWindowLayers`.
  public var layerTypes: [LayerType]?
  /// Rotary positions and their scaling.
  public var rotary: RotaryParameters
  /// Positions of the training, where they stand outside of the rotary parameters.
  public var originalMaxPositions: Int?
  /// Whether the reference reads with a cache unless told otherwise.
  public var usesCache: Bool
  /// The id that begins a text.
  public var beginOfText: Int?
  /// Ids that end a text.
  public var endOfText: [Int]
  /// The id that fills rows up.
  public var padding: Int?

  private enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case architectures
    case vocabularySize = "vocab_size"
    case hiddenSize = "hidden_size"
    case intermediateSize = "intermediate_size"
    case layers = "num_hidden_layers"
    case heads = "num_attention_heads"
    case keyValueHeads = "num_key_value_heads"
    case headSize = "head_dim"
    case activation = "hidden_act"
    case maxPositions = "max_position_embeddings"
    case normEpsilon = "rms_norm_eps"
    case tiesEmbeddings = "tie_word_embeddings"
    case attentionBias = "attention_bias"
    case mlpBias = "mlp_bias"
    case usesSlidingWindow = "use_sliding_window"
    case slidingWindow = "sliding_window"
    case maxWindowLayers = "max_window_layers"
    case layerTypes = "layer_types"
    case ropeParameters = "rope_parameters"
    case ropeScaling = "rope_scaling"
    case ropeTheta = "rope_theta"
    case partialRotaryFactor = "partial_rotary_factor"
    case originalMaxPositions = "original_max_position_embeddings"
    case usesCache = "use_cache"
    case beginOfText = "bos_token_id"
    case endOfText = "eos_token_id"
    case padding = "pad_token_id"
  }

  /// The reference's defaults of a family: a model of some billion parameters.
  public init(_ family: Family = .llama) {
    let isQwen = family == .qwen2 || family == .qwen3
    modelType = family
    architectures = []
    vocabularySize = isQwen ? 151_936 : 32_000
    hiddenSize = 4096
    intermediateSize = isQwen ? 22_016 : family == .mistral ? 14_336 : 11_008
    (layers, heads, keyValueHeads) = (32, 32, family == .mistral ? 8 : 32)
    headSize = family == .qwen3 ? 128 : nil
    activation = "silu"
    maxPositions = isQwen ? 32_768 : family == .mistral ? 131_072 : 2048
    normEpsilon = 1e-6
    (tiesEmbeddings, attentionBias, mlpBias) = (false, false, false)
    (usesSlidingWindow, slidingWindow, maxWindowLayers) = (false, family == .llama ? nil : 4096, 28)
    rotary = RotaryParameters(theta: 10_000)
    usesCache = true
    (beginOfText, endOfText) = isQwen ? (nil, []) : (1, [2])
  }

  /// Reads the keys of `config.json`, older names included.
  /// - Throws: `ConfigurationError` if a value cannot be used.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(try values.decodeIfPresent(Family.self, forKey: .modelType) ?? .llama)
    func read<Value: Decodable>(_ key: CodingKeys, _ target: inout Value) throws {
      if let value = try values.decodeIfPresent(Value.self, forKey: key) { target = value }
    }
    /// A null takes the value away, an absent key leaves the default.
    func readOptional<Value: Decodable>(_ key: CodingKeys, _ target: inout Value?) throws {
      if values.contains(key) { target = try values.decodeIfPresent(Value.self, forKey: key) }
    }
    try read(.architectures, &architectures)
    try read(.vocabularySize, &vocabularySize)
    try read(.hiddenSize, &hiddenSize)
    try read(.intermediateSize, &intermediateSize)
    try read(.layers, &layers)
    try read(.heads, &heads)
    // Absent, Llama has as many as heads; the others have a number of their own.
    keyValueHeads =
      try values.decodeIfPresent(Int.self, forKey: .keyValueHeads)
      ?? (modelType == .llama || values.contains(.keyValueHeads) ? heads : keyValueHeads)
    try readOptional(.headSize, &headSize)
    try read(.activation, &activation)
    try read(.maxPositions, &maxPositions)
    try read(.normEpsilon, &normEpsilon)
    try read(.tiesEmbeddings, &tiesEmbeddings)
    try read(.attentionBias, &attentionBias)
    try read(.mlpBias, &mlpBias)
    try read(.usesSlidingWindow, &usesSlidingWindow)
    try readOptional(.slidingWindow, &slidingWindow)
    try read(.maxWindowLayers, &maxWindowLayers)
    try readOptional(.layerTypes, &layerTypes)
    try readOptional(.originalMaxPositions, &originalMaxPositions)
    try read(.usesCache, &usesCache)
    try readOptional(.beginOfText, &beginOfText)
    try readOptional(.padding, &padding)
    if values.contains(.endOfText) {
      endOfText = try values.decodeIfPresent(OneOrMany.self, forKey: .endOfText)?.values ?? []
    }
    rotary =
      try values.decodeIfPresent(RotaryParameters.self, forKey: .ropeScaling)
      ?? values.decodeIfPresent(RotaryParameters.self, forKey: .ropeParameters) ?? RotaryParameters()
    rotary.theta = try rotary.theta ?? values.decodeIfPresent(Double.self, forKey: .ropeTheta) ?? 10_000
    rotary.partialRotaryFactor =
      try rotary.partialRotaryFactor ?? values.decodeIfPresent(Double.self, forKey: .partialRotaryFactor)
    try validate()
  }

  /// Writes the keys of `config.json`, the newer names.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(modelType, forKey: .modelType)
    try values.encode(architectures, forKey: .architectures)
    try values.encode(vocabularySize, forKey: .vocabularySize)
    try values.encode(hiddenSize, forKey: .hiddenSize)
    try values.encode(intermediateSize, forKey: .intermediateSize)
    try values.encode(layers, forKey: .layers)
    try values.encode(heads, forKey: .heads)
    try values.encode(keyValueHeads, forKey: .keyValueHeads)
    try values.encode(headSize, forKey: .headSize)
    try values.encode(activation, forKey: .activation)
    try values.encode(maxPositions, forKey: .maxPositions)
    try values.encode(normEpsilon, forKey: .normEpsilon)
    try values.encode(tiesEmbeddings, forKey: .tiesEmbeddings)
    try values.encode(attentionBias, forKey: .attentionBias)
    try values.encode(mlpBias, forKey: .mlpBias)
    try values.encode(usesSlidingWindow, forKey: .usesSlidingWindow)
    try values.encode(slidingWindow, forKey: .slidingWindow)
    try values.encode(maxWindowLayers, forKey: .maxWindowLayers)
    try values.encodeIfPresent(layerTypes, forKey: .layerTypes)
    try values.encode(rotary, forKey: .ropeParameters)
    try values.encodeIfPresent(originalMaxPositions, forKey: .originalMaxPositions)
    try values.encode(usesCache, forKey: .usesCache)
    try values.encode(beginOfText, forKey: .beginOfText)
    try values.encode(OneOrMany(endOfText), forKey: .endOfText)
    try values.encode(padding, forKey: .padding)
  }

  /// The width of a head.
  public var headWidth: Int { headSize ?? (heads > 0 ? hiddenSize / heads : 0) }

  /// How many tokens a token of every layer sees, itself included; nil: all.
  public var windows: [Int?] {
    switch modelType {
    case .llama: return Array(repeating: nil, count: layers)
    case .mistral: return Array(repeating: slidingWindow, count: layers)
    case .qwen2, .qwen3:
      guard usesSlidingWindow, let slidingWindow else { return Array(repeating: nil, count: layers) }
      return (0..<layers).map { layer in
        layerTypes.map { $0[layer] == .sliding } ?? (layer >= maxWindowLayers) ? slidingWindow : nil
      }
    }
  }

  /// The rotary embedding of the heads.
  /// - Throws: `ConfigurationError` if its parameters are incomplete or out of range.
  public func rotaryEmbedding() throws -> RotaryEmbedding {
    do {
      return try rotary.embedding(headWidth: headWidth, maxPositions: maxPositions, original: originalMaxPositions)
    } catch TensorError.invalid(_, let reason) {
      throw ConfigurationError("rope_parameters", reason)
    }
  }

  /// Which projections of attention have biases: queries, keys and values, and the output.
  var biases: (input: Bool, output: Bool) {
    switch modelType {
    case .llama, .qwen3: (attentionBias, attentionBias)
    case .qwen2: (true, false)
    case .mistral: (false, false)
    }
  }

  /// - Throws: `ConfigurationError` naming the key that cannot be used.
  public func validate() throws {
    try ConfigurationError.demandSizes([
      "vocab_size": vocabularySize, "hidden_size": hiddenSize, "intermediate_size": intermediateSize,
      "num_attention_heads": heads, "num_key_value_heads": keyValueHeads, "head_dim": headSize ?? 1,
    ])
    try ConfigurationError.demandSizes(["num_hidden_layers": layers], limit: 1 << 16)
    try ConfigurationError.demandSizes(
      [
        "max_position_embeddings": maxPositions, "sliding_window": slidingWindow ?? 1,
        "original_max_position_embeddings": originalMaxPositions ?? 1,
      ], limit: 1 << 40)
    if headSize == nil {
      try ConfigurationError.demandMultiple("hidden_size", hiddenSize, of: "num_attention_heads", heads)
    }
    try ConfigurationError.demandMultiple("num_attention_heads", heads, of: "num_key_value_heads", keyValueHeads)
    guard headWidth % 2 == 0 else {
      throw ConfigurationError("head_dim", "rotary positions need an even width of heads, not \(headWidth)")
    }
    guard normEpsilon >= 0, normEpsilon.isFinite else {
      throw ConfigurationError("rms_norm_eps", "\(normEpsilon) is no small positive number")
    }
    guard Activation(rawValue: activation) != nil else {
      throw ConfigurationError("hidden_act", "the activation '\(activation)' is not known")
    }
    if modelType == .qwen2 || modelType == .qwen3, let layerTypes {
      guard layerTypes.count == layers else {
        throw ConfigurationError("layer_types", "\(layerTypes.count) types for \(layers) layers")
      }
      guard !layerTypes.contains(.sliding) || (usesSlidingWindow && slidingWindow != nil) else {
        throw ConfigurationError("layer_types", "a layer is sliding_attention, and no sliding_window is in use")
      }
    }
  }
}

/// A number, or a list of numbers where a configuration may have either.
struct OneOrMany: Codable {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let one = try? container.decode(Int.self) {
      values = [one]
    } else {
      values = try container.decode([Int].self)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if values.isEmpty {
      try container.encodeNil()
    } else if values.count == 1 {
      try container.encode(values[0])
    } else {
      try container.encode(values)
    }
  }
}
