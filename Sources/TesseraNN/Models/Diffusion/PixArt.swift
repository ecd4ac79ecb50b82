import TesseraTensor

/// A diffusion transformer that draws what a text says: blocks with cross-attention to the text's features, and one network for the time
/// whose answer every block shifts by a small table of its own (adaLN-single).
///
/// Papers: *PixArt-alpha*, 2023 (arXiv 2310.00426); *PixArt-Sigma*, 2024 (arXiv 2403.04692).
///
///     let noise = try model(latents, timestep: steps, text: features, textMask: mask)
///
/// Reads diffusers' keys and the published ones.
public final class PixArt: Module, PublishedModel {
  /// The class names of configurations that this type reads.
  public static let architectures = ["PixArtTransformer2DModel", "PixArt", "PixArtMS"]

  /// The shape of the model.
  public let configuration: PixArtConfiguration
  /// The parameters, under the checkpoint's keys.
  public let store: ParameterStore
  /// In order.
  public let blocks: [PixArtBlock]
  private let patches: LatentPatches
  private let time: TimestepEmbedding
  private let sizes: (resolution: TimestepEmbedding, ratio: TimestepEmbedding)?
  private let modulation: Linear
  private let caption: CaptionProjection?
  private let table: Parameter
  private let output: Linear

  /// The keys of a checkpoint.
  public enum Layout: Sendable { case diffusers, published }

  /// A model with drawn parameters.
  public convenience init(
    _ configuration: PixArtConfiguration, seed: UInt64, _ dataType: DataType = .float32, device: Device = .cpu
  ) throws {
    try self.init(configuration, ParameterStore(seed: seed, dataType, device: device).root)
  }

