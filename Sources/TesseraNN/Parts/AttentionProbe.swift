import TesseraTensor

/// The queries, keys and values of one attention, and its weights when they are asked for.
///
/// Fused attention gives no weights. A probe computes `softmax(q·kᵀ·scale + bias)` again, in blocks of rows, and reduces it on the way,
/// so that only `weights()` ever holds all of it. Nothing is computed unless asked for; what was is counted in `multiplyAdds`.
public final class AttentionProbe {
  /// `[batch, heads, queries, head width]`
  public let queries: Tensor
  /// `[batch, heads, keys, head width]`
  public let keys: Tensor
  /// `[batch, heads, keys, head width]`
  public let values: Tensor
  /// What products are multiplied by.
  public let scale: Double
  /// The bias or mask that the attention used.
  public let bias: Tensor?
  /// What this probe has cost so far.
  public private(set) var multiplyAdds = 0

  /// Rows of the attention map that are held at once.
  static let rowsAtOnce = 128

  public init(queries: Tensor, keys: Tensor, values: Tensor, scale: Double, bias: Tensor?) {
    (self.queries, self.keys, self.values, self.scale, self.bias) = (queries, keys, values, scale, bias)
  }

  /// Keys averaged over the heads, `[batch, keys, head width]`: the metric of token merging.
  public func meanKeys() throws -> Tensor { try keys.mean([1]) }

  /// All weights, `[batch, heads, queries, keys]`. O(queries · keys) memory.
  public func weights() throws -> Tensor { try weights(0..<queries.size(2)) }

  /// Weights averaged over the heads, `[batch, queries, keys]`.
  public func meanOverHeads() throws -> Tensor {
    try .concatenated(blocks().map { try weights($0).mean([1]) }, axis: 1)
  }

  /// How one query looks at every key, `[batch, heads, keys]`; query 0 is the class token where there is one.
  public func row(_ query: Int) throws -> Tensor {
    guard (0..<queries.size(2)).contains(query) else {
      throw TensorError.invalid("row", "there is no query \(query) among \(queries.size(2))")
    }
    return try weights(query..<(query + 1)).squeezed(2)
  }

  /// How much every key is looked at on average, `[batch, heads, keys]`.
  /// - Parameter range: the queries that are asked; nil: all
  public func columnMean(_ range: Range<Int>? = nil) throws -> Tensor {
    let range = range ?? 0..<queries.size(2)
    guard !range.isEmpty, range.lowerBound >= 0, range.upperBound <= queries.size(2) else {
      throw TensorError.invalid("columnMean", "the queries \(range) of \(queries.size(2))")
    }
    var sum: Tensor?
    for block in blocks(range) {
      let part = try weights(block).sum([2])
      sum = try sum.map { try $0 + part } ?? part
    }
    return try (sum ?? weights().sum([2])) / Double(range.count)
  }

  /// For every query the weight that falls on a set of keys.
  /// - Parameter columns: numbers `[keys]` or `[batch, keys]`, for instance 1 for the keys of the set
  /// - Returns: `[batch, heads, queries]`
  public func sums(over columns: Tensor) throws -> Tensor {
    let weighting = columns.rank == 2 ? try columns.unsqueezed(1).unsqueezed(3) : try columns.unsqueezed(1)
    let factor = try weighting.to(queries.dataType)
    return try .concatenated(blocks().map { try weights($0).matmul(factor).squeezed(-1) }, axis: 2)
  }

  private func blocks(_ range: Range<Int>? = nil) -> [Range<Int>] {
    let range = range ?? 0..<queries.size(2)
    return stride(from: range.lowerBound, to: range.upperBound, by: Self.rowsAtOnce).map {
      $0..<min($0 + Self.rowsAtOnce, range.upperBound)
    }
  }

  private func weights(_ rows: Range<Int>) throws -> Tensor {
    let asked = try queries.sliced(rows, axis: 2)
    multiplyAdds += asked.count * keys.size(2)
    var logits = try asked.matmul(keys.transposed()) * scale
    if let bias {
      let part = bias.size(-2) == 1 ? bias : try bias.sliced(rows, axis: bias.rank - 2)
      logits = try part.dataType == .bool ? logits.filled(-.infinity, where: part.not()) : logits + part
    }
    return try logits.softmax()
  }
}
