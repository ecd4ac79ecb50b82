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

  /// Appends the ids of a text, without those of the template.
  ///
  /// - Throws: ``TokenizerError`` as ``TextTokenizer/encode(_:pair:options:)``.
  func appendIDs(
    of text: UnsafeBufferPointer<UInt8>, recognizesSpecial: Bool, into output: inout TokenBuffer,
    _ scratch: EncoderScratch
  ) throws {
    guard text.count < Int(Int32.max) else { throw Self.tooLong }
    switch route {
    case .byteLevel(let encoder) where normalizer?.leavesUnchanged(text) ?? true:
      appendIDs(of: text, recognizesSpecial, into: &output) { encoder.encode($0, origin: $1, into: &$2, scratch) }
    case .words(let encoder) where !output.hasPlaces:
      try appendIDs(of: text, recognizesSpecial, into: &output, scratch, by: encoder)
    case .sentencePieceWords(let encoder)
    where !output.hasPlaces && text.count <= SentencePieceEncoder.maximumLength:
      try appendIDs(of: text, recognizesSpecial, into: &output, scratch, by: encoder)
    default: try appendIDsByPipeline(of: Array(text), recognizesSpecial: recognizesSpecial, into: &output, scratch)
    }
  }

  /// Cuts added tokens out of a text and has the body append the ids of what is between them.
  private func appendIDs(
    of text: UnsafeBufferPointer<UInt8>, _ recognizesSpecial: Bool, into output: inout TokenBuffer,
    _ body: (_ part: UnsafeBufferPointer<UInt8>, _ origin: Int, inout TokenBuffer) throws -> Void
  ) rethrows {
    // The library of sentencepiece knows no added tokens: without special ones there are none.
    let isCut = recognizesSpecial || !usesSentencePiece
    guard isCut, added.rawMatcher.mayMatch(in: text) || added.normalizedMatcher.mayMatch(in: text) else {
      try body(text, 0, &output)
      return
    }
    var pieces = Pieces(input: Array(text))
    added.extract(from: &pieces, with: added.rawMatcher, skippingSpecial: !recognizesSpecial)
    if !usesSentencePiece {
      added.extract(from: &pieces, with: added.normalizedMatcher, skippingSpecial: !recognizesSpecial)
    }
    for piece in pieces.pieces where piece.count > 0 {
      if piece.isText {
        try body(UnsafeBufferPointer(rebasing: text[piece.start..<piece.end]), piece.start, &output)
      } else {
        output.append(UInt32(piece.token), end: piece.end)
      }
      if output.isFull { return }
    }
  }

  /// Appends the ids of a text by its words, or by the general pipeline when it has no words.
  private func appendIDs<Source: TileSource>(
    of text: UnsafeBufferPointer<UInt8>, _ recognizesSpecial: Bool, into output: inout TokenBuffer,
    _ scratch: EncoderScratch, by encoder: WordEncoder<Source>
  ) throws {
    let total = output.total
    var isDone = true
    try appendIDs(of: text, recognizesSpecial, into: &output) { part, origin, output in
      if isDone { isDone = try encoder.encode(part, origin: origin, into: &output, scratch) }
    }
    if isDone { return }
    output.rewind(to: total)
    try appendIDsByPipeline(of: Array(text), recognizesSpecial: recognizesSpecial, into: &output, scratch)
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
