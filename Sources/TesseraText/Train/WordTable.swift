/// Counts words as they come: words of up to 15 bytes lie in the slots of a flat hash, so that counting one costs one cache line;
/// longer ones go to a ``WordCounts``.
struct WordTable: ~Copyable {
  /// The bytes of a word, its length in the highest byte of `high`. An empty slot has no length.
  private struct Slot {
    var low: UInt64 = 0
    var high: UInt64 = 0
    var count: Int64 = 0
  }

  private var slots: UnsafeMutablePointer<Slot>
  private var capacity: Int
  private var shift: UInt64
  private var used = 0
  private var long = WordCounts()

  init() {
    capacity = 1 << 12
    shift = 64 - 12
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(), count: capacity)
  }

  deinit { slots.deallocate() }

  /// The number of different words.
  var count: Int { used + long.count }

  /// The bytes of memory in use, and what sorting the words will need besides.
  var memory: Int {
    capacity * MemoryLayout<Slot>.stride + long.words.bytes.capacity + long.count * 40 + used * 48
  }

  /// Counts a word of at least one byte.
  ///
  /// - Complexity: O(length).
  @inline(__always)
  mutating func add(_ word: UnsafeBufferPointer<UInt8>, times: Int64 = 1) {
    let length = word.count
    guard length <= 15 else { return long.add(word, times: times) }
    guard let base = word.baseAddress, length > 0 else { return }
    let raw = UnsafeRawPointer(base)
    var low: UInt64
    var high: UInt64 = 0
    if length >= 8 {
      low = raw.loadUnaligned(as: UInt64.self)
      high = raw.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self).littleEndian >> UInt64(8 * (16 - length))
      low = low.littleEndian
    } else if length >= 4 {
      let last = UInt64(raw.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self).littleEndian)
      low = UInt64(raw.loadUnaligned(as: UInt32.self).littleEndian) | last &<< UInt64(8 * (length - 4))
    } else {
      low = UInt64(word[0])
      low |= UInt64(word[length &>> 1]) &<< UInt64(8 * (length &>> 1))
      low |= UInt64(word[length &- 1]) &<< UInt64(8 * (length &- 1))
    }
    high |= UInt64(length) &<< 56
    add(low, high, times)
  }

  @inline(__always)
  private mutating func add(_ low: UInt64, _ high: UInt64, _ times: Int64) {
    let mask = capacity &- 1
    let hash = foldedProduct(low ^ hashSeed, high ^ 0x9E37_79B9_7F4A_7C15)
    var index = Int(truncatingIfNeeded: (hash &* 0xD6E8_FEB8_6659_FD93) &>> shift)
    while true {
      let slot = slots + index
      if slot.pointee.low == low && slot.pointee.high == high {
        let (sum, overflow) = slot.pointee.count.addingReportingOverflow(times)
        slot.pointee.count = overflow ? .max : sum
        return
      }
      if slot.pointee.high == 0 { break }
      index = (index &+ 1) & mask
    }
    slots[index] = Slot(low: low, high: high, count: times)
    used &+= 1
    if used &* 5 > capacity &* 3 { grow() }
  }

  private mutating func grow() {
    let (old, oldCapacity) = (slots, capacity)
    capacity *= 2
    shift -= 1
    used = 0
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(), count: capacity)
    for index in 0..<oldCapacity where old[index].high != 0 {
      add(old[index].low, old[index].high, old[index].count)
    }
    old.deallocate()
  }

  /// The words in the order of their bytes; the table is empty afterwards.
  ///
  /// - Complexity: O(n log n) for n words.
  mutating func takeSorted() -> CountedWords {
    var short: [Slot] = []
    short.reserveCapacity(used)
    for index in 0..<capacity where slots[index].high != 0 {
      let slot = slots[index]
      // In this form numbers are ordered as the bytes are; of words that differ in length only, the shorter comes first.
      short.append(
        Slot(low: slot.low.byteSwapped, high: slot.high.byteSwapped & ~0xFF | slot.high &>> 56, count: slot.count))
    }
    slots.deallocate()
    capacity = 1 << 12
    shift = 64 - 12
    used = 0
    slots = .allocate(capacity: capacity)
    slots.initialize(repeating: Slot(), count: capacity)
    short.sort { $0.low != $1.low ? $0.low < $1.low : $0.high < $1.high }
    let rest = CountedWords(sorting: long)
    long = WordCounts()
    var words = CountedWords()
    words.reserve(words: short.count, bytes: short.reduce(0) { $0 + Int($1.high & 0xFF) })
    for slot in short {
      withUnsafeBytes(of: (slot.low.bigEndian, slot.high.bigEndian)) { bytes in
        words.append(UnsafeRawBufferPointer(rebasing: bytes[..<Int(slot.high & 0xFF)]), count: slot.count)
      }
    }
    return rest.isEmpty ? words : CountedWords(merging: words, rest)
  }
}
