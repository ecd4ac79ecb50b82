/// WordPiece: the longest entry that starts the word, then the longest continuation, to the end.
///
/// Paper: *Japanese and Korean Voice Search*, Schuster and Nakajima 2012; as used by BERT.
struct WordPieceModel: Sendable {
  var vocabulary: TokenTable
  var unknownToken = "[UNK]"
  var continuingSubwordPrefix = Array("##".utf8)
  var maximumCharactersPerWord = 100

  func tokenize(_ word: UnsafeBufferPointer<UInt8>, _ scratch: inout ModelScratch) throws {
    guard !word.isEmpty else { return }
    guard scalarCount(word) <= maximumCharactersPerWord, appendLongestMatches(of: word, &scratch) else {
      return try appendUnknown(word, &scratch)
    }
  }

  private func scalarCount(_ word: UnsafeBufferPointer<UInt8>) -> Int {
    word.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) }
  }

  /// - Complexity: O(n·m) for words of n bytes and entries of at most m.
  private func appendLongestMatches(of word: UnsafeBufferPointer<UInt8>, _ scratch: inout ModelScratch) -> Bool {
    var found: [(id: UInt32, start: Int, end: Int)] = []
    var candidate: [UInt8] = []
    var start = 0
    while start < word.count {
      candidate.removeAll(keepingCapacity: true)
      if start > 0 { candidate.append(contentsOf: continuingSubwordPrefix) }
      let marked = candidate.count
      var end = min(word.count, start + max(vocabulary.maximumLength - marked, 0))
      while end > start, end < word.count, word[end] & 0xC0 == 0x80 { end -= 1 }
      guard end > start else { return false }
      candidate.append(contentsOf: word[start..<end])
      var id: UInt32?
      while end > start {
        id = candidate.withUnsafeBytes { vocabulary.id(of: .init(rebasing: $0[..<(marked + end - start)])) }
        if id != nil { break }
        end -= 1
        while end > start, word[end] & 0xC0 == 0x80 { end -= 1 }
      }
      guard let id else { return false }
      found.append((id, start, end))
      start = end
    }
    for token in found { scratch.output.append(token.id, token.start, token.end) }
    return true
  }

  private func appendUnknown(_ word: UnsafeBufferPointer<UInt8>, _ scratch: inout ModelScratch) throws {
    guard let id = vocabulary.id(of: unknownToken) else {
      throw TokenizerError(.inconsistent, "the unknown token '\(unknownToken)' is not in the vocabulary")
    }
    scratch.output.append(id, 0, word.count)
  }
}

/// One id for each known word.
struct WordLevelModel: Sendable {
  var vocabulary: TokenTable
  var unknownToken = "<unk>"

  func tokenize(_ word: UnsafeBufferPointer<UInt8>, _ scratch: inout ModelScratch) throws {
    if let id = vocabulary.id(of: UnsafeRawBufferPointer(word)) {
      scratch.output.append(id, 0, word.count)
    } else if let id = vocabulary.id(of: unknownToken) {
      scratch.output.append(id, 0, word.count)
    } else {
      throw TokenizerError(
        .inconsistent, "a word is not in the vocabulary and neither is the unknown token '\(unknownToken)'")
    }
  }
}
