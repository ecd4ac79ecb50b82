/// A value with an identity: functions, macros, namespaces, loops and whatever else is not plain data.
class TemplateObject {
  var typeName: String { "object" }
  var isTrue: Bool { length.map { $0 > 0 } ?? true }
  var isHashable: Bool { true }
  var isCallable: Bool { false }
  var depth: Int { 1 }
  var weight: Int { 1 }
  var length: Int? { nil }
  /// Whether elements are found by position.
  var isSequence: Bool { false }
  func representation(_ level: Int) throws -> String { "<\(typeName)>" }
  func attribute(_ name: String) throws -> TemplateValue? { nil }
  func item(at index: Int) -> TemplateValue? { nil }
  func iterator() throws -> TemplateIterator? { nil }
  func call(_ arguments: TemplateCall, _ evaluator: TemplateEvaluator) throws -> TemplateValue {
    throw TemplateFault.type("a value of type '\(typeName)' cannot be called")
  }
}

/// The arguments of a call, evaluated.
struct TemplateCall {
  var positional: [TemplateValue] = []
  var keywords: [(name: String, value: TemplateValue)] = []

  /// The values of the parameters in order, by position or by name.
  ///
  /// - Throws: when there are too many arguments, unknown names, or less than `required`.
  func bound(_ function: String, _ names: [String], required: Int = 0) throws -> [TemplateValue?] {
    guard positional.count <= names.count else {
      throw TemplateFault.type("\(function) takes at most \(names.count) arguments, \(positional.count) are given")
    }
    var values = positional.map { Optional($0) } + Array(repeating: nil, count: names.count - positional.count)
    for (name, value) in keywords {
      guard let index = names.firstIndex(of: name), values[index] == nil else {
        throw TemplateFault.type("\(function) does not take the argument '\(name)', or takes it once only")
      }
      values[index] = value
    }
    for index in 0..<required where values[index] == nil {
      throw TemplateFault.type("\(function) needs the argument '\(names[index])'")
    }
    return values
  }
}

/// A function or a bound method.
final class TemplateFunction: TemplateObject {
  typealias Body = (TemplateCall, TemplateEvaluator) throws -> TemplateValue
  let name: String
  private let body: Body
  private let boundDepth: Int

  init(_ name: String, boundDepth: Int = 0, _ body: @escaping Body) throws {
    self.name = name
    self.body = body
    self.boundDepth = boundDepth
    if boundDepth >= TemplateSequence.maximumDepth { throw TemplateSequence.tooDeep }
  }

  override var typeName: String { "function" }
  override var isCallable: Bool { true }
  override var depth: Int { boundDepth + 1 }
  override func representation(_ level: Int) -> String { "<function \(name)>" }
  override func call(_ arguments: TemplateCall, _ evaluator: TemplateEvaluator) throws -> TemplateValue {
    try body(arguments, evaluator)
  }
}

/// An object whose attributes a template may set.
final class TemplateNamespace: TemplateObject {
  let members: TemplateDict
  init(_ members: TemplateDict) { self.members = members }

  override var typeName: String { "Namespace" }
  override func representation(_ level: Int) throws -> String {
    // Namespaces have no weight, so a few of them can stand for a text of any length.
    if level > 16 { throw TemplateSequence.tooDeep }
    return "<Namespace \(try TemplateValue.dict(members).representation(level + 1).string)>"
  }
  override func attribute(_ name: String) -> TemplateValue? { members[TemplateText(name)] }
}

/// Values that are made when they are asked for, once only.
final class TemplateGenerator: TemplateObject {
  private let source: TemplateIterator
  private let level: Int

  /// - Parameter depth: the depth of the values that the generator keeps.
  init(depth: Int, _ source: TemplateIterator) throws {
    self.source = source
    level = depth + 1
    if level > TemplateSequence.maximumDepth { throw TemplateSequence.tooDeep }
  }

  override var typeName: String { "generator" }
  override var isTrue: Bool { true }
  override var depth: Int { level }
  override func representation(_ level: Int) -> String { "<generator object>" }
  override func iterator() -> TemplateIterator { source }
}

/// The integers of a range.
final class TemplateRange: TemplateObject {
  /// The sandbox allows no longer ranges.
  static let maximumCount = 100_000
  let start: Int64
  let stop: Int64
  let step: Int64
  let count: Int

