/// A small picture with transparency, ready to be put on a ground.
public struct Sprite: Sendable, Equatable {
  /// Its size in pixels.
  public let width: Int, height: Int
  /// Red, green, blue, each multiplied by opacity, and opacity itself, in [0, 1], row by row.
  let pixels: [Float]

  /// The smallest part of a picture that has all of its opaque pixels, scaled by area averaging.
  /// - Parameters:
  ///   - rgba: four bytes a pixel, row by row, not multiplied by opacity
  ///   - side: the longer side of the result in pixels
  /// - Throws: `LabError.malformed` if bytes and size disagree, or nothing in it is opaque.
  init(_ name: String, rgba: [UInt8], width: Int, height: Int, side: Int) throws {
    guard width > 0, height > 0, rgba.count == width * height * 4 else {
      throw LabError.malformed("sprite '\(name)'", "\(rgba.count) bytes are no \(width)x\(height) picture")
    }
    let opaque = (0..<width * height).filter { rgba[$0 * 4 + 3] > 127 }
    guard let top = opaque.first.map({ $0 / width }), let bottom = opaque.last.map({ $0 / width }),
      let left = opaque.map({ $0 % width }).min(), let right = opaque.map({ $0 % width }).max()
    else { throw LabError.malformed("sprite '\(name)'", "nothing in it is opaque") }
    let (inWidth, inHeight) = (right - left + 1, bottom - top + 1)
    let scale = Double(side) / Double(max(inWidth, inHeight))
    self.width = max(1, Int((Double(inWidth) * scale).rounded()))
    self.height = max(1, Int((Double(inHeight) * scale).rounded()))
    let columns = Self.shares(inWidth, into: self.width)
    let rows = Self.shares(inHeight, into: self.height)
    var pixels: [Float] = []
    pixels.reserveCapacity(self.width * self.height * 4)
    for row in rows {
      for column in columns {
        var sum: (Float, Float, Float, Float) = (0, 0, 0, 0)
        for (y, share) in row {
          for (x, part) in column {
            let place = ((top + y) * width + left + x) * 4
            let opacity = Float(rgba[place + 3]) / 255 * share * part
            sum.0 += Float(rgba[place]) / 255 * opacity
            sum.1 += Float(rgba[place + 1]) / 255 * opacity
            sum.2 += Float(rgba[place + 2]) / 255 * opacity
            sum.3 += opacity
          }
        }
        pixels += [sum.0, sum.1, sum.2, sum.3]
      }
    }
    self.pixels = pixels
  }

  /// For every cell of the result, which cells it covers and with what share of its length.
  private static func shares(_ from: Int, into to: Int) -> [[(Int, Float)]] {
    let length = Double(from) / Double(to)
    return (0..<to).map { cell in
      let (start, end) = (Double(cell) * length, Double(cell + 1) * length)
      return (Int(start)..<min(from, Int(end.rounded(.up)))).map {
        ($0, Float((min(end, Double($0 + 1)) - max(start, Double($0))) / length))
      }
    }
  }
}

/// The kinds of things that scenes are made of: a name and a picture in several sizes for each.
///
///     let sprites = try SpriteSet.shapes()                // drawn from nothing
///     let sprites = try SpriteSet.emoji(lab)              // from the data set of emoji
public struct SpriteSet: Sendable {
  /// The names, a word each.
  public let names: [String]
  /// The lengths of the longer side that there are, in pixels.
  public let sides: ClosedRange<Int>
  private let table: [[Sprite]]

  /// - Parameter pictures: bytes of red, green, blue, opacity, row by row
  /// - Throws: `LabError.malformed` naming the picture that cannot be used.
  public init(
    _ pictures: [(name: String, rgba: [UInt8], width: Int, height: Int)], sides: ClosedRange<Int> = 12...26
  ) throws {
    guard !pictures.isEmpty, sides.lowerBound > 0 else { throw LabError.malformed("sprites", "there are none") }
    (names, self.sides) = (pictures.map(\.name), sides)
    table = try pictures.map { picture in
      try sides.map {
        try Sprite(picture.name, rgba: picture.rgba, width: picture.width, height: picture.height, side: $0)
      }
    }
  }

  /// The picture of a kind whose longer side has this many pixels.
  public subscript(kind: Int, side: Int) -> Sprite { table[kind][side - sides.lowerBound] }

  /// The emoji that stand for the kinds of a scene.
  public static let emojiKinds: [(name: String, scalar: Unicode.Scalar)] = [
    ("apple", "\u{1F34E}"), ("banana", "\u{1F34C}"), ("carrot", "\u{1F955}"), ("grapes", "\u{1F347}"),
    ("mushroom", "\u{1F344}"), ("tree", "\u{1F333}"), ("flower", "\u{1F338}"), ("dog", "\u{1F436}"),
    ("cat", "\u{1F431}"), ("frog", "\u{1F438}"), ("fish", "\u{1F41F}"), ("bird", "\u{1F426}"),
    ("car", "\u{1F697}"), ("bus", "\u{1F68C}"), ("house", "\u{1F3E0}"), ("boat", "\u{26F5}"),
    ("ball", "\u{26BD}"), ("star", "\u{2B50}"), ("bell", "\u{1F514}"), ("key", "\u{1F511}"),
  ]

  /// Twenty kinds drawn from nothing: five outlines in four colours. What tests use.
  public static func shapes() throws -> SpriteSet {
    let colours: [(String, [UInt8])] = [
      ("orange", [250, 140, 20]), ("violet", [150, 60, 200]), ("teal", [20, 160, 160]), ("pink", [250, 120, 190]),
    ]
    let outlines = ["disc", "square", "cross", "ring", "wedge"]
    let side = 40
    return try SpriteSet(
      colours.flatMap { colour, rgb in
        outlines.map { outline in
          var rgba: [UInt8] = []
          for row in 0..<side {
            for column in 0..<side {
              let (x, y) = (2 * (Double(column) + 0.5) / Double(side) - 1, 2 * (Double(row) + 0.5) / Double(side) - 1)
              rgba += rgb + [covers(outline, x, y) ? 255 : 0]
            }
          }
          return (name: "\(colour)-\(outline)", rgba: rgba, width: side, height: side)
        }
      })
  }

  private static func covers(_ outline: String, _ x: Double, _ y: Double) -> Bool {
    let radius = (x * x + y * y).squareRoot()
    return switch outline {
    case "disc": radius <= 1
    case "square": true
    case "cross": min(abs(x), abs(y)) <= 0.35
    case "ring": radius <= 1 && radius >= 0.55
    default: abs(x) <= (y + 1) / 2
    }
  }
}
