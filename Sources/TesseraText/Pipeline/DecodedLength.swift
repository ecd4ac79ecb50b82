/// The length of the text of growing ids, and whether it ends in U+FFFD, without making that text again for every id.
///
/// A chain of stages: each passes on what no further token can change and holds back the little that one can, such as the bytes
/// of an unfinished character. Most of what a stream of ids asks for is told by these two figures.
struct DecodedLength: Sendable {
  /// What a stage passes on: whole tokens, or the text of the one token that an earlier stage joined them to.
  private enum Stage: Sendable {
    /// A decoder of single tokens that treats the first one differently.
    case each(Decoder, isFirst: Bool)
    /// Holds the last token back, which is treated differently.
    case last(Decoder, held: [UInt8]?)
    case distinct(padding: [UInt8], delimiter: [UInt8], cleanup: Bool, previous: [UInt8]?)
    /// Byte tokens in a row; `isBroken` when they have been passed on as replacement characters already.
    case fallback(run: [UInt8], validCount: Int, isBroken: Bool)
    case bytes(pending: [UInt8])
    /// Trims the joined text: how many scalars may still go at the start, how many are held that may go at the end.
    case trim(content: [UInt8], start: Int, stop: Int, held: Int)
    /// Sets a space between tokens.
    case spaced(isFirst: Bool)
  }

  private var stages: [Stage] = []
  private var pieces: SentencePieceText?
  /// The length in bytes of what is certain.
  private var count = 0
  private var end: [UInt8] = []

  /// - Returns: `nil` for decoders whose text of a prefix says too little about that of the whole.
  init?(_ decoder: Decoder?) {
    guard let decoder else {
      stages = [.spaced(isFirst: true)]
      return
    }
    var isJoined = false
    for part in decoder.parts {
      switch part {
      case .fuse: isJoined = true
      case .strip(let content, let start, let stop) where isJoined:
        var scalar: [UInt8] = []
        UTF8Scalars.append(content, to: &scalar)
        stages.append(.trim(content: scalar, start: start, stop: stop, held: 0))
      case _ where isJoined: return nil
      case .byteLevel:
        stages.append(.bytes(pending: []))
        isJoined = true
      case .byteFallback: stages.append(.fallback(run: [], validCount: 0, isBroken: false))
      case .ctc(let padding, let delimiter, let cleanup):
        stages.append(.distinct(padding: padding, delimiter: delimiter, cleanup: cleanup, previous: nil))
      case .bpe: stages.append(.last(part, held: nil))
      case .wordPiece, .metaspace, .strip, .replace: stages.append(.each(part, isFirst: true))
      case .sequence: return nil
      }
    }
  }

  /// - Returns: `nil` for a model that normalizes what it has decoded.
  init?(_ encoder: SentencePieceEncoder) {
    guard encoder.denormalizer == nil else { return nil }
    pieces = SentencePieceText(encoder)
  }

  /// The length in bytes, and whether the last character is U+FFFD, if no more tokens come.
  var ifEnded: (count: Int, isOpen: Bool) {
    var copy = self
    for index in stages.indices { copy.finish(index) }
    copy.pieces?.finish()
    copy.take()
    return (copy.count, copy.end == DecodeStream.replacement)
  }

  /// Takes the text of the next token.
  mutating func append(_ token: [UInt8]) { pass(token, to: 0) }

  /// Takes the next piece of a model of sentencepiece.
  mutating func append(_ id: UInt32) {
    pieces?.append(id)
    take()
  }

  private mutating func take() {
    guard let text = pieces?.bytes, !text.isEmpty else { return }
    pieces?.bytes.removeAll(keepingCapacity: true)
    pass(text, to: stages.count)
  }

