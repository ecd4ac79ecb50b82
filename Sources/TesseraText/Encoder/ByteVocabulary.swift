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
  /// What keeps the memory.
  private let owners: [AnyObject]
  /// What the hashes begin with.
  private let seed: UInt64
  private let poolCount: Int
  private let shift: UInt64
  private let mask: Int

  /// - Parameter seed: what the hashes begin with.
  init(_ table: TokenTable, seed: UInt64 = hashSeed) {
    self.seed = seed
    idCount = max(table.maximumID + 1, 1)
    poolCount = table.bytes.count
    let poolMemory = TableMemory(byteCount: poolCount + 1)
    pool = poolMemory.row(of: UInt8.self)
    let startMemory = TableMemory(byteCount: 4 * idCount)
    starts = startMemory.row(of: UInt32.self)
    let lengthMemory = TableMemory(byteCount: 4 * idCount)
    lengths = lengthMemory.row(of: UInt32.self)
    var bits = 6
    while 1 << bits < table.entryCount * 3 / 2 { bits += 1 }
    shift = UInt64(64 - bits)
    mask = 1 << bits - 1
    let slotMemory = TableMemory(byteCount: 8 << bits)
    slots = slotMemory.row(of: UInt64.self)
    owners = [poolMemory, startMemory, lengthMemory, slotMemory]
    fill(table)
  }

  /// Lays the tables over those of a file.
  ///
  /// - Returns: `nil` when a number in them leads outside, or when they have another number of ids.
  init?(_ stored: StoredEncoderTables, idCount: Int) {
    guard stored.lengths.count == idCount, stored.hasGoodWords else { return nil }
    self.idCount = idCount
    seed = TokenTable.storedSeed
    poolCount = stored.texts.count
    shift = UInt64(64 - stored.words.count.trailingZeroBitCount)
    mask = stored.words.count - 1
    // Nothing is written after the tables are made.
    pool = UnsafeMutablePointer(mutating: stored.texts.base)
    starts = UnsafeMutablePointer(mutating: stored.starts.base)
    lengths = UnsafeMutablePointer(mutating: stored.lengths.base)
    slots = UnsafeMutablePointer(mutating: stored.words.base)
    owners = [stored.texts.owner, stored.starts.owner, stored.lengths.owner, stored.words.owner]
  }

  /// These tables and those of the merges as they are stored; they must have been made with ``TokenTable/storedSeed``.
  func stored(with ranks: MergeRanks) -> StoredEncoderTables {
    let rows = ranks.rows
    return StoredEncoderTables(
      texts: TableRow(pool, count: poolCount, owner: self), starts: TableRow(starts, count: idCount, owner: self),
      lengths: TableRow(lengths, count: idCount, owner: self), words: TableRow(slots, count: mask + 1, owner: self),
      ranks: rows.slots, bits: rows.bits, made: rows.made)
  }

  /// Writes the bytes of every entry, then their places in the table, whose lines are called for some entries ahead.
  private func fill(_ table: TokenTable) {
    let alphabet = ByteLevelAlphabet.scalars
    var byteOf = [Int16](repeating: -1, count: 1 << 11)
    for (byte, scalar) in alphabet.enumerated() { byteOf[Int(scalar)] = Int16(byte) }
    let hashes = UnsafeMutablePointer<(hash: UInt64, id: UInt32)>.allocate(capacity: max(table.entryCount, 1))
    defer { hashes.deallocate() }
    let hasReplaced = !table.replaced.isEmpty
    var (used, found) = (0, 0)
    table.bytes.withUnsafeBufferPointer { bytes in
      byteOf.withUnsafeBufferPointer { byteOf in
        for entry in 0..<table.entryCount {
          let range = table.range(ofEntry: entry)
          var index = range.lowerBound
          let end = range.upperBound
          let start = used
          var isInAlphabet = true
          // Characters of the alphabet are one or two bytes long.
          while index < end, isInAlphabet {
            let lead = Int(bytes[index])
            let isShort = lead < 0x80
            let isWhole = !isShort && lead < 0xE0 && index + 1 < end
            let scalar = isWhole ? (lead & 0x1F) << 6 | Int(bytes[index + 1]) & 0x3F : lead
            let byte = lead < 0xE0 ? byteOf[scalar] : -1
            isInAlphabet = byte >= 0
            pool[used] = UInt8(truncatingIfNeeded: byte)
            used += 1
            index += isShort ? 1 : 2
          }
          guard isInAlphabet, !(hasReplaced && table.replaced.contains(entry)) else {
            used = start
            continue
          }
          let id = table.ids[entry]
          starts[Int(id)] = UInt32(start)
          lengths[Int(id)] = UInt32(used - start)
          hashes[found] = (UnsafeBufferPointer(start: pool + start, count: used - start).foldedHash(seed: seed), id)
          found += 1
        }
      }
    }
    let distance = 12
    for index in 0..<found {
      if index &+ distance < found {
        TesseraText.prefetch(
          UnsafeMutableRawPointer(slots + Int(truncatingIfNeeded: hashes[index &+ distance].hash &>> shift)))
      }
      let (hash, id) = hashes[index]
      var slot = Int(truncatingIfNeeded: hash &>> shift)
      while slots[slot] != 0 { slot = (slot + 1) & mask }
      slots[slot] = hash & ~0xFFFF_FFFF | UInt64(id + 1)
    }
  }

  /// The bytes of an id.
  @inline(__always)
  func bytes(of id: UInt32) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: pool + Int(starts[Int(id)]), count: Int(lengths[Int(id)]))
  }

  /// Calls for the line of the table where a word's id would stand.
  @inline(__always)
  func prefetch(_ word: UnsafeBufferPointer<UInt8>) {
    TesseraText.prefetch(
      UnsafeMutableRawPointer(slots + Int(truncatingIfNeeded: word.foldedHash(seed: seed) &>> shift)))
  }

  /// The id of a whole word. O(length); a word that is no token costs one line of the table.
  func id(of word: UnsafeBufferPointer<UInt8>) -> UInt32? {
    let hash = word.foldedHash(seed: seed)
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
