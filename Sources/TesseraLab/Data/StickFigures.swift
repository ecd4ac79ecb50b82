import Foundation
import TesseraTensor

/// Pictures of walking figures: eleven joints, a step cycle, and colours that tell one figure from another.
///
///     let figure = StickFigures(stream: stream)[3]           // somebody
///     let pose = figure.pose(at: 0.25)                       // a quarter through two steps
///     let pixels = figure.draw(pose)                         // three planes of 64x64 bytes
public struct StickFigures: Sendable {
  private let stream: RandomStream

  /// - Parameter stream: where figures come from
  public init(stream: RandomStream) { self.stream = stream }

  /// The figure of an index, a pure function of both.
  public subscript(index: Int) -> StickFigure {
    var own = stream.named("figure \(index)")
    let limbs = Int.random(in: 0..<StickFigure.colours.count, using: &own)
    let shirt = (limbs + Int.random(in: 1..<StickFigure.colours.count, using: &own)) % StickFigure.colours.count
    return StickFigure(
      height: Double.random(in: 40...52, using: &own), stride: Double.random(in: 0.35...0.6, using: &own),
      kneeBend: Double.random(in: 0.4...0.9, using: &own), limbs: limbs, shirt: shirt,
      background: Float.random(in: 0.75...0.95, using: &own))
  }
}

/// One figure: its body and its way to walk.
public struct StickFigure: Sendable, Hashable, Codable {
  /// The colours of limbs and shirts.
  public static let colours: [(name: String, colour: [Float])] = [
    ("red", [0.85, 0.2, 0.2]), ("green", [0.15, 0.6, 0.25]), ("blue", [0.2, 0.35, 0.85]),
    ("orange", [0.95, 0.55, 0.1]), ("violet", [0.55, 0.25, 0.75]), ("black", [0.1, 0.1, 0.1]),
  ]
  /// The joints, in the order of a pose.
  public static let joints = [
    "head", "neck", "hip", "left elbow", "left hand", "right elbow", "right hand", "left knee", "left foot",
    "right knee", "right foot",
  ]

  /// From head to foot, in pixels.
  public let height: Double
  /// The largest angle of a thigh from straight down, in radians.
  public let stride: Double
  /// How far a knee bends on its way forward, in radians.
  public let kneeBend: Double
  /// Indices of `colours`.
  public let limbs: Int, shirt: Int
  /// The grey behind, in [0, 1].
  public let background: Float

  /// A place in the picture, in pixels from the left upper corner.
  public struct Point: Hashable, Sendable, Codable {
    /// To the right and down.
    public var x: Double, y: Double

    /// Makes it from its parts.
    public init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }

    /// What lies at a distance, at an angle from straight down (positive: to the right).
    func reaching(_ length: Double, _ angle: Double) -> Point {
      Point(x + length * sin(angle), y + length * cos(angle))
    }
  }

  /// Where the joints are.
  /// - Parameter phase: how much of the cycle of two steps is done; whole numbers are the same
  public func pose(at phase: Double) -> [Point] {
    let turn = 2 * Double.pi * phase
    // At mid-step the body stands higher than when the feet are apart.
    let hip = Point(32, 34 + 0.03 * height * (0.5 - 0.5 * cos(2 * turn)))
    let neck = Point(hip.x, hip.y - 0.33 * height)
    let head = Point(neck.x, neck.y - 0.1 * height)
    func arm(_ swing: Double) -> [Point] {
      let elbow = neck.reaching(0.18 * height, 0.8 * stride * swing)
      return [elbow, elbow.reaching(0.17 * height, 0.8 * stride * swing + 0.35)]
    }
    func leg(_ angle: Double) -> [Point] {
      let thigh = stride * sin(angle)
      let knee = hip.reaching(0.24 * height, thigh)
      // The knee bends while the leg swings forward.
      return [knee, knee.reaching(0.24 * height, thigh - kneeBend * max(0, cos(angle)))]
    }
    // An arm swings against the leg of its side.
    return [head, neck, hip] + arm(-sin(turn)) + arm(sin(turn)) + leg(turn) + leg(turn + .pi)
  }

  /// The picture of a pose: three planes of 64x64 bytes, row by row.
  public func draw(_ pose: [Point]) -> [UInt8] {
    let (limb, cloth) = (Self.colours[limbs].colour, Self.colours[shirt].colour)
    let strokes: [(Int, Int, Double, [Float])] = [
      (2, 9, 1.5, limb), (9, 10, 1.3, limb), (1, 5, 1.3, limb), (5, 6, 1.1, limb), (1, 2, 2.6, cloth),
      (2, 7, 1.5, limb),
      (7, 8, 1.3, limb), (1, 3, 1.3, limb), (3, 4, 1.1, limb), (0, 0, 0.09 * height, limb),
    ]
    let (side, area) = (Scene.side, Scene.side * Scene.side)
    var planes = [Float](repeating: background, count: 3 * area)
    for (from, to, radius, colour) in strokes {
      let (a, b) = (pose[from], pose[to])
      let reach = radius + 1
      func span(_ low: Double, _ high: Double) -> Range<Int> {
        let first = min(max(Int((low - reach).rounded(.down)), 0), side)
        return first..<max(first, min(side, Int((high + reach).rounded(.up))))
      }
      for row in span(min(a.y, b.y), max(a.y, b.y)) {
        for column in span(min(a.x, b.x), max(a.x, b.x)) {
          let distance = Self.distance(Point(Double(column) + 0.5, Double(row) + 0.5), a, b)
          let opacity = Float(min(max(radius + 0.5 - distance, 0), 1))
          guard opacity > 0 else { continue }
          for channel in 0..<3 {
            let place = channel * area + row * side + column
            planes[place] += (colour[channel] - planes[place]) * opacity
          }
        }
      }
    }
    return planes.map { UInt8(($0 * 255).rounded()) }
  }

  /// From a point to the nearest of a line from `a` to `b`.
  private static func distance(_ point: Point, _ a: Point, _ b: Point) -> Double {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let length = dx * dx + dy * dy
    let along = length > 0 ? min(max(((point.x - a.x) * dx + (point.y - a.y) * dy) / length, 0), 1) : 0
    let (x, y) = (point.x - a.x - along * dx, point.y - a.y - along * dy)
    return (x * x + y * y).squareRoot()
  }
}
