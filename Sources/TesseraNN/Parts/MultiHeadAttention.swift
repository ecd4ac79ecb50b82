import TesseraTensor

/// Attention of some tokens to others, in several heads, with a projection each for queries, keys, values and output.
///
///     let attention = try MultiHeadAttention(256, heads: 8, scope / "encoder_attn")
///     let (y, probe) = try attention(queries: q + places, keys: memory + memoryPlaces, values: memory, mask: mask)
///
/// Keys and values are given apart, since detectors mark the places of the keys alone.
///
/// Paper: *Attention Is All You Need*, 2017 (arXiv 1706.03762), section 3.2.
public final class MultiHeadAttention: Module {
  /// How many heads there are.
  public let heads: Int
  let queryProjection, keyProjection, valueProjection, outputProjection: Linear

  /// - Parameter names: the keys of the projections in a checkpoint: queries, keys, values, output
  /// - Throws: `TensorError.invalid` if the width is no multiple of the heads.
  public init(
    _ width: Int, heads: Int, bias: Bool = true,
    names: (String, String, String, String) = ("q_proj", "k_proj", "v_proj", "out_proj"), _ scope: Scope
  ) throws {
    guard heads > 0, width % heads == 0 else {
      throw TensorError.invalid("MultiHeadAttention", "the width \(width) is no multiple of \(heads) heads")
    }
    self.heads = heads
    queryProjection = try Linear(width, width, bias: bias, scope / names.0)
    keyProjection = try Linear(width, width, bias: bias, scope / names.1)
    valueProjection = try Linear(width, width, bias: bias, scope / names.2)
    outputProjection = try Linear(width, width, bias: bias, scope / names.3)
    super.init(scope)
  }

  /// - Parameters:
  ///   - queries: `[batch, n, width]`
  ///   - keys, values: `[batch, m, width]`
  ///   - mask: true where attention is allowed, or a bias; broadcast to `[batch, heads, n, m]`
  /// - Returns: `[batch, n, width]`, and a probe of what was attended to
  public func callAsFunction(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor? = nil
  ) throws -> (output: Tensor, probe: AttentionProbe) {
    let q = try queryProjection(queries).rearranged("b n (h d) -> b h n d", h: heads)
    let k = try keyProjection(keys).rearranged("b n (h d) -> b h n d", h: heads)
    let v = try valueProjection(values).rearranged("b n (h d) -> b h n d", h: heads)
    let scale = 1 / Double(q.size(-1)).squareRoot()
    let joined = try q.attention(k, v, mask: mask, scale: scale).rearranged("b h n d -> b n (h d)")
    return (try outputProjection(joined), AttentionProbe(queries: q, keys: k, values: v, scale: scale, bias: mask))
  }
}
