import TesseraTensor

/// The shape of an AutoencoderKL, by diffusers' settings.
public struct AutoencoderKLConfiguration: Codable, Sendable, Equatable {
  /// What a stage of the encoder or the decoder is made of.
  public enum Block: String, Sendable, Codable {
    case plain
    /// With attention behind every residual block.
    case attention
  }

  /// Channels of a picture.
  public var inputChannels = 3
  /// Channels of the output.
  public var outputChannels = 3
  /// The stages of the encoder, the finest first.
  public var downBlocks: [Block] = [.plain]
  /// The stages of the decoder, the coarsest first.
  public var upBlocks: [Block] = [.plain]
  /// Channels of every stage, the finest first.
  public var widths = [64]
  /// Residual blocks of every stage of the encoder; the decoder has one more.
  public var layersPerBlock = 1
  /// The activation of the feed-forward parts.
  public var activation = Activation.silu
  /// Channels of a latent picture.
  public var latentChannels = 4
  /// Groups of the normalization; they divide all widths.
  public var groups = 32
  /// Latents are multiplied by it for a diffusion model.
  public var scalingFactor = 0.18215
  /// It is subtracted from latents before that.
  public var shiftFactor: Double?
  /// A last convolution of the encoder.
  public var usesQuantConvolution = true
  /// A first convolution of the decoder.
  public var usesPostQuantConvolution = true
  /// Attention in the middle of the encoder and the decoder.
  public var middleAttention = true

  /// How many times smaller the latent picture is.
  public var reduction: Int { 1 << (widths.count - 1) }

  /// The defaults of the reference.
  public init() {}

  /// Checks every size before anything is allocated.
  /// - Throws: `ConfigurationError` naming the setting
  public func validate() throws {
    try ConfigurationError.demandSizes(
      [
        "in_channels": inputChannels, "out_channels": outputChannels, "latent_channels": latentChannels,
        "layers_per_block": layersPerBlock, "norm_num_groups": groups,
      ], limit: 1 << 16)
    guard (1...16).contains(widths.count) else {
      throw ConfigurationError("block_out_channels", "\(widths.count) stages are not in 1...16")
    }
    guard downBlocks.count == widths.count else {
      throw ConfigurationError(
        "down_block_types", "there are \(downBlocks.count) for \(widths.count) block_out_channels")
    }
    guard upBlocks.count == widths.count else {
      throw ConfigurationError("up_block_types", "there are \(upBlocks.count) for \(widths.count) block_out_channels")
    }
    for width in widths {
      try ConfigurationError.demandSizes(["block_out_channels": width], limit: 1 << 16)
      try ConfigurationError.demandMultiple("block_out_channels", width, of: "norm_num_groups", groups)
    }
    guard scalingFactor.isFinite, scalingFactor != 0 else {
      throw ConfigurationError("scaling_factor", "\(scalingFactor) cannot be divided by")
    }
  }

  /// Reads the settings by the names of their files, with the defaults of the reference.
  public init(from decoder: any Decoder) throws {
    let settings = try DiffusersSettings(decoder)
    self.init()
    func blocks(_ key: String, _ plain: String) throws -> [Block] {
      try settings.value(key, [plain]).map {
        switch $0 {
        case plain: return .plain
        case "Attn" + plain: return .attention
        default: throw ConfigurationError(key, "'\($0)' is not \(plain) or Attn\(plain)")
        }
      }
    }
    inputChannels = try settings.value("in_channels", inputChannels)
    outputChannels = try settings.value("out_channels", outputChannels)
    downBlocks = try blocks("down_block_types", "DownEncoderBlock2D")
    upBlocks = try blocks("up_block_types", "UpDecoderBlock2D")
    widths = try settings.value("block_out_channels", widths)
    layersPerBlock = try settings.value("layers_per_block", layersPerBlock)
    let name = try settings.value("act_fn", "silu").lowercased()
    guard let activation = Activation(rawValue: name), [.silu, .swish, .mish, .gelu, .relu].contains(activation) else {
      throw ConfigurationError("act_fn", "'\(name)' is not silu, swish, mish, gelu or relu")
    }
    self.activation = activation
    latentChannels = try settings.value("latent_channels", latentChannels)
    groups = try settings.value("norm_num_groups", groups)
    scalingFactor = try settings.value("scaling_factor", scalingFactor)
    shiftFactor = try settings.nullable("shift_factor", nil)
    usesQuantConvolution = try settings.value("use_quant_conv", true)
    usesPostQuantConvolution = try settings.value("use_post_quant_conv", true)
    middleAttention = try settings.value("mid_block_add_attention", true)
    try validate()
  }

  /// Writes the settings by the names of the files that they are read from.
  public func encode(to encoder: any Encoder) throws {
    func names(_ blocks: [Block], _ plain: String) -> JSONValue {
      .array(blocks.map { .string($0 == .plain ? plain : "Attn" + plain) })
    }
    try DiffusersSettings.encode(
      [
        "_class_name": .string("AutoencoderKL"), "in_channels": .integer(inputChannels),
        "out_channels": .integer(outputChannels),
        "down_block_types": names(downBlocks, "DownEncoderBlock2D"),
        "up_block_types": names(upBlocks, "UpDecoderBlock2D"),
        "block_out_channels": .array(widths.map { .integer($0) }), "layers_per_block": .integer(layersPerBlock),
        "act_fn": .string(activation.rawValue), "latent_channels": .integer(latentChannels),
        "norm_num_groups": .integer(groups),
        "scaling_factor": .number(scalingFactor), "shift_factor": .optional(shiftFactor),
        "use_quant_conv": .bool(usesQuantConvolution), "use_post_quant_conv": .bool(usesPostQuantConvolution),
        "mid_block_add_attention": .bool(middleAttention),
      ], to: encoder)
  }
}
