/// The ids of words seen before: what an encoder looks at first, and mostly last.
///
/// A bucket is one cache line with two entries of 32 bytes: a key (up to 15 bytes of text and their number) and up to three ids with
/// their number. More ids stand in a list behind the table. Words of 16 to 31 bytes have a second table with entries of a line each.
/// The tables grow with the words seen, up to a bound; beyond it new words displace old ones.
///
/// One cache belongs to one thread at a time; it never locks.
struct WordCache: ~Copyable {
  /// Text of up to 15 bytes in two words, its length in the highest byte.
  struct Key: Equatable {
    var low: UInt64
    var high: UInt64

    @inline(__always)
    init(low: UInt64, high: UInt64) { (self.low, self.high) = (low, high) }

    /// The upper bits are the good ones.
    @inline(__always)
    var hash: UInt64 { (low ^ (high &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93 }
  }

  static let shortLimit = 15
  static let longLimit = 31
  /// The most ids that stand in an entry itself.
  static let inlineIDs = 3
  static let longInlineIDs = 7

  private static let minimumBits = 10
  private static let maximumBits = 20
  private static let maximumLongBits = 17
  private static let maximumOverflow = 1 << 20

  private var memory: TableMemory
  private var longMemory: TableMemory
  /// The first bucket.
  var buckets: UnsafeMutableRawPointer { memory.base }
  private(set) var bits: Int
  private var used = 0
  private var longBits: Int
  private var longUsed = 0
  /// The ids of words that have more than an entry holds.
  private(set) var overflow: [UInt32] = []

  init() {
    bits = Self.minimumBits
    longBits = Self.minimumBits
    memory = TableMemory(byteCount: 64 << bits)
    longMemory = TableMemory(byteCount: 64 << longBits)
  }

  /// How far to shift a hash to get a bucket.
  @inline(__always) var shift: UInt64 { UInt64(64 &- bits) }

  /// Makes room when the tables are half full. Buckets move, so this must not happen between hashing and looking up.
  mutating func growIfNeeded() {
    if used > 1 << bits, bits < Self.maximumBits { grow() }
    if longUsed * 2 > 1 << longBits, longBits < Self.maximumLongBits { growLong() }
    if overflow.count > Self.maximumOverflow { forget() }
  }

  private mutating func forget() {
    buckets.initializeMemory(as: UInt8.self, repeating: 0, count: 64 << bits)
    longMemory.base.initializeMemory(as: UInt8.self, repeating: 0, count: 64 << longBits)
    overflow.removeAll(keepingCapacity: true)
    (used, longUsed) = (0, 0)
  }

  private mutating func grow() {
    let (old, oldBits) = (memory, bits)
    // Fresh memory is dear, so large tables grow in smaller steps.
    bits = min(bits + (bits < 16 ? 3 : 1), Self.maximumBits)
    memory = TableMemory(byteCount: 64 << bits)
    used = 0
    for slot in 0..<2 << oldBits {
      let entry = old.base + slot << 5
      let key = Key(low: entry.load(as: UInt64.self), high: entry.load(fromByteOffset: 8, as: UInt64.self))
      if key.high != 0 { place(key, entry.load(fromByteOffset: 16, as: SIMD4<UInt32>.self)) }
    }
  }

  @inline(__always)
  private func bucket(_ hash: UInt64) -> UnsafeMutableRawPointer {
    memory.base + Int(truncatingIfNeeded: hash &>> shift) << 6
  }

  /// The bucket for keys whose own bucket is full.
  @inline(__always)
  private func spare(_ key: Key) -> UnsafeMutableRawPointer { bucket(key.hash &* 0x9E37_79B9_7F4A_7C15) }

  private static func freeEntry(_ bucket: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    if bucket.load(fromByteOffset: 8, as: UInt64.self) == 0 { return bucket }
    return bucket.load(fromByteOffset: 40, as: UInt64.self) == 0 ? bucket + 32 : nil
  }

  /// The first entry of a bucket stays: words that come early are mostly those that come often.
  private mutating func place(_ key: Key, _ value: SIMD4<UInt32>) {
    var entry = bucket(key.hash) + 32
    if let free = Self.freeEntry(bucket(key.hash)) ?? Self.freeEntry(spare(key)) {
      entry = free
      used += 1
    }
    entry.storeBytes(of: key.low, as: UInt64.self)
    entry.storeBytes(of: key.high, toByteOffset: 8, as: UInt64.self)
    entry.storeBytes(of: value, toByteOffset: 16, as: SIMD4<UInt32>.self)
  }

  /// Calls the body with the ids of a key and says whether they are known.
  @inline(__always)
  func find(_ key: Key, _ body: (UnsafeBufferPointer<UInt32>) -> Void) -> Bool {
    find(key, in: bucket(key.hash), body) || find(key, in: spare(key), body)
  }

  @inline(__always)
  private func find(
    _ key: Key, in bucket: UnsafeMutableRawPointer, _ body: (UnsafeBufferPointer<UInt32>) -> Void
  ) -> Bool {
    var entry = bucket
    for _ in 0..<2 {
      if entry.load(as: UInt64.self) == key.low, entry.load(fromByteOffset: 8, as: UInt64.self) == key.high {
        let value = UnsafePointer((entry + 16).assumingMemoryBound(to: UInt32.self))
        let count = Int(value[3])
        if count <= Self.inlineIDs {
          body(UnsafeBufferPointer(start: value, count: count))
        } else {
          let first = Int(value[0])
          overflow.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[first..<first + count])) }
        }
        return true
      }
      entry += 32
    }
    return false
  }

  /// Remembers the ids of a word of up to ``shortLimit`` bytes.
  mutating func insert(_ key: Key, _ ids: UnsafeBufferPointer<UInt32>) {
    var value = SIMD4<UInt32>(repeating: 0)
    value[3] = UInt32(ids.count)
    if ids.count <= Self.inlineIDs {
      for index in ids.indices { value[index] = ids[index] }
    } else {
      value[0] = UInt32(overflow.count)
      overflow.append(contentsOf: ids)
    }
    place(key, value)
  }

  // MARK: Longer words

  /// The entry of a word of 16 to 31 bytes: 32 bytes of key, then the number of ids and up to seven of them.
  @inline(__always)
  private func longEntry(_ word: UnsafePointer<UInt8>, _ count: Int, bits: Int) -> (
    entry: UnsafeMutableRawPointer, key: (UInt64, UInt64, UInt64, UInt64)
  ) {
    let raw = UnsafeRawPointer(word)
    // The second half overlaps the first where the word is shorter than 32 bytes; with the length the key is still unambiguous.
    let a = raw.loadUnaligned(as: UInt64.self)
    let b = raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let c = raw.loadUnaligned(fromByteOffset: count &- 16, as: UInt64.self)
    let d = raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    var hash = (a ^ (b &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    hash = (hash ^ (hash &>> 32) ^ c ^ (d &* 0x9E37_79B9_7F4A_7C15)) &* 0xD6E8_FEB8_6659_FD93
    let slot = Int(truncatingIfNeeded: hash &>> UInt64(64 &- bits))
    return (longMemory.base + slot << 6, (a, b, c, d))
  }

  /// Where the ids of a word of 16 to 31 bytes stand, if they are known.
  @inline(__always)
  func longIDs(_ word: UnsafePointer<UInt8>, _ count: Int) -> UnsafeBufferPointer<UInt32>? {
    let (entry, key) = longEntry(word, count, bits: longBits)
    let difference =
      (entry.load(as: UInt64.self) ^ key.0) | (entry.load(fromByteOffset: 8, as: UInt64.self) ^ key.1)
      | (entry.load(fromByteOffset: 16, as: UInt64.self) ^ key.2)
      | (entry.load(fromByteOffset: 24, as: UInt64.self) ^ key.3)
    let head = entry.load(fromByteOffset: 32, as: UInt32.self)
    guard difference == 0, Int(head & 0xFF) == count else { return nil }
    return UnsafeBufferPointer(
      start: (entry + 36).assumingMemoryBound(to: UInt32.self), count: Int(head &>> 8))
  }

  /// Remembers the ids of a word of 16 to 31 bytes, unless they are too many.
  mutating func insertLong(_ word: UnsafePointer<UInt8>, _ count: Int, _ ids: UnsafeBufferPointer<UInt32>) {
    guard ids.count <= Self.longInlineIDs else { return }
    let (entry, key) = longEntry(word, count, bits: longBits)
    if entry.load(fromByteOffset: 32, as: UInt32.self) == 0 { longUsed += 1 }
    entry.storeBytes(of: key.0, as: UInt64.self)
    entry.storeBytes(of: key.1, toByteOffset: 8, as: UInt64.self)
    entry.storeBytes(of: key.2, toByteOffset: 16, as: UInt64.self)
    entry.storeBytes(of: key.3, toByteOffset: 24, as: UInt64.self)
    entry.storeBytes(of: UInt32(ids.count) << 8 | UInt32(count), toByteOffset: 32, as: UInt32.self)
    for index in ids.indices { entry.storeBytes(of: ids[index], toByteOffset: 36 + 4 * index, as: UInt32.self) }
  }

  private mutating func growLong() {
    let (old, oldBits) = (longMemory, longBits)
    longBits = min(longBits + 2, Self.maximumLongBits)
    longMemory = TableMemory(byteCount: 64 << longBits)
    longUsed = 0
    for slot in 0..<1 << oldBits {
      let entry = old.base + slot << 6
      let head = entry.load(fromByteOffset: 32, as: UInt32.self)
      guard head != 0 else { continue }
      let count = Int(head & 0xFF)
      // Rebuild the text from its two overlapping halves.
      withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { copy in
        guard let base = copy.baseAddress else { return }
        base.copyMemory(from: entry, byteCount: 16)
        (base + count - 16).copyMemory(from: entry + 16, byteCount: 16)
        let word = base.assumingMemoryBound(to: UInt8.self)
        insertLong(
          word, count,
          UnsafeBufferPointer(start: (entry + 36).assumingMemoryBound(to: UInt32.self), count: Int(head >> 8)))
      }
    }
  }
}
