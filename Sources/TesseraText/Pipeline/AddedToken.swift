/// A token that is cut out of the text before the model sees it.
public struct AddedToken: Sendable, Hashable {
  /// The text that is looked for.
  public var content: String
  /// No word character may stand on either side.
  public var isSingleWord = false
  /// White space before it belongs to it.
  public var stripsLeft = false
  /// White space after it belongs to it.
  public var stripsRight = false
  /// It is looked for in the normalized text, and normalized itself.
  public var isNormalized = true
  /// It controls the model and is left out when text is decoded for people.
  public var isSpecial = false

  /// Makes a token with Hugging Face's defaults: special ones are looked for in the raw text.
  public init(_ content: String, isSpecial: Bool = false) {
    self.content = content
    self.isSpecial = isSpecial
    isNormalized = !isSpecial
  }

  init(_ node: ConfigurationNode) throws {
    content = try node.string("content")
    isSpecial = try node.bool("special", default: false)
    isSingleWord = try node.bool("single_word", default: false)
    stripsLeft = try node.bool("lstrip", default: false)
    stripsRight = try node.bool("rstrip", default: false)
    isNormalized = try node.bool("normalized", default: !isSpecial)
  }

  func json(id: UInt32) -> JSON {
    [
      "id": .integer(Int64(id)), "content": .string(content), "single_word": .bool(isSingleWord),
      "lstrip": .bool(stripsLeft), "rstrip": .bool(stripsRight), "normalized": .bool(isNormalized),
      "special": .bool(isSpecial),
    ]
  }
}

/// The added tokens of a tokenizer with their ids, and what finds them in text.
struct AddedVocabulary: Sendable {
  private(set) var tokensByID: [UInt32: AddedToken] = [:]
  private(set) var idsByContent: [[UInt8]: UInt32] = [:]
  private(set) var specialContents: Set<[UInt8]> = []
  /// The texts of tokens that normalizing changes.
  private var normalizedContents: [UInt32: [UInt8]] = [:]
  private(set) var rawMatcher = AddedTokenMatcher()
  private(set) var normalizedMatcher = AddedTokenMatcher()

  init() {}

  /// - Parameter declared: tokens in the order of the file, with the ids that the file gives them.
  ///
  /// Ids follow the reference: a token that the model knows has the model's id; any other gets the next free one after the
  /// vocabulary, whatever the file says.
  init(_ declared: [(token: AddedToken, id: UInt32?)], model: TokenTable, normalizer: NormalizerStage?, honorsIDs: Bool)
  {
    let size = UInt32(model.count)
    // As in the reference: the first free id after the vocabulary, then counting on.
    var next = size
    for (token, declaredID) in declared where !token.content.isEmpty {
      // Swift compares strings by canonical equivalence; tokens are told apart byte by byte.
      let content = Array(token.content.utf8)
      if let id = idsByContent[content], tokensByID[id] == token { continue }
      let id: UInt32
      if honorsIDs, let declaredID {
        id = declaredID
      } else if let known = idsByContent[content] ?? model.id(of: token.content) {
        id = known
      } else {
        id = next
        next += 1
      }
      if token.isNormalized, let normalizer {
        var text = AlignedText(slice: token.content.utf8, base: 0)
        normalizer.apply(to: &text)
        if !text.bytes.elementsEqual(token.content.utf8) { normalizedContents[id] = text.bytes }
      }
      idsByContent[content] = id
      tokensByID[id] = token
      if token.isSpecial { specialContents.insert(content) }
    }
    buildMatchers()
  }

  private mutating func buildMatchers() {
    var raw: [(content: [UInt8], value: UInt32)] = []
    var normalized: [(content: [UInt8], value: UInt32)] = []
    for (id, token) in tokensByID.sorted(by: { $0.key < $1.key }) {
      if token.isNormalized {
        normalized.append((normalizedContents[id] ?? Array(token.content.utf8), id))
      } else {
        raw.append((Array(token.content.utf8), id))
      }
    }
    rawMatcher = AddedTokenMatcher(raw)
    normalizedMatcher = AddedTokenMatcher(normalized)
  }

  /// What is looked for in texts, in no order.
  var searched: [(content: [UInt8], token: AddedToken)] {
    tokensByID.map { (normalizedContents[$0.key] ?? Array($0.value.content.utf8), $0.value) }
  }

  /// The text of a token as it is decoded.
  func text(ofID id: UInt32) -> [UInt8]? {
    normalizedContents[id] ?? tokensByID[id].map { Array($0.content.utf8) }
  }

  /// Cuts the tokens out of the text pieces.
  func extract(from pieces: inout Pieces, with matcher: AddedTokenMatcher, skippingSpecial: Bool) {
    guard !matcher.isEmpty else { return }
    var result: [Pieces.Piece] = []
    let isInput = pieces.isInput
    let origins = pieces.origins
    pieces.bytes.withUnsafeBufferPointer { bytes in
      for piece in pieces.pieces {
        guard piece.isText else {
          result.append(piece)
          continue
        }
        func append(_ start: Int, _ end: Int, _ token: Int64) {
          guard start < end else { return }
          let base = isInput ? piece.start + start : Int(origins[piece.start + start].start)
          result.append(
            Pieces.Piece(start: piece.start + start, end: piece.start + end, base: base, token: token))
        }
        let text = UnsafeBufferPointer(rebasing: bytes[piece.start..<piece.end])
        var done = 0
        // Where the last run of white space that was looked at begins and ends, so that none is looked at twice.
        var blanks = 0..<0
        matcher.forEachMatch(in: text) { range, id in
          guard let token = tokensByID[id],
            let span = span(of: token, at: range, in: text, after: done, &blanks, skippingSpecial)
          else { return }
          append(done, span.lowerBound, -1)
          append(span.lowerBound, span.upperBound, Int64(id))
          done = span.upperBound
        }
        append(done, text.count, -1)
      }
    }
    pieces.pieces = result
  }

  /// What a match takes of the text, or `nil` when it does not count.
  private func span(
    of token: AddedToken, at range: Range<Int>, in text: UnsafeBufferPointer<UInt8>, after done: Int,
    _ blanks: inout Range<Int>, _ skippingSpecial: Bool
  ) -> Range<Int>? {
    if skippingSpecial, specialContents.contains(Array(token.content.utf8)) { return nil }
    var (start, end) = (range.lowerBound, range.upperBound)
    if token.isSingleWord {
      if let before = text.scalar(before: start), UnicodeClasses.isWordCharacter(before) { return nil }
      if end < text.count, UnicodeClasses.isWordCharacter(text.scalar(at: end, length: text.leadLength(at: end))) {
        return nil
      }
    }
    if token.stripsLeft {
      // White space that the token before took is not taken again.
      while start > done, let before = text.scalar(before: start), UnicodeClasses.isPatternSpace(before) {
        start -= UTF8Scalars.length(before)
      }
      start = max(start, done)
    }
    if token.stripsRight {
      if blanks.contains(end) { return start..<blanks.upperBound }
      let first = end
      while end < text.count {
        let length = text.leadLength(at: end)
        guard UnicodeClasses.isPatternSpace(text.scalar(at: end, length: length)) else { break }
        end += length
      }
      blanks = first..<end
    }
    return start <= end ? start..<end : nil
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The scalar that ends at `index` of valid UTF-8.
  func scalar(before index: Int) -> UInt32? {
    guard index > 0 else { return nil }
    var start = index - 1
    while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
    return scalar(at: start, length: index - start)
  }
}
