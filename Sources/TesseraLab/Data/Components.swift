import TesseraTensor

/// Groups of items that belong together because some of their pairs do: the components of a graph.
struct Components {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  /// Joins the groups of two items.
  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (root(a), root(b))
    // The smallest item stands for its group, so the numbers do not depend on the order of joining.
    parents[max(a, b)] = min(a, b)
  }

  /// Joins all pairs of rows whose mean squared difference is below a bound.
  ///
  /// - Complexity: O(rows² · width); a pair ends where its sum passes the bound.
  mutating func join(rows: [Float], width: Int, rootMeanSquareBelow limit: Float) {
    let bound = limit * limit * Float(width)
    let count = rows.count / max(width, 1)
    rows.withUnsafeBufferPointer { rows in
      for a in 0..<count {
        for b in 0..<a where Components.difference(rows, a * width, b * width, width, bound) < bound { join(a, b) }
      }
    }
  }

  /// The number of each item's group, counted from 0 in the order of their first items.
  mutating func labels() -> [Int] {
    var numbers: [Int: Int] = [:]
    return parents.indices.map { item in
      let root = root(item)
      if let known = numbers[root] { return known }
      numbers[root] = numbers.count
      return numbers.count - 1
    }
  }

  private mutating func root(_ item: Int) -> Int {
    var item = item
    while parents[item] != item {
      parents[item] = parents[parents[item]]
      item = parents[item]
    }
    return item
  }

  /// The sum of squared differences, or some number not below `bound`.
  private static func difference(
    _ rows: UnsafeBufferPointer<Float>, _ a: Int, _ b: Int, _ width: Int, _ bound: Float
  ) -> Float {
    var sum: Float = 0
    var place = 0
    while place < width, sum < bound {
      let end = min(place + 64, width)
      for i in place..<end {
        let difference = rows[a + i] - rows[b + i]
        sum += difference * difference
      }
      place = end
    }
    return sum
  }
}

/// Which groups are held out for the test.
///
/// Groups are taken in an order that depends on the seed and on each group's key alone, and one that would make the test part larger
/// than wanted is passed over. Orders are drawn until one fills the amount exactly; of `draws` that do not, the first fullest is taken.
enum HeldOut {
  /// - Parameters:
  ///   - groups: the key and the size of every group
  ///   - amount: what the sizes of the held-out groups shall sum to
  /// - Returns: the numbers of the held-out groups
  static func choose(_ groups: [(key: String, size: Int)], amount: Int, seed: UInt64, draws: Int = 64) -> Set<Int> {
    let stream = RandomStream(seed: seed)
    var best: (chosen: Set<Int>, sum: Int) = ([], 0)
    for draw in 0..<draws where best.sum < amount {
      let order = groups.indices.map { number -> (rank: UInt64, number: Int) in
        var own = stream.named("draw \(draw)").named(groups[number].key)
        return (own.next(), number)
      }
      var (chosen, sum) = (Set<Int>(), 0)
      for (_, number) in order.sorted(by: <) where sum + groups[number].size <= amount {
        chosen.insert(number)
        sum += groups[number].size
      }
      if sum > best.sum { best = (chosen, sum) }
    }
    return best.chosen
  }
}
