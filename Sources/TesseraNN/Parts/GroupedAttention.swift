import TesseraTensor

extension Tensor {
  /// Fused attention of these queries, with keys and values that several of their heads may share.
  ///
  /// The one place where decoders attend: masks of every kind, and grouped queries (Ainslie et al. 2023, "GQA").
  /// - Parameters:
  ///   - keys, values: `[batch, key heads, keys, width]`; self is `[batch, heads, queries, width]`, heads a multiple of key heads
  ///   - scale: nil means 1 / sqrt(width)
  /// - Returns: `[batch, heads, queries, width]`
  public func attending(
    _ keys: Tensor, _ values: Tensor, _ mask: AttentionMask = .full, scale: Double? = nil
  ) throws -> Tensor {
    guard rank == 4, keys.rank == 4, values.rank == 4, keys.size(1) > 0, size(1) % keys.size(1) == 0 else {
      throw TensorError.invalid("attending", "queries \(summary), keys \(keys.summary), values \(values.summary)")
    }
    let group = size(1) / keys.size(1)
    guard group > 1 else { return try attendingAlike(keys, values, mask, scale) }
    if size(2) == 1, mask.sharesHeads {
      // One query: the heads of a group are so many queries of one key head, and nothing has to be repeated.
      let (batch, heads, width) = (size(0), size(1), size(3))
      let packed = try reshaped([batch, keys.size(1), group, width])
      return try packed.attendingAlike(keys, values, mask, scale).reshaped([batch, heads, 1, values.size(3)])
    }
    // With a mask of its own the kernel takes no groups.
    guard case .explicit = mask else { return try attendingAlike(keys, values, mask, scale) }
    return try attendingAlike(keys.repeatedForGroups(group), values.repeatedForGroups(group), mask, scale)
  }

  private func attendingAlike(_ keys: Tensor, _ values: Tensor, _ mask: AttentionMask, _ scale: Double?) throws
    -> Tensor
  {
    switch mask {
    case .full: try attention(keys, values, scale: scale)
    case .causal: try attention(keys, values, causal: true, scale: scale)
    case .explicit(let mask): try attention(keys, values, mask: mask, scale: scale)
    }
  }

  /// Every head `group` times, `[batch, heads · group, keys, width]`.
  private func repeatedForGroups(_ group: Int) throws -> Tensor {
    let shape = shape
    return try unsqueezed(2).expanded([shape[0], shape[1], group, shape[2], shape[3]])
      .reshaped([shape[0], shape[1] * group, shape[2], shape[3]])
  }
}

extension AttentionMask {
  /// True if all heads see the same.
  fileprivate var sharesHeads: Bool {
    switch self {
    case .full: true
    case .causal: false
    case .explicit(let mask): mask.rank < 3 || mask.size(-3) == 1
    }
  }
}
