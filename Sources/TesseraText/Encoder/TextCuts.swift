/// Says where a text may be cut so that the ids of its parts are those of the whole, whatever stands further away.
///
/// A look at the two characters around a place is enough: before a blank that follows a visible character, and for byte-level models
/// between a letter and a symbol. Elsewhere the answer is no, also where a longer look would say yes. So texts can be encoded while
/// they arrive, and one text by several threads.
struct TextCuts: Sendable {
  /// Whether a place may only be trusted when the first word behind it is known to its end and was found to stand alone.
  let checksNextTile: Bool
  /// Whether parts can be encoded without those before them.
  let isParallel: Bool
  /// What words are led by.
  private var blanks = [Bool](repeating: false, count: 256)
  private var cutsBeforeSymbols = false
  /// Whether tiles are cut, whose blanks are told from all else by their bytes alone.
  private let cutsTiles: Bool
  /// Whether only ASCII may stand before a blank: anything else might become a blank itself.
  private var needsASCII = false
  private let keepsPrepends: Bool
  /// Bytes with which something ends, or begins, that looks over the place.
  private var forbiddenBefore = [Bool](repeating: false, count: 256)
  private var forbiddenBehind = [Bool](repeating: false, count: 256)
  /// Bytes that stand side by side in an added token; a bit for each pair.
  private var joined = [UInt64](repeating: 0, count: 1 << 10)

  /// - Returns: `nil` when a text must be encoded as a whole.
  init?(_ core: TokenizerCore) {
    switch core.route {
    case .byteLevel(let encoder):
      guard encoder.segmenter.cutsBeforeBlanks, core.normalizer?.keepsBlanksApart ?? true else { return nil }
      (checksNextTile, isParallel, cutsTiles, keepsPrepends) = (false, true, false, false)
      blanks[0x20] = true
      needsASCII = core.normalizer != nil
      cutsBeforeSymbols = encoder.segmenter.cutsBeforeSymbols && core.normalizer == nil
    case .words(let encoder):
      (checksNextTile, isParallel, cutsTiles) = (encoder.source.hasEdges, true, true)
      keepsPrepends = encoder.source.scanner.keepsPrepends
      for byte in 0...255 { blanks[byte] = encoder.source.scanner.isBlank(UInt8(byte)) }
    case .sentencePieceWords(let encoder):
      (checksNextTile, isParallel, cutsTiles) = (true, !encoder.source.addsScores, true)
      keepsPrepends = encoder.source.scanner.keepsPrepends
      for byte in 0...255 { blanks[byte] = encoder.source.scanner.isBlank(UInt8(byte)) }
    case .general: return nil
    }
    for (content, token) in core.added.searched { forbid(content, token, isRewritten: core.normalizer != nil) }
  }

  /// Forbids places that an added token may reach over or look over.
  private mutating func forbid(_ content: [UInt8], _ token: AddedToken, isRewritten: Bool) {
    guard let first = content.first, let last = content.last else { return }
    for (left, right) in zip(content, content.dropFirst()) {
      // What becomes of the character before a blank is not known here.
      for left in isRewritten && token.isNormalized ? 0...255 : Int(left)...Int(left) {
        joined[left << 2 | Int(right) >> 6] |= 1 << UInt64(right & 63)
      }
    }
    // A text begins anew behind a token, which matters to the first word.
    if token.stripsRight || cutsTiles { forbiddenBefore[Int(last)] = true }
    if token.isSingleWord {
      forbiddenBehind[Int(first)] = true
      cutsBeforeSymbols = false
    }
  }

  /// The last place for a cut, if there is one.
  ///
  /// - Parameter range: where to look; zero and the end of the text are no such places.
  /// - Complexity: O(length of the range).
  func last(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    var place = min(range.upperBound, text.count) - 1
    while place >= max(range.lowerBound, 1) {
      if isCut(text, at: place) { return place }
      place -= 1
    }
    return nil
  }

  /// The first place for a cut, if there is one; see ``last(in:_:)``.
  func first(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int? {
    var place = max(range.lowerBound, 1)
    while place < min(range.upperBound, text.count) {
      if isCut(text, at: place) { return place }
      place += 1
    }
    return nil
  }

  @inline(__always)
  private func isCut(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
    let (left, right) = (text[place - 1], text[place])
    let isBlank = blanks[Int(right)]
    // Symbols in ASCII, or the lead byte of any other character.
    guard isBlank || cutsBeforeSymbols && (right >= 0xC2 || right > 0x20 && right < 0x7F && right != 0x27) else {
      return false
    }
    guard joined[Int(left) << 2 | Int(right) >> 6] >> UInt64(right & 63) & 1 == 0, !forbiddenBefore[Int(left)],
      !forbiddenBehind[Int(right)]
    else { return false }
    if isBlank {
      if left < 0x80 { return left > 0x20 && left < 0x7F }
      if cutsTiles { return !keepsPrepends || !TileScanner.mayBePrepend(text, endingAt: place) }
      return !needsASCII && Self.classes(text, endingAt: place, Self.visible)
    }
    // DeepSeek takes the marks among the kana for letters.
    if right == 0xE3, text[place + 1] == 0x82 || text[place + 1] == 0x83 { return false }
    return Self.classes(text, endingAt: place, ScanClasses.letter)
      && Self.classes(text, from: place, ScanClasses.symbol)
  }

  private static let visible = ScanClasses.letter | ScanClasses.mark | ScanClasses.number | ScanClasses.symbol

  /// Whether the scalar that ends at a place has one of these classes for every dialect: their Unicode versions differ.
  private static func classes(
    _ text: UnsafeBufferPointer<UInt8>, endingAt end: Int, _ wanted: UInt8
  ) -> Bool {
    var start = end - 1
    while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
    return classes(text, from: start, wanted)
  }

  private static func classes(_ text: UnsafeBufferPointer<UInt8>, from start: Int, _ wanted: UInt8) -> Bool {
    ScanClasses.standard(.oniguruma).bits(start, text) & wanted != 0
      && ScanClasses.standard(.rust).bits(start, text) & wanted != 0
  }
}

extension NormalizerStage {
  /// Whether what stands on the one side of a blank that follows a visible ASCII character does not matter to the other.
  fileprivate var keepsBlanksApart: Bool {
    switch self {
    case .sequence(let parts): parts.allSatisfy(\.keepsBlanksApart)
    case .form, .lowercase: true
    case .strip, .stripAccents, .bert, .nmt, .precompiled, .replace, .prepend, .byteLevel: false
    }
  }
}
