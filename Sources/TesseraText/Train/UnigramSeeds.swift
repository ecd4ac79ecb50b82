/// Finds the substrings that may become pieces: those that occur before different characters, and whole parts.
///
/// A suffix array of the parts, sorted no deeper than pieces are long, shows equal substrings side by side; the intervals of equal
/// prefixes are the inner nodes of a suffix tree. Each candidate keeps its interval, so that the places where it occurs are known
/// without a search.
enum UnigramSeeds {
  private struct Suffix {
    var key: UInt64
    var position: UInt32
  }

  private struct Candidate {
    var start: Int
    var end: Int
    var length: Int
    var weight: Int64
    var score: Double { Double(weight) * Double(length) }
  }

  /// - Complexity: O(n log n) for n characters.
  static func find(in text: UnigramText, limit: Int, maximumLength: Int) -> UnigramVocabulary {
    let remaining = remainingLengths(text)
    let suffixes = sorted(text, remaining, depth: maximumLength)
    var candidates = intervals(text, suffixes, remaining, maximumLength)
    // The position of the first suffix breaks ties, so that the order is the same in every run.
    candidates.sort { $0.score != $1.score ? $0.score > $1.score : ($0.start, $0.length) < ($1.start, $1.length) }
    if candidates.count > limit { candidates.removeSubrange(limit...) }
    // Occurrences are laid out by place; of one place the shorter pieces come first.
    return UnigramVocabulary(text, remaining: remaining) { add in
      for candidate in candidates {
        add(candidate.length, candidate.score, suffixes[candidate.start..<candidate.end])
      }
    }
  }

  /// How many characters of the part are left at each place, at most 255.
  private static func remainingLengths(_ text: UnigramText) -> [UInt8] {
    var remaining = [UInt8](repeating: 0, count: text.symbols.count)
    for part in 0..<text.partCount {
      let end = text.starts[part + 1]
      for at in text.starts[part]..<end { remaining[at] = UInt8(min(255, end - at)) }
    }
    return remaining
  }

  /// The places in the order of what follows them, three characters at a time.
  private static func sorted(_ text: UnigramText, _ remaining: [UInt8], depth: Int) -> [UInt32] {
    func key(_ place: Int, _ skipped: Int) -> UInt64 {
      var key: UInt64 = 0
      for at in skipped..<skipped + 3 {
        key = key << 21 | (at < Int(remaining[place]) ? UInt64(text.symbols[place + at]) + 1 : 0)
      }
      return key
    }
    var suffixes = text.symbols.indices.map { Suffix(key: key($0, 0), position: UInt32($0)) }
    var open: [(range: Range<Int>, depth: Int)] = [(suffixes.indices, 0)]
    while let (range, skipped) = open.popLast() {
      if skipped > 0 {
        for index in range { suffixes[index].key = key(Int(suffixes[index].position), skipped) }
      }
      suffixes.withUnsafeMutableBufferPointer { all in
        var part = UnsafeMutableBufferPointer(rebasing: all[range])
        part.sort { $0.key != $1.key ? $0.key < $1.key : $0.position < $1.position }
      }
      guard skipped + 3 < depth else { continue }
      var start = range.lowerBound
      while start < range.upperBound {
        let key = suffixes[start].key
        var end = start + 1
        while end < range.upperBound, suffixes[end].key == key { end += 1 }
        if end - start > 1, key & 0x1F_FFFF != 0 { open.append((start..<end, skipped + 3)) }
        start = end
      }
    }
    return suffixes.map(\.position)
  }

  private static func intervals(
    _ text: UnigramText, _ suffixes: [UInt32], _ remaining: [UInt8], _ maximumLength: Int
  ) -> [Candidate] {
    let weights = weightsByPlace(text)
    var sums: [Int64] = [0]
    sums.reserveCapacity(suffixes.count + 1)
    for place in suffixes {
      sums.append(CountedWords.sum(sums[sums.count - 1], weights.counts[Int(weights.part[Int(place)])]))
    }
    func common(_ a: Int, _ b: Int) -> Int {
      let most = min(maximumLength, Int(min(remaining[a], remaining[b])))
      var length = 0
      while length < most, text.symbols[a + length] == text.symbols[b + length] { length += 1 }
      return length
    }
    var found: [Candidate] = []
    func add(_ start: Int, _ end: Int, _ length: Int) {
      let weight = sums[end] - sums[start]
      if length > 1, weight > 1 { found.append(Candidate(start: start, end: end, length: length, weight: weight)) }
    }
    var open: [(length: Int, start: Int)] = [(0, 0)]
    var before = 0
    for index in suffixes.indices {
      let place = Int(suffixes[index])
      let after = index + 1 < suffixes.count ? common(place, Int(suffixes[index + 1])) : 0
      // A whole part that is no prefix of another suffix has no inner node.
      let whole = Int(remaining[place])
      if max(before, after) < whole, whole <= maximumLength, text.starts[Int(weights.part[place])] == place {
        add(index, index + 1, whole)
      }
      var start = index
      while let last = open.last, last.length > after {
        add(last.start, index + 1, last.length)
        start = last.start
        open.removeLast()
      }
      if let last = open.last, last.length < after { open.append((after, start)) }
      before = after
    }
    return found
  }

  /// The part of each place.
  private static func weightsByPlace(_ text: UnigramText) -> (part: [UInt32], counts: [Int64]) {
    var part = [UInt32](repeating: 0, count: text.symbols.count)
    for index in 0..<text.partCount {
      for at in text.starts[index]..<text.starts[index + 1] { part[at] = UInt32(index) }
    }
    return (part, text.counts)
  }
}
