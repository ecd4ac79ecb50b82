import TesseraTensor

/// CLIP: texts and images in one space (*Learning Transferable Visual Models From Natural Language Supervision*, 2021,
/// arXiv 2103.00020), as the hub's folders have it.
public final class CLIPModel: PublishedModel {
  public static let architectures = ["CLIPModel", "clip"]

  public let configuration: CLIPConfiguration
  public let store: ParameterStore
  public let text: CLIPTextTransformer
  public let vision: CLIPVisionTransformer
  public let textProjection, visualProjection: Linear
  /// The logarithm of the factor on similarities, a scalar.
  public let logitScale: Parameter

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    try self.init(folder.configuration(), options.store(folder.checkpoint()))
  }

  /// Takes the parameters from a store: a checkpoint's, or drawn ones.
  public init(_ configuration: CLIPConfiguration, _ store: ParameterStore) throws {
    (self.configuration, self.store) = (configuration, store)
    let (root, width) = (store.root, configuration.projectionWidth)
    text = try CLIPTextTransformer(configuration.text, root / "text_model")
    vision = try CLIPVisionTransformer(configuration.vision, root / "vision_model")
    textProjection = try Linear(configuration.text.width, width, bias: false, root / "text_projection")
    visualProjection = try Linear(configuration.vision.width, width, bias: false, root / "visual_projection")
    logitScale = try root.parameter("logit_scale", [], .constant(2.6592))
  }

  /// Cosine similarities times the learned factor, `[texts, images]`.
  /// - Parameters:
  ///   - texts, images: of length one, `[texts, width]` and `[images, width]`
  public func similarity(_ texts: Tensor, _ images: Tensor) throws -> Tensor {
    try texts.matmul(images.transposed()) * logitScale.value.exp()
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown("interpolate_pos_encoding", "return_loss")
    var seen = try vision.forward(inputs, options)
    var read = try text.forward(inputs, options)
    try inputs.demandAllTaken()
    // As in the reference, the pooled states of both are the projected ones.
    seen.pooled = try visualProjection(seen.pooled)
    read.pooled = try textProjection(read.pooled)
    let images = try seen.pooled / seen.pooled.norm([-1], keepingAxes: true)
    let texts = try read.pooled / read.pooled.norm([-1], keepingAxes: true)
    let perText = try similarity(texts, images)
    var outputs = [
      "text_embeds": texts, "image_embeds": images, "logits_per_text": perText,
      "logits_per_image": try perText.transposed(),
    ]
    outputs.merge(read.named("text_model_output.")) { $1 }
    outputs.merge(seen.named("vision_model_output.")) { $1 }
    if try options.flag("return_loss") { outputs["loss"] = try Self.contrastiveLoss(perText) }
    return outputs
  }

  /// The mean of both cross entropies of a square of similarities: every text belongs to the image with its number.
  public static func contrastiveLoss(_ similarity: Tensor) throws -> Tensor {
    guard similarity.rank == 2, similarity.size(0) == similarity.size(1) else {
      throw TensorError.invalid("CLIP", "a loss needs as many texts as images, not \(similarity.summary)")
    }
    let pairs = try Tensor.range(0..<similarity.size(0), device: similarity.device).unsqueezed(1)
    let byText = try similarity.logSoftmax(1).gathered(pairs, axis: 1).mean()
    let byImage = try similarity.transposed().logSoftmax(1).gathered(pairs, axis: 1).mean()
    return try (byText + byImage) * -0.5
  }
}

extension CLIPTextTransformer {
  /// Reads the reference's arguments.
  func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> CLIPEncoding {
    try self(
      inputs.required("input_ids", rank: 2, .int64), attentionMask: inputs.optional("attention_mask", rank: 2),
      positionIDs: inputs.optional("position_ids", rank: 2, .int64), hiddenStates: options.hiddenStates)
  }
}

extension CLIPVisionTransformer {
  /// Reads the reference's arguments.
  func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> CLIPEncoding {
    try self(
      inputs.required("pixel_values", rank: 4), interpolating: options.flag("interpolate_pos_encoding"),
      hiddenStates: options.hiddenStates)
  }
}
