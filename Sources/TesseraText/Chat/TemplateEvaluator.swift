/// The variables of a scope that is being executed.
final class TemplateScope {
  var slots: [TemplateValue?]
  let parent: TemplateScope?

  init(slots: [TemplateValue?], parent: TemplateScope?) {
    self.slots = slots
    self.parent = parent
  }
}

/// Executes a template once.
///
/// Everything that takes time or memory is counted against the limits, so that a hostile template ends with an error.
final class TemplateEvaluator {
  enum Flow { case normal, breakLoop, continueLoop }

  let program: ChatTemplate.Program
  let limits: ChatTemplate.Limits
  let clock: ChatTemplate.Clock
  let context: TemplateDict
  var output: [Unicode.Scalar] = []
  /// Where the evaluation is, for errors.
  var position = TemplatePosition()
  private var steps = 0
  private var depth = 0
  private let stack = TemplateStack()
  /// Objects that can form cycles; they let go of what they hold when the rendering ends.
  private var namespaces: [TemplateNamespace] = []
  private var macros: [TemplateMacroObject] = []
  private(set) lazy var globals = TemplateGlobals.all()

  init(_ program: ChatTemplate.Program, context: TemplateDict, limits: ChatTemplate.Limits, clock: ChatTemplate.Clock) {
    self.program = program
    self.context = context
    self.limits = limits
    self.clock = clock
  }

  /// The rendered text.
  func run() throws -> String {
    defer { releaseCycles() }
    _ = try execute(program.statements, in: try enter(0, parent: nil))
    let text = TemplateText(output).string
    guard text.utf8.count <= limits.outputBytes else { throw outputTooLong }
    return text
  }

  private func releaseCycles() {
    for namespace in namespaces { namespace.members.removeAll() }
    for macro in macros { macro.scope = nil }
  }

  func register(_ namespace: TemplateNamespace) { namespaces.append(namespace) }
  func register(_ macro: TemplateMacroObject) { macros.append(macro) }

  // MARK: Limits

  func charge(_ cost: Int) throws {
    steps += cost
    guard steps <= limits.steps else {
      throw TokenizerError(.limitExceeded, "the template takes more than \(limits.steps) steps")
    }
  }

  var outputTooLong: TokenizerError {
    TokenizerError(.limitExceeded, "the template makes a text of more than \(limits.outputBytes) bytes")
  }

  /// Counts a text that is about to be made.
  func charge(scalars count: Int) throws {
    guard count <= limits.outputBytes else { throw outputTooLong }
    try charge(count / 16)
  }

  /// Counts a list that is about to be made.
  func charge(elements count: Int) throws {
    guard count <= limits.steps else {
      throw TokenizerError(.limitExceeded, "the template makes a list of more than \(limits.steps) elements")
    }
    try charge(count / 4)
  }

  func deeper<Result>(_ body: () throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth, !stack.isExhausted else {
      throw TokenizerError(.limitExceeded, "the evaluation is nested too deep, at level \(depth)")
    }
    return try body()
  }

  // MARK: Variables

  func enter(_ scope: Int, parent: TemplateScope?) throws -> TemplateScope {
    let layout = program.layouts[scope].initial
    try charge(layout.count / 4)
    var slots: [TemplateValue?] = []
    slots.reserveCapacity(layout.count)
    for initial in layout {
      switch initial {
      case .parameter, .unset: slots.append(nil)
      case .context(let name): slots.append(context[TemplateText(name)] ?? globals[name])
      case .outer(let binding): slots.append(value(of: binding, from: parent, skipping: 1))
      }
    }
    return TemplateScope(slots: slots, parent: parent)
  }

  private func value(of binding: TemplateBinding, from scope: TemplateScope?, skipping: Int32 = 0) -> TemplateValue? {
    var scope = scope
    var hops = binding.hops - skipping
    while hops > 0 {
      scope = scope?.parent
      hops -= 1
    }
    return scope?.slots[Int(binding.slot)]
  }

  func value(_ name: String, _ mention: Int, in scope: TemplateScope) -> TemplateValue {
    value(of: program.bindings[mention], from: scope) ?? .undefined("'\(name)' is undefined")
  }

  func set(_ mention: Int, _ value: TemplateValue, in scope: TemplateScope) {
    scope.slots[Int(program.bindings[mention].slot)] = value
  }

  func assign(_ target: TemplateTarget, _ value: TemplateValue, in scope: TemplateScope) throws {
    switch target {
    case .name(_, let mention): set(mention, value, in: scope)
    case .attribute(let name, let mention, let key):
      guard case .object(let object as TemplateNamespace) = self.value(name, mention, in: scope) else {
        throw TemplateFault.type("cannot assign an attribute of '\(name)', which is not a namespace")
      }
      try object.members.replace(.string(key), value)
    case .tuple(let targets):
      let items = try elements(of: value)
      guard items.count == targets.count else {
        throw TemplateFault.type("\(targets.count) names cannot take \(items.count) values")
      }
      for (target, item) in zip(targets, items) { try assign(target, item, in: scope) }
    }
  }

  /// All elements of a value.
  func elements(of value: TemplateValue) throws -> [TemplateValue] {
    switch value {
    case .list(let sequence), .tuple(let sequence): return sequence.items
    default:
      let iterator = try self.iterator(of: value)
      var items: [TemplateValue] = []
      while let item = try iterator.next() {
        try charge(1)
        items.append(item)
      }
      return items
    }
  }

  func iterator(of value: TemplateValue) throws -> TemplateIterator {
    guard let iterator = try value.iterator() else {
      throw TemplateFault.type("a value of type '\(value.typeName)' cannot be iterated over")
    }
    return iterator
  }

  // MARK: Output

  func emit(_ text: TemplateText) throws {
    guard output.count + text.count <= limits.outputBytes else { throw outputTooLong }
    try charge(text.count / 16)
    output += text.scalars
  }

  /// The text that `body` prints; nil when a `break` or `continue` leaves it.
  func captured(_ body: () throws -> Flow) throws -> (text: TemplateText, flow: Flow) {
    let outer = output
    output = []
    defer { output = outer }
    let flow = try body()
    return (TemplateText(output), flow)
  }
}
