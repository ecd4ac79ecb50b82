/// A set of Unicode scalars as sorted ranges that neither touch nor overlap: the form in which patterns are put together.
struct ScalarSet: Hashable, Sendable {
  static let limit: UInt32 = 0x110000
  /// First scalar and the one after the last of each range.
  private(set) var ranges: [Range<UInt32>]

  static let empty = ScalarSet(sorted: [])
  static let all = ScalarSet(sorted: [0..<limit])

  private init(sorted ranges: [Range<UInt32>]) { self.ranges = ranges }

  /// Any ranges in any order. O(n log n).
  init(_ unordered: some Sequence<Range<UInt32>>) {
    var merged: [Range<UInt32>] = []
    for range in unordered.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
      if let last = merged.last, range.lowerBound <= last.upperBound {
        merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    ranges = merged
  }

  init(scalar: UInt32) { ranges = [scalar..<scalar + 1] }

  init(_ closed: ClosedRange<UInt32>...) { self.init(closed.map { $0.lowerBound..<$0.upperBound + 1 }) }

  var isEmpty: Bool { ranges.isEmpty }

  /// The one scalar of a set of one.
  var only: UInt32? {
    guard ranges.count == 1, ranges[0].count == 1 else { return nil }
    return ranges[0].lowerBound
  }

  var inverted: ScalarSet {
    var gaps: [Range<UInt32>] = []
    var start: UInt32 = 0
    for range in ranges {
      if start < range.lowerBound { gaps.append(start..<range.lowerBound) }
      start = range.upperBound
    }
    if start < Self.limit { gaps.append(start..<Self.limit) }
    return ScalarSet(sorted: gaps)
  }

  func union(_ other: ScalarSet) -> ScalarSet {
    if isEmpty { return other }
    if other.isEmpty { return self }
    return ScalarSet(ranges + other.ranges)
  }

  func intersection(_ other: ScalarSet) -> ScalarSet {
    var common: [Range<UInt32>] = []
    var (left, right) = (0, 0)
    while left < ranges.count, right < other.ranges.count {
      let shared = ranges[left].clamped(to: other.ranges[right])
      if !shared.isEmpty { common.append(shared) }
      if ranges[left].upperBound < other.ranges[right].upperBound { left += 1 } else { right += 1 }
    }
    return ScalarSet(sorted: common)
  }

  func subtracting(_ other: ScalarSet) -> ScalarSet { intersection(other.inverted) }

  /// O(log n).
  func contains(_ scalar: UInt32) -> Bool {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= scalar { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound <= scalar
  }

  func isDisjoint(with other: ScalarSet) -> Bool { intersection(other).isEmpty }
}

/// Answers membership in constant time: a bitmap for ASCII, a two-stage bitmap beyond.
struct PatternClassTable: Sendable {
  let ascii: (low: UInt64, high: UInt64)
  /// For each block of 256 scalars, where its four words begin; equal blocks are stored once.
  private let blocks: [UInt16]
  private let words: [UInt64]

  init(_ set: ScalarSet) {
    var blocks = [UInt16](repeating: 0, count: 0x1100)
    var words = [UInt64](repeating: 0, count: 4) + [UInt64](repeating: .max, count: 4)
    var known: [[UInt64]: UInt16] = [:]
    var block = [UInt64](repeating: 0, count: 4)
    var current = 0
    func close() {
      defer { for index in 0..<4 { block[index] = 0 } }
      if block.allSatisfy({ $0 == 0 }) { return }
      if let start = known[block] {
        blocks[current] = start
      } else {
        let start = UInt16(words.count / 4)
        known[block] = start
        words += block
        blocks[current] = start
      }
    }
    for range in set.ranges {
      var scalar = Int(range.lowerBound)
      let end = Int(range.upperBound)
      while scalar < end {
        if scalar >> 8 != current {
          close()
          current = scalar >> 8
        }
        if scalar & 255 == 0, end - scalar >= 256 {
          blocks[current] = 1
          scalar += 256
          continue
        }
        let stop = min(end, (scalar | 63) + 1)
        let count = stop - scalar
        let bits: UInt64 = count == 64 ? .max : ((1 << UInt64(count)) - 1) << UInt64(scalar & 63)
        block[scalar >> 6 & 3] |= bits
        scalar = stop
      }
    }
    close()
    let first = Int(blocks[0]) * 4
    ascii = (words[first], words[first + 1])
    self.blocks = blocks
    self.words = words
  }

  @inline(__always)
  func contains(ascii byte: UInt8) -> Bool {
    (byte < 64 ? ascii.low : ascii.high) &>> UInt64(byte & 63) & 1 != 0
  }

  /// - Parameter scalar: below 0x110000.
  @inline(__always)
  func contains(_ scalar: UInt32) -> Bool {
    let start = Int(blocks[Int(scalar &>> 8)]) &* 4
    return words[start &+ Int(scalar &>> 6 & 3)] &>> UInt64(scalar & 63) & 1 != 0
  }
}
