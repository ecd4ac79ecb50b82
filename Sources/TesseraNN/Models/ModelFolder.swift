import Foundation
import TesseraTensor

/// A folder as model hubs have them: `config.json` and tensors in safetensors.
public struct ModelFolder: Sendable {
  /// The path of the file or folder.
  public let path: String
  private let configuration: Data
  private let seed: UInt64?

  /// - Throws: `CheckpointError` if there is no `config.json` that holds an object.
  public init(_ path: String) throws {
    (self.path, seed) = (path, nil)
    let file = path + "/config.json"
    do {
      configuration = try Data(contentsOf: URL(fileURLWithPath: file))
      _ = try JSONDecoder().decode([String: JSONValue].self, from: configuration)
    } catch let error as DecodingError {
      throw CheckpointError.malformed(file, describe(error))
    } catch {
      throw CheckpointError.unreadable(file, "it cannot be read")
    }
  }

  /// A folder that has a `config.json` alone: its model is drawn from a seed, to be trained.
  ///
  ///     let folder = try ModelFolder(untrained: "Models/new", seed: 1)
  ///     let model = try LlamaModel(folder: folder, options: LoadOptions(trained: true))
  /// - Throws: `CheckpointError` if there is no `config.json` that holds an object.
  public init(untrained path: String, seed: UInt64) throws {
    let folder = try ModelFolder(path)
    (self.path, configuration, self.seed) = (path, folder.configuration, seed)
  }

  /// The configuration in a type of its own; keys that the type does not know are left alone.
  /// - Throws: `CheckpointError.configuration` naming the key.
  public func configuration<Configuration: Decodable>(_ type: Configuration.Type = Configuration.self) throws
    -> Configuration
  {
    do {
      return try JSONDecoder().decode(type, from: configuration)
    } catch let error as ConfigurationError {
      throw CheckpointError.configuration(path + "/config.json", key: error.key, error.reason)
    } catch {
      throw CheckpointError.malformed(path + "/config.json", describe(error))
    }
  }

  /// The configuration as it stands in the file.
  public func values() throws -> [String: JSONValue] { try configuration() }

  /// Another JSON file of the folder, or nil if there is none.
  /// - Throws: `CheckpointError` if it is there and cannot be read as the type.
  public func optional<Value: Decodable>(_ name: String, _ type: Value.Type = Value.self) throws -> Value? {
    let file = path + "/" + name
    guard FileManager.default.fileExists(atPath: file) else { return nil }
    do {
      return try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: file)))
    } catch let error as DecodingError {
      throw CheckpointError.malformed(file, describe(error))
    } catch {
      throw CheckpointError.unreadable(file, "it cannot be read")
    }
  }

  /// The tensors of the folder.
  public func checkpoint() throws -> Checkpoint {
    try seed.map(Checkpoint.init(drawnFrom:)) ?? Checkpoint(folder: path)
  }
}

/// A value of a configuration that cannot be used.
public struct ConfigurationError: Error {
  /// The key of the configuration.
  public let key: String
  /// What is wrong.
  public let reason: String

  /// Makes it from its parts.
  public init(_ key: String, _ reason: String) { (self.key, self.reason) = (key, reason) }

  /// Checks sizes of a network before anything is allocated: each within 1...limit.
  public static func demandSizes(_ sizes: KeyValuePairs<String, Int>, limit: Int = 1 << 24) throws {
    for (key, size) in sizes where !(1...limit).contains(size) {
      throw ConfigurationError(key, "\(size) is not in 1...\(limit)")
    }
  }

  /// Checks that one size is a multiple of another.
  public static func demandMultiple(_ key: String, _ size: Int, of other: String, _ divisor: Int) throws {
    guard divisor > 0, size % divisor == 0 else {
      throw ConfigurationError(key, "\(size) is no multiple of \(other), \(divisor)")
    }
  }
}

/// Any value of JSON.
public enum JSONValue: Codable, Sendable, Equatable {
  case null, bool(Bool), integer(Int), number(Double), string(String), array([JSONValue]), object([String: JSONValue])

  /// Reads the value from JSON.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Writes the value as JSON.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// The text, if it is one.
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  /// The truth value, if it is one.
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The whole number, if it is one.
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The elements, if it is an array.
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The members, if it is an object.
  public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }
  /// The number, if it is one.
  public var number: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
}
