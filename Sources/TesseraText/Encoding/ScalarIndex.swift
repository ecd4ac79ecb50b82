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
  private func scalars(before position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    if isASCII { return position }
    let block = min(position, byteCount) >> 6
    var count = Int(counts[block])
    for index in block << 6..<min(position, byteCount) where text[index] & 0xC0 != 0x80 { count += 1 }
    return count
  }

  /// A byte range inside the text as a range of scalars.
  func scalars(of range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Range<Int> {
    let start = scalars(before: range.lowerBound, in: text)
    return start..<max(start, scalars(before: range.upperBound, in: text))
  }

  /// A byte range as a range of scalars by the reference's rule for ranges that tokenizer.json pipelines yield.
  ///
  /// A byte inside a scalar counts as that scalar. A range that starts at the end of the text or behind it stays in bytes; one
  /// that only ends behind it ends one scalar after the byte before its end, or two after its start when there is none.
  func referenceScalars(of range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Range<Int> {
    guard range.lowerBound < byteCount else { return range }
    func scalar(ofByte position: Int) -> Int? {
      position < byteCount ? scalars(before: position + 1, in: text) - 1 : nil
    }
    let start = scalar(ofByte: range.lowerBound) ?? 0
    let end =
      scalar(ofByte: range.upperBound)
      ?? (range.isEmpty ? start : (scalar(ofByte: range.upperBound - 1) ?? start + 1) + 1)
    return start..<max(start, end)
  }
}
