/// Unigram language model: the segmentation with the highest sum of scores.
///
/// Paper: *Subword Regularization*, Kudo 2018. Scores are added in 64-bit floats from left to right, as Hugging Face's library
/// does; sentencepiece itself works in 32 bits, see ``SentencePieceEncoder``.
struct UnigramModel: Sendable {
  private(set) var vocabulary: TokenTable
  private(set) var scores: [Double]
  var unknownID: UInt32?
  var byteFallback: Bool
  private let trie: ByteTrie
  private let unknownScore: Double

  init(vocabulary: TokenTable, scores: [Double], unknownID: UInt32?, byteFallback: Bool) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknownID = unknownID
    self.byteFallback = byteFallback
    unknownScore = (scores.min() ?? .infinity) - 10
    var trie = ByteTrie(capacity: vocabulary.bytes.count)
    for entry in 0..<vocabulary.entryCount where !vocabulary.replaced.contains(entry) {
      let range = vocabulary.range(ofEntry: entry)
      vocabulary.bytes.withUnsafeBufferPointer {
        trie.insert(UnsafeBufferPointer(rebasing: $0[range]), value: vocabulary.ids[entry])
      }
    }
    self.trie = trie
  }

  func tokenize(_ text: UnsafeBufferPointer<UInt8>, _ scratch: inout ModelScratch) throws {
    guard !text.isEmpty else { return }
    try findBestPath(text, &scratch.lattice)
    var pieces: [(start: Int, end: Int)] = []
    var end = text.count
    var unknownEnd: Int?
    // Backwards over the path; neighbouring unknown pieces become one.
    while end > 0 {
      let node = scratch.lattice.nodes[end]
      if unknownID == node.id {
        unknownEnd = unknownEnd ?? end
      } else {
        if let last = unknownEnd { pieces.append((end, last)) }
        unknownEnd = nil
        pieces.append((Int(node.start), end))
      }
      end = Int(node.start)
    }
    if let last = unknownEnd { pieces.append((0, last)) }
    for piece in pieces.reversed() { try append(text, piece.start, piece.end, &scratch) }
  }

  private func append(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int, _ scratch: inout ModelScratch)
    throws
  {
    let piece = UnsafeBufferPointer(rebasing: text[start..<end])
    if let id = vocabulary.id(of: UnsafeRawBufferPointer(piece)) {
      scratch.output.append(id, start, end)
      return
    }
    if byteFallback {
      let ids = piece.compactMap { vocabulary.id(of: ByteFallback.token(of: $0)) }
      if ids.count == piece.count {
        for id in ids { scratch.output.append(id, start, end) }
        return
      }
    }
    guard let unknownID else { throw Self.missingUnknown }
    scratch.output.append(unknownID, start, end, surface: String(decoding: piece, as: UTF8.self))
  }

  private static let missingUnknown = TokenizerError(
    .inconsistent, "a character is not in the vocabulary and the model names no unknown token (model.unk_id)")

  /// Fills in, for every place, the best way to get there. A later way must be strictly better to replace an earlier one.
  private func findBestPath(_ text: UnsafeBufferPointer<UInt8>, _ lattice: inout UnigramLattice) throws {
    lattice.reset(count: text.count + 1)
    try lattice.nodes.withUnsafeMutableBufferPointer { nodes in
      var start = 0
      while start < text.count {
        let here = nodes[start].score
        let scalarLength = text.leadLength(at: start)
        var hasSingle = false
        func offer(_ end: Int, _ id: UInt32, _ score: Double) {
          if nodes[end].start < 0 || score > nodes[end].score {
            nodes[end] = UnigramLattice.Node(score: score, start: Int32(start), id: id)
          }
        }
        trie.forEachPrefix(of: text, from: start) { end, id in
          offer(end, id, scores[Int(id)] + here)
          if end - start == scalarLength { hasSingle = true }
        }
        if !hasSingle {
          guard let unknownID else { throw Self.missingUnknown }
          offer(start + scalarLength, unknownID, unknownScore + here)
        }
        start += scalarLength
      }
    }
  }
}

/// The best path to each byte of a text.
struct UnigramLattice {
  struct Node {
    var score: Double
    /// Where the last piece of the path starts, or -1 when nothing leads here.
    var start: Int32
    var id: UInt32
  }

  var nodes: [Node] = []

  mutating func reset(count: Int) {
    nodes.removeAll(keepingCapacity: true)
    nodes.append(contentsOf: repeatElement(Node(score: 0, start: -1, id: 0), count: count))
  }
}
