/// Cuts text by merging neighbours: the pair with the highest score first, of equal ones the leftmost.
///
/// Source: Sennrich, Haddow and Birch, *Neural Machine Translation of Rare Words with Subword Units*, 2016 (arXiv 1508.07909);
/// the order of merges by the pieces' scores is SentencePiece's.
struct SentencePieceMerger: Sendable {
  /// The depth at which the library stops to split unused pieces.
  private static let maximumSplitDepth = 100

  let trie: PieceTrie
  let matcher: PieceTrie?
  let kinds: [SentencePieceModel.Piece.Kind]
  let unknownID: Int32
  /// The scores as integers that are smaller for better scores; equal only for equal bits, as the library compares them.
  let ranks: [UInt32]
  /// Whether words can be cut one by one: no piece goes on over the start of a word, and no split of an unused piece is remembered.
  let cutsAtWords: Bool

  init(_ vocabulary: SentencePieceVocabulary) {
    trie = vocabulary.trie
    matcher = vocabulary.userDefined
    kinds = vocabulary.kinds
    unknownID = vocabulary.unknownID
    ranks = vocabulary.scores.map { score in
      let bits = score.bitPattern
      let ascending = bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
      return ~ascending
    }
    cutsAtWords = !vocabulary.hasMarkInsidePiece && !vocabulary.hasUnusedPiece
  }

  struct Symbol {
    var start: UInt32
    /// Zero once the symbol is merged into its left neighbour.
    var length: UInt32
    var previous: Int32
    var next: Int32
    /// The trie's node of the text, or nowhere.
    var node: UInt32
    var isFrozen: Bool
  }

  struct Candidate: MergeHeapItem {
    /// The rank above, the place of the left symbol below: smaller comes first.
    var key: UInt64
    var length: UInt32
    var node: UInt32
  }

  /// Reused between words.
  struct Workspace {
    var symbols: [Symbol] = []
    var heap = MergeHeap<Candidate>()
    /// How an unused piece was last put together: the bytes of its left part.
    var splits: [Int32: Int] = [:]
  }

  /// Appends the segments of a text.
  ///
  /// - Complexity: O(n log n) steps of the heap and as many walks over at most the longest piece.
  func segment(_ text: UnsafeBufferPointer<UInt8>, into segments: inout [SentencePieceSegment]) {
    var workspace = Workspace()
    if !cutsAtWords {
      segmentWord(text, &workspace, into: &segments)
      return
    }
    var start = 0
    while start < text.count {
      let end = Self.endOfWord(text, from: start)
      segmentWord(UnsafeBufferPointer(rebasing: text[start..<end]), &workspace, into: &segments)
      start = end
    }
  }

  /// Where the next mark stands that does not follow a mark.
  private static func endOfWord(_ text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var index = start
    while isMark(text, at: index) { index += 3 }
    while index < text.count, !isMark(text, at: index) { index += 1 }
    return index
  }

  @inline(__always)
  private static func isMark(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
    index + 3 <= text.count && text[index] == 0xE2 && text[index + 1] == 0x96 && text[index + 2] == 0x81
  }

  private func segmentWord(
    _ text: UnsafeBufferPointer<UInt8>, _ workspace: inout Workspace, into segments: inout [SentencePieceSegment]
  ) {
    if text.isEmpty { return }
    trie.cells.withUnsafeBufferPointer { cells in
      trie.values.withUnsafeBufferPointer { values in
        let run = MergeRun(merger: self, text: text, cells: cells, values: values)
        workspace.symbols.removeAll(keepingCapacity: true)
        workspace.heap.removeAll()
        run.split(&workspace)
        run.merge(&workspace)
        run.emit(workspace, into: &segments)
      }
    }
  }

  private struct MergeRun {
    let merger: SentencePieceMerger
    let text: UnsafeBufferPointer<UInt8>
    let cells: UnsafeBufferPointer<UInt64>
    let values: UnsafeBufferPointer<Int32>

