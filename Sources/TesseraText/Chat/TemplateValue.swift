/// A value of a running template, with the meaning that Python gives to it.
///
/// Lists, tuples and dicts never change once they are made: the sandbox of chat templates forbids it. So none of them can
/// contain itself, and each knows how deep it is, which bounds every recursion over values.
enum TemplateValue {
  /// The value of a name that has none; the text says what is missing.
  case undefined(TemplateMissing)
  case none
  case bool(Bool)
  case integer(Int64)
  case float(Double)
  case string(TemplateText)
  case list(TemplateSequence)
  case tuple(TemplateSequence)
  case dict(TemplateDict)
  case object(TemplateObject)

  init(_ text: String) { self = .string(TemplateText(text)) }

  init(_ literal: TemplateLiteral) {
    switch literal {
    case .none: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .float(let value): self = .float(value)
    case .string(let value): self = .string(value)
    }
  }

  static func list(_ items: [TemplateValue]) throws -> TemplateValue { .list(try TemplateSequence(items)) }
  static func tuple(_ items: [TemplateValue]) throws -> TemplateValue { .tuple(try TemplateSequence(items)) }
  static func undefined(_ message: String) -> TemplateValue { .undefined(TemplateMissing(message)) }

  /// A value of the context. Recursion is bounded by the depth that containers allow.
  init(_ json: JSON, level: Int = 0) throws {
    guard level <= TemplateSequence.maximumDepth else { throw TemplateSequence.tooDeep }
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .float(value)
    case .string(let value): self = .string(TemplateText(value))
    case .array(let items): self = try .list(items.map { try TemplateValue($0, level: level + 1) })
    case .object(let object): self = .dict(try TemplateDict(object, level: level + 1))
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }
  var isNone: Bool { if case .none = self { true } else { false } }
  var text: TemplateText? { if case .string(let text) = self { text } else { nil } }

  /// An integer or a truth value, which counts as one.
  var integer: Int64? {
    switch self {
    case .integer(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  var double: Double? {
    if case .float(let value) = self { return value }
    return integer.map { Double($0) }
  }

  /// How many containers stand inside each other, at most.
  var depth: Int {
    switch self {
    case .list(let value), .tuple(let value): value.depth
    case .dict(let value): value.depth
    case .object(let value): value.depth
    default: 0
    }
  }

  /// How many values and scalars there are in the value and everything inside it, counted as often as they are mentioned.
  var weight: Int {
    switch self {
    case .string(let text): text.count + 1
    case .list(let value), .tuple(let value): value.weight
    case .dict(let value): value.weight
    case .object(let value): value.weight
    default: 1
    }
  }

  /// The name of the type as Python spells it.
  var typeName: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .integer: "int"
    case .float: "float"
    case .string(let text): text.isMarkup ? "Markup" : "str"
    case .list: "list"
    case .tuple: "tuple"
    case .dict: "dict"
    case .object(let object): object.typeName
    }
  }

  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .float(let value): value != 0
    case .string(let value): !value.isEmpty
    case .list(let value), .tuple(let value): !value.items.isEmpty
    case .dict(let value): !value.entries.isEmpty
    case .object(let value): value.isTrue
    }
  }
}

/// What a template misses, for the message of a later error.
final class TemplateMissing {
  let message: String
  init(_ message: String) { self.message = message }
}

/// The elements of a list or a tuple.
final class TemplateSequence {
  /// Containers inside containers beyond this depth are refused.
  static let maximumDepth = 200
  static var tooDeep: TokenizerError {
    TokenizerError(.limitExceeded, "values nested deeper than \(maximumDepth) levels")
  }

  /// Values that would take more than this to print are refused: a small list that mentions another twice, and so on, doubles
  /// at every step.
  static let maximumWeight = 1 << 26
  /// Nothing prints as a longer text than this, apart from texts themselves.
  static let maximumPrinted = 1 << 22
  static var tooHeavy: TokenizerError {
    TokenizerError(.limitExceeded, "a value of more than \(maximumWeight) elements and characters")
  }

  let items: [TemplateValue]
  let depth: Int
  let weight: Int
  /// Names of the elements of a tuple, such as a group's `grouper` and `list`.
  let names: [String]

  init(_ items: [TemplateValue], names: [String] = []) throws {
    self.items = items
    self.names = names
    var deepest = 0
    var total = 1
    for item in items {
      deepest = max(deepest, item.depth)
      total += item.weight
      if total > Self.maximumWeight { throw Self.tooHeavy }
    }
    depth = deepest + 1
    weight = total
    if depth > Self.maximumDepth { throw Self.tooDeep }
  }
}

