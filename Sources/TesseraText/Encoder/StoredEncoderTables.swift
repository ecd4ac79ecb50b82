/// The tables of the fast encoder as a mapped file holds them.
///
/// They are looked through once, when the encoder is made: afterwards no number in them leads outside. Tables that fail are made anew
/// from the vocabulary and the merges.
///
/// - Complexity: O(size of the tables), 2 ms for 200,000 tokens.
struct StoredEncoderTables: Sendable {
  /// The bytes of the tokens, where those of each id start, and how many they are.
  let texts: TableRow<UInt8>
  let starts: TableRow<UInt32>
  let lengths: TableRow<UInt32>
  /// The slots of ``ByteVocabulary``, whose hashes begin with ``TokenTable/storedSeed``.
  let words: TableRow<UInt64>
  /// The slots, the bits and the ids of ``MergeRanks``.
  let ranks: TableRow<UInt64>
  let bits: TableRow<UInt64>
  let made: TableRow<UInt32>

  init(
    texts: TableRow<UInt8>, starts: TableRow<UInt32>, lengths: TableRow<UInt32>, words: TableRow<UInt64>,
    ranks: TableRow<UInt64>, bits: TableRow<UInt64>, made: TableRow<UInt32>
  ) {
    (self.texts, self.starts, self.lengths, self.words) = (texts, starts, lengths, words)
    (self.ranks, self.bits, self.made) = (ranks, bits, made)
  }

  /// - Returns: `nil` when the file has none.
  init?(_ file: MappedFile) throws {
    guard file.has(.rankPlaces) else { return nil }
    self.init(
      texts: try file.row(.wordTexts, of: UInt8.self), starts: try file.row(.wordStarts, of: UInt32.self),
      lengths: try file.row(.wordLengths, of: UInt32.self), words: try file.row(.wordPlaces, of: UInt64.self),
      ranks: try file.row(.rankPlaces, of: UInt64.self), bits: try file.row(.rankBits, of: UInt64.self),
      made: try file.row(.rankIDs, of: UInt32.self))
  }

  func write(to file: inout MappedFileWriter) {
    file.add(.wordTexts, texts)
    file.add(.wordStarts, starts)
    file.add(.wordLengths, lengths)
    file.add(.wordPlaces, words)
    file.add(.rankPlaces, ranks)
    file.add(.rankBits, bits)
    file.add(.rankIDs, made)
  }

  /// Whether every text lies inside its section, and every word's id is one.
  var hasGoodWords: Bool {
    let (idCount, end) = (UInt64(lengths.count), UInt64(texts.count))
    guard idCount > 0, idCount < UInt64(MergeRanks.idLimit), starts.count == lengths.count, words.isTable(ofBits: 1)
    else {
      return false
    }
    var bad: UInt64 = 0
    for id in 0..<lengths.count { bad |= UInt64(starts.base[id]) + UInt64(lengths.base[id]) > end ? 1 : 0 }
    var free: UInt64 = 0
    for slot in 0..<words.count {
      let word = words.base[slot]
      free |= word == 0 ? 1 : 0
      // One more than an id; 0 only in a free slot.
      bad |= word != 0 && (word & 0xFFFF_FFFF) &- 1 >= idCount ? 1 : 0
    }
    return bad == 0 && free == 1
  }

  /// Whether the sizes fit one another, a slot is free and every merge makes an id; the rest is asked by
  /// ``MergeRanks/agrees(with:)``.
  var hasGoodRanks: Bool {
    guard ranks.isTable(ofBits: 8), bits.count == ranks.count / 16, made.count <= MergeRanks.rankLimit else {
      return false
    }
    var free: UInt64 = 0
    for slot in 0..<ranks.count { free |= ranks.base[slot] == .max ? 1 : 0 }
    var bad: UInt32 = 0
    for rank in 0..<made.count { bad |= Int(made.base[rank]) >= lengths.count ? 1 : 0 }
    return free == 1 && bad == 0
  }
}

extension TableRow<UInt64> {
  /// Whether this has 2^n slots, for an n of at least `bits`.
  fileprivate func isTable(ofBits bits: Int) -> Bool { count >= 1 << bits && count & (count - 1) == 0 }
}
