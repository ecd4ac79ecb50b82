/// A box by its edges, in any unit.
public struct BoundingBox: Hashable, Sendable, Codable {
  /// The edges: left, upper, right, lower.
  public var left: Double, top: Double, right: Double, bottom: Double

  /// Makes it from its edges.
  public init(left: Double, top: Double, right: Double, bottom: Double) {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
  }

  /// Makes it from its middle and size.
  public init(centerX: Double, centerY: Double, width: Double, height: Double) {
    self.init(
      left: centerX - width / 2, top: centerY - height / 2, right: centerX + width / 2, bottom: centerY + height / 2)
  }

  /// Its area; 0 if edges are swapped.
  public var area: Double { max(right - left, 0) * max(bottom - top, 0) }

  /// The area that two boxes share, as a part of what they cover together, 0...1.
  public func overlap(_ other: BoundingBox) -> Double {
    let shared = BoundingBox(
      left: max(left, other.left), top: max(top, other.top), right: min(right, other.right),
      bottom: min(bottom, other.bottom)
    ).area
    let together = area + other.area - shared
    return together > 0 ? shared / together : 0
  }
}

/// How well a detector's boxes, sorted by their scores, find the things in pictures.
///
///     var precision = AveragePrecision(classes: 20)
///     precision.add(found: [.init(class: 3, box, score: 0.9)], truth: [.init(class: 3, trueBox)])
///     let ap50 = precision.mean(atOverlap: 0.5)
///
/// As in COCO (Lin et al. 2014, "Microsoft COCO: Common Objects in Context"; its evaluation code): a found box counts when it overlaps a
/// thing of its class that no box with a higher score has taken; of several, the one it overlaps most. Precision is made falling from the
/// right and read at recalls 0, 0.01, ..., 1; the mean is over the classes that occur.
public struct AveragePrecision: Sendable {
  /// A thing in a picture, or a box that was found.
  public struct Item: Sendable {
    /// What it is, from 0.
    public let label: Int
    /// Where it is.
    public let box: BoundingBox
    /// How sure the detector is; of no matter for things.
    public let score: Double

    /// Makes it from its parts.
    public init(class label: Int, _ box: BoundingBox, score: Double = 1) {
      (self.label, self.box, self.score) = (label, box, score)
    }
  }

  /// How many classes there are.
  public let classes: Int
  private var found: [[(picture: Int, box: BoundingBox, score: Double)]]
  private var truth: [[Int: [BoundingBox]]]
  private var pictures = 0

  /// Nothing yet.
  public init(classes: Int) {
    self.classes = classes
    found = Array(repeating: [], count: classes)
    truth = Array(repeating: [:], count: classes)
  }

  /// Adds a picture: all that was found in it, and all that is there.
  public mutating func add(found: [Item], truth: [Item]) {
    for item in found where !item.score.isNaN { self.found[item.label].append((pictures, item.box, item.score)) }
    for item in truth { self.truth[item.label][pictures, default: []].append(item.box) }
    pictures += 1
  }

  /// The mean over the classes that occur; 0 if none does.
  /// - Parameter overlap: how much a box must overlap a thing
  public func mean(atOverlap overlap: Double) -> Double {
    let values = (0..<classes).compactMap { of($0, atOverlap: overlap) }
    return values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
  }

  /// The mean over overlaps 0.5, 0.55, ..., 0.95: COCO's main figure.
  public var mean: Double { (0..<10).reduce(0) { $0 + mean(atOverlap: 0.5 + 0.05 * Double($1)) } / 10 }

  /// Of one class; nil if it does not occur.
  public func of(_ label: Int, atOverlap overlap: Double) -> Double? {
    let things = truth[label].values.reduce(0) { $0 + $1.count }
    guard things > 0 else { return nil }
    var taken: [Int: Set<Int>] = [:]
    var (right, points) = (0, [(recall: Double, precision: Double)]())
    // Equal scores keep the order in which they were added.
    let order = found[label].indices.sorted {
      let (a, b) = (found[label][$0].score, found[label][$1].score)
      return a == b ? $0 < $1 : a > b
    }
    for (rank, index) in order.enumerated() {
      let item = found[label][index]
      var best: (overlap: Double, thing: Int)?
      for (number, box) in (truth[label][item.picture] ?? []).enumerated()
      where !taken[item.picture, default: []].contains(number) {
        let overlap = box.overlap(item.box)
        if overlap > best?.overlap ?? -1 { best = (overlap, number) }
      }
      if let best, best.overlap >= overlap {
        taken[item.picture, default: []].insert(best.thing)
        right += 1
      }
      points.append((Double(right) / Double(things), Double(right) / Double(rank + 1)))
    }
    for place in points.indices.dropLast().reversed() {
      points[place].precision = max(points[place].precision, points[place + 1].precision)
    }
    var (place, sum) = (0, 0.0)
    for step in 0...100 {
      while place < points.count, points[place].recall < Double(step) / 100 { place += 1 }
      if place < points.count { sum += points[place].precision }
    }
    return sum / 101
  }
}
