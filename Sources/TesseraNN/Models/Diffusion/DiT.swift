import TesseraTensor

/// The diffusion transformer: a latent picture is cut into patches, and transformer blocks, whose norms the time and the class modulate,
/// say what noise is in it.
///
/// Paper: *Scalable Diffusion Models with Transformers*, 2022 (arXiv 2212.09748).
///
///     let model = try DiT(DiTConfiguration(.small, patch: 2), seed: 1)
///     let noise = try model(latents, timestep: steps, labels: classes)  // [batch, 8, 32, 32]: noise and variance
///
/// Time steps are those of the training, 0...999, also when a sampler visits only some of them. A model starts as one that gives zero
/// for everything, and every block as the identity. SiT has the same network; see `SiT` for its conventions.
public final class DiT: Module, PublishedModel {
  /// The class names of configurations that this type reads.
  public static let architectures = ["DiTTransformer2DModel", "DiT", "SiT", "dit", "sit"]

  /// The shape of the model.
  public let configuration: DiTConfiguration
  /// The parameters, under the checkpoint's keys.
  public let store: ParameterStore
  /// In order.
  public let blocks: [DiTBlock]
  private let patches: LatentPatches
  private let positions: Parameter?
  /// The condition of all blocks in the published layout, of block i in diffusers'.
  private let embedders: [ClassCondition]
  private let modulation: AdaptiveModulation
  private let output: Linear

  /// A model with drawn parameters.
  public convenience init(
    _ configuration: DiTConfiguration, seed: UInt64, _ dataType: DataType = .float32, device: Device = .cpu
  ) throws {
    try self.init(configuration, ParameterStore(seed: seed, dataType, device: device).root)
  }

  /// Reads a folder: diffusers' keys or the published ones, also below `ema.`, `model.` or `state_dict.`.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    var configuration = try folder.configuration(DiTConfiguration.self)
    let checkpoint = try folder.checkpoint().unwrapped(around: "x_embedder.proj.weight", "pos_embed.proj.weight")
    if checkpoint.contains("x_embedder.proj.weight"), configuration.layout == .diffusers {
      (configuration.layout, configuration.epsilon) = (.published, 1e-6)
    }
    try self.init(configuration, options.store(checkpoint).root)
  }

  /// A model whose parameters lie below a scope.
  public init(_ configuration: DiTConfiguration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    store = scope.store
    let (c, width) = (configuration, configuration.width)
    let published = c.layout == .published
    patches = try LatentPatches(c.channels, width, patch: c.patch, scope / (published ? "x_embedder" : "pos_embed"))
    let side = c.sampleSize / c.patch
    positions =
      published && !scope.isRandom && scope.contains("pos_embed")
      ? try scope.parameter("pos_embed", [1, side * side, width], .zeros, trained: false) : nil
    let below = scope / (published ? "blocks" : "transformer_blocks")
    blocks = try (0..<c.layers).map { try DiTBlock(c, below / $0) }
    embedders =
      published
      ? [try ClassCondition(c, time: scope / "t_embedder", label: scope / "y_embedder")]
      : try (0..<c.layers).map { index in
        let place = below / index / "norm1" / "emb"
        return try ClassCondition(c, time: place / "timestep_embedder", label: place / "class_embedder")
      }
    let end = published ? scope / "final_layer" : scope
    modulation = try AdaptiveModulation(width, 2, published ? end / "adaLN_modulation" / 1 : end / "proj_out_1")
    output = try Linear(
      width, c.patch * c.patch * c.outputChannels, end / (published ? "linear" : "proj_out_2"), initialization: .zeros)
    super.init(scope)
  }

  /// Predicts the noise in latent pictures.
  /// - Parameters:
  ///   - latents: `[batch, channels, height, width]`; both sides are multiples of the patch, and need not be equal
  ///   - timestep: `[batch]` or one for all
  ///   - labels: int64 `[batch]` or one for all; `classes` means no class
  ///   - hooks: look into the blocks or work in their place
  /// - Returns: `[batch, output channels, height, width]`
  public func callAsFunction(
    _ latents: Tensor, timestep: Tensor, labels: Tensor, hooks: [any BlockHook] = []
  ) throws -> Tensor {
    let (rows, columns) = try LatentPicture.grid(
      of: latents, channels: configuration.channels, patch: configuration.patch)
    let batch = latents.size(0)
    let time = try LatentPicture.perPicture(timestep, batch: batch, "timestep")
    let labels = try LatentPicture.perPicture(labels, batch: batch, "class_labels")
    let tokens = try patches(latents)
    let first = try embedders[0](time, labels)
    var state = BlockState(
      tokens: try (tokens + positionsOf(rows, columns, tokens)).contiguous(), condition: first, rows: rows,
      columns: columns)
    state = try run(blocks, state, hooks: hooks) { index, state in
      if self.embedders.count > 1 { state.condition = index == 0 ? first : try self.embedders[index](time, labels) }
    }
    let ends = try modulation(first)
    return try output(state.tokens.adaptivelyNormalized(shift: ends[0], scale: ends[1]))
      .unpatchified(configuration.patch, rows: rows, columns: columns)
  }

  private func positionsOf(_ rows: Int, _ columns: Int, _ tokens: Tensor) throws -> Tensor {
    let side = configuration.sampleSize / configuration.patch
    if let positions, rows == side, columns == side { return positions.value }
    return try Sinusoids.grid(
      rows: rows, columns: columns, width: configuration.width, base: max(side, 1), device: tokens.device
    ).to(tokens.dataType)
  }

  /// Runs the model on tensors named like the reference's arguments; see `PublishedModel`.
  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    let latents =
      try inputs.optional("hidden_states", rank: 4) ?? inputs.optional("x", rank: 4) ?? inputs.required("hidden_states")
    let timestep = try inputs.optional("timestep") ?? inputs.optional("t") ?? inputs.required("timestep")
    let labels = try inputs.optional("class_labels") ?? inputs.optional("y") ?? inputs.required("class_labels")
    try inputs.demandAllTaken()
    try options.demandKnown()
    try LatentPicture.demandFinite(latents, "hidden_states")
    let recorder = HiddenStateRecorder()
    var sample = try self(latents, timestep: timestep, labels: labels, hooks: options.hiddenStates ? [recorder] : [])
    if configuration.predictsVelocity { sample = try sample.sliced(0..<configuration.channels, axis: 1) }
    return recorder.named(adding: ["sample": sample])
  }
}

