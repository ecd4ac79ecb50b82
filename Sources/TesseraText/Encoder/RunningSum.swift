/// The sum of the scores of a text so far, in 32-bit floats and in the order of its pieces, as far as it is known.
///
/// Such sums lose digits as they grow, so that of two ways to cut a word that are nearly equally good the one that wins depends on
/// what stands before it. Words for which that may happen are cut from the exact sum.
struct RunningSum {
  private(set) var value: Float = 0
  /// The place in the text up to which the sum is known.
  private(set) var place: UnsafePointer<UInt8>?
  /// How many ids stand before that place.
  var count = 0

  /// The sum is known up to here.
  mutating func set(_ value: Float, at place: UnsafePointer<UInt8>?, _ count: Int) {
    (self.value, self.place, self.count) = (value, place, count)
  }
}

extension UnigramSegmenter {
  /// The best way to cut a text and the second best, in 64 bits.
  private struct Ways {
    var best = -Double.infinity
    var second = -Double.infinity
    var start: Int32 = -1
    var id: Int32 = -1

    @inline(__always)
    mutating func offer(_ from: Ways, _ score: Double, _ start: Int, _ id: Int32) {
      let sum = from.best + score
      if sum > best {
        second = max(best, from.second + score)
        (best, self.start, self.id) = (sum, Int32(truncatingIfNeeded: start), id)
      } else {
        second = max(second, sum)
      }
    }
  }

  /// Half the distance between 32-bit floats from 65,536 on: what one addition to the largest sums may be off.
  static let largestError = 0.00390625

  /// Appends the segments of a word when the best way to cut it is the one that is chosen whatever stands before it.
  ///
  /// Rounding never changes the order of two sums, so that what is chosen is the way with the largest rounded sum; no sum is off by
  /// more than an error for each of its terms, and one where all sums are shifted.
  ///
  /// - Returns: whether it is; if not, or if a character is unknown, nothing is appended.
  func segmentIfCertain(_ text: UnsafeBufferPointer<UInt8>, into segments: inout [SentencePieceSegment]) -> Bool {
    withUnsafeTemporaryAllocation(of: Ways.self, capacity: text.count + 1) { ways in
      ways.initialize(repeating: Ways())
      ways[0].best = 0
      guard let characters = forward(text, ways) else { return false }
      let margin = ways[text.count].best - ways[text.count].second
      guard margin > Double(2 * characters + 4) * Self.largestError * 1.01 else { return false }
      let first = segments.count
      var end = text.count
      while end > 0 {
        let start = Int(ways[end].start)
        segments.append(SentencePieceSegment(id: ways[end].id, length: UInt32(end - start)))
        end = start
      }
      segments[first...].reverse()
      return true
    }
  }

  /// - Returns: how many characters there are, or `nil` when one is no piece by itself.
  private func forward(_ text: UnsafeBufferPointer<UInt8>, _ ways: UnsafeMutableBufferPointer<Ways>) -> Int? {
    var characters = 0
    var isKnown = true
    trie.cells.withUnsafeBufferPointer { cells in
      trie.values.withUnsafeBufferPointer { values in
        scores.withUnsafeBufferPointer { scores in
          var start = 0
          while start < text.count {
            let length = min(SentencePieceNormalizer.promisedLength(text[start]), text.count - start)
            characters += 1
            let here = ways[start]
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
              ways[end].offer(here, Double(score), start, id)
              if end - start == length { coversCharacter = true }
            }
            if !coversCharacter {
              isKnown = false
              return
            }
            start += length
          }
        }
      }
    }
    return isKnown ? characters : nil
  }
}
