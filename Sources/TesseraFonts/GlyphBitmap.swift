/// A character as pixels.
///
/// The origin lies on the baseline where the character begins. The bitmap is the smallest that holds the glyph; a blank one has no
/// pixels.
public struct GlyphBitmap: Sendable, Equatable {
  /// Pixels in a row.
  public let width: Int
  /// Rows.
  public let height: Int
  /// 1 (coverage in 0...255) or 4 (red, green, blue and alpha that is not multiplied in).
  public let channels: Int
  /// `height * width * channels` samples, row by row from the top.
  public let bytes: [UInt8]
  /// Pixels from the origin to the left edge, to the right.
  public let left: Int
  /// Pixels from the baseline to the upper edge of the first row, upward.
  public let top: Int
  /// Pixels from the origin to that of the next character.
  public let advance: Double

  /// A bitmap of given samples.
  /// - Precondition: the samples are `width * height * channels`.
  public init(width: Int, height: Int, channels: Int, bytes: [UInt8], left: Int, top: Int, advance: Double) {
    precondition(
      width >= 0 && height >= 0 && bytes.count == width * height * channels, "the samples do not fill the bitmap")
    (self.width, self.height, self.channels, self.bytes) = (width, height, channels, bytes)
    (self.left, self.top, self.advance) = (left, top, advance)
  }

  /// The bitmap's pixels on a canvas: where it lies outside, it is cut off. The canvas is as many samples as `width * height *
  /// channels`, zero where there is no glyph.
  /// - Parameters:
  ///   - baseline: the row of the canvas on whose upper edge the baseline lies.
  ///   - x: the column of the bitmap's left edge; nil centres it.
  public func placed(width canvasWidth: Int, height canvasHeight: Int, baseline: Int, x: Int? = nil) -> [UInt8] {
    precondition(canvasWidth > 0 && canvasHeight > 0, "a canvas has pixels")
    var canvas = [UInt8](repeating: 0, count: canvasWidth * canvasHeight * channels)
    let start = x ?? Int((Double(canvasWidth - width) / 2).rounded(.down))
    for row in 0..<height {
      let y = baseline - top + row
      guard y >= 0, y < canvasHeight else { continue }
      for column in max(0, -start)..<max(0, -start, min(width, canvasWidth - start)) {
        for channel in 0..<channels {
          canvas[(y * canvasWidth + start + column) * channels + channel] =
            bytes[(row * width + column) * channels + channel]
        }
      }
    }
    return canvas
  }
}
