import TesseraTensor

/// Which keys a query may look at.
public enum AttentionMask: Sendable {
  /// All of them.
  case full
  /// Those up to its own place; there are as many keys as queries.
  case causal
  /// Where a boolean tensor `[batch or 1, heads or 1, queries, keys]` is true, or with a bias of that shape.
  case explicit(Tensor)
}

/// What is known of a stretch of text: where masks of decoders come from.
///
/// A text of a decoder is masked by the order of its tokens, by padding, by a window, and by the ends of texts that were packed into one
/// row. Trees of tokens give their own mask (`explicit`).
public struct TextMask: Sendable {
  /// `[batch, tokens]`, true where a token counts; tokens from the first ever read. Missing columns count as false.
  public var padding: Tensor?
  /// A finished mask `[batch or 1, heads or 1, queries, tokens read]`, bool or a bias; a window keeps its last columns.
  public var explicit: Tensor?
  /// Positions `[batch or 1, queries]` in which several texts stand in one row: each starts where positions don't go on by one.
  public var packed: Tensor?

  /// The order of the tokens alone, unless there is more.
  public init(padding: Tensor? = nil, explicit: Tensor? = nil, packed: Tensor? = nil) {
    (self.padding, self.explicit, self.packed) = (padding, explicit, packed)
  }

  /// The mask of a layer.
  /// - Parameters:
  ///   - queries, keys: which tokens they are, counted from the first ever read
  ///   - window: how many tokens one token sees, itself included; nil: all
  public func callAsFunction(queries: Range<Int>, keys: Range<Int>, window: Int?, device: Device) throws
    -> AttentionMask
  {
    if let explicit {
      guard explicit.rank == 4, explicit.size(2) == queries.count, explicit.size(3) >= keys.count else {
        throw TensorError.invalid(
          "attention_mask", "[batch, heads, \(queries.count), \(keys.upperBound)] is expected, not \(explicit.summary)")
      }
      let first = explicit.size(3) - keys.count
      return .explicit(first == 0 ? explicit : try explicit.sliced(first..<explicit.size(3), axis: 3))
    }
    if let packed, let mask = try packedMask(packed, window) { return .explicit(mask) }
    let columns = try paddingColumns(keys)
    let windowMatters = window.map { queries.upperBound - keys.lowerBound > $0 } ?? false
    if columns == nil, !windowMatters {
      if queries.count == 1, keys.upperBound == queries.upperBound { return .full }
      if queries == keys { return .causal }
    }
    let rows = try Tensor.range(queries, device: device).unsqueezed(1)
    let places = try Tensor.range(keys, device: device).unsqueezed(0)
    var mask = try places .<= rows
    if windowMatters, let window { mask = try mask .& (places .> (rows - Double(window))) }
    if let columns { mask = try mask .& columns.unsqueezed(1).unsqueezed(1) }
    return .explicit(mask.rank == 2 ? try mask.unsqueezed(0).unsqueezed(0) : mask)
  }

  /// The padding of some keys, or nil if there is none.
  private func paddingColumns(_ keys: Range<Int>) throws -> Tensor? {
    guard let padding else { return nil }
    var columns = try padding.sliced(keys, axis: 1)
    if columns.size(1) < keys.count {
      columns = try columns.to(.int64).padded([0, keys.count - columns.size(1)]).to(.bool)
    }
    return try columns.all(-1).values(Bool.self).allSatisfy { $0 } ? nil : columns
  }

  private func packedMask(_ positions: Tensor, _ window: Int?) throws -> Tensor? {
    let count = positions.size(1)
    guard count > 1 else { return nil }
    let jumps = try (positions.sliced(1..<count, axis: 1) - positions.sliced(0..<(count - 1), axis: 1)) .!= 1
    let texts = try jumps.to(.int64).cumulativeSum(1).padded([1, 0])
    guard try texts.maximum().integer() > 0 else { return nil }
    func against(_ values: Tensor) throws -> (Tensor, Tensor) { (try values.unsqueezed(2), try values.unsqueezed(1)) }
    let (rowTexts, texts2) = try against(texts)
    let (rows, places) = try against(positions)
    var mask = try (rowTexts .== texts2) .& (places .<= rows)
    if let window { mask = try mask .& (places .> (rows - Double(window))) }
    return try mask.unsqueezed(1)
  }
}
