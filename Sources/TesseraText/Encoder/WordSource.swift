/// What gives the ids of words that the cache does not know.
///
/// The loop over the words of a chunk stands once, in ``encodePieces(_:_:_:_:_:_:_:_:)``, and is compiled for each source.
protocol WordSource: AnyObject, Sendable {
  /// The bytes that each token stands for; only asked for when places are wanted.
  var byteCounts: UnsafeMutablePointer<UInt32> { get }
  /// Whether ``callForWords(_:_:_:_:)`` is worth calling.
  var takesWholeWords: Bool { get }
  /// Where one word is unknown others are: calls for the memory they will need.
  func callForWords(_ text: UnsafePointer<UInt8>, _ first: Int, _ count: Int, _ scratch: EncoderScratch)
  /// Appends the ids of a word that the first look into the cache did not give, and says whether it was a short word that nobody had
  /// seen before.
  ///
  /// - Parameter readable: how many bytes may be read from the start of the word.
  func appendRare(
    _ word: UnsafeBufferPointer<UInt8>, _ key: WordCache.Key, _ readable: Int, _ output: inout TokenBuffer,
    _ scratch: EncoderScratch
  ) -> Bool
}

extension WordSource {
  /// Appends the tokens of pieces that follow one another from `start`; their ends stand in the scratch memory.
  @inline(never)
  func encodePieces<Places: PlaceMode>(
    _ text: UnsafePointer<UInt8>, _ size: Int, _ start: Int, _ count: Int, _ origin: Int,
    _ output: inout TokenBuffer, _ scratch: EncoderScratch, _ places: Places.Type
  ) {
    output.dropIfCounting()
    scratch.cache.growIfNeeded()
    scratch.computeKeys(text, size, start, count)
    // Every piece writes four ids before it moves on by as many as it has.
    output.reserve(3 * count + 4)
    let byteCounts = self.byteCounts
    let (buckets, places, lows, highs) = (scratch.cache.buckets, scratch.places, scratch.lows, scratch.highs)
    var ids = output.ids + output.count
    var ends = output.ends + (Places.areWanted ? output.count : 0)
    var pieceStart = UInt32(truncatingIfNeeded: start)
    let shift = UInt32(truncatingIfNeeded: origin)
    var index = 0
    var isWarned = !takesWholeWords
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
      output.count = output.ids.distance(to: ids)
      if isOther0 & isOther1 == 0, !Places.areWanted {
        output.append(
          contentsOf: UnsafeBufferPointer(
            start: scratch.cache.overflow + Int(value[0]), count: Int(truncatingIfNeeded: found)))
        output.reserve(3 * (count &- index) + 4)
        ids = output.ids + output.count
        index &+= 1
        continue
      }
      let from = index == 0 ? start : Int(scratch.ends[index &- 1])
      let word = UnsafeBufferPointer(start: text + from, count: Int(scratch.ends[index]) &- from)
      let isUnknown = appendRare(word, WordCache.Key(low: low, high: high), size &- from, &output, scratch)
      if isUnknown, !isWarned {
        isWarned = true
        callForWords(text, index &+ 1, count, scratch)
      }
      if Places.areWanted { fillEnds(of: &output, from: output.ids.distance(to: ids), UInt32(from) &+ shift) }
      output.reserve(3 * (count &- index) + 4)
      ids = output.ids + output.count
      ends = output.ends + (Places.areWanted ? output.count : 0)
      index &+= 1
      pieceStart = scratch.ends[index &- 1]
    }
    output.count = output.ids.distance(to: ids)
  }

  private func fillEnds(of output: inout TokenBuffer, from first: Int, _ start: UInt32) {
    let byteCounts = self.byteCounts
    var end = start
    for index in first..<output.count {
      end &+= byteCounts[Int(output.ids[index])]
      output.ends[index] = end
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
