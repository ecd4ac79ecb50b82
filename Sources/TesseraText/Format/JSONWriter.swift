extension JSON {
  /// How a value is written.
  public enum Layout: Sendable {
    /// No white space at all.
    case compact
    /// Two spaces per level.
    case pretty
  }

  /// Parses one JSON document.
  ///
  /// - Throws: ``TokenizerError`` with the byte offset of the first fault.
  public init(parsing bytes: some Sequence<UInt8>) throws {
    self = try JSONDocument(Array(bytes)).root.value()
  }

  /// Parses one JSON document.
  public init(parsing text: String) throws {
    self = try JSON(parsing: text.utf8)
  }

  /// The value as JSON text. Nothing but quotes, backslashes and control characters is escaped.
  public func text(_ layout: Layout = .compact) -> String {
    var writer = JSONWriter(layout: layout)
    writer.write(self, indent: 0)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}

/// Writes JSON into a buffer of bytes.
struct JSONWriter {
  var bytes: [UInt8] = []
  let layout: JSON.Layout

  init(layout: JSON.Layout = .compact) { self.layout = layout }

  mutating func write(_ value: JSON, indent: Int) {
    switch value {
    case .null: raw("null")
    case .bool(let flag): raw(flag ? "true" : "false")
    case .integer(let number): raw(String(number))
    case .number(let number): write(number)
    case .string(let text): write(string: text)
    case .array(let elements):
      list("[", "]", count: elements.count, indent: indent) { writer, index in
        writer.write(elements[index], indent: indent + 1)
      }
    case .object(let members):
      let keys = members.keys
      list("{", "}", count: keys.count, indent: indent) { writer, index in
        writer.write(string: keys[index])
        writer.raw(writer.layout == .pretty ? ": " : ":")
        writer.write(members[keys[index]] ?? .null, indent: indent + 1)
      }
    }
  }

  /// Writes the brackets, commas and line breaks of a list, and leaves each element to `element`.
  mutating func list(
    _ open: String, _ close: String, count: Int, indent: Int, element: (inout JSONWriter, Int) -> Void
  ) {
    raw(open)
    for index in 0..<count {
      if index > 0 { raw(",") }
      newline(indent + 1)
      element(&self, index)
    }
    if count > 0 { newline(indent) }
    raw(close)
  }

  mutating func newline(_ indent: Int) {
    guard layout == .pretty else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: 2 * indent))
  }

  mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// JSON has no word for infinities and NaN; they become null, as in most writers.
  mutating func write(_ number: Double) {
    guard number.isFinite else { return raw("null") }
    raw("\(number)")
  }

  mutating func write(string text: String) {
    var copy = text
    copy.withUTF8 { write(utf8: UnsafeRawBufferPointer($0)) }
  }

  /// Writes a string literal from valid UTF-8.
  mutating func write(utf8 text: UnsafeRawBufferPointer) {
    let hex = Array("0123456789abcdef".utf8)
    bytes.append(0x22)
    for byte in text {
      switch byte {
      case 0x22: raw("\\\"")
      case 0x5C: raw("\\\\")
      case 0x0A: raw("\\n")
      case 0x0D: raw("\\r")
      case 0x09: raw("\\t")
      case 0x08: raw("\\b")
      case 0x0C: raw("\\f")
      case 0..<0x20:
        raw("\\u00")
        bytes.append(hex[Int(byte >> 4)])
        bytes.append(hex[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
  }
}
