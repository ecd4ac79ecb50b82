import Foundation
import TesseraTensor

/// A short film: sprites that move evenly and bounce off the edges, over a textured ground that moves as well.
public struct MovingScene: Sendable {
  /// Frames of a film.
  public static let frames = 16

  /// The colour of the ground, an index of `Scenes.grounds`.
  public let ground: Int
  /// The step of the ground from frame to frame, in pixels; it wraps around.
  public let drift: (x: Int, y: Int)
  /// Every thing's box, frame by frame: `things[frame][thing]`. Later things lie in front.
  public let things: [[SceneObject]]
  /// `[frames, 3, 64, 64]`, row by row.
  public let pixels: [UInt8]
  /// For every pixel of every frame 0 for the ground, or 1 + the index of the thing that is seen there, `[frames, 64, 64]`.
  public let owners: [UInt8]

  /// How far what is seen at each pixel of a frame moves until the next one, in pixels: right and down, `[2, 64, 64]`, row by row.
  /// - Parameter frame: from 0; the last frame has no next one
  public func flow(from frame: Int) -> [Float] {
    let area = Scene.side * Scene.side
    var flow = [Float](repeating: 0, count: 2 * area)
    for place in 0..<area {
      let owner = Int(owners[frame * area + place])
      if owner == 0 {
        (flow[place], flow[area + place]) = (Float(drift.x), Float(drift.y))
      } else {
        let (now, next) = (things[frame][owner - 1], things[frame + 1][owner - 1])
        (flow[place], flow[area + place]) = (Float(next.x - now.x), Float(next.y - now.y))
      }
    }
    return flow
  }
}

/// Films without end; each is a pure function of the stream and its index.
public struct MovingScenes: Sendable {
  /// What moves.
  public let sprites: SpriteSet
  /// How many sprites a film has.
  public let things: Int
  /// The standard deviation of the noise of every frame.
  public let noise: Float
  private let stream: RandomStream

  /// - Parameter things: sprites of each film
  public init(_ sprites: SpriteSet, things: Int = 2, noise: Float = 0.02, stream: RandomStream) {
    (self.sprites, self.things, self.noise, self.stream) = (sprites, max(things, 0), noise, stream)
  }

  /// A thing on its way.
  private struct Mover {
    let kind: Int
    let sprite: Sprite
    var x: Int, y: Int
    var stepX: Int, stepY: Int

    var box: SceneObject { SceneObject(kind: kind, x: x, y: y, width: sprite.width, height: sprite.height) }

    mutating func advance() {
      (x, stepX) = Self.bounced(x, stepX, limit: Scene.side - sprite.width)
      (y, stepY) = Self.bounced(y, stepY, limit: Scene.side - sprite.height)
    }

    /// A step that would leave `0...limit` turns around first.
    private static func bounced(_ place: Int, _ step: Int, limit: Int) -> (Int, Int) {
      let step = (0...limit).contains(place + step) ? step : -step
      return (min(max(place + step, 0), limit), step)
    }
  }

  /// The film of an index.
  public subscript(index: Int) -> MovingScene {
    var own = stream.named("film \(index)")
    let ground = Int.random(in: 0..<Scenes.grounds.count, using: &own)
    let texture = Self.texture(Scenes.grounds[ground].colour, &own)
    let drift = (x: Int.random(in: -2...2, using: &own), y: Int.random(in: -2...2, using: &own))
    var movers = (0..<things).map { _ in mover(&own) }
    var film: (things: [[SceneObject]], pixels: [UInt8], owners: [UInt8]) = ([], [], [])
    for frame in 0..<MovingScene.frames {
      var canvas = Canvas(planes: Self.shifted(texture, x: drift.x * frame, y: drift.y * frame))
      for (number, mover) in movers.enumerated() {
        canvas.put(mover.sprite, mover.x, mover.y, owner: UInt8(truncatingIfNeeded: number + 1))
      }
      film.things.append(movers.map(\.box))
      film.pixels += canvas.noisy(noise, &own)
      film.owners += canvas.owners
      for number in movers.indices { movers[number].advance() }
    }
    return MovingScene(
      ground: ground, drift: drift, things: film.things, pixels: film.pixels, owners: film.owners)
  }

  private func mover(_ stream: inout RandomStream) -> Mover {
    let kind = Int.random(in: 0..<sprites.names.count, using: &stream)
    let sprite = sprites[kind, Int.random(in: (14...20).clamped(to: sprites.sides), using: &stream)]
    func step(_ stream: inout RandomStream) -> Int {
      Int.random(in: 1...3, using: &stream) * (Bool.random(using: &stream) ? 1 : -1)
    }
    return Mover(
      kind: kind, sprite: sprite, x: Int.random(in: 0...(Scene.side - sprite.width), using: &stream),
      y: Int.random(in: 0...(Scene.side - sprite.height), using: &stream), stepX: step(&stream), stepY: step(&stream))
  }

  /// A colour with waves of brightness whose lengths divide the side, so that it can be shifted in a circle.
  private static func texture(_ colour: [Float], _ stream: inout RandomStream) -> [Float] {
    let waves = (0..<4).map { _ in
      (
        x: Double(Int.random(in: -6...6, using: &stream)), y: Double(Int.random(in: 1...6, using: &stream)),
        phase: Double.random(in: 0..<1, using: &stream)
      )
    }
    let (side, turn) = (Scene.side, 2 * Double.pi)
    var brightness = [Float](repeating: 0, count: side * side)
    for wave in waves {
      for row in 0..<side {
        for column in 0..<side {
          let angle = turn * ((wave.x * Double(column) + wave.y * Double(row)) / Double(side) + wave.phase)
          brightness[row * side + column] += 0.05 * Float(sin(angle))
        }
      }
    }
    return colour.flatMap { value in brightness.map { min(max(value + $0, 0), 1) } }
  }

  private static func shifted(_ planes: [Float], x: Int, y: Int) -> [Float] {
    let (side, area) = (Scene.side, Scene.side * Scene.side)
    func wrapped(_ place: Int) -> Int { ((place % side) + side) % side }
    return [Float](unsafeUninitializedCapacity: planes.count) { moved, filled in
      for plane in 0..<planes.count / area {
        for row in 0..<side {
          let from = plane * area + wrapped(row - y) * side
          for column in 0..<side {
            moved[plane * area + row * side + column] = planes[from + wrapped(column - x)]
          }
        }
      }
      filled = planes.count
    }
  }
}
