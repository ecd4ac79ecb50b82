/// The tokens of a text, or of a pair of texts, with everything a model or a reader wants to know about each.
///
/// All columns have one element per token. The shape and the meaning of every column are those of Hugging Face's `Encoding`.
public struct Encoding: Sendable, Equatable {
  /// The ids that a model reads.
  public internal(set) var ids: [UInt32] = []
  /// Which of two sequences a token belongs to, as the template numbers them.
  public internal(set) var typeIDs: [UInt32] = []
  /// The texts of the tokens, in the alphabet of the vocabulary.
  public internal(set) var tokens: [String] = []
  /// The number of the word (the piece between two cuts of the pre-tokenizer) in its sequence; `nil` for what was added.
  public internal(set) var wordIDs: [UInt32?] = []
  /// The part of the input that a token stands for, counted in Unicode scalars (bytes, when the input was bytes).
  public internal(set) var offsets: [Range<Int>] = []
  /// 1 for tokens that were added around the text, 0 for tokens of the text.
  public internal(set) var specialTokensMask: [UInt32] = []
  /// 1 for tokens that count, 0 for padding.
  public internal(set) var attentionMask: [UInt32] = []
  /// What truncation cut off, in overlapping windows.
  public internal(set) var overflowing: [Encoding] = []
  /// Where each sequence of a pair stands.
  var sequenceRanges: [Int: Range<Int>] = [:]

  init() {}

  init(capacity: Int) {
    ids.reserveCapacity(capacity)
    typeIDs.reserveCapacity(capacity)
    tokens.reserveCapacity(capacity)
    wordIDs.reserveCapacity(capacity)
    offsets.reserveCapacity(capacity)
    specialTokensMask.reserveCapacity(capacity)
    attentionMask.reserveCapacity(capacity)
  }

  /// The number of tokens.
  public var count: Int { ids.count }
  /// Whether there are no tokens.
  public var isEmpty: Bool { ids.isEmpty }

  mutating func append(
    id: UInt32, token: String, offsets range: Range<Int>, word: UInt32?, type: UInt32, special: UInt32
  ) {
    ids.append(id)
    tokens.append(token)
    offsets.append(range)
    wordIDs.append(word)
    typeIDs.append(type)
    specialTokensMask.append(special)
    attentionMask.append(1)
  }

  // MARK: Looking things up

  /// The sequence (0 or 1) of every token; `nil` for tokens that belong to none.
  public var sequenceIDs: [Int?] {
    var result = [Int?](repeating: nil, count: count)
    for sequence in 0..<max(sequenceRanges.count, 1) {
      for index in range(ofSequence: sequence) where index < count { result[index] = sequence }
    }
    return result
  }

  func range(ofSequence sequence: Int) -> Range<Int> { sequenceRanges[sequence] ?? 0..<count }

  /// The sequence of a token.
  public func sequence(ofToken token: Int) -> Int? {
    guard token <= count else { return nil }
    if sequenceRanges.isEmpty { return 0 }
    return sequenceRanges.first { $0.value.contains(token) }?.key
  }

  /// The tokens of a word.
  public func tokens(ofWord word: Int, sequence: Int = 0) -> Range<Int>? {
    var found: Range<Int>?
    for index in range(ofSequence: sequence) where index < count {
      guard let current = wordIDs[index] else { continue }
      if Int(current) > word { break }
      if Int(current) == word { found = (found?.lowerBound ?? index)..<index + 1 }
    }
    return found
  }

  /// The part of the input that a word stands for.
  public func characters(ofWord word: Int, sequence: Int = 0) -> Range<Int>? {
    guard let tokens = tokens(ofWord: word, sequence: sequence) else { return nil }
    return offsets[tokens.lowerBound].lowerBound..<offsets[tokens.upperBound - 1].upperBound
  }

  /// The token that covers a position of the input.
  public func token(atCharacter position: Int, sequence: Int = 0) -> Int? {
    range(ofSequence: sequence).first { $0 < count && offsets[$0].contains(position) }
  }

  /// The word that covers a position of the input.
  public func word(atCharacter position: Int, sequence: Int = 0) -> Int? {
    token(atCharacter: position, sequence: sequence).flatMap { wordIDs[$0] }.map(Int.init)
  }

  // MARK: Putting encodings together

  mutating func setSequence(_ sequence: Int) { sequenceRanges[sequence] = 0..<count }

  mutating func setType(_ type: UInt32) { typeIDs = [UInt32](repeating: type, count: count) }

  /// Appends another encoding; the windows of both sides are combined in every way.
  mutating func append(_ other: Encoding) {
    var windows: [Encoding] = []
    for mine in overflowing {
      for theirs in [other] + other.overflowing {
        var window = mine
        window.append(theirs)
        windows.append(window)
      }
    }
    for theirs in other.overflowing {
      var window = self
      window.append(theirs)
      windows.append(window)
    }
    for (sequence, range) in other.sequenceRanges {
      sequenceRanges[sequence] = count + range.lowerBound..<count + range.upperBound
    }
    ids += other.ids
    typeIDs += other.typeIDs
    tokens += other.tokens
    wordIDs += other.wordIDs
    offsets += other.offsets
    specialTokensMask += other.specialTokensMask
    attentionMask += other.attentionMask
    overflowing = windows
  }

  func slice(_ range: Range<Int>) -> Encoding {
    var part = Encoding()
    part.ids = Array(ids[range])
    part.typeIDs = Array(typeIDs[range])
    part.tokens = Array(tokens[range])
    part.wordIDs = Array(wordIDs[range])
    part.offsets = Array(offsets[range])
    part.specialTokensMask = Array(specialTokensMask[range])
    part.attentionMask = Array(attentionMask[range])
    return part
  }
}
