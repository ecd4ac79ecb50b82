import TesseraTensor

/// Pictures of discs, squares, and crosses, drawn from nothing: what tests train on.
public struct Shapes: Sendable {
  /// The names of the classes, by label.
  public static let classes = ["disc", "square", "cross"]
  /// The side of a picture in pixels.
  public let side: Int
  private let stream: RandomStream

  /// - Parameter stream: where size, place, and noise come from
  public init(side: Int = 16, stream: RandomStream) { (self.side, self.stream) = (side, stream) }

  /// Some pictures; a pure function of the stream and the indices.
  /// - Returns: pictures `[indices, 1, side, side]` in [0, 1] and labels `[indices]`, int64
  public func batch(_ indices: some Sequence<Int>) throws -> (pictures: Tensor, labels: Tensor) {
    var (pixels, labels) = ([Float](), [Int64]())
    for index in indices {
      var own = stream.named("shape \(index)")
      let label = Int.random(in: 0..<Self.classes.count, using: &own)
      labels.append(Int64(label))
      draw(label, &own, into: &pixels)
    }
    return (try Tensor(pixels, [labels.count, 1, side, side]), try Tensor(labels))
  }

  private func draw(_ label: Int, _ stream: inout RandomStream, into pixels: inout [Float]) {
    let size = Double(side)
    let radius = Double.random(in: 0.2...0.35, using: &stream) * size
    let (x, y) = (
      Double.random(in: radius...(size - radius), using: &stream),
      Double.random(in: radius...(size - radius), using: &stream)
    )
    for row in 0..<side {
      for column in 0..<side {
        let (dx, dy) = (abs(Double(column) + 0.5 - x), abs(Double(row) + 0.5 - y))
        let isInside =
          switch label {
          case 0: dx * dx + dy * dy <= radius * radius
          case 1: max(dx, dy) <= radius * 0.85
          default: min(dx, dy) <= radius * 0.3 && max(dx, dy) <= radius
          }
        pixels.append((isInside ? 0.8 : 0.2) + Float.random(in: -0.15...0.15, using: &stream))
      }
    }
  }
}
