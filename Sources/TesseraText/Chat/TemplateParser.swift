/// Turns the tokens of a template into statements.
///
/// Recursive descent with a bound on nesting, so that no template can exhaust the stack.
struct TemplateParser {
  /// Parentheses, operators and blocks inside each other beyond this depth are refused.
  static let maximumNesting = 100
  static let maximumTreeDepth = 100

  private let tokens: [TemplateToken]
  private var index = 0
  var nesting = 0
  private let stack = TemplateStack()
  private(set) var mentions = 0
  private(set) var scopes = 0
  /// How many loops surround the current statement inside the same macro, for `break` and `continue`.
  private var loopDepth = 0
  /// How many loops surround the current token at all; none of them may assign to `loop`.
  private(set) var insideLoops = 0
  private var macros: [SpecialNames] = []
  /// Uses of unknown filters and tests that an `if` around them can still excuse until it is executed.
  var unknown: [TokenizerError] = []
  private var certainlyUnknown: [TokenizerError] = []

  /// Which of the names that a macro body gets without declaring them have been used or assigned in it.
  private struct SpecialNames {
    var used: Set<String> = []
    var assigned: Set<String> = []
  }
  private static let specialNames: Set<String> = ["caller", "kwargs", "varargs"]

  init(_ source: String) throws { tokens = try TemplateLexer.tokens(of: source) }

  mutating func parse() throws -> [TemplateStatement] {
    _ = scope()
    let (body, _) = try statements(until: [])
    if let error = certainlyUnknown.first ?? unknown.first { throw error }
    return body
  }

  // MARK: Tokens

  var current: TemplateToken { tokens[min(index, tokens.count - 1)] }
  var following: TemplateToken { tokens[min(index + 1, tokens.count - 1)] }
  mutating func advance() { index += 1 }

  func isSymbol(_ text: String) -> Bool {
    if case .symbol(let symbol) = current.kind { symbol == text } else { false }
  }

  func isName(_ text: String) -> Bool {
    if case .name(let name) = current.kind { name == text } else { false }
  }

