/// How far a training run has come.
public struct TrainingProgress: Equatable, Sendable {
  /// The parts of a run, in their order.
  public enum Stage: String, Sendable {
    /// Counting words in the text.
    case countingWords
    /// Counting the pairs of neighbouring symbols in the words.
    case countingPairs
    /// Finding the substrings that may become tokens.
    case findingCandidates
    /// Choosing tokens one after the other.
    case choosingTokens
  }

  /// The part at work.
  public var stage: Stage
  /// What is done of this part.
  public var completed: Int
  /// What there is to do in this part, at most: a run may end early when the words give no more tokens.
  public var total: Int

  /// Makes a report.
  public init(stage: Stage, completed: Int, total: Int) {
    self.stage = stage
    self.completed = completed
    self.total = total
  }
}
