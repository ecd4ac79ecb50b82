/// Turns byte positions of a UTF-8 text into counts of scalars, in constant time.
struct ScalarIndex {
  private let isASCII: Bool
  /// Scalars that start before each block of 64 bytes.
  private var counts: [UInt32] = []
  private let byteCount: Int

  init(_ text: UnsafeBufferPointer<UInt8>) {
    byteCount = text.count
    var isASCII = true
    for byte in text where byte >= 0x80 {
      isASCII = false
      break
    }
    self.isASCII = isASCII
    guard !isASCII else { return }
    counts.reserveCapacity(text.count / 64 + 2)
    var count: UInt32 = 0
    for index in 0..<text.count {
      if index & 63 == 0 { counts.append(count) }
      if text[index] & 0xC0 != 0x80 { count += 1 }
    }
    counts.append(count)
  }

  /// The scalars that start before a byte position, which lies at the edge of a scalar.
  func scalars(before position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    if isASCII { return position }
    let block = min(position, byteCount) >> 6
    var count = Int(counts[block])
    for index in block << 6..<min(position, byteCount) where text[index] & 0xC0 != 0x80 { count += 1 }
    return count
  }

  /// A byte range as a range of scalars. A range that starts at the very end stays in bytes, as in the reference.
  func scalars(of range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Range<Int> {
    if isASCII || range.lowerBound >= byteCount { return range }
    let start = scalars(before: range.lowerBound, in: text)
    return start..<max(start, scalars(before: range.upperBound, in: text))
  }
}
