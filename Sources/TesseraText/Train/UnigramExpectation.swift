import Dispatch
import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How often each piece is expected in the words when all ways to cut them count by their probability: the E step.
enum UnigramExpectation {
  /// Parts are handed to the threads in stretches of this many.
  private static let stretch = 4096

  /// - Returns: expected counts by piece.
  /// - Complexity: O(edges).
  static func counts(_ text: UnigramText, _ vocabulary: UnigramVocabulary, threads: Int?) -> [Double] {
    let lift = perCharacter(text, vocabulary)
    // All paths through a part have its length, so a factor per character changes no share and keeps products near one.
    let weights = zip(vocabulary.scores, vocabulary.lengths).map { exp($0 + lift * Double($1)) }
    // Whole numbers add up to the same in any order.
    let scale = exp2((62 - log2(max(2, Double(text.total)))).rounded(.down) - 1)
    let next = Atomic<Int>(0)
    let sums = Mutex([Int64](repeating: 0, count: vocabulary.count))
    let workers = min(max(1, threads ?? Parallel.coreCount), text.partCount / stretch + 1)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      var pass = Pass(vocabulary.count, scale: scale)
      while true {
        let first = next.wrappingAdd(stretch, ordering: .relaxed).oldValue
        guard first < text.partCount else { break }
        for part in first..<min(first + stretch, text.partCount) {
          pass.add(part, text, vocabulary, weights)
        }
      }
      sums.withLock { sums in
        for piece in sums.indices { sums[piece] &+= pass.expected[piece] }
      }
    }
    return sums.withLock { $0.map { Double($0) / scale } }
  }

  /// About the negative log probability of one character, which makes the weight of a part near one.
  private static func perCharacter(_ text: UnigramText, _ vocabulary: UnigramVocabulary) -> Double {
    var sum = 0.0
    var length = 0.0
    // The best single edge of every place is a rough path, good enough for a factor.
    for place in stride(from: 0, to: text.symbols.count, by: max(1, text.symbols.count / 10_000)) {
      let range = Int(vocabulary.edgeStarts[place])..<Int(vocabulary.edgeStarts[place + 1])
      guard let edge = vocabulary.edges[range].max(by: { ($0 & 31) < ($1 & 31) }) else { continue }
      sum -= vocabulary.scores[UnigramVocabulary.piece(edge)]
      length += Double(UnigramVocabulary.length(edge))
    }
    return length > 0 ? sum / length : 0
  }

  private struct Pass {
    var expected: [Int64]
    let scale: Double
    var forward: [Double] = []
    var backward: [Double] = []

    init(_ pieces: Int, scale: Double) {
      expected = [Int64](repeating: 0, count: pieces)
      self.scale = scale
    }

    /// Adds the expected pieces of one part.
    mutating func add(_ part: Int, _ text: UnigramText, _ vocabulary: UnigramVocabulary, _ weights: [Double]) {
      let base = text.starts[part]
      let length = text.starts[part + 1] - base
      if forward.count <= length {
        forward = [Double](repeating: 0, count: length + 64)
        backward = forward
      }
      let count = Double(text.counts[part]) * scale
      let isDone = forward.withUnsafeMutableBufferPointer { forward in
        backward.withUnsafeMutableBufferPointer { backward in
          expected.withUnsafeMutableBufferPointer { expected in
            vocabulary.edges.withUnsafeBufferPointer { edges in
              vocabulary.edgeStarts.withUnsafeBufferPointer { starts in
                weights.withUnsafeBufferPointer { weights in
                  Self.run(base, length, count, edges, starts, weights, forward, backward, expected)
                }
              }
            }
          }
        }
      }
      if !isDone { addByLogarithms(base, length, count, vocabulary) }
    }

    /// - Returns: false when the products leave the range of numbers; nothing was added then.
    private static func run(
      _ base: Int, _ length: Int, _ count: Double, _ edges: UnsafeBufferPointer<UInt32>,
      _ starts: UnsafeBufferPointer<UInt32>, _ weights: UnsafeBufferPointer<Double>,
      _ forward: UnsafeMutableBufferPointer<Double>, _ backward: UnsafeMutableBufferPointer<Double>,
      _ expected: UnsafeMutableBufferPointer<Int64>
    ) -> Bool {
      for at in 0...length { forward[at] = 0 }
      forward[0] = 1
      var edge = Int(starts[base])
      for at in 0..<length {
        let weight = forward[at]
        let end = Int(starts[base &+ at &+ 1])
        while edge < end {
          let code = edges[edge]
          forward[at &+ UnigramVocabulary.length(code)] += weight * weights[UnigramVocabulary.piece(code)]
          edge &+= 1
        }
      }
      let all = forward[length]
      guard all > 1e-200, all < 1e200 else { return false }
      backward[length] = 1
      let share = count / all
      for at in stride(from: length &- 1, through: 0, by: -1) {
        let first = Int(starts[base &+ at])
        let factor = forward[at] * share
        var sum = 0.0
        edge = Int(starts[base &+ at &+ 1])
        while edge > first {
          edge &-= 1
          let code = edges[edge]
          let piece = UnigramVocabulary.piece(code)
          let rest = weights[piece] * backward[at &+ UnigramVocabulary.length(code)]
          sum += rest
          expected[piece] &+= Int64(factor * rest)
        }
        backward[at] = sum
      }
      return true
    }

    /// The same for parts so long or so odd that their probabilities are too small for a number.
    private mutating func addByLogarithms(_ base: Int, _ length: Int, _ count: Double, _ vocabulary: UnigramVocabulary)
    {
      func join(_ a: Double, _ b: Double) -> Double {
        if a == -.infinity { return b }
        let high = max(a, b)
        return high + log1p(exp(min(a, b) - high))
      }
      func edges(_ at: Int) -> ArraySlice<UInt32> {
        vocabulary.edges[Int(vocabulary.edgeStarts[base + at])..<Int(vocabulary.edgeStarts[base + at + 1])]
      }
      var before = [Double](repeating: -.infinity, count: length + 1)
      var after = before
      before[0] = 0
      after[length] = 0
      for at in 0..<length {
        for edge in edges(at) {
          let end = at + UnigramVocabulary.length(edge)
          before[end] = join(before[end], before[at] + vocabulary.scores[UnigramVocabulary.piece(edge)])
        }
      }
      for at in stride(from: length - 1, through: 0, by: -1) {
        for edge in edges(at) {
          let piece = UnigramVocabulary.piece(edge)
          let rest = vocabulary.scores[piece] + after[at + UnigramVocabulary.length(edge)]
          after[at] = join(after[at], rest)
          expected[piece] &+= Int64(count * exp(min(0, before[at] + rest - before[length])))
        }
      }
    }
  }
}
