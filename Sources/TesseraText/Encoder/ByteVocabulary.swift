/// The tokens of a byte-level vocabulary as the bytes they stand for, by id, with a lookup of whole words.
final class ByteVocabulary: @unchecked Sendable {
  /// One more than the largest id.
  let idCount: Int
  private let pool: UnsafeMutablePointer<UInt8>
  private let starts: UnsafeMutablePointer<UInt32>
  /// How many bytes each id stands for; 0 for ids that are no tokens.
  let lengths: UnsafeMutablePointer<UInt32>
  /// The ids of whole words: half a hash above, the id below.
  private let slots: UnsafeMutablePointer<UInt64>
  private let slotMemory: TableMemory
  private let shift: UInt64
  private let mask: Int

  init(_ table: TokenTable) {
    idCount = max(table.maximumID + 1, 1)
    pool = .allocate(capacity: table.bytes.count + 1)
    starts = .allocate(capacity: idCount)
    starts.initialize(repeating: 0, count: idCount)
    lengths = .allocate(capacity: idCount)
    lengths.initialize(repeating: 0, count: idCount)
    var bits = 6
    while 1 << bits < table.entryCount * 3 / 2 { bits += 1 }
    shift = UInt64(64 - bits)
    mask = 1 << bits - 1
    slotMemory = TableMemory(byteCount: 8 << bits)
    slots = slotMemory.row(of: UInt64.self)
    fill(table)
  }

  deinit {
    pool.deallocate()
    starts.deallocate()
    lengths.deallocate()
  }

  private func fill(_ table: TokenTable) {
    let alphabet = ByteLevelAlphabet.scalars
    var byteOf = [Int16](repeating: -1, count: 1 << 11)
    for (byte, scalar) in alphabet.enumerated() { byteOf[Int(scalar)] = Int16(byte) }
    var used = 0
    table.bytes.withUnsafeBufferPointer { bytes in
      byteOf.withUnsafeBufferPointer { byteOf in
        for entry in 0..<table.entryCount {
          var index = Int(table.starts[entry])
          let end = Int(table.starts[entry + 1])
          let start = used
          var isInAlphabet = true
          // Characters of the alphabet are one or two bytes long.
          while index < end, isInAlphabet {
            let lead = Int(bytes[index])
            let isShort = lead < 0x80
            let scalar =
              isShort || lead >= 0xE0 || index + 1 == end ? lead : (lead & 0x1F) << 6 | Int(bytes[index + 1]) & 0x3F
            let byte = lead < 0xE0 ? byteOf[scalar] : -1
            isInAlphabet = byte >= 0
            pool[used] = UInt8(truncatingIfNeeded: byte)
            used += 1
            index += isShort ? 1 : 2
          }
          if isInAlphabet, !table.replaced.contains(entry) {
            insert(id: table.ids[entry], start: start, count: used - start)
          } else {
            used = start
          }
        }
      }
    }
  }

  private func insert(id: UInt32, start: Int, count: Int) {
    starts[Int(id)] = UInt32(start)
    lengths[Int(id)] = UInt32(count)
    let hash = UnsafeBufferPointer(start: pool + start, count: count).foldedHash()
    var slot = Int(truncatingIfNeeded: hash &>> shift)
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = hash & ~0xFFFF_FFFF | UInt64(id + 1)
  }

  /// The bytes of an id.
  @inline(__always)
  func bytes(of id: UInt32) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: pool + Int(starts[Int(id)]), count: Int(lengths[Int(id)]))
  }

  /// Calls for the line of the table where a word's id would stand.
  @inline(__always)
  func prefetch(_ word: UnsafeBufferPointer<UInt8>) {
    TesseraText.prefetch(UnsafeMutableRawPointer(slots + Int(truncatingIfNeeded: word.foldedHash() &>> shift)))
  }

  /// The id of a whole word. O(length); a word that is no token costs one line of the table.
  func id(of word: UnsafeBufferPointer<UInt8>) -> UInt32? {
    let hash = word.foldedHash()
    var slot = Int(truncatingIfNeeded: hash &>> shift)
    while slots[slot] != 0 {
      if (slots[slot] ^ hash) &>> 32 == 0 {
        let id = UInt32(truncatingIfNeeded: slots[slot]) &- 1
        let text = bytes(of: id)
        if text.count == word.count, Self.areEqual(text, word) { return id }
      }
      slot = (slot &+ 1) & mask
    }
    return nil
  }

  private static func areEqual(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    while index < b.count {
      if a[index] != b[index] { return false }
      index &+= 1
    }
    return true
  }
}
