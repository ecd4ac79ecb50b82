/// Byte-pair encoding in linear time: guesses the longest token, and goes back where a guess cannot stand.
///
/// A sequence of tokens is the encoding of its text exactly if each token is the encoding of its own bytes and each pair of neighbours
/// is the encoding of the bytes of both. So the search needs the longest token at a place, the next shorter one, and a test of pairs;
/// places that led nowhere are marked and never tried again.
///
/// Source: the algorithm of GitHub's `bpe` crate (van Antwerpen and Neubeck, *So many tokens, so little time*, 2024).
final class LinearMerger: @unchecked Sendable {
  private static let none = UInt32.max

  private let pairs: MergeRanks
  /// The number of ids; nodes of the trie that end a token have the token's id, the others are numbered from here on.
  private let idCount: Int
  /// Nodes and the bytes that lead on: open addressing, node and byte above, the child below.
  private let edges: UnsafeMutablePointer<UInt64>
  private let edgeMemory: TableMemory
  private let edgeShift: UInt64
  private let edgeMask: Int
  /// The nodes of two bytes.
  private let roots: UnsafeMutablePointer<UInt32>
  private let byteIDs: UnsafeMutablePointer<UInt32>
  private let tokens: UnsafeMutablePointer<Token>

  /// What is known of a token.
  private struct Token {
    /// The rank of the merge that makes it; -1 for single bytes.
    var rank: Int32 = -1
    var left: UInt32 = none
    var right: UInt32 = none
    /// The longest token that its text begins with.
    var shorter: UInt32 = none
    var length: UInt32 = 0
  }

  private static let free = UInt64.max

  /// - Returns: `nil` when the merges are in an order in which rank is not time: a merge that comes before one of its parts.
  init?(_ model: BPEModel, _ pairs: MergeRanks, _ vocabulary: ByteVocabulary) {
    guard let raw = model.rawBytes else { return nil }
    let idCount = model.vocabulary.maximumID + 1
    var rules = [(left: UInt32, right: UInt32)](repeating: (Self.none, Self.none), count: pairs.rankCount)
    model.pairs.forEach { left, right, merge in
      if Int(merge.rank) < rules.count { rules[Int(merge.rank)] = (left, right) }
    }
    guard Self.areTexts(rules, pairs, vocabulary) else { return nil }
    let tokens = UnsafeMutablePointer<Token>.allocate(capacity: idCount)
    tokens.initialize(repeating: Token(), count: idCount)
    for id in raw.byteIDs { tokens[Int(id)].length = 1 }
    guard Self.derive(tokens, idCount, rules, pairs) else {
      tokens.deallocate()
      return nil
    }
    self.pairs = pairs
    self.idCount = idCount
    self.tokens = tokens
    byteIDs = .allocate(capacity: 256)
    byteIDs.initialize(repeating: 0, count: 256)
    for (byte, id) in raw.byteIDs.enumerated() { byteIDs[byte] = id }
    var bits = 10
    let bytes = (0..<idCount).reduce(0) { $0 + Int(tokens[$1].length) }
    while 1 << bits < bytes { bits += 1 }
    edgeMemory = TableMemory(byteCount: 8 << bits)
    edges = edgeMemory.row(of: UInt64.self)
    edges.update(repeating: Self.free, count: 1 << bits)
    edgeShift = UInt64(64 - bits)
    edgeMask = 1 << bits - 1
    roots = .allocate(capacity: 1 << 16)
    roots.initialize(repeating: Self.none, count: 1 << 16)
    fillTrie(vocabulary)
  }

  deinit {
    roots.deallocate()
    byteIDs.deallocate()
    tokens.deallocate()
  }

  // MARK: What is prepared

  /// Whether every merge makes the text of its parts: the search compares texts, and a file may say anything.
  private static func areTexts(
    _ rules: [(left: UInt32, right: UInt32)], _ pairs: MergeRanks, _ vocabulary: ByteVocabulary
  ) -> Bool {
    let count = UInt32(vocabulary.idCount)
    for (rank, rule) in rules.enumerated() where rule.left < count && rule.right < count {
      let (left, right) = (vocabulary.bytes(of: rule.left), vocabulary.bytes(of: rule.right))
      let made = vocabulary.bytes(of: pairs.id(ofRank: UInt32(rank)))
      guard left.count > 0, right.count > 0, let text = made.baseAddress else { continue }
      guard made.count == left.count + right.count, left.equals(text), right.equals(text + left.count) else {
        return false
      }
    }
    return true
  }

  /// Finds the merge that makes each token when its own bytes are encoded; a token without one never comes out of merging.
  private static func derive(
    _ tokens: UnsafeMutablePointer<Token>, _ count: Int, _ rules: [(left: UInt32, right: UInt32)],
    _ pairs: MergeRanks
  ) -> Bool {
    var early: [UInt32] = []
    for (rank, rule) in rules.enumerated() where rule.left != none {
      guard rule.left < count, rule.right < count else { continue }
      let (left, right) = (tokens[Int(rule.left)], tokens[Int(rule.right)])
      guard left.length > 0, right.length > 0 else {
        if left.length == 0 { early.append(rule.left) }
        if right.length == 0 { early.append(rule.right) }
        continue
      }
      let id = Int(pairs.id(ofRank: UInt32(rank)))
      guard tokens[id].length == 0, isPair(rule.left, rule.right, before: Int32(rank), tokens, pairs) else { continue }
      tokens[id] = Token(
        rank: Int32(rank), left: rule.left, right: rule.right, shorter: none, length: left.length + right.length)
    }
    return early.allSatisfy { tokens[Int($0)].length == 0 }
  }

