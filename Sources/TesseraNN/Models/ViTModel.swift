import TesseraTensor

/// ViT and DeiT of Hugging Face, with their heads.
public final class ViTModel: PublishedModel {
  public static let architectures = [
    "ViTModel", "ViTForImageClassification", "ViTForMaskedImageModeling", "DeiTModel", "DeiTForImageClassification",
    "DeiTForImageClassificationWithTeacher", "DeiTForMaskedImageModeling", "vit", "deit",
  ]

  /// What is done with the hidden states.
  public enum Head: String, Sendable {
    case none = "Model"
    case classification = "ForImageClassification"
    case withTeacher = "ForImageClassificationWithTeacher"
    case maskedImage = "ForMaskedImageModeling"
  }

  public let store: ParameterStore
  public let transformer: VisionTransformer
  public let head: Head
  private let classifiers: [Linear]
  var classifierCount: Int { classifiers.count }
  private let pooler: (Linear, Activation)?
  private let decoder: (Convolution, stride: Int)?

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let reader = try ConfigurationReader(folder)
    let names = try ModelRegistry.names(of: folder)
    let isDeiT = names.contains { $0 == "deit" || $0.hasPrefix("DeiT") }
    let heads = names.compactMap { Head(rawValue: String($0.dropFirst(isDeiT ? 4 : 3))) }
    try self.init(reader, heads.first ?? .none, distilled: isDeiT, options.store(folder.checkpoint()))
  }

  private init(_ reader: ConfigurationReader, _ head: Head, distilled: Bool, _ store: ParameterStore) throws {
    (self.store, self.head) = (store, head)
    let configuration = try VisionTransformerConfiguration(reader, distilled: distilled)
    let root = store.root
    let prefix = distilled ? "deit" : "vit"
    let scope = root.contains(prefix + ".embeddings.cls_token") ? root / prefix : root
    let isHub =
      scope.contains("encoder.layer.0.layernorm_before.weight") || !scope.contains("layers.0.layernorm_before.weight")
    transformer = try VisionTransformer(configuration, isHub ? .hub : .transformers, scope)
    let heads: [String] =
      switch head {
      case .classification: ["classifier"]
      case .withTeacher: ["cls_classifier", "distillation_classifier"]
      case .none, .maskedImage: []
      }
    classifiers =
      configuration.classes == 0
      ? [] : try heads.map { try Linear(configuration.width, configuration.classes, root / $0) }
    pooler =
      head == .none && scope.contains("pooler.dense.weight")
      ? (
        try Linear(
          configuration.width, reader.size("pooler_output_size", default: configuration.width),
          scope / "pooler" / "dense"),
        try reader.choice("pooler_act", default: .tanh)
      ) : nil
    if head == .maskedImage {
      let stride = try reader.size("encoder_stride", default: 16)
      guard stride <= 1024 else { throw reader.refuse("encoder_stride", "\(stride) is not in 1...1024") }
      let output = stride * stride * configuration.channels
      decoder = (try Convolution(configuration.width, output, kernel: [1, 1], root / "decoder" / 0), stride)
    } else {
      decoder = nil
    }
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown("interpolate_pos_encoding")
    let images = try inputs.required("pixel_values", rank: 4)
    let hidden = try inputs.optional("bool_masked_pos", rank: 2)
    let mask = try inputs.optional("attention_mask")
    try inputs.demandAllTaken()
    var (state, grid) = try transformer.embed(
      images, options.flag("interpolate_pos_encoding") ? .interpolated : .fixed, hidden: hidden)
    let read = try AttentionBias.read(mask, batch: images.size(0), tokens: state.count)
    state.mask = read.tokens
    let (last, states) = try transformer(state, bias: read.finished, keepingStates: options.hiddenStates)
    var outputs = try outputs(last.features, grid)
    for (index, state) in states.enumerated() { outputs["hidden_states.\(index)"] = state }
    return outputs
  }

  private func outputs(_ last: Tensor, _ grid: Size2D) throws -> [String: Tensor] {
    func logits(_ token: Int) throws -> Tensor {
      let vector = try last.selected(token, axis: 1)
      return classifiers.isEmpty ? vector : try classifiers[token](vector)
    }
    switch head {
    case .none:
      var outputs = ["last_hidden_state": last]
      if let pooler { outputs["pooler_output"] = try pooler.1(pooler.0(last.selected(0, axis: 1))) }
      return outputs
    case .classification: return ["logits": try logits(0)]
    case .withTeacher:
      let (first, second) = (try logits(0), try logits(1))
      return ["logits": try (first + second) / 2, "cls_logits": first, "distillation_logits": second]
    case .maskedImage: return ["reconstruction": try reconstructed(last, grid)]
    }
  }

  /// A picture from the patches: a projection to `stride²` pixels each.
  private func reconstructed(_ last: Tensor, _ grid: Size2D) throws -> Tensor {
    guard let decoder else { return last }
    // The distillation token has no place in the picture either.
    let special = transformer.configuration.special
    let map = try last.sliced(special..<last.size(1), axis: 1).rearranged("b (h w) c -> b c h w", h: grid.height)
    return try decoder.0(map).rearranged("b (c p q) h w -> b c (h p) (w q)", p: decoder.stride, q: decoder.stride)
  }
}
