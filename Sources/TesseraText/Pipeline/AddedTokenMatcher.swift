/// Finds added tokens in text: leftmost first, longest among those that start together.
///
/// An Aho-Corasick automaton over bytes. A match that begins earlier always wins, so the search goes on while the automaton's
/// current suffix begins no later than the best match so far.
struct AddedTokenMatcher: Sendable {
  private var trie = ByteTrie()
  private var failure: [UInt32] = []
  private var depth: [UInt32] = []
  /// The nearest node on the failure chain, the node itself included, that ends a token; 0 for none.
  private var output: [UInt32] = []
  private var starts = [Bool](repeating: false, count: 256)
  private(set) var isEmpty = true
  /// The bytes that tokens begin with, when they are few.
  private var firstBytes: [UInt8] = []

  init() {}

  /// - Parameter tokens: contents and values; of equal contents the last counts.
  init(_ tokens: [(content: [UInt8], value: UInt32)]) {
    trie = ByteTrie(capacity: tokens.reduce(0) { $0 + $1.content.count })
    var parents: [(parent: UInt32, byte: UInt8)] = [(0, 0)]
    for token in tokens where !token.content.isEmpty {
      isEmpty = false
      starts[Int(token.content[0])] = true
      trie.insert(token.content, value: token.value)
      var node: UInt32 = 0
      for byte in token.content {
        guard let child = trie.child(of: node, byte) else { break }
        if Int(child) == parents.count { parents.append((node, byte)) }
        node = child
      }
    }
    link(parents)
    firstBytes = (0...255).filter { starts[Int($0)] }
  }

  /// Whether a byte stands in the text that a token begins with.
  ///
  /// - Complexity: O(n), 64 bytes at a time where tokens begin with few different bytes.
  func mayMatch(in text: UnsafeBufferPointer<UInt8>) -> Bool {
    !isEmpty && candidate(in: text, from: 0) < text.count
  }

  /// The next place from `start` on where a token may begin; the end of the text if there is none.
  private func candidate(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard let base = text.baseAddress else { return text.count }
    var index = start
    if firstBytes.count <= 4 {
      while index &+ 64 <= text.count {
        let block = ByteBlock(base + index)
        var found: UInt64 = 0
        for byte in firstBytes { found |= block.equal(byte) }
        if found != 0 { return index &+ found.trailingZeroBitCount }
        index &+= 64
      }
    }
    while index < text.count, !starts[Int(text[index])] { index &+= 1 }
    return index
  }

  /// Sets the failure links, nearer nodes first.
  private mutating func link(_ parents: [(parent: UInt32, byte: UInt8)]) {
    let count = parents.count
    failure = [UInt32](repeating: 0, count: count)
    depth = [UInt32](repeating: 0, count: count)
    output = [UInt32](repeating: 0, count: count)
    for node in 1..<max(count, 1) { depth[node] = depth[Int(parents[node].parent)] + 1 }
    let byDepth = (1..<max(count, 1)).sorted { depth[$0] < depth[$1] }
    for node in byDepth {
      let (parent, byte) = parents[node]
      if parent != 0 { failure[node] = step(from: failure[Int(parent)], byte) }
      output[node] = trie.values[node] != ByteTrie.noValue ? UInt32(node) : output[Int(failure[node])]
    }
  }

  private func step(from state: UInt32, _ byte: UInt8) -> UInt32 {
    var node = state
    while true {
      if let next = trie.child(of: node, byte) { return next }
      if node == 0 { return 0 }
      node = failure[Int(node)]
    }
  }

  /// Calls `body` with the range and the value of each match, in order, none overlapping.
  func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>, UInt32) -> Void) {
    guard !isEmpty else { return }
    var index = 0
    while index < text.count {
      index = candidate(in: text, from: index)
      guard let match = firstMatch(in: text, from: &index) else { return }
      body(match.range, match.value)
      index = match.range.upperBound
    }
  }

  /// - Parameter index: where to begin; moved to where it is worth going on when nothing was found.
  private func firstMatch(in text: UnsafeBufferPointer<UInt8>, from index: inout Int) -> (
    range: Range<Int>, value: UInt32
  )? {
    var state: UInt32 = 0
    var best: (range: Range<Int>, value: UInt32)?
    while index < text.count {
      if state == 0, best == nil {
        index = candidate(in: text, from: index)
        if index == text.count { return nil }
      }
      state = step(from: state, text[index])
      index += 1
      if let found = best, index - Int(depth[Int(state)]) > found.range.lowerBound { return found }
      let end = output[Int(state)]
      guard end != 0 else { continue }
      let start = index - Int(depth[Int(end)])
      if best.map({ start <= $0.range.lowerBound }) ?? true {
        best = (start..<index, trie.values[Int(end)])
      }
    }
    return best
  }
}
