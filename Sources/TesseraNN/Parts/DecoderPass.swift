import TesseraTensor

/// What a decoder is asked to read.
public struct TextInput: Sendable {
  /// int64 `[batch, tokens]`
  public var tokens: Tensor?
  /// Vectors in the place of tokens, `[batch, tokens, width]`.
  public var embeddings: Tensor?
  /// int64 `[batch or 1, tokens]`; nil: they go on from the tokens in the cache.
  public var positions: Tensor?
  /// Which tokens see which, where their order is not all.
  public var mask = TextMask()
  /// GPT-2: a second table index for every token, int64 `[batch, tokens]`.
  public var types: Tensor?
  /// What cross-attention reads, `[batch, length, width]`, and where it may look, bool `[batch, length]`.
  public var context: (states: Tensor, mask: Tensor?)?

  /// Reads ids.
  public init(_ tokens: Tensor, positions: Tensor? = nil, mask: TextMask = TextMask()) {
    (self.tokens, self.positions, self.mask) = (tokens, positions, mask)
  }

  /// Reads vectors.
  public init(embeddings: Tensor, positions: Tensor? = nil, mask: TextMask = TextMask()) {
    (self.embeddings, self.positions, self.mask) = (embeddings, positions, mask)
  }

  /// Rows of the batch and tokens of a row.
  /// - Throws: `TensorError.invalid` if what there is has other axes than it should.
  func size(width: Int) throws -> (batch: Int, tokens: Int) {
    let source: Tensor
    switch (tokens, embeddings) {
    case (let tokens?, nil):
      guard tokens.rank == 2, tokens.dataType == .int64 else {
        throw TensorError.invalid("input_ids", "int64 [batch, tokens] is expected, not \(tokens.summary)")
      }
      source = tokens
    case (nil, let embeddings?):
      guard embeddings.rank == 3, embeddings.size(2) == width else {
        throw TensorError.invalid("inputs_embeds", "[batch, tokens, \(width)] is expected, not \(embeddings.summary)")
      }
      source = embeddings
    default:
      throw TensorError.invalid("input_ids", "either input_ids or inputs_embeds is needed")
    }
    guard source.size(0) > 0, source.size(1) > 0 else {
      throw TensorError.invalid("input_ids", "there is nothing to read in \(source.summary)")
    }
    return (source.size(0), source.size(1))
  }
}

/// What all blocks of a decoder share while they read some tokens.
public final class DecoderPass {
  /// int64 `[batch or 1, tokens]`
  public let positions: Tensor
  /// For rotary positions.
  public let rotary: RotaryTable?
  /// Which tokens see which.
  public let mask: TextMask
  /// For cross-attention.
  public let context: (states: Tensor, mask: AttentionMask)?
  /// What was read before; nil: nothing, and nothing is kept.
  public let cache: KeyValueCache?
  /// What looks on.
  public let hooks: [any DecoderHook]
  private var masks: [MaskKey: AttentionMask] = [:]

  private struct MaskKey: Hashable { let queries, keys: Range<Int>, window: Int? }

  init(
    positions: Tensor, rotary: RotaryTable? = nil, mask: TextMask,
    context: (states: Tensor, mask: AttentionMask)? = nil,
    cache: KeyValueCache?, hooks: [any DecoderHook]
  ) {
    (self.positions, self.rotary, self.mask, self.context) = (positions, rotary, mask, context)
    (self.cache, self.hooks) = (cache, hooks)
  }

