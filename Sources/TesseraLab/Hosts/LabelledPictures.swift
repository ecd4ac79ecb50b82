import TesseraTensor

/// Grey pictures with their classes in memory: letters in many typefaces, or shapes where nothing may be needed.
struct LabelledPictures: Sendable {
  /// `[n, 1, side, side]`, 255 is ink.
  let images: DataArray<UInt8>
  /// The class of each.
  let labels: [Int]
  /// The names of the classes, by label.
  let classes: [String]

  /// - Parameter classes: names by label; at least as many as there are labels
  init(_ images: DataArray<UInt8>, labels: [Int], classes: [String]) {
    (self.images, self.labels, self.classes) = (images, labels, classes)
  }

  init(_ part: Glyphs.Part, classes: [String] = Glyphs.characters) {
    self.init(part.images, labels: part.labels.map(Int.init), classes: classes)
  }

  /// Discs, squares, and crosses.
  init(shapes count: Int, side: Int, _ stream: RandomStream) throws {
    let (pictures, labels) = try Shapes(side: side, stream: stream).batch(0..<count)
    let bytes = try (pictures * 255).rounded().values(Float.self).map { UInt8(max(0, min(255, $0))) }
    let images = try DataArray(bytes, [count, 1, side, side])
    self.init(images, labels: try labels.values(Int64.self).map(Int.init), classes: Shapes.classes)
  }

  var count: Int { labels.count }
  var side: Int { images.shape.last ?? 0 }

  /// Some of the pictures in [0, 1], `[rows, 1, side, side]`.
  func pictures(_ rows: some Collection<Int>) throws -> Tensor {
    try images.tensor(rows: Array(rows)).to(.float32) / 255
  }

  /// The classes of some of the pictures, int64 `[rows]`.
  func labels(_ rows: some Collection<Int>) throws -> Tensor { try Tensor(rows.map { Int64(labels[$0]) }) }

  /// Mean and standard deviation of all pixels in [0, 1].
  var statistics: (mean: Double, deviation: Double) {
    var histogram = [Int](repeating: 0, count: 256)
    for value in images.elements { histogram[Int(value)] += 1 }
    let count = Double(max(1, images.elements.count))
    func moment(_ power: (Double) -> Double) -> Double {
      histogram.enumerated().reduce(0) { $0 + Double($1.element) * power(Double($1.offset) / 255) } / count
    }
    let mean = moment { $0 }
    return (mean, max(1e-3, moment { ($0 - mean) * ($0 - mean) }.squareRoot()))
  }

  /// How many pictures each class has, by label.
  var countByClass: [Int] { labels.reduce(into: [Int](repeating: 0, count: classes.count)) { $0[$1] += 1 } }
}
