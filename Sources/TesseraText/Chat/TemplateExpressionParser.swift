/// The expressions, by precedence climbing: one stack frame per operand instead of one per level of precedence.
extension TemplateParser {
  private enum Level: Int {
    case or, and, not, comparison, sum, concatenation, product, power, operand
  }

  /// An expression, or a tuple of several without parentheses.
  mutating func tupleOrExpression(
    withCondition: Bool = true, inParentheses: Bool = false
  ) throws -> TemplateExpression {
    let position = current.position
    var items: [TemplateExpression] = []
    var isTuple = false
    while !isTupleEnd {
      items.append(try expression(withCondition: withCondition))
      guard skip(symbol: ",") else { break }
      isTuple = true
    }
    if !isTuple, let only = items.first { return only }
    guard isTuple || inParentheses else { throw unexpected("expected an expression") }
    return try make(.tuple(items), at: position)
  }

  private var isTupleEnd: Bool {
    current.kind == .blockEnd || current.kind == .variableEnd || isSymbol(")")
  }

  mutating func expression(withCondition: Bool = true) throws -> TemplateExpression {
    try nested { parser in
      guard withCondition else { return try parser.binary(.or) }
      let position = parser.current.position
      let unknownBefore = parser.unknown.count
      var result = try parser.binary(.or)
      while parser.skip(name: "if") {
        let test = try parser.binary(.or)
        let otherwise = parser.skip(name: "else") ? try parser.expression() : nil
        result = try parser.make(.conditional(test: test, then: result, else: otherwise), at: position)
        parser.unknown.removeSubrange(min(unknownBefore, parser.unknown.count)...)
      }
      return result
    }
  }

  func make(_ kind: TemplateExpression.Kind, at position: TemplatePosition) throws -> TemplateExpression {
    let node = TemplateExpression(kind, at: position)
    guard node.depth <= Self.maximumTreeDepth else {
      throw fault("an expression of more than \(Self.maximumTreeDepth) levels", .limitExceeded, at: position)
    }
    return node
  }

  private mutating func binary(_ minimum: Level) throws -> TemplateExpression {
    let position = current.position
    var left: TemplateExpression
    if minimum.rawValue <= Level.not.rawValue, isName("not") {
      left = try nested { parser in
        parser.advance()
        return try parser.make(.not(try parser.binary(.not)), at: position)
      }
    } else {
      left = try unary()
    }
    while let level = operatorLevel, level.rawValue >= minimum.rawValue {
      left = try combined(left, level, at: position)
    }
    return left
  }

  /// The level of the binary operator that stands at the current token.
  private var operatorLevel: Level? {
    switch current.kind {
    case .name("or"): return .or
    case .name("and"): return .and
    case .name("in"): return .comparison
    case .name("not"): return following.kind == .name("in") ? .comparison : nil
    case .symbol(let symbol):
      switch symbol {
      case "==", "!=", "<", "<=", ">", ">=": return .comparison
      case "+", "-": return .sum
      case "~": return .concatenation
      case "*", "/", "//", "%": return .product
      case "**": return .power
      default: return nil
      }
    default: return nil
    }
  }

  private mutating func combined(_ left: TemplateExpression, _ level: Level, at position: TemplatePosition) throws
    -> TemplateExpression
  {
    let place = current.position
    switch level {
    case .or, .and:
      advance()
      let right = try binary(level == .or ? .and : .not)
      return try make(level == .or ? .or(left, right) : .and(left, right), at: place)
    case .comparison:
      var steps: [(operation: TemplateComparison, operand: TemplateExpression)] = []
      while let operation = comparison() { steps.append((operation, try binary(.sum))) }
      return try make(.comparison(left, steps), at: place)
    case .concatenation:
      var parts = [left]
      while skip(symbol: "~") { parts.append(try binary(.product)) }
      return try make(.concatenation(parts), at: place)
    default:
      guard case .symbol(let symbol) = current.kind, let operation = TemplateOperator(rawValue: symbol),
        let next = Level(rawValue: level.rawValue + 1)
      else { throw unexpected("expected an operator") }
      advance()
      return try make(.arithmetic(operation, left, try binary(next)), at: place)
    }
  }

