import Synchronization

/// Encodes words by the stages of a tokenizer.json.
///
/// Exact where each stage does the same to a word alone as in the midst of a text; ``TileRules`` says whether that is so, and what
/// cannot be known beforehand is checked word by word.
final class PipelineTiles: TileSource {
  let scanner: TileScanner
  private let rules: TileRules
  private let preTokenizer: PreTokenizer?
  private let model: TokenizerModel
  private let trieOnce = Mutex<TrieWords??>(nil)
  /// So many new words pay for the tables of a trie.
  private let patience: Int

  var hasEdges: Bool { rules.isStrict }

  /// - Returns: `nil` when words cannot be encoded one by one.
  init?(_ core: TokenizerCore) {
    guard core.added.normalizedMatcher.isEmpty,
      let rules = TileRules(core.normalizer, core.preTokenizer, core.description.model)
    else { return nil }
    self.rules = rules
    scanner = rules.scanner
    preTokenizer = core.preTokenizer
    model = core.description.model
    patience = model.vocabulary.entryCount / 8
  }

  /// Made when enough words have come; the scratch memory keeps it at hand.
  private func trieWords(_ scratch: EncoderScratch) -> TrieWords? {
    if let known = scratch.trieWords { return known }
    scratch.newWords += 1
    guard scratch.newWords > patience else { return nil }
    let made = trieOnce.withLock { once in
      if let once { return once }
      let new = TrieWords(model)
      once = .some(new)
      return new
    }
    scratch.trieWords = .some(made)
    return made
  }

  func append(
    _ tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws -> Bool {
    if !place.isFirst, !place.isLast, try appendPlain(tile, &output, scratch) { return true }
    var pieces = Pieces(input: Array(tile))
    pieces.pieces[0].base = place.base
    var isEntangled = false
    pieces.rewrite { text in
      isEntangled = rules.isStrict && rules.isEntangled(text.bytes, tile, place)
      for stage in rules.stages where !isEntangled {
        stage.apply(to: &text, place)
        isEntangled = rules.isStrict && rules.isEntangled(text.bytes, tile, place)
      }
    }
    if isEntangled {
      scratch.isEntangled = true
      return false
    }
    for index in pieces.pieces.indices where pieces.pieces[index].count > 0 {
      pieces.pieces[index].base = Int(pieces.origins[pieces.pieces[index].start].start)
    }
    pieces.dropEmpty()
    preTokenizer?.apply(to: &pieces)
    try pieces.bytes.withUnsafeBufferPointer { bytes in
      for piece in pieces.pieces {
        let word = UnsafeBufferPointer(rebasing: bytes[piece.start..<piece.end])
        try append(word: word, &output, scratch)
      }
    }
    return true
  }

  private func append(
    word: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws {
    guard word.count > WordCache.shortLimit, let cuts = rules.cuts else {
      return try merge(word, &output, scratch)
    }
    _ = try scratch.appendParts(of: word, cuts, unknown: nil, into: &output) { part, output in
      try merge(part, &output, scratch)
      return true
    }
  }

  private func merge(
    _ word: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws {
    if let words = trieWords(scratch), words.append(word, &output) { return }
    scratch.model.output.removeAll()
    try model.tokenize(word, isRaw: false, &scratch.model)
    scratch.model.output.ids.withUnsafeBufferPointer { output.append(contentsOf: $0) }
  }

  /// Appends the ids of a tile that is a blank and ASCII characters which no stage looks at together.
  private func appendPlain(
    _ tile: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws -> Bool {
    guard let plain = rules.plain else { return false }
    return try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: tile.count + plain.lead.count) { word in
      var index = 0
      while index < tile.count, scanner.isBlank(tile[index]) { index += 1 }
      guard index < tile.count, index == 1 && tile[0] == 0x20 || plain.lead.isEmpty else { return false }
      for place in plain.lead.indices { word.initializeElement(at: place, to: plain.lead[place]) }
      var count = plain.lead.count
      let isSingle = tile.count - index == 1
      while index < tile.count {
        let byte = tile[index] < 0x80 ? plain.bytes[Int(tile[index])] : 0
        guard byte != 0, isSingle || !plain.isolatesSymbols || TileRules.isAlphanumeric(byte) else { return false }
        word.initializeElement(at: count, to: byte)
        count += 1
        index += 1
      }
      try append(word: UnsafeBufferPointer(rebasing: word[..<count]), &output, scratch)
      return true
    }
  }
}

extension NormalizerStage {
  /// Rewrites a tile as it is rewritten in the midst of its text: what belongs to the ends of a text happens only there.
  func apply(to text: inout AlignedText, _ place: TilePlace) {
    switch self {
    case .sequence(let parts): for part in parts { part.apply(to: &text, place) }
    case .strip(let left, let right):
      NormalizerStage.strip(left: left && place.isFirst, right: right && place.isLast).apply(to: &text)
    case .prepend: if place.isFirst { apply(to: &text) }
    default: apply(to: &text)
    }
  }
}
