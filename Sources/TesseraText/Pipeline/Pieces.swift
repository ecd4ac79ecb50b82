/// The text of one sequence on its way through the pipeline, cut into pieces.
///
/// All pieces lie in one buffer, so that cutting copies nothing. Rewriting stages build a new buffer.
struct Pieces {
  struct Piece {
    /// Byte range in the buffer.
    var start: Int
    var end: Int
    /// Where the piece starts in the input: what bytes without an origin of their own stand for.
    var base: Int
    /// The id of an added token, or -1 for text.
    var token: Int64 = -1

    var isText: Bool { token < 0 }
    var count: Int { end - start }
  }

  var bytes: [UInt8]
  /// One per byte of the buffer; empty while the buffer is the input itself.
  var origins: [Origin] = []
  var isInput: Bool
  var pieces: [Piece]
  /// The bytes are raw text although the pre-tokenizer asked for the byte-level alphabet: the model looks bytes up directly.
  var isRawByteLevel = false

  /// The whole input as one piece.
  init(input: [UInt8]) {
    bytes = input
    isInput = true
    pieces = [Piece(start: 0, end: input.count, base: 0)]
  }

  /// Cuts every text piece at the given places.
  ///
  /// - Parameter cut: gets the bytes of the buffer and a piece, and calls its last argument with each part that stays. Parts that
  ///   are empty are dropped.
  mutating func split(_ cut: (UnsafeBufferPointer<UInt8>, Piece, (Range<Int>) -> Void) -> Void) {
    var result: [Piece] = []
    result.reserveCapacity(pieces.count)
    bytes.withUnsafeBufferPointer { all in
      for piece in pieces {
        guard piece.isText else {
          result.append(piece)
          continue
        }
        let text = UnsafeBufferPointer(rebasing: all[piece.start..<piece.end])
        cut(text, piece) { range in
          guard !range.isEmpty else { return }
          let start = piece.start + range.lowerBound
          result.append(Piece(start: start, end: piece.start + range.upperBound, base: base(of: piece, at: start)))
        }
      }
    }
    pieces = result
  }

  /// Where a part of a piece starts in the input.
  private func base(of piece: Piece, at start: Int) -> Int {
    isInput ? start : Int(origins[start].start)
  }

  /// Rewrites every text piece that is not empty into a new buffer.
  mutating func rewrite(_ transform: (inout AlignedText) -> Void) {
    var newBytes: [UInt8] = []
    var newOrigins: [Origin] = []
    newBytes.reserveCapacity(bytes.count)
    var result: [Piece] = []
    result.reserveCapacity(pieces.count)
    for piece in pieces {
      var text = alignedText(of: piece)
      if piece.isText { transform(&text) }
      text.materializeOrigins()
      let start = newBytes.count
      newBytes.append(contentsOf: text.bytes)
      newOrigins.append(contentsOf: text.origins)
      result.append(Piece(start: start, end: newBytes.count, base: piece.base, token: piece.token))
    }
    bytes = newBytes
    origins = newOrigins
    pieces = result
    isInput = false
  }

  func alignedText(of piece: Piece) -> AlignedText {
    var text = AlignedText(slice: bytes[piece.start..<piece.end], base: piece.base)
    if !isInput {
      text.isSlice = false
      text.origins = Array(origins[piece.start..<piece.end])
    }
    return text
  }

  mutating func dropEmpty() { pieces.removeAll { $0.isText && $0.count == 0 } }

  /// The bytes of the input that a part of a piece stands for.
  func origin(of range: Range<Int>, in piece: Piece) -> Range<Int> {
    if range.isEmpty { return piece.base + range.lowerBound..<piece.base + range.lowerBound }
    // Marks that byte fallback spells out make tokens longer than the piece; the reference leaves such ranges as they are.
    if range.upperBound > piece.count { return range }
    let first = piece.start + range.lowerBound
    let last = piece.start + range.upperBound - 1
    guard isInput else {
      // Later stages may move text backwards; a span that would run backwards is kept as it starts.
      let (start, end) = (Int(origins[first].start), Int(origins[last].end))
      return start..<max(start, end)
    }
    var start = first
    while start > 0, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    var end = last + 1
    while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return start..<end
  }
}
