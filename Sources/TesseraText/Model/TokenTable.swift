/// The entries of a vocabulary: byte strings and their ids, in flat memory, with a lookup in both directions.
///
/// Ids need not be dense. When two entries share a text the later one wins, as in the reference library, which reads a JSON object
/// into a map; when two share an id, the later one names it. Made by ``TokenTableBuilder``, or laid over a mapped file, so
/// that nothing read from the memory is trusted: a wrong number gives a wrong answer, never a place outside.
///
/// - Complexity: O(length) lookups; about 32 bytes of memory per entry beside the text.
struct TokenTable: Sendable {
  let bytes: TableRow<UInt8>
  /// Where each entry starts in `bytes`, with one element more than there are entries.
  let starts: TableRow<UInt32>
  let ids: TableRow<UInt32>
  /// Open addressing: the upper half of the hash above entry + 1; 0 for a free place. The count is a power of two, and at least
  /// one place is free.
  let slots: TableRow<UInt64>
  /// What the hashes begin with.
  let seed: UInt64
  /// Entry + 1 by id, or 0.
  let entryOfID: TableRow<UInt32>
  /// Entries of ids that are too large for that.
  let entryOfLargeID: [UInt32: UInt32]
  /// Entries that a later one with the same text replaced.
  let replaced: Set<Int>
  let maximumLength: Int
  /// The largest id, or -1 for an empty table.
  let maximumID: Int

  /// The number of different texts.
  var count: Int { ids.count - replaced.count }
  /// The number of entries, replaced ones included: the range of entry numbers.
  var entryCount: Int { ids.count }

  func id(of text: UnsafeRawBufferPointer) -> UInt32? { entry(of: text).map { ids[$0] } }

