/// Fills the fields of `str.format`.
struct TemplateFieldFormatter {
  private let evaluator: TemplateEvaluator
  private let call: TemplateCall
  private let isMarkup: Bool
  private var automatic = 0
  private var isNumbered = false

  init(_ evaluator: TemplateEvaluator, _ call: TemplateCall, isMarkup: Bool) {
    self.evaluator = evaluator
    self.call = call
    self.isMarkup = isMarkup
  }

  mutating func format(_ text: ArraySlice<Unicode.Scalar>, level: Int) throws -> [Unicode.Scalar] {
    guard level <= 2 else { throw TemplateFault.type("the format is nested too deep") }
    var result: [Unicode.Scalar] = []
    var rest = text
    while let scalar = rest.popFirst() {
      if scalar == "{" || scalar == "}", rest.first == scalar {
        result.append(scalar)
        rest.removeFirst()
      } else if scalar == "}" {
        throw TemplateFault.type("a single '}' in the format string")
      } else if scalar == "{" {
        result += try field(&rest, level: level)
        try evaluator.charge(scalars: result.count)
      } else {
        result.append(scalar)
      }
    }
    return result
  }

  private mutating func field(_ rest: inout ArraySlice<Unicode.Scalar>, level: Int) throws -> [Unicode.Scalar] {
    var depth = 1
    var end = rest.startIndex
    while end < rest.endIndex {
      if rest[end] == "{" { depth += 1 }
      if rest[end] == "}" { depth -= 1 }
      if depth == 0 { break }
      end += 1
    }
    guard depth == 0 else { throw TemplateFault.type("a '{' without '}' in the format string") }
    let inside = rest[..<end]
    rest = rest[(end + 1)...]
    var nameEnd = inside.startIndex
    var isBracketed = false
    while nameEnd < inside.endIndex {
      let scalar = inside[nameEnd]
      if scalar == "[" { isBracketed = true }
      if scalar == "]" { isBracketed = false }
      if !isBracketed, scalar == ":" || scalar == "!" { break }
      nameEnd += 1
    }
    var value = try self.value(inside[..<nameEnd])
    var tail = inside[nameEnd...]
    if tail.first == "!" {
      guard tail.count > 1 else { throw TemplateFault.type("the format string has no conversion after '!'") }
      let conversion = tail[tail.startIndex + 1]
      tail = tail.dropFirst(2)
      guard tail.isEmpty || tail.first == ":" else { throw TemplateFault.type("expected ':' after the conversion") }
      switch conversion {
      case "r", "a": value = .string(try value.representation())
      case "s": value = .string(try value.printed())
      default: throw TemplateFault.type("unknown conversion in the format string")
      }
    }
    let spec = try format(tail.dropFirst(), level: level + 1)
    let text = try evaluator.written(value, format: spec)
    if isMarkup { return TemplateText(text, markup: value.text?.isMarkup ?? false).escapedForHTML.scalars }
    return text
  }

  private mutating func value(_ name: ArraySlice<Unicode.Scalar>) throws -> TemplateValue {
    var rest = name
    let head = rest.prefix { $0 != "." && $0 != "[" }
    rest = rest[head.endIndex...]
    var value = try first(TemplateText(head))
    while let mark = rest.popFirst() {
      if mark == "." {
        let part = rest.prefix { $0 != "." && $0 != "[" }
        guard !part.isEmpty else { throw TemplateFault.type("an empty attribute in the format string") }
        rest = rest[part.endIndex...]
        value = try evaluator.attribute(TemplateText(part), of: value)
      } else {
        guard mark == "[", let end = rest.firstIndex(of: "]"), end > rest.startIndex else {
          throw TemplateFault.type("a wrong index in the format string")
        }
        let part = TemplateText(rest[..<end])
        rest = rest[(end + 1)...]
        let index = part.scalars.allSatisfy(\.isTemplateDigit) ? Int64(part.string) : nil
        value = try evaluator.item(index.map { .integer($0) } ?? .string(part), of: value)
      }
    }
    return value
  }

  private mutating func first(_ name: TemplateText) throws -> TemplateValue {
    var index: Int?
    if name.isEmpty {
      guard !isNumbered else { throw TemplateFault.type("the format string mixes fields with and without numbers") }
      index = automatic
      automatic += 1
    } else if name.scalars.allSatisfy(\.isTemplateDigit) {
      guard automatic == 0 else { throw TemplateFault.type("the format string mixes fields with and without numbers") }
      isNumbered = true
      index = Int(name.string) ?? Int.max
    }
    if let index {
      guard index < call.positional.count else { throw TemplateFault.type("not enough values for the format string") }
      return call.positional[index]
    }
    guard let found = call.keywords.first(where: { $0.name == name.string }) else {
      throw TemplateFault.type("no value named '\(name.string)' for the format string")
    }
    return found.value
  }
}
