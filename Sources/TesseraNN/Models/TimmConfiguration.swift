import Foundation
import TesseraTensor

/// Names of timm's vision transformers and what they stand for.
extension TimmArchitectures {
  private static let table: [String: (size: Int, arguments: [String: JSONValue])] = {
    var table: [String: (Int, [String: JSONValue])] = [:]
    var names: [(String, Int)] = []
    var json = ""
    for line in text.split(separator: "\n") {
      guard line.hasPrefix(" ") else {
        let words = line.split(separator: " ")
        names.append((String(words[0]), words.count > 1 ? Int(words[1]) ?? 224 : 224))
        continue
      }
      json += line.drop { $0 == " " }
      guard json.hasSuffix("}") else { continue }
      let arguments = (try? JSONDecoder().decode([String: JSONValue].self, from: Data(json.utf8))) ?? [:]
      for (name, size) in names { table[name] = (size, arguments) }
      (names, json) = ([], "")
    }
    return table
  }()

  /// Every name.
  static var names: [String] { table.keys.sorted() }

  /// The arguments of a name, with its image size.
  static func arguments(_ name: String) -> [String: JSONValue]? {
    table[name].map { size, arguments in arguments.merging(["img_size": .integer(size)]) { own, _ in own } }
  }
}

extension VisionTransformerConfiguration {
  /// Reads timm's hub form: `architecture`, `model_args`, `pretrained_cfg`; or the older one, all in one dictionary.
  /// - Throws: `CheckpointError.configuration` naming the key, `.unknownArchitecture`
  init(timm reader: ConfigurationReader) throws {
    let name = try reader.text("architecture", default: "none")
    guard let defaults = TimmArchitectures.arguments(name) else {
      throw CheckpointError.unknownArchitecture(reader.file, name)
    }
    let source = reader["pretrained_cfg"]?.object ?? reader.values
    var values = defaults
    for key in ["num_classes", "global_pool"] { if let value = source[key], value != .null { values[key] = value } }
    if let value = reader["num_classes"] { values["num_classes"] = value }
    if let size = source["input_size"]?.array, size.count == 3 {
      values["in_chans"] = size[0]
      if source["fixed_input_size"]?.bool ?? false { values["img_size"] = .array(Array(size[1...])) }
    }
    let given = reader["model_args"]?.object ?? [:]
    values.merge(given) { _, own in own }
    // A layer given by name brings its own epsilon.
    for key in ["norm_layer", "embed_norm_layer"] where given[key] != nil { values[key + "_eps"] = nil }
    try self.init(
      timmArguments: ConfigurationReader(file: reader.file, values), isDistilled: defaults["distilled"] != nil)
  }