  private mutating func pass(_ token: [UInt8], to index: Int) {
    guard index < stages.count else {
      count += token.count
      end = token.count < 3 ? (end + token).suffix(3) : Array(token.suffix(3))
      return
    }
    switch stages[index] {
    case .each(let decoder, let isFirst):
      stages[index] = .each(decoder, isFirst: false)
      pass(decoder.decodePart(token, isAtEdge: isFirst), to: index + 1)
    case .last(let decoder, let held):
      stages[index] = .last(decoder, held: token)
      if let held { pass(decoder.decodePart(held, isAtEdge: false), to: index + 1) }
    case .distinct(let padding, let delimiter, let cleanup, let previous):
      guard token != previous else { return }
      stages[index] = .distinct(padding: padding, delimiter: delimiter, cleanup: cleanup, previous: token)
      let text = Decoder.decodeCTC(token, padding, delimiter, cleanup)
      if !text.isEmpty { pass(text, to: index + 1) }
    case .fallback: fallBack(token, index)
    case .bytes(let pending):
      let bytes = pending + (ByteLevelAlphabet.bytes(of: token[...]) ?? token)
      let certain = Self.certainCount(bytes)
      stages[index] = .bytes(pending: Array(bytes[certain...]))
      if certain > 0 { pass(Decoder.repaired(bytes[..<certain]), to: index + 1) }
    case .trim(let content, let start, let stop, let held):
      trim(token, index, content, start, stop, held)
    case .spaced(let isFirst):
      stages[index] = .spaced(isFirst: false)
      pass(isFirst ? token : [0x20] + token, to: index + 1)
    }
  }

  private mutating func finish(_ index: Int) {
    switch stages[index] {
    case .last(let decoder, let held?): pass(decoder.decodePart(held, isAtEdge: true), to: index + 1)
    case .fallback(let run, _, false) where !run.isEmpty: passRun(run, index)
    case .bytes(let pending) where !pending.isEmpty: pass(Decoder.repaired(pending), to: index + 1)
    default: break
    }
  }

  // MARK: Byte tokens

  private mutating func fallBack(_ token: [UInt8], _ index: Int) {
    guard case .fallback(var run, var validCount, var isBroken) = stages[index] else { return }
    // The run must have one owner while it grows.
    stages[index] = .spaced(isFirst: true)
    guard let byte = ByteFallback.byte(of: token) else {
      stages[index] = .fallback(run: [], validCount: 0, isBroken: false)
      if !isBroken, !run.isEmpty { passRun(run, index) }
      return pass(token, to: index + 1)
    }
    if isBroken {
      stages[index] = .fallback(run: [], validCount: 0, isBroken: true)
      return pass(DecodeStream.replacement, to: index + 1)
    }
    run.append(byte)
    let length = run.withUnsafeBufferPointer { $0.scalarLength(at: validCount) }
    validCount += length
    isBroken = run.count - validCount >= 4
    stages[index] = .fallback(run: isBroken ? [] : run, validCount: validCount, isBroken: isBroken)
    if isBroken { passRun(run, index) }
  }

  private mutating func passRun(_ run: [UInt8], _ index: Int) {
    if String(validating: run, as: UTF8.self) != nil { return pass(run, to: index + 1) }
    for _ in run { pass(DecodeStream.replacement, to: index + 1) }
  }

  /// How many bytes from the start are read alike whatever follows: up to the last that begins a character, or all where the
  /// last four begin none.
  private static func certainCount(_ bytes: [UInt8]) -> Int {
    var index = bytes.count
    while index > 0, bytes.count - index < 4 {
      index -= 1
      if bytes[index] & 0xC0 != 0x80 { return index }
    }
    return bytes.count < 4 ? 0 : bytes.count
  }

  // MARK: Trimming

  private mutating func trim(
    _ text: [UInt8], _ index: Int, _ content: [UInt8], _ start: Int, _ stop: Int, _ held: Int
  ) {
    var (start, held) = (start, held)
    var result: [UInt8] = []
    var position = 0
    while position < text.count {
      var next = position + 1
      while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
      if !text[position..<next].elementsEqual(content) {
        for _ in 0..<held { result += content }
        result += text[position..<next]
        (start, held) = (0, 0)
      } else if start > 0 {
        start -= 1
      } else if held < stop {
        held += 1
      } else {
        result += content
      }
      position = next
    }
    stages[index] = .trim(content: content, start: start, stop: stop, held: held)
    if !result.isEmpty { pass(result, to: index + 1) }
  }
}

extension Decoder {
  /// The decoders that run one after the other, sequences in sequences laid flat.
  var parts: [Decoder] {
    if case .sequence(let parts) = self { return parts.flatMap(\.parts) }
    return [self]
  }
}
