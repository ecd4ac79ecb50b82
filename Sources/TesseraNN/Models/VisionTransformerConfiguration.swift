import TesseraTensor

/// What a vision transformer is made of, whichever library wrote it.
public struct VisionTransformerConfiguration: Sendable, Codable {
  /// How the tokens become one vector.
  public enum Pooling: String, Sendable, Codable, CaseIterable {
    /// They don't.
    case none = ""
    /// The class token.
    case token
    case average = "avg"
    case maximum = "max"
    /// Half of each.
    case averageAndMaximum = "avgmax"
    /// Attention of a learned query.
    case attention = "map"
  }

  public var image = Size2D(224, 224)
  public var patch = Size2D(16, 16)
  public var channels = 3
  public var width = 768
  public var layers = 12
  public var block: EncoderBlock.Configuration
  /// A token in front whose last state stands for the picture.
  public var classToken = true
  /// A second one, which learned from a teacher (DeiT).
  public var distillationToken = false
  /// Tokens that carry nothing (Darcet et al. 2024, "Vision Transformers Need Registers").
  public var registers = 0
  /// True if a checkpoint may hold a vector for hidden patches.
  public var maskToken = false
  public var hasPositions = true
  /// The table of positions has rows for the tokens in front, too.
  public var positionsCoverSpecial = true
  /// Patches have a bias.
  public var patchBias = true
  /// What normalises patches.
  public var patchNorm: TokenNorm.Kind?
  /// Tokens are normalised before the first block (CLIP).
  public var normBefore = false
  /// Tokens are normalised behind the last block.
  public var normAfter = true
  /// The pooled vector is normalised.
  public var normPooled = false
  public var pooling = Pooling.token
  /// Pooling reads the tokens in front, too.
  public var poolsSpecial = false
  /// Classes of the head; 0: there is none.
  public var classes = 1000
  /// Pictures may have other sizes: positions are resized.
  public var dynamicSize = false
  /// Pictures are filled up to whole patches.
  public var dynamicPadding = false

  public init(width: Int, layers: Int, block: EncoderBlock.Configuration) {
    (self.width, self.layers, self.block) = (width, layers, block)
  }

  /// The number of tokens in front of the patches.
  public var special: Int { (classToken ? 1 : 0) + (distillationToken ? 1 : 0) + registers }
  /// Rows and columns of patches of a picture of the configured size.
  public var grid: Size2D { Size2D(image.height / patch.height, image.width / patch.width) }

  /// Reads a configuration of Hugging Face's ViT or DeiT.
  /// - Throws: `CheckpointError.configuration` naming the key
  init(_ reader: ConfigurationReader, distilled: Bool) throws {
    let width = try reader.size("hidden_size", default: 768)
    let heads = try reader.size("num_attention_heads", default: 12)
    let headWidth = try reader.integer("head_dim") ?? width / heads
    guard width >= heads, (1...(1 << 20)).contains(headWidth), reader["head_dim"] != nil || width % heads == 0 else {
      throw reader.refuse("num_attention_heads", "hidden_size, \(width), is no multiple of \(heads)")
    }
    var attention = SelfAttention.Configuration(width: width, heads: heads, headWidth: headWidth)
    attention.bias = try reader.flag("qkv_bias", default: true)
    let feedForward = FeedForward.Configuration(
      width: width, hidden: try reader.size("intermediate_size", default: 3072),
      try reader.choice("hidden_act", default: .gelu))
    let epsilon = try reader.epsilon("layer_norm_eps", default: 1e-12)
    self.init(
      width: width, layers: try reader.size("num_hidden_layers", default: 12, minimum: 0),
      block: .init(attention: attention, feedForward: feedForward, norm: .layer(epsilon: epsilon)))
    image = try reader.pair("image_size", default: 224)
    patch = try reader.pair("patch_size", default: 16)
    channels = try reader.size("num_channels", default: 3)
    distillationToken = distilled
    maskToken = true
    classes = try reader.labels()
    try demandGrid(reader, "image_size")
  }

  /// Refuses pictures smaller than a patch.
  func demandGrid(_ reader: ConfigurationReader, _ key: String) throws {
    guard grid.height > 0, grid.width > 0 else {
      throw reader.refuse(key, "\(image) is smaller than a patch of \(patch)")
    }
  }
}

/// The keys that a library gives to the parts of a vision transformer.
public struct VisionTransformerNames: Sendable {
  var classToken: String
  var distillationToken: String
  var registers = "reg_token"
  var maskToken = "embeddings.mask_token"
  var positions: String
  var patches: String
  var projection: String
  var blocks: String
  var block: EncoderBlock.Names
  var normBefore = "norm_pre"
  var normAfter: String

  /// timm's.
  public static func timm(_ gate: FeedForward.Configuration.Gate) -> VisionTransformerNames {
    let inputs = gate == .separate ? ["fc1_g", "fc1_x"] : ["fc1"]
    return VisionTransformerNames(
      classToken: "cls_token", distillationToken: "dist_token", positions: "pos_embed", patches: "patch_embed",
      projection: "proj", blocks: "blocks",
      block: .init(
        attention: ("attn", .init(["qkv"], "proj")), norm: "norm1", feedForward: ("mlp", .init(inputs, "fc2")), "norm2"),
      normAfter: "norm")
  }

  /// Those of the model hub for Hugging Face's ViT and DeiT.
  public static let hub = huggingFace(
    "encoder.layer",
    .init(
      attention: ("attention", .init(["attention.query", "attention.key", "attention.value"], "output.dense")),
      norm: "layernorm_before", feedForward: ("", .init(["intermediate.dense"], "output.dense")), "layernorm_after"))

  /// Those of transformers 5 in memory.
  public static let transformers = huggingFace(
    "layers",
    .init(
      attention: ("attention", .init(["q_proj", "k_proj", "v_proj"], "o_proj")), norm: "layernorm_before",
      feedForward: ("mlp", .init(["fc1"], "fc2")), "layernorm_after"))

  private static func huggingFace(_ blocks: String, _ block: EncoderBlock.Names) -> VisionTransformerNames {
    VisionTransformerNames(
      classToken: "embeddings.cls_token", distillationToken: "embeddings.distillation_token",
      positions: "embeddings.position_embeddings", patches: "embeddings.patch_embeddings", projection: "projection",
      blocks: blocks, block: block, normAfter: "layernorm")
  }
}
