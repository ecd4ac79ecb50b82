#if hasFeature(BuiltinModule)
  import Builtin
#endif

/// What one thread needs to encode: its cache of words and the rows of a chunk. Kept from text to text.
final class EncoderScratch {
  /// Pieces in a chunk.
  static let capacity = 512

  var cache = WordCache()
  /// Where the pieces of the chunk end.
  let ends: UnsafeMutablePointer<UInt32>
  /// The two halves of the pieces' keys.
  let lows: UnsafeMutablePointer<UInt64>
  let highs: UnsafeMutablePointer<UInt64>
  /// Byte offsets of the pieces' buckets.
  let places: UnsafeMutablePointer<UInt32>
  /// Ranks while a word is merged.
  let ranks: UnsafeMutablePointer<UInt32>
  /// Merges words that are too long for a rescan of their ranks.
  var longMerger = BPEMerger()
  /// The merger of long words, or `nil` inside when the model has none, or `nil` when nobody asked yet.
  var linear: LinearMerger??
  /// Bytes of long words so far.
  var longBytes = 0
  /// Bytes of words too long for an entry so far.
  var uncachedBytes = 0
  var cuts: SafeCuts?
  /// The tables for words of Unigram and WordPiece, or `nil` inside when the model has none, or `nil` when nobody asked yet.
  var trieWords: TrieWords??
  /// Words that the cache did not know before those tables were made.
  var newWords = 0
  private var dead: UnsafeMutablePointer<UInt64>
  private var deadCount = 16
  /// What went wrong with a word of the text under way.
  var failure: TokenizerError?
  /// A word of the text under way cannot be encoded on its own.
  var isEntangled = false
  /// The exact sum of scores, for models where it decides.
  var sum = RunningSum()
  var segments: [SentencePieceSegment] = []
  /// For the general pipeline.
  var model = ModelScratch()
  private let masks: UnsafeMutablePointer<UInt64>

  init() {
    ends = .allocate(capacity: Self.capacity)
    lows = .allocate(capacity: Self.capacity)
    highs = .allocate(capacity: Self.capacity)
    places = .allocate(capacity: Self.capacity)
    dead = .allocate(capacity: deadCount)
    dead.initialize(repeating: 0, count: deadCount)
    ranks = .allocate(capacity: ByteMerger.shortLimit)
    masks = .allocate(capacity: 2 * 16)
    for length in 0..<16 {
      masks[2 * length] = length >= 8 ? .max : 1 << UInt64(8 * length) - 1
      // The length itself stands in the highest byte.
      masks[2 * length + 1] = length > 8 ? 1 << UInt64(8 * (length - 8)) - 1 : 0
    }
  }

  deinit {
    ends.deallocate()
    lows.deallocate()
    highs.deallocate()
    places.deallocate()
    ranks.deallocate()
    dead.deallocate()
    masks.deallocate()
  }

  /// Bits that are all zero, and must be left so.
  func deadBits(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    let words = count / 64 + 1
    if words > deadCount {
      dead.deallocate()
      deadCount = words
      dead = .allocate(capacity: words)
      dead.initialize(repeating: 0, count: words)
    }
    return dead
  }

  /// Computes the keys of the pieces and calls for the lines of their buckets.
  ///
  /// A piece of more than 15 bytes gets a key that no entry has.
  @inline(__always)
  func computeKeys(_ text: UnsafePointer<UInt8>, _ size: Int, _ start: Int, _ count: Int) {
    let (ends, lows, highs, places, masks) = (self.ends, self.lows, self.highs, self.places, self.masks)
    let (buckets, shift) = (cache.buckets, cache.shift)
    let raw = UnsafeRawPointer(text)
    let safe = size &- 16
    var from = start
    var index = 0
    while index < count {
      let end = Int(ends[index])
      let length = end &- from
      var low: UInt64
      var high: UInt64
      if from <= safe {
        low = raw.loadUnaligned(fromByteOffset: from, as: UInt64.self)
        high = raw.loadUnaligned(fromByteOffset: from &+ 8, as: UInt64.self)
      } else {
        (low, high) = Self.lastBytes(text + from, min(size &- from, 15))
      }
      let row = min(length, 16) & 15
      low &= masks[2 &* row]
      high = (high & masks[2 &* row &+ 1]) | UInt64(truncatingIfNeeded: min(length, 16)) &<< 56
      let key = WordCache.Key(low: low, high: high)
      let place = Int(truncatingIfNeeded: key.hash &>> shift) &<< 6
      prefetch(buckets + place)
      if length > WordCache.shortLimit, length <= WordCache.longLimit { cache.prefetchLong(text + from, length) }
      lows[index] = low
      highs[index] = high
      places[index] = UInt32(truncatingIfNeeded: place)
      from = end
      index &+= 1
    }
  }

  /// The key of a part of a word: as if it were a word, but never taken for one, since whole words may be tokens that no merge makes.
  @inline(__always)
  func partKey(_ bytes: UnsafePointer<UInt8>, _ count: Int, readable: Int) -> WordCache.Key {
    var low: UInt64
    var high: UInt64
    if readable >= 16 {
      low = UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self)
      high = UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    } else {
      (low, high) = Self.lastBytes(bytes, min(readable, 15))
    }
    low &= masks[2 &* count]
    high = (high & masks[2 &* count &+ 1]) | UInt64(truncatingIfNeeded: count | 0x80) &<< 56
    return WordCache.Key(low: low, high: high)
  }

  @inline(never)
  private static func lastBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> (UInt64, UInt64) {
    var low: UInt64 = 0
    var high: UInt64 = 0
    for index in 0..<count {
      if index < 8 {
        low |= UInt64(bytes[index]) << UInt64(8 * index)
      } else {
        high |= UInt64(bytes[index]) << UInt64(8 * (index - 8))
      }
    }
    return (low, high)
  }
}

/// Calls for a line of memory that will be read soon.
@inline(__always)
func prefetch(_ address: UnsafeMutableRawPointer) {
  #if hasFeature(BuiltinModule)
    // To be read, and to stay in all caches.
    Builtin.int_prefetch_RawPointer(address._rawValue, Int32(0)._value, Int32(3)._value, Int32(1)._value)
  #endif
}
