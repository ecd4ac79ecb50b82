/// Answers which token covers a place of the input and which tokens make a word, in constant time.
///
///     let lookup = TokenLookup(encoding)
///     lookup.token(at: 12)        // the token that covers the scalar 12 of the text
///     lookup.tokens(ofWord: 3)    // the tokens of the fourth word
///
/// The answers are those of ``Encoding/token(atCharacter:sequence:)`` and its relatives, which search anew at every call.
///
/// - Complexity: O(n + m) for n tokens and m scalars of input to make; O(1) for every answer.
public struct TokenLookup: Sendable {
  private struct Sequence {
    /// For each scalar of the input the first token that covers it; -1 for none.
    var covers: [Int32] = []
    var words: [Int: Range<Int>] = [:]
  }

  private var sequences: [Int: Sequence] = [:]
  private let offsets: [Range<Int>]
  private let wordIDs: [UInt32?]

  /// Goes through the tokens once.
  public init(_ encoding: Encoding) {
    offsets = encoding.offsets
    wordIDs = encoding.wordIDs
    let numbers = encoding.sequenceRanges.isEmpty ? [0] : Array(encoding.sequenceRanges.keys)
    for number in numbers {
      let range = encoding.range(ofSequence: number).clamped(to: 0..<encoding.count)
      sequences[number] = Self.sequence(range, offsets, wordIDs)
    }
  }

  private static func sequence(_ range: Range<Int>, _ offsets: [Range<Int>], _ wordIDs: [UInt32?]) -> Sequence {
    var result = Sequence()
    let end = range.reduce(0) { max($0, offsets[$1].upperBound) }
    result.covers = [Int32](repeating: -1, count: end)
    // The next place that nothing covers yet, so that overlapping tokens do not cost their length again and again.
    var next = Array(Int32(0)...Int32(end))
    func free(from place: Int) -> Int {
      var root = place
      while next[root] != Int32(root) { root = Int(next[root]) }
      var at = place
      while at != root { (at, next[at]) = (Int(next[at]), Int32(root)) }
      return root
    }
    for token in range {
      var place = free(from: min(offsets[token].lowerBound, end))
      while place < min(offsets[token].upperBound, end) {
        result.covers[place] = Int32(token)
        next[place] = Int32(place + 1)
        place = free(from: place + 1)
      }
      if let word = wordIDs[token].map(Int.init) {
        result.words[word] = (result.words[word]?.lowerBound ?? token)..<token + 1
      }
    }
    return result
  }

  /// The first token that covers a scalar of the input (a byte, when the input was bytes).
  public func token(at position: Int, sequence: Int = 0) -> Int? {
    guard let covers = sequences[sequence]?.covers, covers.indices.contains(position) else { return nil }
    return covers[position] < 0 ? nil : Int(covers[position])
  }

  /// The word that covers a scalar of the input.
  public func word(at position: Int, sequence: Int = 0) -> Int? {
    token(at: position, sequence: sequence).flatMap { wordIDs[$0] }.map(Int.init)
  }

  /// The tokens of a word.
  public func tokens(ofWord word: Int, sequence: Int = 0) -> Range<Int>? { sequences[sequence]?.words[word] }

  /// The part of the input that a word stands for.
  public func characters(ofWord word: Int, sequence: Int = 0) -> Range<Int>? {
    guard let tokens = tokens(ofWord: word, sequence: sequence) else { return nil }
    let start = offsets[tokens.lowerBound].lowerBound
    return start..<max(start, offsets[tokens.upperBound - 1].upperBound)
  }
}
