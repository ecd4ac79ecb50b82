/// Gives out ids while text comes in.
///
///     var stream = tokenizer.encodeStream()
///     for try await part in parts {
///       try stream.append(part)
///       send(stream.takeFinalIDs())     // ids that no later text can change
///     }
///     send(try stream.ids())            // the rest, now that the text has ended
///
/// At any moment ``ids()`` are the ids of all text so far, as ``TextTokenizer/ids(of:specialTokensInText:threads:)`` gives them, without those
/// that were taken. Text is encoded once it is certain that nothing behind it matters: up to a blank that follows a visible
/// character, or a symbol behind a letter; only what comes after that waits. A stream is a value: a copy goes its own way.
///
/// Tokenizers whose stages look at the whole text, which patterns of an unknown kind and rewritings across words do, have no such
/// places: their text waits from the first byte on, and asking for ids encodes all of it. Words that cannot be told apart from those
/// behind them, which is rare, wait for more text; from a literal U+2581 on all of it, in models that rewrite text and fold spaces.
public struct EncodeStream: Sendable {
  private let core: TokenizerCore
  private let recognizesSpecial: Bool
  private let cuts: TextCuts?
  private var final: [UInt32] = []
  /// What is not decided yet.
  private var waiting: [UInt8] = []
  /// Where `waiting` stands in the text.
  private var part = TextPart()
  /// The last two places of `waiting` that may be cut.
  private var places: (previous: Int?, last: Int?) = (nil, nil)
  /// How long `waiting` must be before entangled words are looked at again.
  private var patience = 0
  /// The beginning of a character whose other bytes are still to come.
  private var unfinished: [UInt8] = []

  init(core: TokenizerCore, recognizesSpecial: Bool) {
    self.core = core
    self.recognizesSpecial = recognizesSpecial
    cuts = core.textCuts
  }

  /// How many ids are final and were not taken yet.
  public var finalCount: Int { final.count }

  /// The bytes of text whose ids are not final yet.
  public var waitingByteCount: Int { waiting.count + unfinished.count }

  /// Whether the bytes so far end inside a character.
  public var endsInsideCharacter: Bool { !unfinished.isEmpty }

  /// Takes the ids out that no later text can change.
  public mutating func takeFinalIDs() -> [UInt32] {
    defer { final = [] }
    return final
  }

  /// The ids of all text so far, without those that were taken. An unfinished character does not count.
  ///
  /// - Throws: ``TokenizerError`` as ``TextTokenizer/encode(_:pair:options:)``.
  /// - Complexity: O(ids that were not taken + bytes that wait).
  public func ids() throws -> [UInt32] {
    try withWaiting(countsOnly: false) { final + $0.copyIDs() }
  }

  /// The number of ``ids()``.
  ///
  /// - Complexity: O(bytes that wait).
  public func count() throws -> Int { try withWaiting(countsOnly: true) { final.count + $0.total } }

  // MARK: Appending

  /// Takes a part of the text.
  ///
  /// - Throws: ``TokenizerError`` when the bytes before it end inside a character, or as ``TextTokenizer/encode(_:pair:options:)``;
  ///   the stream is as it was then.
  /// - Complexity: O(bytes), on average over all parts.
  public mutating func append(_ text: String) throws {
    guard unfinished.isEmpty else { throw Self.unfinishedCharacter }
    var text = text
    let count = waiting.count
    text.withUTF8 { waiting.append(contentsOf: $0) }
    try decide(from: count)
  }

  /// Takes a part of the text as UTF-8, which may be cut anywhere, also inside a character.
  ///
  /// - Throws: ``TokenizerError`` for bytes that are no UTF-8, or as ``append(_:)``; the stream is as it was then.
  public mutating func append(utf8 bytes: some Sequence<UInt8>) throws {
    let all = unfinished + Array(bytes)
    let valid = all.withUnsafeBufferPointer { $0.validPrefixCount }
    let rest = Array(all[valid...])
    guard Self.mayBecomeCharacter(rest) else {
      throw TokenizerError(
        .malformed, "the bytes are not valid UTF-8", at: .byte(part.origin + waiting.count + valid))
    }
    let count = waiting.count
    waiting.append(contentsOf: all[..<valid])
    try decide(from: count)
    unfinished = rest
  }

  private static let unfinishedCharacter = TokenizerError(
    .malformed, "the bytes before this text end inside a character")

