/// Cuts the source of a template into tokens, with `trim_blocks` and `lstrip_blocks` on, as chat templates expect.
///
/// The line break after a statement is dropped, and so is white space between the start of a line and a statement; `-` inside a
/// tag strips all white space on its side, `+` keeps it.
struct TemplateLexer {
  private let source: [Unicode.Scalar]
  private var at = 0
  private var position = TemplatePosition()
  private var counted = 0
  private var tokens: [TemplateToken] = []
  /// Whether the text after the last tag starts at the start of a line.
  private var isLineStart = true
  private var brackets: [Unicode.Scalar] = []

  init(_ text: String) {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(text.utf8.count)
    var afterReturn = false
    for scalar in text.unicodeScalars {
      if scalar == "\n", afterReturn {
        afterReturn = false
        continue
      }
      afterReturn = scalar == "\r"
      scalars.append(afterReturn ? "\n" : scalar)
    }
    if scalars.last == "\n" { scalars.removeLast() }
    source = scalars
  }

  static func tokens(of text: String) throws -> [TemplateToken] {
    var lexer = TemplateLexer(text)
    try lexer.run()
    return lexer.tokens
  }

  private mutating func run() throws {
    while at < source.count {
      guard let tag = nextTag(from: at) else {
        add(text: source[at...], at: at)
        at = source.count
        break
      }
      try self.tag(at: tag)
    }
    tokens.append(TemplateToken(kind: .end, position: position(of: source.count)))
  }

  /// The index of the next `{{`, `{%` or `{#`.
  private func nextTag(from start: Int) -> Int? {
    var index = start
    while index + 1 < source.count {
      if source[index] == "{" {
        switch source[index + 1] {
        case "{", "%", "#": return index
        default: break
        }
      }
      index += 1
    }
    return nil
  }

  private mutating func tag(at tag: Int) throws {
    let opening = source[tag + 1]
    let sign = tag + 2 < source.count ? source[tag + 2] : " "
    let hasSign = sign == "-" || sign == "+"
    add(text: trimmed(at..<tag, before: opening, sign: sign), at: at)
    let start = tag + (hasSign ? 3 : 2)
    if opening == "#" { return try comment(from: start, tag: tag) }
    if opening == "%", let end = rawBegin(from: start) { return try raw(from: end, tag: tag) }
    tokens.append(TemplateToken(kind: opening == "%" ? .blockBegin : .variableBegin, position: position(of: tag)))
    at = start
    try inside(isBlock: opening == "%", tag: tag)
  }

  /// The text before a tag, without what the tag's sign or the start of the line strips.
  private func trimmed(_ range: Range<Int>, before opening: Unicode.Scalar, sign: Unicode.Scalar) -> ArraySlice<
    Unicode.Scalar
  > {
    var end = range.upperBound
    if sign == "-" {
      while end > range.lowerBound, source[end - 1].isTemplateSpace { end -= 1 }
    } else if sign != "+", opening != "{" {
      while end > range.lowerBound, source[end - 1] != "\n", source[end - 1].isTemplateSpace { end -= 1 }
      let reachesLineStart = end == range.lowerBound ? isLineStart : source[end - 1] == "\n"
      if !reachesLineStart { end = range.upperBound }
    }
    return source[range.lowerBound..<end]
  }

  private mutating func add(text: ArraySlice<Unicode.Scalar>, at start: Int) {
    guard !text.isEmpty else { return }
    tokens.append(TemplateToken(kind: .text(TemplateText(text)), position: position(of: start)))
  }

  private mutating func comment(from start: Int, tag: Int) throws {
    var index = start
    while index + 1 < source.count, source[index] != "#" || source[index + 1] != "}" { index += 1 }
    guard index + 1 < source.count else {
      // A comment that opens at the very end of the template counts as closed.
      guard start >= source.count else { throw fault("the comment has no end '#}'", at: tag) }
      at = source.count
      return
    }
    let sign = index > start ? source[index - 1] : " "
    close(after: index + 2, sign: sign, trimsLine: true)
  }

  /// Moves behind a tag's end and over the white space that it strips.
  private mutating func close(after end: Int, sign: Unicode.Scalar, trimsLine: Bool) {
    at = end
    if sign == "-" {
      while at < source.count, source[at].isTemplateSpace { at += 1 }
    } else if sign != "+", trimsLine, at < source.count, source[at] == "\n" {
      at += 1
    }
    isLineStart = source[at - 1] == "\n"
  }

  /// The index after `raw %}` when that stands at `start`.
  private func rawBegin(from start: Int) -> Int? {
    guard let word = skip("raw", from: start) else { return nil }
    var index = word
    let isStripping = index < source.count && source[index] == "-"
    if isStripping { index += 1 }
    guard isAt("%}", index) else { return nil }
    index += 2
    if isStripping { while index < source.count, source[index].isTemplateSpace { index += 1 } }
    return index
  }

  private func isAt(_ text: String, _ index: Int) -> Bool {
    let scalars = text.unicodeScalars
    return index + scalars.count <= source.count && source[index..<index + scalars.count].elementsEqual(scalars)
  }

