/// Byte-level byte-pair encoding at the speed of memory: pieces from a mask scanner, their ids from a cache.
///
/// A chunk of some hundred pieces passes three loops: the scanner writes where they end; keys and buckets are computed and the
/// buckets' lines called for; the buckets are read and ids stored, three at once and without a branch that depends on the text.
/// Only what the cache does not know, or words of more than three ids, take the way over ``ByteMerger``.
final class ByteLevelEncoder: Sendable {
  private let segmenter: PieceSegmenter
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

  // MARK: Pieces to ids

  /// Appends the tokens of pieces that follow one another from `start`; their ends stand in the scratch memory.
  @inline(never)
  private func encodePieces<Places: PlaceMode>(
    _ text: UnsafePointer<UInt8>, _ size: Int, _ start: Int, _ count: Int, _ origin: Int,
    _ output: inout TokenBuffer, _ scratch: EncoderScratch, _ places: Places.Type
  ) {
    output.dropIfCounting()
    scratch.cache.growIfNeeded()
    scratch.computeKeys(text, size, start, count)
    // No piece has more ids than bytes, and each writes four before it moves on by as many as it has.
    output.reserve(Int(scratch.ends[count &- 1]) &- start &+ 4)
    let byteCounts = merger.vocabulary.lengths
    let (buckets, places, lows, highs) = (scratch.cache.buckets, scratch.places, scratch.lows, scratch.highs)
    var ids = output.ids + output.count
    var ends = output.ends + (Places.areWanted ? output.count : 0)
    var pieceStart = UInt32(truncatingIfNeeded: start)
    let shift = UInt32(truncatingIfNeeded: origin)
    var index = 0
    var isWarned = !merger.takesWholeWords
    while index < count {
      let bucket = buckets + Int(places[index])
      let (low, high) = (lows[index], highs[index])
      let difference0 = (bucket.load(as: UInt64.self) ^ low) | (bucket.load(fromByteOffset: 8, as: UInt64.self) ^ high)
      let difference1 =
        (bucket.load(fromByteOffset: 32, as: UInt64.self) ^ low)
        | (bucket.load(fromByteOffset: 40, as: UInt64.self) ^ high)
      // 1 for a difference, 0 for none; written as arithmetic, since which entry it is cannot be foreseen.
      let isOther0 = (difference0 | (0 &- difference0)) &>> 63
      let isOther1 = (difference1 | (0 &- difference1)) &>> 63
      let entry = bucket + Int(truncatingIfNeeded: isOther0 &<< 5)
      let value = entry.load(fromByteOffset: 16, as: SIMD4<UInt32>.self)
      UnsafeMutableRawPointer(ids).storeBytes(of: value, as: SIMD4<UInt32>.self)
      let found = UInt64(truncatingIfNeeded: value[3])
      if (isOther0 & isOther1) | ((3 &- found) &>> 63) == 0 {
        if Places.areWanted {
          let end0 = pieceStart &+ shift &+ byteCounts[Int(value[0])]
          let end1 = end0 &+ byteCounts[Int(value[1])]
          let end2 = end1 &+ byteCounts[Int(value[2])]
          UnsafeMutableRawPointer(ends).storeBytes(
            of: SIMD4<UInt32>(end0, end1, end2, end2), as: SIMD4<UInt32>.self)
          ends += Int(truncatingIfNeeded: found)
          pieceStart = scratch.ends[index]
        }
        ids += Int(truncatingIfNeeded: found)
        index &+= 1
        continue
      }
      if isOther0 & isOther1 == 0, !Places.areWanted {
        let source = scratch.cache.overflow + Int(value[0])
        for step in 0..<Int(truncatingIfNeeded: found) { ids[step] = source[step] }
        ids += Int(truncatingIfNeeded: found)
        index &+= 1
        continue
      }
      output.count = output.ids.distance(to: ids)
      let from = index == 0 ? start : Int(scratch.ends[index &- 1])
      let word = UnsafeBufferPointer(start: text + from, count: Int(scratch.ends[index]) &- from)
      let isUnknown = appendRare(word, WordCache.Key(low: low, high: high), size &- from, &output, scratch)
      if isUnknown, !isWarned {
        isWarned = true
        callForWords(text, index &+ 1, count, scratch)
      }
      if Places.areWanted { fillEnds(of: &output, from: output.ids.distance(to: ids), UInt32(from) &+ shift) }
      ids = output.ids + output.count
      ends = output.ends + (Places.areWanted ? output.count : 0)
      index &+= 1
      pieceStart = scratch.ends[index &- 1]
    }
    output.count = output.ids.distance(to: ids)
  }

  /// Where one word is unknown others are: calls for the lines where the ids of whole words would stand.
  @inline(never)
  private func callForWords(_ text: UnsafePointer<UInt8>, _ first: Int, _ count: Int, _ scratch: EncoderScratch) {
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

  private func fillEnds(of output: inout TokenBuffer, from first: Int, _ start: UInt32) {
    let byteCounts = merger.vocabulary.lengths
    var end = start
    for index in first..<output.count {
      end &+= byteCounts[Int(output.ids[index])]
      output.ends[index] = end
    }
  }

  /// Appends the ids of a word that the first look into the cache did not give: it has more ids than an entry, stands elsewhere, is
  /// long or unknown.
  ///
  /// - Parameter readable: how many bytes may be read from the start of the word.
  /// - Returns: whether it was a short word that nobody had seen before.
  @inline(never)
  private func appendRare(
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
    guard scratch.uncachedBytes > Self.patience else { return appendPart(word, readable, &output, scratch) }
    let cuts = scratch.cuts ?? merger.cuts
    scratch.cuts = cuts
    var start = 0
    cuts.forEachCut(in: word) { end in
      appendPart(
        UnsafeBufferPointer(rebasing: word[start..<end]), readable &- start, &output, scratch)
      start = end
    }
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
    guard let base = part.baseAddress, part.count <= ByteMerger.shortLimit else {
      return merger.mergeLong(part, into: &output, scratch)
    }
    let length = part.count
    let isCached = length <= WordCache.longLimit
    if isCached, scratch.cache.findLong(base, length, isPart: true, { output.append(contentsOf: $0) }) { return }
    output.reserve(length)
    let target = output.ids + output.count
    let count = merger.mergeShort(base, length, target, scratch.ranks)
    output.count += count
    if isCached {
      scratch.cache.insertLong(base, length, isPart: true, UnsafeBufferPointer(start: target, count: count))
    }
  }
}

/// Whether places are written beside ids; a type, so that the loop without them is compiled without them.
protocol PlaceMode {
  static var areWanted: Bool { get }
}

enum WithPlaces: PlaceMode {
  @inline(__always) static var areWanted: Bool { true }
}

enum WithoutPlaces: PlaceMode {
  @inline(__always) static var areWanted: Bool { false }
}