  mutating func skip(symbol: String) -> Bool {
    guard isSymbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func skip(name: String) -> Bool {
    guard isName(name) else { return false }
    advance()
    return true
  }

  mutating func expect(symbol: String) throws {
    guard skip(symbol: symbol) else { throw unexpected("expected '\(symbol)'") }
  }

  mutating func expectName(_ what: String) throws -> String {
    guard case .name(let name) = current.kind else { throw unexpected("expected \(what)") }
    advance()
    return name
  }

  func unexpected(_ expected: String) -> TokenizerError { fault("\(expected), found \(current.kind.words)") }

  func fault(
    _ message: String, _ kind: TokenizerError.Kind = .malformed, at position: TemplatePosition? = nil
  ) -> TokenizerError {
    TokenizerError(kind, message, at: (position ?? current.position).place)
  }

  mutating func nested<Result>(_ body: (inout TemplateParser) throws -> Result) throws -> Result {
    nesting += 1
    defer { nesting -= 1 }
    guard nesting <= Self.maximumNesting, !stack.isExhausted else {
      throw fault("nested too deep, at level \(nesting)", .limitExceeded)
    }
    return try body(&self)
  }

  // MARK: Names

  mutating func mention() -> Int {
    mentions += 1
    return mentions - 1
  }

  mutating func use(_ name: String) -> Int {
    if Self.specialNames.contains(name) {
      for level in macros.indices where !macros[level].assigned.contains(name) { macros[level].used.insert(name) }
    }
    return mention()
  }

  mutating func assigning(_ name: String) -> Int {
    if Self.specialNames.contains(name) { for level in macros.indices { macros[level].assigned.insert(name) } }
    return mention()
  }

  private mutating func scope() -> Int {
    scopes += 1
    return scopes - 1
  }

  /// Parses the inside of a scope; an `if` around the scope excuses nothing inside it.
  private mutating func scoped<Result>(_ body: (inout TemplateParser) throws -> Result) throws -> Result {
    let count = unknown.count
    let result = try body(&self)
    certainlyUnknown.append(contentsOf: unknown[min(count, unknown.count)...])
    unknown.removeSubrange(min(count, unknown.count)...)
    return result
  }

  // MARK: Statements

  /// Parses statements up to a tag that starts with one of `ends`, which is consumed and returned.
  private mutating func statements(until ends: [String]) throws -> ([TemplateStatement], String) {
    try nested { try $0.statementList(until: ends) }
  }

  private mutating func statementList(until ends: [String]) throws -> ([TemplateStatement], String) {
    var list: [TemplateStatement] = []
    while true {
      let position = current.position
      switch current.kind {
      case .text(let text):
        advance()
        list.append(TemplateStatement(kind: .text(text), position: position))
      case .variableBegin:
        advance()
        list.append(TemplateStatement(kind: .output(try tupleOrExpression()), position: position))
        guard current.kind == .variableEnd else { throw unexpected("expected '}}'") }
        advance()
      case .blockBegin:
        advance()
        guard case .name(let tag) = current.kind else { throw unexpected("expected the name of a statement") }
        if ends.contains(tag) {
          advance()
          return (list, tag)
        }
        try statement(tag, at: position, into: &list)
        guard current.kind == .blockEnd else { throw unexpected("expected '%}'") }
        advance()
      case .end:
        guard ends.isEmpty else {
          throw fault("the template ends where \(ends.map { "'{% \($0) %}'" }.joined(separator: " or ")) was expected")
        }
        return (list, "")
      default: throw unexpected("expected text or a tag")
      }
    }
  }

  /// The end of the opening tag, then the body.
  private mutating func body(until ends: [String]) throws -> ([TemplateStatement], String) {
    _ = skip(symbol: ":")
    guard current.kind == .blockEnd else { throw unexpected("expected '%}'") }
    advance()
    return try statements(until: ends)
  }

  private mutating func statement(
    _ tag: String, at position: TemplatePosition, into list: inout [TemplateStatement]
  ) throws {
    let start = current.position
    advance()
    let kind: TemplateStatement.Kind
    switch tag {
    case "if": kind = try ifStatement()
    case "for": kind = try forStatement()
    case "set": kind = try setStatement()
    case "macro": kind = try macroStatement()
    case "call": kind = try callStatement()
    case "filter": kind = try filterStatement()
    case "with": kind = try withStatement()
    case "generation": kind = try generationStatement()
    case "break", "continue":
      guard loopDepth > 0 else { throw fault("'\(tag)' outside of a loop", at: start) }
      kind = tag == "break" ? .breakLoop : .continueLoop
    case "print":
      while current.kind != .blockEnd {
        list.append(TemplateStatement(kind: .output(try expression()), position: position))
        if current.kind != .blockEnd { try expect(symbol: ",") }
      }
      return
    case "include", "import", "from", "extends", "block", "autoescape":
      throw fault("'{% \(tag) %}' is not supported in chat templates", .unsupported, at: start)
    default: throw fault("unknown statement '\(tag)'", at: start)
    }
    list.append(TemplateStatement(kind: kind, position: position))
  }

  private mutating func ifStatement() throws -> TemplateStatement.Kind {
    let count = unknown.count
    defer { unknown.removeSubrange(min(count, unknown.count)...) }
    var branches: [(test: TemplateExpression, body: [TemplateStatement])] = []
    while true {
      let test = try tupleOrExpression(withCondition: false)
      let (body, end) = try body(until: ["elif", "else", "endif"])
      branches.append((test, body))
      switch end {
      case "elif": continue
      case "else": return .branch(branches, otherwise: try self.body(until: ["endif"]).0)
      default: return .branch(branches, otherwise: [])
      }
    }
  }

  private mutating func forStatement() throws -> TemplateStatement.Kind {
    insideLoops += 1
    defer { insideLoops -= 1 }
    let target = try self.target(allowingAttributes: false)
    guard skip(name: "in") else { throw unexpected("expected 'in'") }
    let iterable = try tupleOrExpression(withCondition: false)
    return try scoped { parser in
      var test: TemplateExpression?
      if parser.skip(name: "if") { test = try parser.expression() }
      let isRecursive = parser.skip(name: "recursive")
      let scopes = (parser.scope(), parser.scope(), parser.scope())
      let loopMention = parser.mention()
      parser.loopDepth += 1
      let (body, end) = try parser.body(until: ["endfor", "else"])
      parser.loopDepth -= 1
      let outer = parser.loopDepth
      if isRecursive { parser.loopDepth = 0 }
      let otherwise = end == "else" ? try parser.body(until: ["endfor"]).0 : []
      parser.loopDepth = outer
      return .loop(
        TemplateLoop(
          target: target, testTarget: parser.copy(of: target), iterable: iterable, test: test,
          isRecursive: isRecursive, body: body, otherwise: otherwise, bodyScope: scopes.0, testScope: scopes.1,
          otherwiseScope: scopes.2, loopMention: loopMention))
    }
  }

  /// The same target with mentions of its own, because the test of a loop has its own scope.
  private mutating func copy(of target: TemplateTarget) -> TemplateTarget {
    switch target {
    case .name(let name, _): return .name(name, mention: mention())
    case .attribute(let name, _, let key): return .attribute(name, mention: mention(), key: key)
    case .tuple(let items):
      var copies: [TemplateTarget] = []
      for item in items { copies.append(copy(of: item)) }
      return .tuple(copies)
    }
  }

  private mutating func setStatement() throws -> TemplateStatement.Kind {
    let target = try self.target(allowingAttributes: true)
    if skip(symbol: "=") { return .assign(target, try tupleOrExpression()) }
    return try scoped { parser in
      let filter = parser.isSymbol("|") ? try parser.filters(on: nil) : nil
      let scope = parser.scope()
      let (body, _) = try parser.body(until: ["endset"])
      return .assignBlock(target, filter: filter, body: body, scope: scope)
    }
  }

  private mutating func withStatement() throws -> TemplateStatement.Kind {
    try scoped { parser in
      var assignments: [(target: TemplateTarget, value: TemplateExpression)] = []
      while parser.current.kind != .blockEnd {
        if !assignments.isEmpty { try parser.expect(symbol: ",") }
        let target = try parser.target(allowingAttributes: false, isParameter: true)
        try parser.expect(symbol: "=")
        assignments.append((target, try parser.expression()))
      }
      let scope = parser.scope()
      let (body, _) = try parser.body(until: ["endwith"])
      return .with(assignments, body: body, scope: scope)
    }
  }

  private mutating func filterStatement() throws -> TemplateStatement.Kind {
    try scoped { parser in
      let filter = try parser.filters(on: nil, startsInline: true)
      let scope = parser.scope()
      let (body, _) = try parser.body(until: ["endfilter"])
      return .filterBlock(filter, body: body, scope: scope)
    }
  }

  /// The text that a model generated; the block only marks it.
  private mutating func generationStatement() throws -> TemplateStatement.Kind {
    let scope = self.scope()
    let (body, _) = try macroBody { try $0.body(until: ["endgeneration"]).0 }
    return .block(body, scope: scope)
  }

  private mutating func macroStatement() throws -> TemplateStatement.Kind {
    let name = try expectName("the name of the macro")
    guard !Self.constants.contains(name) else { throw fault("a macro cannot be called '\(name)'") }
    let target = TemplateTarget.name(name, mention: mention())
    let parameters = try signature()
    return .macro(try macro(name, parameters, end: "endmacro"), target: target)
  }

  private mutating func callStatement() throws -> TemplateStatement.Kind {
    let parameters = isSymbol("(") ? try signature() : []
    let start = current.position
    let call = try expression()
    guard case .call = call.kind else { throw fault("expected a call", at: start) }
    return .callBlock(try macro(nil, parameters, end: "endcall"), call: call)
  }

  private mutating func macro(_ name: String?, _ parameters: [TemplateMacro.Parameter], end: String) throws
    -> TemplateMacro
  {
    let start = current.position
    let scope = self.scope()
    let (body, names) = try macroBody { try $0.body(until: [end]).0 }
    let declared = Set(parameters.map(\.name))
    if names.used.contains("caller"), declared.contains("caller"),
      parameters.contains(where: { $0.name == "caller" && $0.initial == nil })
    {
      throw fault("the parameter 'caller' of a macro must have a default value", at: start)
    }
    func special(_ name: String) -> Int? {
      names.used.contains(name) && !declared.contains(name) ? mention() : nil
    }
    return TemplateMacro(
      name: name, parameters: parameters, body: body, scope: scope, caller: special("caller"),
      keywords: special("kwargs"), rest: special("varargs"))
  }

  private mutating func macroBody(_ parse: (inout TemplateParser) throws -> [TemplateStatement]) throws -> (
    [TemplateStatement], SpecialNames
  ) {
    macros.append(SpecialNames())
    let outer = loopDepth
    loopDepth = 0
    let body = try scoped(parse)
    loopDepth = outer
    return (body, macros.popLast() ?? SpecialNames())
  }

  private mutating func signature() throws -> [TemplateMacro.Parameter] {
    try expect(symbol: "(")
    var parameters: [TemplateMacro.Parameter] = []
    while !isSymbol(")") {
      if !parameters.isEmpty { try expect(symbol: ",") }
      let position = current.position
      let name = try expectName("the name of a parameter")
      guard !Self.constants.contains(name) else { throw fault("cannot assign to '\(name)'", at: position) }
      guard !parameters.contains(where: { $0.name == name }) else {
        throw fault("the parameter '\(name)' is declared twice", at: position)
      }
      let mention = assigning(name)
      var initial: TemplateExpression?
      if skip(symbol: "=") {
        initial = try expression()
      } else if parameters.last?.initial != nil {
        throw fault("a parameter without a default value follows one that has it", at: position)
      }
      parameters.append(.init(name: name, mention: mention, initial: initial))
    }
    advance()
    return parameters
  }
}
