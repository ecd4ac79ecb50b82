import TesseraTensor

/// Which tokens are merged into which, by bipartite soft matching.
///
/// Paper: *Token Merging: Your ViT But Faster*, 2022 (arXiv 2210.09461), section 3. Tokens are split by parity; every even one finds its most
/// similar odd one, and the `r` best pairs are merged. The order of what is left: even tokens, then all odd ones; merging nothing changes
/// nothing.
///
///     let matching = try BipartiteMatching(metric: keys, merging: 8, classToken: true)
///     let (merged, sizes) = try matching.averaged(x, sizes)
///
/// - Complexity: O(n²/4 · width) multiply-adds for each row of the batch.
public struct BipartiteMatching {
  /// How many tokens there were.
  public let count: Int
  /// How many of them are merged away.
  public let merged: Int
  /// Even tokens that stay, int64 `[batch, even - merged]`, as numbers among the even ones.
  public let kept: Tensor
  /// Even tokens that go, int64 `[batch, merged]`, the most similar first.
  public let sources: Tensor
  /// The odd tokens they go into, as numbers among the odd ones.
  public let destinations: Tensor
  private let distilled: Bool

  /// - Parameters:
  ///   - metric: `[batch, tokens, width]`; only directions count
  ///   - r: how many tokens to merge; at most half of those that may be
  ///   - classToken: token 0 stays as it is, and stays first
  ///   - distillationToken: so does token 1
  public init(metric: Tensor, merging r: Int, classToken: Bool = false, distillationToken: Bool = false) throws {
    guard metric.rank == 3, metric.size(1) >= 1, metric.dataType.isFloatingPoint else {
      throw TensorError.invalid("BipartiteMatching", "\(metric.summary) is not [batch, tokens, width]")
    }
    (count, distilled) = (metric.size(1), distillationToken)
    let protected = (classToken ? 1 : 0) + (distillationToken ? 1 : 0)
    merged = max(0, min(r, (count - protected) / 2))
    guard merged > 0 else {
      let even = try Tensor.range(0..<((count + 1) / 2), device: metric.device).unsqueezed(0)
      kept = try even.expanded([metric.size(0), even.size(1)])
      (sources, destinations) = (try kept.sliced(0..<0, axis: 1), try kept.sliced(0..<0, axis: 1))
      return
    }
    let merging = merged
    (kept, sources, destinations) = try noGrad {
      let unit = try metric.detached().normalized()
      let (even, odd) = (try unit.sliced(0..<Int.max, axis: 1, step: 2), try unit.sliced(1..<Int.max, axis: 1, step: 2))
      var scores = try even.matmul(odd.transposed())
      func first(_ length: Int) throws -> Tensor { try Tensor((0..<length).map { $0 == 0 }, device: metric.device) }
      if classToken { scores = try scores.filled(-.infinity, where: first(scores.size(1)).unsqueezed(1)) }
      if distillationToken { scores = try scores.filled(-.infinity, where: first(scores.size(2))) }
      let order = try scores.maximum(along: [-1]).sorted(descending: true).indices
      var rest = try order.sliced(merging..<order.size(1), axis: 1)
      if classToken { rest = try rest.sorted().values }
      let chosen = try order.sliced(0..<merging, axis: 1)
      return (rest, chosen, try scores.argmax().gathered(chosen, axis: 1))
    }
  }

  /// The sums of the tokens that became one.
  /// - Parameter x: `[batch, tokens, width]`
  /// - Returns: `[batch, tokens - merged, width]`
  public func summed(_ x: Tensor) throws -> Tensor {
    try joined(x) { odd, gone, places in try odd.scatterAdded(places, gone, axis: 1) }
  }

  /// The largest values of the tokens that became one.
  public func largest(_ x: Tensor) throws -> Tensor {
    try joined(x) { odd, gone, places in
      try Op.scatterReduce(.tensor(odd), .int(1), .tensor(places), .tensor(gone), .string("amax"), .bool(true))
    }
  }