  init(start: Int64, stop: Int64, step: Int64) throws {
    guard step != 0 else { throw TemplateFault.type("the step of a range must not be zero") }
    self.start = start
    self.stop = stop
    self.step = step
    let (distance, overflow) =
      step > 0 ? stop.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(stop)
    let width = step.magnitude
    guard !overflow, distance <= 0 || (UInt64(distance) + (width - 1)) / width <= UInt64(Self.maximumCount) else {
      throw TokenizerError(.limitExceeded, "a range of more than \(Self.maximumCount) elements")
    }
    count = distance <= 0 ? 0 : Int((UInt64(distance) + (width - 1)) / width)
  }

  override var typeName: String { "range" }
  override var length: Int? { count }
  override var isSequence: Bool { true }
  override func representation(_ level: Int) -> String {
    step == 1 ? "range(\(start), \(stop))" : "range(\(start), \(stop), \(step))"
  }
  override func item(at index: Int) -> TemplateValue? {
    index >= 0 && index < count ? .integer(start + Int64(index) * step) : nil
  }
  override func iterator() -> TemplateIterator {
    var index = 0
    return TemplateIterator { [self] in
      guard let value = item(at: index) else { return nil }
      index += 1
      return value
    }
  }
  override func attribute(_ name: String) throws -> TemplateValue? {
    switch name {
    case "start": .integer(start)
    case "stop": .integer(stop)
    case "step": .integer(step)
    default: nil
    }
  }
}

/// The keys, values or members of a dict.
final class TemplateDictView: TemplateObject {
  enum Part: String { case keys, values, items }
  let dict: TemplateDict
  let part: Part
  let elements: [TemplateValue]

  init(_ dict: TemplateDict, _ part: Part) throws {
    self.dict = dict
    self.part = part
    switch part {
    case .keys: elements = dict.entries.map(\.key)
    case .values: elements = dict.entries.map(\.value)
    case .items: elements = try dict.entries.map { try .tuple([$0.key, $0.value]) }
    }
  }

  override var typeName: String { "dict_\(part.rawValue)" }
  override var length: Int? { elements.count }
  override var isHashable: Bool { part == .values }
  override var depth: Int { dict.depth + 1 }
  override var weight: Int { dict.weight }
  override func representation(_ level: Int) throws -> String {
    "\(typeName)(\(try TemplateValue.list(elements).representation(level + 1).string))"
  }
  override func iterator() -> TemplateIterator { TemplateIterator(elements) }
}

/// Gives its separator at every call but the first.
final class TemplateJoiner: TemplateObject {
  private let separator: TemplateValue
  private var isUsed = false
  private let level: Int

  init(_ separator: TemplateValue) throws {
    self.separator = separator
    level = separator.depth + 1
    if level > TemplateSequence.maximumDepth { throw TemplateSequence.tooDeep }
  }

  override var typeName: String { "Joiner" }
  override var isCallable: Bool { true }
  override var depth: Int { level }
  override func attribute(_ name: String) -> TemplateValue? {
    name == "sep" ? separator : name == "used" ? .bool(isUsed) : nil
  }
  override func call(_ arguments: TemplateCall, _ evaluator: TemplateEvaluator) throws -> TemplateValue {
    _ = try arguments.bound("a joiner", [])
    defer { isUsed = true }
    return isUsed ? separator : TemplateValue("")
  }
}

/// Gives its values in turn.
final class TemplateCycler: TemplateObject {
  private let items: TemplateSequence
  private var index = 0

  init(_ items: TemplateSequence) throws {
    guard !items.items.isEmpty else { throw TemplateFault.type("a cycler needs at least one value") }
    self.items = items
  }

  override var typeName: String { "Cycler" }
  override var depth: Int { items.depth + 1 }
  override func attribute(_ name: String) throws -> TemplateValue? {
    switch name {
    case "current": return items.items[index]
    case "pos": return .integer(Int64(index))
    case "items": return .tuple(items)
    case "next":
      return .object(
        try TemplateFunction("next", boundDepth: depth) { [self] _, _ in
          defer { index = (index + 1) % items.items.count }
          return items.items[index]
        })
    case "reset":
      return .object(
        try TemplateFunction("reset", boundDepth: depth) { [self] _, _ in
          index = 0
          return .none
        })
    default: return nil
    }
  }
}
