/// A parsed JSON text that builds no values: a flat tape of nodes over the bytes of the file.
///
/// A tokenizer file holds hundreds of thousands of strings. Making a `String` of each costs most of the loading time, so the parser
/// only checks the text and notes where each value stands; ``JSONNode`` reads from there.
///
/// - Complexity: O(n) time; 16 bytes of memory per value.
final class JSONDocument: Sendable {
  enum Kind: UInt8 { case null, `true`, `false`, integer, number, string, escapedString, array, object }

  /// One value. For strings and numbers `start..<end` are the bytes between the quotes or of the literal; for containers `end` is
  /// the tape index after the last descendant and `start` the byte offset of the opening bracket.
  struct Entry {
    var kind: Kind
    var start: UInt32
    var end: UInt32
    var count: UInt32
  }

  /// Containers inside containers beyond this depth are refused: no tokenizer file comes near, and recursion stays bounded.
  static let maximumDepth = 512

  let bytes: [UInt8]
  let tape: TableRow<Entry>

  /// - Throws: ``TokenizerError`` with the byte offset of the first fault.
  init(_ bytes: [UInt8]) throws {
    guard bytes.count < Int(UInt32.max) else {
      throw TokenizerError(.limitExceeded, "a JSON file of 4 GiB or more is not read")
    }
    self.bytes = bytes
    self.tape = try bytes.withUnsafeBufferPointer { buffer in
      var parser = JSONTapeParser(text: buffer)
      try parser.parse()
      return parser.tape.finish()
    }
  }

  var root: JSONNode { JSONNode(document: self, index: 0) }
}

/// Checks a JSON text and writes its tape. Not recursive, so that no input can overflow the stack.
private struct JSONTapeParser {
  let text: UnsafeBufferPointer<UInt8>
  var at = 0
  let tape: RowBuilder<JSONDocument.Entry>
  /// Tape indices of the containers that are open.
  var open: [Int] = []

  init(text: UnsafeBufferPointer<UInt8>) {
    self.text = text
    // A value takes about ten bytes in vocabularies and lists of merges.
    tape = RowBuilder(capacity: text.count / 10 + 1)
  }

  mutating func parse() throws {
    if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { at = 3 }
    skipBlanks()
    try value()
    while let container = open.last {
      skipBlanks()
      let isObject = tape.base[container].kind == .object
      let byte = try peek(isObject ? "a comma or '}'" : "a comma or ']'")
      if byte == (isObject ? 0x7D : 0x5D) {
        close()
      } else if tape.base[container].count == 0 {
        try element(of: container, isObject)
      } else if byte == 0x2C {
        at += 1
        skipBlanks()
        try element(of: container, isObject)
      } else {
        throw fault(isObject ? "expected a comma or '}'" : "expected a comma or ']'")
      }
    }
    skipBlanks()
    if at < text.count { throw fault("expected the end of the document") }
  }

  mutating func element(of container: Int, _ isObject: Bool) throws {
    tape.base[container].count += 1
    if isObject {
      guard try peek("a key") == 0x22 else { throw fault("expected a key in quotes") }
      try string()
      skipBlanks()
      guard try peek("a colon") == 0x3A else { throw fault("expected a colon after the key") }
      at += 1
      skipBlanks()
    }
    try value()
  }

  mutating func close() {
    let container = open.removeLast()
    tape.base[container].end = UInt32(tape.count)
    at += 1
  }

  mutating func value() throws {
    switch try peek("a value") {
    case 0x22: try string()
    case 0x7B: try container(.object)
    case 0x5B: try container(.array)
    case 0x74: try literal("true", .true)
    case 0x66: try literal("false", .false)
    case 0x6E: try literal("null", .null)
    case 0x2D, 0x30...0x39: try number()
    default: throw fault("expected a JSON value")
    }
  }

  mutating func container(_ kind: JSONDocument.Kind) throws {
    guard open.count < JSONDocument.maximumDepth else {
      throw TokenizerError(
        .limitExceeded, "JSON nested deeper than \(JSONDocument.maximumDepth) levels", at: .byte(at))
    }
    open.append(tape.count)
    tape.append(.init(kind: kind, start: UInt32(at), end: 0, count: 0))
    at += 1
  }

  mutating func literal(_ word: StaticString, _ kind: JSONDocument.Kind) throws {
    let length = word.utf8CodeUnitCount
    guard at + length <= text.count, (0..<length).allSatisfy({ text[at + $0] == word.utf8Start[$0] }) else {
      throw fault("expected '\(word)'")
    }
    tape.append(.init(kind: kind, start: UInt32(at), end: UInt32(at + length), count: 0))
    at += length
  }

