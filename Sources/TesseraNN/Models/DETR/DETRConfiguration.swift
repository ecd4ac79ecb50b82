import TesseraTensor

/// The shape of DETR; the keys are those of `config.json`, the defaults those of the reference.
public struct DETRConfiguration: Decodable, Sendable {
  /// How the places of the feature map are marked.
  public enum PositionEmbedding: String, Codable, Sendable { case sine, learned }
  /// Which network gives the feature map.
  public enum Backbone: Sendable {
    case timm(TimmResNetConfiguration)
    case resNet(ResNetConfiguration)
  }

  /// Which network gives the feature map.
  public var backbone: Backbone
  /// Channels of an image.
  public var channels = 3
  /// How many objects can be found.
  public var queries = 100
  /// Features of a token and of a query.
  public var width = 256
  /// How many layers look at the picture.
  public var encoderLayers = 6
  /// How many heads an attention of the encoder has.
  public var encoderHeads = 8
  /// What the encoder's feed-forward part widens a token to.
  public var encoderHiddenWidth = 2048
  /// How many layers the queries pass.
  public var decoderLayers = 6
  /// How many heads an attention of the decoder has.
  public var decoderHeads = 8
  /// What the decoder's feed-forward part widens a query to.
  public var decoderHiddenWidth = 2048
  /// What stands inside the feed-forward parts.
  public var activation = Activation.relu
  /// How the places of the feature map are marked.
  public var positionEmbedding = PositionEmbedding.sine
  /// True: the decoder's layers are normalised one by one, and what each predicts is given, too.
  public var auxiliaryLoss = false
  /// How many classes there are, without "nothing".
  public var labels = 2

  enum CodingKeys: String, CodingKey {
    case backbone
    case backboneConfiguration = "backbone_config"
    case backboneArguments = "backbone_kwargs"
    case usesTimm = "use_timm_backbone"
    case dilation
    case channels = "num_channels"
    case queries = "num_queries"
    case width = "d_model"
    case encoderLayers = "encoder_layers"
    case encoderHeads = "encoder_attention_heads"
    case encoderHiddenWidth = "encoder_ffn_dim"
    case decoderLayers = "decoder_layers"
    case decoderHeads = "decoder_attention_heads"
    case decoderHiddenWidth = "decoder_ffn_dim"
    case activation = "activation_function"
    case positionEmbedding = "position_embedding_type"
    case auxiliaryLoss = "auxiliary_loss"
    case labels = "num_labels"
    case labelNames = "id2label"
  }

  /// - Throws: `ConfigurationError` naming the key whose value cannot be used.
  public init(from decoder: any Decoder) throws {
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    channels = try settings.setting(.channels, default: channels)
    queries = try settings.setting(.queries, default: queries)
    width = try settings.setting(.width, default: width)
    encoderLayers = try settings.setting(.encoderLayers, default: encoderLayers)
    encoderHeads = try settings.setting(.encoderHeads, default: encoderHeads)
    encoderHiddenWidth = try settings.setting(.encoderHiddenWidth, default: encoderHiddenWidth)
    decoderLayers = try settings.setting(.decoderLayers, default: decoderLayers)
    decoderHeads = try settings.setting(.decoderHeads, default: decoderHeads)
    decoderHiddenWidth = try settings.setting(.decoderHiddenWidth, default: decoderHiddenWidth)
    activation = try settings.setting(.activation, default: activation)
    positionEmbedding = try settings.setting(.positionEmbedding, default: positionEmbedding)
    auxiliaryLoss = try settings.setting(.auxiliaryLoss, default: auxiliaryLoss)
    let names = try settings.decodeIfPresent([String: JSONValue].self, forKey: .labelNames)
    labels = try names?.count ?? settings.setting(.labels, default: labels)
    backbone = try Self.backbone(settings, channels)
    try validate()
  }

  private static func backbone(
    _ settings: KeyedDecodingContainer<CodingKeys>, _ channels: Int
  ) throws -> Backbone {
    var given = try settings.setting(.backboneConfiguration, default: [String: JSONValue]())
    let arguments = try settings.setting(.backboneArguments, default: [String: JSONValue]())
    if given.isEmpty {
      // The first checkpoints name a network of timm, or mean transformers' ResNet.
      guard try settings.setting(.usesTimm, default: true) else { return .resNet(ResNetConfiguration()) }
      given = ["model_type": .string("timm_backbone"), "num_channels": .integer(channels)]
      given["backbone"] = .string(try settings.setting(.backbone, default: "resnet50"))
      given["output_stride"] = .integer(try settings.setting(.dilation, default: false) ? 16 : 32)
    }
    switch given["model_type"]?.string {
    case "resnet":
      return .resNet(try settings.decode(ResNetConfiguration.self, forKey: .backboneConfiguration))
    case "timm_backbone":
      let name = given["backbone"]?.string ?? ""
      guard var network = TimmResNetConfiguration(named: name) else {
        throw ConfigurationError("backbone", "'\(name)' is no ResNet of timm that is known")
      }
      let own = given.filter { ["num_channels", "out_indices", "output_stride"].contains($0.key) }
      try network.apply(own.merging(arguments) { $1 })
      return .timm(network)
    case let other:
      throw ConfigurationError("backbone_config", "the backbone '\(other ?? "without a model_type")' is not known")
    }
  }

  func validate() throws {
    try ConfigurationError.demandSizes([
      "num_channels": channels, "num_queries": queries, "d_model": width, "encoder_attention_heads": encoderHeads,
      "encoder_ffn_dim": encoderHiddenWidth, "decoder_attention_heads": decoderHeads,
      "decoder_ffn_dim": decoderHiddenWidth,
    ])
    try ConfigurationError.demandCounts(["encoder_layers": encoderLayers, "decoder_layers": decoderLayers])
    try ConfigurationError.demandCounts(["num_labels": labels], limit: 1 << 20)
    try ConfigurationError.demandMultiple("d_model", width, of: "encoder_attention_heads", encoderHeads)
    try ConfigurationError.demandMultiple("d_model", width, of: "decoder_attention_heads", decoderHeads)
    // Half of the channels mark the row, half the column, and of each half, half are sines.
    let parts = positionEmbedding == .sine ? 4 : 2
    guard width % parts == 0 else { throw ConfigurationError("d_model", "\(width) is no multiple of \(parts)") }
  }
}
