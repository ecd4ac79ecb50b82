/// The statements.
extension TemplateEvaluator {
  func execute(_ statements: [TemplateStatement], in scope: TemplateScope) throws -> Flow {
    for statement in statements {
      try charge(1)
      let flow: Flow
      switch statement.kind {
      case .text(let text):
        try emit(text)
        continue
      case .output(let expression):
        try emit(try evaluate(expression, in: scope).printed())
        continue
      default: flow = try deeper { try executeBlock(statement, in: scope) }
      }
      if flow != .normal { return flow }
    }
    return .normal
  }

  private func executeBlock(_ statement: TemplateStatement, in scope: TemplateScope) throws -> Flow {
    switch statement.kind {
    case .text, .output: return .normal
    case .branch(let branches, let otherwise):
      for branch in branches where try evaluate(branch.test, in: scope).isTrue {
        return try execute(branch.body, in: scope)
      }
      return try execute(otherwise, in: scope)
    case .loop(let loop): return try execute(loop, at: statement.position, in: scope)
    case .assign(let target, let expression):
      let value = try evaluate(expression, in: scope)
      position = statement.position
      try assign(target, value, in: scope)
      return .normal
    case .assignBlock(let target, let filter, let body, let inner):
      return try assignBlock(target, filter, body, inner, in: scope)
    case .macro(let macro, let target):
      try assign(target, .object(macroObject(macro, in: scope)), in: scope)
      return .normal
    case .callBlock(let macro, let call):
      let caller = TemplateValue.object(macroObject(macro, in: scope))
      guard case .call(let callee, let arguments) = call.kind else { return .normal }
      let result = try self.call(callee, arguments, caller: caller, at: call.position, in: scope)
      try emit(try TemplateStringMethods.text(result))
      return .normal
    case .filterBlock(let filter, let body, let inner):
      let scope = try enter(inner, parent: scope)
      let (text, flow) = try captured { try execute(body, in: scope) }
      guard flow == .normal else { return flow }
      try emit(try TemplateStringMethods.text(try evaluate(filter, on: .string(text), in: scope)))
      return .normal
    case .with(let assignments, let body, let inner):
      let values = try assignments.map { try evaluate($0.value, in: scope) }
      let scope = try enter(inner, parent: scope)
      for (assignment, value) in zip(assignments, values) { try assign(assignment.target, value, in: scope) }
      return try execute(body, in: scope)
    case .block(let body, let inner): return try execute(body, in: try enter(inner, parent: scope))
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
  }

  private func assignBlock(
    _ target: TemplateTarget, _ filter: TemplateExpression?, _ body: [TemplateStatement], _ inner: Int,
    in scope: TemplateScope
  ) throws -> Flow {
    let blockScope = try enter(inner, parent: scope)
    let (text, flow) = try captured { try execute(body, in: blockScope) }
    guard flow == .normal else { return flow }
    let value = try filter.map { try evaluate($0, on: .string(text), in: blockScope) } ?? .string(text)
    try assign(target, value, in: scope)
    return .normal
  }

  private func macroObject(_ macro: TemplateMacro, in scope: TemplateScope) -> TemplateMacroObject {
    let object = TemplateMacroObject(macro, scope)
    register(object)
    return object
  }

  // MARK: Loops

  private func execute(_ loop: TemplateLoop, at position: TemplatePosition, in scope: TemplateScope) throws -> Flow {
    let iterable = try evaluate(loop.iterable, in: scope)
    self.position = position
    if !loop.isRecursive { return try run(loop, over: iterable, in: scope, level: 0) }
    let (text, _) = try captured { try run(loop, over: iterable, in: scope, level: 0) }
    try emit(text)
    return .normal
  }

  /// One pass over an iterable; a recursive loop comes here for every level.
  func run(_ loop: TemplateLoop, over iterable: TemplateValue, in scope: TemplateScope, level: Int) throws -> Flow {
    let source: TemplateIterator
    var length: Int?
    if let test = loop.test {
      source = try filtered(iterable, loop, test, in: scope)
    } else {
      source = try iterator(of: iterable)
      length = iterable.length
    }
    let state = TemplateLoopObject(source, length: length, level: level)
    if loop.isRecursive {
      state.recurse = { [unowned self, unowned state] value in
        try deeper {
          try captured { try self.run(loop, over: value, in: scope, level: state.level + 1) }.text
        }
      }
    }
    defer { state.finish() }
    var isEmpty = true
    while let item = try state.advance() {
      try charge(1)
      let body = try enter(loop.bodyScope, parent: scope)
      set(loop.loopMention, .object(state), in: body)
      try assign(loop.target, item, in: body)
      let flow = try execute(loop.body, in: body)
      if flow == .breakLoop {
        // Leaving the loop skips the mark that it was not empty, as the reference does.
        if isEmpty, !loop.otherwise.isEmpty { break }
        return .normal
      }
      if flow == .normal { isEmpty = false }
    }
    guard isEmpty, !loop.otherwise.isEmpty else { return .normal }
    return try execute(loop.otherwise, in: try enter(loop.otherwiseScope, parent: scope))
  }

  private func filtered(
    _ iterable: TemplateValue, _ loop: TemplateLoop, _ test: TemplateExpression, in scope: TemplateScope
  ) throws -> TemplateIterator {
    let source = try iterator(of: iterable)
    let inner = try enter(loop.testScope, parent: scope)
    return TemplateIterator { [unowned self] in
      while let item = try source.next() {
        try charge(1)
        try assign(loop.testTarget, item, in: inner)
        if try evaluate(test, in: inner).isTrue { return item }
      }
      return nil
    }
  }
}

/// The variable `loop`.
final class TemplateLoopObject: TemplateObject {
  private var source: TemplateIterator
  private var knownLength: Int?
  private var index = -1
  private var ahead: TemplateValue??
  private var current: TemplateValue?
  private var previous: TemplateValue?
  private var lastChanged: [TemplateValue]?
  let level: Int
  /// Renders the loop over another iterable, when it is recursive.
  var recurse: ((TemplateValue) throws -> TemplateText)?

