/// How a value is to be written: the flags, width and precision of a `%` conversion or of a field of `str.format`.
struct TemplateFormatSpec {
  var fill: Unicode.Scalar = " "
  /// `<`, `>`, `^` or `=`; nil for the default of the type.
  var alignment: Unicode.Scalar?
  var sign: Unicode.Scalar = "-"
  var isAlternate = false
  var width = 0
  var grouping: Unicode.Scalar?
  var precision: Int?
  var type: Unicode.Scalar?
}

extension TemplateEvaluator {
  // MARK: Writing

  /// The text with the fill that the width asks for. `prefix` are the sign and the radix mark, which stay in front of zeros.
  private func padded(
    _ body: [Unicode.Scalar], prefix: [Unicode.Scalar] = [], _ spec: TemplateFormatSpec,
    default alignment: Unicode.Scalar
  ) throws -> [Unicode.Scalar] {
    let margin = spec.width - body.count - prefix.count
    guard margin > 0 else { return prefix + body }
    try charge(scalars: spec.width)
    func fill(_ count: Int) -> [Unicode.Scalar] { Array(repeating: spec.fill, count: count) }
    switch spec.alignment ?? alignment {
    case "<": return prefix + body + fill(margin)
    case "^": return fill(margin / 2) + prefix + body + fill(margin - margin / 2)
    case "=": return prefix + fill(margin) + body
    default: return fill(margin) + prefix + body
    }
  }

  private func written(_ text: TemplateText, _ spec: TemplateFormatSpec, default alignment: Unicode.Scalar) throws
    -> [Unicode.Scalar]
  {
    let body = spec.precision.map { Array(text.scalars.prefix($0)) } ?? text.scalars
    return try padded(body, spec, default: alignment)
  }

  private func signed(_ isNegative: Bool, _ spec: TemplateFormatSpec) -> [Unicode.Scalar] {
    isNegative ? ["-"] : spec.sign == "-" ? [] : [spec.sign]
  }

  private func grouped(_ digits: String, _ separator: Unicode.Scalar?, every size: Int = 3) -> [Unicode.Scalar] {
    let scalars = Array(digits.unicodeScalars)
    guard let separator else { return scalars }
    var result: [Unicode.Scalar] = []
    for (index, scalar) in scalars.enumerated() {
      if index > 0, (scalars.count - index) % size == 0 { result.append(separator) }
      result.append(scalar)
    }
    return result
  }

  private func written(_ integer: Int64, _ spec: TemplateFormatSpec) throws -> [Unicode.Scalar] {
    var mark: [Unicode.Scalar] = []
    var digits: String
    var group = 3
    switch spec.type {
    case "x", "X", "o", "b":
      let radix = spec.type == "o" ? 8 : spec.type == "b" ? 2 : 16
      digits = String(integer.magnitude, radix: radix, uppercase: spec.type == "X")
      if spec.isAlternate, let type = spec.type { mark = ["0", type] }
      group = 4
    default: digits = String(integer.magnitude)
    }
    if let precision = spec.precision, precision > digits.count {
      try charge(scalars: precision)
      digits = String(repeating: "0", count: precision - digits.count) + digits
    }
    return try padded(
      grouped(digits, spec.grouping, every: group), prefix: signed(integer < 0, spec) + mark, spec, default: ">")
  }

  private func written(_ number: Double, _ spec: TemplateFormatSpec) throws -> [Unicode.Scalar] {
    let type = spec.type ?? "r"
    let isUpper = type == "E" || type == "F" || type == "G"
    var text: String
    let precision = spec.precision ?? 6
    try charge(scalars: precision)
    if !number.isFinite {
      text = number.isNaN ? "nan" : "inf"
      if type == "%" { text += "%" }
    } else {
      switch type {
      case "e", "E": text = TemplateDecimal.scientific(number, precision).text
      case "f", "F": text = TemplateDecimal.fixed(number, precision)
      case "%": text = TemplateDecimal.fixed(number * 100, precision) + "%"
      case "g", "G", "n": text = TemplateDecimal.general(number, precision, keepingZeros: spec.isAlternate)
      default:
        text = number.magnitude.pythonDescription
        if let precision = spec.precision {
          text = TemplateDecimal.general(number, precision, keepingZeros: false)
          if !text.contains("e"), !text.contains(".") { text += ".0" }
        }
      }
    }
    if isUpper { text = text.uppercased() }
    let isNegative = number.sign == .minus && !number.isNaN
    let whole = text.prefix { $0.isNumber }
    let body = grouped(String(whole), spec.grouping) + Array(text.dropFirst(whole.count).unicodeScalars)
    return try padded(body, prefix: signed(isNegative, spec), spec, default: ">")
  }

  // MARK: %

