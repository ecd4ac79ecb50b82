/// Reading and writing scalars in UTF-8 bytes.
enum UTF8Scalars {
  /// The scalar that starts at an index, with its length in bytes. A byte that starts no well-formed sequence reads as
  /// U+FFFD of length one, so that no text can make a reader leave its buffer or stand still, and reading backwards finds the
  /// same scalars. O(1).
  @inline(__always)
  static func decode(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> (scalar: UInt32, length: Int) {
    let first = UInt32(text[index])
    if first < 0x80 { return (first, 1) }
    let left = text.count &- index
    /// Below 64 for a byte that goes on.
    @inline(__always) func next(_ offset: Int) -> UInt32 { UInt32(text[index &+ offset]) ^ 0x80 }
    if first < 0xE0 {
      guard left >= 2, first >= 0xC2, next(1) < 64 else { return (0xFFFD, 1) }
      return ((first & 0x1F) << 6 | next(1), 2)
    }
    if first < 0xF0 {
      guard left >= 3, next(1) | next(2) < 64 else { return (0xFFFD, 1) }
      let scalar = (first & 0x0F) << 12 | next(1) << 6 | next(2)
      return scalar >= 0x800 && scalar >> 11 != 0x1B ? (scalar, 3) : (0xFFFD, 1)
    }
    guard left >= 4, first < 0xF5, next(1) | next(2) | next(3) < 64 else { return (0xFFFD, 1) }
    let scalar = (first & 0x07) << 18 | next(1) << 12 | next(2) << 6 | next(3)
    return scalar >= 0x10000 && scalar < 0x110000 ? (scalar, 4) : (0xFFFD, 1)
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

extension UnsafeBufferPointer<UInt8> {
  /// The length of the well-formed UTF-8 sequence at `index`, or 0 when there is none.
  @inline(__always)
  func scalarLength(at index: Int) -> Int {
    if self[index] < 0x80 { return 1 }
    let length = UTF8Scalars.decode(self, at: index).length
    return length == 1 ? 0 : length
  }

  /// How many bytes from the start are valid UTF-8.
  var validPrefixCount: Int {
    var index = 0
    while index < count {
      let length = scalarLength(at: index)
      if length == 0 { break }
      index += length
    }
    return index
  }

  /// The length of the scalar that starts at `index` of valid UTF-8, never beyond the end.
  @inline(__always)
  func leadLength(at index: Int) -> Int {
    let lead = self[index]
    if lead < 0x80 { return 1 }
    return Swift.min(lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4, count - index)
  }

  /// The scalar of `length` bytes at `index` of valid UTF-8.
  @inline(__always)
  func scalar(at index: Int, length: Int) -> UInt32 {
    let lead = UInt32(self[index])
    func low(_ offset: Int) -> UInt32 { UInt32(self[index + offset]) & 0x3F }
    switch length {
    case 1: return lead
    case 2: return (lead & 0x1F) << 6 | low(1)
    case 3: return (lead & 0x0F) << 12 | low(1) << 6 | low(2)
    default: return (lead & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3)
    }
  }
}

extension [UInt8] {
  func leadLength(at index: Int) -> Int {
    withUnsafeBufferPointer { $0.leadLength(at: index) }
  }
}
