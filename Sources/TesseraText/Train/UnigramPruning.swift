import Dispatch
import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Drops the pieces that are missed least: for each, how much less probable the words become when its place is taken by the best
/// other way to write it.
enum UnigramPruning {
  private static let stretch = 4096

  /// - Parameter target: how many pieces to keep.
  /// - Complexity: O(edges) and O(n log n) for n pieces.
  static func prune(_ vocabulary: inout UnigramVocabulary, _ text: UnigramText, to target: Int, threads: Int?) {
    let used = bestPathCounts(text, vocabulary, threads: threads)
    let losses = losses(vocabulary, text, used, threads: threads)
    let characters = vocabulary.characterCount
    let certain = characters + losses[characters...].reduce(0) { $0 + ($1 == .infinity ? 1 : 0) }
    let rest = (characters..<vocabulary.count).filter { losses[$0].isFinite }
    let order = rest.sorted { losses[$0] != losses[$1] ? losses[$0] > losses[$1] : $0 < $1 }
    var isKept = losses.map { $0 == .infinity }
    for piece in 0..<characters { isKept[piece] = true }
    for piece in order.prefix(max(0, target - certain)) { isKept[piece] = true }
    vocabulary.keep { isKept[$0] }
  }

  /// How often each piece occurs in the most probable ways to cut the words.
  private static func bestPathCounts(_ text: UnigramText, _ vocabulary: UnigramVocabulary, threads: Int?) -> [Int64] {
    let next = Atomic<Int>(0)
    let sums = Mutex([Int64](repeating: 0, count: vocabulary.count))
    let workers = min(max(1, threads ?? Parallel.coreCount), text.partCount / stretch + 1)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      var path = BestPath()
      var counts = [Int64](repeating: 0, count: vocabulary.count)
      while true {
        let first = next.wrappingAdd(stretch, ordering: .relaxed).oldValue
        guard first < text.partCount else { break }
        for part in first..<min(first + stretch, text.partCount) {
          let base = text.starts[part]
          path.find(base, text.starts[part + 1] - base, vocabulary, without: .max)
          for piece in path.pieces { counts[piece] = CountedWords.sum(counts[piece], text.counts[part]) }
        }
      }
      sums.withLock { sums in
        for piece in sums.indices { sums[piece] = CountedWords.sum(sums[piece], counts[piece]) }
      }
    }
    return sums.withLock { $0 }
  }

  /// What each piece is worth: infinite when nothing can take its place, less than anything when it is never the best choice.
  private static func losses(
    _ vocabulary: UnigramVocabulary, _ text: UnigramText, _ used: [Int64], threads: Int?
  ) -> [Double] {
    let sum = used.reduce(0.0) { $0 + Double($1) }
    let logSum = log(max(sum, 1))
    let next = Atomic<Int>(vocabulary.characterCount)
    let losses = Mutex([Double](repeating: -.infinity, count: vocabulary.count))
    let workers = min(max(1, threads ?? Parallel.coreCount), vocabulary.count / stretch + 1)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      var path = BestPath()
      while true {
        let first = next.wrappingAdd(stretch, ordering: .relaxed).oldValue
        guard first < vocabulary.count else { break }
        let end = min(first + stretch, vocabulary.count)
        let found = (first..<end).map { piece -> Double in
          let length = Int(vocabulary.lengths[piece])
          path.find(Int(vocabulary.places[piece]), length, vocabulary, without: piece)
          // A piece that loses against its own parts is never chosen.
          if path.score > vocabulary.scores[piece] || used[piece] == 0 { return -.infinity }
          let count = Double(used[piece])
          let own = log(count) - logSum
          let others = log(sum + count * Double(path.pieces.count - 1))
          let replaced = path.pieces.reduce(0.0) { $0 + log(Double(used[$1]) + count) - others }
          return count * (own - replaced)
        }
        losses.withLock { $0.replaceSubrange(first..<end, with: found) }
      }
    }
    return losses.withLock { $0 }
  }
}

/// The most probable way to cut a stretch of text.
private struct BestPath {
  /// The pieces, from the last to the first.
  private(set) var pieces: [Int] = []
  /// Their log probability.
  private(set) var score = 0.0
  private var scores: [Double] = []
  private var edges: [UInt32] = []

  /// - Parameter piece: a piece that must not be the whole stretch.
  mutating func find(_ base: Int, _ length: Int, _ vocabulary: UnigramVocabulary, without piece: Int) {
    if scores.count <= length {
      scores = [Double](repeating: 0, count: length + 64)
      edges = [UInt32](repeating: 0, count: length + 64)
    }
    pieces.removeAll(keepingCapacity: true)
    scores.withUnsafeMutableBufferPointer { scores in
      edges.withUnsafeMutableBufferPointer { best in
        vocabulary.edges.withUnsafeBufferPointer { all in
          vocabulary.edgeStarts.withUnsafeBufferPointer { starts in
            vocabulary.scores.withUnsafeBufferPointer { values in
              for at in 0...length { scores[at] = -.infinity }
              scores[0] = 0
              for at in 0..<length {
                let score = scores[at]
                for edge in Int(starts[base &+ at])..<Int(starts[base &+ at &+ 1]) {
                  let code = all[edge]
                  let end = at &+ UnigramVocabulary.length(code)
                  let number = UnigramVocabulary.piece(code)
                  if end > length || number == piece { continue }
                  let sum = score + values[number]
                  if sum > scores[end] {
                    scores[end] = sum
                    best[end] = code
                  }
                }
              }
            }
          }
        }
      }
    }
    score = scores[length]
    var at = length
    while at > 0 {
      pieces.append(UnigramVocabulary.piece(edges[at]))
      at -= UnigramVocabulary.length(edges[at])
    }
  }
}
