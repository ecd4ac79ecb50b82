/// The expressions.
extension TemplateEvaluator {
  func evaluate(_ expression: TemplateExpression, in scope: TemplateScope) throws -> TemplateValue {
    try charge(1)
    switch expression.kind {
    case .literal(let literal): return TemplateValue(literal)
    case .name(let name, let mention): return value(name, mention, in: scope)
    case .and(let left, let right):
      let value = try deeper { try evaluate(left, in: scope) }
      return value.isTrue ? try deeper { try evaluate(right, in: scope) } : value
    case .or(let left, let right):
      let value = try deeper { try evaluate(left, in: scope) }
      return value.isTrue ? value : try deeper { try evaluate(right, in: scope) }
    case .not(let operand): return .bool(try !deeper { try evaluate(operand, in: scope) }.isTrue)
    case .conditional(let test, let then, let otherwise):
      if try deeper({ try evaluate(test, in: scope) }).isTrue { return try deeper { try evaluate(then, in: scope) } }
      guard let otherwise else { return .undefined("the inline if has no else and its condition is false") }
      return try deeper { try evaluate(otherwise, in: scope) }
    default: return try deeper { try evaluateCompound(expression, in: scope) }
    }
  }

  private func evaluateCompound(_ expression: TemplateExpression, in scope: TemplateScope) throws -> TemplateValue {
    switch expression.kind {
    case .list(let items): return try .list(evaluate(items, in: scope))
    case .tuple(let items): return try .tuple(evaluate(items, in: scope))
    case .dict(let pairs): return try dict(pairs, in: scope)
    case .attribute(let base, let name):
      let value = try evaluate(base, in: scope)
      position = expression.position
      return try attribute(name, of: value)
    case .item(let base, let key): return try item(base, key, at: expression.position, in: scope)
    case .slice: throw TemplateFault.unsupported("a slice can only stand alone between brackets")
    case .call(let callee, let arguments):
      return try call(callee, arguments, caller: nil, at: expression.position, in: scope)
    case .filter(let base, _, _):
      guard let base else { throw TemplateFault.type("the filter has nothing to work on") }
      return try evaluate(expression, on: try evaluate(base, in: scope), in: scope)
    case .test(let base, let name, let arguments):
      return try test(base, name, arguments, at: expression.position, in: scope)
    case .negative(let operand): return try negated(try evaluate(operand, in: scope))
    case .positive(let operand): return try positive(try evaluate(operand, in: scope))
    case .arithmetic(let operation, let left, let right):
      let (a, b) = (try evaluate(left, in: scope), try evaluate(right, in: scope))
      position = expression.position
      if operation == .power, case .negative(let base) = left.kind, base.isConstant, !right.isConstant {
        // The reference folds the negative number and then writes it without parentheses, so the sign applies last.
        return try negated(try arithmetic(.power, try negated(a), b))
      }
      return try arithmetic(operation, a, b)
    case .comparison(let first, let rest): return try comparison(first, rest, at: expression.position, in: scope)
    case .concatenation(let parts): return .string(try concatenation(of: parts, in: scope))
    case .literal, .name, .and, .or, .not, .conditional: return .none
    }
  }

  private func evaluate(_ items: [TemplateExpression], in scope: TemplateScope) throws -> [TemplateValue] {
    var values: [TemplateValue] = []
    values.reserveCapacity(items.count)
    for item in items { values.append(try evaluate(item, in: scope)) }
    return values
  }

  private func dict(_ pairs: [(key: TemplateExpression, value: TemplateExpression)], in scope: TemplateScope) throws
    -> TemplateValue
  {
    let dict = TemplateDict()
    for pair in pairs {
      let key = try evaluate(pair.key, in: scope)
      try dict.set(key, try evaluate(pair.value, in: scope))
    }
    return .dict(dict)
  }

  private func comparison(
    _ first: TemplateExpression, _ rest: [(operation: TemplateComparison, operand: TemplateExpression)],
    at place: TemplatePosition, in scope: TemplateScope
  ) throws -> TemplateValue {
    var left = try evaluate(first, in: scope)
    for (operation, operand) in rest {
      let right = try evaluate(operand, in: scope)
      position = place
      try charge(
        (min(left.weight, right.weight) + (operation == .isIn || operation == .isNotIn ? right.weight : 0)) / 16)
      guard try TemplateOrder.compare(operation, left, right) else { return .bool(false) }
      left = right
    }
    return .bool(true)
  }

  private func concatenation(of parts: [TemplateExpression], in scope: TemplateScope) throws -> TemplateText {
    let values = try evaluate(parts, in: scope)
    var result: [Unicode.Scalar] = []
    for value in values {
      let text = try value.printed()
      guard result.count + text.count <= limits.outputBytes else { throw outputTooLong }
      try charge(scalars: text.count)
      result += text.scalars
    }
    return TemplateText(result)
  }