  /// Averages weighted by how much each token already stands for, and the new sizes.
  /// - Parameter sizes: `[batch, tokens, 1]`; nil means one each
  public func averaged(_ x: Tensor, _ sizes: Tensor? = nil) throws -> (x: Tensor, sizes: Tensor) {
    try demand(x)
    let sizes = try sizes ?? Tensor.ones([x.size(0), x.size(1), 1], x.dataType, device: x.device)
    let total = try summed(sizes)
    return (try summed(x * sizes) / total, total)
  }

  /// Which old tokens each new one is made of: `[batch, tokens - merged, tokens]`, zeros and ones.
  /// - Parameter sources: the same of what came in before, `[batch, tokens, original]`; nil starts from single tokens
  public func sourceMatrix(_ sources: Tensor? = nil) throws -> Tensor {
    let batch = kept.size(0)
    let start =
      try sources ?? Op.eye(.int(count), .int(count), .type(.float32)).unsqueezed(0).expanded([batch, count, count])
    return try largest(start.contiguous())
  }

  /// Copies merged tokens back to where they came from: `[batch, tokens, width]`.
  public func unmerged(_ x: Tensor) throws -> Tensor {
    guard x.rank == 3, x.size(1) == count - merged, x.size(0) == kept.size(0) else {
      throw TensorError.invalid("BipartiteMatching", "\(x.summary) is not [batch, \(count - merged), width]")
    }
    if merged == 0 { return x }
    let (rest, width) = (kept.size(1), x.size(2))
    var (even, odd) = (try x.sliced(0..<rest, axis: 1), try x.sliced(rest..<x.size(1), axis: 1))
    if distilled {
      let parts = try x.split([1, 1, rest - 1, x.size(1) - rest - 1], axis: 1)
      (even, odd) = (
        try .concatenated([parts[0], parts[2]], axis: 1), try .concatenated([parts[1], parts[3]], axis: 1)
      )
    }
    func wide(_ places: Tensor) throws -> Tensor {
      try places.unsqueezed(-1).expanded([x.size(0), places.size(1), width])
    }
    var result = try Tensor.zeros([x.size(0), count, width], x.dataType, device: x.device)
    let odds = try Tensor.range(0..<(count / 2), device: x.device).unsqueezed(0).expanded([x.size(0), count / 2])
    result = try result.scattered(wide((odds * 2 + 1).to(.int64)), odd, axis: 1)
    result = try result.scattered(wide((kept * 2).to(.int64)), even, axis: 1)
    return try result.scattered(wide((sources * 2).to(.int64)), odd.gathered(wide(destinations), axis: 1), axis: 1)
  }

  private func demand(_ x: Tensor) throws {
    guard x.rank == 3, x.size(1) == count, x.size(0) == kept.size(0) else {
      throw TensorError.invalid("BipartiteMatching", "\(x.summary) is not [\(kept.size(0)), \(count), width]")
    }
  }

  private func joined(_ x: Tensor, _ combine: (Tensor, Tensor, Tensor) throws -> Tensor) throws -> Tensor {
    try demand(x)
    if merged == 0 { return x }
    let width = x.size(2)
    let (even, odd) = (try x.sliced(0..<Int.max, axis: 1, step: 2), try x.sliced(1..<Int.max, axis: 1, step: 2))
    func wide(_ places: Tensor) throws -> Tensor {
      try places.unsqueezed(-1).expanded([x.size(0), places.size(1), width])
    }
    let rest = try even.gathered(wide(kept), axis: 1)
    let into = try combine(odd, even.gathered(wide(sources), axis: 1), wide(destinations))
    guard distilled else { return try .concatenated([rest, into], axis: 1) }
    return try .concatenated(
      [rest[Axis.all, 0..<1], into[Axis.all, 0..<1], rest[Axis.all, 1...], into[Axis.all, 1...]], axis: 1)
  }
}
