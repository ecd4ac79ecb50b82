/// A JSON value that keeps the order of keys and the difference between integers and other numbers.
///
/// Used where a document is small or has to be kept as it is: unknown keys of a tokenizer file, the context of a chat template.
/// Large files are read through ``JSONDocument``, which builds no values.
public enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  /// The value of a key, when this is an object that has it.
  public subscript(key: String) -> JSON? {
    if case .object(let object) = self { return object[key] }
    return nil
  }

  /// The text, when this is a string.
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  /// The truth value, when this is one.
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The number, when this is an integer.
  public var integerValue: Int? { if case .integer(let value) = self { Int(value) } else { nil } }
  /// The number, when this is one of either kind.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
  /// The elements, when this is an array.
  public var arrayValue: [JSON]? { if case .array(let value) = self { value } else { nil } }
  /// The members, when this is an object.
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }
  /// Whether this is `null`.
  public var isNull: Bool { self == .null }

  /// What kind of value this is, in the words of an error message.
  public var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// The members of a JSON object in the order of the file; a repeated key keeps its first place and its last value.
public struct JSONObject: Hashable, Sendable, ExpressibleByDictionaryLiteral, Sequence {
  /// The keys in order.
  public private(set) var keys: [String] = []
  private var values: [ExactKey: JSON] = [:]

  /// A key compared scalar by scalar. Swift's own comparison takes "é" and "e" + U+0301 as equal, but these are two tokens.
  private struct ExactKey: Hashable, Sendable {
    let text: String

    init(_ text: String) { self.text = text }

    static func == (left: ExactKey, right: ExactKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    func hash(into hasher: inout Hasher) {
      for byte in text.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8(0xFF))
    }
  }

  /// Makes an object without members.
  public init() {}

  /// Makes an object from members in order.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    for (key, value) in elements { self[key] = value }
  }

  /// The number of members.
  public var count: Int { keys.count }
  /// Whether there are no members.
  public var isEmpty: Bool { keys.isEmpty }

  /// The value of a key; setting `nil` removes the member. O(1), removal O(n).
  public subscript(key: String) -> JSON? {
    get { values[ExactKey(key)] }
    set {
      if let newValue {
        if values.updateValue(newValue, forKey: ExactKey(key)) == nil { keys.append(key) }
      } else if values.removeValue(forKey: ExactKey(key)) != nil {
        keys.removeAll { ExactKey($0) == ExactKey(key) }
      }
    }
  }

  /// Iterates over the members in order.
  public func makeIterator() -> AnyIterator<(key: String, value: JSON)> {
    var index = 0
    return AnyIterator {
      guard index < keys.count else { return nil }
      defer { index += 1 }
      let key = keys[index]
      return (key, values[ExactKey(key)] ?? .null)
    }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An array.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
  /// `null`.
  public init(nilLiteral: ()) { self = .null }
}
