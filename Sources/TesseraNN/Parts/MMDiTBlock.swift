import TesseraTensor

/// A block of the multimodal diffusion transformer: picture and text have norms, modulations and feed-forward parts of their own, and
/// attend together.
///
/// Paper: *Scaling Rectified Flow Transformers for High-Resolution Image Synthesis*, 2024 (arXiv 2403.03206), figure 2b; with a second
/// attention of the picture alone as in Stable Diffusion 3.5.
public final class MMDiTBlock: Module, DiffusionBlock {
  private let modulation: AdaptiveModulation
  private let contextModulation: AdaptiveModulation
  private let attention: JointAttention
  private let second: DiffusionAttention?
  private let feedForward: DiffusionFeedForward
  private let contextFeedForward: DiffusionFeedForward?

  /// - Parameters:
  ///   - dual: true: the picture's tokens also attend to themselves alone
  ///   - last: true: the text ends here, and is only looked at
  public init(
    _ width: Int, heads: Int, headWidth: Int, norm: QueryKeyNorm? = nil, dual: Bool = false, last: Bool = false,
    _ scope: Scope
  ) throws {
    modulation = try AdaptiveModulation(width, dual ? 9 : 6, scope / "norm1" / "linear")
    contextModulation = try AdaptiveModulation(width, last ? 2 : 6, scope / "norm1_context" / "linear")
    attention = try JointAttention(
      width, heads: heads, headWidth: headWidth, norm: norm, contextOutput: !last, scope / "attn")
    second = dual ? try DiffusionAttention(width, heads: heads, headWidth: headWidth, norm: norm, scope / "attn2") : nil
    feedForward = try DiffusionFeedForward(width, hidden: 4 * width, .geluApproximate, scope / "ff")
    contextFeedForward =
      last ? nil : try DiffusionFeedForward(width, hidden: 4 * width, .geluApproximate, scope / "ff_context")
    super.init(scope)
  }

  /// Runs the block on what enters it, with hooks inside.
  public func callAsFunction(_ state: BlockState, _ seams: BlockSeams = BlockSeams()) throws -> BlockState {
    guard let context = state.context else { throw TensorError.invalid("MMDiTBlock", "the text's stream has ended") }
    var state = state
    let image = Modulation.branches(try modulation(state.condition))
    let text = try contextModulation(state.condition)
    // In the last block the order is scale, shift, and there is no gate.
    let (shift, scale) = contextFeedForward == nil ? (text[1], text[0]) : (text[0], text[1])
    let plain = try state.tokens.layerNorm([state.tokens.size(-1)], epsilon: 1e-6)
    let (added, contextAdded) = try attention(
      plain.modulated(shift: image[0].shift, scale: image[0].scale),
      context.adaptivelyNormalized(shift: shift, scale: scale), mask: state.mask, seams)
    var tokens = try state.tokens + added * image[0].gate
    if let second {
      let again = try plain.modulated(shift: image[2].shift, scale: image[2].scale)
      tokens = try tokens + second(again, role: .second, seams) * image[2].gate
    }
    state.tokens = tokens
    if let contextAdded { state.context = try context + contextAdded * text[2] }
    try seams.between(&state)
    let fed = try feedForward(state.tokens.adaptivelyNormalized(shift: image[1].shift, scale: image[1].scale))
    state.tokens = try state.tokens + fed * image[1].gate
    guard let contextFeedForward, let after = state.context else {
      state.context = nil
      return state
    }
    state.context = try after + contextFeedForward(after.adaptivelyNormalized(shift: text[3], scale: text[4])) * text[5]
    return state
  }
}
