import TesseraTensor

/// The shape of CLIP's text encoder; the keys are those of `config.json`, the defaults those of the reference.
public struct CLIPTextConfiguration: Codable, Sendable {
  /// Rows of the table of embeddings.
  public var vocabularySize = 49408
  /// Features of a token.
  public var width = 512
  /// What the MLP widens a token to.
  public var hiddenWidth = 2048
  /// How wide the space is that texts share with images.
  public var projectionWidth = 512
  /// How many layers there are.
  public var layers = 12
  /// How many heads an attention has.
  public var heads = 8
  /// How many tokens a text may have.
  public var positions = 77
  /// What stands between the two layers of the MLP.
  public var activation = Activation.quickGELU
  /// What keeps the norms from dividing by zero.
  public var epsilon = 1e-5
  /// The token whose state stands for the text. 2, the wrong number of the first published configurations, means: the highest token.
  public var endToken = 49407

  enum CodingKeys: String, CodingKey {
    case vocabularySize = "vocab_size"
    case width = "hidden_size"
    case hiddenWidth = "intermediate_size"
    case projectionWidth = "projection_dim"
    case layers = "num_hidden_layers"
    case heads = "num_attention_heads"
    case positions = "max_position_embeddings"
    case activation = "hidden_act"
    case epsilon = "layer_norm_eps"
    case endToken = "eos_token_id"
  }

  /// The reference's defaults.
  public init() {}

  /// - Throws: `ConfigurationError` naming the key whose value cannot be used.
  public init(from decoder: any Decoder) throws {
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    vocabularySize = try settings.setting(.vocabularySize, default: vocabularySize)
    width = try settings.setting(.width, default: width)
    hiddenWidth = try settings.setting(.hiddenWidth, default: hiddenWidth)
    projectionWidth = try settings.setting(.projectionWidth, default: projectionWidth)
    layers = try settings.setting(.layers, default: layers)
    heads = try settings.setting(.heads, default: heads)
    positions = try settings.setting(.positions, default: positions)
    activation = try settings.setting(.activation, default: activation)
    epsilon = try settings.setting(.epsilon, default: epsilon)
    if let listed = try? settings.decode([Int].self, forKey: .endToken) {
      endToken = listed.first ?? endToken
    } else {
      endToken = try settings.setting(.endToken, default: endToken)
    }
    try validate()
  }

  func validate() throws {
    try ConfigurationError.demandSizes([
      "vocab_size": vocabularySize, "hidden_size": width, "intermediate_size": hiddenWidth,
      "projection_dim": projectionWidth, "num_attention_heads": heads, "max_position_embeddings": positions,
    ])
    try ConfigurationError.demandCounts(["num_hidden_layers": layers])
    try ConfigurationError.demandMultiple("hidden_size", width, of: "num_attention_heads", heads)
    try ConfigurationError.demandEpsilon("layer_norm_eps", epsilon)
  }
}

/// The shape of CLIP's image encoder; the keys are those of `config.json`, the defaults those of the reference.
public struct CLIPVisionConfiguration: Codable, Sendable {
  /// Features of a token.
  public var width = 768
  /// What the MLP widens a token to.
  public var hiddenWidth = 3072
  /// How wide the space is that images share with texts.
  public var projectionWidth = 512
  /// How many layers there are.
  public var layers = 12
  /// How many heads an attention has.
  public var heads = 12
  /// Channels of an image.
  public var channels = 3
  /// Height and width of the images, in pixels.
  public var imageSize = 224
  /// Height and width of a patch, in pixels.
  public var patchSize = 32
  /// What stands between the two layers of the MLP.
  public var activation = Activation.quickGELU
  /// What keeps the norms from dividing by zero.
  public var epsilon = 1e-5

  enum CodingKeys: String, CodingKey {
    case width = "hidden_size"
    case hiddenWidth = "intermediate_size"
    case projectionWidth = "projection_dim"
    case layers = "num_hidden_layers"
    case heads = "num_attention_heads"
    case channels = "num_channels"
    case imageSize = "image_size"
    case patchSize = "patch_size"
    case activation = "hidden_act"
    case epsilon = "layer_norm_eps"
  }

