import TesseraTensor

/// How far a reconstruction is from what it reconstructs, averaged over everything.
public enum ReconstructionLoss: String, Sendable, Codable, CaseIterable {
  /// Mean absolute difference.
  case l1
  /// Mean squared difference.
  case l2
  /// Squared near zero and absolute from 1 on, half of the square at most.
  case smoothL1 = "smooth_l1"
  /// The same curve under the name of its author (Huber 1964).
  case huber

  public func callAsFunction(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    guard prediction.shape == target.shape else {
      throw TensorError.invalid("ReconstructionLoss", "\(prediction.summary) and \(target.summary)")
    }
    let difference = try prediction - target
    switch self {
    case .l1: return try difference.abs().mean()
    case .l2: return try difference.squared().mean()
    case .smoothL1, .huber:
      let size = try difference.abs()
      return try (difference.squared() * 0.5).where(size .< 1, else: size - 0.5).mean()
    }
  }
}

/// Differences of the slopes of two pictures at several sizes: a stand-in for perceptual losses that needs no pretrained network.
///
/// At each scale, the mean absolute difference of horizontal and of vertical neighbours' differences; between scales the picture is
/// averaged over 2x2 cells.
/// - Parameters: pictures `[batch, channels, height, width]`; `scales` times halved sizes must keep two pixels
public func multiScaleGradientLoss(_ prediction: Tensor, _ target: Tensor, scales: Int = 3) throws -> Tensor {
  let shape = prediction.shape
  guard shape == target.shape, shape.count == 4, (1...16).contains(scales), min(shape[2], shape[3]) >> (scales - 1) >= 2
  else {
    throw TensorError.invalid(
      "multiScaleGradientLoss",
      "\(prediction.summary) and \(target.summary) at \(scales) scales: too small, or not pictures")
  }
  var difference = try prediction - target
  var sum: Tensor?
  for scale in 0..<scales {
    if scale > 0 { difference = try difference.halved() }
    let across = try difference[Axis.rest, 1...] - difference[Axis.rest, 0..<(difference.size(3) - 1)]
    let down = try difference[Axis.all, Axis.all, 1...] - difference[Axis.all, Axis.all, 0..<(difference.size(2) - 1)]
    let slopes = try across.abs().mean() + down.abs().mean()
    sum = try sum.map { try $0 + slopes } ?? slopes
  }
  guard let sum else { throw TensorError.invalid("multiScaleGradientLoss", "no scale") }
  return try sum / Double(scales)
}

extension Tensor {
  /// A picture averaged over cells of 2x2 pixels; an odd last row or column is left out.
  func halved() throws -> Tensor { try Op.averagePool2d(.tensor(self), .ints([2, 2]), .ints([2, 2])) }
}
