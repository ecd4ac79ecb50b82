import TesseraTensor

/// The shape of a PixArt-alpha or PixArt-Sigma, by diffusers' settings.
public struct PixArtConfiguration: Codable, Sendable, Equatable {
  /// Heads of the attention; their channels together are the width.
  public var heads = 16
  /// Channels of a head.
  public var headWidth = 72
  /// How many blocks there are.
  public var layers = 28
  /// Channels of the latent picture.
  public var channels = 4
  /// Channels of the output: twice as many where the variance is learned.
  public var outputChannels = 8
  /// Side of the latent picture that the model was trained for.
  public var sampleSize = 128
  /// Side of a patch.
  public var patch = 2
  /// Channels of what cross-attention reads; nil: there is no cross-attention.
  public var textWidth: Int? = 1152
  /// Channels of the text's features before they are projected; nil: they come as they are.
  public var captionChannels: Int?
  /// True if the size and the shape of the picture are conditions, too; nil: at a sample size of 128.
  public var sizeConditions: Bool?
  /// Divides the coordinates of positions; nil: sample size / 64, at least 1.
  public var interpolation: Double?
  /// The activation of the feed-forward parts.
  public var activation = DiffusionFeedForward.Kind.geluApproximate
  /// Biases of queries, keys and values.
  public var attentionBias = true
  /// The norms of the blocks have weights.
  public var affineNorm = false
  /// Epsilon of the norms of the blocks.
  public var epsilon = 1e-6

  /// Channels of a token.
  public var width: Int { heads * headWidth }
  /// Whether the size and the shape of the picture are conditions.
  public var usesSizeConditions: Bool { sizeConditions ?? (sampleSize == 128) }
  /// What divides the coordinates of positions.
  public var interpolationScale: Double { interpolation ?? Double(max(sampleSize / 64, 1)) }

  /// The defaults of the reference.
  public init() {}

  /// Multiply-adds of one forward pass for one picture, without the ends.
  /// - Parameter text: tokens of the text
  public func multiplyAdds(rows: Int, columns: Int, text: Int) -> Int {
    layers * DiffusionCost.block(tokens: rows * columns, width: width, text: textWidth == nil ? 0 : text)
  }

  /// Checks every size before anything is allocated.
  /// - Throws: `ConfigurationError` naming the setting
  public func validate() throws {
    try ConfigurationError.demandSizes([
      "num_attention_heads": heads, "attention_head_dim": headWidth, "cross_attention_dim": textWidth ?? 1,
      "caption_channels": captionChannels ?? 1,
    ])
    try ConfigurationError.demandSizes(
      ["num_layers": layers, "in_channels": channels, "out_channels": outputChannels, "sample_size": sampleSize],
      limit: 1 << 16)
    try ConfigurationError.demandSizes(["patch_size": patch], limit: 1 << 10)
    try ConfigurationError.demandSizes(["num_attention_heads x attention_head_dim": width])
    try ConfigurationError.demandMultiple(
      "num_attention_heads x attention_head_dim", width, of: "the parts of a position", 4)
    if usesSizeConditions {
      try ConfigurationError.demandMultiple(
        "num_attention_heads x attention_head_dim", width, of: "the parts of the size conditions", 3)
    }
    if captionChannels != nil, let textWidth, textWidth != width {
      throw ConfigurationError("cross_attention_dim", "projected captions have \(width) channels, not \(textWidth)")
    }
    guard interpolationScale.isFinite, interpolationScale > 0 else {
      throw ConfigurationError("interpolation_scale", "\(interpolationScale) is not positive")
    }
    guard sampleSize >= patch else {
      throw ConfigurationError("sample_size", "\(sampleSize) is smaller than a patch of \(patch)")
    }
    guard epsilon.isFinite, epsilon >= 0 else { throw ConfigurationError("norm_eps", "\(epsilon) is no small number") }
  }

  /// Reads the settings by the names of their files, with the defaults of the reference.
  public init(from decoder: any Decoder) throws {
    let settings = try DiffusersSettings(decoder)
    self.init()
    heads = try settings.value("num_attention_heads", heads)
    headWidth = try settings.value("attention_head_dim", headWidth)
    layers = try settings.value("num_layers", layers)
    channels = try settings.value("in_channels", channels)
    outputChannels = try settings.nullable("out_channels", outputChannels) ?? channels
    sampleSize = try settings.value("sample_size", sampleSize)
    patch = try settings.value("patch_size", patch)
    textWidth = try settings.nullable("cross_attention_dim", textWidth)
    captionChannels = try settings.nullable("caption_channels", nil)
    sizeConditions = try settings.nullable("use_additional_conditions", nil)
    interpolation = try settings.nullable("interpolation_scale", nil)
    activation = try settings.name("activation_fn", activation)
    attentionBias = try settings.value("attention_bias", attentionBias)
    affineNorm = try settings.value("norm_elementwise_affine", affineNorm)
    epsilon = try settings.value("norm_eps", epsilon)
    let norm = try settings.value("norm_type", "ada_norm_single")
    guard norm == "ada_norm_single" else { throw ConfigurationError("norm_type", "'\(norm)' is not ada_norm_single") }
    let attention = try settings.value("attention_type", "default")
    guard ["default", "gated", "gated-text-image"].contains(attention) else {
      throw ConfigurationError("attention_type", "'\(attention)' is not known")
    }
    try validate()
  }

  /// Writes the settings by the names of the files that they are read from.
  public func encode(to encoder: any Encoder) throws {
    try DiffusersSettings.encode(
      [
        "_class_name": .string("PixArtTransformer2DModel"), "num_attention_heads": .integer(heads),
        "attention_head_dim": .integer(headWidth), "num_layers": .integer(layers), "in_channels": .integer(channels),
        "out_channels": .integer(outputChannels), "sample_size": .integer(sampleSize), "patch_size": .integer(patch),
        "cross_attention_dim": .optional(textWidth), "caption_channels": .optional(captionChannels),
        "use_additional_conditions": sizeConditions.map { .bool($0) } ?? .null,
        "interpolation_scale": .optional(interpolation),
        "activation_fn": .string(activation.rawValue), "attention_bias": .bool(attentionBias),
        "norm_elementwise_affine": .bool(affineNorm), "norm_eps": .number(epsilon),
        "norm_type": .string("ada_norm_single"),
      ], to: encoder)
  }
}
