import TesseraTensor

/// A vision transformer of timm (PyTorch Image Models), with its head.
///
/// Beside `logits`, what `forward` gives, there are `last_hidden_state` (timm's `forward_features`) and `pooler_output` (what the head
/// reads). Hidden states are timm's `forward_intermediates`: one for each block, from 0, with its options `indices`, `norm` and
/// `output_fmt`; by default maps `[batch, width, rows, columns]` without the tokens in front.
public final class TimmModel: PublishedModel {
  public static let architectures =
    TimmArchitectures.names + ["TimmWrapperForImageClassification", "TimmWrapperModel", "timm_wrapper"]

  public let store: ParameterStore
  public let transformer: VisionTransformer
  private let attentionPool: AttentionPooling?
  private let pooledNorm: TokenNorm?
  /// The head, and the one that learned from a teacher.
  private let heads: [Linear]
  var classifierCount: Int { heads.count }

  private var configuration: VisionTransformerConfiguration { transformer.configuration }

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    try self.init(VisionTransformerConfiguration(timm: ConfigurationReader(folder)), options.store(folder.checkpoint()))
  }

  public init(_ configuration: VisionTransformerConfiguration, _ store: ParameterStore) throws {
    self.store = store
    let wrapped = store.root / "timm_model"
    let scope = !store.root.isRandom && wrapped.contains("patch_embed.proj.weight") ? wrapped : store.root
    transformer = try VisionTransformer(configuration, .timm(configuration.block.feedForward.gate), scope)
    attentionPool =
      configuration.pooling == .attention ? try AttentionPooling(configuration.block, scope / "attn_pool") : nil
    pooledNorm =
      configuration.normPooled ? try TokenNorm(configuration.block.norm, configuration.width, scope / "fc_norm") : nil
    let names = configuration.distillationToken ? ["head", "head_dist"] : ["head"]
    heads =
      configuration.classes == 0
      ? [] : try names.map { try Linear(configuration.width, configuration.classes, scope / $0) }
  }

  /// What enters the first block.
  public func embed(_ images: Tensor) throws -> (TokenState, grid: Size2D) {
    var images = images
    if configuration.dynamicPadding, images.rank == 4 {
      let (height, width) = (configuration.patch.height, configuration.patch.width)
      let missing = ((height - images.size(2) % height) % height, (width - images.size(3) % width) % width)
      if missing != (0, 0) { images = try images.padded([0, missing.1, 0, missing.0]) }
    }
    guard configuration.dynamicSize else { return try transformer.embed(images) }
    guard images.rank == 4, images.size(2) % configuration.patch.height == 0,
      images.size(3) % configuration.patch.width == 0
    else {
      throw TensorError.invalid(
        "forward", "the picture \(images.summary) does not fall into patches of \(configuration.patch)")
    }
    return try transformer.embed(images, .resampled)
  }

  /// What the head reads.
  /// - Parameter tokens: the tokens behind the last norm
  public func pool(_ tokens: Tensor) throws -> Tensor {
    if configuration.distillationToken { return try (tokens.selected(0, axis: 1) + tokens.selected(1, axis: 1)) / 2 }
    let patches =
      configuration.poolsSpecial ? tokens : try tokens.sliced(configuration.special..<tokens.size(1), axis: 1)
    let pooled: Tensor =
      switch configuration.pooling {
      case .none: tokens
      case .token: try tokens.selected(0, axis: 1)
      case .average: try patches.mean([1])
      case .maximum: try patches.maximum(along: [1])
      case .averageAndMaximum: try (patches.maximum(along: [1]) + patches.mean([1])) * 0.5
      case .attention: try attentionPool?(patches) ?? patches
      }
    return try pooledNorm?(pooled) ?? pooled
  }

  /// - Parameter tokens: the tokens behind the last norm
  /// - Returns: `[batch, classes]`; the mean of both heads of a distilled model
  public func logits(_ tokens: Tensor) throws -> Tensor {
    guard heads.count == 2 else { return try heads.first?(pool(tokens)) ?? pool(tokens) }
    return try (heads[0](tokens.selected(0, axis: 1)) + heads[1](tokens.selected(1, axis: 1))) / 2
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown("indices", "norm", "output_fmt")
    let images = try inputs.optional("x", rank: 4) ?? inputs.required("pixel_values", rank: 4)
    let mask = try inputs.optional("attn_mask")
    try inputs.demandAllTaken()
    let (first, grid) = try embed(images)
    let bias = try mask.map { $0.dataType.isFloatingPoint ? $0 : try $0.to(.bool) }
    let (last, states) = try transformer(first, bias: bias, keepingStates: options.hiddenStates)
    var outputs = ["logits": try logits(last.features), "last_hidden_state": last.features]
    outputs["pooler_output"] = try pool(last.features)
    if options.hiddenStates {
      for (index, state) in try intermediates(Array(states.dropFirst()), grid, options).enumerated() {
        outputs["hidden_states.\(index)"] = state
      }
    }
    return outputs
  }

  private func intermediates(_ states: [Tensor], _ grid: Size2D, _ options: ForwardOptions) throws -> [Tensor] {
    let format = options.settings["output_fmt"] ?? .string("NCHW")
    guard format == .string("NCHW") || format == .string("NLC") else {
      throw TensorError.invalid("forward", "the setting 'output_fmt' is \"NCHW\" or \"NLC\"")
    }
    let norm = try options.flag("norm")
    return try chosen(options.settings["indices"] ?? .null, count: states.count).map { index in
      let tokens = norm ? try transformer.normalized(states[index]) : states[index]
      let patches = try tokens.sliced(configuration.special..<tokens.size(1), axis: 1)
      return format == .string("NLC") ? patches : try patches.rearranged("b (h w) c -> b c h w", h: grid.height)
    }
  }

  /// Which blocks `indices` means: all, the last so many, or those of a list, where negative ones count from the end.
  private func chosen(_ indices: JSONValue, count: Int) throws -> [Int] {
    switch indices {
    case .null: return Array(0..<count)
    case .integer(let last) where (1...max(count, 1)).contains(last) && last <= count:
      return Array(count - last..<count)
    case .array(let list):
      let places = list.map { $0.integer.map { $0 < 0 ? $0 + count : $0 } ?? -1 }
      if places.allSatisfy((0..<count).contains) { return Array(0..<count).filter(places.contains) }
    default: break
    }
    throw TensorError.invalid(
      "forward", "the setting 'indices' is a number up to \(count), or a list of blocks below it")
  }
}

