/// Reading and writing scalars in UTF-8 bytes.
enum UTF8Scalars {
  /// The scalar that starts at an index, with its length in bytes. A byte that starts no complete sequence reads as
  /// U+FFFD of length one, so that no text can make a reader leave its buffer or stand still. O(1).
  @inline(__always)
  static func decode(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> (scalar: UInt32, length: Int) {
    let first = UInt32(text[index])
    if first < 0x80 { return (first, 1) }
    let left = text.count &- index
    @inline(__always) func continuation(_ offset: Int) -> UInt32 { UInt32(text[index &+ offset]) & 0x3F }
    if first < 0xE0 {
      guard left >= 2, first >= 0xC2 else { return (0xFFFD, 1) }
      return ((first & 0x1F) << 6 | continuation(1), 2)
    }
    if first < 0xF0 {
      guard left >= 3 else { return (0xFFFD, 1) }
      return ((first & 0x0F) << 12 | continuation(1) << 6 | continuation(2), 3)
    }
    guard left >= 4, first < 0xF5 else { return (0xFFFD, 1) }
    return ((first & 0x07) << 18 | continuation(1) << 12 | continuation(2) << 6 | continuation(3), 4)
  }

  /// How many bytes a scalar takes. O(1).
  @inline(__always)
  static func length(_ scalar: UInt32) -> Int {
    scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
  }

  /// Appends the bytes of a scalar. O(1).
  @inline(__always)
  static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
    func continuation(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: scalar >> shift & 0x3F | 0x80) }
    switch length(scalar) {
    case 1: bytes.append(UInt8(truncatingIfNeeded: scalar))
    case 2:
      bytes.append(UInt8(truncatingIfNeeded: scalar >> 6 | 0xC0))
      bytes.append(continuation(0))
    case 3:
      bytes.append(UInt8(truncatingIfNeeded: scalar >> 12 | 0xE0))
      bytes.append(continuation(6))
      bytes.append(continuation(0))
    default:
      bytes.append(UInt8(truncatingIfNeeded: scalar >> 18 | 0xF0))
      bytes.append(continuation(12))
      bytes.append(continuation(6))
      bytes.append(continuation(0))
    }
  }
}