  /// Skips white space, a word and white space again.
  private func skip(_ word: String, from start: Int) -> Int? {
    var index = start
    while index < source.count, source[index].isTemplateSpace { index += 1 }
    guard isAt(word, index) else { return nil }
    index += word.unicodeScalars.count
    while index < source.count, source[index].isTemplateSpace { index += 1 }
    return index
  }

  private mutating func raw(from start: Int, tag: Int) throws {
    isLineStart = source[start - 1] == "\n"
    var index = start
    while index + 1 < source.count {
      if source[index] == "{", source[index + 1] == "%" {
        let sign = index + 2 < source.count ? source[index + 2] : " "
        let word = sign == "-" || sign == "+" ? index + 3 : index + 2
        if let end = skip("endraw", from: word) {
          let closing = end < source.count ? source[end] : " "
          let mark = closing == "-" || closing == "+" ? end + 1 : end
          if isAt("%}", mark) {
            add(text: trimmed(start..<index, before: "%", sign: sign), at: start)
            return close(after: mark + 2, sign: closing, trimsLine: true)
          }
        }
      }
      index += 1
    }
    guard start < source.count else {
      at = source.count
      return
    }
    throw fault("the raw block has no end '{% endraw %}'", at: tag)
  }
}

// MARK: - Inside a tag

extension TemplateLexer {
  private mutating func inside(isBlock: Bool, tag: Int) throws {
    brackets.removeAll()
    while at < source.count {
      let scalar = source[at]
      if brackets.isEmpty, let end = tagEnd(isBlock: isBlock) {
        tokens.append(TemplateToken(kind: isBlock ? .blockEnd : .variableEnd, position: position(of: at)))
        return close(after: end, sign: scalar, trimsLine: isBlock)
      }
      if scalar.isTemplateSpace {
        at += 1
      } else if scalar.isTemplateDigit {
        try number()
      } else if scalar == "_" || scalar.properties.isXIDContinue {
        try name()
      } else if scalar == "'" || scalar == "\"" {
        try string(quote: scalar)
      } else {
        try symbol()
      }
    }
    tokens.append(TemplateToken(kind: .end, position: position(of: tag)))
  }

  private func tagEnd(isBlock: Bool) -> Int? {
    let mark = isBlock ? "%}" : "}}"
    if isAt(mark, at) { return at + 2 }
    let hasSign = source[at] == "-" || isBlock && source[at] == "+"
    return hasSign && isAt(mark, at + 1) ? at + 3 : nil
  }

  private mutating func add(_ kind: TemplateToken.Kind, from start: Int) {
    tokens.append(TemplateToken(kind: kind, position: position(of: start)))
  }

  private mutating func name() throws {
    let start = at
    while at < source.count, source[at] == "_" || source[at].properties.isXIDContinue { at += 1 }
    guard source[start] == "_" || source[start].properties.isXIDStart else {
      throw fault("a name must not start with this character", at: start)
    }
    add(.name(TemplateText(source[start..<at]).string), from: start)
  }

  private mutating func number() throws {
    let start = at
    let afterDot = start > 0 && source[start - 1] == "."
    if !afterDot, let end = floatEnd(from: start) {
      at = end
      let text = TemplateText(source[start..<end].filter { $0 != "_" }).string
      guard let value = Double(text) else { throw fault("'\(text)' is no number", at: start) }
      return add(.float(value), from: start)
    }
    let (digits, radix) = integerDigits(from: start)
    guard let value = Int64(digits, radix: radix) else {
      throw fault("the integer \(digits.prefix(40)) does not fit into 64 bits", at: start)
    }
    add(.integer(value), from: start)
  }

  /// The index after digits that underscores may separate, when there are any.
  private func digitsEnd(from start: Int, _ isDigit: (Unicode.Scalar) -> Bool = \.isTemplateDigit) -> Int? {
    var index = start
    guard index < source.count, isDigit(source[index]) else { return nil }
    while index < source.count {
      if isDigit(source[index]) {
        index += 1
      } else if source[index] == "_", index + 1 < source.count, isDigit(source[index + 1]) {
        index += 2
      } else {
        break
      }
    }
    return index
  }

  private func floatEnd(from start: Int) -> Int? {
    guard var end = digitsEnd(from: start) else { return nil }
    var isFloat = false
    if end < source.count, source[end] == ".", let fraction = digitsEnd(from: end + 1) {
      end = fraction
      isFloat = true
    }
    if end < source.count, source[end] == "e" || source[end] == "E" {
      let signed = end + 1 < source.count && (source[end + 1] == "+" || source[end + 1] == "-")
      if let exponent = digitsEnd(from: end + (signed ? 2 : 1)) {
        end = exponent
        isFloat = true
      }
    }
    return isFloat ? end : nil
  }

