import Foundation
import TesseraTensor

/// Fixed positions and time steps as sines and cosines.
public enum Sinusoids {
  /// The order of the two halves of an embedding of time.
  public enum Order: String, Sendable, Codable { case sineFirst, cosineFirst }

  /// Embeds numbers, usually the time steps of a diffusion model, as sines and cosines of falling frequencies.
  ///
  /// With h = width / 2 the frequencies are f_i = period^(-i / (h - shift)): a shift of 0 is the convention of DiT, PixArt and Stable
  /// Diffusion 3, 1 that of Ho et al. 2020, which diffusers also uses for its DiT. Computed in float32 step by step as the references
  /// do, since a step of 999 magnifies the last bit of a frequency.
  /// - Parameters:
  ///   - numbers: `[batch]`, of any type
  ///   - width: the length of the embedding; an odd one ends with a zero
  ///   - shift: see above
  ///   - scale: multiplies the angles
  /// - Returns: float32 `[batch, width]`
  /// - Throws: `TensorError.invalid` for a width without frequencies
  public static func of(
    _ numbers: Tensor, width: Int, order: Order = .cosineFirst, shift: Double = 0, scale: Double = 1,
    period: Double = 10_000
  ) throws -> Tensor {
    let half = width / 2
    guard numbers.rank == 1, half > 0, Double(half) > shift, width < 1 << 24 else {
      throw TensorError.invalid("sinusoids", "width \(width), shift \(shift) for \(numbers.summary)")
    }
    let slope = Float(-log(period))
    let exponents = (0..<half).map { slope * Float($0) / Float(Double(half) - shift) }
    let frequencies = try Tensor(exponents, device: numbers.device).exp()
    var angles = try numbers.to(.float32).unsqueezed(1) * frequencies
    if scale != 1 { angles = try angles * scale }
    let (sine, cosine) = (try angles.sin(), try angles.cos())
    let joined = try Tensor.concatenated(order == .cosineFirst ? [cosine, sine] : [sine, cosine], axis: 1)
    return width % 2 == 0 ? joined : try joined.padded([0, 1])
  }

  /// Positions along a line: sin(p·w_k), then cos(p·w_k), with w_k = period^(-2k / width).
  /// - Parameter width: even
  /// - Returns: float64 `[positions, width]`
  public static func line(_ positions: [Double], width: Int, period: Double = 10_000, device: Device = .cpu) throws
    -> Tensor
  {
    guard width > 0, width % 2 == 0, width < 1 << 24 else {
      throw TensorError.invalid("positions", "a width of \(width) has no halves")
    }
    let frequencies = (0..<width / 2).map { 1 / pow(period, Double($0) / Double(width / 2)) }
    let angles = try Tensor(positions, device: device).unsqueezed(1) * Tensor(frequencies, device: device)
    return try Tensor.concatenated([angles.sin(), angles.cos()], axis: 1)
  }

  /// Positions of a grid, row by row: the first half of the channels encodes the column, the second the row.
  ///
  /// With a `base`, coordinates are i / (length / base) / interpolation, so that they cover the same range at every resolution
  /// (PixArt-alpha, 2023); without, they are whole numbers.
  /// - Parameters:
  ///   - width: a multiple of four
  ///   - base: the side of the grid that the model was built for
  ///   - table: the side of a larger square from whose middle the grid is cut (Stable Diffusion 3); nil: the grid is the whole
  /// - Returns: float32 `[rows · columns, width]`
  public static func grid(
    rows: Int, columns: Int, width: Int, base: Int? = nil, interpolation: Double = 1, table: Int? = nil,
    device: Device = .cpu
  ) throws -> Tensor {
    guard width > 0, width % 4 == 0, rows > 0, columns > 0, base ?? 1 > 0, interpolation > 0,
      table ?? .max >= max(rows, columns)
    else {
      throw TensorError.invalid(
        "positions", "\(rows) x \(columns) with a width of \(width): the width must be a multiple of 4")
    }
    func axis(_ length: Int) throws -> Tensor {
      let first = table.map { ($0 - length) / 2 } ?? 0
      let step = Float(base.map { Double(table ?? length) / Double($0) } ?? 1)
      let places = (first..<first + length).map { Double(Float($0) / step / Float(interpolation)) }
      return try line(places, width: width / 2, device: device)
    }
    let columnPart = try axis(columns).unsqueezed(0).expanded([rows, -1, -1])
    let rowPart = try axis(rows).unsqueezed(1).expanded([-1, columns, -1])
    return try Tensor.concatenated([columnPart, rowPart], axis: 2).reshaped([rows * columns, width]).to(.float32)
  }

  /// Positions of a stack of grids, frame by frame: the first quarter of the channels encodes the frame, the rest column and row.
  /// - Parameter width: a multiple of 16
  /// - Returns: float32 `[frames · rows · columns, width]`
  public static func volume(
    frames: Int, rows: Int, columns: Int, width: Int, spatialInterpolation: Double = 1,
    temporalInterpolation: Double = 1,
    device: Device = .cpu
  ) throws -> Tensor {
    guard width > 0, width % 16 == 0, frames > 0, temporalInterpolation > 0 else {
      throw TensorError.invalid(
        "positions", "\(frames) frames with a width of \(width): the width must be a multiple of 16")
    }
    let times = (0..<frames).map { Double(Float($0) / Float(temporalInterpolation)) }
    let framePart = try line(times, width: width / 4, device: device).to(.float32)
    let gridPart = try grid(
      rows: rows, columns: columns, width: width / 4 * 3, interpolation: spatialInterpolation, device: device)
    let tokens = rows * columns
    return try Tensor.concatenated(
      [
        framePart.unsqueezed(1).expanded([-1, tokens, -1]), gridPart.unsqueezed(0).expanded([frames, -1, -1]),
      ], axis: 2
    ).reshaped([frames * tokens, width])
  }
}
