import TesseraTensor

/// The shape of a DiT or SiT.
///
/// Read from diffusers' configurations, and from ones that hold the arguments of the published code (`hidden_size`, `depth`, ...).
public struct DiTConfiguration: Codable, Sendable, Equatable {
  /// Whose keys and conventions a model follows.
  public enum Layout: String, Sendable, Codable {
    /// diffusers: every block embeds the condition with weights of its own, and the frequencies of the time end one step earlier.
    case diffusers
    /// The published files: one embedding of the condition for all blocks.
    case published
  }

  /// Whose keys and conventions hold.
  public var layout = Layout.published
  /// True if the model predicts a velocity (SiT): a learned variance is not among its outputs.
  public var predictsVelocity = false
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
  /// Side of the latent picture that the positions are scaled to.
  public var sampleSize = 32
  /// Side of a patch.
  public var patch = 2
  /// Classes, without the null class.
  public var classes = 1000
  /// True if label `classes` stands for no class.
  public var nullClass = true
  /// Hidden channels of the feed-forward part, as a multiple of the width.
  public var mlpRatio = 4.0
  /// The activation of the feed-forward parts.
  public var activation = DiffusionFeedForward.Kind.geluApproximate
  /// diffusers: biases of queries, keys and values.
  public var attentionBias = true
  /// diffusers: the norm before the feed-forward part has weights.
  public var affineNorm = false
  /// diffusers: epsilon of the norm before the feed-forward part; all others have 1e-6.
  public var epsilon = 1e-6

  /// Channels of a token.
  public var width: Int { heads * headWidth }
  /// Hidden channels of the feed-forward part.
  public var hidden: Int { Int(Double(width) * mlpRatio) }

  /// The defaults of the reference.
  public init() {}

  /// The published sizes: S (33 million parameters), B (130), L (458), XL (675).
  public enum Size: String, Sendable, Codable, CaseIterable {
    case small = "S", base = "B", large = "L", extraLarge = "XL"
  }

  /// A published model: `DiTConfiguration(.extraLarge, patch: 2)` is DiT-XL/2.
  public init(_ size: Size, patch: Int, sampleSize: Int = 32) {
    self.init()
    (self.patch, self.sampleSize) = (patch, sampleSize)
    (layers, heads, headWidth) =
      switch size {
      case .small: (12, 6, 64)
      case .base: (12, 12, 64)
      case .large: (24, 16, 64)
      case .extraLarge: (28, 16, 72)
      }
  }

  /// Multiply-adds of one forward pass for one picture, by the law of `DiffusionCost`.
  /// - Parameter rows, columns: the grid of patches
  public func multiplyAdds(rows: Int, columns: Int) -> Int {
    let (tokens, pixels) = (rows * columns, patch * patch)
    let ends = tokens * width * pixels * (channels + outputChannels) + (256 + width) * width + 2 * width * width
    return layers * DiffusionCost.block(tokens: tokens, width: width) + ends
  }

  /// Checks every size before anything is allocated.
  /// - Throws: `ConfigurationError` naming the setting
  public func validate() throws {
    try ConfigurationError.demandSizes([
      "num_attention_heads": heads, "attention_head_dim": headWidth, "num_embeds_ada_norm": classes,
    ])
    try ConfigurationError.demandSizes(
      ["num_layers": layers, "in_channels": channels, "out_channels": outputChannels, "sample_size": sampleSize],
      limit: 1 << 16)
    try ConfigurationError.demandSizes(["patch_size": patch], limit: 1 << 10)
    try ConfigurationError.demandSizes(["num_attention_heads x attention_head_dim": width])
    try ConfigurationError.demandMultiple(
      "num_attention_heads x attention_head_dim", width, of: "the parts of a position", 4)
    guard mlpRatio.isFinite, mlpRatio > 0, mlpRatio <= 1024, hidden > 0 else {
      throw ConfigurationError("mlp_ratio", "\(mlpRatio) is not in 0...1024")
    }
    guard epsilon.isFinite, epsilon >= 0 else { throw ConfigurationError("norm_eps", "\(epsilon) is no small number") }
  }

