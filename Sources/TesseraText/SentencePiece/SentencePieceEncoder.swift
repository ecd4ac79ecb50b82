/// One token of a text, with where it came from.
public struct SentencePieceToken: Hashable, Sendable {
  /// The id: the index of the piece in the model.
  public var id: UInt32
  /// Where the token's text begins in the input, in bytes.
  public var begin: UInt32
  /// Where the token's text ends in the input, in bytes. All but the last byte piece of a character are empty.
  public var end: UInt32
  /// Where the token's text begins in the normalized text, in bytes.
  public var normalizedBegin: UInt32
  /// Where the token's text ends in the normalized text, in bytes.
  public var normalizedEnd: UInt32
}

/// Cuts text into the pieces of a SentencePiece model, with the same result as the library.
///
///     let encoder = try SentencePieceEncoder(model)
///     let encoding = try encoder.encode("Hello world")
///     encoding.tokens.map(\.id)                        // [15043, 3186]
///     try encoder.decode(encoding.tokens.map(\.id))    // the bytes of "Hello world"
///
/// Source: sentencepiece 0.2.3, including what it does with malformed UTF-8 and with unknown text.
public final class SentencePieceEncoder: Sendable {
  /// The longest text in bytes: positions are kept in 32 bits and normalizing may make a text longer.
  public static let maximumLength = 1 << 28

  enum Segmenter: Sendable {
    case unigram(UnigramSegmenter)
    case merger(SentencePieceMerger)
    case table(SentencePieceTableSegmenter)
  }

  let vocabulary: SentencePieceVocabulary
  let normalizer: SentencePieceNormalizer
  let denormalizer: SentencePieceNormalizer?
  let unknownSurface: [UInt8]
  /// The id of unknown text, if the model has one under the name its trainer says.
  public let unknownID: UInt32?
  /// The id of the control symbol that begins a text, if the model has one.
  public let beginID: UInt32?
  /// The id of the control symbol that ends a text, if the model has one.
  public let endID: UInt32?
  /// The id of the control symbol that fills a batch, if the model has one.
  public let paddingID: UInt32?
  let segmenter: Segmenter

  /// Prepares a model for encoding.
  ///
  /// - Throws: ``TokenizerError`` when the library would refuse the model as well: empty, doubled or overlong pieces, two unknown
  ///   pieces, missing byte pieces, a score that is no number, a broken replacement table.
  /// - Complexity: O(bytes of the pieces · log).
  public init(_ model: SentencePieceModel) throws {
    let vocabulary = try SentencePieceVocabulary(model)
    self.vocabulary = vocabulary
    normalizer = try SentencePieceNormalizer(
      model.normalizer, matcher: vocabulary.userDefined,
      treatsWhitespaceAsSuffix: model.trainer.treatsWhitespaceAsSuffix)
    if let spec = model.denormalizer, !spec.precompiledCharsMap.isEmpty {
      denormalizer = try SentencePieceNormalizer(spec)
    } else {
      denormalizer = nil
    }
    unknownSurface = model.trainer.unknownSurface
    switch model.trainer.kind {
    case .unigram: segmenter = .unigram(try UnigramSegmenter(vocabulary))
    case .bpe: segmenter = .merger(SentencePieceMerger(vocabulary))
    case .word: segmenter = .table(SentencePieceTableSegmenter(vocabulary, words: true))
    case .character: segmenter = .table(SentencePieceTableSegmenter(vocabulary, words: false))
    }
    func special(_ piece: [UInt8], _ kind: SentencePieceModel.Piece.Kind) -> UInt32? {
      guard let id = vocabulary.id(of: piece), vocabulary.kinds[Int(id)] == kind else { return nil }
      return UInt32(id)
    }
    unknownID = special(model.trainer.unknownPiece, .unknown)
    beginID = special(model.trainer.beginPiece, .control)
    endID = special(model.trainer.endPiece, .control)
    paddingID = special(model.trainer.paddingPiece, .control)
  }

  /// The number of pieces.
  public var count: Int { vocabulary.pieces.count }

  /// The id of a piece's text, if there is one. O(pieces).
  public func id(of piece: some Sequence<UInt8>) -> UInt32? { vocabulary.id(of: Array(piece)).map(UInt32.init) }

  /// The text of a piece, with U+2581 for a space.
  public func piece(_ id: UInt32) -> [UInt8]? {
    id < UInt32(count) ? vocabulary.pieces[Int(id)] : nil
  }