  private init(timmArguments reader: ConfigurationReader, isDistilled: Bool) throws {
    try Self.refuseUnknown(reader)
    let width = try reader.size("embed_dim", default: 768)
    let heads = try reader.heads("num_heads", default: 12, of: "embed_dim", width)
    let norm = try Self.norm(reader, "norm_layer") ?? .layer(epsilon: 1e-6)
    var attention = SelfAttention.Configuration(width: width, heads: heads)
    attention.bias = try reader.flag("qkv_bias", default: true)
    attention.outputBias = try reader.flag("proj_bias", default: true)
    attention.queryKeyNorm = try reader.flag("qk_norm", default: false) ? norm : nil
    attention.outputNorm = try reader.flag("scale_attn_norm", default: false) ? norm : nil
    var block = EncoderBlock.Configuration(
      attention: attention,
      feedForward: try Self.feedForward(reader, width: width, norm: norm, bias: attention.outputBias),
      norm: norm)
    let isInside = try reader.text("block_fn", default: "") == "ResPostBlock"
    if isInside { block.order = .normInside }
    // The reference takes 0 for no scale, too; a block that normalises inside has none.
    block.layerScale = try reader.number("init_values", default: 0) != 0 && !isInside
    self.init(width: width, layers: try reader.size("depth", default: 12, minimum: 0), block: block)
    image = try reader.pair("img_size", default: 224)
    patch = try reader.pair("patch_size", default: 16)
    channels = try reader.size("in_chans", default: 3)
    classes = try reader.size("num_classes", default: 1000, minimum: 0)
    classToken = try reader.flag("class_token", default: true)
    distillationToken = isDistilled
    registers = try reader.size("reg_tokens", default: 0, minimum: 0)
    let kind = try reader.text("pos_embed", default: "learn")
    guard ["", "none", "learn"].contains(kind) else {
      throw reader.refuse("pos_embed", "'\(kind)' is not supported: learn or none")
    }
    hasPositions = kind == "learn"
    positionsCoverSpecial = !(try reader.flag("no_embed_class", default: false))
    normBefore = try reader.flag("pre_norm", default: false)
    patchBias = !normBefore
    patchNorm = try Self.norm(reader, "embed_norm_layer")
    pooling = try reader.choice("global_pool", default: .token)
    poolsSpecial = try reader.flag("pool_include_prefix", default: false)
    let final = try reader.flag("final_norm", default: true)
    let pooled = try reader.flag("fc_norm", default: [.average, .averageAndMaximum, .maximum].contains(pooling))
    (normAfter, normPooled) = (final && !pooled, final && pooled)
    dynamicSize = try reader.flag("dynamic_img_size", default: false)
    dynamicPadding = try reader.flag("dynamic_img_pad", default: false)
    guard classToken || pooling != .token else { throw reader.refuse("global_pool", "there is no class token to take") }
    guard !isDistilled || classToken && registers == 0 && pooling == .token && positionsCoverSpecial else {
      throw reader.refuse(
        "class_token", "a distilled model has a class token, no registers, positions for both, and no other pooling")
    }
    try demandGrid(reader, "img_size")
  }

  /// Arguments that change what is computed and that this reader does not know.
  private static func refuseUnknown(_ reader: ConfigurationReader) throws {
    for key in ["block_fn", "attn_layer", "embed_layer", "use_naflex", "num_parallel"] where reader[key] != nil {
      if reader[key] == .bool(false) || key == "block_fn" && reader[key] == .string("ResPostBlock") { continue }
      throw reader.refuse(key, "it is not supported")
    }
  }

  private static func feedForward(
    _ reader: ConfigurationReader, width: Int, norm: TokenNorm.Kind, bias: Bool
  ) throws -> FeedForward.Configuration {
    let hidden = Double(width) * (try reader.number("mlp_ratio", default: 4))
    guard (1...Double(1 << 24)).contains(hidden) else { throw reader.refuse("mlp_ratio", "\(hidden) hidden values") }
    let name = try reader.text("act_layer", default: "gelu")
    let known: [String: Activation] = ["gelu_tanh": .geluTanh, "quick_gelu": .quickGELU, "swish": .silu]
    guard let activation = known[name] ?? Activation(rawValue: name) else {
      throw reader.refuse("act_layer", "'\(name)' is not known")
    }
    var configuration = FeedForward.Configuration(width: width, hidden: Int(hidden), activation)
    let kinds: [String: FeedForward.Configuration.Gate] = ["mlp": .none, "glu": .packed, "swiglu": .separate]
    let kind = try reader.text("mlp_layer", default: "mlp")
    guard let gate = kinds[kind] else { throw reader.refuse("mlp_layer", "'\(kind)' is not known") }
    guard gate != .packed || Int(hidden) % 2 == 0 else {
      throw reader.refuse("mlp_ratio", "\(Int(hidden)) hidden values are odd")
    }
    (configuration.gate, configuration.bias) = (gate, bias)
    configuration.norm = try reader.flag("scale_mlp_norm", default: false) ? norm : nil
    return configuration
  }

  private static func norm(_ reader: ConfigurationReader, _ key: String) throws -> TokenNorm.Kind? {
    guard reader[key] != nil || reader[key + "_eps"] != nil else { return nil }
    let epsilon = try reader.epsilon(key + "_eps", default: 1e-6)
    switch try reader.text(key, default: "layernorm") {
    case "layernorm", "layernormfp32": return .layer(epsilon: epsilon)
    case "rmsnorm", "rmsnormfp32": return .rms(epsilon: epsilon)
    case let name: throw reader.refuse(key, "'\(name)' is not known: layernorm or rmsnorm")
    }
  }
}
