/// Where a mention of a name finds its value: a slot of a scope some levels up.
struct TemplateBinding: Sendable {
  var hops: Int32
  var slot: Int32
}

/// The variables of one scope and what they hold when the scope is entered.
struct TemplateScopeLayout: Sendable {
  enum Initial: Sendable {
    /// Filled by whoever enters the scope: a loop's target, a macro's parameter.
    case parameter
    /// The value of the context or a global.
    case context(String)
    /// The value that a variable of a scope around this one has at that moment.
    case outer(TemplateBinding)
    case unset
  }

  var initial: [Initial] = []
}

/// Decides for the whole template, before it runs, which variable each name means.
///
/// A scope's names are collected from its whole body before anything inside it is resolved. So a name that the scope assigns
/// anywhere is local everywhere in it, and starts with the value of the variable it hides, if there is one.
struct TemplateScopes {
  private(set) var bindings: [TemplateBinding]
  private(set) var layouts: [TemplateScopeLayout]
  private var chain: [Symbols] = []

  /// The names of one scope while they are collected. `slots` only grows; `names` and `stores` differ between branches.
  private struct Symbols {
    var slots: [String: Int] = [:]
    var names: Set<String> = []
    var stores: Set<String> = []
    var initial: [Int: TemplateScopeLayout.Initial] = [:]

    mutating func slot(_ name: String) -> Int {
      if let slot = slots[name] { return slot }
      slots[name] = slots.count
      return slots.count - 1
    }

    mutating func define(_ name: String, _ value: TemplateScopeLayout.Initial) {
      initial[slot(name)] = value
      names.insert(name)
    }
  }

  init(_ template: [TemplateStatement], mentions: Int, scopes: Int) {
    bindings = Array(repeating: TemplateBinding(hops: 0, slot: 0), count: mentions)
    layouts = Array(repeating: TemplateScopeLayout(), count: scopes)
    inside(0) {
      $0.collect(template)
    } resolve: {
      $0.resolve(template)
    }
  }

  /// Collects the names of a scope, then resolves what is inside it.
  private mutating func inside(
    _ scope: Int, collect: (inout TemplateScopes) -> Void, resolve: (inout TemplateScopes) -> Void
  ) {
    chain.append(Symbols())
    collect(&self)
    resolve(&self)
    guard let symbols = chain.popLast() else { return }
    layouts[scope].initial = (0..<symbols.slots.count).map { symbols.initial[$0] ?? .unset }
  }

  /// The variable that a name means, looked for from `skipping` scopes further out.
  private func find(_ name: String, skipping: Int = 0) -> TemplateBinding? {
    var level = chain.count - 1 - skipping
    while level >= 0 {
      if chain[level].names.contains(name), let slot = chain[level].slots[name] {
        return TemplateBinding(hops: Int32(chain.count - 1 - level), slot: Int32(slot))
      }
      level -= 1
    }
    return nil
  }

  // MARK: Collecting

  private mutating func load(_ name: String) {
    if find(name) == nil { chain[chain.count - 1].define(name, .context(name)) }
  }

  private mutating func store(_ name: String) {
    let top = chain.count - 1
    chain[top].stores.insert(name)
    guard !chain[top].names.contains(name) else { return }
    chain[top].define(name, find(name, skipping: 1).map { .outer($0) } ?? .unset)
  }

  private mutating func parameter(_ name: String) {
    chain[chain.count - 1].stores.insert(name)
    chain[chain.count - 1].define(name, .parameter)
  }

  private mutating func collect(_ statements: [TemplateStatement]) {
    for statement in statements { collect(statement) }
  }

  private mutating func collect(_ statement: TemplateStatement) {
    switch statement.kind {
    case .text, .breakLoop, .continueLoop, .block: break
    case .output(let value): collect(value)
    case .branch(let branches, let otherwise): collect(branches[...], otherwise)
    case .loop(let loop): collect(loop.iterable)
    case .assign(let target, let value):
      collect(value)
      collect(target, asParameter: false)
    case .assignBlock(let target, _, _, _), .macro(_, let target): collect(target, asParameter: false)
    case .callBlock(_, let call): collect(call)
    case .filterBlock(let filter, _, _): collect(filter)
    case .with(let assignments, _, _): for assignment in assignments { collect(assignment.value) }
    }
  }

  private mutating func collect(_ target: TemplateTarget, asParameter: Bool) {
    switch target {
    case .name(let name, _): if asParameter { parameter(name) } else { store(name) }
    case .attribute(let name, _, _): load(name)
    case .tuple(let items): for item in items { collect(item, asParameter: asParameter) }
    }
  }

  private mutating func collect(_ expression: TemplateExpression) {
    if case .name(let name, _) = expression.kind { return load(name) }
    var children: [TemplateExpression] = []
    expression.kind.forEachChild { children.append($0) }
    for child in children { collect(child) }
  }

