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
  private static let maximumLongBits = 18
  private static let maximumOverflow = 1 << 23

  private var memory: TableMemory
  private var longMemory: TableMemory
  /// The first bucket.
  var buckets: UnsafeMutableRawPointer { memory.base }
  private(set) var bits: Int
  private var used = 0
  private var longBits: Int
  private var longUsed = 0
  /// The ids of words that have more than an entry holds.
  private(set) var overflow: UnsafeMutablePointer<UInt32>
  private var overflowCount = 0
  private var overflowCapacity = 1 << 10

  init() {
    bits = Self.minimumBits
    longBits = Self.minimumBits
    memory = TableMemory(byteCount: 64 << bits)
    longMemory = TableMemory(byteCount: 64 << longBits)
    overflow = .allocate(capacity: overflowCapacity)
  }

  deinit { overflow.deallocate() }

  /// Keeps ids outside of the entries and returns where they begin.
  private mutating func keep(_ ids: UnsafeBufferPointer<UInt32>) -> UInt32 {
    let first = overflowCount
    if first + ids.count > overflowCapacity {
      overflowCapacity = max(2 * overflowCapacity, first + ids.count)
      let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: overflowCapacity)
      larger.update(from: overflow, count: first)
      overflow.deallocate()
      overflow = larger
    }
    for index in ids.indices { overflow[first + index] = ids[index] }
    overflowCount += ids.count
    return UInt32(first)
  }

  /// How far to shift a hash to get a bucket.
  @inline(__always) var shift: UInt64 { UInt64(64 &- bits) }

  /// Makes room when the tables are half full. Buckets move, so this must not happen between hashing and looking up.
  mutating func growIfNeeded() {
    if used > 1 << bits, bits < Self.maximumBits { grow() }
    if longUsed * 4 > 3 << longBits, longBits < Self.maximumLongBits { growLong() }
    if overflowCount > Self.maximumOverflow { forget() }
  }

  private mutating func forget() {
    buckets.initializeMemory(as: UInt8.self, repeating: 0, count: 64 << bits)
    longMemory.base.initializeMemory(as: UInt8.self, repeating: 0, count: 64 << longBits)
    overflowCount = 0
    (used, longUsed) = (0, 0)
  }

  private mutating func grow() {
    let (old, oldBits) = (memory, bits)
    // Fresh memory is dear, so large tables grow in smaller steps.
    bits = min(bits + (bits < 16 ? 3 : bits < 18 ? 2 : 1), Self.maximumBits)
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
    if find(key, in: bucket(key.hash), body) { return true }
    // A key goes to its spare bucket only when its own is full.
    return Self.freeEntry(bucket(key.hash)) == nil && find(key, in: spare(key), body)
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
          body(UnsafeBufferPointer(start: overflow + Int(value[0]), count: count))
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
      value[0] = keep(ids)
    }
    place(key, value)
  }

  // MARK: Longer words

  /// The key of a word of 16 to 31 bytes. Its second half overlaps the first where the word is shorter than 32 bytes; with the length
  /// it is still unambiguous.
  private struct LongKey {
    let words: (UInt64, UInt64, UInt64, UInt64)
    /// The length, and a bit that tells parts of words from words.
    let tag: UInt32

    @inline(__always)
    init(_ word: UnsafePointer<UInt8>, _ count: Int, isPart: Bool) {
      let raw = UnsafeRawPointer(word)
      words = (
        raw.loadUnaligned(as: UInt64.self), raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        raw.loadUnaligned(fromByteOffset: count &- 16, as: UInt64.self),
        raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
      )
      tag = UInt32(truncatingIfNeeded: count) | (isPart ? 0x40 : 0)
    }

    init(_ entry: UnsafeMutableRawPointer) {
      words = (
        entry.load(as: UInt64.self), entry.load(fromByteOffset: 8, as: UInt64.self),
        entry.load(fromByteOffset: 16, as: UInt64.self), entry.load(fromByteOffset: 24, as: UInt64.self)
      )
      tag = entry.load(fromByteOffset: 32, as: UInt32.self) & 0xFF
    }

    @inline(__always)
    var hash: UInt64 {
      let first = foldedProduct(words.0 ^ 0x9E37_79B9_7F4A_7C15, words.1 ^ 0xD6E8_FEB8_6659_FD93)
      let second = foldedProduct(words.2 ^ first, words.3 ^ 0x9E37_79B9_7F4A_7C15)
      return (second ^ UInt64(tag)) &* 0xD6E8_FEB8_6659_FD93
    }

    @inline(__always)
    func stands(in entry: UnsafeMutableRawPointer) -> Bool {
      let difference =
        (entry.load(as: UInt64.self) ^ words.0) | (entry.load(fromByteOffset: 8, as: UInt64.self) ^ words.1)
        | (entry.load(fromByteOffset: 16, as: UInt64.self) ^ words.2)
        | (entry.load(fromByteOffset: 24, as: UInt64.self) ^ words.3)
      return difference == 0 && entry.load(fromByteOffset: 32, as: UInt32.self) & 0xFF == tag
    }
  }

  /// The two places where a key may stand: 32 bytes of key, tag and number of ids, then up to seven ids or where they begin.
  @inline(__always)
  private func longEntries(_ key: LongKey) -> (UnsafeMutableRawPointer, UnsafeMutableRawPointer) {
    let (hash, shift) = (key.hash, UInt64(64 &- longBits))
    let other = hash &* 0x9E37_79B9_7F4A_7C15
    return (
      longMemory.base + Int(truncatingIfNeeded: hash &>> shift) << 6,
      longMemory.base + Int(truncatingIfNeeded: other &>> shift) << 6
    )
  }

  /// Calls for the line of a word of 16 to 31 bytes.
  @inline(never)
  func prefetchLong(_ word: UnsafePointer<UInt8>, _ count: Int) {
    prefetch(longEntries(LongKey(word, count, isPart: false)).0)
  }

  /// Calls the body with the ids of a word of 16 to 31 bytes and says whether they are known.
  @inline(__always)
  func findLong(
    _ word: UnsafePointer<UInt8>, _ count: Int, isPart: Bool, _ body: (UnsafeBufferPointer<UInt32>) -> Void
  ) -> Bool {
    let key = LongKey(word, count, isPart: isPart)
    var (entry, other) = longEntries(key)
    if !key.stands(in: entry) {
      if !key.stands(in: other) { return false }
      entry = other
    }
    let known = Int(entry.load(fromByteOffset: 32, as: UInt32.self) &>> 8)
    let ids = UnsafePointer((entry + 36).assumingMemoryBound(to: UInt32.self))
    if known <= Self.longInlineIDs {
      body(UnsafeBufferPointer(start: ids, count: known))
    } else {
      body(UnsafeBufferPointer(start: overflow + Int(ids[0]), count: known))
    }
    return true
  }

  /// Remembers the ids of a word of 16 to 31 bytes.
  mutating func insertLong(
    _ word: UnsafePointer<UInt8>, _ count: Int, isPart: Bool, _ ids: UnsafeBufferPointer<UInt32>
  ) {
    let key = LongKey(word, count, isPart: isPart)
    if ids.count <= Self.longInlineIDs {
      placeLong(key, ids.count, ids)
    } else {
      let first = keep(ids)
      withUnsafePointer(to: first) { placeLong(key, ids.count, UnsafeBufferPointer(start: $0, count: 1)) }
    }
  }

  private mutating func placeLong(_ key: LongKey, _ known: Int, _ values: UnsafeBufferPointer<UInt32>) {
    var (entry, other) = longEntries(key)
    if entry.load(fromByteOffset: 32, as: UInt32.self) != 0, other.load(fromByteOffset: 32, as: UInt32.self) == 0 {
      entry = other
    }
    if entry.load(fromByteOffset: 32, as: UInt32.self) == 0 { longUsed += 1 }
    entry.storeBytes(of: key.words.0, as: UInt64.self)
    entry.storeBytes(of: key.words.1, toByteOffset: 8, as: UInt64.self)
    entry.storeBytes(of: key.words.2, toByteOffset: 16, as: UInt64.self)
    entry.storeBytes(of: key.words.3, toByteOffset: 24, as: UInt64.self)
    entry.storeBytes(of: UInt32(known) << 8 | key.tag, toByteOffset: 32, as: UInt32.self)
    for index in values.indices { entry.storeBytes(of: values[index], toByteOffset: 36 + 4 * index, as: UInt32.self) }
  }

  private mutating func growLong() {
    let (old, oldBits) = (longMemory, longBits)
    longBits = min(longBits + (longBits < 14 ? 3 : 1), Self.maximumLongBits)
    longMemory = TableMemory(byteCount: 64 << longBits)
    longUsed = 0
    for slot in 0..<1 << oldBits {
      let entry = old.base + slot << 6
      let head = entry.load(fromByteOffset: 32, as: UInt32.self)
      guard head != 0 else { continue }
      let ids = UnsafeBufferPointer(
        start: UnsafePointer((entry + 36).assumingMemoryBound(to: UInt32.self)), count: Self.longInlineIDs)
      placeLong(LongKey(entry), Int(head >> 8), ids)
    }
  }
}
