extension UnsafeBufferPointer<UInt8> {
  /// Calls the body with each line and its number, counted from one. Lines end with LF or CR LF; nothing follows the last end.
  func forEachLine(_ body: (UnsafeBufferPointer<UInt8>, Int) throws -> Void) rethrows {
    var start = 0
    var number = 0
    while start < count {
      number += 1
      var end = start
      while end < count, self[end] != 0x0A { end += 1 }
      let next = end + 1
      if end > start, self[end - 1] == 0x0D { end -= 1 }
      try body(UnsafeBufferPointer(rebasing: self[start..<end]), number)
      start = next
    }
  }
}
