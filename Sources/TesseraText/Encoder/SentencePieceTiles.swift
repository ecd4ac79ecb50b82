/// Encodes words by the rules of sentencepiece.
///
/// Exact where no piece and no rule of the normalizer reaches over the beginning of a word, which is checked when it is made, and
/// where no mark stands literally in the text, or at least not before a blank, which is checked word by word.
final class SentencePieceTiles: TileSource {
  let scanner: TileScanner
  let hasEdges = true
  private let encoder: SentencePieceEncoder
  /// Whether the scores of all that stands before a word may decide how it is cut.
  var addsScores: Bool { if case .unigram = encoder.segmenter { true } else { false } }
  /// For tiles that are not the first.
  private let normalizer: SentencePieceNormalizer
  /// Where no piece reaches over, inside words.
  private let cuts: SafeCuts
  /// Merges short words; `nil` for models whose scores are no order.
  private let pieceMerger: PieceMerger?
  /// Bytes that stand for themselves in words of nothing but ASCII.
  private let plain: [Bool]
  /// Whether words in other scripts stand for themselves too.
  private let isIdentity: Bool
  /// For each id, when sums decide.
  private let scores: [Float]
  /// How close to its bound a sum may be taken for one that was never shifted.
  private let safeSum: Float

  /// - Returns: `nil` when words cannot be encoded one by one.
  init?(_ encoder: SentencePieceEncoder) {
    let (vocabulary, normalizer) = (encoder.vocabulary, encoder.normalizer)
    guard !vocabulary.hasMarkInsidePiece, normalizer.space == SentencePieceVocabulary.spaceMark,
      !normalizer.treatsWhitespaceAsSuffix,
      let mark = vocabulary.id(of: SentencePieceVocabulary.spaceMark), vocabulary.kinds[Int(mark)] == .normal
    else { return nil }
    switch encoder.segmenter {
    case .merger(let merger):
      guard merger.cutsAtWords else { return nil }
      (scores, safeSum) = ([], 0)
      pieceMerger = PieceMerger(vocabulary, merger)
    case .unigram(let segmenter):
      let scores = vocabulary.pieces.indices.map {
        vocabulary.kinds[$0] == .userDefined
          ? UnigramSegmenter.userDefinedScore(vocabulary.pieces[$0].count) : vocabulary.scores[$0]
      }
      guard scores.allSatisfy({ abs($0) < 500 }), abs(segmenter.unknownScore) < 500 else { return nil }
      self.scores = scores
      pieceMerger = nil
      safeSum = UnigramSegmenter.resetThreshold - 32 * max(abs(segmenter.unknownScore), 10)
    case .table: return nil
    }
    guard let scanner = Self.scanner(vocabulary, normalizer, encoder.segmenter) else { return nil }
    self.scanner = scanner
    self.encoder = encoder
    var inner = normalizer
    inner.addsDummyPrefix = normalizer.removesExtraWhitespaces
    self.normalizer = inner
    plain = normalizer.charsMap?.keepsASCII ?? (0..<256).map { $0 < 0x80 }
    isIdentity = normalizer.charsMap == nil
    cuts = SafeCuts(
      tokens: vocabulary.pieces.indices.lazy
        .filter { !SentencePieceVocabulary.isReserved(vocabulary.kinds[$0]) }.map { vocabulary.pieces[$0] })
  }

  private static func scanner(
    _ vocabulary: SentencePieceVocabulary, _ normalizer: SentencePieceNormalizer,
    _ segmenter: SentencePieceEncoder.Segmenter
  ) -> TileScanner? {
    var scanner = TileScanner(takesWhiteSpace: true)
    if !respectsTiles(normalizer.charsMap, scanner) {
      scanner.takesWhiteSpace = false
      guard respectsTiles(normalizer.charsMap, scanner) else { return nil }
    }
    for (id, kind) in vocabulary.kinds.enumerated() where kind == .userDefined {
      let piece = vocabulary.pieces[id]
      if piece.contains(where: scanner.isBlank) || containsMark(piece) { return nil }
    }
    if normalizer.removesExtraWhitespaces, let pool = normalizer.charsMap?.pool, containsMark(pool) { return nil }
    guard !scanner.takesWhiteSpace, !normalizer.removesExtraWhitespaces, normalizer.charsMap == nil,
      !vocabulary.byteIDs.isEmpty, case .merger = segmenter
    else { return scanner }
    // A line feed that no piece holds beside anything else.
    scanner.isolatesLineFeeds = vocabulary.pieces.indices.allSatisfy {
      vocabulary.kinds[$0] == .control || vocabulary.pieces[$0].count < 2 || !vocabulary.pieces[$0].contains(0x0A)
    }
    return scanner
  }