  /// `format % values`, as in C.
  func percentFormat(_ format: TemplateText, _ values: TemplateValue) throws -> TemplateValue {
    var positional = [values]
    var mapping: TemplateDict?
    var mayLeaveRest = false
    switch values {
    case .tuple(let sequence): positional = sequence.items
    case .dict(let dict):
      mapping = dict
      mayLeaveRest = true
    case .list, .undefined: mayLeaveRest = true
    default: break
    }
    var parser = TemplatePercentParser(format.scalars)
    var result: [Unicode.Scalar] = []
    var used = 0
    func next() throws -> TemplateValue {
      guard used < positional.count else { throw TemplateFault.type("not enough values for the format string") }
      used += 1
      return positional[used - 1]
    }
    while let part = try parser.next(star: { try TemplateStringMethods.number(try next()) }) {
      guard case .conversion(let key, let spec) = part else {
        if case .text(let text) = part { result += text }
        continue
      }
      var value: TemplateValue
      if let key {
        guard let mapping else { throw TemplateFault.type("the format string needs a dict") }
        guard let found = mapping[TemplateText(key)] else { throw TemplateFault.type("a key of the format is missing") }
        value = found
      } else {
        value = try next()
      }
      result += try converted(value, spec, isMarkup: format.isMarkup)
      try charge(scalars: result.count)
    }
    guard used >= positional.count || mayLeaveRest else {
      throw TemplateFault.type("not all values are used by the format string")
    }
    return .string(TemplateText(result, markup: format.isMarkup))
  }

  private func converted(_ value: TemplateValue, _ spec: TemplateFormatSpec, isMarkup: Bool) throws -> [Unicode.Scalar]
  {
    switch spec.type {
    case "s", "r", "a":
      let text = spec.type == "s" ? try value.printed() : try value.representation()
      return try written(isMarkup ? text.escapedForHTML : text, spec, default: ">")
    case "c":
      if let text = value.text, text.count == 1 { return try written(text, spec, default: ">") }
      guard let number = value.integer, let code = UInt32(exactly: number), let scalar = Unicode.Scalar(code) else {
        throw TemplateFault.type("%c needs a character")
      }
      return try written(TemplateText([scalar]), spec, default: ">")
    case "d", "i", "u":
      var number = value
      if case .float(let double) = value {
        guard let integer = Int64(exactly: double.rounded(.towardZero)) else { throw TemplateFault.integerOverflow }
        number = .integer(integer)
      }
      return try written(try numeric(number), spec)
    case "x", "X", "o": return try written(try numeric(value), spec)
    default:
      if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
      guard let number = value.double else { throw TemplateFault.type("the format needs a number") }
      return try written(number, spec)
    }
  }

  private func numeric(_ value: TemplateValue) throws -> Int64 {
    if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
    guard let number = value.integer else { throw TemplateFault.type("the format needs an integer") }
    return number
  }

  // MARK: str.format

  /// The value as `format(value, spec)` writes it.
  func written(_ value: TemplateValue, format: [Unicode.Scalar]) throws -> [Unicode.Scalar] {
    if format.isEmpty { return try value.printed().scalars }
    let spec = try TemplateFormatSpec(parsing: format)
    switch value {
    case .string(let text):
      guard spec.type == nil || spec.type == "s", spec.alignment != "=", spec.sign == "-", spec.grouping == nil else {
        throw TemplateFault.type("the format does not fit a string")
      }
      return try written(text, spec, default: "<")
    case .integer, .bool:
      switch spec.type {
      case nil, "d", "x", "X", "o", "b", "n":
        guard spec.precision == nil else { throw TemplateFault.type("an integer has no precision") }
        return try written(try numeric(value), spec)
      case "c":
        guard let code = UInt32(exactly: try numeric(value)), let scalar = Unicode.Scalar(code) else {
          throw TemplateFault.type("the number is no character")
        }
        return try written(TemplateText([scalar]), spec, default: ">")
      case "s": throw TemplateFault.type("the format does not fit a number")
      default: return try written(Double(try numeric(value)), spec)
      }
    case .float(let number):
      guard spec.type.map({ "eEfFgGn%".unicodeScalars.contains($0) }) ?? true else {
        throw TemplateFault.type("the format does not fit a number")
      }
      return try written(number, spec)
    default: throw TemplateFault.type("a value of type '\(value.typeName)' takes no format")
    }
  }

  /// `text.format(…)`.
  func formatted(_ text: TemplateText, _ call: TemplateCall) throws -> TemplateText {
    var formatter = TemplateFieldFormatter(self, call, isMarkup: text.isMarkup)
    let result = try formatter.format(text.scalars[...], level: 0)
    return TemplateText(result, markup: text.isMarkup)
  }
}

