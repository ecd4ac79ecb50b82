/// A picture of eight bits a channel: grey, RGB, or RGB with alpha that is not multiplied in.
///
///     let photo = try Picture(contentsOf: "kite.jpg")
///     let small = try photo.resized(width: 64, height: 64)
///     let input = small.planes                        // [channels, height, width], in [0, 1]
///     try small.write(to: "kite.png")
///
/// Samples lie row by row, from the top, channels side by side. The value never has a size that does not fit its samples.
public struct Picture: Sendable, Equatable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// Samples of a pixel: 1 (grey), 3 (red, green, blue) or 4 (with alpha).
  public let channels: Int
  /// `height * width * channels` samples, row by row from the top.
  public private(set) var bytes: [UInt8]

  /// The largest number of pixels that is read unless the caller says otherwise.
  public static let pixelLimit = 1 << 26

  /// A picture of given samples, row by row.
  /// - Throws: `PictureError.invalid` if the number of samples is not `width * height * channels`.
  public init(width: Int, height: Int, channels: Int, bytes: [UInt8]) throws {
    guard let count = Picture.sampleCount(width, height, channels) else {
      throw PictureError.invalid("there is no picture of \(width) x \(height) pixels with \(channels) channels")
    }
    guard bytes.count == count else {
      throw PictureError.invalid(
        "a picture of \(width) x \(height) pixels with \(channels) channels has \(count) samples, not \(bytes.count)")
    }
    self.init(unchecked: bytes, width, height, channels)
  }

  /// A picture of one colour, whose count is that of the channels.
  /// - Throws: `PictureError.invalid` if the size is not positive or the colour has not 1, 3 or 4 samples.
  public init(width: Int, height: Int, filledWith colour: [UInt8]) throws {
    guard Picture.sampleCount(width, height, colour.count) != nil else {
      throw PictureError.invalid("there is no picture of \(width) x \(height) pixels with \(colour.count) channels")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(width * height * colour.count)
    for _ in 0..<width * height { bytes.append(contentsOf: colour) }
    self.init(unchecked: bytes, width, height, colour.count)
  }

  init(unchecked bytes: [UInt8], _ width: Int, _ height: Int, _ channels: Int) {
    self.width = width
    self.height = height
    self.channels = channels
    self.bytes = bytes
  }

  /// The sample of a channel; `x` counts from the left, `y` from the top.
  public subscript(x: Int, y: Int, channel: Int) -> UInt8 {
    get {
      precondition(holds(x, y, channel), "the pixel lies outside the picture")
      return bytes[(y * width + x) * channels + channel]
    }
    set {
      precondition(holds(x, y, channel), "the pixel lies outside the picture")
      bytes[(y * width + x) * channels + channel] = newValue
    }
  }

  /// The samples as floats in [0, 1], plane by plane: `[channels, height, width]`.
  ///
  /// - Complexity: O(samples)
  public var planes: [Float] {
    let pixels = width * height
    return [Float](unsafeUninitializedCapacity: pixels * channels) { planes, count in
      for channel in 0..<channels {
        for pixel in 0..<pixels { planes[channel * pixels + pixel] = Float(bytes[pixel * channels + channel]) / 255 }
      }
      count = pixels * channels
    }
  }

  /// A picture of planes `[channels, height, width]`; values are clamped to [0, 1] and rounded to the nearest of 256 steps.
  /// What is no number becomes 0.
  /// - Throws: `PictureError.invalid` if the number of values is not `width * height * channels`.
  public init(width: Int, height: Int, channels: Int, planes: [Float]) throws {
    guard let count = Picture.sampleCount(width, height, channels), planes.count == count else {
      throw PictureError.invalid(
        "\(planes.count) values are no picture of \(width) x \(height) pixels with \(channels) channels")
    }
    let pixels = width * height
    var bytes = [UInt8](repeating: 0, count: count)
    for channel in 0..<channels {
      for pixel in 0..<pixels {
        bytes[pixel * channels + channel] = Picture.sample(planes[channel * pixels + pixel] * 255)
      }
    }
    self.init(unchecked: bytes, width, height, channels)
  }

  /// The rectangle with the upper left corner (`x`, `y`).
  /// - Throws: `PictureError.invalid` if it does not lie inside.
  public func cropped(x: Int, y: Int, width: Int, height: Int) throws -> Picture {
    guard x >= 0, y >= 0, width > 0, height > 0, width <= self.width, height <= self.height, x <= self.width - width,
      y <= self.height - height
    else {
      throw PictureError.invalid(
        "\(width) x \(height) pixels from (\(x), \(y)) do not lie in a picture of \(self.width) x \(self.height)")
    }
    var part: [UInt8] = []
    part.reserveCapacity(width * height * channels)
    for row in y..<y + height {
      let start = (row * self.width + x) * channels
      part.append(contentsOf: bytes[start..<start + width * channels])
    }
    return Picture(unchecked: part, width, height, channels)
  }

  private func holds(_ x: Int, _ y: Int, _ channel: Int) -> Bool {
    x >= 0 && x < width && y >= 0 && y < height && channel >= 0 && channel < channels
  }

  /// The nearest of 256 steps; what is no number becomes 0.
  static func sample(_ value: Float) -> UInt8 { value > 0 ? UInt8(min(value + 0.5, 255)) : 0 }

  static func sampleCount(_ width: Int, _ height: Int, _ channels: Int) -> Int? {
    guard width > 0, height > 0, channels == 1 || channels == 3 || channels == 4 else { return nil }
    let pixels = width.multipliedReportingOverflow(by: height)
    let samples = pixels.partialValue.multipliedReportingOverflow(by: channels)
    return pixels.overflow || samples.overflow ? nil : samples.partialValue
  }
}
