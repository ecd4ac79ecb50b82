/// Byte-level byte-pair encoding at the speed of memory: pieces from a mask scanner, their ids from a cache.
///
/// A chunk of some hundred pieces passes three loops: the scanner writes where they end; keys and buckets are computed and the
/// buckets' lines called for; the buckets are read and ids stored, three at once and without a branch that depends on the text.
/// Only what the cache does not know, or words of more than three ids, take the way over ``ByteMerger``.
final class ByteLevelEncoder: WordSource {
  let segmenter: PieceSegmenter
  private let merger: ByteMerger

  /// - Returns: `nil` when the tokenizer's parts need the general pipeline.
  init?(_ model: BPEModel, preTokenizer: PreTokenizer?) {
    guard let preTokenizer, preTokenizer.endsInByteLevel, let segmenter = PieceSegmenter(byteLevel: preTokenizer),
      let merger = ByteMerger(model)
    else { return nil }
    self.segmenter = segmenter
    self.merger = merger
  }

  /// Appends the tokens of a text that holds no added tokens.
  ///
  /// - Parameter origin: what is added to places.
  /// - Complexity: O(n).
  func encode(
    _ text: UnsafeBufferPointer<UInt8>, origin: Int, into output: inout TokenBuffer, _ scratch: EncoderScratch
  ) {
    if output.hasPlaces {
      encode(text, origin, into: &output, scratch, places: WithPlaces.self)
    } else {
      encode(text, origin, into: &output, scratch, places: WithoutPlaces.self)
    }
  }

  private func encode<Places: PlaceMode>(
    _ text: UnsafeBufferPointer<UInt8>, _ origin: Int, into output: inout TokenBuffer, _ scratch: EncoderScratch,
    places: Places.Type
  ) {
    switch segmenter {
    case .gpt2(let scanner): run(scanner, text, origin, &output, scratch, places)
    case .cl100k(let scanner): run(scanner, text, origin, &output, scratch, places)
    case .o200k(let scanner): run(scanner, text, origin, &output, scratch, places)
    case .deepSeek(let scanner): run(scanner, text, origin, &output, scratch, places)
    case .whole:
      guard text.count > 0, let base = text.baseAddress else { return }
      scratch.ends[0] = UInt32(text.count)
      encodePieces(base, text.count, 0, 1, origin, &output, scratch, places)
    case .general(let preTokenizer):
      guard let base = text.baseAddress else { return }
      var pieces = Pieces(input: Array(text))
      preTokenizer.apply(to: &pieces)
      var (done, start) = (0, 0)
      while done < pieces.pieces.count, !output.isFull {
        let count = min(EncoderScratch.capacity, pieces.pieces.count - done)
        for index in 0..<count { scratch.ends[index] = UInt32(pieces.pieces[done + index].end) }
        encodePieces(base, text.count, start, count, origin, &output, scratch, places)
        done += count
        start = Int(scratch.ends[count - 1])
      }
    }
  }

  @inline(__always)
  private func run<Scanner: MaskScanner, Places: PlaceMode>(
    _ scanner: Scanner, _ text: UnsafeBufferPointer<UInt8>, _ origin: Int, _ output: inout TokenBuffer,
    _ scratch: EncoderScratch, _ places: Places.Type
  ) {
    guard let base = text.baseAddress else { return }
    var position = 0
    while position < text.count, !output.isFull {
      let (count, end) = scanner.fill(text, from: position, scratch.ends, capacity: EncoderScratch.capacity)
      encodePieces(base, text.count, position, count, origin, &output, scratch, places)
      position = end
    }
  }

  // MARK: Words

  var byteCounts: UnsafeMutablePointer<UInt32> { merger.vocabulary.lengths }
  var takesWholeWords: Bool { merger.takesWholeWords }

  /// Where one word is unknown others are: calls for the lines where the ids of whole words would stand.
  @inline(never)
  func callForWords(_ text: UnsafePointer<UInt8>, _ first: Int, _ count: Int, _ scratch: EncoderScratch) {
    for index in first..<count {
      let bucket = scratch.cache.buckets + Int(scratch.places[index])
      let (low, high) = (scratch.lows[index], scratch.highs[index])
      if bucket.load(as: UInt64.self) == low, bucket.load(fromByteOffset: 8, as: UInt64.self) == high { continue }
      if bucket.load(fromByteOffset: 32, as: UInt64.self) == low,
        bucket.load(fromByteOffset: 40, as: UInt64.self) == high
      {
        continue
      }
      let length = Int(truncatingIfNeeded: high &>> 56)
      guard length <= WordCache.shortLimit else { continue }
      let start = Int(scratch.ends[index]) &- length
      merger.vocabulary.prefetch(UnsafeBufferPointer(start: text + start, count: length))
    }
  }