  /// Whether blanks become one space each, alone or many together, and no rule has one behind something else.
  private static func respectsTiles(_ map: SentencePieceCharsMap?, _ scanner: TileScanner) -> Bool {
    guard let map else { return !scanner.takesWhiteSpace }
    let blanks = (0...255).map { scanner.isBlank($0) }
    guard (0...255).allSatisfy({ !blanks[$0] || $0 == 0x20 || map.begins[$0] }) else { return false }
    return map.separates(blanks)
  }

  private static func containsMark(_ text: some Sequence<UInt8>) -> Bool {
    var state = 0
    for byte in text {
      state = byte == 0xE2 ? 1 : state == 1 && byte == 0x96 ? 2 : state == 2 && byte == 0x81 ? 3 : 0
      if state == 3 { return true }
    }
    return false
  }

  // MARK: Encoding

  func append(
    _ tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws -> Bool {
    guard !place.isFirst, !place.isLast, tile.count <= ByteMerger.shortLimit else {
      return append(general: tile, place, &output, scratch)
    }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * tile.count) { text in
      let count = normalize(tile, into: text)
      guard count > 0 else { return append(general: tile, place, &output, scratch) }
      return append(UnsafeBufferPointer(rebasing: text[..<count]), tile, place, &output, scratch)
    }
  }

  private func append(
    general tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) -> Bool {
    let normalizer = place.isFirst ? encoder.normalizer : self.normalizer
    return normalizer.normalize(tile, withOrigins: false).bytes.withUnsafeBufferPointer {
      append($0, tile, place, &output, scratch)
    }
  }

  /// Writes a tile from the midst of a text as it is normalized, where every character but blanks stands for itself.
  ///
  /// - Returns: how many bytes there are, or 0 where the normalizer has to look.
  private func normalize(_ tile: UnsafeBufferPointer<UInt8>, into text: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var count = 0
    var index = 0
    let folds = normalizer.removesExtraWhitespaces
    while index < tile.count, scanner.isBlank(tile[index]) {
      if !folds || index == 0 {
        for byte in SentencePieceVocabulary.spaceMark {
          text[count] = byte
          count &+= 1
        }
      }
      index &+= 1
    }
    guard index < tile.count else { return 0 }
    while index < tile.count {
      let byte = tile[index]
      if byte < 0x80 {
        guard plain[Int(byte)], !scanner.isBlank(byte) else { return 0 }
        text[count] = byte
        (count, index) = (count &+ 1, index &+ 1)
        continue
      }
      let length = isIdentity ? tile.scalarLength(at: index) : 0
      if length == 0 { return 0 }
      for offset in 0..<length { text[count &+ offset] = tile[index &+ offset] }
      (count, index) = (count &+ length, index &+ length)
    }
    return count
  }

  private func append(
    _ text: UnsafeBufferPointer<UInt8>, _ tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace,
    _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) -> Bool {
    if isEntangled(text, tile, place) {
      scratch.isEntangled = true
      return false
    }
    switch encoder.segmenter {
    case .merger(let merger):
      let unknown = encoder.vocabulary.byteIDs.isEmpty ? UInt32(bitPattern: encoder.vocabulary.unknownID) : nil
      return scratch.appendParts(of: text, cuts, unknown: unknown, into: &output) { part, output in
        if let pieceMerger, pieceMerger.append(part, &output, scratch) { return true }
        scratch.segments.removeAll(keepingCapacity: true)
        merger.segment(part, into: &scratch.segments)
        emit(part, &output, scratch)
        return true
      }
    case .unigram(let segmenter):
      scratch.segments.removeAll(keepingCapacity: true)
      if !place.isFirst, tile.count <= WordCache.longLimit, segmenter.segmentIfCertain(text, into: &scratch.segments) {
        emit(text, &output, scratch)
        return true
      }
      var sum = sum(before: tile, segmenter, output, scratch)
      scratch.segments.removeAll(keepingCapacity: true)
      segmenter.segment(text, sum: &sum, into: &scratch.segments)
      emit(text, &output, scratch)
      scratch.sum.set(sum, at: tile.baseAddress.map { $0 + tile.count }, output.count)
      return false
    case .table: return false
    }
  }

