#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The arithmetic of Python on the values of a template.
extension TemplateEvaluator {
  func arithmetic(_ operation: TemplateOperator, _ left: TemplateValue, _ right: TemplateValue) throws -> TemplateValue
  {
    if case .string(let format) = left, operation == .modulo { return try percentFormat(format, right) }
    if case .undefined(let missing) = left { throw TemplateFault.undefined(missing) }
    if case .undefined(let missing) = right { throw TemplateFault.undefined(missing) }
    if let a = left.integer, let b = right.integer { return try Self.integers(operation, a, b) }
    if let a = left.double, let b = right.double { return try Self.doubles(operation, a, b) }
    switch (operation, left, right) {
    case (.add, .string(let a), .string(let b)): return .string(try concatenation(a, b))
    case (.add, .list(let a), .list(let b)):
      try charge(elements: a.items.count + b.items.count)
      return try .list(a.items + b.items)
    case (.add, .tuple(let a), .tuple(let b)):
      try charge(elements: a.items.count + b.items.count)
      return try .tuple(a.items + b.items)
    case (.multiply, _, _):
      if let count = right.integer, let result = try repeated(left, count) { return result }
      if let count = left.integer, let result = try repeated(right, count) { return result }
    default: break
    }
    throw TemplateFault.type(
      "'\(operation.rawValue)' does not work on values of type '\(left.typeName)' and '\(right.typeName)'")
  }

  /// Two texts after each other; if one is markup, the other is escaped.
  func concatenation(_ a: TemplateText, _ b: TemplateText) throws -> TemplateText {
    try charge(scalars: a.count + b.count)
    guard a.isMarkup || b.isMarkup else { return TemplateText(a.scalars + b.scalars) }
    return TemplateText(a.escapedForHTML.scalars + b.escapedForHTML.scalars, markup: true)
  }

  private func repeated(_ value: TemplateValue, _ times: Int64) throws -> TemplateValue? {
    let times = max(0, times)
    switch value {
    case .string(let text):
      let (count, overflow) = text.count.multipliedReportingOverflow(by: Int(times))
      try charge(scalars: overflow ? Int.max : count)
      var result: [Unicode.Scalar] = []
      result.reserveCapacity(count)
      if count > 0 { for _ in 0..<times { result += text.scalars } }
      return .string(TemplateText(result, markup: text.isMarkup))
    case .list(let sequence), .tuple(let sequence):
      let (count, overflow) = sequence.items.count.multipliedReportingOverflow(by: Int(times))
      try charge(elements: overflow ? Int.max : count)
      var result: [TemplateValue] = []
      if count > 0 { for _ in 0..<times { result += sequence.items } }
      if case .list = value { return try .list(result) }
      return try .tuple(result)
    default: return nil
    }
  }

  private static func integers(_ operation: TemplateOperator, _ a: Int64, _ b: Int64) throws -> TemplateValue {
    func checked(_ result: (partialValue: Int64, overflow: Bool)) throws -> TemplateValue {
      guard !result.overflow else { throw TemplateFault.integerOverflow }
      return .integer(result.partialValue)
    }
    switch operation {
    case .add: return try checked(a.addingReportingOverflow(b))
    case .subtract: return try checked(a.subtractingReportingOverflow(b))
    case .multiply: return try checked(a.multipliedReportingOverflow(by: b))
    case .divide: return try doubles(.divide, Double(a), Double(b))
    case .floorDivide, .modulo:
      guard b != 0 else { throw TemplateFault.type("division by zero") }
      if b == -1 { return operation == .modulo ? .integer(0) : try checked(Int64(0).subtractingReportingOverflow(a)) }
      let (quotient, remainder) = a.quotientAndRemainder(dividingBy: b)
      let isBelow = remainder != 0 && (remainder < 0) != (b < 0)
      if operation == .modulo { return .integer(isBelow ? remainder + b : remainder) }
      return .integer(isBelow ? quotient - 1 : quotient)
    case .power:
      guard b >= 0 else { return try doubles(.power, Double(a), Double(b)) }
      return .integer(try power(a, b))
    }
  }

  private static func power(_ base: Int64, _ exponent: Int64) throws -> Int64 {
    if exponent == 0 || base == 1 { return 1 }
    if base == 0 { return 0 }
    if base == -1 { return exponent % 2 == 0 ? 1 : -1 }
    guard exponent < 64 else { throw TemplateFault.integerOverflow }
    var result: Int64 = 1
    for _ in 0..<exponent {
      let (product, overflow) = result.multipliedReportingOverflow(by: base)
      guard !overflow else { throw TemplateFault.integerOverflow }
      result = product
    }
    return result
  }

  private static func doubles(_ operation: TemplateOperator, _ a: Double, _ b: Double) throws -> TemplateValue {
    switch operation {
    case .add: return .float(a + b)
    case .subtract: return .float(a - b)
    case .multiply: return .float(a * b)
    case .divide:
      guard b != 0 else { throw TemplateFault.type("division by zero") }
      return .float(a / b)
    case .floorDivide, .modulo:
      guard b != 0 else { throw TemplateFault.type("division by zero") }
      var remainder = a.truncatingRemainder(dividingBy: b)
      var quotient = (a - remainder) / b
      if remainder != 0 {
        if (b < 0) != (remainder < 0) {
          remainder += b
          quotient -= 1
        }
      } else {
        remainder = Double(signOf: b, magnitudeOf: 0)
      }
      if operation == .modulo { return .float(remainder) }
      guard quotient != 0 else { return .float(Double(signOf: a / b, magnitudeOf: 0)) }
      let floor = quotient.rounded(.down)
      return .float(quotient - floor > 0.5 ? floor + 1 : floor)
    case .power:
      guard a != 0 || b >= 0 else { throw TemplateFault.type("zero cannot be raised to a negative power") }
      guard a >= 0 || b == b.rounded() || a.isInfinite else {
        throw TemplateFault.unsupported("complex numbers are not supported")
      }
      let result = pow(a, b)
      guard result.isFinite || !a.isFinite || !b.isFinite else {
        throw TokenizerError(.limitExceeded, "the result is too large for a number")
      }
      return .float(result)
    }
  }

  func negated(_ value: TemplateValue) throws -> TemplateValue {
    switch value {
    case .undefined(let missing): throw TemplateFault.undefined(missing)
    case .float(let number): return .float(-number)
    default:
      guard let number = value.integer else { throw TemplateFault.type("'-' does not work on '\(value.typeName)'") }
      guard number != .min else { throw TemplateFault.integerOverflow }
      return .integer(-number)
    }
  }

  func positive(_ value: TemplateValue) throws -> TemplateValue {
    switch value {
    case .undefined(let missing): throw TemplateFault.undefined(missing)
    case .float: return value
    default:
      guard let number = value.integer else { throw TemplateFault.type("'+' does not work on '\(value.typeName)'") }
      return .integer(number)
    }
  }
}
