/// A split pattern written out as code: what the pattern matches, without a pattern.
protocol PieceScanner: Sendable {
  /// Where the match that starts here ends; the start itself if none does.
  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int
  /// Calls the body with the byte range of every match, from left to right.
  func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void)
}

extension PieceScanner {
  func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    var position = 0
    while position < text.count {
      let end = end(from: position, in: text)
      if end > position {
        body(position..<end)
        position = end
      } else {
        // Nothing starts here: step over one scalar.
        position += UTF8Scalars.decode(text, at: position).length
      }
    }
  }
}

/// Rules that several families share.
enum ScanRules {
  /// `\s*[\r\n]+|\s+(?!\S)|\s+` from a blank: through the last line end of the run; else all but its last scalar, which
  /// goes to the next piece; all of it at the end of the text.
  ///
  /// - Parameter endsLines: false leaves out the first of the three rules.
  /// - Parameter takesAllAtEnd: `\s++$` comes before them.
  static func blanks(
    _ start: Int, _ text: UnsafeBufferPointer<UInt8>, _ classes: ScanClasses, endsLines: Bool,
    takesAllAtEnd: Bool = false
  ) -> Int {
    var position = start
    var last = start
    var afterLineEnd = start
    while position < text.count {
      let (bits, next) = classes.at(position, text)
      if bits & ScanClasses.space == 0 { break }
      last = position
      position = next
      if bits & ScanClasses.lineEnd != 0 { afterLineEnd = next }
    }
    if position == text.count, takesAllAtEnd { return position }
    if endsLines, afterLineEnd > start { return afterLineEnd }
    return position == text.count || last == start ? position : last
  }

  /// `'s|'t|'re|'ve|'m|'ll|'d` from an apostrophe, or the start if it is none of them.
  static func contraction(_ start: Int, _ text: UnsafeBufferPointer<UInt8>, ignoresCase: Bool) -> Int {
    guard start + 1 < text.count, text[start] == 0x27 else { return start }
    let fold: UInt8 = ignoresCase ? 0x20 : 0
    let first = text[start + 1]
    switch first | fold {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return start + 2
    default: break
    }
    guard start + 2 < text.count else { return start }
    let second = text[start + 2]
    // U+017F is a lower-case s whose upper case is S.
    if ignoresCase, first == 0xC5, second == 0xBF { return start + 3 }
    switch (first | fold, second | fold) {
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return start + 3
    default: return start
    }
  }
}
