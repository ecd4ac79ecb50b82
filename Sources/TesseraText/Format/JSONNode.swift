/// One value of a ``JSONDocument``, read on demand.
struct JSONNode {
  let document: JSONDocument
  let index: Int

  private var entry: JSONDocument.Entry { document.tape[index] }
  var kind: JSONDocument.Kind { entry.kind }
  var isNull: Bool { kind == .null }
  var isString: Bool { kind == .string || kind == .escapedString }
  var isArray: Bool { kind == .array }
  var isObject: Bool { kind == .object }
  /// The byte offset where the value stands in the file.
  var byteOffset: Int { Int(entry.start) }
  /// How many bytes of the file a container takes, but for its end, or less where its last value is an empty container.
  var byteCount: Int {
    let last = document.tape[max(next - 1, index)]
    return max(Int(last.kind == .array || last.kind == .object ? last.start : last.end) - byteOffset, 0)
  }
  /// The number of elements or members of a container.
  var count: Int { Int(entry.count) }

  var kindName: String {
    switch kind {
    case .null: "null"
    case .true, .false: "a truth value"
    case .integer: "an integer"
    case .number: "a number"
    case .string, .escapedString: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// The tape index of the value after this one.
  var next: Int { isArray || isObject ? Int(entry.end) : index + 1 }

  /// The last member with this key, when this is an object that has one.
  subscript(key: StaticString) -> JSONNode? {
    guard isObject else { return nil }
    var found: JSONNode?
    forEachMember { name, value in if name.equals(key) { found = value } }
    return found
  }

  /// Calls `body` for each element of an array, in order.
  func forEachElement(_ body: (JSONNode) throws -> Void) rethrows {
    guard isArray else { return }
    var node = JSONNode(document: document, index: index + 1)
    for _ in 0..<count {
      try body(node)
      node = JSONNode(document: document, index: node.next)
    }
  }

  /// Calls `body` with the key and the value of each member of an object, in order.
  func forEachMember(_ body: (_ key: JSONNode, _ value: JSONNode) throws -> Void) rethrows {
    guard isObject else { return }
    var key = JSONNode(document: document, index: index + 1)
    for _ in 0..<count {
      let value = JSONNode(document: document, index: key.index + 1)
      try body(key, value)
      key = JSONNode(document: document, index: value.next)
    }
  }

  /// Whether this is a string without escapes that reads as the given text.
  func equals(_ text: StaticString) -> Bool {
    guard isString else { return false }
    if kind == .escapedString { return string == text.description }
    let length = Int(entry.end - entry.start)
    guard length == text.utf8CodeUnitCount else { return false }
    return document.bytes.withUnsafeBufferPointer { bytes in
      (0..<length).allSatisfy { bytes[Int(entry.start) + $0] == text.utf8Start[$0] }
    }
  }

  /// The text of a string.
  var string: String? {
    guard isString else { return nil }
    return withUTF8 { String(decoding: $0, as: UTF8.self) }
  }

  /// Calls `body` with the unescaped UTF-8 of a string; empty for any other value.
  func withUTF8<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    switch kind {
    case .string:
      return try document.bytes.withUnsafeBytes { try body(.init(rebasing: $0[Int(entry.start)..<Int(entry.end)])) }
    case .escapedString:
      var text: [UInt8] = []
      appendUnescaped(to: &text)
      return try text.withUnsafeBytes(body)
    default: return try body(.init(start: nil, count: 0))
    }
  }

  private func appendUnescaped(to text: inout [UInt8]) {
    document.bytes.withUnsafeBufferPointer { bytes in
      var at = Int(entry.start)
      let end = Int(entry.end)
      text.reserveCapacity(end - at)
      while at < end {
        guard bytes[at] == 0x5C else {
          text.append(bytes[at])
          at += 1
          continue
        }
        let code = bytes[at + 1]
        at += 2
        switch code {
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75:
          var value = bytes.hexadecimal(at: at) ?? 0xFFFD
          at += 4
          if value & 0xFC00 == 0xD800, let low = bytes.hexadecimal(at: at + 2) {
            value = 0x10000 + (value & 0x3FF) << 10 + (low & 0x3FF)
            at += 6
          }
          text.append(contentsOf: String(Unicode.Scalar(value) ?? "\u{FFFD}").utf8)
        default: text.append(code)
        }
      }
    }
  }

  var bool: Bool? {
    switch kind {
    case .true: true
    case .false: false
    default: nil
    }
  }

  var integer: Int? {
    guard kind == .integer else { return nil }
    return Int(literal)
  }

  var double: Double? {
    guard kind == .integer || kind == .number else { return nil }
    return Double(literal)
  }

  /// The number as the reference library's JSON reader gets it, which may be off in the last bit: the digits as an integer,
  /// then one multiplication or division by a power of ten. Scores that tie there must tie here.
  var referenceDouble: Double? {
    guard kind == .integer || kind == .number else { return nil }
    var significand: UInt64 = 0
    var exponent = 0
    var isFraction = false
    var isFull = false
    var bytes = literal.utf8[...]
    let isNegative = bytes.first == 0x2D
    if isNegative { bytes = bytes.dropFirst() }
    while let byte = bytes.first, byte | 0x20 != 0x65 {
      bytes = bytes.dropFirst()
      if byte == 0x2E {
        isFraction = true
        continue
      }
      let (product, overflow) = significand.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
      isFull = isFull || overflow || carry
      if !isFull {
        significand = sum
        if isFraction { exponent -= 1 }
      } else if !isFraction {
        exponent += 1
      }
    }
    if !bytes.isEmpty {
      // What is written there may be any number; no power beyond these makes a difference.
      let written = Int(Substring(bytes.dropFirst())) ?? (bytes.contains(0x2D) ? .min : .max)
      exponent += min(max(written, -1 << 32), 1 << 32)
    }
    var value = Double(significand)
    while value != 0, exponent < -308 {
      value /= 1e308
      exponent += 308
    }
    if exponent > 308 { return value == 0 ? 0 : .infinity }
    if value != 0 {
      let power = Double("1e\(abs(exponent))") ?? 1
      value = exponent < 0 ? value / power : value * power
    }
    return isNegative ? -value : value
  }

  private var literal: String { String(decoding: document.bytes[Int(entry.start)..<Int(entry.end)], as: UTF8.self) }

  /// The whole value as a ``JSON``. Recursion is bounded by the parser's limit on nesting.
  func value() -> JSON {
    switch kind {
    case .null: return .null
    case .true: return .bool(true)
    case .false: return .bool(false)
    case .integer: return integer.map { .integer(Int64($0)) } ?? .number(double ?? 0)
    case .number: return .number(double ?? 0)
    case .string, .escapedString: return .string(string ?? "")
    case .array:
      var elements: [JSON] = []
      elements.reserveCapacity(count)
      forEachElement { elements.append($0.value()) }
      return .array(elements)
    case .object:
      var members = JSONObject()
      forEachMember { key, value in members[key.string ?? ""] = value.value() }
      return .object(members)
    }
  }
}