  /// Whether bytes are nothing or the beginning of a character.
  private static func mayBecomeCharacter(_ bytes: [UInt8]) -> Bool {
    guard let lead = bytes.first else { return true }
    guard lead >= 0xC2, lead <= 0xF4, bytes.count < (lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4) else { return false }
    guard bytes.count > 1 else { return true }
    let low: UInt8 = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
    let high: UInt8 = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
    return low...high ~= bytes[1] && bytes.dropFirst(2).allSatisfy { $0 & 0xC0 == 0x80 }
  }

  // MARK: Deciding

  /// Looks for places in what was just appended and encodes what stands before them.
  private mutating func decide(from old: Int) throws {
    guard let cuts, waiting.count > old else { return }
    let before = places
    waiting.withUnsafeBufferPointer { text in
      guard let last = cuts.last(in: text, old..<text.count) else { return }
      let previous = cuts.checksNextTile ? cuts.last(in: text, old..<last) ?? before.last : nil
      places = (previous, last)
    }
    guard waiting.count >= patience, let end = cuts.checksNextTile ? places.previous : places.last else { return }
    do {
      let decided = try waiting.withUnsafeBufferPointer { text in
        try encode(text, upTo: end, next: cuts.checksNextTile ? places.last : nil)
      }
      guard let decided else {
        patience = 2 * waiting.count
        return
      }
      final.append(contentsOf: decided.ids)
      part.sum = decided.sum
    } catch {
      waiting.removeSubrange(old...)
      places = before
      throw error
    }
    waiting.removeFirst(end)
    part.origin += end
    (part.isStart, patience) = (false, 0)
    places = (nil, cuts.checksNextTile ? places.last.map { $0 - end } : nil)
  }

  /// The ids of the text up to a place, and the sum of their scores.
  ///
  /// - Parameter next: the end of the word that follows, which must stand alone too.
  /// - Returns: `nil` when the words there are entangled.
  private func encode(
    _ text: UnsafeBufferPointer<UInt8>, upTo end: Int, next: Int?
  ) throws -> (ids: [UInt32], sum: Float)? {
    try core.engine.withScratch { scratch in
      var output = TokenBuffer(capacity: end / 3 + 16)
      var part = part
      part.isEnd = false
      let stretch = UnsafeBufferPointer(rebasing: text[..<end])
      if try !core.appendIDs(of: stretch, part, recognizesSpecial, into: &output, scratch) {
        output.rewind(to: 0)
        guard try core.appendUncutIDs(of: stretch, part, recognizesSpecial, into: &output, scratch) else { return nil }
      }
      let ids = output.copyIDs()
      if case .sentencePieceWords(let encoder) = core.route {
        part.sum = encoder.sum(atEndOf: stretch, output, scratch)
      }
      let sum = part.sum
      if let next {
        part.origin += end
        part.isStart = false
        let word = UnsafeBufferPointer(rebasing: text[end..<next])
        if try !core.appendIDs(of: word, part, recognizesSpecial, into: &output, scratch) {
          // Only its beginning matters here.
          part.isEnd = true
          guard try core.appendIDs(of: word, part, recognizesSpecial, into: &output, scratch) else { return nil }
        }
      }
      return (ids, sum)
    }
  }

  /// Calls the body with the ids of what waits.
  private func withWaiting<Result>(
    countsOnly: Bool, _ body: (borrowing TokenBuffer) throws -> Result
  ) throws -> Result {
    try waiting.withUnsafeBufferPointer { text in
      try core.engine.withScratch { scratch in
        var output = TokenBuffer(capacity: countsOnly ? 1024 : text.count / 3 + 16, countsOnly: countsOnly)
        if part.isStart {
          try core.appendIDs(of: text, recognizesSpecial: recognizesSpecial, into: &output, scratch)
        } else if try !core.appendIDs(of: text, part, recognizesSpecial, into: &output, scratch) {
          output.rewind(to: 0)
          guard try core.appendUncutIDs(of: text, part, recognizesSpecial, into: &output, scratch) else {
            throw TokenizerError(.inconsistent, "words that stood alone at byte \(part.origin) no longer do")
          }
        }
        return try body(output)
      }
    }
  }
}

extension TextTokenizer {
  /// Gives out ids while text comes in.
  ///
  /// - Parameter specialTokensInText: `nil` takes the default of the format.
  public func encodeStream(specialTokensInText: SpecialTokensInText? = nil) -> EncodeStream {
    EncodeStream(core: core, recognizesSpecial: recognizesSpecial(specialTokensInText))
  }
}