  /// Reads a folder: diffusers' keys or the published ones, also below `state_dict.`.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration = try folder.configuration(PixArtConfiguration.self)
    let checkpoint = try folder.checkpoint().unwrapped(around: "x_embedder.proj.weight", "pos_embed.proj.weight")
    let layout: Layout = checkpoint.contains("x_embedder.proj.weight") ? .published : .diffusers
    try self.init(configuration, options.store(checkpoint).root, layout: layout)
  }

  /// A model whose parameters lie below a scope.
  public init(_ configuration: PixArtConfiguration, _ scope: Scope, layout: Layout = .diffusers) throws {
    try configuration.validate()
    self.configuration = configuration
    store = scope.store
    let (c, width, published) = (configuration, configuration.width, layout == .published)
    let time = scope / "adaln_single" / "emb"
    func embedder(_ width: Int, _ library: String, _ file: String) throws -> TimestepEmbedding {
      try TimestepEmbedding(
        width, names: published ? ("mlp.0", "mlp.2") : ("linear_1", "linear_2"),
        published ? scope / file : time / library)
    }
    patches = try LatentPatches(c.channels, width, patch: c.patch, scope / (published ? "x_embedder" : "pos_embed"))
    self.time = try embedder(width, "timestep_embedder", "t_embedder")
    sizes =
      c.usesSizeConditions
      ? (
        try embedder(width / 3, "resolution_embedder", "csize_embedder"),
        try embedder(width / 3, "aspect_ratio_embedder", "ar_embedder")
      ) : nil
    modulation = try Linear(
      width, 6 * width, published ? scope / "t_block" / 1 : scope / "adaln_single" / "linear",
      initialization: .normal(0.02))
    caption = try c.captionChannels.map {
      try CaptionProjection(
        $0, width, names: published ? ("fc1", "fc2") : ("linear_1", "linear_2"),
        published ? scope / "y_embedder" / "y_proj" : scope / "caption_projection")
    }
    blocks = try (0..<c.layers).map {
      try PixArtBlock(c, layout, scope / (published ? "blocks" : "transformer_blocks") / $0)
    }
    let end = published ? scope / "final_layer" : scope
    table = try end.parameter("scale_shift_table", [2, width], .normal(1 / Double(width).squareRoot()))
    output = try Linear(
      width, c.patch * c.patch * c.outputChannels, end / (published ? "linear" : "proj_out"), initialization: .zeros)
    super.init(scope)
  }

  /// What the picture is to be like, beside the text and the time.
  public struct SizeConditions: Sendable {
    /// Height and width in pixels: `[batch, 2]`
    public var resolution: Tensor
    /// Height / width: `[batch, 1]`
    public var aspectRatio: Tensor
    /// Conditions for a batch.
    public init(resolution: Tensor, aspectRatio: Tensor) {
      (self.resolution, self.aspectRatio) = (resolution, aspectRatio)
    }
  }

  /// Predicts the noise in latent pictures.
  /// - Parameters:
  ///   - latents: `[batch, channels, height, width]`; both sides are multiples of the patch, and need not be equal
  ///   - timestep: `[batch]` or one for all
  ///   - text: features `[batch, length, channels]`; without, cross-attention looks at the picture itself
  ///   - textMask: which features count: `[batch, length]`, not zero where they do, or a bias `[batch, 1, length]`
  ///   - mask: which tokens of the picture count, in the same forms
  ///   - sizes: needed where the configuration has them
  ///   - hooks: look into the blocks or work in their place
  /// - Returns: `[batch, output channels, height, width]`
  public func callAsFunction(
    _ latents: Tensor, timestep: Tensor, text: Tensor? = nil, textMask: Tensor? = nil, mask: Tensor? = nil,
    sizes: SizeConditions? = nil, hooks: [any BlockHook] = []
  ) throws -> Tensor {
    let (rows, columns) = try LatentPicture.grid(
      of: latents, channels: configuration.channels, patch: configuration.patch)
    let batch = latents.size(0)
    let condition = try embedded(timestep, sizes, batch: batch)
    let tokens = try patches(latents)
    let positions = try Sinusoids.grid(
      rows: rows, columns: columns, width: configuration.width, base: configuration.sampleSize / configuration.patch,
      interpolation: configuration.interpolationScale, device: latents.device
    ).to(tokens.dataType)
    let context = try projected(text?.to(tokens.dataType), batch: batch)
    var state = BlockState(
      tokens: try (tokens + positions).contiguous(), context: context,
      condition: try modulation(condition.silu()).reshaped([batch, 6, configuration.width]),
      mask: try bias(mask, [batch, rows * columns], tokens.dataType, "attention_mask"),
      contextMask: try bias(
        textMask, [batch, context?.size(1) ?? rows * columns], tokens.dataType, "encoder_attention_mask"),
      rows: rows, columns: columns)
    state = try run(blocks, state, hooks: hooks)
    let ends = try (table.value.unsqueezed(0) + condition.unsqueezed(1)).chunked(2, axis: 1)
    return try output(state.tokens.adaptivelyNormalized(shift: ends[0], scale: ends[1]))
      .unpatchified(configuration.patch, rows: rows, columns: columns)
  }

  private func embedded(_ timestep: Tensor, _ sizes: SizeConditions?, batch: Int) throws -> Tensor {
    let condition = try time(LatentPicture.perPicture(timestep, batch: batch, "timestep"))
    guard let embedders = self.sizes else {
      if sizes != nil { throw TensorError.invalid("resolution", "this model has no conditions on the picture's size") }
      return condition
    }
    guard let sizes else { throw TensorError.invalid("resolution", "this model needs resolution and aspect_ratio") }
    guard sizes.resolution.count == 2 * batch, sizes.aspectRatio.count == batch else {
      throw TensorError.invalid(
        "resolution",
        "\(sizes.resolution.summary) and \(sizes.aspectRatio.summary), but [\(batch), 2] and [\(batch), 1] are expected"
      )
    }
    let resolution = try embedders.resolution(sizes.resolution.reshaped([-1])).reshaped([batch, -1])
    let ratio = try embedders.ratio(sizes.aspectRatio.reshaped([-1])).reshaped([batch, -1])
    return try condition + Tensor.concatenated([resolution, ratio], axis: 1)
  }

  private func projected(_ text: Tensor?, batch: Int) throws -> Tensor? {
    guard let textWidth = configuration.textWidth else {
      if text != nil { throw TensorError.invalid("encoder_hidden_states", "this model has no cross-attention") }
      return nil
    }
    guard let text else {
      guard configuration.captionChannels == nil, textWidth == configuration.width else {
        throw TensorError.invalid("encoder_hidden_states", "this model needs the features of a text")
      }
      return nil
    }
    let width = configuration.captionChannels ?? textWidth
    guard text.rank == 3, text.size(0) == batch, text.size(1) > 0, text.size(2) == width else {
      throw TensorError.invalid(
        "encoder_hidden_states", "\(text.summary), and [\(batch), length, \(width)] is expected")
    }
    return try caption?(text) ?? text
  }

  /// A mask as what is added to the logits: -10,000 where nothing is to be seen, so that a row without anything stays a number.
  private func bias(_ mask: Tensor?, _ shape: [Int], _ type: DataType, _ name: String) throws -> Tensor? {
    guard let mask else { return nil }
    if mask.shape == shape {
      return try ((1 - mask.to(type)) * -10_000).unsqueezed(1).unsqueezed(1)
    }
    guard mask.rank == 3, mask.size(0) == shape[0], mask.size(2) == shape[1] else {
      throw TensorError.invalid(
        name, "\(mask.summary), and \(shape) or a bias [\(shape[0]), 1, \(shape[1])] is expected")
    }
    return try (mask.dataType == .bool ? mask : mask.to(type)).unsqueezed(1)
  }

  /// Runs the model on tensors named like the reference's arguments; see `PublishedModel`.
  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    let latents = try inputs.required("hidden_states", rank: 4)
    let timestep = try inputs.required("timestep")
    let text = try inputs.optional("encoder_hidden_states", rank: 3)
    let textMask = try inputs.optional("encoder_attention_mask")
    let mask = try inputs.optional("attention_mask")
    let resolution = try inputs.optional("resolution") ?? inputs.optional("added_cond_kwargs.resolution")
    let ratio = try inputs.optional("aspect_ratio") ?? inputs.optional("added_cond_kwargs.aspect_ratio")
    try inputs.demandAllTaken()
    try options.demandKnown()
    try LatentPicture.demandFinite(latents, "hidden_states")
    var sizes: SizeConditions?
    if configuration.usesSizeConditions, let resolution, let ratio {
      sizes = SizeConditions(resolution: resolution, aspectRatio: ratio)
    }
    let recorder = HiddenStateRecorder()
    let sample = try self(
      latents, timestep: timestep, text: text, textMask: textMask, mask: mask, sizes: sizes,
      hooks: options.hiddenStates ? [recorder] : [])
    return recorder.named(adding: ["sample": sample])
  }
}

