/// Cuts raw text into tiles: blanks and what follows them up to the next blanks, or single symbols.
///
/// Unlike the pieces of a pattern, tiles depend on nothing but the bytes around a cut, whatever the script, so that every block of 64
/// bytes is cut at once.
struct TileScanner: Sendable {
  /// Whether tabs and line ends count as blanks beside U+0020.
  var takesWhiteSpace = false
  /// Whether a line feed is a tile of its own, with the blanks before it.
  var isolatesLineFeeds = false
  /// Whether each ASCII symbol is.
  var isolatesSymbols = false
  /// Whether each of U+5000...U+9FFF is.
  var isolatesIdeographs = false
  /// Whether a scalar that may belong to the same grapheme cluster as a blank behind it forbids the cut.
  var keepsPrepends = false

  /// How far one block is evaluated into the next: the longest look back.
  private static let overlap = 3

  /// Whether a byte leads a tile.
  func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || takesWhiteSpace && (byte == 0x09 || byte == 0x0A || byte == 0x0D)
  }

  /// Writes where tiles end, until the text ends or there is no room for those of one more block.
  ///
  /// - Parameter start: where a tile begins.
  /// - Returns: how many were written, and where the last of them is.
  @inline(__always)
  func fill(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int, _ ends: UnsafeMutablePointer<UInt32>, capacity: Int
  ) -> (count: Int, position: Int) {
    guard let base = text.baseAddress else { return (0, start) }
    let size = text.count
    var position = start
    var count = 0
    var valid = ~UInt64(1)
    while count <= capacity &- PieceEnds.slack {
      var starts: UInt64
      let rest = size &- position
      if rest >= 64 &+ ByteBlock.lookahead {
        starts = self.starts(ByteBlock(base + position)) & valid
      } else {
        starts = lastStarts(base + position, count: min(rest, 64)) & valid
      }
      if keepsPrepends, starts != 0 { starts = withoutPrepends(starts, text, position) }
      let found = starts.nonzeroBitCount
      let target = ends + count
      var index = 0
      while index < found {
        for step in 0..<8 {
          target[index &+ step] = UInt32(truncatingIfNeeded: position &+ starts.trailingZeroBitCount)
          starts &= starts &- 1
        }
        index &+= 8
      }
      count &+= found
      if rest <= 64 {
        ends[count] = UInt32(truncatingIfNeeded: size)
        return (count &+ 1, size)
      }
      position &+= 64 &- Self.overlap
      valid = .max &<< UInt64(Self.overlap)
    }
    return (count, Int(ends[count &- 1]))
  }

  @inline(__always)
  private func starts(_ block: ByteBlock) -> UInt64 {
    var blanks = block.blanks
    if takesWhiteSpace { blanks |= block.range(0x09, 2) | block.equal(0x0D) }
    var alone: UInt64 = 0
    if isolatesLineFeeds { alone = block.equal(0x0A) }
    if isolatesSymbols {
      alone |= block.range(0x21, 15) | block.range(0x3A, 7) | block.range(0x5B, 6) | block.range(0x7B, 4)
    }
    var behind = alone &<< 1
    if isolatesIdeographs {
      let ideographs = block.range(0xE5, 5)
      alone |= ideographs
      behind |= ideographs &<< 3
    }
    return ((blanks | alone) & ~(blanks &<< 1)) | behind
  }

  @inline(never)
  private func lastStarts(_ bytes: UnsafePointer<UInt8>, count: Int) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 + ByteBlock.lookahead) { copy in
      guard let base = copy.baseAddress else { return 0 }
      copy.initialize(repeating: 0)
      base.update(from: bytes, count: count)
      return starts(ByteBlock(base)) & .bits(below: count)
    }
  }

  /// Leaves out cuts behind scalars of the class Prepend, and some others that share their first bytes.
  private func withoutPrepends(_ starts: UInt64, _ text: UnsafeBufferPointer<UInt8>, _ position: Int) -> UInt64 {
    var result = starts
    var rest = starts
    while rest != 0 {
      let bit = rest.trailingZeroBitCount
      rest &= rest &- 1
      let end = position &+ bit
      if text[end &- 1] >= 0x80, Self.mayBePrepend(text, endingAt: end) { result &= ~(1 &<< UInt64(bit)) }
    }
    return result
  }

  /// Whether the scalar that ends at a place may be of the class Prepend; the answer errs on the side of yes.
  static func mayBePrepend(_ text: UnsafeBufferPointer<UInt8>, endingAt end: Int) -> Bool {
    var start = end - 1
    while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
    guard end - start >= 2 else { return false }
    let second = text[start + 1]
    switch text[start] {
    case 0xD8: return second <= 0x85
    case 0xDB: return second == 0x9D
    case 0xDC: return second == 0x8F
    case 0xE0: return second == 0xA2 || second == 0xA3 || second == 0xB5
    case 0xF0: return second == 0x91
    default: return false
    }
  }
}
