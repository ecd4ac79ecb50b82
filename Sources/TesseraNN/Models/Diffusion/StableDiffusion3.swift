import TesseraTensor

/// The multimodal diffusion transformer of Stable Diffusion 3 and 3.5: picture and text are two streams with weights of their own that
/// attend to all tokens together.
///
/// Paper: *Scaling Rectified Flow Transformers for High-Resolution Image Synthesis*, 2024 (arXiv 2403.03206).
///
///     let velocity = try model(latents, timestep: steps, text: features, pooled: vector)
///
/// It gives the velocity noise - data; `timestep` is 1000 times the time, which runs from 0 for data to 1 for noise.
public final class StableDiffusion3: Module, PublishedModel {
  /// The class names of configurations that this type reads.
  public static let architectures = ["SD3Transformer2DModel"]

  /// The shape of the model.
  public let configuration: StableDiffusion3Configuration
  /// The parameters, under the checkpoint's keys.
  public let store: ParameterStore
  /// In order.
  public let blocks: [MMDiTBlock]
  private let patches: LatentPatches
  private let positions: Parameter?
  private let time: TimestepEmbedding
  private let pooledProjection: CaptionProjection
  private let textProjection: Linear
  private let modulation: AdaptiveModulation
  private let output: Linear

  /// A model with drawn parameters.
  public convenience init(
    _ configuration: StableDiffusion3Configuration, seed: UInt64, _ dataType: DataType = .float32, device: Device = .cpu
  ) throws {
    try self.init(configuration, ParameterStore(seed: seed, dataType, device: device).root)
  }