extension TemplateFormatSpec {
  /// Reads `[[fill]align][sign][#][0][width][grouping][.precision][type]`.
  init(parsing format: [Unicode.Scalar]) throws {
    var rest = format[...]
    let alignments: Set<Unicode.Scalar> = ["<", ">", "=", "^"]
    if rest.count > 1, alignments.contains(rest[rest.startIndex + 1]) {
      fill = rest.removeFirst()
      alignment = rest.removeFirst()
    } else if let first = rest.first, alignments.contains(first) {
      alignment = rest.removeFirst()
    }
    if let first = rest.first, first == "+" || first == "-" || first == " " { sign = rest.removeFirst() }
    if rest.first == "#" {
      isAlternate = true
      rest.removeFirst()
    }
    if rest.first == "0" {
      if alignment == nil { (fill, alignment) = ("0", "=") }
      rest.removeFirst()
    }
    width = try Self.number(&rest) ?? 0
    if let first = rest.first, first == "," || first == "_" { grouping = rest.removeFirst() }
    if rest.first == "." {
      rest.removeFirst()
      precision = try Self.number(&rest)
      if precision == nil { throw TemplateFault.type("the format needs a number after '.'") }
    }
    type = rest.popFirst()
    guard rest.isEmpty else { throw TemplateFault.type("the format has something after its type") }
    if let type, !"bcdeEfFgGnosxX%".unicodeScalars.contains(type) { throw TemplateFault.type("unknown type of format") }
  }

  /// The digits at the front, as a number.
  static func number(_ rest: inout ArraySlice<Unicode.Scalar>) throws -> Int? {
    var value: Int?
    while let first = rest.first, first.isTemplateDigit {
      value = (value ?? 0) * 10 + Int(first.value - 0x30)
      guard value ?? 0 < 1 << 31 else { throw TokenizerError(.limitExceeded, "a width or precision that is too large") }
      rest.removeFirst()
    }
    return value
  }
}

/// Cuts a format string of the `%` operator into text and conversions.
struct TemplatePercentParser {
  enum Part {
    case text([Unicode.Scalar])
    case conversion(key: ArraySlice<Unicode.Scalar>?, TemplateFormatSpec)
  }

  private var rest: ArraySlice<Unicode.Scalar>
  init(_ format: [Unicode.Scalar]) { rest = format[...] }

  /// - Parameter star: gives the width or precision that stands among the values.
  mutating func next(star: () throws -> Int) throws -> Part? {
    guard !rest.isEmpty else { return nil }
    guard rest.first == "%" else {
      let end = rest.firstIndex(of: "%") ?? rest.endIndex
      defer { rest = rest[end...] }
      return .text(Array(rest[..<end]))
    }
    rest.removeFirst()
    var spec = TemplateFormatSpec()
    let key = try self.key()
    flags(&spec)
    if rest.first == "*" {
      rest.removeFirst()
      let width = try star()
      if width < 0 { spec.alignment = "<" }
      spec.width = Int(min(width.magnitude, 1 << 40))
    } else {
      spec.width = try TemplateFormatSpec.number(&rest) ?? 0
    }
    if rest.first == "." {
      rest.removeFirst()
      if rest.first == "*" {
        rest.removeFirst()
        spec.precision = max(0, try star())
      } else {
        spec.precision = try TemplateFormatSpec.number(&rest) ?? 0
      }
    }
    while let first = rest.first, first == "l" || first == "h" || first == "L" { rest.removeFirst() }
    guard let type = rest.popFirst() else { throw TemplateFault.type("the format string ends inside a conversion") }
    if type == "%" { return .text(["%"]) }
    guard "sradiuoxXeEfFgGc".unicodeScalars.contains(type) else { throw TemplateFault.type("unknown conversion") }
    spec.type = type
    if "src".unicodeScalars.contains(type) || type == "a" { spec.fill = " " }
    return .conversion(key: key, spec)
  }

  private mutating func key() throws -> ArraySlice<Unicode.Scalar>? {
    guard rest.first == "(" else { return nil }
    var depth = 0
    for (index, scalar) in zip(rest.indices, rest) {
      if scalar == "(" { depth += 1 }
      if scalar == ")" { depth -= 1 }
      if depth == 0 {
        defer { rest = rest[(index + 1)...] }
        return rest[(rest.startIndex + 1)..<index]
      }
    }
    throw TemplateFault.type("the format string ends inside a key")
  }

  private mutating func flags(_ spec: inout TemplateFormatSpec) {
    while let first = rest.first {
      switch first {
      case "-": spec.alignment = "<"
      case "+": spec.sign = "+"
      case " ": if spec.sign != "+" { spec.sign = " " }
      case "#": spec.isAlternate = true
      case "0": if spec.alignment == nil { (spec.fill, spec.alignment) = ("0", "=") }
      default: return
      }
      rest.removeFirst()
    }
    if spec.alignment == "<" { spec.fill = " " }
  }
}
