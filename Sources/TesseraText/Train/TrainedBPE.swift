/// What byte-pair-encoding training gives.
public struct TrainedBPE: Equatable, Sendable {
  /// One merge: two neighbouring tokens become a third. Its rank is its place in the list.
  public struct Merge: Equatable, Sendable {
    /// The id of the left token.
    public var left: UInt32
    /// The id of the right token.
    public var right: UInt32
    /// The id of the token that takes their place.
    public var result: UInt32

    /// Makes a merge.
    public init(left: UInt32, right: UInt32, result: UInt32) {
      self.left = left
      self.right = right
      self.result = result
    }
  }

  /// The tokens by id.
  public var vocabulary: [String]
  /// The merges in the order of their ranks.
  public var merges: [Merge]

  /// The merges without repeated pairs: of each pair the last one counts.
  static func withoutRepetition(_ merges: [Merge]) -> [Merge] {
    var seen = Set<UInt64>()
    seen.reserveCapacity(merges.count)
    var kept: [Merge] = []
    kept.reserveCapacity(merges.count)
    for merge in merges.reversed() where seen.insert(PairCounts.key(merge.left, merge.right)).inserted {
      kept.append(merge)
    }
    return kept.reversed()
  }
}
