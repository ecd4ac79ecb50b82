/// Which pairs of tokens merge and how early: eight bytes a merge, for the loops that ask again and again.
///
/// Open addressing over words of 21 bits of left id, 21 bits of right id and 22 bits of rank. The ids that merges make stand in a
/// column of their own, which is read once a merge is done.
///
/// Most questions are answered with no. A small table with a bit for the hash of each pair answers nine of ten of them without a look
/// into the large one.
final class MergeRanks: @unchecked Sendable {
  /// What ``rank(of:_:)`` gives for pairs that do not merge: more than any rank.
  static let noMerge = UInt32.max
  /// Ids must be smaller.
  static let idLimit: UInt32 = 1 << 21 - 1
  static let rankLimit: UInt32 = 1 << 22
  private static let free = UInt64.max

  private let slots: UnsafeMutablePointer<UInt64>
  private let known: UnsafeMutablePointer<UInt64>
  private let knownShift: UInt64
  private let made: UnsafeMutablePointer<UInt32>
  /// What keeps the three of them.
  private let owners: [AnyObject]
  private let shift: UInt64
  private let mask: Int
  /// One more than the highest rank.
  let rankCount: Int

  /// - Returns: `nil` when an id or a rank is too large for the layout.
  init?(_ table: MergeTable) {
    var highest = 0
    var fits = true
    var total = 0
    table.forEach { left, right, merge in
      total += 1
      highest = max(highest, Int(merge.rank) + 1)
      fits = fits && max(left, right, merge.id) < Self.idLimit && merge.rank < Self.rankLimit - 1
    }
    guard fits else { return nil }
    var bits = 8
    while 1 << bits < total * 3 / 2 { bits += 1 }
    rankCount = highest
    shift = UInt64(64 - bits)
    mask = 1 << bits - 1
    let slotMemory = TableMemory(byteCount: 8 << bits)
    slots = slotMemory.row(of: UInt64.self)
    slots.update(repeating: Self.free, count: 1 << bits)
    // Four bits for each slot.
    let knownMemory = TableMemory(byteCount: 1 << (bits - 1))
    known = knownMemory.row(of: UInt64.self)
    knownShift = UInt64(62 - bits)
    let madeMemory = TableMemory(byteCount: 4 * highest)
    made = madeMemory.row(of: UInt32.self)
    owners = [slotMemory, knownMemory, madeMemory]
    // Entered in the order of the other table, with the lines of those to come called for.
    let entries = UnsafeMutablePointer<(key: UInt64, hash: UInt64)>.allocate(capacity: max(total, 1))
    defer { entries.deallocate() }
    var count = 0
    table.forEach { left, right, merge in
      let key = UInt64(left) &<< 43 | UInt64(right) &<< 22
      entries[count] = (key | UInt64(merge.rank), Self.hash(key))
      count += 1
      made[Int(merge.rank)] = merge.id
    }
    let distance = 12
    for index in 0..<count {
      if index &+ distance < count {
        let hash = entries[index &+ distance].hash
        prefetch(UnsafeMutableRawPointer(slots + Int(truncatingIfNeeded: hash &>> shift)))
        prefetch(UnsafeMutableRawPointer(known + Int((hash &>> knownShift) &>> 6)))
      }
      let (entry, hash) = entries[index]
      let bit = hash &>> knownShift
      known[Int(bit >> 6)] |= 1 << (bit & 63)
      var slot = Int(truncatingIfNeeded: hash &>> shift)
      while slots[slot] != Self.free { slot = (slot &+ 1) & mask }
      slots[slot] = entry
    }
  }

  /// Lays the tables over those of a file.
  ///
  /// - Returns: `nil` when a number in them leads outside; ``agrees(with:)`` asks for the rest.
  init?(_ stored: StoredEncoderTables) {
    guard stored.hasGoodRanks else { return nil }
    let bits = stored.ranks.count.trailingZeroBitCount
    (shift, knownShift) = (UInt64(64 - bits), UInt64(62 - bits))
    mask = stored.ranks.count - 1
    rankCount = stored.made.count
    // Nothing is written after the tables are made.
    slots = UnsafeMutablePointer(mutating: stored.ranks.base)
    known = UnsafeMutablePointer(mutating: stored.bits.base)
    made = UnsafeMutablePointer(mutating: stored.made.base)
    owners = [stored.ranks.owner, stored.bits.owner, stored.made.owner]
  }

