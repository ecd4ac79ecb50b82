import Foundation
import TesseraTensor

/// Structural similarity of pictures: 1 for equal ones.
///
/// Paper: *Image Quality Assessment: From Error Visibility to Structural Similarity*, 2004 (Wang et al.): a Gaussian window of 11x11
/// pixels with a deviation of 1.5, whole windows only, K₁ = 0.01, K₂ = 0.03.
public struct StructuralSimilarity: Sendable {
  /// The largest value minus the smallest that pixels can have.
  public var dataRange: Double
  public var windowSize = 11
  public var deviation = 1.5

  public init(dataRange: Double = 1) { self.dataRange = dataRange }

  /// - Parameters: `[batch, channels, height, width]`, at least as large as the window
  /// - Returns: `[batch]`
  public func callAsFunction(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try maps(prediction, target).full.mean([1, 2, 3])
  }

  /// The similarity at several scales: the contrast of all, the luminance of the smallest, to the powers of the weights.
  ///
  /// Paper: *Multi-Scale Structural Similarity for Image Quality Assessment*, 2003 (Wang, Simoncelli, Bovik).
  /// - Parameter weights: from the largest scale to the smallest; those of the paper ask for pictures of 176 pixels
  /// - Returns: `[batch]`
  public func multiScale(
    _ prediction: Tensor, _ target: Tensor, weights: [Double] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
  ) throws -> Tensor {
    guard !weights.isEmpty, weights.count <= 16 else {
      throw TensorError.invalid("StructuralSimilarity", "weights \(weights)")
    }
    var (x, y) = (prediction, target)
    var result: Tensor?
    for (scale, weight) in weights.enumerated() {
      let (full, contrast) = try maps(x, y)
      let last = scale == weights.count - 1
      let value = try (last ? full : contrast).mean([2, 3]).relu().pow(weight)
      result = try result.map { try $0 * value } ?? value
      if !last { (x, y) = (try x.halved(), try y.halved()) }
    }
    guard let result else { return try Tensor.ones([prediction.size(0)]) }
    return try result.mean([1])
  }

  /// The maps of similarity, and of contrast and structure alone.
  private func maps(_ x: Tensor, _ y: Tensor) throws -> (full: Tensor, contrast: Tensor) {
    let shape = x.shape
    guard shape == y.shape, shape.count == 4, min(shape[2], shape[3]) >= windowSize, dataRange > 0 else {
      throw TensorError.invalid(
        "StructuralSimilarity",
        "\(x.summary) and \(y.summary) with a window of \(windowSize) and a range of \(dataRange)")
    }
    let channels = shape[1]
    let row = (0..<windowSize).map {
      exp(-pow(Double($0) - Double(windowSize - 1) / 2, 2) / (2 * deviation * deviation))
    }
    let sum = row.reduce(0, +)
    let plane = row.flatMap { a in row.map { b in a * b / (sum * sum) } }
    let window = try Tensor(plane, [1, 1, windowSize, windowSize], device: x.device).to(x.dataType)
      .expanded([channels, 1, windowSize, windowSize]).contiguous()
    func blurred(_ image: Tensor) throws -> Tensor {
      try image.convolution(window, stride: [1, 1], padding: [0, 0], groups: channels)
    }
    let (meanX, meanY) = (try blurred(x), try blurred(y))
    let (squareX, squareY, cross) = (try meanX.squared(), try meanY.squared(), try meanX * meanY)
    let varianceX = try blurred(x.squared()) - squareX
    let varianceY = try blurred(y.squared()) - squareY
    let covariance = try blurred(x * y) - cross
    let (c1, c2) = (pow(0.01 * dataRange, 2), pow(0.03 * dataRange, 2))
    let contrast = try (covariance * 2 + c2) / (varianceX + varianceY + c2)
    return (try contrast * ((cross * 2 + c1) / (squareX + squareY + c1)), contrast)
  }
}

/// The peak signal-to-noise ratio in decibels, one for each picture: `10 log₁₀(range² / MSE)`, infinite for equal pictures.
/// - Parameters: `[batch, ...]`
public func peakSignalToNoiseRatio(_ prediction: Tensor, _ target: Tensor, dataRange: Double = 1) throws -> Tensor {
  guard prediction.shape == target.shape, prediction.rank >= 2, dataRange > 0 else {
    throw TensorError.invalid(
      "peakSignalToNoiseRatio", "\(prediction.summary) and \(target.summary), range \(dataRange)")
  }
  let difference = try prediction.to(.float64) - target.to(.float64)
  let error = try difference.squared().flattened(1).mean([1])
  return try (dataRange * dataRange / error).log() * (10 / log(10.0))
}
