/// Encodes text tile by tile where the stages of a tokenizer see words and not the whole text.
///
/// Tiles are cut from the raw text so that the ids of the whole are those of its tiles, one after the other: the cache then knows raw
/// words and no stage runs for them. What gives the ids of a tile alone is a ``TileSource``; the first and the last tile of a text
/// may differ from those in its midst.
final class WordEncoder<Source: TileSource>: WordSource, @unchecked Sendable {
  let source: Source
  private let scanner: TileScanner
  /// Places are not written here.
  private let noCounts = TableMemory(byteCount: 0)
  let byteCounts: UnsafeMutablePointer<UInt32>

  init(_ source: Source) {
    self.source = source
    scanner = source.scanner
    byteCounts = noCounts.row(of: UInt32.self)
  }

  /// Appends the ids of a text that holds no added tokens.
  ///
  /// - Parameter part: where it stands in the whole text.
  /// - Returns: false when the text cannot be cut into tiles; what was appended then must be taken back.
  func encode(
    _ text: UnsafeBufferPointer<UInt8>, part: TextPart, into output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws -> Bool {
    guard let base = text.baseAddress, text.count > 0 else { return true }
    (scratch.failure, scratch.isEntangled) = (nil, false)
    scratch.sum.set(part.sum, at: base, output.count)
    var position = 0
    while position < text.count {
      drop(&output, scratch, at: base + position)
      var (count, end) = scanner.fill(text, from: position, scratch.ends, capacity: EncoderScratch.capacity)
      var last = text.count
      if position == 0, part.isStart, source.hasEdges {
        let first = Int(scratch.ends[0])
        try appendEdge(text, 0..<first, isFirst: true, part, &output, scratch)
        if first == text.count { return !scratch.isEntangled }
        // The loop takes what follows.
        for index in 1..<count { scratch.ends[index - 1] = scratch.ends[index] }
        (position, count) = (first, count - 1)
        drop(&output, scratch, at: base + position)
      }
      if end == text.count, part.isEnd, source.hasEdges, count > 0 {
        count -= 1
        last = count > 0 ? Int(scratch.ends[count - 1]) : position
      }
      if count > 0 {
        encodePieces(base, text.count, position, count, part.origin, &output, scratch, WithoutPlaces.self)
      }
      if let failure = scratch.failure { throw failure }
      if scratch.isEntangled { return false }
      position = end
      if last < text.count {
        try appendEdge(text, last..<text.count, isFirst: false, part, &output, scratch)
        if scratch.isEntangled { return false }
      }
    }
    return true
  }

  /// Appends the tokens of a text that cannot be cut into tiles: as one tile.
  ///
  /// - Returns: as ``encode(_:part:into:_:)``.
  func encodeWhole(
    _ text: UnsafeBufferPointer<UInt8>, part: TextPart, into output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws -> Bool {
    guard text.count > 0 else { return true }
    (scratch.failure, scratch.isEntangled) = (nil, false)
    scratch.sum.set(part.sum, at: text.baseAddress, output.count)
    try appendEdge(text, text.indices, isFirst: part.isStart, part, &output, scratch)
    return !scratch.isEntangled
  }

  /// The exact sum of scores at the end of a text that was just encoded; zero where none is kept.
  func sum(
    atEndOf text: UnsafeBufferPointer<UInt8>, _ output: borrowing TokenBuffer, _ scratch: EncoderScratch
  ) -> Float {
    guard let base = text.baseAddress else { return scratch.sum.value }
    source.synchronize(output, scratch, at: base + text.count)
    return scratch.sum.value
  }

  private func drop(_ output: inout TokenBuffer, _ scratch: EncoderScratch, at place: UnsafePointer<UInt8>) {
    guard output.countsOnly else { return }
    source.synchronize(output, scratch, at: place)
    output.dropIfCounting()
    scratch.sum.count = output.count
  }

  private func appendEdge(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, isFirst: Bool, _ part: TextPart,
    _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws {
    let place = TilePlace(
      isFirst: isFirst, isLast: part.isEnd && range.upperBound == text.count, base: part.origin + range.lowerBound)
    _ = try source.append(UnsafeBufferPointer(rebasing: text[range]), place, &output, scratch)
  }

  // MARK: Words

  var takesWholeWords: Bool { false }

  func callForWords(_ text: UnsafePointer<UInt8>, _ first: Int, _ count: Int, _ scratch: EncoderScratch) {}

  @inline(never)
  func appendRare(
    _ word: UnsafeBufferPointer<UInt8>, _ key: WordCache.Key, _ readable: Int, _ output: inout TokenBuffer,
    _ scratch: EncoderScratch
  ) -> Bool {
    guard let base = word.baseAddress, scratch.failure == nil, !scratch.isEntangled else { return false }
    let length = word.count
    if length <= WordCache.shortLimit {
      if scratch.cache.find(key, { output.append(contentsOf: $0) }) { return false }
    } else if length <= WordCache.longLimit,
      scratch.cache.findLong(base, length, isPart: false, { output.append(contentsOf: $0) })
    {
      return false
    }
    let first = output.count
    do {
      guard try source.append(word, TilePlace.inside, &output, scratch) else { return false }
    } catch {
      scratch.failure = error as? TokenizerError
      return false
    }
    let ids = UnsafeBufferPointer(start: output.ids + first, count: output.count - first)
    if length <= WordCache.shortLimit {
      scratch.cache.insert(key, ids)
    } else if length <= WordCache.longLimit {
      scratch.cache.insertLong(base, length, isPart: false, ids)
    }
    return false
  }
}

/// A part of a text: where it stands in the whole.
struct TextPart {
  /// How many bytes stand before it.
  var origin = 0
  /// Whether nothing stands before it.
  var isStart = true
  /// Whether nothing stands behind it.
  var isEnd = true
  /// The sum of the scores of what stands before it, for models where it decides.
  var sum: Float = 0

  var isWhole: Bool { isStart && isEnd }
}

/// Where a tile stands.
struct TilePlace {
  var isFirst: Bool
  var isLast: Bool
  /// Where it begins in the whole text; anything but 0 will do for one that is not the first.
  var base: Int

  static var inside: TilePlace { TilePlace(isFirst: false, isLast: false, base: 1) }
}

/// What encodes a tile alone.
protocol TileSource: AnyObject, Sendable {
  var scanner: TileScanner { get }
  /// Whether the first and the last tile of a text differ from others.
  var hasEdges: Bool { get }
  /// Appends the ids of a tile.
  ///
  /// - Returns: whether another tile of the same bytes always has these ids. When the tile cannot be encoded alone, which is noted in
  ///   the scratch memory, the answer is no.
  func append(
    _ tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws -> Bool
  /// Called before ids are dropped, when those of the text before a place are there.
  func synchronize(_ output: borrowing TokenBuffer, _ scratch: EncoderScratch, at place: UnsafePointer<UInt8>)
}

extension TileSource {
  func synchronize(_ output: borrowing TokenBuffer, _ scratch: EncoderScratch, at place: UnsafePointer<UInt8>) {}
}