  func id(of text: String) -> UInt32? {
    var copy = text
    return copy.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  func id(of text: some Sequence<UInt8>) -> UInt32? { Array(text).withUnsafeBytes { id(of: $0) } }

  /// The entry that names an id.
  func entry(ofID id: UInt32) -> Int? {
    if Int(id) < entryOfID.count {
      let entry = Int(entryOfID[Int(id)])
      return entry == 0 || entry > ids.count ? nil : entry - 1
    }
    return entryOfLargeID[id].map(Int.init)
  }

  /// The bytes of an id.
  func text(ofID id: UInt32) -> ArraySlice<UInt8>? { entry(ofID: id).map { text(ofEntry: $0) } }

  func text(ofEntry entry: Int) -> ArraySlice<UInt8> {
    let range = range(ofEntry: entry)
    return bytes.withUnsafeBufferPointer { Array(UnsafeBufferPointer(rebasing: $0[range]))[...] }
  }

  func string(ofID id: UInt32) -> String? {
    entry(ofID: id).map { entry in
      let range = range(ofEntry: entry)
      return bytes.withUnsafeBufferPointer { String(decoding: UnsafeBufferPointer(rebasing: $0[range]), as: UTF8.self) }
    }
  }

  /// Where an entry stands, inside `bytes` whatever `starts` says.
  @inline(__always)
  func range(ofEntry entry: Int) -> Range<Int> {
    let end = Swift.min(Int(starts[entry + 1]), bytes.count)
    return Swift.min(Int(starts[entry]), end)..<end
  }

  /// The live entries in order of their ids.
  var entriesByID: [Int] {
    (0..<entryCount).filter { replaced.isEmpty || !replaced.contains($0) }.sorted { ids[$0] < ids[$1] }
  }

  // MARK: Hashing

  func entry(of text: UnsafeRawBufferPointer) -> Int? {
    let text = text.assumingMemoryBound(to: UInt8.self)
    return entry(of: text, hash: text.foldedHash(seed: seed))
  }

  /// The entry of a text whose hash is known.
  @inline(__always)
  func entry(of text: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Int? {
    let mask = slots.count &- 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let found = slots.base[slot]
      if found == 0 { return nil }
      if (found ^ hash) &>> 32 == 0 {
        let entry = Int(UInt32(truncatingIfNeeded: found)) &- 1
        if UInt(bitPattern: entry) < UInt(bitPattern: ids.count), matches(entry, text) { return entry }
      }
      slot = (slot &+ 1) & mask
    }
  }

  /// Calls for the line where the search for a hash begins.
  @inline(__always)
  func prefetch(_ hash: UInt64) {
    let slot = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
    TesseraText.prefetch(UnsafeMutableRawPointer(mutating: slots.base + slot))
  }

  @inline(__always)
  func matches(_ entry: Int, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let range = range(ofEntry: entry)
    guard range.count == text.count else { return false }
    return text.equals(bytes.base + range.lowerBound)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether other memory of the same length holds the same bytes.
  @inline(__always)
  func equals(_ other: UnsafePointer<UInt8>) -> Bool {
    guard let base = baseAddress else { return true }
    let (left, right) = (UnsafeRawPointer(base), UnsafeRawPointer(other))
    var index = 0
    while index &+ 8 <= count {
      if left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        != right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      {
        return false
      }
      index &+= 8
    }
    while index < count {
      if base[index] != other[index] { return false }
      index &+= 1
    }
    return true
  }
}

/// Gathers the entries of a vocabulary; the table is made once all are there.
struct TokenTableBuilder: ~Copyable {
  private let bytes: RowBuilder<UInt8>
  private let starts: RowBuilder<UInt32>
  private let ids: RowBuilder<UInt32>
  private var maximumLength = 0
  private var maximumID = -1

  /// - Parameters:
  ///   - capacity: how many entries are expected.
  ///   - bytes: how many bytes they are expected to have together.
  init(capacity: Int = 0, bytes byteCount: Int? = nil) {
    bytes = RowBuilder(capacity: byteCount ?? 8 * capacity)
    starts = RowBuilder(capacity: capacity + 1)
    ids = RowBuilder(capacity: capacity)
    starts.append(0)
  }

  /// Adds an entry.
  @inline(__always)
  mutating func insert(_ text: UnsafeBufferPointer<UInt8>, id: UInt32) {
    bytes.append(text)
    endEntry(id: id)
  }

  mutating func insert(_ text: UnsafeRawBufferPointer, id: UInt32) {
    insert(text.assumingMemoryBound(to: UInt8.self), id: id)
  }

  mutating func insert(_ text: some Collection<UInt8>, id: UInt32) {
    for byte in text { bytes.append(byte) }
    endEntry(id: id)
  }

  /// Adds raw bytes written in the byte-level alphabet.
  mutating func insert(byteLevel text: UnsafeBufferPointer<UInt8>, id: UInt32) {
    ByteLevelAlphabet.append(text, to: bytes)
    endEntry(id: id)
  }

  @inline(__always)
  private mutating func endEntry(id: UInt32) {
    maximumLength = max(maximumLength, bytes.count &- Int(starts[starts.count &- 1]))
    starts.append(UInt32(bytes.count))
    ids.append(id)
    maximumID = max(maximumID, Int(id))
  }

  /// The table of all entries. O(n).
  ///
  /// - Parameter seed: what the hashes begin with; fixed in files, so that they are the same every time.
  consuming func finish(seed: UInt64 = hashSeed) -> TokenTable {
    let rows = (bytes: bytes.finish(), starts: starts.finish(), ids: ids.finish())
    let (slots, replaced) = Self.slots(rows.bytes, rows.starts, seed)
    let (entryOfID, large) = Self.names(rows.ids)
    return TokenTable(
      bytes: rows.bytes, starts: rows.starts, ids: rows.ids, slots: slots, seed: seed, entryOfID: entryOfID,
      entryOfLargeID: large, replaced: replaced, maximumLength: maximumLength, maximumID: maximumID)
  }

  /// The hash table, and the entries that a later one with the same text replaced.
  private static func slots(_ bytes: TableRow<UInt8>, _ starts: TableRow<UInt32>, _ seed: UInt64) -> (
    TableRow<UInt64>, Set<Int>
  ) {
    let count = starts.count - 1
    var size = 16
    while size < count * 2 + 2 { size *= 2 }
    let memory = TableMemory(byteCount: 8 * size)
    let slots = memory.row(of: UInt64.self)
    let hashes = UnsafeMutablePointer<UInt64>.allocate(capacity: max(count, 1))
    defer { hashes.deallocate() }
    let (text, bounds) = (bytes.base, starts.base)
    func string(_ entry: Int) -> UnsafeBufferPointer<UInt8> {
      UnsafeBufferPointer(start: text + Int(bounds[entry]), count: Int(bounds[entry &+ 1] &- bounds[entry]))
    }
    for entry in 0..<count { hashes[entry] = string(entry).foldedHash(seed: seed) }
    var replaced: Set<Int> = []
    // Entries are placed in order, and the lines of those that come soon are called for.
    let distance = 12
    for entry in 0..<count {
      if entry &+ distance < count {
        prefetch(UnsafeMutableRawPointer(slots + (Int(truncatingIfNeeded: hashes[entry &+ distance]) & (size &- 1))))
      }
      let hash = hashes[entry]
      var slot = Int(truncatingIfNeeded: hash) & (size &- 1)
      while slots[slot] != 0 {
        if (slots[slot] ^ hash) &>> 32 == 0 {
          let old = Int(UInt32(truncatingIfNeeded: slots[slot])) &- 1
          let (known, new) = (string(old), string(entry))
          if known.count == new.count, new.equals(text + Int(bounds[old])) {
            replaced.insert(old)
            break
          }
        }
        slot = (slot &+ 1) & (size &- 1)
      }
      slots[slot] = hash & ~0xFFFF_FFFF | UInt64(entry + 1)
    }
    withExtendedLifetime((bytes, starts)) {}
    return (TableRow(UnsafePointer(slots), count: size, owner: memory), replaced)
  }

  /// The entry of each id. Dense ids get an array; an absurd id must not make it huge.
  private static func names(_ ids: TableRow<UInt32>) -> (TableRow<UInt32>, [UInt32: UInt32]) {
    let limit = 4 * ids.count + 1 << 20
    var size = 0
    for id in ids where Int(id) < limit { size = max(size, Int(id) + 1) }
    let memory = TableMemory(byteCount: 4 * size)
    let entries = memory.row(of: UInt32.self)
    var large: [UInt32: UInt32] = [:]
    for (entry, id) in ids.enumerated() {
      if Int(id) < limit { entries[Int(id)] = UInt32(entry + 1) } else { large[id] = UInt32(entry) }
    }
    return (TableRow(UnsafePointer(entries), count: size, owner: memory), large)
  }
}
