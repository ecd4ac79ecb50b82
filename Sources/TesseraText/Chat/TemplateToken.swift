/// One token of a template.
struct TemplateToken: Sendable {
  enum Kind: Sendable, Equatable {
    case text(TemplateText)
    case variableBegin, variableEnd, blockBegin, blockEnd
    case name(String)
    case string(TemplateText)
    case integer(Int64)
    case float(Double)
    case symbol(String)
    case end
  }

  var kind: Kind
  var position: TemplatePosition
}

extension TemplateToken.Kind {
  /// The token in the words of an error message.
  var words: String {
    switch self {
    case .text: "text"
    case .variableBegin: "'{{'"
    case .variableEnd: "'}}'"
    case .blockBegin: "'{%'"
    case .blockEnd: "'%}'"
    case .name(let name): "'\(name.prefix(60))'"
    case .string: "a string"
    case .integer(let value): "'\(value)'"
    case .float(let value): "'\(value)'"
    case .symbol(let text): "'\(text)'"
    case .end: "the end of the template"
    }
  }
}

extension TemplatePosition {
  var place: TokenizerError.Place { .position(line: Int(line), column: Int(column)) }
}

extension Unicode.Scalar {
  var isTemplateDigit: Bool { value &- 0x30 < 10 }

  /// The escape sequence of the scalar in the shortest of the forms `\x..`, `\u....`, `\U........`.
  var pythonEscape: [Unicode.Scalar] {
    let (letter, width): (Unicode.Scalar, Int) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
    let digits = String(value, radix: 16)
    let zeros = [Unicode.Scalar](repeating: "0", count: width - digits.count)
    return ["\\", letter] + zeros + Array(digits.unicodeScalars)
  }
}
