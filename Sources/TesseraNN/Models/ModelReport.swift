import TesseraTensor

/// What a folder of a model holds: its parts, their parameters, and the multiply-adds of one pass.
public struct ModelReport: Sendable {
  /// Parameters that belong together; a star stands for the numbers of equal blocks.
  public struct Part: Sendable {
    /// The common path; stars stand for numbers.
    public let name: String
    /// How many equal blocks the part stands for.
    public let blocks: Int
    /// How many numbers its parameters hold.
    public let parameters: Int
    /// What one pass executes in it; nil where no pass was run.
    public let multiplyAdds: Int?
  }

  /// What the configuration calls the architecture.
  public let architecture: String
  /// The parts, in the order of the model.
  public let parts: [Part]
  /// All parameters; shared ones once.
  public let parameters: Int
  /// What the pass was run on: names and shapes.
  public let inputs: [String: [Int]]
  /// What the pass executed, by kind of operation; empty where none was run.
  public let executed: [MultiplyAddMeter.Kind: Int]
  /// For vision transformers: the count of papers, which takes a patch for every token.
  public let counted: Int?
  /// Tensors of the folder that the model does not use.
  public let unusedKeys: [String]

  /// The part that stands for products in which no parameter took part as it lies in the checkpoint.
  static let rest = "(elsewhere)"

  /// What the pass executed.
  public var total: Int? { executed.isEmpty ? nil : executed.values.reduce(0, +) }

  /// Models with more parameters are not run.
  public static let greatestRun = 1 << 31

  /// Reads a folder and runs the model once, on one text or picture of zeros.
  /// - Parameter tokens: how many tokens the text has
  /// - Throws: `CheckpointError` naming file and key, as for loading
  public init(folder path: String, tokens: Int = 128) throws {
    let folder = try ModelFolder(path)
    let checkpoint = try folder.checkpoint()
    architecture = try ModelRegistry.names(of: folder).first ?? "none"
    let shapes = checkpoint.keys.sorted().map { ($0, checkpoint.shape($0) ?? []) }
    let size = shapes.reduce(0) { $0 + $1.1.reduce(1, *) }
    guard size <= Self.greatestRun else {
      parameters = size
      parts = Self.parts(shapes.map { ($0.0, $0.1.reduce(1, *), nil) })
      (inputs, executed, counted, unusedKeys) = ([:], [:], nil, [])
      return
    }
    let model = try ModelRegistry.load(path)
    parameters = model.store.count
    unusedKeys = model.store.unusedKeys
    var meter = MultiplyAddMeter()
    var ran: [String: Tensor] = [:]
    for candidate in try ExampleInputs.candidates(folder, tokens: tokens) where ran.isEmpty {
      let trial = MultiplyAddMeter()
      let results = try? trial.measure { try noGrad { try model.forward(NamedTensors(candidate), ForwardOptions()) } }
      if results != nil { (meter, ran) = (trial, candidate) }
    }
    inputs = ran.mapValues(\.shape)
    executed =
      ran.isEmpty ? [:] : Dictionary(uniqueKeysWithValues: MultiplyAddMeter.Kind.allCases.map { ($0, meter[$0]) })
    let listed = Self.parts(
      model.store.parameters.map {
        ($0.path, $0.value.count, ran.isEmpty ? nil : meter[$0] + meter.attention(behind: $0))
      })
    let rest = ran.isEmpty ? 0 : meter.total - listed.reduce(0) { $0 + ($1.multiplyAdds ?? 0) }
    parts = listed + (rest == 0 ? [] : [Part(name: Self.rest, blocks: 1, parameters: 0, multiplyAdds: rest)])
    counted = (model as? any HasVisionTransformer)?.paperMultiplyAdds
  }

  /// Joins parameters whose paths differ in numbers and in their ends.
  private static func parts(_ parameters: [(path: String, count: Int, multiplyAdds: Int?)]) -> [Part] {
    var order: [String] = []
    var joined: [String: (blocks: Set<String>, parameters: Int, multiplyAdds: Int?)] = [:]
    for (path, count, multiplyAdds) in parameters {
      var words = path.split(separator: ".").map(String.init)
      var block = ""
      if let number = words.firstIndex(where: { Int($0) != nil }) {
        block = words[number]
        words[number] = "*"
        words = Array(words.prefix(number + 2))
      } else if words.count > 1 {
        words.removeLast()
      }
      let name = words.joined(separator: ".")
      if joined[name] == nil { order.append(name) }
      var part = joined[name] ?? ([], 0, multiplyAdds == nil ? nil : 0)
      part.blocks.insert(block)
      part.parameters += count
      part.multiplyAdds = multiplyAdds.map { $0 + (part.multiplyAdds ?? 0) }
      joined[name] = part
    }
    return order.compactMap { name in
      joined[name].map {
        Part(name: name, blocks: $0.blocks.count, parameters: $0.parameters, multiplyAdds: $0.multiplyAdds)
      }
    }
  }
}

