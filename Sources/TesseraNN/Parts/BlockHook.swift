import TesseraTensor

/// What travels from block to block of a diffusion transformer.
public struct BlockState: Sendable {
  /// The picture's tokens, `[batch, tokens, width]`.
  public var tokens: Tensor
  /// The text: a second stream in MMDiT, what cross-attention reads in PixArt. `[batch, length, width]`
  public var context: Tensor?
  /// What modulates the norms: the embedded condition, or for adaLN-single the six rows of all blocks.
  public var condition: Tensor
  /// Where self-attention may look: bool or a bias, broadcast to `[batch, heads, queries, keys]`.
  public var mask: Tensor?
  /// Where cross-attention may look.
  public var contextMask: Tensor?
  /// Rows of patches in the picture that the model was given.
  public let rows: Int
  /// Columns of patches.
  public let columns: Int

  /// What enters the first block.
  public init(
    tokens: Tensor, context: Tensor? = nil, condition: Tensor, mask: Tensor? = nil, contextMask: Tensor? = nil,
    rows: Int,
    columns: Int
  ) {
    (self.tokens, self.context, self.condition, self.rows, self.columns) = (tokens, context, condition, rows, columns)
    (self.mask, self.contextMask) = (mask, contextMask)
  }
}

/// The attention of a block, as a hook sees it.
public struct AttentionCall: Sendable {
  /// Which attention of the block.
  public enum Role: Sendable { case own, cross, joint, second }
  /// Which attention of the block this is.
  public let role: Role
  /// `[batch, heads, tokens, head width]`; in joint attention the picture's tokens stand before the text's.
  public let queries, keys, values: Tensor
  /// Bool or a bias, broadcast to `[batch, heads, queries, keys]`.
  public let mask: Tensor?
}

/// Something that looks into the blocks of a diffusion transformer, or works in their place.
///
/// Caches replace blocks, token reducers change what enters and leaves them, probes look on. Every method has a default that does
/// nothing; hooks are given to a call, not to the model: `try model(latents, ..., hooks: [cache])`. Where several hooks work, `before`,
/// `between` and `after` run in their order, the first replacement of attention wins, and the first hook is the outermost replacement.
public protocol BlockHook {
  /// Before block `index`: its input can be changed.
  func before(_ index: Int, _ state: inout BlockState) throws
  /// In the block's place. `original` runs the block (as often as wanted, or not at all).
  func replace(_ index: Int, _ state: BlockState, original: (BlockState) throws -> BlockState) throws -> BlockState
  /// Inside the block, behind its attention and before its feed-forward part.
  func between(_ index: Int, _ state: inout BlockState) throws
  /// After block `index`: its output can be changed.
  func after(_ index: Int, _ state: inout BlockState) throws
  /// In the place of one attention; nil leaves it to the fused one. The result has the shape of the queries.
  func attention(_ index: Int, _ call: AttentionCall) throws -> Tensor?
}

extension BlockHook {
  /// Changes nothing.
  public func before(_ index: Int, _ state: inout BlockState) throws {}
  /// Runs the block.
  public func replace(_ index: Int, _ state: BlockState, original: (BlockState) throws -> BlockState) throws
    -> BlockState
  {
    try original(state)
  }
  /// Changes nothing.
  public func between(_ index: Int, _ state: inout BlockState) throws {}
  /// Changes nothing.
  public func after(_ index: Int, _ state: inout BlockState) throws {}
  /// Leaves the attention to the fused one.
  public func attention(_ index: Int, _ call: AttentionCall) throws -> Tensor? { nil }
}

/// The hooks of one block's run.
public struct BlockSeams {
  /// The block's place, from 0.
  public let index: Int
  /// Those that look into the block, in order.
  public let hooks: [any BlockHook]

  /// The seams of the block with this place.
  public init(index: Int = 0, hooks: [any BlockHook] = []) { (self.index, self.hooks) = (index, hooks) }

  func between(_ state: inout BlockState) throws {
    for hook in hooks { try hook.between(index, &state) }
  }

  func attend(_ call: AttentionCall) throws -> Tensor {
    for hook in hooks {
      guard let output = try hook.attention(index, call) else { continue }
      guard output.shape == call.queries.shape else {
        throw TensorError.invalid("attention hook", "\(output.summary) in place of \(call.queries.summary)")
      }
      return output
    }
    return try call.queries.attention(call.keys, call.values, mask: call.mask)
  }
}

/// A block of a diffusion transformer.
public protocol DiffusionBlock {
  func callAsFunction(_ state: BlockState, _ seams: BlockSeams) throws -> BlockState
}

/// Runs blocks one after the other, each between its hooks.
/// - Parameter prepare: sets what differs from block to block, ahead of the hooks
func run(
  _ blocks: [any DiffusionBlock], _ state: BlockState, hooks: [any BlockHook],
  prepare: (Int, inout BlockState) throws -> Void = { _, _ in }
) throws -> BlockState {
  var state = state
  for (index, block) in blocks.enumerated() {
    try prepare(index, &state)
    for hook in hooks { try hook.before(index, &state) }
    var whole: (BlockState) throws -> BlockState = { try block($0, BlockSeams(index: index, hooks: hooks)) }
    for hook in hooks.reversed() {
      let inner = whole
      whole = { try hook.replace(index, $0, original: inner) }
    }
    state = try whole(state)
    for hook in hooks { try hook.after(index, &state) }
  }
  return state
}

/// Keeps what enters the first block and what leaves every block.
final class HiddenStateRecorder: BlockHook {
  private(set) var states: [Tensor] = []
  func before(_ index: Int, _ state: inout BlockState) { if index == 0 { states = [state.tokens] } }
  func after(_ index: Int, _ state: inout BlockState) { states.append(state.tokens) }

  /// Outputs with the states that were recorded, by the reference's names.
  func named(adding outputs: [String: Tensor]) -> [String: Tensor] {
    var outputs = outputs
    for (index, state) in states.enumerated() { outputs["hidden_states.\(index)"] = state }
    return outputs
  }
}
