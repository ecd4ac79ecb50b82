import TesseraTensor

/// The shape of Stable Diffusion 3's transformer, by diffusers' settings.
public struct StableDiffusion3Configuration: Codable, Sendable, Equatable {
  /// Side of the latent picture that the positions are scaled to.
  public var sampleSize = 128
  /// Side of a patch.
  public var patch = 2
  /// Channels of the latent picture.
  public var channels = 16
  /// Channels of the output.
  public var outputChannels = 16
  /// How many blocks there are.
  public var layers = 18
  /// Heads of the attention; their channels together are the width.
  public var heads = 18
  /// Channels of a head.
  public var headWidth = 64
  /// Channels of the text's features.
  public var textWidth = 4096
  /// Channels of the text's one vector.
  public var pooledWidth = 2048
  /// Side of the table of positions from whose middle a picture's are cut; nil: they are scaled to the picture.
  public var positionTable: Int? = 96
  /// Blocks in which the picture's tokens also attend to themselves alone (3.5).
  public var dualLayers: [Int] = []
  /// The normalization of queries and keys (3.5: rms).
  public var queryKeyNorm: QueryKeyNorm?

  /// Channels of a token.
  public var width: Int { heads * headWidth }

  /// The defaults of the reference.
  public init() {}

  /// Checks every size before anything is allocated.
  /// - Throws: `ConfigurationError` naming the setting
  public func validate() throws {
    try ConfigurationError.demandSizes([
      "num_attention_heads": heads, "attention_head_dim": headWidth, "joint_attention_dim": textWidth,
      "pooled_projection_dim": pooledWidth,
    ])
    try ConfigurationError.demandSizes(
      [
        "num_layers": layers, "in_channels": channels, "out_channels": outputChannels, "sample_size": sampleSize,
        "pos_embed_max_size": positionTable ?? 1,
      ], limit: 1 << 16)
    try ConfigurationError.demandSizes(["patch_size": patch], limit: 1 << 10)
    try ConfigurationError.demandSizes(["num_attention_heads x attention_head_dim": width])
    try ConfigurationError.demandMultiple(
      "num_attention_heads x attention_head_dim", width, of: "the parts of a position", 4)
    guard sampleSize >= patch else {
      throw ConfigurationError("sample_size", "\(sampleSize) is smaller than a patch of \(patch)")
    }
  }

  /// Reads the settings by the names of their files, with the defaults of the reference.
  public init(from decoder: any Decoder) throws {
    let settings = try DiffusersSettings(decoder)
    self.init()
    sampleSize = try settings.value("sample_size", sampleSize)
    patch = try settings.value("patch_size", patch)
    channels = try settings.value("in_channels", channels)
    outputChannels = try settings.nullable("out_channels", outputChannels) ?? channels
    layers = try settings.value("num_layers", layers)
    heads = try settings.value("num_attention_heads", heads)
    headWidth = try settings.value("attention_head_dim", headWidth)
    textWidth = try settings.value("joint_attention_dim", textWidth)
    pooledWidth = try settings.value("pooled_projection_dim", pooledWidth)
    positionTable = try settings.nullable("pos_embed_max_size", positionTable)
    dualLayers = try settings.value("dual_attention_layers", dualLayers)
    if let name: String = try settings.nullable("qk_norm", nil) {
      guard let norm = QueryKeyNorm(rawValue: name) else {
        throw ConfigurationError("qk_norm", "'\(name)' is not rms_norm, layer_norm or fp32_layer_norm")
      }
      queryKeyNorm = norm
    }
    try validate()
    let projected = try settings.value("caption_projection_dim", 1152)
    guard projected == width else {
      throw ConfigurationError("caption_projection_dim", "\(projected) is not the width of a token, \(width)")
    }
  }

  /// Writes the settings by the names of the files that they are read from.
  public func encode(to encoder: any Encoder) throws {
    try DiffusersSettings.encode(
      [
        "_class_name": .string("SD3Transformer2DModel"), "sample_size": .integer(sampleSize),
        "patch_size": .integer(patch),
        "in_channels": .integer(channels), "out_channels": .integer(outputChannels), "num_layers": .integer(layers),
        "num_attention_heads": .integer(heads), "attention_head_dim": .integer(headWidth),
        "joint_attention_dim": .integer(textWidth),
        "caption_projection_dim": .integer(width), "pooled_projection_dim": .integer(pooledWidth),
        "pos_embed_max_size": .optional(positionTable),
        "dual_attention_layers": .array(dualLayers.map { .integer($0) }),
        "qk_norm": .optional(queryKeyNorm?.rawValue),
      ], to: encoder)
  }
}
