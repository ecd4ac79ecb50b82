import TesseraTensor

/// LLaVA 1.5: a decoder that reads images as tokens (*Improved Baselines with Visual Instruction Tuning*, 2023, arXiv 2310.03744).
///
///     let model = try LlavaModel(folder: "llava-1.5-7b-hf")
///     let prompt = try model.embed(tokens, images: pixels)       // one place for each feature of an image
///     let logits = try model.logits(model.hidden(TextInput(embeddings: prompt), cache: cache))
///
/// The image encoder's states are projected into the decoder's space and stand in the place of image tokens. As a `DecoderModel` it is its
/// decoder.
public final class LlavaModel: DecoderModel {
  /// Names in configurations that mean this model.
  public static let architectures = ["LlavaForConditionalGeneration", "LlavaModel", "llava"]

  /// What the model was made from.
  public let configuration: LlavaConfiguration
  /// All parameters, under the keys of the hub's checkpoints.
  public let store: ParameterStore
  /// The image encoder.
  public let vision: CLIPVisionTransformer
  /// The decoder.
  public let language: LlamaModel
  private let projector: (first: Linear, second: Linear)

  /// Reads a folder of the hub.
  /// - Throws: `CheckpointError` naming the file and the key.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration: LlavaConfiguration = try folder.configuration()
    let hasHead = try !folder.isNamed("LlavaModel")
    let checkpoint = try folder.checkpoint().renamed { Self.hubKey($0, hasHead: hasHead) }
    _ = try folder.naming { try configuration.text.rotaryEmbedding() }
    try self.init(configuration, hasHead: hasHead, options.store(checkpoint))
    language.source = try TextSource(folder)
  }

  /// Takes the parameters from a store: a checkpoint's, or drawn ones.
  public init(_ configuration: LlavaConfiguration, hasHead: Bool = true, _ store: ParameterStore) throws {
    (self.configuration, self.store) = (configuration, store)
    let root = store.root
    vision = try CLIPVisionTransformer(configuration.vision, root / "vision_tower" / "vision_model")
    language = try LlamaModel(configuration.text, hasHead: hasHead, root / "language_model")
    let (seen, width) = (configuration.vision.width * configuration.featureLayers.count, configuration.text.hiddenSize)
    let (scope, bias) = (root / "multi_modal_projector", configuration.projectorBias)
    projector = (
      try Linear(seen, width, bias: bias, scope / "linear_1"), try Linear(width, width, bias: bias, scope / "linear_2")
    )
  }

  /// A key as the hub's checkpoints have it: newer versions of the reference put everything below `model` and leave wrappers out.
  private static func hubKey(_ key: String, hasHead: Bool) -> String? {
    if key.hasSuffix("rotary_emb.inv_freq") || key.hasSuffix("embeddings.position_ids") { return nil }
    func rest(_ key: String, _ prefix: String) -> String? {
      key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : nil
    }
    let key = rest(key, "model.") ?? key
    if key.hasPrefix("lm_head.") { return "language_model." + key }
    if let part = rest(key, "vision_tower.") {
      return "vision_tower.vision_model." + (rest(part, "vision_model.") ?? part)
    }
    if let part = rest(key, "language_model.") {
      let plain = rest(part, "model.") ?? part
      return "language_model." + (hasHead && !plain.hasPrefix("lm_head.") ? "model." : "") + plain
    }
    return key
  }

  // MARK: Images

  /// The features of images in the decoder's space, `[images, tokens, width]`.
  /// - Parameters:
  ///   - images: `[images, channels, height, width]`, normalised by the image encoder's constants
  ///   - layers: the states that are joined; nil: the configuration's
  ///   - selection: which tokens are taken; nil: as the configuration says
  ///   - hook: what works on the tokens inside the image encoder
  public func features(
    _ images: Tensor, layers: [Int]? = nil, selection: LlavaConfiguration.Selection? = nil,
    interpolating: Bool = false, hook: (any TokenHook)? = nil
  ) throws -> Tensor {
    guard let layers = configuration.layers(layers ?? configuration.featureLayers),
      layers.count == configuration.featureLayers.count
    else {
      throw TensorError.invalid(
        "LLaVA",
        "\(configuration.featureLayers.count) of the image encoder's states 0...\(configuration.vision.layers) are wanted, "
          + "not \(layers ?? [])")
    }
    var states = try vision.states(images, layers: layers, interpolating: interpolating, hook: hook)
    if (selection ?? configuration.selection) == .patches {
      states = try states.map { try $0.sliced(1..<$0.size(1), axis: 1) }
    }
    return try projected(states.count == 1 ? states[0] : Tensor.concatenated(states, axis: 2))
  }

  /// States of the image encoder in the decoder's space.
  /// - Parameter states: `[images, tokens, width]`, the chosen states joined
  public func projected(_ states: Tensor) throws -> Tensor {
    try projector.second(configuration.projectorActivation(projector.first(states)))
  }

  /// The vectors of a text, `[batch, tokens, width]`, with the features of images in the place of image tokens.
  /// - Parameters:
  ///   - tokens: int64 `[batch, tokens]`
  ///   - images: `[images, channels, height, width]`, in the order in which the text names them; nil: there are none
  public func embed(_ tokens: Tensor, images: Tensor? = nil) throws -> Tensor {
    let embedded = try language.embedding(tokens)
    guard let images else { return embedded }
    return try place(features(images), into: embedded, where: tokens .== Double(configuration.imageToken))
  }

  private static let maskedScatter = Operator("aten::masked_scatter")

  /// - Parameter mask: true for image tokens, `[batch, tokens]`
  /// - Throws: `TensorError.invalid` unless there are as many image tokens as features.
  private func place(_ features: Tensor, into embedded: Tensor, where mask: Tensor) throws -> Tensor {
    let places = try mask.to(.int64).sum().integer()
    guard places == features.size(0) * features.size(1) else {
      throw TensorError.invalid(
        "LLaVA",
        "the text has \(places) image tokens (\(configuration.imageToken)), and the images give "
          + "\(features.size(0)) · \(features.size(1)) features")
    }
    let everywhere = try mask.unsqueezed(2).expanded(embedded.shape)
    return try Self.maskedScatter(.tensor(embedded), .tensor(everywhere), .tensor(features.to(embedded.dataType)))
  }

  // MARK: DecoderModel

  /// Features of a token.
  public var width: Int { language.width }
  /// Rows of the table of embeddings.
  public var vocabularySize: Int { language.vocabularySize }
  /// Ids that end a text.
  public var endOfText: [Int] { language.endOfText }
  /// False for folders of the bare model: it has no logits.
  public var hasHead: Bool { language.hasHead }
  /// Whether the reference reads with a cache unless told otherwise.
  public var usesCache: Bool { language.usesCache }
  /// The decoder's blocks.
  public var decoderBlocks: [any DecoderBlock] { language.decoderBlocks }
  /// Where the tokenizer is.
  public var source: TextSource? { language.source }

  /// A cache for a new text.
  public func makeCache() -> KeyValueCache { language.makeCache() }

  /// Embeds the tokens and prepares what all blocks share.
  public func begin(
    _ input: TextInput, cache: KeyValueCache?, hooks: [any DecoderHook]
  ) throws -> (hidden: Tensor, pass: DecoderPass) {
    try language.begin(input, cache: cache, hooks: hooks)
  }

  /// The final norm.
  public func finish(_ hidden: Tensor) throws -> Tensor { try language.finish(hidden) }

  /// Logits by the head.
  public func logits(_ hidden: Tensor) throws -> Tensor { try language.logits(hidden) }

  // MARK: The reference's names

  /// Reads `input_ids` or `inputs_embeds`, `pixel_values`, and what the decoder reads; settings `vision_feature_layer`,
  /// `vision_feature_select_strategy`, `interpolate_pos_encoding`, and the decoder's.
  /// - Returns: the decoder's outputs and, where there are images, `image_hidden_states`, `[images, tokens, width]`
  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    let ids = try inputs.wholeNumbers("input_ids", rank: 2)
    let given = try inputs.optional("inputs_embeds", rank: 3, store.dataType)
    guard (ids == nil) != (given == nil) else {
      throw TensorError.invalid("input_ids", "either input_ids or inputs_embeds is needed")
    }
    var passed: [String: Tensor] = [:]
    for name in ["attention_mask", "position_ids", "labels", "logits_to_keep"] {
      passed[name] = try inputs.optional(name)
    }
    let images = try inputs.optional("pixel_values", rank: 4, store.dataType)
    try inputs.demandAllTaken()

    let seen = try images.map { try features($0, options) }
    var embedded = try given ?? ids.map { try language.embedding($0) } ?? Tensor.zeros([0, 0, width])
    if let seen { embedded = try place(seen, into: embedded, where: imageTokens(ids, embedded)) }
    passed["inputs_embeds"] = embedded

    var rest = options
    for name in ["vision_feature_layer", "vision_feature_select_strategy", "interpolate_pos_encoding"] {
      rest.settings[name] = nil
    }
    var outputs = try language.forward(NamedTensors(passed), rest)
    outputs["image_hidden_states"] = seen
    // The decoder was given vectors and knows its own tokens alone.
    if let ids, let new = outputs["sequences"] { outputs["sequences"] = try .concatenated([ids, new], axis: 1) }
    return outputs
  }

  /// Where image tokens stand; among vectors they are known by their own.
  private func imageTokens(_ ids: Tensor?, _ embedded: Tensor) throws -> Tensor {
    if let ids { return try ids .== Double(configuration.imageToken) }
    let token = try Tensor([configuration.imageToken], [1], device: embedded.device)
    return try (embedded .== language.embedding(token)).all(-1)
  }

  private func features(_ images: Tensor, _ options: ForwardOptions) throws -> Tensor {
    let names = (layers: "vision_feature_layer", selection: "vision_feature_select_strategy")
    var layers: [Int]?
    if let setting = options.settings[names.layers], setting != .null {
      let numbers = (setting.array ?? [setting]).map(\.integer)
      guard !numbers.contains(nil) else {
        throw TensorError.invalid("forward", "'\(names.layers)' is a number or a list")
      }
      layers = numbers.compactMap { $0 }
    }
    var selection: LlavaConfiguration.Selection?
    if let setting = options.settings[names.selection], setting != .null {
      selection = setting.string.flatMap(LlavaConfiguration.Selection.init(rawValue:))
      guard selection != nil else {
        throw TensorError.invalid("forward", "'\(names.selection)' is 'default' or 'full'")
      }
    }
    return try features(
      images, layers: layers, selection: selection, interpolating: options.flag("interpolate_pos_encoding"))
  }
}
