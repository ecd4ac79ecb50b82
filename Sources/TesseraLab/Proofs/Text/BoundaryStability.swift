import TesseraTensor

/// How much of a cut into tokens survives errors in the text.
struct BoundaryStability {
  /// Boundaries of both texts that fall on the same place, over all boundaries of either: 1 for equal cuts.
  ///
  /// - Parameters:
  ///   - clean: the ends of the tokens of the right text, in scalars, without the end of the text.
  ///   - noisy: the same for the text with errors.
  ///   - places: for every place of the right text its place in the other, `nil` where there is none.
  static func stability(_ clean: [Int], _ noisy: [Int], places: [Int?]) -> Double {
    let mapped = Set(clean.compactMap { places[$0] })
    let lost = clean.count - mapped.count
    let union = mapped.union(noisy).count + lost
    return union == 0 ? 1 : Double(mapped.intersection(noisy).count) / Double(union)
  }

  /// The tokens that differ between two lists, without what they share at both ends: the larger number of the two lists.
  static func footprint(_ a: [UInt32], _ b: [UInt32]) -> Int {
    let head = zip(a, b).prefix { $0 == $1 }.count
    let tail = zip(a.dropFirst(head).reversed(), b.dropFirst(head).reversed()).prefix { $0 == $1 }.count
    return max(a.count, b.count) - head - tail
  }
}

/// Errors as a scanner of pages makes them.
struct ScanErrors {
  private static let twins: [Unicode.Scalar: Unicode.Scalar] = [
    "c": "e", "e": "c", "0": "o", "o": "0", "5": "S", "S": "5", "l": "1", "1": "l", "i": "l", "h": "b", "n": "u",
    "u": "n",
    "t": "f", "a": "o",
  ]
  let rate: Double

  /// The text with errors, and for every place in the right text its place in the other.
  func apply(
    to text: [Unicode.Scalar], using numbers: inout RandomStream, onlyAt place: Int? = nil
  ) -> (text: [Unicode.Scalar], places: [Int?]) {
    var result: [Unicode.Scalar] = []
    var places: [Int?] = []
    var at = 0
    while at < text.count {
      places.append(result.count)
      let scalar = text[at]
      let isHit = place.map { $0 == at } ?? (Double.random(in: 0..<1, using: &numbers) < rate)
      at += 1
      guard isHit else {
        result.append(scalar)
        continue
      }
      switch Int.random(in: 0..<4, using: &numbers) {
      case 0 where scalar == " ": break
      case 1: result += [scalar, " "]
      case 2 where at < text.count:
        places.append(nil)
        result += [text[at], scalar]
        at += 1
      default: result.append(Self.twins[scalar] ?? "~")
      }
    }
    places.append(result.count)
    return (result, places)
  }
}
