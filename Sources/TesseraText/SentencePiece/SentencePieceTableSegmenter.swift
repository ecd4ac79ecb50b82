/// Cuts text into words or into characters and looks each up.
struct SentencePieceTableSegmenter: Sendable {
  private let trie: PieceTrie
  private let matcher: PieceTrie?
  private let kinds: [SentencePieceModel.Piece.Kind]
  private let unknownID: Int32
  private let cutsWords: Bool

  init(_ vocabulary: SentencePieceVocabulary, words: Bool) {
    trie = vocabulary.trie
    matcher = words ? nil : vocabulary.userDefined
    kinds = vocabulary.kinds
    unknownID = vocabulary.unknownID
    cutsWords = words
  }

  /// Appends the segments of a text.
  ///
  /// - Complexity: O(n).
  func segment(_ text: UnsafeBufferPointer<UInt8>, into segments: inout [SentencePieceSegment]) {
    trie.cells.withUnsafeBufferPointer { cells in
      (matcher?.cells ?? []).withUnsafeBufferPointer { matcherCells in
        var start = 0
        while start < text.count {
          let end = cutsWords ? endOfWord(text, from: start) : endOfCharacter(text, from: start, matcherCells)
          segments.append(SentencePieceSegment(id: lookUp(text, start..<end, cells), length: UInt32(end - start)))
          start = end
        }
      }
    }
  }

  private func lookUp(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ cells: UnsafeBufferPointer<UInt64>
  ) -> Int32 {
    var node = PieceTrie.root
    for index in range {
      node = PieceTrie.step(cells, node, text[index])
      if node == PieceTrie.nowhere { return unknownID }
    }
    let id = trie.values[Int(node)]
    return id < 0 || kinds[Int(id)] == .unused ? unknownID : id
  }

  private func endOfCharacter(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int, _ cells: UnsafeBufferPointer<UInt64>
  ) -> Int {
    if let matcher, let length = SentencePieceNormalizer.longestMatch(cells, matcher.values, in: text, at: start) {
      return start + length
    }
    return start + Swift.min(SentencePieceNormalizer.promisedLength(text[start]), text.count - start)
  }

  /// A word ends where the next mark begins, even in models that put the mark behind.
  private func endOfWord(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var index = start
    repeat {
      index += Swift.min(SentencePieceNormalizer.promisedLength(text[index]), text.count - index)
    } while index < text.count
      && !(index + 3 <= text.count && text[index] == 0xE2 && text[index + 1] == 0x96
        && text[index + 2] == 0x81)
    return index
  }
}