  /// Reads a folder of diffusers.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration = try folder.configuration(StableDiffusion3Configuration.self)
    try self.init(configuration, options.store(folder.checkpoint().unwrapped(around: "pos_embed.proj.weight")).root)
  }

  /// A model whose parameters lie below a scope.
  public init(_ configuration: StableDiffusion3Configuration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    store = scope.store
    let (c, width) = (configuration, configuration.width)
    let start = scope / "pos_embed"
    patches = try LatentPatches(c.channels, width, patch: c.patch, start)
    positions =
      try !scope.isRandom && start.contains("pos_embed")
      ? c.positionTable.map { try start.parameter("pos_embed", [1, $0 * $0, width], .zeros, trained: false) } : nil
    time = try TimestepEmbedding(width, scope / "time_text_embed" / "timestep_embedder")
    pooledProjection = try CaptionProjection(c.pooledWidth, width, .silu, scope / "time_text_embed" / "text_embedder")
    textProjection = try Linear(c.textWidth, width, scope / "context_embedder", initialization: .xavierUniform)
    blocks = try (0..<c.layers).map { index in
      try MMDiTBlock(
        width, heads: c.heads, headWidth: c.headWidth, norm: c.queryKeyNorm, dual: c.dualLayers.contains(index),
        last: index == c.layers - 1, scope / "transformer_blocks" / index)
    }
    modulation = try AdaptiveModulation(width, 2, scope / "norm_out" / "linear")
    output = try Linear(width, c.patch * c.patch * c.outputChannels, scope / "proj_out", initialization: .zeros)
    super.init(scope)
  }

  /// Predicts the velocity of latent pictures.
  /// - Parameters:
  ///   - latents: `[batch, channels, height, width]`; both sides are multiples of the patch, and need not be equal
  ///   - timestep: 1000 · t, `[batch]` or one for all
  ///   - text: features `[batch, length, channels]`
  ///   - pooled: one vector for a text `[batch, channels]`
  ///   - controls: added to the picture's tokens behind the blocks, `[batch, tokens, width]` each, spread evenly over the blocks
  ///   - skipping: blocks that are left out
  ///   - hooks: look into the blocks or work in their place
  /// - Returns: `[batch, output channels, height, width]`
  public func callAsFunction(
    _ latents: Tensor, timestep: Tensor, text: Tensor, pooled: Tensor, controls: [Tensor] = [], skipping: Set<Int> = [],
    hooks: [any BlockHook] = []
  ) throws -> Tensor {
    let c = configuration
    let (rows, columns) = try LatentPicture.grid(of: latents, channels: c.channels, patch: c.patch)
    let batch = latents.size(0)
    guard text.rank == 3, text.size(0) == batch, text.size(1) > 0, text.size(2) == c.textWidth else {
      throw TensorError.invalid(
        "encoder_hidden_states", "\(text.summary), and [\(batch), length, \(c.textWidth)] is expected")
    }
    guard pooled.shape == [batch, c.pooledWidth] else {
      throw TensorError.invalid("pooled_projections", "\(pooled.summary), and [\(batch), \(c.pooledWidth)] is expected")
    }
    for control in controls where control.shape != [batch, rows * columns, c.width] {
      throw TensorError.invalid(
        "block_controlnet_hidden_states",
        "\(control.summary), and [\(batch), \(rows * columns), \(c.width)] is expected")
    }
    let tokens = try patches(latents)
    let condition =
      try time(LatentPicture.perPicture(timestep, batch: batch, "timestep"))
      + pooledProjection(pooled.to(tokens.dataType))
    var state = BlockState(
      tokens: try (tokens + positionsOf(rows, columns, tokens)).contiguous(),
      context: try textProjection(text.to(tokens.dataType)),
      condition: condition,
      rows: rows,
      columns: columns)
    let extra: [any BlockHook] =
      (controls.isEmpty
        ? [] : [ControlResiduals(controls: try controls.map { try $0.to(tokens.dataType) }, blocks: blocks.count)])
      + (skipping.isEmpty ? [] : [SkippedBlocks(indices: skipping)])
    state = try run(blocks, state, hooks: hooks + extra)
    let ends = try modulation(condition)  // scale, then shift
    return try output(state.tokens.adaptivelyNormalized(shift: ends[1], scale: ends[0]))
      .unpatchified(c.patch, rows: rows, columns: columns)
  }

  private func positionsOf(_ rows: Int, _ columns: Int, _ tokens: Tensor) throws -> Tensor {
    if let table = configuration.positionTable, max(rows, columns) > table {
      throw TensorError.invalid(
        "hidden_states", "\(rows) x \(columns) patches are more than pos_embed_max_size, \(table)")
    }
    if let positions, let side = configuration.positionTable {
      let (top, left) = ((side - rows) / 2, (side - columns) / 2)
      return try positions.value.reshaped([side, side, configuration.width])
        .sliced(top..<top + rows, axis: 0).sliced(left..<left + columns, axis: 1)
        .reshaped([1, rows * columns, configuration.width])
    }
    return try Sinusoids.grid(
      rows: rows, columns: columns, width: configuration.width, base: configuration.sampleSize / configuration.patch,
      table: configuration.positionTable, device: tokens.device
    ).to(tokens.dataType)
  }

  /// Runs the model on tensors named like the reference's arguments; see `PublishedModel`.
  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    let latents = try inputs.required("hidden_states", rank: 4)
    let timestep = try inputs.required("timestep")
    let text = try inputs.required("encoder_hidden_states", rank: 3)
    let pooled = try inputs.required("pooled_projections", rank: 2)
    var controls: [Tensor] = []
    while let control = try inputs.optional("block_controlnet_hidden_states.\(controls.count)", rank: 3) {
      controls.append(control)
    }
    try inputs.demandAllTaken()
    try options.demandKnown("skip_layers")
    try LatentPicture.demandFinite(latents, "hidden_states")
    var skipping: Set<Int> = []
    if let setting = options.settings["skip_layers"], setting != .null {
      guard let list = setting.array, list.allSatisfy({ $0.integer != nil }) else {
        throw TensorError.invalid("forward", "the setting 'skip_layers' is a list of blocks")
      }
      skipping = Set(list.compactMap(\.integer))
    }
    let recorder = HiddenStateRecorder()
    let sample = try self(
      latents, timestep: timestep, text: text, pooled: pooled, controls: controls, skipping: skipping,
      hooks: options.hiddenStates ? [recorder] : [])
    return recorder.named(adding: ["sample": sample])
  }
}

/// Leaves blocks out.
struct SkippedBlocks: BlockHook {
  let indices: Set<Int>
  func replace(_ index: Int, _ state: BlockState, original: (BlockState) throws -> BlockState) throws -> BlockState {
    indices.contains(index) ? state : try original(state)
  }
}

/// Adds what a ControlNet says behind every block but the last.
struct ControlResiduals: BlockHook {
  let controls: [Tensor]
  let blocks: Int
  func after(_ index: Int, _ state: inout BlockState) throws {
    guard index < blocks - 1 else { return }
    let place = Int(Double(index) / (Double(blocks) / Double(controls.count)))
    state.tokens = try state.tokens + controls[min(place, controls.count - 1)]
  }
}
