/// Counts of distinct words, kept as raw bytes in one pool behind a flat hash.
///
/// Words are numbered in the order in which they were first added, so the same text gives the same counts in the same order.
///
///     var counts = WordCounts()
///     counts.add(" the".utf8)
///     counts.add(" the".utf8)
///     counts.count(of: " the".utf8)   // 2
///
/// Memory is the bytes of the distinct words and about 30 bytes per word. With a bound, the rarest words are dropped whenever the
/// bound is passed; ``discarded`` tells how many occurrences were lost, so a caller can tell an exact count from an estimate.
public struct WordCounts: Sendable {
  private(set) var words = ByteStringTable()
  private(set) var counts: [Int64] = []
  /// The most distinct words that are kept.
  public let maximumDistinctWords: Int
  /// The number of occurrences that were dropped with rare words; zero when all counts are exact.
  public private(set) var discarded: Int64 = 0

  /// Makes an empty counter.
  ///
  /// - Parameter maximumDistinctWords: a bound on memory; at least 16.
  public init(maximumDistinctWords: Int = 1 << 31) {
    self.maximumDistinctWords = min(max(maximumDistinctWords, 16), 1 << 31)
  }

  /// The number of distinct words.
  public var count: Int { counts.count }

  /// Counts one word.
  ///
  /// - Complexity: O(length), amortized.
  public mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) { add(bytes, times: 1) }

  /// Counts one word several times.
  public mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, times: Int64) {
    let (index, isNew) = words.insert(bytes)
    guard isNew else {
      let (sum, overflow) = counts[index].addingReportingOverflow(times)
      counts[index] = overflow ? .max : sum
      return
    }
    counts.append(times)
    if counts.count > maximumDistinctWords { dropRareWords() }
  }

  /// Counts one word.
  public mutating func add(_ bytes: some Sequence<UInt8>) {
    let added: Void? = bytes.withContiguousStorageIfAvailable { add($0, times: 1) }
    if added == nil { Array(bytes).withUnsafeBufferPointer { add($0, times: 1) } }
  }

  /// Adds the counts of another counter, its words in their order.
  public mutating func add(_ other: WordCounts) {
    other.forEach { add($0, times: $1) }
    discarded += other.discarded
  }

  /// How often a word was counted.
  public func count(of bytes: some Sequence<UInt8>) -> Int64 { words.find(bytes).map { counts[$0] } ?? 0 }

  /// Calls `body` with the bytes and the count of every word, in the order of their first occurrence.
  public func forEach(_ body: (UnsafeBufferPointer<UInt8>, Int64) throws -> Void) rethrows {
    try words.bytes.withUnsafeBufferPointer { pool in
      for index in 0..<counts.count {
        try body(UnsafeBufferPointer(rebasing: pool[words.offsets[index]..<words.offsets[index + 1]]), counts[index])
      }
    }
  }

  /// Drops the rarest words until half of the room is free: one pass finds the count below which enough words lie. Words of
  /// equal count fall together, unless nothing else would remain; then the later ones fall.
  private mutating func dropRareWords() {
    let room = maximumDistinctWords / 2
    let threshold = counts.sorted(by: >)[room]
    var kept = WordCounts(maximumDistinctWords: maximumDistinctWords)
    var ties = counts.contains { $0 > threshold } ? 0 : room
    forEach { word, count in
      if count > threshold {
        kept.add(word, times: count)
      } else if count == threshold, ties > 0 {
        ties -= 1
        kept.add(word, times: count)
      } else {
        kept.discarded += count
      }
    }
    kept.discarded += discarded
    self = kept
  }
}
