import TesseraTensor

extension Tensor {
  /// Cuts a picture into square patches, row by row; within a patch, rows, then columns, then channels (fastest).
  /// - Parameter patch: the side of a patch; divides both sides of self, `[batch, channels, height, width]`
  /// - Returns: `[batch, patches, patch · patch · channels]`
  public func patchified(_ patch: Int) throws -> Tensor {
    guard rank == 4, patch > 0, size(2) % patch == 0, size(3) % patch == 0 else {
      throw TensorError.invalid("patchified", "\(summary) is not cut evenly into patches of \(patch)")
    }
    return try rearranged("b c (h p) (w q) -> b (h w) (p q c)", p: patch, q: patch)
  }

  /// Puts patches together again: the inverse of `patchified`.
  /// - Parameters:
  ///   - rows, columns: the grid of patches; self is `[batch, rows · columns, patch · patch · channels]`
  /// - Returns: `[batch, channels, rows · patch, columns · patch]`
  public func unpatchified(_ patch: Int, rows: Int, columns: Int) throws -> Tensor {
    guard rank == 3, patch > 0, rows > 0, columns > 0, size(1) == rows * columns, size(2) > 0,
      size(2) % (patch * patch) == 0
    else {
      throw TensorError.invalid("unpatchified", "\(summary) is no grid of \(rows) x \(columns) patches of \(patch)")
    }
    return try rearranged("b (h w) (p q c) -> b c (h p) (w q)", h: rows, w: columns, p: patch, q: patch)
  }
}