  /// Appends the ids of a word that the first look into the cache did not give: it has more ids than an entry, stands elsewhere, is
  /// long or unknown.
  ///
  /// - Parameter readable: how many bytes may be read from the start of the word.
  /// - Returns: whether it was a short word that nobody had seen before.
  @inline(never)
  func appendRare(
    _ word: UnsafeBufferPointer<UInt8>, _ key: WordCache.Key, _ readable: Int, _ output: inout TokenBuffer,
    _ scratch: EncoderScratch
  ) -> Bool {
    guard let base = word.baseAddress else { return false }
    let length = word.count
    if length <= WordCache.shortLimit {
      if scratch.cache.find(key, { output.append(contentsOf: $0) }) { return false }
      output.reserve(length)
      let target = output.ids + output.count
      let count = mergeShort(base, length, target, scratch)
      output.count += count
      scratch.cache.insert(key, UnsafeBufferPointer(start: target, count: count))
      return true
    }
    let isCached = length <= WordCache.longLimit
    if isCached, scratch.cache.findLong(base, length, isPart: false, { output.append(contentsOf: $0) }) { return false }
    let first = output.count
    appendLong(word, readable, &output, scratch)
    if isCached {
      scratch.cache.insertLong(
        base, length, isPart: false, UnsafeBufferPointer(start: output.ids + first, count: output.count - first))
    }
    return false
  }

  /// The ids of a word of up to ``ByteMerger/shortLimit`` bytes.
  private func mergeShort(
    _ word: UnsafePointer<UInt8>, _ length: Int, _ ids: UnsafeMutablePointer<UInt32>, _ scratch: EncoderScratch
  ) -> Int {
    if merger.takesWholeWords, let id = merger.vocabulary.id(of: UnsafeBufferPointer(start: word, count: length)) {
      ids[0] = id
      return 1
    }
    return merger.mergeShort(word, length, ids, scratch.ranks)
  }

  /// So many bytes of long words are merged as they are before it pays to ask where they may be cut.
  private static let patience = 1 << 16

  /// Appends the ids of a word that no entry of the cache could hold or does hold: cut where no token reaches across.
  private func appendLong(
    _ word: UnsafeBufferPointer<UInt8>, _ readable: Int, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) {
    if merger.takesWholeWords, let id = merger.vocabulary.id(of: word) {
      output.append(id, end: 0)
      return
    }
    scratch.uncachedBytes += word.count
    guard scratch.uncachedBytes > Self.patience else { return appendMerged(word, &output, scratch) }
    let cuts = scratch.cuts ?? merger.cuts
    scratch.cuts = cuts
    var start = 0
    cuts.forEachCut(in: word) { end in
      appendPart(
        UnsafeBufferPointer(rebasing: word[start..<end]), readable &- start, &output, scratch)
      start = end
    }
    // A word without cuts is no part: whoever asked remembers it whole.
    if start == 0 { return appendMerged(word, &output, scratch) }
    appendPart(UnsafeBufferPointer(rebasing: word[start...]), readable &- start, &output, scratch)
  }

  /// Appends the ids of a part of a word.
  private func appendPart(
    _ part: UnsafeBufferPointer<UInt8>, _ readable: Int, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) {
    guard let base = part.baseAddress else { return }
    let length = part.count
    guard length <= WordCache.shortLimit else { return appendLongPart(part, &output, scratch) }
    let key = scratch.partKey(base, length, readable: readable)
    if scratch.cache.find(key, { output.append(contentsOf: $0) }) { return }
    output.reserve(length)
    let target = output.ids + output.count
    let count = merger.mergeShort(base, length, target, scratch.ranks)
    output.count += count
    scratch.cache.insert(key, UnsafeBufferPointer(start: target, count: count))
  }

  private func appendLongPart(
    _ part: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) {
    guard let base = part.baseAddress else { return }
    let length = part.count
    let isCached = length <= WordCache.longLimit
    if isCached, scratch.cache.findLong(base, length, isPart: true, { output.append(contentsOf: $0) }) { return }
    let first = output.count
    appendMerged(part, &output, scratch)
    if isCached {
      scratch.cache.insertLong(
        base, length, isPart: true, UnsafeBufferPointer(start: output.ids + first, count: output.count - first))
    }
  }

  /// Appends the ids that merging alone gives, of a word or a part of any length.
  private func appendMerged(
    _ word: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) {
    guard let base = word.baseAddress, word.count <= ByteMerger.shortLimit else {
      return merger.mergeLong(word, into: &output, scratch)
    }
    output.reserve(word.count)
    output.count += merger.mergeShort(base, word.count, output.ids + output.count, scratch.ranks)
  }
}