  /// The first test and body, the later tests with their bodies, and the rest are three branches. What only some of them assign
  /// starts with the outer value.
  private mutating func collect(
    _ branches: ArraySlice<(test: TemplateExpression, body: [TemplateStatement])>, _ otherwise: [TemplateStatement]
  ) {
    guard let first = branches.first else { return }
    collect(first.test)
    let top = chain.count - 1
    let before = chain[top]
    var results: [Symbols] = []
    func branch(_ body: (inout TemplateScopes) -> Void) {
      var symbols = before
      if let last = results.last { symbols.slots = last.slots }
      chain[top] = symbols
      body(&self)
      results.append(chain[top])
    }
    branch { $0.collect(first.body) }
    branch { scopes in
      for later in branches.dropFirst() { scopes.collect([later][...], []) }
    }
    branch { $0.collect(otherwise) }
    merge(results, into: before)
  }

  private mutating func merge(_ branches: [Symbols], into before: Symbols) {
    var merged = before
    var stores: Set<String> = []
    for branch in branches {
      stores.formUnion(branch.stores.subtracting(before.stores))
      merged.slots.merge(branch.slots) { $1 }
      merged.names.formUnion(branch.names)
      merged.stores.formUnion(branch.stores)
      merged.initial.merge(branch.initial) { $1 }
    }
    let top = chain.count - 1
    chain[top] = merged
    for name in stores {
      chain[top].initial[chain[top].slot(name)] = find(name, skipping: 1).map { .outer($0) } ?? .context(name)
    }
  }

  // MARK: Resolving

  private mutating func resolve(_ statements: [TemplateStatement]) {
    for statement in statements { resolve(statement) }
  }

  private mutating func bind(_ name: String, _ mention: Int) {
    if find(name) == nil { load(name) }
    if let binding = find(name) { bindings[mention] = binding }
  }

  private mutating func resolve(_ target: TemplateTarget) {
    switch target {
    case .name(let name, let mention), .attribute(let name, let mention, _): bind(name, mention)
    case .tuple(let items): for item in items { resolve(item) }
    }
  }

  private mutating func resolve(_ expression: TemplateExpression) {
    if case .name(let name, let mention) = expression.kind { return bind(name, mention) }
    var children: [TemplateExpression] = []
    expression.kind.forEachChild { children.append($0) }
    for child in children { resolve(child) }
  }

  private mutating func resolve(_ statement: TemplateStatement) {
    switch statement.kind {
    case .text, .breakLoop, .continueLoop: break
    case .output(let value): resolve(value)
    case .branch(let branches, let otherwise):
      for branch in branches {
        resolve(branch.test)
        resolve(branch.body)
      }
      resolve(otherwise)
    case .loop(let loop): resolve(loop)
    case .assign(let target, let value):
      resolve(value)
      resolve(target)
    case .assignBlock(let target, let filter, let body, let scope):
      // The filter belongs to the scope of the block.
      simple(scope, body, filter)
      resolve(target)
    case .macro(let macro, let target):
      resolve(macro)
      resolve(target)
    case .callBlock(let macro, let call):
      resolve(macro)
      resolve(call)
    case .filterBlock(let filter, let body, let scope): simple(scope, body, filter)
    case .block(let body, let scope): simple(scope, body, nil)
    case .with(let assignments, let body, let scope):
      for assignment in assignments { resolve(assignment.value) }
      inside(scope) { scopes in
        for assignment in assignments { scopes.collect(assignment.target, asParameter: true) }
        scopes.collect(body)
      } resolve: { scopes in
        for assignment in assignments { scopes.resolve(assignment.target) }
        scopes.resolve(body)
      }
    }
  }

  private mutating func simple(_ scope: Int, _ body: [TemplateStatement], _ filter: TemplateExpression?) {
    inside(scope) { scopes in
      if let filter { scopes.collect(filter) }
      scopes.collect(body)
    } resolve: { scopes in
      if let filter { scopes.resolve(filter) }
      scopes.resolve(body)
    }
  }

  private mutating func resolve(_ loop: TemplateLoop) {
    resolve(loop.iterable)
    if let test = loop.test {
      inside(loop.testScope) { scopes in
        scopes.collect(loop.testTarget, asParameter: true)
        scopes.collect(test)
      } resolve: { scopes in
        scopes.resolve(loop.testTarget)
        scopes.resolve(test)
      }
    }
    inside(loop.bodyScope) { scopes in
      scopes.parameter("loop")
      scopes.collect(loop.target, asParameter: true)
      scopes.collect(loop.body)
    } resolve: { scopes in
      scopes.bind("loop", loop.loopMention)
      scopes.resolve(loop.target)
      scopes.resolve(loop.body)
    }
    inside(loop.otherwiseScope) {
      $0.collect(loop.otherwise)
    } resolve: {
      $0.resolve(loop.otherwise)
    }
  }

  private mutating func resolve(_ macro: TemplateMacro) {
    let specials = [("caller", macro.caller), ("kwargs", macro.keywords), ("varargs", macro.rest)]
    inside(macro.scope) { scopes in
      for parameter in macro.parameters { scopes.parameter(parameter.name) }
      for (name, mention) in specials where mention != nil { scopes.parameter(name) }
      for parameter in macro.parameters { if let initial = parameter.initial { scopes.collect(initial) } }
      scopes.collect(macro.body)
    } resolve: { scopes in
      for parameter in macro.parameters { scopes.bind(parameter.name, parameter.mention) }
      for (name, mention) in specials { if let mention { scopes.bind(name, mention) } }
      for parameter in macro.parameters { if let initial = parameter.initial { scopes.resolve(initial) } }
      scopes.resolve(macro.body)
    }
  }
}
