import TesseraTensor

/// Reads single values of a configuration, with defaults, and refuses what cannot be used, naming file and key.
public struct ConfigurationReader {
  /// The configuration's file, for messages.
  public let file: String
  /// The values that are read; where a key is null it counts as absent.
  public var values: [String: JSONValue]

  public init(_ folder: ModelFolder) throws { self.init(file: folder.path + "/config.json", try folder.values()) }

  public init(file: String, _ values: [String: JSONValue]) { (self.file, self.values) = (file, values) }

  /// An error about a key.
  public func refuse(_ key: String, _ reason: String) -> CheckpointError { .configuration(file, key: key, reason) }

  /// The value of a key, unless it is null.
  public subscript(key: String) -> JSONValue? {
    guard let value = values[key], value != .null else { return nil }
    return value
  }

  /// A whole number of no more than 40 bits, or nil: sums of such numbers cannot overflow.
  public func integer(_ key: String) throws -> Int? {
    guard let value = self[key] else { return nil }
    guard let number = value.integer ?? value.number.flatMap({ Int(exactly: $0) }) else {
      throw refuse(key, "a whole number is expected, not \(value)")
    }
    guard number.magnitude <= 1 << 40 else { throw refuse(key, "\(number) is no number of a network") }
    return number
  }

  /// A size of a network: at least `minimum`, at most 2²⁴.
  public func size(_ key: String, default value: Int, minimum: Int = 1) throws -> Int {
    let size = try integer(key) ?? value
    guard (minimum...(1 << 24)).contains(size) else { throw refuse(key, "\(size) is not in \(minimum)...\(1 << 24)") }
    return size
  }

  /// A finite number.
  public func number(_ key: String, default value: Double) throws -> Double {
    guard let given = self[key] else { return value }
    guard let number = given.number, number.isFinite else { throw refuse(key, "a number is expected, not \(given)") }
    return number
  }

  /// What keeps a norm from dividing by zero: not negative.
  public func epsilon(_ key: String, default value: Double) throws -> Double {
    let epsilon = try number(key, default: value)
    guard epsilon >= 0 else { throw refuse(key, "\(epsilon) is negative") }
    return epsilon
  }

  /// true or false.
  public func flag(_ key: String, default value: Bool) throws -> Bool {
    guard let given = self[key] else { return value }
    guard let flag = given.bool else { throw refuse(key, "true or false is expected, not \(given)") }
    return flag
  }

  /// A text.
  public func text(_ key: String, default value: String) throws -> String {
    guard let given = self[key] else { return value }
    guard let text = given.string else { throw refuse(key, "a text is expected, not \(given)") }
    return text
  }

  /// One of some names.
  public func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, default value: Choice
  ) throws -> Choice where Choice.RawValue == String {
    guard self[key] != nil else { return value }
    let name = try text(key, default: "")
    guard let choice = Choice(rawValue: name) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw refuse(key, "'\(name)' is not known; there are: \(known)")
    }
    return choice
  }

  /// A height and a width: one number for both, or a list of two.
  public func pair(_ key: String, default value: Int) throws -> Size2D {
    guard let given = self[key] else { return Size2D(value, value) }
    let numbers = given.array?.map(\.integer) ?? [given.integer]
    guard numbers.count == 1 || numbers.count == 2, let height = numbers[0], let width = numbers[numbers.count - 1]
    else {
      throw refuse(key, "a whole number or two are expected, not \(given)")
    }
    for size in [height, width] where !(1...(1 << 20)).contains(size) {
      throw refuse(key, "\(size) is not in 1...\(1 << 20)")
    }
    return Size2D(height, width)
  }

  /// A width and the heads it is shared by.
  public func heads(_ key: String, default value: Int, of widthKey: String, _ width: Int) throws -> Int {
    let heads = try size(key, default: value)
    guard width % heads == 0 else { throw refuse(key, "\(widthKey), \(width), is no multiple of \(heads)") }
    return heads
  }

  /// The number of classes: `num_labels`, or as many as there are labels, or 2.
  public func labels() throws -> Int {
    if self["num_labels"] != nil { return try size("num_labels", default: 2, minimum: 0) }
    return self["id2label"]?.object?.count ?? 2
  }
}
