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
  /// The merges in the order in which they were found, pairs that were queued twice included.
  let steps: [Merge]

  init(vocabulary: [String], steps: [Merge]) {
    self.vocabulary = vocabulary
    self.steps = steps
    merges = Self.withoutRepetition(steps)
  }

  /// The vocabulary of an earlier moment: what training to the smaller size gives, with the same ids.
  ///
  /// - Returns: `nil` when the size is more than there are tokens, or less than the special tokens and the alphabet, which no
  ///   merge has made.
  /// - Complexity: O(n) for n merges.
  public func prefix(_ size: Int) -> TrainedBPE? {
    // Tokens that were there before the first merge are not results of one, or have smaller ids than all that are.
    let firstLearned = vocabulary.count - learnedCount
    guard size >= firstLearned, size <= vocabulary.count else { return nil }
    var end = steps.firstIndex { Int($0.result) >= size } ?? steps.count
    if size == firstLearned { end = 0 }
    return TrainedBPE(vocabulary: Array(vocabulary[..<size]), steps: Array(steps[..<end]))
  }

  /// The number of tokens that merges have made.
  var learnedCount: Int {
    // Merges make tokens in the order of ids; a result that was there already is smaller than the next new one.
    var next = vocabulary.count
    for step in steps.reversed() where Int(step.result) == next - 1 { next -= 1 }
    return vocabulary.count - next
  }

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
