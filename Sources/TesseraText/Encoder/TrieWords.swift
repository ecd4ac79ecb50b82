/// Unigram and WordPiece for one word over a double array: what ``PipelineTiles`` does when its cache does not know the word.
///
/// Nothing is allocated per word and no entry is looked up twice. Words with unknown characters, or for Unigram with the unknown token,
/// are left to the model itself.
final class TrieWords: Sendable {
  private enum Kind: Sendable {
    /// The unknown token, if there is one, and the score of each id.
    case unigram(unknown: UInt32?, scores: [Double])
    /// The unknown token, the longest word in characters, and the node where continuations begin.
    case wordPiece(unknown: UInt32, most: Int, continuation: UInt32)
  }

  private let trie: PieceTrie
  private let kind: Kind

  /// - Returns: `nil` for other models.
  init?(_ model: TokenizerModel) {
    let table = model.vocabulary
    func makeTrie() -> PieceTrie {
      PieceTrie(
        (0..<table.entryCount).compactMap { entry in
          guard !table.replaced.contains(entry), !table.range(ofEntry: entry).isEmpty else { return nil }
          return (bytes: Array(table.text(ofEntry: entry)), value: Int32(table.ids[entry]))
        })
    }
    guard table.maximumID < Int(Int32.max) else { return nil }
    switch model {
    case .unigram(let model):
      guard table.maximumID < model.scores.count else { return nil }
      trie = makeTrie()
      kind = .unigram(unknown: model.unknownID, scores: model.scores)
    case .wordPiece(let model):
      guard let unknown = table.id(of: model.unknownToken) else { return nil }
      let made = makeTrie()
      trie = made
      let node = made.cells.withUnsafeBufferPointer { cells in
        model.continuingSubwordPrefix.reduce(PieceTrie.root) {
          $0 == PieceTrie.nowhere ? $0 : PieceTrie.step(cells, $0, $1)
        }
      }
      kind = .wordPiece(unknown: unknown, most: model.maximumCharactersPerWord, continuation: node)
    case .bpe, .wordLevel: return nil
    }
  }

  /// Appends the ids of a word.
  ///
  /// - Returns: false, with nothing appended, when the model itself must look at it.
  /// - Complexity: O(n) times the longest entry.
  func append(_ word: UnsafeBufferPointer<UInt8>, _ output: inout TokenBuffer) -> Bool {
    guard !word.isEmpty else { return true }
    return trie.cells.withUnsafeBufferPointer { cells in
      trie.values.withUnsafeBufferPointer { values in
        switch kind {
        case .unigram(let unknown, let scores):
          scores.withUnsafeBufferPointer { Self.appendBest(word, cells, values, $0, unknown, &output) }
        case .wordPiece(let unknown, let most, let continuation):
          Self.appendLongest(word, cells, values, unknown, most, continuation, &output)
        }
      }
    }
  }

  /// The way through a word with the best sum of scores, as ``UnigramModel`` finds it.
  private static func appendBest(
    _ word: UnsafeBufferPointer<UInt8>, _ cells: UnsafeBufferPointer<UInt64>, _ values: UnsafeBufferPointer<Int32>,
    _ scores: UnsafeBufferPointer<Double>, _ unknown: UInt32?, _ output: inout TokenBuffer
  ) -> Bool {
    withUnsafeTemporaryAllocation(of: UnigramLattice.Node.self, capacity: word.count + 1) { nodes in
      nodes.initialize(repeating: UnigramLattice.Node(score: 0, start: -1, id: 0))
      var start = 0
      while start < word.count {
        let here = nodes[start].score
        let single = start + word.leadLength(at: start)
        var hasSingle = false
        var node = PieceTrie.root
        var end = start
        while end < word.count {
          node = PieceTrie.step(cells, node, word[end])
          if node == PieceTrie.nowhere { break }
          end &+= 1
          let id = values[Int(node)]
          if id < 0 { continue }
          let score = scores[Int(id)] + here
          if nodes[end].start < 0 || score > nodes[end].score {
            nodes[end] = UnigramLattice.Node(
              score: score, start: Int32(truncatingIfNeeded: start), id: UInt32(bitPattern: id))
          }
          hasSingle = hasSingle || end == single
        }
        if !hasSingle { return false }
        start = single
      }
      output.reserve(word.count)
      let target = output.ids + output.count
      var count = 0
      var end = word.count
      while end > 0 {
        if nodes[end].id == unknown { return false }
        target[count] = nodes[end].id
        count &+= 1
        end = Int(nodes[end].start)
      }
      var found = UnsafeMutableBufferPointer(start: target, count: count)
      found.reverse()
      output.count += count
      return true
    }
  }

  /// The longest entries from the left, as ``WordPieceModel`` finds them.
  private static func appendLongest(
    _ word: UnsafeBufferPointer<UInt8>, _ cells: UnsafeBufferPointer<UInt64>, _ values: UnsafeBufferPointer<Int32>,
    _ unknown: UInt32, _ most: Int, _ continuation: UInt32, _ output: inout TokenBuffer
  ) -> Bool {
    let first = output.count
    var characters = 0
    for byte in word { characters &+= byte & 0xC0 == 0x80 ? 0 : 1 }
    var start = characters > most ? word.count + 1 : 0
    while start < word.count {
      var node = start == 0 ? PieceTrie.root : continuation
      var (end, best, id) = (start, start, Int32(-1))
      while end < word.count, node != PieceTrie.nowhere {
        node = PieceTrie.step(cells, node, word[end])
        if node == PieceTrie.nowhere { break }
        end &+= 1
        // Only whole characters count.
        if values[Int(node)] >= 0, end == word.count || word[end] & 0xC0 != 0x80 {
          (best, id) = (end, values[Int(node)])
        }
      }
      if id < 0 {
        start = word.count + 1
        break
      }
      output.append(UInt32(bitPattern: id), end: 0)
      start = best
    }
    if start > word.count {
      output.count = first
      output.append(unknown, end: 0)
    }
    return true
  }
}
