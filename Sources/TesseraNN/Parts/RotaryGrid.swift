import Foundation
import TesseraTensor

/// Rotary positions over one, two or three axes.
///
/// The channels of a head are shared out between the axes; within each share, pair k turns by p · period^(-2k / share). The product of a
/// query and a key then depends on the differences of their coordinates alone. (Su et al. 2021, RoFormer, for one axis.)
///
///     let rotary = RotaryGrid(widths: [16, 56, 56])  // frame, row, column of FLUX
///     let angles = try rotary.angles(RotaryGrid.coordinates([1, 32, 32]))
///     let turned = try rotary.rotated(queries, by: angles)
public struct RotaryGrid: Sendable, Codable, Hashable {
  /// Which channels turn together.
  public enum Pairing: String, Sendable, Codable, CaseIterable {
    /// Channels 2k and 2k + 1.
    case interleaved
    /// Channels k and k + width / 2.
    case halves
  }

  /// Channels for every axis; even. Their sum is the width of a head.
  public var widths: [Int]
  /// The longest wave is about 2 pi times as long.
  public var period: Double
  /// Which channels turn together.
  public var pairing: Pairing

  /// Positions over axes of these widths.
  public init(widths: [Int], period: Double = 10_000, pairing: Pairing = .interleaved) {
    (self.widths, self.period, self.pairing) = (widths, period, pairing)
  }

  /// The cosine and the sine of every token's turns.
  public struct Angles: Sendable {
    /// `[tokens, head width / 2]`
    public let cosine: Tensor
    /// `[tokens, head width / 2]`
    public let sine: Tensor
  }

  /// The whole-number coordinates of a grid's cells, in the order of memory.
  /// - Parameter lengths: the grid's sides, the last one fastest
  /// - Returns: float32 `[cells, axes]`
  public static func coordinates(_ lengths: [Int], device: Device = .cpu) throws -> Tensor {
    guard !lengths.isEmpty, lengths.allSatisfy({ $0 > 0 }) else {
      throw TensorError.invalid("coordinates", "a grid of \(lengths)")
    }
    let axes = try lengths.enumerated().map { axis, length in
      var shape = Array(repeating: 1, count: lengths.count)
      shape[axis] = length
      return try Tensor.range(0..<length, .float32, device: device).reshaped(shape).expanded(lengths).reshaped([-1])
    }
    return try Tensor.stacked(axes, axis: 1)
  }

  /// The angles of tokens at given coordinates, computed in double precision.
  /// - Parameter coordinates: `[tokens, axes]`, whole or not
  public func angles(_ coordinates: Tensor) throws -> Angles {
    guard coordinates.rank == 2, coordinates.size(1) == widths.count, !widths.isEmpty,
      widths.allSatisfy({ $0 > 0 && $0 % 2 == 0 && $0 < 1 << 24 })
    else { throw TensorError.invalid("rotary angles", "widths \(widths) for coordinates \(coordinates.summary)") }
    let places = try coordinates.to(.float64)
    let parts = try widths.enumerated().map { axis, width in
      let frequencies = (0..<width / 2).map { 1 / pow(period, Double(2 * $0) / Double(width)) }
      return try places.sliced(axis..<axis + 1, axis: 1) * Tensor(frequencies, device: coordinates.device)
    }
    let joined = try Tensor.concatenated(parts, axis: 1)
    return Angles(cosine: try joined.cos().to(.float32), sine: try joined.sin().to(.float32))
  }

  /// Turns queries or keys: (a, b) becomes (a cos - b sin, b cos + a sin).
  /// - Parameter heads: `[..., tokens, head width]`
  public func rotated(_ heads: Tensor, by angles: Angles) throws -> Tensor {
    let shape = heads.shape
    guard shape.count >= 2, shape[shape.count - 1] == widths.reduce(0, +),
      shape[shape.count - 2] == angles.cosine.size(0)
    else {
      throw TensorError.invalid("rotated", "\(heads.summary) by angles \(angles.cosine.summary)")
    }
    let (cosine, sine) = (try angles.cosine.to(heads.dataType), try angles.sine.to(heads.dataType))
    let half = shape[shape.count - 1] / 2
    switch pairing {
    case .halves:
      let (a, b) = (try heads.sliced(0..<half, axis: -1), try heads.sliced(half..<2 * half, axis: -1))
      return try Tensor.concatenated([a * cosine - b * sine, b * cosine + a * sine], axis: -1)
    case .interleaved:
      let pairs = try heads.reshaped(Array(shape.dropLast()) + [half, 2])
      let (a, b) = (try pairs.selected(0, axis: -1), try pairs.selected(1, axis: -1))
      return try Tensor.stacked([a * cosine - b * sine, b * cosine + a * sine], axis: -1).reshaped(shape)
    }
  }
}