  init(_ source: TemplateIterator, length: Int?, level: Int) {
    self.source = source
    self.level = level
    knownLength = length
  }

  override var typeName: String { "LoopContext" }
  override var isCallable: Bool { true }
  override var isTrue: Bool { (try? total()) != 0 }
  override var length: Int? { try? total() }
  override func representation(_ level: Int) throws -> String { "<LoopContext \(index + 1)/\(try total())>" }
  override func iterator() throws -> TemplateIterator? {
    throw TemplateFault.unsupported("iterating over 'loop' is not supported")
  }

  /// Lets go of the elements, so that a loop that a namespace keeps cannot become a link of a long chain.
  func finish() {
    recurse = nil
    source = TemplateIterator([])
    ahead = .some(nil)
    current = nil
    previous = nil
    lastChanged = nil
  }

  func advance() throws -> TemplateValue? {
    let next = try peek()
    ahead = nil
    guard let next else { return nil }
    index += 1
    previous = current
    current = next
    return next
  }

  private func peek() throws -> TemplateValue? {
    if let ahead { return ahead }
    let next = try source.next()
    ahead = .some(next)
    return next
  }

  /// The number of elements; a source that does not know it is read to its end.
  private func total() throws -> Int {
    if let knownLength { return knownLength }
    var rest: [TemplateValue] = []
    while let item = try source.next() { rest.append(item) }
    var isAhead = false
    if case .some(.some) = ahead { isAhead = true }
    source = TemplateIterator(rest)
    let total = rest.count + index + 1 + (isAhead ? 1 : 0)
    knownLength = total
    return total
  }

  override func attribute(_ name: String) throws -> TemplateValue? {
    switch name {
    case "index": return .integer(Int64(index + 1))
    case "index0": return .integer(Int64(index))
    case "first": return .bool(index == 0)
    case "last": return .bool(try peek() == nil)
    case "length": return .integer(Int64(try total()))
    case "revindex": return .integer(Int64(try total() - index))
    case "revindex0": return .integer(Int64(try total() - index - 1))
    case "depth": return .integer(Int64(level + 1))
    case "depth0": return .integer(Int64(level))
    case "previtem": return previous ?? .undefined("there is no previous item")
    case "nextitem": return try peek() ?? .undefined("there is no next item")
    case "cycle": return .object(try TemplateFunction(name) { [self] call, _ in try cycle(call) })
    case "changed": return .object(try TemplateFunction(name) { [self] call, _ in try changed(call) })
    default: return nil
    }
  }

