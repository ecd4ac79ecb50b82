import TesseraTensor

/// DETR for the detection of objects, as the hub's folders have it.
public final class DETRDetector: PublishedModel {
  public static let architectures = ["DetrForObjectDetection", "detr"]

  public let store: ParameterStore
  public let transformer: DETRTransformer
  /// The classes and, last, "nothing".
  public let classifier: Linear
  let boxes: DETRBoxHead

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    try self.init(folder.configuration(), options.store(folder.detrCheckpoint()))
  }

  /// Takes the parameters from a store: a checkpoint's, or drawn ones.
  public init(_ configuration: DETRConfiguration, _ store: ParameterStore) throws {
    self.store = store
    transformer = try DETRTransformer(configuration, store.root / "model")
    classifier = try Linear(configuration.width, configuration.labels + 1, store.root / "class_labels_classifier")
    boxes = try DETRBoxHead(configuration.width, 4, layers: 3, store.root / "bbox_predictor")
  }

  /// What the queries' states say.
  /// - Parameter states: `[batch, queries, width]`
  /// - Returns: class logits `[batch, queries, classes + 1]`; boxes `[batch, queries, 4]`: center, width and height in 0...1
  public func predict(_ states: Tensor) throws -> (logits: Tensor, boxes: Tensor) {
    (try classifier(states), try boxes(states))
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    let output = try transformer.forward(inputs, options)
    var outputs = output.named
    let (logits, boxes) = try predict(output.lastHiddenState)
    (outputs["logits"], outputs["pred_boxes"]) = (logits, boxes)
    for (number, state) in output.intermediate.dropLast().enumerated() {
      let (logits, boxes) = try predict(state)
      outputs["auxiliary_outputs.\(number).logits"] = logits
      outputs["auxiliary_outputs.\(number).pred_boxes"] = boxes
    }
    return outputs
  }
}

/// DETR without heads.
public final class DETRModel: PublishedModel {
  public static let architectures = ["DetrModel"]

  public let store: ParameterStore
  public let transformer: DETRTransformer

  public init(folder: ModelFolder, options: LoadOptions) throws {
    store = options.store(try folder.detrCheckpoint())
    transformer = try DETRTransformer(folder.configuration(), store.root / "model")
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    let output = try transformer.forward(inputs, options)
    var outputs = output.named
    if !output.intermediate.isEmpty { outputs["intermediate_hidden_states"] = try .stacked(output.intermediate) }
    return outputs
  }
}

extension ModelFolder {
  /// The checkpoint under the hub's keys, whatever the version of the reference that wrote it.
  func detrCheckpoint() throws -> Checkpoint {
    try checkpoint().renamed { key in
      var parts = key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      let heads = ["model", "class_labels_classifier", "bbox_predictor", "mask_head", "bbox_attention", "detr"]
      if !heads.contains(parts[0]) { parts.insert("model", at: 0) }
      guard parts.count > 3, parts[0] == "model" else { return parts.joined(separator: ".") }
      if parts[1] == "backbone" {
        if parts[2] == "model" { parts.insert("conv_encoder", at: 2) }
        return parts.joined(separator: ".")
      }
      // Inside the transformer: `mlp.fc1` was `fc1`, `o_proj` was `out_proj`.
      return parts.filter { $0 != "mlp" }.map { $0 == "o_proj" ? "out_proj" : $0 }.joined(separator: ".")
    }
  }
}
