/// A number in decimal digits: 0.digits × 10^point, exact.
struct TemplateDecimal {
  var digits: [UInt8]
  var point: Int

  /// All digits of a finite number, of which there are at most about 770.
  init(exactly number: Double) {
    let magnitude = number.magnitude
    guard magnitude > 0 else {
      digits = []
      point = 0
      return
    }
    // magnitude = significand × 2^exponent with an odd or at least integral significand
    let bits = magnitude.significandBitPattern
    let isNormal = magnitude.isNormal
    let significand = isNormal ? bits | 1 << 52 : bits
    let exponent = (isNormal ? Int(magnitude.exponentBitPattern) : 1) - 1075
    var words = [UInt32(truncatingIfNeeded: significand), UInt32(truncatingIfNeeded: significand >> 32)]
    let factor: UInt32 = exponent >= 0 ? 2 : 5
    for _ in 0..<abs(exponent) { Self.multiply(&words, by: factor) }
    digits = Self.decimal(words)
    point = digits.count + min(0, exponent)
    while digits.last == 0 { digits.removeLast() }
  }

  private static func multiply(_ words: inout [UInt32], by factor: UInt32) {
    var carry: UInt64 = 0
    for index in words.indices {
      let product = UInt64(words[index]) * UInt64(factor) + carry
      words[index] = UInt32(truncatingIfNeeded: product)
      carry = product >> 32
    }
    if carry > 0 { words.append(UInt32(carry)) }
  }

  private static func decimal(_ number: [UInt32]) -> [UInt8] {
    var words = number
    var reversed: [UInt8] = []
    while let top = words.last {
      guard top != 0 else {
        words.removeLast()
        continue
      }
      var remainder: UInt64 = 0
      for index in words.indices.reversed() {
        let value = remainder << 32 | UInt64(words[index])
        words[index] = UInt32(value / 1_000_000_000)
        remainder = value % 1_000_000_000
      }
      for _ in 0..<9 {
        reversed.append(UInt8(remainder % 10))
        remainder /= 10
      }
    }
    while reversed.last == 0 { reversed.removeLast() }
    return reversed.reversed()
  }

  /// Keeps `places` digits after the decimal point; a half goes to the even digit.
  mutating func round(places: Int) {
    let kept = point + places
    guard kept < digits.count else { return }
    guard kept >= 0 else {
      digits = []
      return
    }
    let next = digits[kept]
    let isHalf = next == 5 && kept + 1 == digits.count
    let isOdd = kept > 0 && digits[kept - 1] % 2 == 1
    digits.removeSubrange(kept...)
    guard next > 5 || next == 5 && !isHalf || isHalf && isOdd else { return }
    var index = kept - 1
    while index >= 0, digits[index] == 9 {
      digits[index] = 0
      index -= 1
    }
    if index >= 0 {
      digits[index] += 1
    } else {
      digits.insert(1, at: 0)
      point += 1
    }
  }

  /// The digit that stands for 10^(-place-1) after the point, or before it when negative.
  private func digit(_ index: Int) -> String {
    index >= 0 && index < digits.count ? String(digits[index]) : "0"
  }

  /// With exactly `places` digits after the point.
  static func fixed(_ number: Double, _ places: Int) -> String {
    var decimal = TemplateDecimal(exactly: number)
    decimal.round(places: places)
    var result = decimal.point > 0 ? (0..<decimal.point).map(decimal.digit).joined() : "0"
    if places > 0 {
      result += "." + (0..<places).map { decimal.digit(decimal.point + $0) }.joined()
    }
    return result
  }

  /// One digit, `places` more and an exponent of at least two digits.
  static func scientific(_ number: Double, _ places: Int) -> (text: String, exponent: Int) {
    var decimal = TemplateDecimal(exactly: number)
    decimal.round(places: places + 1 - decimal.point)
    let exponent = decimal.digits.isEmpty ? 0 : decimal.point - 1
    var result = decimal.digit(0)
    if places > 0 { result += "." + (1...places).map(decimal.digit).joined() }
    let magnitude = String(exponent.magnitude)
    return (result + "e" + (exponent < 0 ? "-" : "+") + (magnitude.count < 2 ? "0" : "") + magnitude, exponent)
  }