  /// The text as the model cuts it: replaced, trimmed and with marks for spaces.
  public func normalized(_ text: UnsafeBufferPointer<UInt8>) throws -> [UInt8] {
    try Self.check(text.count)
    return normalizer.normalize(text, withOrigins: false).bytes
  }

  /// Appends the ids of a text.
  ///
  /// - Throws: ``TokenizerError`` of kind `limitExceeded` for texts longer than ``maximumLength``.
  /// - Complexity: O(n log n) for merging models, O(n) times the longest piece for the others.
  public func encode(_ text: UnsafeBufferPointer<UInt8>, into ids: inout [UInt32]) throws {
    try Self.check(text.count)
    let normalized = normalizer.normalize(text, withOrigins: false).bytes
    normalized.withUnsafeBufferPointer { normalized in
      let segments = segment(normalized)
      ids.reserveCapacity(ids.count + segments.count)
      var consumed = 0
      var afterUnknown = false
      for segment in segments {
        let isUnknown = segment.id < 0 || vocabulary.kinds[Int(segment.id)] == .unknown
        let end = consumed + Int(segment.length)
        if isUnknown, !vocabulary.byteIDs.isEmpty {
          for index in consumed..<end { ids.append(UInt32(bitPattern: vocabulary.byteIDs[Int(normalized[index])])) }
        } else if !(isUnknown && afterUnknown) {
          ids.append(UInt32(bitPattern: segment.id))
        }
        consumed = end
        afterUnknown = isUnknown
      }
    }
  }

  /// Appends the tokens of a text with their places in it.
  ///
  /// - Returns: the normalized text, to which ``SentencePieceToken/normalizedBegin`` refers.
  /// - Throws: ``TokenizerError`` of kind `limitExceeded` for texts longer than ``maximumLength``.
  /// - Complexity: as ``encode(_:into:)-(_,[UInt32])``.
  @discardableResult
  public func encode(
    _ text: UnsafeBufferPointer<UInt8>, into tokens: inout [SentencePieceToken]
  ) throws -> [UInt8] {
    try Self.check(text.count)
    let normalized = normalizer.normalize(text, withOrigins: true)
    normalized.bytes.withUnsafeBufferPointer { bytes in
      let segments = segment(bytes)
      tokens.reserveCapacity(tokens.count + segments.count)
      var consumed = 0
      var afterUnknown = false
      for segment in segments {
        let isUnknown = segment.id < 0 || vocabulary.kinds[Int(segment.id)] == .unknown
        let end = consumed + Int(segment.length)
        var token = SentencePieceToken(
          id: UInt32(bitPattern: segment.id), begin: normalized.origins[consumed], end: normalized.origins[end],
          normalizedBegin: UInt32(consumed), normalizedEnd: UInt32(end))
        if isUnknown, !vocabulary.byteIDs.isEmpty {
          appendBytes(of: token, bytes, to: &tokens)
        } else if isUnknown, afterUnknown, let previous = tokens.popLast() {
          token.begin = previous.begin
          token.normalizedBegin = previous.normalizedBegin
          tokens.append(token)
        } else {
          tokens.append(token)
        }
        consumed = end
        afterUnknown = isUnknown
      }
    }
    return normalized.bytes
  }

  /// Appends one token per byte; the last has the place in the input.
  private func appendBytes(
    of token: SentencePieceToken, _ bytes: UnsafeBufferPointer<UInt8>, to tokens: inout [SentencePieceToken]
  ) {
    for index in token.normalizedBegin..<token.normalizedEnd {
      let isLast = index + 1 == token.normalizedEnd
      tokens.append(
        SentencePieceToken(
          id: UInt32(bitPattern: vocabulary.byteIDs[Int(bytes[Int(index)])]), begin: token.begin,
          end: isLast ? token.end : token.begin, normalizedBegin: index, normalizedEnd: index + 1))
    }
  }

  private func segment(_ text: UnsafeBufferPointer<UInt8>) -> [SentencePieceSegment] {
    var segments: [SentencePieceSegment] = []
    segments.reserveCapacity(text.count / 4 + 1)
    switch segmenter {
    case .unigram(let segmenter): segmenter.segment(text, into: &segments)
    case .merger(let segmenter): segmenter.segment(text, into: &segments)
    case .table(let segmenter): segmenter.segment(text, into: &segments)
    }
    return segments
  }

  private static func check(_ length: Int) throws(TokenizerError) {
    if length > maximumLength {
      throw TokenizerError(.limitExceeded, "a text of \(length) bytes; \(maximumLength) are the most in one call")
    }
  }
}