  mutating func number() throws {
    let start = at
    var kind = JSONDocument.Kind.integer
    if text[at] == 0x2D { at += 1 }
    let first = at
    try digits()
    if text[first] == 0x30, at > first + 1 { throw fault("a number must not start with 0") }
    if at < text.count, text[at] == 0x2E {
      kind = .number
      at += 1
      try digits()
    }
    if at < text.count, text[at] | 0x20 == 0x65 {
      kind = .number
      at += 1
      let isSmall = at < text.count && text[at] == 0x2D
      if at < text.count, text[at] == 0x2B || isSmall { at += 1 }
      try digits()
      if !isSmall { try checkRange(from: start) }
    } else if at - start > 300 {
      try checkRange(from: start)
    }
    tape.append(.init(kind: kind, start: UInt32(start), end: UInt32(at), count: 0))
  }

  mutating func checkRange(from start: Int) throws {
    guard let value = Double(String(decoding: text[start..<at], as: UTF8.self)), value.isFinite else {
      at = start
      throw fault("the number is out of range; expected at most 1.8e308")
    }
  }

  mutating func digits() throws {
    let start = at
    while at < text.count, text[at] &- 0x30 < 10 { at += 1 }
    if at == start { throw fault("expected a digit") }
  }

  mutating func string() throws {
    let start = at + 1
    var index = start
    var escaped = false
    while index < text.count {
      index = plainEnd(from: index)
      guard index < text.count else { break }
      let byte = text[index]
      if byte == 0x22 {
        tape.append(
          .init(kind: escaped ? .escapedString : .string, start: UInt32(start), end: UInt32(index), count: 0))
        at = index + 1
        return
      }
      if byte == 0x5C {
        escaped = true
        at = index
        index = try escape(at: index)
      } else if byte < 0x20 {
        at = index
        throw fault("a control character in a string must be escaped")
      } else if byte < 0x80 {
        index += 1
      } else if byte &- 0xC2 < 0x1E, index &+ 1 < text.count, text[index &+ 1] & 0xC0 == 0x80 {
        // The byte-level alphabet has nothing longer.
        index &+= 2
      } else {
        let length = text.scalarLength(at: index)
        guard length > 0 else {
          at = index
          throw fault("the bytes are not valid UTF-8")
        }
        index += length
      }
    }
    at = text.count
    throw fault("the file ends inside a string that starts at byte \(start - 1)")
  }

  /// The first byte from `index` on that is a quote, a backslash, a control character or beyond ASCII; eight at a time.
  @inline(__always)
  private func plainEnd(from start: Int) -> Int {
    guard let base = text.baseAddress else { return start }
    let (ones, high): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
    var index = start
    while index &+ 8 <= text.count {
      let word = UInt64(
        littleEndian: UnsafeRawPointer(base).loadUnaligned(fromByteOffset: index, as: UInt64.self))
      let (quote, backslash) = (word ^ ones &* 0x22, word ^ ones &* 0x5C)
      // A borrow may mark bytes above one that is meant, never below: the lowest mark is right.
      let marks =
        ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word) & high
      if marks != 0 { return index &+ marks.trailingZeroBitCount &>> 3 }
      index &+= 8
    }
    return index
  }

  /// Checks the escape sequence at `index` and returns the index after it.
  func escape(at index: Int) throws -> Int {
    guard index + 1 < text.count else { throw fault("the file ends inside an escape sequence") }
    switch text[index + 1] {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return index + 2
    case 0x75:
      guard let unit = text.hexadecimal(at: index + 2) else {
        throw fault("expected four hexadecimal digits after \\u")
      }
      if unit & 0xFC00 == 0xD800 {
        guard index + 7 < text.count, text[index + 6] == 0x5C, text[index + 7] == 0x75,
          let low = text.hexadecimal(at: index + 8), low & 0xFC00 == 0xDC00
        else { throw fault("a high surrogate must be followed by a low one") }
        return index + 12
      }
      if unit & 0xFC00 == 0xDC00 { throw fault("a low surrogate without a high one before it") }
      return index + 6
    default: throw fault("unknown escape sequence")
    }
  }

  mutating func skipBlanks() {
    while at < text.count {
      switch text[at] {
      case 0x20, 0x09, 0x0A, 0x0D: at += 1
      default: return
      }
    }
  }

  func peek(_ expected: @autoclosure () -> String) throws -> UInt8 {
    guard at < text.count else { throw fault("the file ends where \(expected()) was expected") }
    return text[at]
  }

  func fault(_ message: String) -> TokenizerError {
    TokenizerError(.malformed, message, at: .byte(min(at, text.count)))
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The value of the four hexadecimal digits at `index`.
  func hexadecimal(at index: Int) -> UInt32? {
    guard index + 4 <= count else { return nil }
    var value: UInt32 = 0
    for offset in 0..<4 {
      switch self[index + offset] {
      case let digit where digit &- 0x30 < 10: value = value << 4 | UInt32(digit &- 0x30)
      case let digit where (digit | 0x20) &- 0x61 < 6: value = value << 4 | UInt32((digit | 0x20) &- 0x61 + 10)
      default: return nil
      }
    }
    return value
  }
}