  /// The shorter of the two forms with `places` significant digits, without zeros at the end unless they are kept.
  static func general(_ number: Double, _ places: Int, keepingZeros: Bool) -> String {
    let places = max(1, places)
    let (text, exponent) = scientific(number, places - 1)
    let isFixed = exponent >= -4 && exponent < places
    let full = isFixed ? fixed(number, places - 1 - exponent) : text
    if keepingZeros { return full }
    let parts = full.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
    var mantissa = String(parts[0])
    if mantissa.contains(".") {
      while mantissa.hasSuffix("0") { mantissa.removeLast() }
      if mantissa.hasSuffix(".") { mantissa.removeLast() }
    }
    return parts.count > 1 ? mantissa + "e" + parts[1] : mantissa
  }
}

/// Conversions between numbers and text, and rounding.
enum TemplateNumbers {
  /// The integer that a value means, or nil when it means none.
  static func integer(from value: TemplateValue, base: Int) throws -> TemplateValue? {
    switch value {
    case .undefined(let missing): throw TemplateFault.undefined(missing)
    case .float(let number):
      if number.isNaN { return nil }
      guard let integer = Int64(exactly: number.rounded(.towardZero)) else { throw TemplateFault.integerOverflow }
      return .integer(integer)
    case .string(let text):
      guard base == 0 || (2...36).contains(base) else { return try truncated(text) }
      if let (digits, radix, isNegative) = integerDigits(text, base: base) {
        guard let integer = Int64((isNegative ? "-" : "") + digits, radix: radix) else {
          throw TemplateFault.integerOverflow
        }
        return .integer(integer)
      }
      return try truncated(text)
    default: return value.integer.map { .integer($0) }
    }
  }

  private static func truncated(_ text: TemplateText) throws -> TemplateValue? {
    guard let number = double(from: text), number.isFinite else { return nil }
    return try integer(from: .float(number), base: 10)
  }