  private mutating func comparison() -> TemplateComparison? {
    switch current.kind {
    case .symbol(let symbol):
      guard let operation = TemplateComparison(rawValue: symbol) else { return nil }
      advance()
      return operation
    case .name("in"):
      advance()
      return .isIn
    case .name("not") where following.kind == .name("in"):
      advance()
      advance()
      return .isNotIn
    default: return nil
    }
  }

  private mutating func unary(withFilters: Bool = true) throws -> TemplateExpression {
    let position = current.position
    var node: TemplateExpression
    if isSymbol("-") || isSymbol("+") {
      let isNegative = isSymbol("-")
      node = try nested { parser in
        parser.advance()
        let operand = try parser.unary(withFilters: false)
        return try parser.make(isNegative ? .negative(operand) : .positive(operand), at: position)
      }
    } else {
      node = try primary()
    }
    node = try postfix(node)
    return withFilters ? try filtersAndTests(node) : node
  }

  private mutating func primary() throws -> TemplateExpression {
    let position = current.position
    switch current.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return try make(.literal(.bool(true)), at: position)
      case "false", "False": return try make(.literal(.bool(false)), at: position)
      case "none", "None": return try make(.literal(.none), at: position)
      default: return try make(.name(name, mention: use(name)), at: position)
      }
    case .string(var text):
      advance()
      while case .string(let more) = current.kind {
        text.scalars.append(contentsOf: more.scalars)
        advance()
      }
      return try make(.literal(.string(text)), at: position)
    case .integer(let value):
      advance()
      return try make(.literal(.integer(value)), at: position)
    case .float(let value):
      advance()
      return try make(.literal(.float(value)), at: position)
    case .symbol("("):
      advance()
      let inner = try tupleOrExpression(inParentheses: true)
      try expect(symbol: ")")
      return inner
    case .symbol("["): return try make(.list(try listItems()), at: position)
    case .symbol("{"): return try make(.dict(try dictItems()), at: position)
    default: throw unexpected("expected an expression")
    }
  }

  private mutating func listItems() throws -> [TemplateExpression] {
    advance()
    var items: [TemplateExpression] = []
    while !isSymbol("]") {
      if !items.isEmpty { try expect(symbol: ",") }
      if isSymbol("]") { break }
      items.append(try expression())
    }
    advance()
    return items
  }

  private mutating func dictItems() throws -> [(key: TemplateExpression, value: TemplateExpression)] {
    advance()
    var items: [(key: TemplateExpression, value: TemplateExpression)] = []
    while !isSymbol("}") {
      if !items.isEmpty { try expect(symbol: ",") }
      if isSymbol("}") { break }
      let key = try expression()
      try expect(symbol: ":")
      items.append((key, try expression()))
    }
    advance()
    return items
  }

  private mutating func postfix(_ start: TemplateExpression) throws -> TemplateExpression {
    var node = start
    while case .symbol(let symbol) = current.kind {
      let position = current.position
      switch symbol {
      case ".":
        advance()
        node = try attribute(of: node, at: position)
      case "[":
        advance()
        node = try make(.item(node, try subscriptArgument()), at: position)
      case "(": node = try make(.call(node, try arguments()), at: position)
      default: return node
      }
    }
    return node
  }

  private mutating func attribute(of node: TemplateExpression, at position: TemplatePosition) throws
    -> TemplateExpression
  {
    switch current.kind {
    case .name(let name):
      advance()
      return try make(.attribute(node, TemplateText(name)), at: position)
    case .integer(let value):
      advance()
      return try make(.item(node, try make(.literal(.integer(value)), at: position)), at: position)
    default: throw unexpected("expected a name or a number after '.'")
    }
  }

  private mutating func subscriptArgument() throws -> TemplateExpression {
    let position = current.position
    var items: [TemplateExpression] = []
    while !isSymbol("]") {
      if !items.isEmpty { try expect(symbol: ",") }
      items.append(try subscriptItem())
    }
    advance()
    if items.count == 1 { return items[0] }
    return try make(.tuple(items), at: position)
  }

  private mutating func subscriptItem() throws -> TemplateExpression {
    let position = current.position
    let start = isSymbol(":") ? nil : try expression()
    guard skip(symbol: ":") else {
      guard let start else { throw unexpected("expected an expression") }
      return start
    }
    var end: TemplateExpression?
    var step: TemplateExpression?
    if !isSymbol(":"), !isSymbol("]"), !isSymbol(",") { end = try expression() }
    if skip(symbol: ":"), !isSymbol("]"), !isSymbol(",") { step = try expression() }
    return try make(.slice(start, end, step), at: position)
  }

  private mutating func arguments() throws -> TemplateArguments {
    let start = current.position
    try expect(symbol: "(")
    var result = TemplateArguments()
    var isFirst = true
    while !isSymbol(")") {
      if !isFirst {
        try expect(symbol: ",")
        if isSymbol(")") { break }
      }
      isFirst = false
      try argument(into: &result, start)
    }
    advance()
    return result
  }

  private mutating func argument(into result: inout TemplateArguments, _ start: TemplatePosition) throws {
    func ensure(_ condition: Bool) throws {
      guard condition else { throw fault("the arguments of the call are in the wrong order", at: start) }
    }
    if skip(symbol: "*") {
      try ensure(result.unpacked == nil && result.unpackedKeywords == nil)
      result.unpacked = try expression()
    } else if skip(symbol: "**") {
      try ensure(result.unpackedKeywords == nil)
      result.unpackedKeywords = try expression()
    } else if case .name(let name) = current.kind, following.kind == .symbol("=") {
      try ensure(result.unpackedKeywords == nil)
      guard !result.keywords.contains(where: { $0.name == name }) else {
        throw fault("the argument '\(name)' is given twice", at: start)
      }
      advance()
      advance()
      result.keywords.append((name, try expression()))
    } else {
      try ensure(result.unpacked == nil && result.unpackedKeywords == nil && result.keywords.isEmpty)
      result.positional.append(try expression())
    }
  }

  private mutating func filtersAndTests(_ start: TemplateExpression) throws -> TemplateExpression {
    var node = start
    while true {
      if isSymbol("|") {
        node = try filters(on: node)
      } else if isName("is") {
        node = try test(on: node)
      } else if isSymbol("(") {
        let position = current.position
        node = try make(.call(node, try arguments()), at: position)
      } else {
        return node
      }
    }
  }

  /// A chain of filters; without a node it is applied to the text of a block.
  mutating func filters(on start: TemplateExpression?, startsInline: Bool = false) throws -> TemplateExpression {
    var node = start
    var isInline = startsInline
    while isInline || isSymbol("|") {
      if !isInline { advance() }
      isInline = false
      let position = current.position
      let name = try dottedName("the name of a filter")
      let arguments = isSymbol("(") ? try self.arguments() : TemplateArguments()
      if !TemplateFilters.names.contains(name) { unknown.append(fault("no filter named '\(name)'", at: position)) }
      node = try make(.filter(node, name, arguments), at: position)
    }
    guard let node else { throw unexpected("expected a filter") }
    return node
  }

  private mutating func dottedName(_ what: String) throws -> String {
    var name = try expectName(what)
    while skip(symbol: ".") { name += "." + (try expectName(what)) }
    return name
  }

  private mutating func test(on node: TemplateExpression) throws -> TemplateExpression {
    let position = current.position
    advance()
    let isNegated = skip(name: "not")
    let name = try dottedName("the name of a test")
    var arguments = TemplateArguments()
    if isSymbol("(") {
      arguments = try self.arguments()
    } else if startsTestArgument {
      if isName("is") { throw fault("tests cannot be chained with 'is'") }
      arguments.positional = [try nested { parser in try parser.postfix(try parser.primary()) }]
    }
    if !TemplateTests.names.contains(name) { unknown.append(fault("no test named '\(name)'", at: position)) }
    let test = try make(.test(node, name, arguments), at: position)
    return isNegated ? try make(.not(test), at: position) : test
  }

  /// A test takes one argument without parentheses.
  private var startsTestArgument: Bool {
    switch current.kind {
    case .name("else"), .name("or"), .name("and"): false
    case .name, .string, .integer, .float, .symbol("["), .symbol("{"): true
    default: false
    }
  }
}