  /// The tables as rows: slots, bits, ids.
  var rows: (slots: TableRow<UInt64>, bits: TableRow<UInt64>, made: TableRow<UInt32>) {
    (
      TableRow(slots, count: mask + 1, owner: self), TableRow(known, count: (mask + 1) / 16, owner: self),
      TableRow(made, count: rankCount, owner: self)
    )
  }

  @inline(__always)
  private static func hash(_ key: UInt64) -> UInt64 { (key ^ key &>> 29) &* 0x9E37_79B9_7F4A_7C15 }

  /// The rank of a merge, or ``noMerge``. O(1).
  @inline(__always)
  func rank(of left: UInt32, _ right: UInt32) -> UInt32 {
    let key = UInt64(left) &<< 43 | UInt64(right) &<< 22
    let hash = Self.hash(key)
    let bit = hash &>> knownShift
    if (known[Int(truncatingIfNeeded: bit &>> 6)] &>> (bit & 63)) & 1 == 0 { return Self.noMerge }
    var slot = Int(truncatingIfNeeded: hash &>> shift)
    while true {
      let found = slots[slot]
      // The rank of a free slot is all ones, and so is its key.
      if (found ^ key) &>> 22 == 0 { return UInt32(truncatingIfNeeded: found) & (Self.rankLimit - 1) }
      if found == Self.free { return Self.noMerge }
      slot = (slot &+ 1) & mask
    }
  }

  /// Whether every merge makes a token as long as its two parts together, of ids that there are.
  ///
  /// Files may say anything; encoding relies on this, and looks at no id again. Parts without a text are never made.
  ///
  /// - Complexity: O(size of the table), with four reads near one another for each merge.
  func agrees(with vocabulary: ByteVocabulary) -> Bool {
    let (lengths, idCount) = (vocabulary.lengths, UInt64(vocabulary.idCount))
    var isGood = true
    for slot in 0...mask where slots[slot] != Self.free {
      let (left, right) = (slots[slot] &>> 43, (slots[slot] &>> 22) & UInt64(Self.idLimit))
      let rank = Int(slots[slot] & UInt64(Self.rankLimit - 1))
      guard rank < rankCount, left < idCount, right < idCount, made[rank] < idCount else { return false }
      let (leftLength, rightLength) = (lengths[Int(left)], lengths[Int(right)])
      let isSum = lengths[Int(made[rank])] == leftLength &+ rightLength
      isGood = isGood && (isSum || leftLength == 0 || rightLength == 0)
    }
    return isGood
  }

  /// The token that the merge of a rank makes.
  @inline(__always)
  func id(ofRank rank: UInt32) -> UInt32 { made[Int(rank)] }

  /// Merges a short row of symbols, lowest rank first and leftmost among equals, in place.
  ///
  /// - Parameters:
  ///   - ranks: the rank of each symbol's merge with the next.
  ///   - last: the index of the last symbol.
  /// - Returns: the number of tokens.
  /// - Complexity: O(n) for each merge, over two rows that stay in the first-level cache.
  @inline(__always)
  func merge(_ ids: UnsafeMutablePointer<UInt32>, _ ranks: UnsafeMutablePointer<UInt32>, last: Int) -> Int {
    var last = last
    while last > 0 {
      var (best, bestRank) = (0, ranks[0])
      var index = 1
      while index < last {
        let rank = ranks[index]
        if rank < bestRank { (best, bestRank) = (index, rank) }
        index &+= 1
      }
      if bestRank == Self.noMerge { break }
      let id = id(ofRank: bestRank)
      ids[best] = id
      last &-= 1
      index = best &+ 1
      while index <= last {
        ids[index] = ids[index &+ 1]
        ranks[index &- 1] = ranks[index]
        index &+= 1
      }
      if best < last { ranks[best] = rank(of: id, ids[best &+ 1]) }
      if best > 0 { ranks[best &- 1] = rank(of: ids[best &- 1], id) }
    }
    return last &+ 1
  }
}
