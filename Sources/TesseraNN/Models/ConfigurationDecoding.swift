import TesseraTensor

extension KeyedDecodingContainer {
  /// The value of a key, or a default where the key is absent or null.
  func setting<Value: Decodable>(_ key: Key, default value: Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? value
  }
}

extension ConfigurationError {
  /// Checks counts that may be zero: layers, labels.
  static func demandCounts(_ counts: KeyValuePairs<String, Int>, limit: Int = 4096) throws {
    for (key, count) in counts where !(0...limit).contains(count) {
      throw ConfigurationError(key, "\(count) is not in 0...\(limit)")
    }
  }

  /// Checks the epsilon of a norm.
  static func demandEpsilon(_ key: String, _ epsilon: Double) throws {
    guard epsilon.isFinite, epsilon >= 0 else {
      throw ConfigurationError(key, "\(epsilon) is no small positive number")
    }
  }
}
