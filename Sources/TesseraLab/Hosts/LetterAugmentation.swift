import Foundation
import TesseraTensor

/// The small changes that leave a letter the same letter: it is moved, turned, stretched, and slanted a little.
struct LetterAugmentation: Sendable {
  /// The farthest a picture is moved, in pixels, along each axis.
  var shift = 1.5
  /// The farthest it is turned, in radians.
  var rotation = 0.1
  /// The most it is stretched along each axis, as a share of its size.
  var stretch = 0.1
  /// The most it is slanted: columns of shift for a row.
  var slant = 0.1

  /// Changed pictures in [0, 1], `[rows, 1, side, side]`, each by an amount of its own.
  func callAsFunction(
    _ source: LabelledPictures, _ rows: some Collection<Int>, _ stream: inout RandomStream
  ) throws -> Tensor {
    let side = source.side
    var pixels = [Float](repeating: 0, count: rows.count * side * side)
    pixels.withUnsafeMutableBufferPointer { output in
      for (place, row) in rows.enumerated() {
        let picture = source.images[row: row]
        let map = Placement(self, &stream)
        picture.withUnsafeBufferPointer { input in
          map.resample(input, into: UnsafeMutableBufferPointer(rebasing: output[(place * side * side)...]), side)
        }
      }
    }
    return try Tensor(pixels, [rows.count, 1, side, side])
  }

  /// Where the pixels of one picture come from: x' = a x + b y + moveX, y' = c x + d y + moveY, from the middle.
  private struct Placement {
    let a, b, c, d, moveX, moveY: Float

    init(_ most: LetterAugmentation, _ stream: inout RandomStream) {
      func draw(_ limit: Double) -> Float { limit > 0 ? Float(Double.random(in: -limit...limit, using: &stream)) : 0 }
      let angle = Double(draw(most.rotation))
      let (sine, cosine) = (Float(sin(angle)), Float(cos(angle)))
      let (wide, high, slant) = (1 + draw(most.stretch), 1 + draw(most.stretch), draw(most.slant))
      (a, b, c, d) = (cosine * wide, slant - sine * high, sine * wide, cosine * high)
      (moveX, moveY) = (draw(most.shift), draw(most.shift))
    }

    /// Bilinear; outside of the picture is no ink.
    func resample(_ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<Float>, _ side: Int) {
      let middle = Float(side - 1) / 2
      func ink(_ x: Int, _ y: Int) -> Float {
        x >= 0 && y >= 0 && x < side && y < side ? Float(input[y * side + x]) : 0
      }
      for row in 0..<side {
        for column in 0..<side {
          let (x, y) = (Float(column) - middle, Float(row) - middle)
          let (fromX, fromY) = (a * x + b * y + moveX + middle, c * x + d * y + moveY + middle)
          let (left, top) = (fromX.rounded(.down), fromY.rounded(.down))
          let (shareX, shareY) = (fromX - left, fromY - top)
          let (i, j) = (Int(left), Int(top))
          let upper = ink(i, j) * (1 - shareX) + ink(i + 1, j) * shareX
          let lower = ink(i, j + 1) * (1 - shareX) + ink(i + 1, j + 1) * shareX
          output[row * side + column] = (upper * (1 - shareY) + lower * shareY) / 255
        }
      }
    }
  }
}
