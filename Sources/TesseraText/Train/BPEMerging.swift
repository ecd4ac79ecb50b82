/// Words as symbols: one buffer, each word a range of it that shrinks as pairs are merged.
struct SymbolWords {
  var symbols: [UInt32] = []
  /// Word `i` starts at `starts[i]` and has room up to `starts[i + 1]`.
  var starts: [Int] = [0]
  var counts: [Int64] = []

  /// Appends the characters of a word.
  @inline(__always)
  mutating func append(_ word: UnsafeBufferPointer<UInt8>, count: Int64, _ reading: BPETrainer.Reading) {
    switch reading {
    case .byteLevel: for byte in word { symbols.append(ByteLevelAlphabet.scalars[Int(byte)]) }
    case .text: word.forEachScalar { scalar, _ in symbols.append(scalar) }
    }
    endWord(count: count)
  }

  /// Ends the word whose symbols were appended last.
  mutating func endWord(count: Int64) {
    starts.append(symbols.count)
    counts.append(count)
  }
}

/// The heart of byte-pair-encoding training: a queue of candidate pairs, and the words in which they are merged.
///
/// The rules are those of tokenizers' `BpeTrainer`, including the ones that follow from how it keeps its queue:
/// - A candidate holds the words where its pair arose in one step. A pair that arises again later, which takes two ways to
///   build the same token, is queued again with the new words only; each is merged by itself and the pair's later place counts.
/// - A candidate's count is brought up to date only when it comes to the top.
/// - The count of a merged pair is not reset.
/// - With a bound on token length, pairs that would pass it are not counted when they arise, though they are uncounted when they
///   vanish. Counts may thus become negative, and are compared as unsigned numbers.
///
/// Counts have 64 bits here and 32 in the reference, so results differ once a pair occurs more than 2^31 times.
struct BPEMerging: ~Copyable {
  /// What one merge changes about the pairs of one neighbouring symbol.
  private struct Change {
    var minus: Int64 = 0
    var plus: Int64 = 0
    /// The words in which the new pair arose: how many, and where the next goes.
    var words: UInt32 = 0
    var lastWord: UInt32 = .max
    var isTouched = false
    var cursor = 0
  }

  private var words: SymbolWords
  private var lengths: [UInt32]
  /// The number of initial symbols in each symbol of the words; only kept when tokens have a bound on their length.
  private var widths: [UInt32]
  private let maximumLength: Int?
  /// The number of characters in each initial symbol; empty when all have one.
  private let symbolLengths: [UInt32]

  private var pairs = PairCounts(capacity: 1 << 12)
  private var queue = MergeQueue()
  private var pool: [UInt32] = []
  /// The number of entries of the pool that candidates still refer to.
  private var livePool = 0

  /// Changes by the symbol to the left and to the right of a merged pair.
  private var left: [Change] = []
  private var right: [Change] = []
  private var touchedLeft: [UInt32] = []
  private var touchedRight: [UInt32] = []
  /// Places where a new pair arose: symbol, side in the lowest bit of the upper half; word in the lower half.
  private var records: [UInt64] = []

  init(words: consuming SymbolWords, maximumLength: Int?, lengths symbolLengths: [UInt32] = []) {
    self.words = words
    self.maximumLength = maximumLength
    self.symbolLengths = symbolLengths
    lengths = zip(self.words.starts, self.words.starts.dropFirst()).map { UInt32($1 - $0) }
    widths = maximumLength == nil ? [] : [UInt32](repeating: 1, count: self.words.symbols.count)
    if maximumLength != nil, !symbolLengths.isEmpty {
      for (at, symbol) in self.words.symbols.enumerated() { widths[at] = symbolLengths[Int(symbol)] }
    }
    makeRoom(for: self.words.symbols.max() ?? 0)
    queueInitialPairs()
  }

  private mutating func makeRoom(for symbol: UInt32) {
    while left.count <= Int(symbol) {
      left.append(Change())
      right.append(Change())
    }
  }