  /// Shorter tokens go in first, so that a node is there as the end of a token before longer ones pass through it.
  private func fillTrie(_ vocabulary: ByteVocabulary) {
    var byLength: [[UInt32]] = []
    for id in 0..<idCount where tokens[id].length > 1 {
      let length = Int(tokens[id].length)
      while byLength.count <= length { byLength.append([]) }
      byLength[length].append(UInt32(id))
    }
    var next = UInt32(idCount)
    for id in byLength.joined() {
      let bytes = vocabulary.bytes(of: id)
      if bytes.count > 1 { insert(bytes, id, &next) }
    }
  }

  private func insert(_ bytes: UnsafeBufferPointer<UInt8>, _ id: UInt32, _ next: inout UInt32) {
    var shorter = byteIDs[Int(bytes[0])]
    let pair = Int(bytes[0]) << 8 | Int(bytes[1])
    if roots[pair] == Self.none {
      roots[pair] = bytes.count == 2 ? id : next
      if bytes.count > 2 { next += 1 }
    }
    var node = roots[pair]
    if node < idCount, node != id { shorter = node }
    for index in 2..<max(bytes.count, 2) {
      let key = UInt64(node) << 8 | UInt64(bytes[index])
      var slot = slot(key)
      while edges[slot] != Self.free, edges[slot] >> 32 != key { slot = (slot + 1) & edgeMask }
      if edges[slot] == Self.free {
        let isEnd = index == bytes.count - 1
        edges[slot] = key << 32 | UInt64(isEnd ? id : next)
        if !isEnd { next += 1 }
      }
      node = UInt32(truncatingIfNeeded: edges[slot])
      if node < idCount, node != id { shorter = node }
    }
    tokens[Int(id)].shorter = shorter
  }

  @inline(__always)
  private func slot(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> edgeShift)
  }

  // MARK: Encoding

  /// Whether two tokens stay beside one another when their bytes are encoded.
  ///
  /// Time runs backwards: the younger of the two is taken apart, and the part that touches the other must not have merged with it in
  /// the time before.
  @inline(__always)
  private static func isPair(
    _ left: UInt32, _ right: UInt32, before time: Int32, _ tokens: UnsafeMutablePointer<Token>, _ pairs: MergeRanks
  ) -> Bool {
    var (left, right, time) = (left, right, time)
    while true {
      let rank = pairs.rank(of: left, right)
      if rank != MergeRanks.noMerge, Int32(bitPattern: rank) < time { return false }
      let (leftRank, rightRank) = (tokens[Int(left)].rank, tokens[Int(right)].rank)
      if leftRank > rightRank {
        time = leftRank
        left = tokens[Int(left)].right
      } else {
        if rightRank < 0 { return true }
        // Of two merges of one rank the left one is done first, so the pair to the left must not even have the same rank.
        time = rightRank &+ 1
        right = tokens[Int(right)].left
      }
    }
  }

  /// The longest token at a place.
  @inline(__always)
  private func longest(_ word: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt32 {
    let first = Int(word[start])
    var best = byteIDs[first]
    guard start &+ 1 < word.count else { return best }
    var node = roots[first &<< 8 | Int(word[start &+ 1])]
    var index = start &+ 2
    while node != Self.none {
      if node < idCount { best = node }
      if index == word.count { break }
      let key = UInt64(node) &<< 8 | UInt64(word[index])
      var slot = slot(key)
      node = Self.none
      while edges[slot] != Self.free {
        if edges[slot] &>> 32 == key {
          node = UInt32(truncatingIfNeeded: edges[slot])
          break
        }
        slot = (slot &+ 1) & edgeMask
      }
      index &+= 1
    }
    return best
  }

  /// Writes the ids of a word.
  ///
  /// - Parameter ids: room for as many ids as the word has bytes.
  /// - Parameter dead: room for as many bits as the word has bytes, and one more; all zero, and left so.
  /// - Returns: the number of ids.
  /// - Complexity: O(n).
  func merge(
    _ word: UnsafeBufferPointer<UInt8>, _ ids: UnsafeMutablePointer<UInt32>, dead: UnsafeMutablePointer<UInt64>
  ) -> Int {
    var count = 0
    var position = 0
    var token = longest(word, 0)
    while true {
      let end = position &+ Int(tokens[Int(token)].length)
      if (dead[end &>> 6] &>> UInt64(end & 63)) & 1 == 0,
        count == 0 || Self.isPair(ids[count &- 1], token, before: .max, tokens, pairs)
      {
        ids[count] = token
        count &+= 1
        position = end
        if position == word.count { break }
        token = longest(word, position)
        continue
      }
      let shorter = tokens[Int(token)].shorter
      if shorter != Self.none {
        token = shorter
        continue
      }
      // Nothing stands here: the token before was wrong. The first cannot be, unless ranks occur twice.
      guard count > 0 else {
        for (index, byte) in word.enumerated() { ids[index] = byteIDs[Int(byte)] }
        count = word.count
        break
      }
      dead[position &>> 6] |= 1 &<< UInt64(position & 63)
      count &-= 1
      token = ids[count]
      position &-= Int(tokens[Int(token)].length)
    }
    for index in 0...word.count &>> 6 { dead[index] = 0 }
    return count
  }
}
