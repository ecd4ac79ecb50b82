extension TemplateText {
  /// The text in quotes as Python shows it: single quotes unless only those occur inside.
  var representation: TemplateText {
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    var result: [Unicode.Scalar] = [quote]
    for scalar in scalars {
      switch scalar {
      case quote, "\\": result += ["\\", scalar]
      case "\n": result += ["\\", "n"]
      case "\r": result += ["\\", "r"]
      case "\t": result += ["\\", "t"]
      case _ where scalar.isTemplatePrintable: result.append(scalar)
      default: result += scalar.pythonEscape
      }
    }
    result.append(quote)
    return TemplateText(result)
  }
}

extension TemplateValue {
  /// The value as text, as `{{ … }}` prints it.
  func printed() throws -> TemplateText {
    switch self {
    case .string(let text): return text
    case .undefined: return TemplateText([])
    default: return try representation()
    }
  }

  /// The value as Python's `repr` shows it.
  func representation(_ level: Int = 0) throws -> TemplateText {
    guard level <= TemplateSequence.maximumDepth else { throw TemplateSequence.tooDeep }
    switch self {
    case .undefined: return TemplateText("Undefined")
    case .none: return TemplateText("None")
    case .bool(let value): return TemplateText(value ? "True" : "False")
    case .integer(let value): return TemplateText(String(value))
    case .float(let value): return TemplateText(value.pythonDescription)
    case .string(let text):
      guard text.isMarkup else { return text.representation }
      return TemplateText(Array("Markup(".unicodeScalars) + text.representation.scalars + [")"])
    case .list(let value): return try Self.joined(value.items, "[", "]", level)
    case .tuple(let value): return try Self.joined(value.items, "(", value.items.count == 1 ? ",)" : ")", level)
    case .dict(let dict): return try dict.representation(level)
    case .object(let object): return TemplateText(try object.representation(level))
    }
  }

  private static func joined(_ items: [TemplateValue], _ open: String, _ close: String, _ level: Int) throws
    -> TemplateText
  {
    var result = Array(open.unicodeScalars)
    for (index, item) in items.enumerated() {
      if index > 0 { result += [",", " "] }
      result += try item.representation(level + 1).scalars
      if result.count > TemplateSequence.maximumPrinted { throw TemplateSequence.tooHeavy }
    }
    return TemplateText(result + Array(close.unicodeScalars))
  }
}

extension TemplateDict {
  fileprivate func representation(_ level: Int) throws -> TemplateText {
    var result: [Unicode.Scalar] = ["{"]
    for (index, entry) in entries.enumerated() {
      if index > 0 { result += [",", " "] }
      result += try entry.key.representation(level + 1).scalars
      result += [":", " "]
      result += try entry.value.representation(level + 1).scalars
      if result.count > TemplateSequence.maximumPrinted { throw TemplateSequence.tooHeavy }
    }
    return TemplateText(result + ["}"])
  }
}

extension Double {
  /// The shortest digits that give the number back, and the place of the decimal point: 0.digits × 10^point.
  var shortestDecimal: (digits: [UInt8], point: Int) {
    var digits: [UInt8] = []
    var point = 0
    var seenPoint = false
    var exponent = 0
    let text = Array(magnitude.description.utf8)
    var index = 0
    while index < text.count {
      let byte = text[index]
      if byte == 0x2E {
        seenPoint = true
      } else if byte == 0x65 {
        exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
        break
      } else {
        digits.append(byte &- 0x30)
        if !seenPoint { point += 1 }
      }
      index += 1
    }
    while digits.last == 0, digits.count > 1 { digits.removeLast() }
    while digits.first == 0, digits.count > 1 {
      digits.removeFirst()
      point -= 1
    }
    if digits == [0] { return (digits, 1) }
    return (digits, point + exponent)
  }

  /// The number as Python writes it.
  var pythonDescription: String {
    if isNaN { return "nan" }
    if isInfinite { return sign == .minus ? "-inf" : "inf" }
    let (digits, point) = shortestDecimal
    let text = digits.map { String($0) }
    var result = sign == .minus ? "-" : ""
    let exponent = point - 1
    if exponent < -4 || exponent >= 16 {
      result += text[0]
      if text.count > 1 { result += "." + text[1...].joined() }
      let magnitude = String(exponent.magnitude)
      return result + "e" + (exponent < 0 ? "-" : "+") + (magnitude.count < 2 ? "0" : "") + magnitude
    }
    if point <= 0 { return result + "0." + String(repeating: "0", count: -point) + text.joined() }
    if text.count <= point { return result + text.joined() + String(repeating: "0", count: point - text.count) + ".0" }
    return result + text[..<point].joined() + "." + text[point...].joined()
  }
}
