/// Merges the characters of a short word by the rules of sentencepiece: what its encoder does when the cache does not know the word.
///
/// There, two neighbours merge when their text together is a piece, better scores first. The same is a list of pairs of symbols: each
/// piece once for every way to put it together from two that can stand side by side, which are pieces and single characters. Among
/// pieces of which no two have the same score this list has an order, and merging is the rescan of a row of ranks as in ``ByteMerger``.
/// Pieces that share a score, as runs of the mark for spaces do in some models, merge leftmost first whichever of them it is: words that
/// may hold one are left to the heap.
final class PieceMerger: @unchecked Sendable {
  private let pairs: MergeRanks
  private let trie: PieceTrie
  /// The symbols of characters that are no pieces but stand in some, by their bytes.
  private let characters: [UInt32: UInt32]
  private let asciiIDs: [UInt32]
  /// For each piece its bytes; 0 for what never comes out: it is unknown text.
  private let lengths: [UInt32]
  private let byteIDs: [UInt32]
  private let unknownID: UInt32
  /// Bytes that user-defined symbols begin with.
  private let symbolStarts: [Bool]
  /// A bit for the hash of the first two characters of each piece with a score that another one has.
  private let tiedBits: [UInt64]
  /// Stands for characters that are part of no piece.
  private let nobody: UInt32

  /// - Returns: `nil` when there are too many pieces.
  init?(_ vocabulary: SentencePieceVocabulary, _ merger: SentencePieceMerger) {
    let pieces = vocabulary.pieces
    trie = merger.trie
    byteIDs = vocabulary.byteIDs.map(UInt32.init(bitPattern:))
    unknownID = UInt32(bitPattern: vocabulary.unknownID)
    let lengths = pieces.indices.map {
      SentencePieceVocabulary.isReserved(vocabulary.kinds[$0]) ? 0 : UInt32(pieces[$0].count)
    }
    self.lengths = lengths
    var symbolStarts = [Bool](repeating: false, count: 256)
    var made: [Int] = []
    for (id, piece) in pieces.enumerated() where !piece.isEmpty && lengths[id] > 0 {
      if vocabulary.kinds[id] == .userDefined {
        symbolStarts[Int(piece[0])] = true
      } else if piece.count > SentencePieceNormalizer.promisedLength(piece[0]) {
        made.append(id)
      }
    }
    self.symbolStarts = symbolStarts
    made.sort { merger.ranks[$0] < merger.ranks[$1] }
    var tied = [Bool](repeating: false, count: pieces.count)
    for (left, right) in zip(made, made.dropFirst()) where merger.ranks[left] == merger.ranks[right] {
      (tied[left], tied[right]) = (true, true)
    }
    var tiedBits = [UInt64](repeating: 0, count: 64)
    var characters: [UInt32: UInt32] = [:]
    var table = MergeTableBuilder(capacity: 3 * made.count)
    merger.trie.cells.withUnsafeBufferPointer { cells in
      /// The symbol of a part of a piece, if it can be one.
      func symbol(_ part: ArraySlice<UInt8>) -> UInt32? {
        var node = PieceTrie.root
        for byte in part where node != PieceTrie.nowhere { node = PieceTrie.step(cells, node, byte) }
        let isCharacter = part.count <= SentencePieceNormalizer.promisedLength(part[part.startIndex])
        if node != PieceTrie.nowhere, merger.trie.values[Int(node)] >= 0 {
          let id = UInt32(merger.trie.values[Int(node)])
          return isCharacter || lengths[Int(id)] > 0 ? id : nil
        }
        guard isCharacter else { return nil }
        let key = part.reduce(0) { $0 << 8 | UInt32($1) }
        if let known = characters[key] { return known }
        let new = UInt32(pieces.count + characters.count)
        characters[key] = new
        return new
      }
      for (rank, id) in made.enumerated() {
        let piece = pieces[id]
        var place = SentencePieceNormalizer.promisedLength(piece[0])
        if tied[id] {
          let end = min(place + SentencePieceNormalizer.promisedLength(piece[place]), piece.count)
          // Single characters always are symbols.
          if let left = symbol(piece[..<place]), let right = symbol(piece[place..<end]) {
            let bit = Self.bit(left, right)
            tiedBits[bit >> 6] |= 1 << UInt64(bit & 63)
          }
          continue
        }
        while place < piece.count {
          if let left = symbol(piece[..<place]), let right = symbol(piece[place...]) {
            table.insert(left, right, MergeTable.Merge(rank: UInt32(rank), id: UInt32(id)))
          }
          place += SentencePieceNormalizer.promisedLength(piece[place])
        }
      }
    }
    self.characters = characters
    self.tiedBits = tiedBits
    nobody = UInt32(pieces.count + characters.count)
    guard nobody < MergeRanks.idLimit - 1, let pairs = MergeRanks(table.finish()) else { return nil }
    self.pairs = pairs
    let (missing, known) = (nobody, characters)
    asciiIDs = (0..<128).map { (byte: UInt8) in
      let id = merger.trie.value(of: [byte])
      return id >= 0 ? UInt32(id) : known[UInt32(byte)] ?? missing
    }
  }

