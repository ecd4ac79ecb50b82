/// The entries of a vocabulary: byte strings and their ids, in flat memory, with a lookup in both directions.
///
/// Ids need not be dense. When two entries share a text the later one wins, as in the reference library, which reads a JSON object
/// into a map; when two share an id, the later one names it.
///
/// - Complexity: O(length) lookups; about 12 bytes of memory per entry beside the text.
struct TokenTable: Sendable {
  private(set) var bytes: [UInt8] = []
  /// Where each entry starts in `bytes`, with one element more than there are entries.
  private(set) var starts: [UInt32] = [0]
  private(set) var ids: [UInt32] = []
  /// Open addressing: entry + 1, or 0 for a free place. The count is a power of two.
  private var slots: [UInt32] = []
  private var entryOfID: [UInt32] = []
  private var entryOfLargeID: [UInt32: UInt32] = [:]
  /// Entries that a later one with the same text replaced.
  private(set) var replaced: Set<Int> = []
  private(set) var maximumLength = 0

  init(capacity: Int = 0) {
    ids.reserveCapacity(capacity)
    starts.reserveCapacity(capacity + 1)
    bytes.reserveCapacity(8 * capacity)
    rehash(minimum: capacity)
  }

  /// The number of different texts.
  var count: Int { ids.count - replaced.count }
  /// The number of entries, replaced ones included: the range of entry numbers.
  var entryCount: Int { ids.count }
  /// The largest id, or -1 for an empty table.
  private(set) var maximumID = -1

  mutating func insert(_ text: UnsafeRawBufferPointer, id: UInt32) {
    if let old = entry(of: text) { replaced.insert(old) }
    if (ids.count + 1) * 2 > slots.count { rehash(minimum: ids.count + 1) }
    let entry = ids.count
    bytes.append(contentsOf: text)
    starts.append(UInt32(bytes.count))
    ids.append(id)
    maximumLength = max(maximumLength, text.count)
    maximumID = max(maximumID, Int(id))
    place(entry)
    name(id, entry: entry)
  }

  mutating func insert(_ text: some Collection<UInt8>, id: UInt32) {
    let copy = Array(text)
    copy.withUnsafeBytes { insert($0, id: id) }
  }

  func id(of text: UnsafeRawBufferPointer) -> UInt32? { entry(of: text).map { ids[$0] } }

  func id(of text: String) -> UInt32? {
    var copy = text
    return copy.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  func id(of text: some Sequence<UInt8>) -> UInt32? { Array(text).withUnsafeBytes { id(of: $0) } }

  /// The entry that names an id.
  func entry(ofID id: UInt32) -> Int? {
    if Int(id) < entryOfID.count {
      let entry = entryOfID[Int(id)]
      return entry == 0 ? nil : Int(entry) - 1
    }
    return entryOfLargeID[id].map(Int.init)
  }

  /// The bytes of an id.
  func text(ofID id: UInt32) -> ArraySlice<UInt8>? { entry(ofID: id).map { text(ofEntry: $0) } }

  func text(ofEntry entry: Int) -> ArraySlice<UInt8> { bytes[Int(starts[entry])..<Int(starts[entry + 1])] }

  func string(ofID id: UInt32) -> String? { text(ofID: id).map { String(decoding: $0, as: UTF8.self) } }

  /// The live entries in order of their ids.
  var entriesByID: [Int] {
    (0..<entryCount).filter { !replaced.contains($0) }.sorted { ids[$0] < ids[$1] }
  }

  // MARK: Hashing

  func entry(of text: UnsafeRawBufferPointer) -> Int? {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: Self.hash(text)) & mask
    while slots[slot] != 0 {
      let entry = Int(slots[slot]) - 1
      if matches(entry, text) { return entry }
      slot = (slot + 1) & mask
    }
    return nil
  }

  private func matches(_ entry: Int, _ text: UnsafeRawBufferPointer) -> Bool {
    let start = Int(starts[entry])
    guard Int(starts[entry + 1]) - start == text.count else { return false }
    return bytes.withUnsafeBytes { all in
      for index in 0..<text.count where all[start + index] != text[index] { return false }
      return true
    }
  }

  /// A multiplicative hash over eight bytes at a time, finished so that the low bits are good.
  @inline(__always)
  static func hash(_ text: UnsafeRawBufferPointer) -> UInt64 {
    var state: UInt64 = UInt64(truncatingIfNeeded: text.count) &* 0x9E37_79B9_7F4A_7C15
    var index = 0
    while index + 8 <= text.count {
      state = (state ^ text.loadUnaligned(fromByteOffset: index, as: UInt64.self)) &* 0xD6E8_FEB8_6659_FD93
      state ^= state >> 32
      index += 8
    }
    var rest: UInt64 = 0
    while index < text.count {
      rest = rest << 8 | UInt64(text[index])
      index += 1
    }
    state = (state ^ rest) &* 0xD6E8_FEB8_6659_FD93
    state ^= state >> 32
    state = state &* 0xD6E8_FEB8_6659_FD93
    return state ^ state >> 32
  }

  private mutating func place(_ entry: Int) {
    let mask = slots.count - 1
    let hash = bytes.withUnsafeBytes {
      Self.hash(.init(rebasing: $0[Int(starts[entry])..<Int(starts[entry + 1])]))
    }
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != 0 {
      if replaced.contains(Int(slots[slot]) - 1), text(ofEntry: Int(slots[slot]) - 1) == text(ofEntry: entry) { break }
      slot = (slot + 1) & mask
    }
    slots[slot] = UInt32(entry + 1)
  }

  private mutating func rehash(minimum: Int) {
    var size = 16
    while size < minimum * 2 + 2 { size *= 2 }
    slots = [UInt32](repeating: 0, count: size)
    for entry in 0..<ids.count where !replaced.contains(entry) { place(entry) }
  }

  private mutating func name(_ id: UInt32, entry: Int) {
    // Dense ids get an array; an absurd id must not make it huge.
    guard Int(id) < 4 * ids.count + (1 << 20) else {
      entryOfLargeID[id] = UInt32(entry)
      return
    }
    if Int(id) >= entryOfID.count {
      let size = max(Int(id) + 1, min(entryOfID.count * 2, 4 * ids.count + (1 << 20)))
      entryOfID.append(contentsOf: repeatElement(0, count: size - entryOfID.count))
      // Ids that were large before may be inside the array now.
      for (large, old) in entryOfLargeID where Int(large) < entryOfID.count {
        entryOfID[Int(large)] = old + 1
        entryOfLargeID[large] = nil
      }
    }
    entryOfID[Int(id)] = UInt32(entry + 1)
  }
}