/// Attention of one learned query over all tokens, then a feed-forward part
/// (Zhai et al. 2022, *Scaling Vision Transformers*, section 3.3).
public final class AttentionPooling: Module {
  private let query: Parameter
  private let queries: Linear
  private let keysAndValues: Linear
  private let output: Linear
  private let norm: TokenNorm
  private let feedForward: FeedForward
  private let heads: Int

  /// - Parameter block: the blocks of the transformer whose tokens are pooled: width, heads, norm and activation are theirs
  public init(_ block: EncoderBlock.Configuration, _ scope: Scope) throws {
    let width = block.attention.width
    heads = block.attention.heads
    query = try scope.parameter("latent", [1, 1, width], .truncatedNormal(1 / Double(width).squareRoot()))
    queries = try Linear(width, width, scope / "q")
    keysAndValues = try Linear(width, 2 * width, scope / "kv")
    output = try Linear(width, width, scope / "proj")
    norm = try TokenNorm(block.norm, width, scope / "norm")
    feedForward = try FeedForward(
      .init(width: width, hidden: block.feedForward.hidden, block.feedForward.activation), .init(["fc1"], "fc2"),
      scope / "mlp")
    super.init(scope)
  }

  /// - Parameter tokens: `[batch, tokens, width]`
  /// - Returns: `[batch, width]`
  public func callAsFunction(_ tokens: Tensor) throws -> Tensor {
    let batch = tokens.size(0)
    func split(_ x: Tensor) throws -> Tensor { try x.rearranged("b n (h d) -> b h n d", h: heads) }
    let asked = try split(queries(query.value).expanded([batch, 1, tokens.size(2)]))
    let pairs = try keysAndValues(tokens).chunked(2, axis: -1)
    let attended = try asked.attention(split(pairs[0]), split(pairs[1])).rearranged("b h n d -> b n (h d)")
    let vector = try output(attended)
    return try (vector + feedForward(norm(vector))).squeezed(1)
  }
}