  private func cycle(_ call: TemplateCall) throws -> TemplateValue {
    guard call.keywords.isEmpty, !call.positional.isEmpty else {
      throw TemplateFault.type("'cycle' needs one or more values")
    }
    return call.positional[index % call.positional.count]
  }

  private func changed(_ call: TemplateCall) throws -> TemplateValue {
    guard call.keywords.isEmpty else { throw TemplateFault.type("'changed' takes no named arguments") }
    if let lastChanged, lastChanged.count == call.positional.count,
      zip(lastChanged, call.positional).allSatisfy({ TemplateOrder.areEqual($0, $1) })
    {
      return .bool(false)
    }
    lastChanged = call.positional
    return .bool(true)
  }

  override func call(_ arguments: TemplateCall, _ evaluator: TemplateEvaluator) throws -> TemplateValue {
    guard let recurse else { throw TemplateFault.type("only a recursive loop can be called") }
    guard let iterable = try arguments.bound("loop", ["iterable"], required: 1)[0] else { return .none }
    return .string(try recurse(iterable))
  }
}

/// A macro together with the scope that it was defined in.
final class TemplateMacroObject: TemplateObject {
  let macro: TemplateMacro
  var scope: TemplateScope?

  init(_ macro: TemplateMacro, _ scope: TemplateScope) {
    self.macro = macro
    self.scope = scope
  }

  override var typeName: String { "Macro" }
  override var isCallable: Bool { true }
  override func representation(_ level: Int) -> String {
    "<Macro \(macro.name.map { TemplateText($0).representation.string } ?? "anonymous")>"
  }

  override func attribute(_ name: String) throws -> TemplateValue? {
    switch name {
    case "name": return macro.name.map { TemplateValue($0) } ?? TemplateValue.none
    case "arguments": return try .tuple(macro.parameters.map { TemplateValue($0.name) })
    case "catch_kwargs": return .bool(macro.keywords != nil)
    case "catch_varargs": return .bool(macro.rest != nil)
    case "caller": return .bool(macro.caller != nil)
    default: return nil
    }
  }

  override func call(_ arguments: TemplateCall, _ evaluator: TemplateEvaluator) throws -> TemplateValue {
    guard let outer = scope else { throw TemplateFault.type("the macro is no longer there") }
    let scope = try evaluator.enter(macro.scope, parent: outer)
    try bind(arguments, scope, evaluator)
    let (text, _) = try evaluator.deeper {
      try evaluator.captured { try evaluator.execute(macro.body, in: scope) }
    }
    return .string(text)
  }

  private func bind(_ arguments: TemplateCall, _ scope: TemplateScope, _ evaluator: TemplateEvaluator) throws {
    let name = macro.name ?? "caller"
    var keywords = arguments.keywords
    var given: [TemplateValue?] = []
    for (index, parameter) in macro.parameters.enumerated() {
      if index < arguments.positional.count {
        given.append(arguments.positional[index])
      } else if let place = keywords.firstIndex(where: { $0.name == parameter.name }) {
        given.append(keywords.remove(at: place).value)
      } else {
        given.append(nil)
      }
    }
    if let mention = macro.caller {
      let place = keywords.firstIndex { $0.name == "caller" }
      let caller = place.map { keywords.remove(at: $0).value } ?? .none
      evaluator.set(mention, caller.isNone ? .undefined("No caller defined") : caller, in: scope)
    }
    if let mention = macro.keywords {
      let members = try TemplateDict(keywords.map { (TemplateValue($0.name), $0.value) })
      evaluator.set(mention, .dict(members), in: scope)
    } else if let first = keywords.first {
      throw TemplateFault.type("the macro '\(name)' takes no argument named '\(first.name)'")
    }
    let rest = arguments.positional.dropFirst(macro.parameters.count)
    if let mention = macro.rest {
      evaluator.set(mention, try .tuple(Array(rest)), in: scope)
    } else if !rest.isEmpty {
      throw TemplateFault.type("the macro '\(name)' takes at most \(macro.parameters.count) arguments")
    }
    for (parameter, value) in zip(macro.parameters, given) {
      if let value { evaluator.set(parameter.mention, value, in: scope) }
    }
    for (parameter, value) in zip(macro.parameters, given) where value == nil {
      let initial = try parameter.initial.map { try evaluator.evaluate($0, in: scope) }
      evaluator.set(
        parameter.mention, initial ?? .undefined("parameter '\(parameter.name)' was not provided"), in: scope)
    }
  }
}