  // MARK: Calls, filters and tests

  private func evaluate(
    _ arguments: TemplateArguments, caller: TemplateValue?, in scope: TemplateScope
  ) throws -> TemplateCall {
    var call = TemplateCall()
    call.positional = try evaluate(arguments.positional, in: scope)
    for keyword in arguments.keywords { call.keywords.append((keyword.name, try evaluate(keyword.value, in: scope))) }
    if let unpacked = arguments.unpacked {
      let items = try elements(of: try evaluate(unpacked, in: scope))
      try charge(elements: items.count)
      call.positional += items
    }
    if let caller {
      guard !call.keywords.contains(where: { $0.name == "caller" }) else {
        throw TemplateFault.type("the argument 'caller' is given twice")
      }
      call.keywords.append(("caller", caller))
    }
    guard let unpacked = arguments.unpackedKeywords else { return call }
    guard case .dict(let dict) = try evaluate(unpacked, in: scope) else {
      throw TemplateFault.type("the argument after ** must be a dict")
    }
    for entry in dict.entries {
      guard let name = entry.key.text?.string, !call.keywords.contains(where: { $0.name == name }) else {
        throw TemplateFault.type("the keys after ** must be strings that are given only once")
      }
      call.keywords.append((name, entry.value))
    }
    return call
  }

  func call(
    _ callee: TemplateExpression, _ arguments: TemplateArguments, caller: TemplateValue?, at place: TemplatePosition,
    in scope: TemplateScope
  ) throws -> TemplateValue {
    let function = try evaluate(callee, in: scope)
    let call = try evaluate(arguments, caller: caller, in: scope)
    position = place
    switch function {
    case .undefined(let missing): throw TemplateFault.undefined(missing)
    case .object(let object): return try deeper { try object.call(call, self) }
    default: throw TemplateFault.type("a value of type '\(function.typeName)' cannot be called")
    }
  }

  /// Applies a filter expression, or the chain that it ends, to a value; the innermost filter of a block has no expression.
  func evaluate(_ filter: TemplateExpression, on value: TemplateValue, in scope: TemplateScope) throws -> TemplateValue
  {
    guard case .filter(let base, let name, let arguments) = filter.kind else { return value }
    var subject = value
    if let base, case .filter(let inner, _, _) = base.kind, isBlockFilter(inner, base) {
      subject = try deeper { try evaluate(base, on: value, in: scope) }
    }
    let call = try evaluate(arguments, caller: nil, in: scope)
    position = filter.position
    return try apply(filter: name, to: subject, call)
  }

  /// Whether a chain of filters starts at a block's text.
  private func isBlockFilter(_ base: TemplateExpression?, _ filter: TemplateExpression) -> Bool {
    guard let base else { return true }
    guard case .filter(let inner, _, _) = base.kind else { return false }
    return isBlockFilter(inner, base)
  }

  func apply(filter name: String, to value: TemplateValue, _ call: TemplateCall) throws -> TemplateValue {
    guard let filter = TemplateFilters.table[name] else { throw TemplateFault.type("no filter named '\(name)'") }
    try charge(1 + value.weight / 16)
    return try filter(value, call, self)
  }

  private func test(
    _ base: TemplateExpression, _ name: String, _ arguments: TemplateArguments, at place: TemplatePosition,
    in scope: TemplateScope
  ) throws -> TemplateValue {
    let value = try evaluate(base, in: scope)
    let call = try evaluate(arguments, caller: nil, in: scope)
    position = place
    return .bool(try apply(test: name, to: value, call))
  }

  func apply(test name: String, to value: TemplateValue, _ call: TemplateCall) throws -> Bool {
    guard let test = TemplateTests.table[name] else { throw TemplateFault.type("no test named '\(name)'") }
    try charge(1)
    return try test(value, call, self)
  }

  // MARK: Attributes and items

  /// `value.name`: an attribute first, then an item.
  func attribute(_ name: TemplateText, of value: TemplateValue) throws -> TemplateValue {
    if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
    if let found = try method(name, of: value) { return found }
    if case .dict(let dict) = value, let found = dict[name] { return found }
    return .undefined("a value of type '\(value.typeName)' has no attribute '\(name.string)'")
  }

  /// `value[key]`: an item first, then an attribute.
  func item(_ key: TemplateValue, of value: TemplateValue) throws -> TemplateValue {
    switch value {
    case .undefined(let missing): throw TemplateFault.undefined(missing)
    case .dict(let dict): if let key = try? TemplateKey(key), let found = dict[key] { return found }
    case .list(let sequence), .tuple(let sequence):
      if let index = Self.index(key, count: sequence.items.count) { return sequence.items[index] }
    case .string(let text):
      if let index = Self.index(key, count: text.count) {
        return .string(TemplateText(CollectionOfOne(text.scalars[index]), markup: text.isMarkup))
      }
    case .object(let object):
      if object.isSequence, let count = object.length, let index = Self.index(key, count: count),
        let found = object.item(at: index)
      {
        return found
      }
    default: break
    }
    if let name = key.text, let found = try method(name, of: value) { return found }
    return .undefined("a value of type '\(value.typeName)' has no such element")
  }

