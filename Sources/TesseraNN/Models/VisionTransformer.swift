import TesseraTensor

/// A vision transformer without its head: patches, tokens in front, positions, blocks.
///
/// Papers: *An Image is Worth 16x16 Words*, 2021; *Training data-efficient image transformers & distillation through attention*, 2021.
public final class VisionTransformer: Module {
  public let configuration: VisionTransformerConfiguration
  public let patches: PatchEmbedding
  /// `[1, 1, width]`: class, distillation; `[1, registers, width]`
  public let specialTokens: [Parameter]
  private let maskToken: Parameter?
  private let positions: Parameter?
  private let normBefore: TokenNorm?
  private let normAfter: TokenNorm?
  public let stack: EncoderStack

  public init(_ configuration: VisionTransformerConfiguration, _ names: VisionTransformerNames, _ scope: Scope) throws {
    self.configuration = configuration
    let width = configuration.width
    func token(_ isThere: Bool, _ name: String, _ count: Int = 1) throws -> Parameter? {
      isThere ? try scope.parameter(name, [1, count, width], .truncatedNormal(0.02)) : nil
    }
    specialTokens = try [
      token(configuration.classToken, names.classToken),
      token(configuration.distillationToken, names.distillationToken),
      token(configuration.registers > 0, names.registers, configuration.registers),
    ].compactMap { $0 }
    maskToken = try token(configuration.maskToken && scope.contains(names.maskToken), names.maskToken)
    patches = try PatchEmbedding(
      channels: configuration.channels, width: width, patch: configuration.patch, bias: configuration.patchBias,
      norm: configuration.patchNorm, name: names.projection, scope / names.patches)
    let rows = configuration.grid.area + (configuration.positionsCoverSpecial ? configuration.special : 0)
    positions = try token(configuration.hasPositions, names.positions, rows)
    let norm = configuration.block.norm
    normBefore = configuration.normBefore ? try TokenNorm(norm, width, scope / names.normBefore) : nil
    normAfter = configuration.normAfter ? try TokenNorm(norm, width, scope / names.normAfter) : nil
    stack = try EncoderStack(configuration.layers) {
      try EncoderBlock(configuration.block, names.block, scope / names.blocks / $0)
    }
    super.init(scope)
  }

  /// How positions meet a picture of another size than they were learned for.
  public enum Sizing: Sendable {
    /// Such a picture is refused.
    case fixed
    /// As Hugging Face's `interpolate_pos_encoding` does.
    case interpolated
    /// As timm's `dynamic_img_size` does.
    case resampled
  }

  /// What enters the first block.
  /// - Parameters:
  ///   - images: `[batch, channels, height, width]`, normalised
  ///   - hidden: patches that the mask token stands for, bool `[batch, patches]`
  /// - Returns: the tokens, those in front first, and the grid of the patches
  public func embed(_ images: Tensor, _ sizing: Sizing = .fixed, hidden: Tensor? = nil) throws -> (
    TokenState, grid: Size2D
  ) {
    guard images.rank == 4 else {
      throw TensorError.invalid(
        "forward", "'pixel_values' is \(images.summary): [batch, channels, height, width] is expected")
    }
    let size = Size2D(images.size(2), images.size(3))
    if sizing == .fixed, size != configuration.image {
      throw TensorError.invalid("forward", "the picture is \(size), and the model is for \(configuration.image)")
    }
    var (tokens, grid) = try patches(images.to(patches.parameters[0].value.dataType))
    if let hidden { tokens = try masked(tokens, hidden) }
    let table = try positions.map { try positionTable($0.value, grid, size, sizing) }
    if let table, !configuration.positionsCoverSpecial { tokens = try tokens + table }
    if !specialTokens.isEmpty {
      let front = try specialTokens.map {
        try $0.value.expanded([tokens.size(0), $0.value.size(1), configuration.width])
      }
      tokens = try .concatenated(front + [tokens], axis: 1)
    }
    if let table, configuration.positionsCoverSpecial { tokens = try tokens + table }
    if let normBefore { tokens = try normBefore(tokens) }
    return (TokenState(tokens, special: configuration.special), grid)
  }

  private func masked(_ tokens: Tensor, _ hidden: Tensor) throws -> Tensor {
    guard let maskToken else { throw TensorError.invalid("forward", "the model has no token for 'bool_masked_pos'") }
    guard hidden.shape == [tokens.size(0), tokens.size(1)] else {
      throw TensorError.invalid(
        "forward", "'bool_masked_pos' is \(hidden.summary), and there are \(tokens.size(1)) patches")
    }
    let share = try hidden.to(.bool).to(tokens.dataType).unsqueezed(2)
    return try tokens * (1 - share) + maskToken.value * share
  }

  private func positionTable(_ table: Tensor, _ grid: Size2D, _ size: Size2D, _ sizing: Sizing) throws -> Tensor {
    let prefix = configuration.positionsCoverSpecial ? configuration.special : 0
    switch sizing {
    case .fixed: return table
    case .resampled:
      return grid == configuration.grid
        ? table : try PositionTable.resized(table, prefix: prefix, from: configuration.grid, to: grid, antialias: true)
    case .interpolated:
      if grid.area == configuration.grid.area, size.height == size.width { return table }
      // The reference takes the table for a square wherever its length allows.
      let side = Int(Double(configuration.grid.area).squareRoot())
      let from = side * side == configuration.grid.area ? Size2D(side, side) : configuration.grid
      return try PositionTable.resized(table, prefix: prefix, from: from, to: grid, antialias: false)
    }
  }

  /// Runs the blocks.
  /// - Parameters:
  ///   - bias: what attention adds or hides beside the mask of the tokens
  ///   - hook: what works on the tokens inside every block
  /// - Returns: the tokens behind the last norm, and the hidden states before it, the embedding first, if they are kept
  public func callAsFunction(
    _ state: TokenState, bias: Tensor? = nil, hook: (any TokenHook)? = nil, keepingStates: Bool = false
  ) throws -> (TokenState, states: [Tensor]) {
    var states: [Tensor] = []
    var result = try stack(
      state, hook: hook, bias: { _, _ in bias }, visit: { if keepingStates { states.append($0.features) } })
    result.features = try normalized(result.features)
    return (result, states)
  }

  /// The norm behind the last block, if the model has one.
  public func normalized(_ tokens: Tensor) throws -> Tensor { try normAfter?(tokens) ?? tokens }
}
