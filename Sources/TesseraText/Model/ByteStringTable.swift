/// Distinct byte strings numbered in the order of their insertion: one pool of bytes, the ends of the strings, a flat hash index.
///
/// Strings are compared byte by byte. Swift's `String` compares by canonical equivalence, which would take U+00C5 and U+212B for
/// the same token, so vocabularies must not be looked up through it.
///
/// - Complexity: insertion and search O(length); memory is the bytes, 8 bytes per string and 8 to 16 bytes of index.
struct ByteStringTable: Sendable {
  /// The bytes of all strings, one after the other.
  private(set) var bytes: [UInt8] = []
  /// String `i` is `bytes[offsets[i]..<offsets[i + 1]]`.
  private(set) var offsets: [Int] = [0]
  /// The upper half of the hash above the number of the string plus one; zero where nothing is stored.
  private var slots: [UInt64]
  /// The index to the slots is the upper bits of the hash: the number of bits to drop.
  private var shift: UInt64

  /// The most strings a table holds: their numbers have 32 bits.
  static let maximumCount = Int(UInt32.max) - 1

  init(capacity: Int = 0) {
    let bits = ByteStringTable.bits(for: capacity)
    slots = [UInt64](repeating: 0, count: 1 << bits)
    shift = UInt64(64 - bits)
    offsets.reserveCapacity(capacity + 1)
  }

  var count: Int { offsets.count - 1 }

  subscript(index: Int) -> ArraySlice<UInt8> { bytes[offsets[index]..<offsets[index + 1]] }

  func string(_ index: Int) -> String { String(decoding: self[index], as: UTF8.self) }

  /// The number of a string; `nil` when it is not in the table.
  func find(_ key: UnsafeBufferPointer<UInt8>) -> Int? {
    find(key, hash: key.foldedHash())
  }

  /// The same for a string whose hash is known.
  @inline(__always)
  func find(_ key: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
    let (slot, found) = probe(key, hash)
    return found ? Int(UInt32(truncatingIfNeeded: slots[slot])) - 1 : nil
  }

  func find(_ key: some Sequence<UInt8>) -> Int? {
    key.withContiguousStorageIfAvailable { find($0) } ?? Array(key).withUnsafeBufferPointer { find($0) }
  }

  /// The number of a string, which is added when it is new.
  mutating func insert(_ key: UnsafeBufferPointer<UInt8>) -> (index: Int, isNew: Bool) {
    let hash = key.foldedHash()
    var (slot, found) = probe(key, hash)
    if found { return (Int(UInt32(truncatingIfNeeded: slots[slot])) - 1, false) }
    precondition(count < ByteStringTable.maximumCount, "a table of byte strings holds at most 2^32 - 2 strings")
    if (count + 1) * 3 > slots.count * 2 {
      grow()
      slot = probe(key, hash).slot
    }
    bytes.append(contentsOf: key)
    offsets.append(bytes.count)
    slots[slot] = (hash & ~0xFFFF_FFFF) | UInt64(count)
    return (count - 1, true)
  }

  mutating func insert(_ key: some Sequence<UInt8>) -> (index: Int, isNew: Bool) {
    if let result = key.withContiguousStorageIfAvailable({ insert($0) }) { return result }
    return Array(key).withUnsafeBufferPointer { insert($0) }
  }

  private static func bits(for capacity: Int) -> Int {
    var bits = 4
    while (1 << bits) * 2 < capacity * 3, bits < 34 { bits += 1 }
    return bits
  }

  /// The slot that holds the string, or the empty one where it belongs.
  @inline(__always)
  private func probe(_ key: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> (slot: Int, found: Bool) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash &>> shift)
    while true {
      let entry = slots[slot]
      if entry == 0 { return (slot, false) }
      if entry >> 32 == hash >> 32, equals(Int(UInt32(truncatingIfNeeded: entry)) - 1, key) { return (slot, true) }
      slot = (slot &+ 1) & mask
    }
  }

  @inline(__always)
  private func equals(_ index: Int, _ key: UnsafeBufferPointer<UInt8>) -> Bool {
    let start = offsets[index]
    guard offsets[index + 1] - start == key.count else { return false }
    return bytes.withUnsafeBufferPointer { pool in
      var i = 0
      while i < key.count {
        if pool[start &+ i] != key[i] { return false }
        i &+= 1
      }
      return true
    }
  }

  /// Doubles the index. The strings' hashes are computed again, since a slot keeps only half of each.
  private mutating func grow() {
    let larger = slots.count * 2
    shift -= 1
    slots = [UInt64](repeating: 0, count: larger)
    let mask = larger - 1
    for index in 0..<count {
      let range = offsets[index]..<offsets[index + 1]
      let hash = bytes.withUnsafeBufferPointer { UnsafeBufferPointer(rebasing: $0[range]).foldedHash() }
      var slot = Int(truncatingIfNeeded: hash &>> shift)
      while slots[slot] != 0 { slot = (slot &+ 1) & mask }
      slots[slot] = (hash & ~0xFFFF_FFFF) | UInt64(index + 1)
    }
  }
}

/// Drawn once per process, so that nobody can prepare an input whose strings all fall into one slot. Only the place in the hash
/// tables depends on it, never a result.
let hashSeed = UInt64.random(in: .min ... .max)

/// Both halves of a 128-bit product folded into one: every bit of the inputs reaches every bit of the result.
@inline(__always)
func foldedProduct(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}

extension UnsafeBufferPointer<UInt8> {
  /// A hash of the bytes, eight at a time; the last word overlaps the one before.
  @inline(__always)
  func foldedHash() -> UInt64 { foldedHash(seed: hashSeed) }

  /// The same with a seed of one's own, for tables that outlive the process.
  @inline(__always)
  func foldedHash(seed: UInt64) -> UInt64 {
    let first: UInt64 = 0x9E37_79B9_7F4A_7C15
    let second: UInt64 = 0xD6E8_FEB8_6659_FD93
    var hash = seed ^ UInt64(truncatingIfNeeded: count) &* first
    let raw = UnsafeRawBufferPointer(self)
    if count >= 8 {
      var at = 0
      while at &+ 8 <= count {
        hash = foldedProduct(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self), second)
        at &+= 8
      }
      return foldedProduct(hash ^ raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self), first)
    }
    var tail: UInt64 = 0
    if count >= 4 {
      tail = UInt64(raw.loadUnaligned(as: UInt32.self))
      tail |= UInt64(raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)) << 32
    } else if count > 0 {
      tail = UInt64(self[0]) | UInt64(self[count >> 1]) << 8 | UInt64(self[count &- 1]) << 16
    }
    return foldedProduct(foldedProduct(hash ^ tail, second), first)
  }
}