  /// Fused attention of one layer over the tokens of this pass and those in the cache.
  /// - Parameters:
  ///   - queries: `[batch, heads, tokens, width]`
  ///   - keys, values: of the same tokens, `[batch, key heads, tokens, width]`
  ///   - window: how many tokens one token sees, itself included; nil: all
  /// - Returns: `[batch, heads, tokens, width]`
  public func attend(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, layer: Int, window: Int? = nil, scale: Double? = nil
  ) throws -> Tensor {
    let count = queries.size(2)
    var view = KeyValueView(keys: keys, values: values, start: 0)
    if let cache { view = try cache.append(keys, values, positions: positions, layer: layer) }
    let end = view.start + view.keys.size(2)
    let mask = try sharedMask(
      queries: (end - count)..<end, keys: view.start..<end, window: window, device: queries.device)
    let call = DecoderAttention(queries: queries, keys: view.keys, values: view.values, mask: mask, scale: scale)
    for hook in hooks {
      guard let output = try hook.attention(layer, call) else { continue }
      guard output.shape == queries.shape else {
        throw TensorError.invalid("attention hook", "\(output.summary) in place of \(queries.summary)")
      }
      return output
    }
    return try queries.attending(view.keys, view.values, mask, scale: scale)
  }

  /// Layers mostly ask for the same mask.
  private func sharedMask(queries: Range<Int>, keys: Range<Int>, window: Int?, device: Device) throws -> AttentionMask {
    let key = MaskKey(queries: queries, keys: keys, window: window)
    if let known = masks[key] { return known }
    let made = try mask(queries: queries, keys: keys, window: window, device: device)
    masks[key] = made
    return made
  }
}

/// The attention of a decoder's block, as a hook sees it.
public struct DecoderAttention: Sendable {
  /// `[batch, heads, queries, width]`, turned by their positions.
  public let queries: Tensor
  /// `[batch, key heads, keys, width]`, those of the cache included.
  public let keys: Tensor
  /// As the keys.
  public let values: Tensor
  /// Which keys a query may look at.
  public let mask: AttentionMask
  /// nil: 1 / sqrt(width)
  public let scale: Double?
}

/// Something that looks into the blocks of a decoder or changes what passes between them. Every method has a default that does nothing.
public protocol DecoderHook {
  /// What enters block `layer`, `[batch, tokens, width]`.
  func before(_ layer: Int, _ hidden: Tensor) throws -> Tensor
  /// What passes from attention to the feed-forward part.
  func between(_ layer: Int, _ hidden: Tensor) throws -> Tensor
  /// What leaves block `layer`.
  func after(_ layer: Int, _ hidden: Tensor) throws -> Tensor
  /// In the place of attention; nil leaves it to the fused one. The result has the shape of the queries.
  func attention(_ layer: Int, _ call: DecoderAttention) throws -> Tensor?
}

extension DecoderHook {
  /// Changes nothing.
  public func before(_ layer: Int, _ hidden: Tensor) throws -> Tensor { hidden }
  /// Changes nothing.
  public func between(_ layer: Int, _ hidden: Tensor) throws -> Tensor { hidden }
  /// Changes nothing.
  public func after(_ layer: Int, _ hidden: Tensor) throws -> Tensor { hidden }
  /// Leaves attention as it is.
  public func attention(_ layer: Int, _ call: DecoderAttention) throws -> Tensor? { nil }
}

/// A block of a decoder: attention, then a feed-forward part, each added to what came in.
public protocol DecoderBlock {
  /// Its place, from 0.
  var layer: Int { get }
  /// What attention adds to `[batch, tokens, width]`.
  func attention(_ hidden: Tensor, _ pass: DecoderPass) throws -> Tensor
  /// What the feed-forward part adds.
  func feedForward(_ hidden: Tensor) throws -> Tensor
}

extension DecoderBlock {
  /// - Parameter hidden: `[batch, tokens, width]`
  public func callAsFunction(_ hidden: Tensor, _ pass: DecoderPass) throws -> Tensor {
    var hidden = hidden
    for hook in pass.hooks { hidden = try hook.before(layer, hidden) }
    hidden = try hidden + attention(hidden, pass)
    for hook in pass.hooks { hidden = try hook.between(layer, hidden) }
    hidden = try hidden + feedForward(hidden)
    for hook in pass.hooks { hidden = try hook.after(layer, hidden) }
    return hidden
  }
}