/// What a dict is looked up by: numbers that are equal are one key, whatever their type.
enum TemplateKey: Hashable {
  case undefined
  case none
  case integer(Int64)
  case float(Double)
  case string(TemplateText)
  case tuple([TemplateKey])
  case object(ObjectIdentifier)

  /// - Throws: when the value is mutable in Python and so cannot be a key.
  init(_ value: TemplateValue) throws {
    switch value {
    case .undefined: self = .undefined
    case .none: self = .none
    case .bool(let flag): self = .integer(flag ? 1 : 0)
    case .integer(let number): self = .integer(number)
    case .float(let number): self = Int64(exactly: number).map { .integer($0) } ?? .float(number)
    case .string(let text): self = .string(text)
    case .tuple(let sequence): self = .tuple(try sequence.items.map { try TemplateKey($0) })
    case .object(let object) where object.isHashable: self = .object(ObjectIdentifier(object))
    case .list, .dict, .object: throw TemplateFault.type("a value of type '\(value.typeName)' cannot be a key")
    }
  }
}

/// The members of a dict in the order in which their keys came.
final class TemplateDict {
  private(set) var entries: [(key: TemplateValue, value: TemplateValue)] = []
  private(set) var depth = 1
  private(set) var weight = 1
  private var index: [TemplateKey: Int] = [:]

  init() {}

  init(_ entries: [(key: TemplateValue, value: TemplateValue)]) throws {
    for entry in entries { try set(entry.key, entry.value) }
  }

  init(_ object: JSONObject, level: Int) throws {
    for (key, value) in object { try set(TemplateValue(key), try TemplateValue(value, level: level)) }
  }

  /// Adds a member or gives it another value; only used while the dict is made.
  func set(_ key: TemplateValue, _ value: TemplateValue) throws {
    depth = max(depth, value.depth + 1, key.depth + 1)
    if depth > TemplateSequence.maximumDepth { throw TemplateSequence.tooDeep }
    weight += key.weight + value.weight
    if weight > TemplateSequence.maximumWeight { throw TemplateSequence.tooHeavy }
    try replace(key, value)
  }

  /// Sets a member of a namespace, which counts as one value however much it holds.
  func replace(_ key: TemplateValue, _ value: TemplateValue) throws {
    let hashed = try TemplateKey(key)
    if let place = index[hashed] {
      entries[place].value = value
    } else {
      index[hashed] = entries.count
      entries.append((key, value))
    }
  }

  subscript(key: TemplateKey) -> TemplateValue? { index[key].map { entries[$0].value } }
  subscript(text: TemplateText) -> TemplateValue? { self[.string(text)] }

  func removeAll() {
    entries.removeAll()
    index.removeAll()
  }
}

/// The errors of evaluation; the evaluator adds the place.
enum TemplateFault {
  static func type(_ message: String) -> TokenizerError { TokenizerError(.invalidRequest, message) }
  static func undefined(_ missing: TemplateMissing) -> TokenizerError {
    TokenizerError(.invalidRequest, missing.message)
  }
  static var integerOverflow: TokenizerError {
    TokenizerError(.limitExceeded, "the result does not fit into an integer of 64 bits")
  }
  static func unsupported(_ message: String) -> TokenizerError { TokenizerError(.unsupported, message) }
}

/// Values in order, asked for one at a time.
final class TemplateIterator {
  private let step: () throws -> TemplateValue?
  init(_ step: @escaping () throws -> TemplateValue?) { self.step = step }

  convenience init(_ items: [TemplateValue]) {
    var index = 0
    self.init {
      guard index < items.count else { return nil }
      index += 1
      return items[index - 1]
    }
  }

  func next() throws -> TemplateValue? { try step() }
}

extension TemplateValue {
  /// An iterator over the value's elements, or nil when it has none.
  func iterator() throws -> TemplateIterator? {
    switch self {
    case .undefined: return TemplateIterator([])
    case .list(let value), .tuple(let value): return TemplateIterator(value.items)
    case .dict(let value): return TemplateIterator(value.entries.map(\.key))
    case .string(let text):
      var index = 0
      return TemplateIterator {
        guard index < text.count else { return nil }
        index += 1
        return .string(TemplateText(CollectionOfOne(text.scalars[index - 1])))
      }
    case .object(let object): return try object.iterator()
    default: return nil
    }
  }

  /// The number of elements, when the value knows it without being iterated over.
  var length: Int? {
    switch self {
    case .undefined: 0
    case .list(let value), .tuple(let value): value.items.count
    case .dict(let value): value.entries.count
    case .string(let text): text.count
    case .object(let object): object.length
    default: nil
    }
  }
}
