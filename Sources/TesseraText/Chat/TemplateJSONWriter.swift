/// Writes a value as JSON, as Python's `json.dumps` does with non-ASCII characters kept.
struct TemplateJSONWriter {
  private var result: [Unicode.Scalar] = []
  private let indent: [Unicode.Scalar]?
  private let itemSeparator: [Unicode.Scalar]
  private let keySeparator: [Unicode.Scalar]
  private let sortsKeys: Bool
  private let isASCII: Bool

  init(
    indent: TemplateText? = nil, separators: (item: TemplateText, key: TemplateText)? = nil, sortsKeys: Bool = false,
    isASCII: Bool = false
  ) {
    self.indent = indent?.scalars
    itemSeparator = separators?.item.scalars ?? (indent == nil ? [",", " "] : [","])
    keySeparator = separators?.key.scalars ?? [":", " "]
    self.sortsKeys = sortsKeys
    self.isASCII = isASCII
  }

  mutating func text(of value: TemplateValue) throws -> TemplateText {
    try write(value, level: 0)
    return TemplateText(result)
  }

  private mutating func raw(_ text: String) { result.append(contentsOf: text.unicodeScalars) }

  private mutating func write(_ value: TemplateValue, level: Int) throws {
    switch value {
    case .none: raw("null")
    case .bool(let flag): raw(flag ? "true" : "false")
    case .integer(let number): raw(String(number))
    case .float(let number): raw(Self.words(number))
    case .string(let text): write(text)
    case .list(let sequence), .tuple(let sequence):
      try container("[", "]", sequence.items.count, level) { writer, index in
        try writer.write(sequence.items[index], level: level + 1)
      }
    case .dict(let dict): try write(dict, level: level)
    case .undefined, .object:
      throw TemplateFault.type("a value of type '\(value.typeName)' cannot be written as JSON")
    }
  }

  private static func words(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return number.pythonDescription
  }

  private mutating func write(_ dict: TemplateDict, level: Int) throws {
    var entries = dict.entries
    if sortsKeys { entries = try TemplateOrder.sorted(entries) { $0.key } }
    try container("{", "}", entries.count, level) { writer, index in
      writer.write(try Self.key(entries[index].key))
      writer.result += writer.keySeparator
      try writer.write(entries[index].value, level: level + 1)
    }
  }

  private static func key(_ value: TemplateValue) throws -> TemplateText {
    switch value {
    case .string(let text): return text
    case .none: return TemplateText("null")
    case .bool(let flag): return TemplateText(flag ? "true" : "false")
    case .integer(let number): return TemplateText(String(number))
    case .float(let number): return TemplateText(words(number))
    default: throw TemplateFault.type("a key of type '\(value.typeName)' cannot be written as JSON")
    }
  }

  private mutating func container(
    _ open: String, _ close: String, _ count: Int, _ level: Int,
    _ element: (inout TemplateJSONWriter, Int) throws -> Void
  ) throws {
    raw(open)
    for index in 0..<count {
      if index > 0 { result += itemSeparator }
      newline(level + 1)
      try element(&self, index)
    }
    if count > 0 { newline(level) }
    raw(close)
  }

  private mutating func newline(_ level: Int) {
    guard let indent else { return }
    result.append("\n")
    for _ in 0..<level { result += indent }
  }

  private mutating func write(_ text: TemplateText) {
    result.append("\"")
    for scalar in text.scalars {
      switch scalar {
      case "\"": raw("\\\"")
      case "\\": raw("\\\\")
      case "\n": raw("\\n")
      case "\r": raw("\\r")
      case "\t": raw("\\t")
      case "\u{8}": raw("\\b")
      case "\u{C}": raw("\\f")
      case _ where scalar.value < 0x20 || isASCII && scalar.value > 0x7E: escape(scalar)
      default: result.append(scalar)
      }
    }
    result.append("\"")
  }

  private mutating func escape(_ scalar: Unicode.Scalar) {
    for unit in String(scalar).utf16 {
      let digits = String(unit, radix: 16)
      raw("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
    }
  }
}
