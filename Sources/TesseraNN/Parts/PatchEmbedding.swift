import TesseraTensor

/// Cuts a picture into patches and makes a token of each: a convolution whose stride is its kernel.
public final class PatchEmbedding: Module {
  public let patch: Size2D
  public let channels: Int
  private let projection: Convolution
  private let norm: TokenNorm?

  /// - Parameters:
  ///   - name: the projection's key below the scope
  ///   - norm: what normalises the tokens, under the key `norm`
  public init(
    channels: Int, width: Int, patch: Size2D, bias: Bool = true, norm: TokenNorm.Kind? = nil, name: String,
    _ scope: Scope
  ) throws {
    (self.patch, self.channels) = (patch, channels)
    projection = try Convolution(
      channels, width, kernel: [patch.height, patch.width], stride: [patch.height, patch.width], bias: bias,
      scope / name)
    self.norm = try norm.map { try TokenNorm($0, width, scope / "norm") }
    super.init(scope)
  }

  /// - Parameter images: `[batch, channels, height, width]`; what is left over at the right and at the bottom is not seen
  /// - Returns: tokens row by row, `[batch, rows · columns, width]`, and the grid
  public func callAsFunction(_ images: Tensor) throws -> (tokens: Tensor, grid: Size2D) {
    guard images.rank == 4, images.size(1) == channels else {
      throw TensorError.invalid(
        "PatchEmbedding", "\(images.summary), and [batch, \(channels), height, width] is expected")
    }
    guard images.size(2) >= patch.height, images.size(3) >= patch.width else {
      throw TensorError.invalid("PatchEmbedding", "\(images.summary) is smaller than a patch of \(patch)")
    }
    let map = try projection(images)
    let tokens = try map.flattened(2).transposed(1, 2)
    return (try norm?(tokens) ?? tokens, Size2D(map.size(2), map.size(3)))
  }
}

/// A height and a width.
public struct Size2D: Sendable, Codable, Hashable, CustomStringConvertible {
  public var height: Int
  public var width: Int
  public init(_ height: Int, _ width: Int) { (self.height, self.width) = (height, width) }
  /// Height times width.
  public var area: Int { height * width }
  public var description: String { "\(height) x \(width)" }
}

/// Learned positions of a grid of patches, resized where a picture is not of the size they were learned for.
public enum PositionTable {
  /// Resizes the rows of a table that belong to a grid; rows before them stay.
  /// - Parameters:
  ///   - table: `[1, prefix + rows, width]`
  ///   - prefix: rows of special tokens
  ///   - from: the grid of the table
  ///   - to: the grid that is wanted
  ///   - antialias: true: smoothed where the grid shrinks, as timm does; false: as Hugging Face's ViT does
  /// - Throws: `TensorError.invalid` if the table does not hold the grid
  public static func resized(_ table: Tensor, prefix: Int, from: Size2D, to: Size2D, antialias: Bool) throws -> Tensor {
    guard table.rank == 3, table.size(1) == prefix + from.area, to.height > 0, to.width > 0 else {
      throw TensorError.invalid("resized", "the table \(table.summary) holds no grid of \(from) behind \(prefix) rows")
    }
    let width = table.size(2)
    let grid = try table.sliced(prefix..<table.size(1), axis: 1).reshaped([1, from.height, from.width, width])
      .permuted([0, 3, 1, 2]).to(.float32)
    let rows = try grid.resized(to.height, to.width, .bicubic, antialias: antialias)
      .permuted([0, 2, 3, 1]).reshaped([1, to.area, width]).to(table.dataType)
    return prefix == 0 ? rows : try .concatenated([table.sliced(0..<prefix, axis: 1), rows], axis: 1)
  }
}
