import Synchronization

/// Gives the ids of texts, and nothing that has to be allocated per token: the fast way through a tokenizer.
///
/// A tokenizer whose parts have an encoder of their own uses it; any other goes through the general pipeline, which is also what the
/// encoders are tested against. The encoder is made at the first use. Scratch memory, with the words seen so far, is lent to one
/// call at a time and kept for the next.
final class IDEngine: Sendable {
  /// The way a tokenizer's texts go.
  enum Route: Sendable {
    case byteLevel(ByteLevelEncoder)
    case words(WordEncoder<PipelineTiles>)
    case sentencePieceWords(WordEncoder<SentencePieceTiles>)
    case general
  }

  private let made = Mutex<Route?>(nil)
  private let madeCuts = Mutex<TextCuts??>(nil)
  private let idle = Mutex<[Lent]>([])

  /// Scratch memory between two owners.
  private struct Lent: @unchecked Sendable { let scratch: EncoderScratch }

  /// The way, made by the first who asks.
  func route(_ make: () -> Route) -> Route {
    made.withLock { route in
      if let route { return route }
      let new = make()
      route = new
      return new
    }
  }

  /// Where texts may be cut, made by the first who asks.
  func cuts(_ make: () -> TextCuts?) -> TextCuts? {
    madeCuts.withLock { cuts in
      if let cuts { return cuts }
      let new = make()
      cuts = .some(new)
      return new
    }
  }

  func withScratch<Result: ~Copyable>(_ body: (EncoderScratch) throws -> Result) rethrows -> Result {
    let lent = idle.withLock { $0.popLast() } ?? Lent(scratch: EncoderScratch())
    defer { idle.withLock { if $0.count < Self.maximumIdle { $0.append(lent) } } }
    return try body(lent.scratch)
  }

  /// A cache may hold 30 MB: no more are kept than cores can use.
  private static let maximumIdle = Parallel.coreCount
}

extension TokenizerCore {
  /// The way this tokenizer's texts go to their ids.
  var route: IDEngine.Route {
    engine.route {
      if let sentencePiece {
        return SentencePieceTiles(sentencePiece).map { .sentencePieceWords(WordEncoder($0)) } ?? .general
      }
      if case .bpe(let model) = description.model,
        let encoder = ByteLevelEncoder(model, preTokenizer: preTokenizer)
      {
        return .byteLevel(encoder)
      }
      return PipelineTiles(self).map { .words(WordEncoder($0)) } ?? .general
    }
  }

  /// Where a text may be cut into parts, or `nil` where it must stay whole.
  var textCuts: TextCuts? { engine.cuts { TextCuts(self) } }

  /// Appends the ids of a text, without those of the template.
  ///
  /// - Throws: ``TokenizerError`` as ``TextTokenizer/encode(_:pair:options:)``.
  func appendIDs(
    of text: UnsafeBufferPointer<UInt8>, recognizesSpecial: Bool, into output: inout TokenBuffer,
    _ scratch: EncoderScratch
  ) throws {
    let total = output.total
    if try appendIDs(of: text, TextPart(), recognizesSpecial, into: &output, scratch) { return }
    output.rewind(to: total)
    try appendIDsByPipeline(of: Array(text), recognizesSpecial: recognizesSpecial, into: &output, scratch)
  }

  /// Appends the ids of a part of a text.
  ///
  /// - Parameter part: where it stands; it begins and ends where ``TextCuts`` says.
  /// - Returns: false when its words are entangled; what was appended then must be taken back.
  func appendIDs(
    of text: UnsafeBufferPointer<UInt8>, _ part: TextPart, _ recognizesSpecial: Bool, into output: inout TokenBuffer,
    _ scratch: EncoderScratch
  ) throws -> Bool {
    guard text.count < Int(Int32.max) else { throw Self.tooLong }
    switch route {
    case .byteLevel(let encoder) where normalizer?.leavesUnchanged(text) ?? true:
      return appendIDs(of: text, TextPart(), recognizesSpecial, into: &output) {
        encoder.encode($0, origin: $1.origin, into: &$2, scratch)
        return true
      }
    case .words(let encoder) where !output.hasPlaces:
      return try appendIDs(of: text, part, recognizesSpecial, into: &output) {
        try encoder.encode($0, part: $1, into: &$2, scratch)
      }
    case .sentencePieceWords(let encoder)
    where !output.hasPlaces && text.count <= SentencePieceEncoder.maximumLength:
      return try appendIDs(of: text, part, recognizesSpecial, into: &output) {
        try encoder.encode($0, part: $1, into: &$2, scratch)
      }
    default:
      try appendIDsByPipeline(of: Array(text), recognizesSpecial: recognizesSpecial, into: &output, scratch)
      return true
    }
  }