  /// Counts the pairs of all words and queues those that occur.
  private mutating func queueInitialPairs() {
    // The first table numbers the pairs; the words of each pair are then laid out by counting.
    var numbers = PairCounts(capacity: 1 << 12)
    var keys: [UInt64] = []
    var counts: [Int64] = []
    var places: [(words: UInt32, last: UInt32)] = []
    for word in 0..<lengths.count where lengths[word] > 1 {
      numbers.reserve(Int(lengths[word]))
      for at in words.starts[word]..<(words.starts[word] + Int(lengths[word]) - 1) {
        let key = PairCounts.key(words.symbols[at], words.symbols[at + 1])
        let slot = numbers.slot(key)
        if slot.pointee.count == 0 {
          keys.append(key)
          counts.append(0)
          places.append((0, .max))
          slot.pointee.count = Int64(keys.count)
        }
        let number = Int(slot.pointee.count) - 1
        counts[number] += words.counts[word]
        if places[number].last != UInt32(word) {
          places[number] = (places[number].words + 1, UInt32(word))
        }
      }
    }
    var cursors: [Int] = []
    cursors.reserveCapacity(keys.count + 1)
    var total = 0
    for place in places {
      cursors.append(total)
      total += Int(place.words)
    }
    pool = [UInt32](repeating: 0, count: total)
    livePool = total
    for number in places.indices { places[number].last = .max }
    for word in 0..<lengths.count where lengths[word] > 1 {
      for at in words.starts[word]..<(words.starts[word] + Int(lengths[word]) - 1) {
        let number = Int(numbers.slot(PairCounts.key(words.symbols[at], words.symbols[at + 1])).pointee.count) - 1
        guard places[number].last != UInt32(word) else { continue }
        places[number].last = UInt32(word)
        pool[cursors[number]] = UInt32(word)
        cursors[number] += 1
      }
    }
    pairs.reserve(keys.count)
    for number in keys.indices {
      pairs.slot(keys[number]).pointee.count = counts[number]
      let length = places[number].words
      guard counts[number] > 0, fits(keys[number]) else { continue }
      queue.push(
        MergeCandidate(
          count: UInt64(counts[number]), key: keys[number], start: cursors[number] - Int(length), length: length))
    }
  }

  /// Whether a pair of initial symbols may be merged. Of single characters the reference merges any two.
  private func fits(_ key: UInt64) -> Bool {
    guard let maximumLength, !symbolLengths.isEmpty else { return true }
    let left = symbolLengths[Int(key >> 32)]
    return Int(left) + Int(symbolLengths[Int(UInt32(truncatingIfNeeded: key))]) < maximumLength
  }

  /// The next pair to merge: the one with the highest count, then the smallest; `nil` when none reaches the least frequency.
  mutating func next(minimumFrequency: UInt64) -> MergeCandidate? {
    while let first = queue.first {
      pairs.reserve(1)
      let current = UInt64(bitPattern: pairs.slot(first.key).pointee.count)
      if first.count != current {
        var updated = first
        updated.count = current
        queue.replaceFirst(with: updated)
        continue
      }
      guard first.count > 0, first.count >= minimumFrequency else { return nil }
      queue.removeFirst()
      return first
    }
    return nil
  }

  /// Merges a pair into one symbol in the words of the candidate, and queues the pairs that arise.
  mutating func merge(_ candidate: MergeCandidate, into merged: UInt32) {
    makeRoom(for: merged)
    mergeInWords(candidate, into: merged)
    livePool -= Int(candidate.length)
    layOutRecords()
    updateCounts(UInt32(candidate.key >> 32), UInt32(truncatingIfNeeded: candidate.key), merged)
    compactPool()
  }

  private mutating func mergeInWords(_ candidate: MergeCandidate, into merged: UInt32) {
    let a = UInt32(candidate.key >> 32)
    let b = UInt32(truncatingIfNeeded: candidate.key)
    // The buffers leave the fields while they are at work, so that no access is checked twice.
    var symbols: [UInt32] = []
    swap(&symbols, &words.symbols)
    symbols.withUnsafeMutableBufferPointer { symbols in
      for place in candidate.start..<(candidate.start + Int(candidate.length)) {
        let word = Int(pool[place])
        let count = Int(lengths[word])
        let base = words.starts[word]
        let text = UnsafeMutableBufferPointer(rebasing: symbols[base..<(base + count)])
        var at = 0
        while at &+ 1 < count, text[at] != a || text[at &+ 1] != b { at &+= 1 }
        guard at &+ 1 < count else { continue }
        lengths[word] = UInt32(rewrite(text, from: at, word: word, pair: (a, b), merged: merged))
      }
    }
    swap(&symbols, &words.symbols)
  }

  /// Rewrites one word from its first pair on and returns its new length.
  private mutating func rewrite(
    _ text: UnsafeMutableBufferPointer<UInt32>, from first: Int, word: Int, pair: (a: UInt32, b: UInt32), merged: UInt32
  ) -> Int {
    let base = words.starts[word]
    let occurrences = words.counts[word]
    var read = first
    var write = first
    while read < text.count {
      guard read + 1 < text.count, text[read] == pair.a, text[read + 1] == pair.b else {
        text[write] = text[read]
        if maximumLength != nil { widths[base + write] = widths[base + read] }
        read += 1
        write += 1
        continue
      }
      let width = maximumLength == nil ? 0 : Int(widths[base + read]) + Int(widths[base + read + 1])
      if write > 0 {
        let neighbour = text[write - 1]
        uncountLeft(neighbour, occurrences)
        if fits(base + write - 1, width) { countLeft(neighbour, occurrences, word) }
      }
      if read + 2 < text.count {
        let neighbour = text[read + 2]
        uncountRight(neighbour, occurrences)
        if fits(base + read + 2, width) {
          // The pair of the new symbol with itself can arise on both sides; it is kept on the left one.
          if neighbour == merged {
            countLeft(neighbour, occurrences, word)
          } else {
            countRight(neighbour, occurrences, word)
          }
        }
      }
      text[write] = merged
      if maximumLength != nil { widths[base + write] = UInt32(width) }
      write += 1
      read += 2
    }
    return write
  }