  private mutating func integerDigits(from start: Int) -> (String, Int) {
    if source[start] == "0", start + 2 < source.count {
      let radixes: [(Unicode.Scalar, Int)] = [("b", 2), ("o", 8), ("x", 16), ("B", 2), ("O", 8), ("X", 16)]
      for (letter, radix) in radixes where source[start + 1] == letter {
        let first = source[start + 2] == "_" ? start + 3 : start + 2
        let isDigit = { (scalar: Unicode.Scalar) in Int64(String(scalar), radix: radix) != nil && scalar != "+" }
        if let end = digitsEnd(from: first, isDigit) {
          at = end
          return (TemplateText(source[first..<end].filter { $0 != "_" }).string, radix)
        }
      }
    }
    // A leading zero stands alone or is followed by zeros only.
    let end = source[start] == "0" ? digitsEnd(from: start) { $0 == "0" } : digitsEnd(from: start)
    at = end ?? start + 1
    return (TemplateText(source[start..<at].filter { $0 != "_" }).string, 10)
  }

  private mutating func symbol() throws {
    let start = at
    for text in ["//", "**", "==", "!=", ">=", "<="] where isAt(text, at) {
      at += 2
      return add(.symbol(text), from: start)
    }
    let scalar = source[at]
    switch scalar {
    case "(": brackets.append(")")
    case "[": brackets.append("]")
    case "{": brackets.append("}")
    case ")", "]", "}":
      guard let expected = brackets.popLast() else { throw fault("unexpected '\(scalar)'", at: at) }
      guard expected == scalar else { throw fault("unexpected '\(scalar)', expected '\(expected)'", at: at) }
    case "+", "-", "/", "*", "%", "~", ">", "<", "=", ".", ":", "|", ",", ";": break
    default: throw fault("unexpected character \(TemplateText([scalar]).representation.string)", at: at)
    }
    guard brackets.count <= 1000 else {
      throw TokenizerError(.limitExceeded, "brackets are nested too deep", at: position(of: start).place)
    }
    at += 1
    add(.symbol(String(scalar)), from: start)
  }

  private mutating func string(quote: Unicode.Scalar) throws {
    let start = at
    var end = at + 1
    while end < source.count, source[end] != quote { end += source[end] == "\\" ? 2 : 1 }
    guard end < source.count else { throw fault("the string has no closing quote", at: start) }
    let text = try unescaped(start + 1..<end)
    at = end + 1
    add(.string(TemplateText(text)), from: start)
  }

  private func unescaped(_ range: Range<Int>) throws -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var index = range.lowerBound
    while index < range.upperBound {
      let scalar = source[index]
      index += 1
      guard scalar == "\\" else {
        result.append(scalar)
        continue
      }
      let code = source[index]
      index += 1
      switch code {
      case "\n": break
      case "\\", "'", "\"": result.append(code)
      case "n": result.append("\n")
      case "t": result.append("\t")
      case "r": result.append("\r")
      case "a": result.append("\u{7}")
      case "b": result.append("\u{8}")
      case "f": result.append("\u{C}")
      case "v": result.append("\u{B}")
      case "x": result.append(try hexadecimal(2, at: &index, in: range))
      case "u": result.append(try hexadecimal(4, at: &index, in: range))
      case "U": result.append(try hexadecimal(8, at: &index, in: range))
      case "N": throw fault("characters by name are not supported in strings", at: index - 2)
      case "0"..."7": result.append(octal(at: &index, in: range))
      default:
        // An unknown escape keeps its backslash; what is not ASCII is spelled as an escape first, so it shows as one.
        result.append("\\")
        result.append(contentsOf: code.value < 0x80 ? [code] : code.pythonEscape.dropFirst())
      }
    }
    return result
  }

  private func hexadecimal(_ length: Int, at index: inout Int, in range: Range<Int>) throws -> Unicode.Scalar {
    guard index + length <= range.upperBound,
      let value = UInt32(TemplateText(source[index..<index + length]).string, radix: 16), source[index] != "+"
    else { throw fault("expected \(length) hexadecimal digits in the escape sequence", at: index) }
    guard let scalar = Unicode.Scalar(value) else { throw fault("the escape sequence is no Unicode scalar", at: index) }
    index += length
    return scalar
  }

  private func octal(at index: inout Int, in range: Range<Int>) -> Unicode.Scalar {
    index -= 1
    var value: UInt32 = 0
    let limit = min(index + 3, range.upperBound)
    while index < limit, source[index].value &- 0x30 < 8 {
      value = value * 8 + source[index].value - 0x30
      index += 1
    }
    return Unicode.Scalar(value) ?? "\u{FFFD}"
  }

  /// The line and column of an index; indices are asked for in ascending order, nearly always.
  private mutating func position(of index: Int) -> TemplatePosition {
    if index < counted {
      counted = 0
      position = TemplatePosition()
    }
    while counted < index {
      if source[counted] == "\n" {
        position.line += 1
        position.column = 1
      } else {
        position.column += 1
      }
      counted += 1
    }
    return position
  }

  private func fault(_ message: String, at index: Int) -> TokenizerError {
    var copy = self
    return TokenizerError(.malformed, message, at: copy.position(of: index).place)
  }
}
