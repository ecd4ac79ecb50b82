extension Encoding {
  /// One token of a text, with the part of the text it stands for in every way of counting.
  ///
  ///     for token in encoding.tokens(in: text) { print(token.id, text[token.range]) }
  public struct Token: Sendable, Hashable {
    /// The id that a model reads.
    public let id: UInt32
    /// The text of the token, in the alphabet of the vocabulary.
    public let text: String
    /// The part of the text, as string indices.
    public let range: Range<String.Index>
    /// The part of the text, counted in UTF-8 bytes.
    public let utf8: Range<Int>
    /// The part of the text, counted in UTF-16 units.
    public let utf16: Range<Int>
    /// The part of the text, counted in Unicode scalars.
    public let scalars: Range<Int>
    /// The number of the word in its sequence; `nil` for what was added.
    public let word: Int?
    /// Whether it was put around the text by the template.
    public let isAdded: Bool
  }

  /// The tokens with the parts of the text they stand for.
  ///
  /// Tokens that stand for nothing (those of the template, padding) have empty ranges at the start.
  ///
  /// - Parameters:
  ///   - text: the text that was encoded.
  ///   - sequence: 1 for the tokens of the second text of a pair, given as `text`; `nil` for all tokens of a text encoded alone.
  /// - Complexity: O(n) for n bytes of text, once, and O(1) per token.
  public func tokens(in text: String, sequence: Int? = nil) -> [Token] {
    let positions = TextPositions(text)
    let range = sequence.map { self.range(ofSequence: $0).clamped(to: 0..<count) } ?? 0..<count
    return range.map { index in
      let scalars = offsets[index]
      return Token(
        id: ids[index], text: tokens[index], range: positions.indices(scalars), utf8: positions.utf8(scalars),
        utf16: positions.utf16(scalars), scalars: scalars, word: wordIDs[index].map(Int.init),
        isAdded: specialTokensMask[index] == 1)
    }
  }

  /// The offsets counted in UTF-8 bytes of the text that was encoded.
  ///
  /// - Complexity: O(n) for n bytes of text, once, and O(1) per token.
  public func utf8Offsets(in text: String) -> [Range<Int>] {
    let positions = TextPositions(text)
    return offsets.map(positions.utf8)
  }

  /// The offsets counted in UTF-16 units of the text that was encoded.
  ///
  /// - Complexity: O(n) for n bytes of text, once, and O(1) per token.
  public func utf16Offsets(in text: String) -> [Range<Int>] {
    let positions = TextPositions(text)
    return offsets.map(positions.utf16)
  }

  /// The offsets as string indices of the text that was encoded.
  ///
  /// - Complexity: O(n) for n bytes of text, once, and O(1) per token.
  public func ranges(in text: String) -> [Range<String.Index>] {
    let positions = TextPositions(text)
    return offsets.map(positions.indices)
  }
}