  @inline(__always)
  private func fits(_ neighbour: Int, _ width: Int) -> Bool {
    guard let maximumLength else { return true }
    return Int(widths[neighbour]) + width < maximumLength
  }

  @inline(__always)
  private mutating func touchLeft(_ symbol: UInt32) {
    if left[Int(symbol)].isTouched { return }
    left[Int(symbol)].isTouched = true
    touchedLeft.append(symbol)
  }

  @inline(__always)
  private mutating func touchRight(_ symbol: UInt32) {
    if right[Int(symbol)].isTouched { return }
    right[Int(symbol)].isTouched = true
    touchedRight.append(symbol)
  }

  @inline(__always)
  private mutating func uncountLeft(_ symbol: UInt32, _ occurrences: Int64) {
    touchLeft(symbol)
    left[Int(symbol)].minus += occurrences
  }

  @inline(__always)
  private mutating func uncountRight(_ symbol: UInt32, _ occurrences: Int64) {
    touchRight(symbol)
    right[Int(symbol)].minus += occurrences
  }

  @inline(__always)
  private mutating func countLeft(_ symbol: UInt32, _ occurrences: Int64, _ word: Int) {
    touchLeft(symbol)
    left[Int(symbol)].plus += occurrences
    if left[Int(symbol)].lastWord == UInt32(word) { return }
    left[Int(symbol)].lastWord = UInt32(word)
    left[Int(symbol)].words += 1
    records.append(UInt64(symbol) << 33 | UInt64(word))
  }

  @inline(__always)
  private mutating func countRight(_ symbol: UInt32, _ occurrences: Int64, _ word: Int) {
    touchRight(symbol)
    right[Int(symbol)].plus += occurrences
    if right[Int(symbol)].lastWord == UInt32(word) { return }
    right[Int(symbol)].lastWord = UInt32(word)
    right[Int(symbol)].words += 1
    records.append(UInt64(symbol) << 33 | 1 << 32 | UInt64(word))
  }

  /// Sorts the recorded words by pair into the pool, by counting.
  private mutating func layOutRecords() {
    var end = pool.count
    for symbol in touchedLeft {
      left[Int(symbol)].cursor = end
      end += Int(left[Int(symbol)].words)
    }
    for symbol in touchedRight {
      right[Int(symbol)].cursor = end
      end += Int(right[Int(symbol)].words)
    }
    pool.append(contentsOf: repeatElement(0, count: records.count))
    for record in records {
      let symbol = Int(record >> 33)
      let word = UInt32(truncatingIfNeeded: record)
      if record >> 32 & 1 == 0 {
        pool[left[symbol].cursor] = word
        left[symbol].cursor += 1
      } else {
        pool[right[symbol].cursor] = word
        right[symbol].cursor += 1
      }
    }
    records.removeAll(keepingCapacity: true)
  }

  /// Brings the counts of all pairs up to date, then queues those that arose. The two steps must not mix: a pair may be
  /// changed by neighbours on both sides.
  private mutating func updateCounts(_ a: UInt32, _ b: UInt32, _ merged: UInt32) {
    pairs.reserve(2 * (touchedLeft.count + touchedRight.count))
    for symbol in touchedLeft {
      let change = left[Int(symbol)]
      if change.minus != 0 { pairs.slot(PairCounts.key(symbol, a)).pointee.count -= change.minus }
      if change.plus != 0 { pairs.slot(PairCounts.key(symbol, merged)).pointee.count += change.plus }
    }
    for symbol in touchedRight {
      let change = right[Int(symbol)]
      if change.minus != 0 { pairs.slot(PairCounts.key(b, symbol)).pointee.count -= change.minus }
      if change.plus != 0 { pairs.slot(PairCounts.key(merged, symbol)).pointee.count += change.plus }
    }
    for symbol in touchedLeft {
      enqueue(PairCounts.key(symbol, merged), left[Int(symbol)])
      left[Int(symbol)] = Change()
    }
    for symbol in touchedRight {
      enqueue(PairCounts.key(merged, symbol), right[Int(symbol)])
      right[Int(symbol)] = Change()
    }
    touchedLeft.removeAll(keepingCapacity: true)
    touchedRight.removeAll(keepingCapacity: true)
  }

  private mutating func enqueue(_ key: UInt64, _ change: Change) {
    guard change.words > 0 else { return }
    let count = pairs.slot(key).pointee.count
    guard count > 0 else { return }
    livePool += Int(change.words)
    queue.push(
      MergeCandidate(
        count: UInt64(count), key: key, start: change.cursor - Int(change.words), length: change.words))
  }

  /// Drops the positions of finished candidates once they are most of the pool.
  private mutating func compactPool() {
    guard pool.count > 1 << 20, pool.count > 2 * livePool else { return }
    var compact: [UInt32] = []
    compact.reserveCapacity(livePool + livePool / 2)
    queue.moveWords { start, length in
      defer { compact.append(contentsOf: pool[start..<(start + Int(length))]) }
      return compact.count
    }
    pool = compact
  }
}