  private static func index(_ key: TemplateValue, count: Int) -> Int? {
    guard let integer = key.integer else { return nil }
    let index = integer < 0 ? integer &+ Int64(count) : integer
    return index >= 0 && index < Int64(count) ? Int(index) : nil
  }

  /// An attribute that the type of the value has, methods above all; what would change the value counts as missing.
  func method(_ name: TemplateText, of value: TemplateValue) throws -> TemplateValue? {
    let name = name.string
    if name.hasPrefix("_") {
      return name.hasSuffix("__") && name.hasPrefix("__") ? .undefined("the attribute '\(name)' is not safe") : nil
    }
    switch value {
    case .string(let text): return try TemplateStringMethods.method(name, of: text)
    case .list(let sequence), .tuple(let sequence): return try TemplateMethods.method(name, of: value, sequence)
    case .dict(let dict): return try TemplateMethods.method(name, of: dict)
    case .object(let object): return try object.attribute(name)
    case .integer, .bool, .float: return try TemplateMethods.number(name, of: value)
    case .none, .undefined: return nil
    }
  }

  private func item(
    _ base: TemplateExpression, _ key: TemplateExpression, at place: TemplatePosition, in scope: TemplateScope
  ) throws -> TemplateValue {
    let value = try evaluate(base, in: scope)
    if case .slice(let start, let end, let step) = key.kind {
      let bounds = try [start, end, step].map { try $0.map { try evaluate($0, in: scope) } ?? .none }
      position = place
      return try slice(value, bounds)
    }
    let key = try evaluate(key, in: scope)
    position = place
    return try item(key, of: value)
  }

  private func slice(_ value: TemplateValue, _ bounds: [TemplateValue]) throws -> TemplateValue {
    if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
    let numbers = try bounds.map { bound -> Int? in
      if bound.isNone { return nil }
      guard let number = bound.integer else { throw TemplateFault.type("the bounds of a slice must be integers") }
      return Int(number)
    }
    guard numbers[2] != 0 else { throw TemplateFault.type("the step of a slice must not be zero") }
    func indices(_ count: Int) throws -> [Int] {
      let indices = Self.indices(count, numbers[0], numbers[1], numbers[2] ?? 1)
      try charge(elements: indices.count / 4)
      return indices
    }
    switch value {
    case .string(let text):
      return .string(TemplateText(try indices(text.count).map { text.scalars[$0] }, markup: text.isMarkup))
    case .list(let sequence): return try .list(try indices(sequence.items.count).map { sequence.items[$0] })
    case .tuple(let sequence): return try .tuple(try indices(sequence.items.count).map { sequence.items[$0] })
    case .object(let range as TemplateRange): return try range.slice(numbers[0], numbers[1], numbers[2] ?? 1)
    default: throw TemplateFault.type("a value of type '\(value.typeName)' cannot be sliced")
    }
  }

  /// The indices that a slice selects.
  static func indices(_ count: Int, _ start: Int?, _ end: Int?, _ step: Int) -> [Int] {
    let (first, last) = bounds(count, start, end, step)
    return Array(stride(from: first, to: last, by: step))
  }

  static func bounds(_ count: Int, _ start: Int?, _ end: Int?, _ step: Int) -> (Int, Int) {
    func clamped(_ bound: Int?, _ missing: Int) -> Int {
      guard let bound else { return missing }
      let (low, high) = step > 0 ? (0, count) : (-1, count - 1)
      return bound < 0 ? max(bound &+ count, low) : min(bound, high)
    }
    return step > 0 ? (clamped(start, 0), clamped(end, count)) : (clamped(start, count - 1), clamped(end, -1))
  }
}

extension TemplateRange {
  fileprivate func slice(_ start: Int?, _ end: Int?, _ step: Int) throws -> TemplateValue {
    let (first, last) = TemplateEvaluator.bounds(count, start, end, step)
    let (width, overflow) = self.step.multipliedReportingOverflow(by: Int64(step))
    guard !overflow else { throw TemplateFault.integerOverflow }
    return .object(
      try TemplateRange(
        start: self.start + Int64(first) * self.step, stop: self.start + Int64(last) * self.step, step: width))
  }
}

extension TemplateExpression {
  /// Whether no name or call occurs in the expression.
  fileprivate var isConstant: Bool {
    switch kind {
    case .name, .call: return false
    default:
      var result = true
      kind.forEachChild { if !$0.isConstant { result = false } }
      return result
    }
  }
}