    /// Makes a symbol of every character and every user-defined symbol.
    func split(_ workspace: inout Workspace) {
      var start = 0
      if text.count > 4096 { workspace.symbols.reserveCapacity(text.count) }
      while start < text.count {
        var length = Swift.min(SentencePieceNormalizer.promisedLength(text[start]), text.count - start)
        var frozen = false
        if let matcher = merger.matcher,
          let match = matcher.cells.withUnsafeBufferPointer({
            SentencePieceNormalizer.longestMatch($0, matcher.values, in: text, at: start)
          })
        {
          length = match
          frozen = true
        }
        let index = Int32(truncatingIfNeeded: workspace.symbols.count)
        let end = start + length
        workspace.symbols.append(
          Symbol(
            start: UInt32(start), length: UInt32(length), previous: index - 1, next: end < text.count ? index + 1 : -1,
            node: walk(from: PieceTrie.root, start..<end), isFrozen: frozen))
        start = end
      }
    }

    func merge(_ workspace: inout Workspace) {
      let count = workspace.symbols.count
      if count < 2 { return }
      for left in 0..<count - 1 {
        if let candidate = candidate(left, left + 1, &workspace) { workspace.heap.append(candidate) }
      }
      workspace.heap.order()
      while let best = workspace.heap.pop() {
        let left = Int(best.key & 0xFFFF_FFFF)
        let right = Int(workspace.symbols[left].next)
        guard workspace.symbols[left].length > 0, right >= 0,
          workspace.symbols[left].length + workspace.symbols[right].length == best.length
        else { continue }
        let next = workspace.symbols[right].next
        workspace.symbols[left].length = best.length
        workspace.symbols[left].node = best.node
        workspace.symbols[left].next = next
        workspace.symbols[right].length = 0
        if next >= 0 { workspace.symbols[Int(next)].previous = Int32(truncatingIfNeeded: left) }
        // The pair on the left is looked at first, because the last split of an unused piece is the one that counts.
        let previous = Int(workspace.symbols[left].previous)
        if previous >= 0, let candidate = candidate(previous, left, &workspace) { workspace.heap.push(candidate) }
        if next >= 0, let candidate = candidate(left, Int(next), &workspace) { workspace.heap.push(candidate) }
      }
    }

    /// The merge of two neighbours, if their text is a piece that may come out of a merge.
    private func candidate(_ left: Int, _ right: Int, _ workspace: inout Workspace) -> Candidate? {
      let first = workspace.symbols[left]
      let second = workspace.symbols[right]
      if first.isFrozen || second.isFrozen || first.node == PieceTrie.nowhere { return nil }
      let node = walk(from: first.node, Int(second.start)..<Int(second.start + second.length))
      guard node != PieceTrie.nowhere else { return nil }
      let id = values[Int(node)]
      guard id >= 0 else { return nil }
      let kind = merger.kinds[Int(id)]
      if SentencePieceVocabulary.isReserved(kind) { return nil }
      if kind == .unused { workspace.splits[id] = Int(first.length) }
      return Candidate(
        key: UInt64(merger.ranks[Int(id)]) << 32 | UInt64(left), length: first.length + second.length, node: node)
    }

    @inline(__always)
    private func walk(from start: UInt32, _ range: Range<Int>) -> UInt32 {
      var node = start
      for index in range {
        node = PieceTrie.step(cells, node, text[index])
        if node == PieceTrie.nowhere { break }
      }
      return node
    }

    func emit(_ workspace: Workspace, into segments: inout [SentencePieceSegment]) {
      var index = 0
      while index >= 0 {
        let symbol = workspace.symbols[index]
        let start = Int(symbol.start)
        let id = symbol.node == PieceTrie.nowhere ? -1 : values[Int(symbol.node)]
        emit(start..<start + Int(symbol.length), id, workspace.splits, 0, into: &segments)
        index = Int(symbol.next)
      }
    }

    /// Appends a piece, or the parts of an unused one.
    private func emit(
      _ range: Range<Int>, _ id: Int32, _ splits: [Int32: Int], _ depth: Int,
      into segments: inout [SentencePieceSegment]
    ) {
      var given = id
      if id < 0 || SentencePieceVocabulary.isReserved(merger.kinds[Int(id)]) {
        given = merger.unknownID
      } else if merger.kinds[Int(id)] == .unused, depth <= SentencePieceMerger.maximumSplitDepth {
        if let length = splits[id] {
          for part in [range.prefix(length), range.dropFirst(length)] {
            let node = walk(from: PieceTrie.root, part)
            let id = node == PieceTrie.nowhere ? -1 : values[Int(node)]
            emit(part, id, splits, depth + 1, into: &segments)
          }
          return
        }
        given = merger.unknownID
      }
      segments.append(SentencePieceSegment(id: given, length: UInt32(range.count)))
    }
  }
}