  /// Reads the settings by the names of their files, with the defaults of the reference.
  public init(from decoder: any Decoder) throws {
    let settings = try DiffusersSettings(decoder)
    self.init()
    if settings.contains("hidden_size") || settings.contains("depth") {
      try readPublished(settings)
    } else {
      try readDiffusers(settings)
    }
    try validate()
  }

  private mutating func readPublished(_ settings: DiffusersSettings) throws {
    let name: String? = try settings.nullable("_class_name", try settings.nullable("model_type", nil))
    predictsVelocity = name?.lowercased().hasPrefix("sit") ?? false
    let width = try settings.value("hidden_size", 1152)
    heads = try settings.value("num_heads", 16)
    try ConfigurationError.demandSizes(["hidden_size": width, "num_heads": heads])
    try ConfigurationError.demandMultiple("hidden_size", width, of: "num_heads", heads)
    headWidth = width / heads
    layers = try settings.value("depth", 28)
    channels = try settings.value("in_channels", 4)
    try ConfigurationError.demandSizes(["in_channels": channels], limit: 1 << 16)
    outputChannels = try settings.value("learn_sigma", true) ? 2 * channels : channels
    sampleSize = try settings.value("input_size", 32)
    patch = try settings.value("patch_size", 2)
    classes = try settings.value("num_classes", 1000)
    nullClass = try settings.value("class_dropout_prob", 0.1) > 0
    mlpRatio = try settings.value("mlp_ratio", 4.0)
  }

  private mutating func readDiffusers(_ settings: DiffusersSettings) throws {
    layout = .diffusers
    heads = try settings.value("num_attention_heads", 16)
    headWidth = try settings.value("attention_head_dim", 72)
    layers = try settings.value("num_layers", 28)
    channels = try settings.value("in_channels", 4)
    outputChannels = try settings.nullable("out_channels", nil) ?? channels
    sampleSize = try settings.value("sample_size", 32)
    patch = try settings.value("patch_size", 2)
    classes = try settings.value("num_embeds_ada_norm", 1000)
    activation = try settings.name("activation_fn", .geluApproximate)
    attentionBias = try settings.value("attention_bias", true)
    affineNorm = try settings.value("norm_elementwise_affine", false)
    epsilon = try settings.value("norm_eps", 1e-5)
    let norm = try settings.value("norm_type", "ada_norm_zero")
    guard norm == "ada_norm_zero" else { throw ConfigurationError("norm_type", "'\(norm)' is not ada_norm_zero") }
  }

  /// Writes the settings by the names of the files that they are read from.
  public func encode(to encoder: any Encoder) throws {
    var settings: [String: JSONValue] = [
      "in_channels": .integer(channels), "patch_size": .integer(patch),
    ]
    switch layout {
    case .published:
      settings["_class_name"] = .string(predictsVelocity ? "SiT" : "DiT")
      settings["hidden_size"] = .integer(width)
      settings["num_heads"] = .integer(heads)
      settings["depth"] = .integer(layers)
      settings["input_size"] = .integer(sampleSize)
      settings["num_classes"] = .integer(classes)
      settings["class_dropout_prob"] = .number(nullClass ? 0.1 : 0)
      settings["mlp_ratio"] = .number(mlpRatio)
      settings["learn_sigma"] = .bool(outputChannels != channels)
    case .diffusers:
      settings["_class_name"] = .string("DiTTransformer2DModel")
      settings["num_attention_heads"] = .integer(heads)
      settings["attention_head_dim"] = .integer(headWidth)
      settings["num_layers"] = .integer(layers)
      settings["out_channels"] = .integer(outputChannels)
      settings["sample_size"] = .integer(sampleSize)
      settings["num_embeds_ada_norm"] = .integer(classes)
      settings["activation_fn"] = .string(activation.rawValue)
      settings["attention_bias"] = .bool(attentionBias)
      settings["norm_elementwise_affine"] = .bool(affineNorm)
      settings["norm_eps"] = .number(epsilon)
      settings["norm_type"] = .string("ada_norm_zero")
    }
    try DiffusersSettings.encode(settings, to: encoder)
  }
}
