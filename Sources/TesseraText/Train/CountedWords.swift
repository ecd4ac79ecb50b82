#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Distinct words in the order of their bytes, with how often each occurred: what all trainers start from.
///
/// The order makes training independent of how the words were counted: by how many threads, in how many parts.
public struct CountedWords: Sendable, Equatable {
  private(set) var bytes: [UInt8] = []
  /// Word `i` is `bytes[offsets[i]..<offsets[i + 1]]`.
  private(set) var offsets: [Int] = [0]
  private(set) var counts: [Int64] = []

  /// No words.
  public init() {}

  /// The number of distinct words.
  public var count: Int { counts.count }
  /// Whether there are none.
  public var isEmpty: Bool { counts.isEmpty }
  /// The sum of all counts; `Int64.max` when it is more.
  public var occurrences: Int64 {
    counts.reduce(0) { sum, count in
      let (result, overflow) = sum.addingReportingOverflow(count)
      return overflow ? .max : result
    }
  }

  /// Calls `body` with the bytes and the count of every word, in order.
  public func forEach(_ body: (UnsafeBufferPointer<UInt8>, Int64) throws -> Void) rethrows {
    try bytes.withUnsafeBufferPointer { pool in
      for index in 0..<counts.count {
        try body(UnsafeBufferPointer(rebasing: pool[offsets[index]..<offsets[index + 1]]), counts[index])
      }
    }
  }

  mutating func reserve(words: Int, bytes size: Int) {
    bytes.reserveCapacity(size)
    offsets.reserveCapacity(words + 1)
    counts.reserveCapacity(words)
  }

  /// Appends a word that comes after all others.
  mutating func append(_ word: UnsafeRawBufferPointer, count: Int64) {
    bytes.append(contentsOf: word)
    offsets.append(bytes.count)
    counts.append(count)
  }

  /// The words of a counter.
  ///
  /// - Complexity: O(n log n).
  public init(sorting words: WordCounts) {
    let table = words.words
    table.bytes.withUnsafeBytes { pool in
      func word(_ index: Int) -> UnsafeRawBufferPointer {
        .init(rebasing: pool[table.offsets[index]..<table.offsets[index + 1]])
      }
      let order = (0..<words.count).sorted { Self.compare(word($0), word($1)) < 0 }
      reserve(words: order.count, bytes: pool.count)
      for index in order { append(word(index), count: words.counts[index]) }
    }
  }

  /// The words of two lists, with the sums of their counts.
  ///
  /// - Complexity: O(n).
  init(merging first: CountedWords, _ second: CountedWords) {
    reserve(words: first.count + second.count, bytes: first.bytes.count + second.bytes.count)
    first.bytes.withUnsafeBytes { a in
      second.bytes.withUnsafeBytes { b in
        var (i, j) = (0, 0)
        while i < first.count || j < second.count {
          let left =
            i < first.count ? UnsafeRawBufferPointer(rebasing: a[first.offsets[i]..<first.offsets[i + 1]]) : nil
          let right =
            j < second.count ? UnsafeRawBufferPointer(rebasing: b[second.offsets[j]..<second.offsets[j + 1]]) : nil
          switch (left, right) {
          case (let left?, let right?):
            let order = Self.compare(left, right)
            var sum: Int64 = 0
            if order <= 0 { (sum, i) = (first.counts[i], i + 1) }
            if order >= 0 { (sum, j) = (Self.sum(sum, second.counts[j]), j + 1) }
            append(order <= 0 ? left : right, count: sum)
          case (let left?, nil): (_, i) = (append(left, count: first.counts[i]), i + 1)
          case (nil, let right?): (_, j) = (append(right, count: second.counts[j]), j + 1)
          case (nil, nil): break
          }
        }
      }
    }
  }

  /// Sums stop at the greatest number instead of overflowing.
  static func sum(_ a: Int64, _ b: Int64) -> Int64 {
    let (result, overflow) = a.addingReportingOverflow(b)
    return overflow ? .max : result
  }

  /// Below zero when the first word comes before the second, zero when they are equal.
  @inline(__always)
  static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.count - b.count }
    let order = Int(memcmp(first, second, min(a.count, b.count)))
    return order != 0 ? order : a.count - b.count
  }
}
