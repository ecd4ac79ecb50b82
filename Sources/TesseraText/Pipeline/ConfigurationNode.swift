/// A JSON object that describes a part of a tokenizer, with its path for error messages.
struct ConfigurationNode {
  let json: JSON
  let path: String

  init(_ json: JSON, path: String) {
    self.json = json
    self.path = path
  }

  var type: String? { json["type"]?.stringValue }

  func has(_ key: String) -> Bool { json[key] != nil }

  /// A member that must be there, whatever its kind.
  func child(_ key: String) throws -> ConfigurationNode {
    guard let value = json[key] else {
      throw TokenizerError(.malformed, "the key '\(key)' is missing", at: .key(path))
    }
    return ConfigurationNode(value, path: "\(path).\(key)")
  }

  func bool(_ key: String, default fallback: Bool? = nil) throws -> Bool {
    try read(key, fallback, "true or false") { $0.boolValue }
  }

  func string(_ key: String, default fallback: String? = nil) throws -> String {
    try read(key, fallback, "a string") { $0.stringValue }
  }

  /// A count or an index: an integer that is not negative.
  func count(_ key: String, default fallback: Int? = nil) throws -> Int {
    try read(key, fallback, "an integer that is not negative") { $0.integerValue.flatMap { $0 >= 0 ? $0 : nil } }
  }

  func id(_ key: String, default fallback: UInt32? = nil) throws -> UInt32 {
    try read(key, fallback, "an id from 0 to 4294967295") { $0.integerValue.flatMap { UInt32(exactly: $0) } }
  }

  /// A string of exactly one scalar.
  func scalar(_ key: String, default fallback: Unicode.Scalar? = nil) throws -> Unicode.Scalar {
    try read(key, fallback, "a string of one character") { value in
      guard let scalars = value.stringValue?.unicodeScalars, scalars.count == 1 else { return nil }
      return scalars.first
    }
  }

  /// One of a few words.
  func word<Value: RawRepresentable<String> & CaseIterable>(_ key: String, default fallback: Value? = nil) throws
    -> Value
  {
    let choices = Value.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    return try read(key, fallback, "one of \(choices)") { $0.stringValue.flatMap(Value.init(rawValue:)) }
  }

  func elements(_ key: String) throws -> [ConfigurationNode] { try child(key).elements() }

  func elements() throws -> [ConfigurationNode] {
    guard let values = json.arrayValue else { throw unexpected("an array") }
    return values.enumerated().map { ConfigurationNode($1, path: "\(path)[\($0)]") }
  }

  func unexpected(_ expected: String) -> TokenizerError {
    TokenizerError(.malformed, "expected \(expected), found \(json.kindName)", at: .key(path))
  }

  private func read<Value>(_ key: String, _ fallback: Value?, _ expected: String, _ convert: (JSON) -> Value?) throws
    -> Value
  {
    guard let value = json[key] else {
      if let fallback { return fallback }
      throw TokenizerError(.malformed, "the key '\(key)' is missing; expected \(expected)", at: .key(path))
    }
    guard let converted = convert(value) else {
      throw ConfigurationNode(value, path: "\(path).\(key)").unexpected(expected)
    }
    return converted
  }

  /// The pattern of a `Split` or `Replace`: `{"String": ...}` or `{"Regex": ...}`.
  func pattern(_ key: String) throws -> SplitPattern {
    let node = try child(key)
    if let literal = node.json["String"]?.stringValue { return try .literal(literal) }
    guard let regex = node.json["Regex"]?.stringValue else {
      throw node.unexpected("an object with 'String' or 'Regex'")
    }
    do {
      return try SplitPattern(regex, dialect: .oniguruma)
    } catch {
      throw TokenizerError(error.kind, "\(error.message) in the pattern", at: .key("\(node.path).Regex"))
    }
  }
}
