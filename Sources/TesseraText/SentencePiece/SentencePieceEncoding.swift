/// A text cut into pieces, with everything needed to show them.
public struct SentencePieceEncoding: Sendable, Equatable {
  /// The bytes of the input.
  public let text: [UInt8]
  /// The text as the model cuts it.
  public let normalized: [UInt8]
  /// The tokens in order.
  public let tokens: [SentencePieceToken]
  private let byteTokens: Set<UInt32>

  init(text: [UInt8], normalized: [UInt8], tokens: [SentencePieceToken], byteTokens: Set<UInt32>) {
    self.text = text
    self.normalized = normalized
    self.tokens = tokens
    self.byteTokens = byteTokens
  }

  /// The ids in order.
  public var ids: [UInt32] { tokens.map(\.id) }

  /// The text of a token as the library names it: the normalized text, or `<0x0A>` for a byte.
  ///
  /// - Precondition: `index` is an index of ``tokens``.
  public func piece(at index: Int) -> [UInt8] {
    let token = tokens[index]
    let bytes = normalized[Int(token.normalizedBegin)..<Int(token.normalizedEnd)]
    guard let byte = bytes.first, byteTokens.contains(token.id) else { return Array(bytes) }
    return SentencePieceVocabulary.piece(ofByte: byte)
  }

  /// The part of the input that a token stands for; empty for a dummy space and for all but the last byte of a character.
  ///
  /// - Precondition: `index` is an index of ``tokens``.
  public func surface(at index: Int) -> ArraySlice<UInt8> {
    text[Int(tokens[index].begin)..<Int(tokens[index].end)]
  }

  /// The places of all tokens counted in Unicode scalars; a byte that is no part of a character counts as one.
  ///
  /// - Complexity: O(bytes + tokens).
  public func scalarRanges() -> [Range<Int>] {
    let scalars = SentencePieceNormalizer.scalarOffsets(text)
    return tokens.map { scalars[Int($0.begin)]..<scalars[Int($0.end)] }
  }
}

extension SentencePieceEncoder {
  /// Cuts a text and keeps what is needed to show the pieces.
  ///
  /// - Throws: ``TokenizerError`` of kind `limitExceeded` for texts longer than ``maximumLength``.
  public func encode(_ text: String) throws -> SentencePieceEncoding {
    try encode(bytes: Array(text.utf8))
  }

  /// Cuts a text given as bytes, which need not be well-formed UTF-8.
  ///
  /// - Throws: ``TokenizerError`` of kind `limitExceeded` for texts longer than ``maximumLength``.
  public func encode(bytes: [UInt8]) throws -> SentencePieceEncoding {
    var tokens: [SentencePieceToken] = []
    let normalized = try bytes.withUnsafeBufferPointer { try encode($0, into: &tokens) }
    return SentencePieceEncoding(
      text: bytes, normalized: normalized, tokens: tokens,
      byteTokens: Set(vocabulary.byteIDs.map(UInt32.init(bitPattern:))))
  }
}

extension SentencePieceVocabulary {
  /// The text `<0x0A>` of a byte.
  static func piece(ofByte byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], 0x3E]
  }
}

extension SentencePieceNormalizer {
  /// For every byte, and for the end, how many characters begin before it; bytes inside a character count as its start.
  static func scalarOffsets(_ text: [UInt8]) -> [Int] {
    text.withUnsafeBufferPointer { text in
      var offsets: [Int] = []
      offsets.reserveCapacity(text.count + 1)
      var position = 0
      var count = 0
      while position < text.count {
        let length = UTF8Scalars.decode(text, at: position).length
        for _ in 0..<length { offsets.append(count) }
        position += length
        count += 1
      }
      offsets.append(count)
      return offsets
    }
  }
}