  /// Appends the ids of a word.
  ///
  /// - Returns: false, with nothing appended, for words that are longer than ``ByteMerger/shortLimit`` or may hold a user-defined symbol
  ///   or a piece with a score that another one has.
  /// - Complexity: as ``MergeRanks/merge(_:_:last:)``; nothing is allocated.
  func append(_ word: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer, _ scratch: EncoderScratch) -> Bool {
    guard !word.isEmpty, word.count <= ByteMerger.shortLimit else { return false }
    output.reserve(word.count)
    let ids = output.ids + output.count
    var count = 0
    var index = 0
    var isKnown = true
    while index < word.count {
      let byte = word[index]
      if symbolStarts[Int(byte)] { return false }
      let length = byte < 0x80 ? 1 : min(SentencePieceNormalizer.promisedLength(byte), word.count &- index)
      let id = byte < 0x80 ? asciiIDs[Int(byte)] : symbol(UnsafeBufferPointer(rebasing: word[index..<index &+ length]))
      isKnown = isKnown && Int(id) < lengths.count && lengths[Int(id)] > 0
      ids[count] = id
      count &+= 1
      index &+= length
    }
    let ranks = scratch.ranks
    for index in 0..<count &- 1 {
      let bit = Self.bit(ids[index], ids[index &+ 1])
      if (tiedBits[bit &>> 6] &>> UInt64(bit & 63)) & 1 != 0 { return false }
      ranks[index] = pairs.rank(of: ids[index], ids[index &+ 1])
    }
    count = pairs.merge(ids, ranks, last: count &- 1)
    if isKnown { output.count += count } else { appendKnown(word, count, &output, scratch) }
    return true
  }

  /// The place of a pair in ``tiedBits``: a number of twelve bits.
  @inline(__always)
  private static func bit(_ left: UInt32, _ right: UInt32) -> Int {
    Int(truncatingIfNeeded: (((left &* 0x9E37_79B1) ^ right) &* 0x85EB_CA77) &>> 20)
  }

  private func symbol(_ character: UnsafeBufferPointer<UInt8>) -> UInt32 {
    let id = trie.value(of: character)
    if id >= 0 { return UInt32(id) }
    return characters[character.reduce(0) { $0 << 8 | UInt32($1) }] ?? nobody
  }

  /// Puts bytes, or the unknown piece, in the place of characters that are no pieces.
  private func appendKnown(
    _ word: UnsafeBufferPointer<UInt8>, _ count: Int, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) {
    let symbols = scratch.ranks
    symbols.update(from: output.ids + output.count, count: count)
    var start = 0
    var afterUnknown = false
    for index in 0..<count {
      let id = symbols[index]
      let length = Int(id) < lengths.count ? Int(lengths[Int(id)]) : 0
      if length > 0 {
        output.append(id, end: 0)
        start += length
        afterUnknown = false
        continue
      }
      let end = min(start + SentencePieceNormalizer.promisedLength(word[start]), word.count)
      if !byteIDs.isEmpty {
        for byte in word[start..<end] { output.append(byteIDs[Int(byte)], end: 0) }
      } else if !afterUnknown {
        output.append(unknownID, end: 0)
      }
      start = end
      afterUnknown = true
    }
  }
}
