/// Takes the most frequent words as the vocabulary.
///
/// The order is that of tokenizers' `WordLevelTrainer`: special tokens, then words by count, of equal ones the smaller bytes first.
/// A word that is a special token keeps the special token's id; the reference would leave a gap there.
public struct WordLevelTrainer: Sendable {
  /// The size of the vocabulary, with special tokens.
  public var vocabularySize: Int
  /// Words that occur less often are left out.
  public var minimumFrequency = 0
  /// Tokens that get the first ids.
  public var specialTokens: [String] = []

  /// Makes a trainer with the reference's defaults.
  public init(vocabularySize: Int = 30_000) { self.vocabularySize = vocabularySize }

  /// The vocabulary, in the order of ids.
  ///
  /// - Complexity: O(n log n) for n distinct words.
  public func train(on words: CountedWords) -> [String] {
    var tokens = ByteStringTable()
    for token in specialTokens where tokens.count < max(0, vocabularySize) { _ = tokens.insert(token.utf8) }
    let order = words.counts.indices.filter { words.counts[$0] >= Int64(minimumFrequency) }
      .sorted { words.counts[$0] != words.counts[$1] ? words.counts[$0] > words.counts[$1] : $0 < $1 }
    for index in order {
      guard tokens.count < vocabularySize else { break }
      _ = tokens.insert(words.bytes[words.offsets[index]..<words.offsets[index + 1]])
    }
    return (0..<tokens.count).map { tokens.string($0) }
  }
}
