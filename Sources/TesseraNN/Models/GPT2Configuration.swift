import TesseraTensor

/// The configuration of GPT-2. Defaults are those of the smallest published model.
public struct GPT2Configuration: Codable, Sendable, Equatable {
  /// Class names of the reference: the first known one decides whether there is a head.
  public var architectures: [String] = []
  /// Rows of the table of embeddings.
  public var vocabularySize = 50_257
  /// Rows of the table of positions: no text is longer.
  public var positions = 1024
  /// Features of a token.
  public var width = 768
  /// Blocks.
  public var layers = 12
  /// Heads of attention.
  public var heads = 12
  /// Width of the feed-forward part; nil: four times the width.
  public var innerWidth: Int?
  /// The activation of the feed-forward part, by its name.
  public var activation = "gelu_new"
  /// What the norms add to the variance.
  public var normEpsilon = 1e-5
  /// Whether the logits of attention are divided by the root of the heads' width.
  public var scalesAttention = true
  /// Whether they are divided by the layer's number, from 1, too.
  public var scalesAttentionByLayer = false
  /// Whether blocks read a second sequence.
  public var addsCrossAttention = false
  /// Whether the table of embeddings gives the logits.
  public var tiesEmbeddings = true
  /// Whether the reference reads with a cache unless told otherwise.
  public var usesCache = true
  /// The id that begins a text.
  public var beginOfText: Int? = 50_256
  /// Ids that end a text.
  public var endOfText = [50_256]
  /// The id that fills rows up.
  public var padding: Int?

  private enum CodingKeys: String, CodingKey {
    case modelType = "model_type"
    case architectures
    case vocabularySize = "vocab_size"
    case positions = "n_positions"
    case width = "n_embd"
    case layers = "n_layer"
    case heads = "n_head"
    case innerWidth = "n_inner"
    case activation = "activation_function"
    case normEpsilon = "layer_norm_epsilon"
    case scalesAttention = "scale_attn_weights"
    case scalesAttentionByLayer = "scale_attn_by_inverse_layer_idx"
    case addsCrossAttention = "add_cross_attention"
    case tiesEmbeddings = "tie_word_embeddings"
    case usesCache = "use_cache"
    case beginOfText = "bos_token_id"
    case endOfText = "eos_token_id"
    case padding = "pad_token_id"
  }

  /// The smallest published model.
  public init() {}

  /// Reads the keys of `config.json`.
  /// - Throws: `ConfigurationError` if a value cannot be used.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, _ target: inout Value) throws {
      if let value = try values.decodeIfPresent(Value.self, forKey: key) { target = value }
    }
    try read(.architectures, &architectures)
    try read(.vocabularySize, &vocabularySize)
    try read(.positions, &positions)
    try read(.width, &width)
    try read(.layers, &layers)
    try read(.heads, &heads)
    innerWidth = try values.decodeIfPresent(Int.self, forKey: .innerWidth)
    try read(.activation, &activation)
    try read(.normEpsilon, &normEpsilon)
    try read(.scalesAttention, &scalesAttention)
    try read(.scalesAttentionByLayer, &scalesAttentionByLayer)
    try read(.addsCrossAttention, &addsCrossAttention)
    try read(.tiesEmbeddings, &tiesEmbeddings)
    try read(.usesCache, &usesCache)
    if values.contains(.beginOfText) { beginOfText = try values.decodeIfPresent(Int.self, forKey: .beginOfText) }
    if values.contains(.endOfText) {
      endOfText = try values.decodeIfPresent(OneOrMany.self, forKey: .endOfText)?.values ?? []
    }
    padding = try values.decodeIfPresent(Int.self, forKey: .padding)
    try validate()
  }

  /// Writes the keys of `config.json`.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode("gpt2", forKey: .modelType)
    try values.encode(architectures, forKey: .architectures)
    try values.encode(vocabularySize, forKey: .vocabularySize)
    try values.encode(positions, forKey: .positions)
    try values.encode(width, forKey: .width)
    try values.encode(layers, forKey: .layers)
    try values.encode(heads, forKey: .heads)
    try values.encode(innerWidth, forKey: .innerWidth)
    try values.encode(activation, forKey: .activation)
    try values.encode(normEpsilon, forKey: .normEpsilon)
    try values.encode(scalesAttention, forKey: .scalesAttention)
    try values.encode(scalesAttentionByLayer, forKey: .scalesAttentionByLayer)
    try values.encode(addsCrossAttention, forKey: .addsCrossAttention)
    try values.encode(tiesEmbeddings, forKey: .tiesEmbeddings)
    try values.encode(usesCache, forKey: .usesCache)
    try values.encode(beginOfText, forKey: .beginOfText)
    try values.encode(OneOrMany(endOfText), forKey: .endOfText)
    try values.encode(padding, forKey: .padding)
  }

  /// - Throws: `ConfigurationError` naming the key that cannot be used.
  public func validate() throws {
    try ConfigurationError.demandSizes([
      "vocab_size": vocabularySize, "n_positions": positions, "n_embd": width, "n_head": heads,
      "n_inner": innerWidth ?? 1,
    ])
    try ConfigurationError.demandSizes(["n_layer": layers], limit: 1 << 16)
    try ConfigurationError.demandMultiple("n_embd", width, of: "n_head", heads)
    guard normEpsilon >= 0, normEpsilon.isFinite else {
      throw ConfigurationError("layer_norm_epsilon", "\(normEpsilon) is no small positive number")
    }
    guard Activation(rawValue: activation) != nil else {
      throw ConfigurationError("activation_function", "the activation '\(activation)' is not known")
    }
  }
}