  /// Whether what stands around a tile matters to it, or the tile to what stands around it.
  private func isEntangled(
    _ normalized: UnsafeBufferPointer<UInt8>, _ tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace
  ) -> Bool {
    if normalizer.removesExtraWhitespaces {
      if place.isFirst, !encoder.normalizer.addsDummyPrefix, normalized.isEmpty, !place.isLast { return true }
      if place.isLast { return false }
      // A mark at the end would be taken away, and belongs to the blanks behind it. What rules make of an end is not known.
      return isIdentity
        ? tile.suffix(3).elementsEqual(SentencePieceVocabulary.spaceMark)
        : tile.contains(0xE2) && Self.containsMark(tile)
    }
    guard !place.isLast, normalized.count >= 3 else { return false }
    return normalized[normalized.count - 1] == 0x81
      && normalized.suffix(3).elementsEqual(SentencePieceVocabulary.spaceMark)
  }

  private func emit(_ text: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer, _ scratch: EncoderScratch) {
    let vocabulary = encoder.vocabulary
    var consumed = 0
    var afterUnknown = false
    for segment in scratch.segments {
      let isUnknown = segment.id < 0 || vocabulary.kinds[Int(segment.id)] == .unknown
      let end = consumed + Int(segment.length)
      if isUnknown, !vocabulary.byteIDs.isEmpty {
        for index in consumed..<end { output.append(UInt32(bitPattern: vocabulary.byteIDs[Int(text[index])]), end: 0) }
      } else if !(isUnknown && afterUnknown) {
        output.append(UInt32(bitPattern: segment.id), end: 0)
      }
      consumed = end
      afterUnknown = isUnknown
    }
  }

  // MARK: Sums

  /// The sum of the scores of all that stands before a tile.
  private func sum(
    before tile: UnsafeBufferPointer<UInt8>, _ segmenter: UnigramSegmenter, _ output: borrowing TokenBuffer,
    _ scratch: EncoderScratch
  ) -> Float {
    guard let end = tile.baseAddress, let start = scratch.sum.place else { return 0 }
    var sum = scratch.sum.value
    scores.withUnsafeBufferPointer { scores in
      for index in scratch.sum.count..<max(output.count, scratch.sum.count) { sum += scores[Int(output.ids[index])] }
    }
    if abs(sum) < safeSum { return sum }
    // The sum may have been shifted on the way: cut what stands there once more.
    sum = scratch.sum.value
    let normalized = normalizer.normalize(UnsafeBufferPointer(start: start, count: end - start), withOrigins: false)
    normalized.bytes.withUnsafeBufferPointer {
      scratch.segments.removeAll(keepingCapacity: true)
      segmenter.segment($0, sum: &sum, into: &scratch.segments)
    }
    return sum
  }

  func synchronize(_ output: borrowing TokenBuffer, _ scratch: EncoderScratch, at place: UnsafePointer<UInt8>) {
    guard case .unigram(let segmenter) = encoder.segmenter, output.count > scratch.sum.count else { return }
    let sum = sum(before: UnsafeBufferPointer(start: place, count: 0), segmenter, output, scratch)
    scratch.sum.set(sum, at: place, output.count)
  }
}

extension SentencePieceCharsMap {
  /// Whether source texts hold either nothing but certain bytes, and become one space, or none of these bytes.
  ///
  /// - Complexity: O(size of the trie) times 256. Tries share their ends, so that nodes are looked at once and not source by source.
  func separates(_ blanks: [Bool]) -> Bool {
    var seen = [UInt8](repeating: 0, count: units.count)
    var open: [(node: Int, isBlank: Bool)] = []
    let root = Self.children(of: units[0], at: 0)
    func visit(_ byte: Int, of node: Int, isBlank: Bool) -> Bool {
      let unit = units[node ^ byte]
      guard unit & 0x8000_00FF == UInt32(byte) else { return true }
      guard blanks[byte] == isBlank else { return false }
      let child = Self.children(of: unit, at: node ^ byte)
      if isBlank, unit >> 8 & 1 == 1 {
        let text = pool[min(Int(units[child] & 0x7FFF_FFFF), pool.count)...].prefix { $0 != 0 }
        if !text.elementsEqual([0x20]) { return false }
      }
      let bit: UInt8 = isBlank ? 1 : 2
      if seen[child] & bit == 0 {
        seen[child] |= bit
        open.append((child, isBlank))
      }
      return true
    }
    for byte in 0...255 where !visit(byte, of: root, isBlank: blanks[byte]) { return false }
    while let (node, isBlank) = open.popLast() {
      for byte in 0...255 where !visit(byte, of: node, isBlank: isBlank) { return false }
    }
    return true
  }

  private static func children(of unit: UInt32, at index: Int) -> Int {
    index ^ Int((unit >> 10) << ((unit & 0x200) >> 6))
  }
}