/// The sum of the embedded time and the embedded class.
final class ClassCondition {
  private let time: TimestepEmbedding
  private let label: LabelEmbedding

  init(_ configuration: DiTConfiguration, time: Scope, label: Scope) throws {
    let published = configuration.layout == .published
    self.time = try TimestepEmbedding(
      configuration.width, frequencyShift: published ? 0 : 1,
      names: published ? ("mlp.0", "mlp.2") : ("linear_1", "linear_2"), time)
    self.label = try LabelEmbedding(
      configuration.classes, configuration.width, nullClass: configuration.nullClass, label)
  }

  func callAsFunction(_ timestep: Tensor, _ labels: Tensor) throws -> Tensor { try time(timestep) + label(labels) }
}

/// A block with adaLN-Zero: x += a₁ · attention(LN(x) · (1 + g₁) + s₁), then the same with the feed-forward part.
public final class DiTBlock: Module, DiffusionBlock {
  private let modulation: AdaptiveModulation
  private let attention: DiffusionAttention
  private let norm: LayerNorm
  private let feedForward: DiffusionFeedForward

  /// A block whose parameters lie below a scope.
  public init(_ configuration: DiTConfiguration, _ scope: Scope) throws {
    let (c, width) = (configuration, configuration.width)
    let published = c.layout == .published
    modulation = try AdaptiveModulation(
      width, 6, published ? scope / "adaLN_modulation" / 1 : scope / "norm1" / "linear")
    attention = try DiffusionAttention(
      width, heads: c.heads, headWidth: c.headWidth, bias: c.attentionBias, keys: published ? .joined : .diffusers,
      scope / (published ? "attn" : "attn1"))
    norm = try LayerNorm(width, epsilon: c.epsilon, affine: c.affineNorm, scope / "norm3")
    feedForward =
      published
      ? try DiffusionFeedForward(width, hidden: c.hidden, c.activation, names: ("fc1", "fc2"), scope / "mlp")
      : try DiffusionFeedForward(width, hidden: c.hidden, c.activation, scope / "ff")
    super.init(scope)
  }

  /// Shift, scale and gate of the attention and of the feed-forward part.
  public func modulations(_ condition: Tensor) throws -> (attention: Modulation, feedForward: Modulation) {
    let branches = Modulation.branches(try modulation(condition))
    return (branches[0], branches[1])
  }

  /// What the attention adds to the tokens.
  public func attended(
    _ tokens: Tensor, _ modulation: Modulation, mask: Tensor? = nil, _ seams: BlockSeams = BlockSeams()
  ) throws -> Tensor {
    let normed = try tokens.adaptivelyNormalized(shift: modulation.shift, scale: modulation.scale)
    return try attention(normed, mask: mask, seams) * modulation.gate
  }

  /// What the feed-forward part adds to the tokens.
  public func fed(_ tokens: Tensor, _ modulation: Modulation) throws -> Tensor {
    try feedForward(norm(tokens).modulated(shift: modulation.shift, scale: modulation.scale)) * modulation.gate
  }

  /// Runs the block on what enters it, with hooks inside.
  public func callAsFunction(_ state: BlockState, _ seams: BlockSeams = BlockSeams()) throws -> BlockState {
    var state = state
    let (first, second) = try modulations(state.condition)
    state.tokens = try state.tokens + attended(state.tokens, first, mask: state.mask, seams)
    try seams.between(&state)
    state.tokens = try state.tokens + fed(state.tokens, second)
    return state
  }
}