  /// The reference's defaults.
  public init() {}

  /// What LLaVA's configurations mean where they say nothing: the large encoder at 336 pixels.
  public static var large336: CLIPVisionConfiguration {
    var large = CLIPVisionConfiguration()
    (large.width, large.hiddenWidth, large.layers, large.heads) = (1024, 4096, 24, 16)
    (large.imageSize, large.patchSize, large.projectionWidth) = (336, 14, 768)
    return large
  }

  /// - Throws: `ConfigurationError` naming the key whose value cannot be used.
  public init(from decoder: any Decoder) throws {
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    width = try settings.setting(.width, default: width)
    hiddenWidth = try settings.setting(.hiddenWidth, default: hiddenWidth)
    projectionWidth = try settings.setting(.projectionWidth, default: projectionWidth)
    layers = try settings.setting(.layers, default: layers)
    heads = try settings.setting(.heads, default: heads)
    channels = try settings.setting(.channels, default: channels)
    imageSize = try settings.setting(.imageSize, default: imageSize)
    patchSize = try settings.setting(.patchSize, default: patchSize)
    activation = try settings.setting(.activation, default: activation)
    epsilon = try settings.setting(.epsilon, default: epsilon)
    try validate()
  }

  func validate() throws {
    try ConfigurationError.demandSizes([
      "hidden_size": width, "intermediate_size": hiddenWidth, "projection_dim": projectionWidth,
      "num_attention_heads": heads, "num_channels": channels,
    ])
    try ConfigurationError.demandSizes(["image_size": imageSize, "patch_size": patchSize], limit: 1 << 16)
    try ConfigurationError.demandCounts(["num_hidden_layers": layers])
    try ConfigurationError.demandMultiple("hidden_size", width, of: "num_attention_heads", heads)
    try ConfigurationError.demandEpsilon("layer_norm_eps", epsilon)
    guard patchSize <= imageSize else {
      throw ConfigurationError("patch_size", "\(patchSize) is more than image_size, \(imageSize)")
    }
  }

  /// Patches along one side of an image.
  var grid: Int { imageSize / patchSize }
}

/// The shape of CLIP: two encoders and the space they share.
public struct CLIPConfiguration: Codable, Sendable {
  /// The text encoder.
  public var text = CLIPTextConfiguration()
  /// The image encoder.
  public var vision = CLIPVisionConfiguration()
  /// How wide the space is that texts and images share.
  public var projectionWidth = 512
  /// How many classes a classifier on top of the image encoder has.
  public var labels = 2

  enum CodingKeys: String, CodingKey {
    case text = "text_config"
    case vision = "vision_config"
    case oldText = "text_config_dict"
    case oldVision = "vision_config_dict"
    case projectionWidth = "projection_dim"
    case labels = "num_labels"
    case labelNames = "id2label"
  }

  /// The reference's defaults.
  public init() {}

  /// Reads the keys of `config.json`; what they leave out keeps its default.
  public init(from decoder: any Decoder) throws {
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    // Old configurations say both twice; what stands under the old name counts, with the defaults of what it leaves out.
    text = try settings.setting(.oldText, default: try settings.setting(.text, default: text))
    vision = try settings.setting(.oldVision, default: try settings.setting(.vision, default: vision))
    projectionWidth = try settings.setting(.projectionWidth, default: projectionWidth)
    let names = try settings.decodeIfPresent([String: JSONValue].self, forKey: .labelNames)
    labels = try names?.count ?? settings.setting(.labels, default: labels)
    try ConfigurationError.demandSizes(["projection_dim": projectionWidth])
    try ConfigurationError.demandCounts(["num_labels": labels], limit: 1 << 20)
  }

  /// Writes the keys of `config.json`.
  public func encode(to encoder: any Encoder) throws {
    var settings = encoder.container(keyedBy: CodingKeys.self)
    try settings.encode(text, forKey: .text)
    try settings.encode(vision, forKey: .vision)
    try settings.encode(projectionWidth, forKey: .projectionWidth)
    try settings.encode(labels, forKey: .labels)
  }
}
