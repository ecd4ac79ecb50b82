import TesseraTensor

extension ModelFolder {
  /// The part of a configuration that one of CLIP's encoders needs: the file itself, or what a configuration of both has under a key.
  func clipPart<Part: Decodable>(_ whole: KeyPath<CLIPConfiguration, Part>) throws -> Part {
    try values()["model_type"] == .string("clip")
      ? configuration(CLIPConfiguration.self)[keyPath: whole] : configuration()
  }

  /// The checkpoint with one of CLIP's encoders under a prefix; newer versions of the reference write it without.
  func clipCheckpoint(_ prefix: String) throws -> Checkpoint {
    try checkpoint().renamed { key in
      ["embeddings.", "encoder.", "final_layer_norm.", "pre_layrnorm.", "post_layernorm."].contains {
        key.hasPrefix($0)
      }
        ? "\(prefix).\(key)" : key
    }
  }
}

/// CLIP's text encoder alone, with or without the projection into the space of images.
public final class CLIPTextModel: PublishedModel {
  public static let architectures = ["CLIPTextModel", "CLIPTextModelWithProjection", "clip_text_model"]

  public let store: ParameterStore
  public let text: CLIPTextTransformer
  /// nil: the model ends with the pooled state.
  public let projection: Linear?

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    try self.init(
      folder.clipPart(\.text), projecting: folder.isNamed("CLIPTextModelWithProjection"),
      options.store(folder.clipCheckpoint("text_model")))
  }

  /// Takes the parameters from a store: a checkpoint's, or drawn ones.
  public init(_ configuration: CLIPTextConfiguration, projecting: Bool, _ store: ParameterStore) throws {
    self.store = store
    text = try CLIPTextTransformer(configuration, store.root / "text_model")
    projection =
      projecting
      ? try Linear(configuration.width, configuration.projectionWidth, bias: false, store.root / "text_projection")
      : nil
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown()
    let read = try text.forward(inputs, options)
    try inputs.demandAllTaken()
    var outputs = read.named()
    if let projection { outputs["text_embeds"] = try projection(read.pooled) }
    return outputs
  }
}

/// CLIP's image encoder alone, with or without the projection into the space of texts.
public final class CLIPVisionModel: PublishedModel {
  public static let architectures = ["CLIPVisionModel", "CLIPVisionModelWithProjection", "clip_vision_model"]

  public let store: ParameterStore
  public let vision: CLIPVisionTransformer
  /// nil: the model ends with the pooled state.
  public let projection: Linear?

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    try self.init(
      folder.clipPart(\.vision), projecting: folder.isNamed("CLIPVisionModelWithProjection"),
      options.store(folder.clipCheckpoint("vision_model")))
  }

  /// Takes the parameters from a store: a checkpoint's, or drawn ones.
  public init(_ configuration: CLIPVisionConfiguration, projecting: Bool, _ store: ParameterStore) throws {
    self.store = store
    vision = try CLIPVisionTransformer(configuration, store.root / "vision_model")
    projection =
      projecting
      ? try Linear(configuration.width, configuration.projectionWidth, bias: false, store.root / "visual_projection")
      : nil
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown("interpolate_pos_encoding")
    let seen = try vision.forward(inputs, options)
    try inputs.demandAllTaken()
    var outputs = seen.named()
    if let projection { outputs["image_embeds"] = try projection(seen.pooled) }
    return outputs
  }
}

/// CLIP's image encoder with a classifier on the mean of its patches.
public final class CLIPImageClassifier: PublishedModel {
  public static let architectures = ["CLIPForImageClassification"]

  public let store: ParameterStore
  public let vision: CLIPVisionTransformer
  /// nil where there are no labels: the mean itself is given.
  public let classifier: Linear?

  public init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration: CLIPConfiguration = try folder.configuration()
    store = options.store(try folder.clipCheckpoint("vision_model"))
    vision = try CLIPVisionTransformer(configuration.vision, store.root / "vision_model")
    let (width, labels) = (configuration.vision.width, configuration.labels)
    classifier = labels > 0 ? try Linear(width, labels, store.root / "classifier") : nil
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown("interpolate_pos_encoding")
    let seen = try vision.forward(inputs, options)
    try inputs.demandAllTaken()
    let mean = try seen.lastHiddenState.sliced(1..<seen.lastHiddenState.size(1), axis: 1).mean([1])
    var outputs = ["logits": try classifier?(mean) ?? mean]
    for (number, state) in seen.hiddenStates.enumerated() { outputs["hidden_states.\(number)"] = state }
    return outputs
  }
}

extension ModelFolder {
  /// True if a configuration names this class among its architectures.
  func isNamed(_ architecture: String) throws -> Bool {
    try values()["architectures"]?.array?.contains(.string(architecture)) ?? false
  }
}
