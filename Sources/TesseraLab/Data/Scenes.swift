import TesseraTensor

/// A thing in a scene: what it is, and the exact box around it in pixels.
public struct SceneObject: Codable, Hashable, Sendable {
  /// Its kind, an index of the sprites' names.
  public let kind: Int
  /// The left and the upper edge.
  public let x: Int, y: Int
  /// The size of the box.
  public let width: Int, height: Int

  /// The middle of the box.
  public var center: (x: Double, y: Double) { (Double(x) + Double(width) / 2, Double(y) + Double(height) / 2) }

  /// True if the boxes share a pixel.
  func overlaps(_ other: SceneObject) -> Bool {
    x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
  }
}

/// A picture of some things on a coloured ground, and everything there is to know about it.
public struct Scene: Sendable {
  /// The side of the picture in pixels.
  public static let side = 64

  /// The colour of the ground, an index of `Scenes.grounds`.
  public let ground: Int
  /// What stands on it, from back to front (nothing overlaps).
  public let objects: [SceneObject]
  /// Three planes, red first, row by row.
  public let pixels: [UInt8]
  /// For every pixel 0 for the ground, or 1 + the index of the object that covers more than half of it.
  public let owners: [UInt8]

  /// How often each kind occurs.
  public var counts: [Int: Int] { objects.reduce(into: [:]) { $0[$1.kind, default: 0] += 1 } }
}

/// Scenes without end: one to five sprites of at most three kinds, not overlapping, on one of six grounds with noise.
///
///     let scenes = Scenes(sprites, stream: run.stream.named("train"))
///     let scene = scenes[4711]
///
/// A scene is a pure function of the stream and its index.
public struct Scenes: Sendable {
  /// The colours of the grounds.
  public static let grounds: [(name: String, colour: [Float])] = [
    ("red", [0.75, 0.35, 0.35]), ("green", [0.38, 0.66, 0.42]), ("blue", [0.36, 0.52, 0.82]),
    ("yellow", [0.88, 0.80, 0.45]), ("white", [0.93, 0.93, 0.93]), ("black", [0.13, 0.13, 0.13]),
  ]

  /// What stands on the grounds.
  public let sprites: SpriteSet
  /// The longer sides of sprites, in pixels.
  public let sides: ClosedRange<Int>
  /// The standard deviation of the noise, of a full range of 1.
  public let noise: Float
  private let stream: RandomStream

  /// - Parameter sides: what lies outside of those that there are as sprites is cut off
  public init(_ sprites: SpriteSet, sides: ClosedRange<Int> = 12...20, noise: Float = 0.04, stream: RandomStream) {
    (self.sprites, self.sides, self.noise) = (sprites, sides.clamped(to: sprites.sides), noise)
    self.stream = stream
  }

  /// The scene of an index.
  public subscript(index: Int) -> Scene {
    var own = stream.named("scene \(index)")
    return draw(&own)
  }

  /// The random numbers that belong to an index beside those of its scene.
  func stream(_ index: Int, _ purpose: String) -> RandomStream { stream.named("\(purpose) \(index)") }

  private func draw(_ stream: inout RandomStream) -> Scene {
    let ground = Int.random(in: 0..<Self.grounds.count, using: &stream)
    let number = Int.random(in: 1...5, using: &stream)
    let different = Int.random(in: 1...min(3, number, sprites.names.count), using: &stream)
    var kinds: [Int] = []
    while kinds.count < different {
      let kind = Int.random(in: 0..<sprites.names.count, using: &stream)
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    while kinds.count < number { kinds.append(kinds[Int.random(in: 0..<different, using: &stream)]) }
    var objects: [SceneObject] = []
    var painted = Canvas(ground: Self.grounds[ground].colour)
    for kind in kinds {
      guard let (object, sprite) = place(kind, among: objects, &stream) else { continue }
      objects.append(object)
      painted.put(sprite, object.x, object.y, owner: UInt8(objects.count))
    }
    return Scene(ground: ground, objects: objects, pixels: painted.noisy(noise, &stream), owners: painted.owners)
  }

  /// A free place; nil in the rare case that none was found.
  private func place(
    _ kind: Int, among objects: [SceneObject], _ stream: inout RandomStream
  ) -> (SceneObject, Sprite)? {
    for _ in 0..<200 {
      let sprite = sprites[kind, Int.random(in: sides, using: &stream)]
      let x = Int.random(in: 0...(Scene.side - sprite.width), using: &stream)
      let y = Int.random(in: 0...(Scene.side - sprite.height), using: &stream)
      let object = SceneObject(kind: kind, x: x, y: y, width: sprite.width, height: sprite.height)
      if !objects.contains(where: object.overlaps) { return (object, sprite) }
    }
    return nil
  }
}

/// A picture while it is painted.
struct Canvas {
  /// Three planes of values in [0, 1].
  private(set) var planes: [Float]
  /// See `Scene.owners`.
  private(set) var owners: [UInt8]

  /// One colour everywhere.
  init(ground: [Float]) {
    let area = Scene.side * Scene.side
    planes = ground.flatMap { [Float](repeating: $0, count: area) }
    owners = [UInt8](repeating: 0, count: area)
  }

  /// Three planes that are there already.
  init(planes: [Float]) {
    self.planes = planes
    owners = [UInt8](repeating: 0, count: Scene.side * Scene.side)
  }

  /// Lays a sprite over what is there; what lies outside is cut off.
  mutating func put(_ sprite: Sprite, _ x: Int, _ y: Int, owner: UInt8) {
    let (side, area) = (Scene.side, Scene.side * Scene.side)
    for row in max(0, -y)..<max(0, -y, min(sprite.height, side - y)) {
      for column in max(0, -x)..<max(0, -x, min(sprite.width, side - x)) {
        let from = (row * sprite.width + column) * 4
        let to = (y + row) * side + x + column
        let opacity = sprite.pixels[from + 3]
        for channel in 0..<3 {
          let place = channel * area + to
          planes[place] = planes[place] * (1 - opacity) + sprite.pixels[from + channel]
        }
        if opacity > 0.5 { owners[to] = owner }
      }
    }
  }

  /// Bytes of the planes with noise of a standard deviation.
  func noisy(_ deviation: Float, _ stream: inout RandomStream) -> [UInt8] {
    // The sum of four bytes is nearly normal; 147.8 is its standard deviation. A draw of 64 bits gives two such sums.
    let scale = 255 * deviation / 147.8
    return [UInt8](unsafeUninitializedCapacity: planes.count) { bytes, filled in
      for place in stride(from: 0, to: planes.count, by: 2) {
        let bits = stream.next()
        for half in 0..<min(2, planes.count - place) {
          let word = UInt32(truncatingIfNeeded: bits >> UInt64(32 * half))
          let sum = (word & 0xFF) + (word >> 8 & 0xFF) + (word >> 16 & 0xFF) + word >> 24
          let value = planes[place + half] * 255 + (Float(sum) - 510) * scale
          bytes[place + half] = UInt8(max(0, min(255, value.rounded())))
        }
      }
      filled = planes.count
    }
  }
}

extension Sequence<Scene> {
  /// The pictures as numbers in [0, 1], `[scenes, 3, 64, 64]`.
  public func pictures() throws -> Tensor {
    var (bytes, count) = ([UInt8](), 0)
    for scene in self {
      bytes += scene.pixels
      count += 1
    }
    return try Tensor(bytes, [count, 3, Scene.side, Scene.side]).to(.float32) / 255
  }
}