/// A block with adaLN-single: self-attention, cross-attention to the text without a norm or a gate, feed-forward part.
public final class PixArtBlock: Module, DiffusionBlock {
  private let table: Parameter
  private let norm1: LayerNorm
  private let attention: DiffusionAttention
  private let cross: DiffusionAttention?
  private let norm2: LayerNorm
  private let feedForward: DiffusionFeedForward

  /// A block whose parameters lie below a scope.
  public init(_ configuration: PixArtConfiguration, _ layout: PixArt.Layout, _ scope: Scope) throws {
    let (c, width, published) = (configuration, configuration.width, layout == .published)
    table = try scope.parameter("scale_shift_table", [6, width], .normal(1 / Double(width).squareRoot()))
    norm1 = try LayerNorm(width, epsilon: c.epsilon, affine: c.affineNorm, scope / "norm1")
    norm2 = try LayerNorm(width, epsilon: c.epsilon, affine: c.affineNorm, scope / "norm2")
    attention = try DiffusionAttention(
      width, heads: c.heads, headWidth: c.headWidth, bias: c.attentionBias, keys: published ? .joined : .diffusers,
      scope / (published ? "attn" : "attn1"))
    cross = try c.textWidth.map {
      try DiffusionAttention(
        width, heads: c.heads, headWidth: c.headWidth, context: $0, bias: c.attentionBias,
        keys: published ? .pair : .diffusers,
        outputInitialization: .zeros, scope / (published ? "cross_attn" : "attn2"))
    }
    feedForward =
      published
      ? try DiffusionFeedForward(width, hidden: 4 * width, c.activation, names: ("fc1", "fc2"), scope / "mlp")
      : try DiffusionFeedForward(width, hidden: 4 * width, c.activation, scope / "ff")
    super.init(scope)
  }

  /// Shift, scale and gate of the attention and of the feed-forward part.
  /// - Parameter condition: what all blocks share, `[batch, 6, width]`
  public func modulations(_ condition: Tensor) throws -> (attention: Modulation, feedForward: Modulation) {
    let branches = Modulation.branches(try (table.value.unsqueezed(0) + condition).chunked(6, axis: 1))
    return (branches[0], branches[1])
  }

  /// What self-attention adds to the tokens.
  public func attended(
    _ tokens: Tensor, _ modulation: Modulation, mask: Tensor? = nil, _ seams: BlockSeams = BlockSeams()
  ) throws -> Tensor {
    let normed = try norm1(tokens).modulated(shift: modulation.shift, scale: modulation.scale)
    return try attention(normed, mask: mask, seams) * modulation.gate
  }

  /// What cross-attention adds to the tokens; nil in a block without.
  public func crossed(
    _ tokens: Tensor, _ text: Tensor?, mask: Tensor? = nil, _ seams: BlockSeams = BlockSeams()
  ) throws -> Tensor? {
    try cross?(tokens, context: text, mask: mask, role: .cross, seams)
  }

  /// What the feed-forward part adds to the tokens.
  public func fed(_ tokens: Tensor, _ modulation: Modulation) throws -> Tensor {
    try feedForward(norm2(tokens).modulated(shift: modulation.shift, scale: modulation.scale)) * modulation.gate
  }

  /// Runs the block on what enters it, with hooks inside.
  public func callAsFunction(_ state: BlockState, _ seams: BlockSeams = BlockSeams()) throws -> BlockState {
    var state = state
    let (first, second) = try modulations(state.condition)
    state.tokens = try state.tokens + attended(state.tokens, first, mask: state.mask, seams)
    if let text = try crossed(state.tokens, state.context, mask: state.contextMask, seams) {
      state.tokens = try state.tokens + text
    }
    try seams.between(&state)
    state.tokens = try state.tokens + fed(state.tokens, second)
    return state
  }
}