  /// Appends the ids of a part of a text whose words are entangled: nothing but added tokens is cut out.
  ///
  /// - Returns: false when it is entangled with its neighbours as well.
  func appendUncutIDs(
    of text: UnsafeBufferPointer<UInt8>, _ part: TextPart, _ recognizesSpecial: Bool, into output: inout TokenBuffer,
    _ scratch: EncoderScratch
  ) throws -> Bool {
    switch route {
    case .words(let encoder):
      try appendIDs(of: text, part, recognizesSpecial, into: &output) {
        try encoder.encodeWhole($0, part: $1, into: &$2, scratch)
      }
    case .sentencePieceWords(let encoder):
      try appendIDs(of: text, part, recognizesSpecial, into: &output) {
        try encoder.encodeWhole($0, part: $1, into: &$2, scratch)
      }
    case .byteLevel, .general: false
    }
  }

  /// Cuts added tokens out of a part of a text and has the body append the ids of what is between them.
  private func appendIDs(
    of text: UnsafeBufferPointer<UInt8>, _ part: TextPart, _ recognizesSpecial: Bool, into output: inout TokenBuffer,
    _ body: (_ text: UnsafeBufferPointer<UInt8>, TextPart, inout TokenBuffer) throws -> Bool
  ) rethrows -> Bool {
    // The library of sentencepiece knows no added tokens: without special ones there are none.
    let isCut = recognizesSpecial || !usesSentencePiece
    guard isCut, added.rawMatcher.mayMatch(in: text) || added.normalizedMatcher.mayMatch(in: text) else {
      return try body(text, part, &output)
    }
    var pieces = Pieces(input: Array(text))
    added.extract(from: &pieces, with: added.rawMatcher, skippingSpecial: !recognizesSpecial)
    if !usesSentencePiece {
      added.extract(from: &pieces, with: added.normalizedMatcher, skippingSpecial: !recognizesSpecial)
    }
    for piece in pieces.pieces where piece.count > 0 {
      if piece.isText {
        let isFirst = piece.start == 0 && !part.isStart
        let place = TextPart(
          origin: part.origin + piece.start, isStart: !isFirst, isEnd: piece.end < text.count || part.isEnd,
          sum: isFirst ? part.sum : 0)
        let isDone = try body(UnsafeBufferPointer(rebasing: text[piece.start..<piece.end]), place, &output)
        if !isDone { return false }
      } else {
        output.append(UInt32(piece.token), end: piece.end)
      }
      if output.isFull { return true }
    }
    return true
  }

  private func appendIDsByPipeline(
    of text: [UInt8], recognizesSpecial: Bool, into output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws {
    if usesSentencePiece {
      try forEachSentencePiece(of: text, recognizesSpecial: recognizesSpecial) { output.append($0, end: $1) }
      return
    }
    try tokenize(text, recognizesSpecial, &scratch.model) { pieces, ends, tokens in
      guard output.hasPlaces else {
        for id in tokens.ids { output.append(id, end: 0) }
        return
      }
      var token = 0
      for (piece, end) in zip(pieces.pieces, ends) {
        while token < end {
          let range = pieces.origin(of: Int(tokens.starts[token])..<Int(tokens.ends[token]), in: piece)
          output.append(tokens.ids[token], end: min(range.upperBound, text.count))
          token += 1
        }
      }
    }
  }
}
