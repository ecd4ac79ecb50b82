/// A place in a template, counted from one.
struct TemplatePosition: Sendable {
  var line: Int32 = 1
  var column: Int32 = 1
}

/// A value that a template spells out.
enum TemplateLiteral: Sendable {
  case none
  case bool(Bool)
  case integer(Int64)
  case float(Double)
  case string(TemplateText)
}

/// An expression of a template. `depth` is the height of its tree, which the parser bounds.
final class TemplateExpression: Sendable {
  indirect enum Kind: Sendable {
    case literal(TemplateLiteral)
    /// A name and the number of this mention, under which its binding is found.
    case name(String, mention: Int)
    case list([TemplateExpression])
    case tuple([TemplateExpression])
    case dict([(key: TemplateExpression, value: TemplateExpression)])
    case attribute(TemplateExpression, TemplateText)
    case item(TemplateExpression, TemplateExpression)
    case slice(TemplateExpression?, TemplateExpression?, TemplateExpression?)
    case call(TemplateExpression, TemplateArguments)
    /// A filter; without an expression it is applied to the text of a block.
    case filter(TemplateExpression?, String, TemplateArguments)
    case test(TemplateExpression, String, TemplateArguments)
    case negative(TemplateExpression)
    case positive(TemplateExpression)
    case not(TemplateExpression)
    case and(TemplateExpression, TemplateExpression)
    case or(TemplateExpression, TemplateExpression)
    case arithmetic(TemplateOperator, TemplateExpression, TemplateExpression)
    case comparison(TemplateExpression, [(operation: TemplateComparison, operand: TemplateExpression)])
    case concatenation([TemplateExpression])
    case conditional(test: TemplateExpression, then: TemplateExpression, else: TemplateExpression?)
  }

  let kind: Kind
  let position: TemplatePosition
  let depth: Int

  init(_ kind: Kind, at position: TemplatePosition) {
    self.kind = kind
    self.position = position
    var depth = 0
    kind.forEachChild { depth = max(depth, $0.depth) }
    self.depth = depth + 1
  }
}

struct TemplateArguments: Sendable {
  var positional: [TemplateExpression] = []
  var keywords: [(name: String, value: TemplateExpression)] = []
  var unpacked: TemplateExpression?
  var unpackedKeywords: TemplateExpression?

  func forEach(_ body: (TemplateExpression) -> Void) {
    positional.forEach(body)
    for keyword in keywords { body(keyword.value) }
    if let unpacked { body(unpacked) }
    if let unpackedKeywords { body(unpackedKeywords) }
  }
}

enum TemplateOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case modulo = "%"
  case power = "**"
}

enum TemplateComparison: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case isIn = "in"
  case isNotIn = "not in"
}

extension TemplateExpression.Kind {
  /// Calls `body` with each expression directly inside this one, in the order of evaluation.
  func forEachChild(_ body: (TemplateExpression) -> Void) {
    switch self {
    case .literal, .name: break
    case .list(let items), .tuple(let items), .concatenation(let items): items.forEach(body)
    case .dict(let pairs):
      for pair in pairs {
        body(pair.key)
        body(pair.value)
      }
    case .attribute(let base, _), .negative(let base), .positive(let base), .not(let base): body(base)
    case .item(let left, let right), .and(let left, let right), .or(let left, let right),
      .arithmetic(_, let left, let right):
      body(left)
      body(right)
    case .slice(let start, let end, let step):
      for bound in [start, end, step] { if let bound { body(bound) } }
    case .call(let callee, let arguments):
      body(callee)
      arguments.forEach(body)
    case .filter(let base, _, let arguments):
      if let base { body(base) }
      arguments.forEach(body)
    case .test(let base, _, let arguments):
      body(base)
      arguments.forEach(body)
    case .comparison(let first, let rest):
      body(first)
      for step in rest { body(step.operand) }
    case .conditional(let test, let then, let otherwise):
      body(test)
      body(then)
      if let otherwise { body(otherwise) }
    }
  }
}

/// What an assignment writes to.
indirect enum TemplateTarget: Sendable {
  case name(String, mention: Int)
  /// An attribute of a namespace: `{% set ns.key = … %}`.
  case attribute(String, mention: Int, key: TemplateText)
  case tuple([TemplateTarget])
}

/// A statement of a template.
struct TemplateStatement: Sendable {
  indirect enum Kind: Sendable {
    case text(TemplateText)
    case output(TemplateExpression)
    case branch([(test: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
    case loop(TemplateLoop)
    case assign(TemplateTarget, TemplateExpression)
    case assignBlock(TemplateTarget, filter: TemplateExpression?, body: [TemplateStatement], scope: Int)
    case macro(TemplateMacro, target: TemplateTarget)
    case callBlock(TemplateMacro, call: TemplateExpression)
    case filterBlock(TemplateExpression, body: [TemplateStatement], scope: Int)
    case with([(target: TemplateTarget, value: TemplateExpression)], body: [TemplateStatement], scope: Int)
    case block([TemplateStatement], scope: Int)
    case breakLoop
    case continueLoop
  }

  let kind: Kind
  let position: TemplatePosition
}

struct TemplateLoop: Sendable {
  var target: TemplateTarget
  /// The same target inside the scope of the test.
  var testTarget: TemplateTarget
  var iterable: TemplateExpression
  var test: TemplateExpression?
  var isRecursive: Bool
  var body: [TemplateStatement]
  var otherwise: [TemplateStatement]
  var bodyScope: Int
  var testScope: Int
  var otherwiseScope: Int
  /// The mention under which the body's `loop` is bound.
  var loopMention: Int
}

/// A macro, or the body of a call block, which has no name.
final class TemplateMacro: Sendable {
  struct Parameter: Sendable {
    var name: String
    var mention: Int
    var initial: TemplateExpression?
  }

  let name: String?
  let parameters: [Parameter]
  let body: [TemplateStatement]
  let scope: Int
  /// The mentions of the special names, when the body uses them.
  let caller: Int?
  let keywords: Int?
  let rest: Int?

  init(
    name: String?, parameters: [Parameter], body: [TemplateStatement], scope: Int, caller: Int?, keywords: Int?,
    rest: Int?
  ) {
    self.name = name
    self.parameters = parameters
    self.body = body
    self.scope = scope
    self.caller = caller
    self.keywords = keywords
    self.rest = rest
  }
}
