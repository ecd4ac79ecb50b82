import Synchronization

/// Merges the bytes of one word: what a byte-level encoder does when its cache does not know the word.
///
/// Words of up to ``shortLimit`` bytes rescan a row of ranks, which stays in the first-level cache. Longer ones go to
/// ``LinearMerger``, whose tables are made once enough long words have come to pay for them.
final class ByteMerger: @unchecked Sendable {
  static let shortLimit = 160
  /// So many bytes of long words go through a heap before the tables for linear time are made.
  private static let patience = 1 << 20
  /// A single word of so many bytes pays for them alone.
  private static let giant = 1 << 17

  let pairs: MergeRanks
  let vocabulary: ByteVocabulary
  /// A word that is a token is taken as it is.
  let takesWholeWords: Bool
  /// The token of each single byte.
  private let byteIDs: UnsafeMutablePointer<UInt32>
  /// Ranks of the merges of two bytes, by both of them: the first round of every word.
  private let byteRanks: UnsafeMutablePointer<UInt32>
  private let model: BPEModel
  private let linearOnce = Mutex<LinearMerger??>(nil)
  private let cutsOnce = Mutex<SafeCuts?>(nil)

  /// - Returns: `nil` for models that do not read raw bytes or need more than merging.
  init?(_ model: BPEModel) {
    guard let raw = model.rawBytes, model.dropout ?? 0 == 0,
      let (pairs, vocabulary) = Self.stored(model, raw) ?? Self.made(model, raw)
    else { return nil }
    self.pairs = pairs
    self.model = model
    self.vocabulary = vocabulary
    takesWholeWords = model.ignoresMerges
    byteIDs = .allocate(capacity: 256)
    byteIDs.initialize(repeating: 0, count: 256)
    byteRanks = .allocate(capacity: 1 << 16)
    byteRanks.initialize(repeating: 0, count: 1 << 16)
    for (byte, id) in raw.byteIDs.enumerated() { byteIDs[byte] = id }
    for left in 0..<256 {
      for right in 0..<256 { byteRanks[left << 8 | right] = pairs.rank(of: raw.byteIDs[left], raw.byteIDs[right]) }
    }
  }

  /// The tables of a file, when they are good.
  private static func stored(_ model: BPEModel, _ raw: BPEModel.RawByteVocabulary) -> (MergeRanks, ByteVocabulary)? {
    guard let stored = model.storedEncoder, let pairs = MergeRanks(stored),
      let vocabulary = ByteVocabulary(stored, idCount: max(model.vocabulary.maximumID + 1, 1)),
      areGood(pairs, vocabulary, raw)
    else { return nil }
    return (pairs, vocabulary)
  }

  /// The tables made from the vocabulary and the merges.
  ///
  /// - Parameter seed: what hashes begin with.
  static func made(
    _ model: BPEModel, _ raw: BPEModel.RawByteVocabulary, seed: UInt64 = hashSeed
  ) -> (MergeRanks, ByteVocabulary)? {
    guard model.vocabulary.maximumID < MergeRanks.idLimit - 1, let pairs = MergeRanks(model.pairs) else { return nil }
    let vocabulary = ByteVocabulary(model.vocabulary, seed: seed)
    return areGood(pairs, vocabulary, raw) ? (pairs, vocabulary) : nil
  }

  private static func areGood(
    _ pairs: MergeRanks, _ vocabulary: ByteVocabulary, _ raw: BPEModel.RawByteVocabulary
  ) -> Bool {
    raw.byteIDs.allSatisfy { $0 < vocabulary.idCount && vocabulary.lengths[Int($0)] == 1 }
      && pairs.agrees(with: vocabulary)
  }

  deinit {
    byteIDs.deallocate()
    byteRanks.deallocate()
  }

  /// Where long words may be cut; made when first asked for.
  var cuts: SafeCuts {
    cutsOnce.withLock { cuts in
      if let cuts { return cuts }
      let new = SafeCuts(vocabulary)
      cuts = new
      return new
    }
  }

  /// Merges a word of up to ``shortLimit`` bytes.
  ///
  /// - Parameter ids: room for as many ids as the word has bytes, which are filled from the start.
  /// - Parameter ranks: as much room, for the work.
  /// - Returns: the number of ids.
  func mergeShort(
    _ word: UnsafePointer<UInt8>, _ length: Int, _ ids: UnsafeMutablePointer<UInt32>,
    _ ranks: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let last = length &- 1
    var previous = Int(word[0])
    ids[0] = byteIDs[previous]
    for index in 0..<last {
      let next = Int(word[index &+ 1])
      ids[index &+ 1] = byteIDs[next]
      ranks[index] = byteRanks[previous &<< 8 | next]
      previous = next
    }
    return pairs.merge(ids, ranks, last: last)
  }
}

extension ByteMerger {
  /// Appends the ids of a word of any length. O(n), or O(n log n) for lists of merges whose ranks are no order in time.
  func mergeLong(_ word: UnsafeBufferPointer<UInt8>, into output: inout TokenBuffer, _ scratch: EncoderScratch) {
    output.reserve(word.count)
    scratch.longBytes += word.count
    if scratch.longBytes > Self.patience || word.count >= Self.giant, let linear = linear(scratch) {
      output.count += linear.merge(word, output.ids + output.count, dead: scratch.deadBits(word.count + 1))
      return
    }
    scratch.longMerger.removeAll()
    for byte in word { scratch.longMerger.append(byteIDs[Int(byte)], length: 1) }
    scratch.longMerger.merge(with: model.pairs)
    for id in scratch.longMerger.ids { output.append(id, end: 0) }
  }

  /// Made when enough long words have come; the scratch memory keeps it at hand.
  private func linear(_ scratch: EncoderScratch) -> LinearMerger? {
    if let known = scratch.linear { return known }
    let made = linearOnce.withLock { once in
      if let once { return once }
      let new = LinearMerger(model, pairs, vocabulary)
      once = new
      return new
    }
    scratch.linear = made
    return made
  }
}
