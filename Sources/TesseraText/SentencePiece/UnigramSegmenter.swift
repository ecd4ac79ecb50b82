/// A stretch of normalized text and the piece it became.
struct SentencePieceSegment {
  /// The id, or -1 for unknown text in a model without an unknown piece.
  var id: Int32
  var length: UInt32
}

/// Finds the most probable sequence of pieces.
///
/// One pass of Viterbi over the bytes; all sums are 32-bit floats in the order of the library's, because that decides ties. Of two
/// equal paths to a place the one found first stays.
///
/// Source: Kudo, *Subword Regularization*, 2018 (arXiv 1804.10959); `EncodeOptimized` of sentencepiece 0.2.3.
struct UnigramSegmenter: Sendable {
  /// How much worse than the worst piece an unknown character is.
  private static let unknownPenalty: Float = 10
  /// Sums beyond this start again from zero, so that long texts do not lose the digits that decide.
  static let resetThreshold: Float = 100_000

  let trie: PieceTrie
  let scores: [Float]
  let kinds: [SentencePieceModel.Piece.Kind]
  let unknownID: Int32
  let unknownScore: Float

  init(_ vocabulary: SentencePieceVocabulary) throws(TokenizerError) {
    if let id = vocabulary.scores.firstIndex(where: { !$0.isFinite }) {
      throw TokenizerError(.inconsistent, "the score \(vocabulary.scores[id])", at: .key("pieces[\(id)]"))
    }
    guard vocabulary.kinds.contains(where: { !SentencePieceVocabulary.isReserved($0) }) else {
      throw TokenizerError(.inconsistent, "no piece of text", at: .key("pieces"))
    }
    trie = vocabulary.trie
    scores = vocabulary.scores
    kinds = vocabulary.kinds
    unknownID = vocabulary.unknownID
    var lowest = Float.greatestFiniteMagnitude
    for (id, score) in vocabulary.scores.enumerated() where vocabulary.kinds[id] == .normal {
      lowest = Swift.min(lowest, score)
    }
    unknownScore = lowest - Self.unknownPenalty
  }

  private struct Arrival {
    var id: Int32 = -1
    var score: Float = 0
    var start: Int32 = -1
  }

  /// Appends the segments of a text.
  ///
  /// - Complexity: O(n) times the longest piece, 12 bytes of memory per byte of text.
  func segment(_ text: UnsafeBufferPointer<UInt8>, into segments: inout [SentencePieceSegment]) {
    var sum: Float = 0
    segment(text, sum: &sum, into: &segments)
  }

  /// Appends the segments of a stretch of text that no piece leaves, as they are in the whole text.
  ///
  /// - Parameter sum: the score of what stands before it; afterwards that of the stretch as well.
  func segment(
    _ text: UnsafeBufferPointer<UInt8>, sum: inout Float, into segments: inout [SentencePieceSegment]
  ) {
    if text.isEmpty { return }
    withUnsafeTemporaryAllocation(of: Arrival.self, capacity: text.count + 1) { arrivals in
      arrivals.initialize(repeating: Arrival())
      arrivals[0].score = sum
      forward(text, arrivals)
      sum = arrivals[text.count].score
      var end = text.count
      let first = segments.count
      while end > 0 {
        let start = Int(arrivals[end].start)
        segments.append(SentencePieceSegment(id: arrivals[end].id, length: UInt32(end - start)))
        end = start
      }
      segments[first...].reverse()
    }
  }

  private func forward(_ text: UnsafeBufferPointer<UInt8>, _ arrivals: UnsafeMutableBufferPointer<Arrival>) {
    trie.cells.withUnsafeBufferPointer { cells in
      trie.values.withUnsafeBufferPointer { values in
        scores.withUnsafeBufferPointer { scores in
          var start = 0
          var frontier = 0
          while start < text.count {
            let length = Swift.min(SentencePieceNormalizer.promisedLength(text[start]), text.count - start)
            let before = rebase(arrivals, at: start, frontier: frontier)
            var coversCharacter = false
            var node = PieceTrie.root
            var end = start
            while end < text.count {
              node = PieceTrie.step(cells, node, text[end])
              if node == PieceTrie.nowhere { break }
              end += 1
              let id = values[Int(node)]
              if id < 0 { continue }
              let kind = kinds[Int(id)]
              if kind == .unused { continue }
              let score = kind == .userDefined ? Self.userDefinedScore(end - start) : scores[Int(id)]
              arrive(&arrivals[end], id, score + before, from: start)
              frontier = Swift.max(frontier, end)
              if end - start == length { coversCharacter = true }
            }
            if !coversCharacter {
              frontier = Swift.max(frontier, start + length)
              arrive(&arrivals[start + length], unknownID, unknownScore + before, from: start)
            }
            start += length
          }
        }
      }
    }
  }

  @inline(__always)
  private func arrive(_ place: inout Arrival, _ id: Int32, _ score: Float, from start: Int) {
    if place.start == -1 || score > place.score {
      place = Arrival(id: id, score: score, start: Int32(truncatingIfNeeded: start))
    }
  }

  /// The score so far at a place, after a shift of all open sums when it has grown too large.
  @inline(__always)
  private func rebase(
    _ arrivals: UnsafeMutableBufferPointer<Arrival>, at start: Int, frontier: Int
  ) -> Float {
    let score = arrivals[start].score
    guard score < -Self.resetThreshold || score > Self.resetThreshold else { return score }
    if start <= frontier {
      for index in start...frontier where index == start || arrivals[index].start != -1 {
        arrivals[index].score -= score
      }
    }
    return 0
  }

  /// Longer user-defined symbols win over sequences of shorter ones, and all of them over ordinary pieces.
  static func userDefinedScore(_ length: Int) -> Float { Float(0.1 * Double(length - 1)) }
}
