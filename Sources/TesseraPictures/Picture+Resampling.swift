/// How the samples of a smaller or larger picture are made.
public enum Resampling: Sendable, Hashable {
  /// Every new sample is the mean of the area that it covers.
  case areaAveraging
  /// The cubic kernel with a = -0.5, widened when the picture shrinks.
  ///
  /// Paper: R. Keys, *Cubic Convolution Interpolation for Digital Image Processing*, 1981.
  case bicubic
}

extension Picture {
  /// The picture in another size. Colours under alpha count by their opacity, so that transparent ground does not bleed into edges.
  ///
  /// - Complexity: O(height · new width · taps + new width · new height · taps), taps being the covered samples.
  /// - Throws: `PictureError.invalid` if the size is not positive or too large to hold.
  public func resized(width: Int, height: Int, by resampling: Resampling = .areaAveraging) throws -> Picture {
    guard Picture.sampleCount(width, height, channels) != nil else {
      throw PictureError.invalid("a picture cannot have \(width) x \(height) pixels")
    }
    if width == self.width, height == self.height { return self }
    var samples = premultiplied
    samples = Picture.resample(
      samples, lines: self.height, length: self.width, channels, Taps(from: self.width, to: width, resampling))
    samples = Picture.transposed(samples, rows: self.height, columns: width, channels)
    samples = Picture.resample(
      samples, lines: width, length: self.height, channels, Taps(from: self.height, to: height, resampling))
    samples = Picture.transposed(samples, rows: width, columns: height, channels)
    return Picture(unchecked: Picture.straight(samples, channels), width, height, channels)
  }

  /// The picture laid over a ground of one colour: alpha is used up, three channels remain. A picture without alpha covers the ground.
  /// - Parameter colour: red, green, blue.
  public func composited(over colour: (red: UInt8, green: UInt8, blue: UInt8)) -> Picture {
    guard channels == 4 else { return rgb }
    let ground = [UInt32(colour.red), UInt32(colour.green), UInt32(colour.blue)]
    var result: [UInt8] = []
    result.reserveCapacity(width * height * 3)
    for pixel in stride(from: 0, to: bytes.count, by: 4) {
      let alpha = UInt32(bytes[pixel + 3])
      for channel in 0..<3 {
        let mixed = UInt32(bytes[pixel + channel]) * alpha + ground[channel] * (255 - alpha)
        result.append(UInt8((mixed + 127) / 255))
      }
    }
    return Picture(unchecked: result, width, height, 3)
  }

  /// The picture in red, green and blue: grey is repeated, alpha dropped.
  public var rgb: Picture {
    switch channels {
    case 1: return Picture(unchecked: bytes.flatMap { [$0, $0, $0] }, width, height, 3)
    case 4:
      let kept = bytes.indices.lazy.filter { $0 % 4 != 3 }.map { bytes[$0] }
      return Picture(unchecked: Array(kept), width, height, 3)
    default: return self
    }
  }

  /// The picture in grey: luma of ITU-R BT.601 (0.299, 0.587, 0.114) of the samples as they are; alpha is dropped.
  public var grey: Picture {
    guard channels > 1 else { return self }
    let luma = stride(from: 0, to: bytes.count, by: channels).map { pixel in
      let sum = 299 * UInt32(bytes[pixel]) + 587 * UInt32(bytes[pixel + 1]) + 114 * UInt32(bytes[pixel + 2])
      return UInt8((sum + 500) / 1000)
    }
    return Picture(unchecked: luma, width, height, 1)
  }

  private var premultiplied: [Float] {
    var samples = bytes.map(Float.init)
    guard channels == 4 else { return samples }
    for pixel in stride(from: 0, to: samples.count, by: 4) {
      let alpha = samples[pixel + 3] / 255
      for channel in 0..<3 { samples[pixel + channel] *= alpha }
    }
    return samples
  }

  private static func straight(_ samples: [Float], _ channels: Int) -> [UInt8] {
    guard channels == 4 else { return samples.map(sample) }
    var bytes = [UInt8](repeating: 0, count: samples.count)
    for pixel in stride(from: 0, to: samples.count, by: 4) {
      let alpha = samples[pixel + 3] / 255
      bytes[pixel + 3] = sample(samples[pixel + 3])
      guard bytes[pixel + 3] > 0 else { continue }
      for channel in 0..<3 { bytes[pixel + channel] = sample(samples[pixel + channel] / alpha) }
    }
    return bytes
  }

  /// Resamples `lines` lines of `length` pixels each.
  private static func resample(_ samples: [Float], lines: Int, length: Int, _ channels: Int, _ taps: Taps) -> [Float] {
    let count = taps.starts.count
    return [Float](unsafeUninitializedCapacity: lines * count * channels) { result, filled in
      samples.withUnsafeBufferPointer { samples in
        for line in 0..<lines {
          for target in 0..<count {
            for channel in 0..<channels {
              var source = (line * length + taps.starts[target]) * channels + channel
              var sum: Float = 0
              for weight in taps.weights[target] {
                sum += weight * samples[source]
                source += channels
              }
              result[(line * count + target) * channels + channel] = sum
            }
          }
        }
      }
      filled = lines * count * channels
    }
  }

  private static func transposed(_ samples: [Float], rows: Int, columns: Int, _ channels: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: samples.count) { result, filled in
      for row in 0..<rows {
        for column in 0..<columns {
          for channel in 0..<channels {
            result[(column * rows + row) * channels + channel] = samples[(row * columns + column) * channels + channel]
          }
        }
      }
      filled = samples.count
    }
  }
}

/// The old samples that each new one is made of, and their weights, which sum to one.
private struct Taps {
  var starts: [Int] = []
  var weights: [[Float]] = []

  init(from old: Int, to new: Int, _ resampling: Resampling) {
    let scale = Double(old) / Double(new)
    for target in 0..<new {
      switch resampling {
      case .areaAveraging: area(Double(target) * scale, Double(target + 1) * scale, old)
      case .bicubic: cubic((Double(target) + 0.5) * scale, max(scale, 1), old)
      }
    }
  }

  private mutating func area(_ start: Double, _ end: Double, _ old: Int) {
    let first = min(Int(start), old - 1)
    let last = max(first, min(Int(end.rounded(.up)), old) - 1)
    append(first, (first...last).map { max(0, min(end, Double($0 + 1)) - max(start, Double($0))) })
  }

  private mutating func cubic(_ centre: Double, _ width: Double, _ old: Int) {
    let first = max(0, Int((centre - 2 * width).rounded(.down)))
    let last = min(old - 1, Int((centre + 2 * width).rounded(.up)))
    append(first, (first...last).map { Taps.keys((Double($0) + 0.5 - centre) / width) })
  }

  private mutating func append(_ start: Int, _ values: [Double]) {
    let sum = values.reduce(0, +)
    starts.append(start)
    weights.append(values.map { Float($0 / sum) })
  }

  private static func keys(_ x: Double) -> Double {
    let x = abs(x)
    if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
  }
}