/// A model with a vision transformer in it, for which papers have a formula.
protocol HasVisionTransformer: PublishedModel {
  var transformer: VisionTransformer { get }
  var classifierCount: Int { get }
}

extension ViTModel: HasVisionTransformer {}
extension TimmModel: HasVisionTransformer {}

extension HasVisionTransformer {
  /// The formula of `MultiplyAdds.visionTransformer` for the picture of the configuration; nil where it does not apply.
  var paperMultiplyAdds: Int? {
    let configuration = transformer.configuration
    let feedForward = configuration.block.feedForward
    guard feedForward.gate == .none, configuration.pooling != .attention else { return nil }
    let (width, tokens) = (configuration.width, configuration.grid.area + configuration.special)
    let inner = configuration.block.attention.heads * configuration.block.attention.headWidth
    let block = 4 * tokens * width * inner + 2 * tokens * tokens * inner + 2 * tokens * width * feedForward.hidden
    return tokens * configuration.channels * configuration.patch.area * width + configuration.layers * block
      + classifierCount * width * configuration.classes
  }
}

/// Tensors that a model can be run on to see what it costs.
enum ExampleInputs {
  /// Sets of inputs, of which a model of the folder takes one.
  static func candidates(_ folder: ModelFolder, tokens: Int) throws -> [[String: Tensor]] {
    let values = try folder.values()
    // A text encoder beside an image encoder is short: CLIP reads 77 tokens.
    let clip = values["model_type"] == .string("clip_text_model") ? values : values["text_config"]?.object
    let longest = clip?["max_position_embeddings"]?.integer ?? tokens
    let ids = try ["input_ids": Tensor.ones([1, max(1, min(tokens, longest))], .int64)]
    let images = try pictures(values)
    var sets: [[String: Tensor]] = []
    for picture in images { sets += [picture, picture.merging(ids) { a, _ in a }] }
    sets.insert(ids, at: values["vocab_size"] == nil ? sets.count : 0)
    if let picture = images.first, let ids = try textWithPicture(values, tokens) {
      sets.insert(picture.merging(["input_ids": ids]) { a, _ in a }, at: 0)
    }
    return try sets + latents(values, tokens)
  }

  /// A text with the places of one picture, as vision-language models read it.
  private static func textWithPicture(_ values: [String: JSONValue], _ tokens: Int) throws -> Tensor? {
    guard let token = (values["image_token_index"] ?? values["image_token_id"])?.integer,
      let vision = values["vision_config"]?.object, let size = vision["image_size"]?.integer,
      let patch = vision["patch_size"]?.integer, patch > 0, (patch...4096).contains(size)
    else { return nil }
    let isWhole = values["vision_feature_select_strategy"]?.string == "full"
    let places = (size / patch) * (size / patch) + (isWhole ? 1 : 0)
    let text = Array(repeating: token, count: places) + Array(repeating: 1, count: max(1, tokens))
    return try Tensor(text, [1, text.count])
  }

  private static func pictures(_ values: [String: JSONValue]) throws -> [[String: Tensor]] {
    let vision = values["vision_config"]?.object ?? values
    let arguments = values["model_args"]?.object ?? [:]
    let source = values["pretrained_cfg"]?.object ?? values
    let listed = source["input_size"]?.array?.compactMap(\.integer) ?? []
    let size =
      arguments["img_size"] ?? vision["image_size"]
      ?? (listed.count == 3 ? .array(listed[1...].map(JSONValue.integer)) : nil)
    let channels = arguments["in_chans"]?.integer ?? vision["num_channels"]?.integer ?? listed.first ?? 3
    let numbers = size?.array?.compactMap(\.integer) ?? [size?.integer ?? 224]
    guard let height = numbers.first, let width = numbers.last, (1...4096).contains(height), (1...4096).contains(width),
      (1...256).contains(channels)
    else { return [] }
    return [["pixel_values": try .zeros([1, channels, height, width])]]
  }

  /// What diffusion models and autoencoders read.
  private static func latents(_ values: [String: JSONValue], _ tokens: Int) throws -> [[String: Tensor]] {
    guard let channels = values["in_channels"]?.integer, (1...256).contains(channels) else { return [] }
    let side = min(max(values["sample_size"]?.integer ?? 32, 1), 256)
    let sample = try Tensor.zeros([1, channels, side, side])
    let base = ["hidden_states": sample, "timestep": try Tensor([1] as [Int])]
    var sets = [["sample": sample], base, base.merging(["class_labels": try Tensor([0] as [Int])]) { a, _ in a }]
    for key in ["caption_channels", "joint_attention_dim", "cross_attention_dim"] {
      guard let width = values[key]?.integer, (1...65_536).contains(width) else { continue }
      var set = base
      set["encoder_hidden_states"] = try .zeros([1, max(1, tokens), width])
      sets.append(set)
      if let pooled = values["pooled_projection_dim"]?.integer, (1...65_536).contains(pooled) {
        set["pooled_projections"] = try .zeros([1, pooled])
        sets.append(set)
      }
    }
    return sets
  }
}