  private static func integerDigits(_ text: TemplateText, base: Int) -> (String, Int, Bool)? {
    var scalars = text.stripped().scalars[...]
    var isNegative = false
    if let sign = scalars.first, sign == "-" || sign == "+" {
      isNegative = sign == "-"
      scalars = scalars.dropFirst()
    }
    var radix = base
    let prefixes: [(String, Int)] = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)]
    for (prefix, value) in prefixes
    where (base == value || base == 0) && scalars.starts(with: prefix.unicodeScalars) {
      radix = value
      scalars = scalars.dropFirst(2)
      if scalars.first == "_" { scalars = scalars.dropFirst() }
    }
    if radix == 0 {
      radix = 10
      if scalars.first == "0", scalars.contains(where: { $0 != "0" && $0 != "_" }) { return nil }
    }
    guard let digits = withoutUnderscores(scalars, isDigit: { digit($0, radix) }) else { return nil }
    return (digits, radix, isNegative)
  }

  private static func digit(_ scalar: Unicode.Scalar, _ radix: Int) -> Bool {
    scalar.isASCII && scalar.properties.isAlphabetic || scalar.isTemplateDigit
      ? Int(String(scalar), radix: radix) != nil : false
  }

  /// Digits that single underscores may separate.
  private static func withoutUnderscores(
    _ scalars: ArraySlice<Unicode.Scalar>, isDigit: (Unicode.Scalar) -> Bool
  ) -> String? {
    var result = ""
    var mayHaveUnderscore = false
    for scalar in scalars {
      if scalar == "_", mayHaveUnderscore {
        mayHaveUnderscore = false
      } else if isDigit(scalar) {
        mayHaveUnderscore = true
        result.unicodeScalars.append(scalar)
      } else {
        return nil
      }
    }
    return mayHaveUnderscore ? result : nil
  }

  static func double(from text: TemplateText) -> Double? {
    let trimmed = text.stripped()
    let word = trimmed.lowercased.string
    switch word.hasPrefix("-") || word.hasPrefix("+") ? String(word.dropFirst()) : word {
    case "inf", "infinity": return word.hasPrefix("-") ? -.infinity : .infinity
    case "nan": return .nan
    default: break
    }
    var result = ""
    let scalars = trimmed.scalars
    for (index, scalar) in scalars.enumerated() {
      switch scalar {
      case "_":
        guard index > 0, index + 1 < scalars.count, scalars[index - 1].isTemplateDigit,
          scalars[index + 1].isTemplateDigit
        else { return nil }
      case "0"..."9", ".", "e", "E", "+", "-": result.unicodeScalars.append(scalar)
      default: return nil
      }
    }
    return Double(result)
  }

  /// Python's `round` with a number of digits, or `ceil` and `floor` at that digit.
  static func rounded(_ value: TemplateValue, _ precision: Int, _ method: String) throws -> TemplateValue {
    guard ["common", "ceil", "floor"].contains(method) else {
      throw TemplateFault.type("the method must be common, ceil or floor")
    }
    guard let number = value.double else { throw TemplateFault.type("'round' needs a number") }
    if method == "common" {
      if let integer = value.integer { return .integer(try rounded(integer, precision)) }
      guard number.isFinite, precision < 400 else { return value }
      var decimal = TemplateDecimal(exactly: number)
      decimal.round(places: max(precision, -400))
      let text = "0." + decimal.digits.map { String($0) }.joined() + "0e\(decimal.point)"
      return .float(Double(signOf: number, magnitudeOf: Double(text) ?? 0))
    }
    guard abs(precision) < 300 else { throw TemplateFault.integerOverflow }
    let scale = Double("1e\(precision)") ?? 1
    guard (number * scale).isFinite else { throw TemplateFault.integerOverflow }
    return .float((number * scale).rounded(method == "ceil" ? .up : .down) / scale + 0)
  }

  private static func rounded(_ integer: Int64, _ precision: Int) throws -> Int64 {
    guard precision < 0 else { return integer }
    guard precision > -19 else { return 0 }
    var unit: Int64 = 1
    for _ in 0..<(-precision) { unit *= 10 }
    var quotient = integer / unit
    let twice = (integer % unit).magnitude * 2
    if twice > unit.magnitude || twice == unit.magnitude && quotient % 2 != 0 { quotient += integer < 0 ? -1 : 1 }
    let (result, overflow) = quotient.multipliedReportingOverflow(by: unit)
    guard !overflow else { throw TemplateFault.integerOverflow }
    return result
  }

  static func fileSize(_ value: TemplateValue, _ isBinary: Bool) throws -> TemplateText {
    let number = value.double ?? value.text.flatMap { double(from: $0) }
    guard let bytes = number else { throw TemplateFault.type("'filesizeformat' needs a number") }
    let base: Double = isBinary ? 1024 : 1000
    if bytes == 1 { return TemplateText("1 Byte") }
    guard bytes >= base else {
      guard let whole = Int64(exactly: bytes.rounded(.towardZero)) else { throw TemplateFault.integerOverflow }
      return TemplateText("\(whole) Bytes")
    }
    var unit = base
    let letters = isBinary ? Array("KMGTPEZY") : Array("kMGTPEZY")
    for (index, letter) in letters.enumerated() {
      unit *= base
      if bytes < unit || index == letters.count - 1 {
        let amount = TemplateDecimal.fixed(base * bytes / unit, 1)
        return TemplateText("\(amount) \(letter)\(isBinary ? "iB" : "B")")
      }
    }
    return TemplateText("")
  }
}
