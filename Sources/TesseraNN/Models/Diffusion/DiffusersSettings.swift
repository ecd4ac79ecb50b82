import TesseraTensor

/// The settings of a configuration of diffusers, by the library's names, with its defaults for those that are absent.
struct DiffusersSettings {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  private let container: KeyedDecodingContainer<Key>

  init(_ decoder: any Decoder) throws { container = try decoder.container(keyedBy: Key.self) }

  func contains(_ key: String) -> Bool { container.contains(Key(key)) }

  /// A setting; its default where it is absent or null.
  func value<Value: Decodable>(_ key: String, _ value: Value) throws -> Value { try nullable(key, nil) ?? value }

  /// A setting that may be null, which is not the same as absent.
  func nullable<Value: Decodable>(_ key: String, _ value: Value?) throws -> Value? {
    guard contains(key) else { return value }
    do {
      return try container.decodeIfPresent(Value.self, forKey: Key(key))
    } catch is DecodingError {
      throw ConfigurationError(key, "\(Value.self) is expected")
    }
  }

  /// A setting that must be one of an enumeration's names.
  func name<Name: RawRepresentable & CaseIterable>(_ key: String, _ value: Name) throws -> Name
  where Name.RawValue == String {
    guard let text: String = try nullable(key, nil) else { return value }
    guard let name = Name(rawValue: text) else {
      throw ConfigurationError(key, "'\(text)' is not one of \(Name.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return name
  }

  /// Writes settings as an object.
  static func encode(_ settings: [String: JSONValue], to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for (key, value) in settings { try container.encode(value, forKey: Key(key)) }
  }
}

extension JSONValue {
  /// A number, or null.
  static func optional(_ number: Int?) -> JSONValue { number.map { .integer($0) } ?? .null }
  /// A number, or null.
  static func optional(_ number: Double?) -> JSONValue { number.map { .number($0) } ?? .null }
  /// A text, or null.
  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}

/// What all models that turn one latent picture into another check and do.
enum LatentPicture {
  /// The grid of patches of a latent picture.
  /// - Throws: `TensorError.invalid` naming the argument
  static func grid(of latents: Tensor, channels: Int, patch: Int, _ name: String = "hidden_states") throws -> (
    rows: Int, columns: Int
  ) {
    guard latents.rank == 4, latents.size(1) == channels, latents.dataType.isFloatingPoint else {
      throw TensorError.invalid(
        name, "\(latents.summary), and a picture [batch, \(channels), height, width] is expected")
    }
    let (height, width) = (latents.size(2), latents.size(3))
    guard height > 0, width > 0, height % patch == 0, width % patch == 0 else {
      throw TensorError.invalid(name, "\(height) x \(width) is not cut evenly into patches of \(patch)")
    }
    return (height / patch, width / patch)
  }

  /// Refuses pictures with numbers that are none.
  static func demandFinite(_ latents: Tensor, _ name: String) throws {
    let finite = try latents.count == 0 || latents.isFinite().to(.uint8).minimum().integer() == 1
    guard finite else {
      throw TensorError.invalid(name, "there are infinite numbers or NaN in it")
    }
  }

  /// One number for each picture of a batch: as given, or one for all.
  static func perPicture(_ numbers: Tensor, batch: Int, _ name: String) throws -> Tensor {
    let flat = numbers.rank == 0 ? try numbers.reshaped([1]) : numbers
    guard flat.rank == 1, flat.count == batch || flat.count == 1, flat.dataType != .bool else {
      throw TensorError.invalid(name, "\(numbers.summary), and [\(batch)] is expected")
    }
    return flat.count == batch ? flat : try flat.expanded([batch])
  }
}

/// A convolution that makes a token of every patch of a latent picture.
final class LatentPatches: Module {
  private let projection: Convolution

  init(_ channels: Int, _ width: Int, patch: Int, name: String = "proj", _ scope: Scope) throws {
    let connections = channels * patch * patch
    projection = try Convolution(
      channels, width, kernel: [patch, patch], stride: [patch, patch], scope / name,
      initialization: .uniform((6 / Double(connections + width)).squareRoot()))
    super.init(scope)
  }

  /// - Returns: `[batch, rows · columns, width]`, row by row
  func callAsFunction(_ latents: Tensor) throws -> Tensor {
    try projection(latents.to(projection.weight.value.dataType)).flattened(2).transposed(1, 2)
  }
}

extension Checkpoint {
  /// The tensors whose keys begin with the prefix under which a key is found, without that prefix: files of trainings hold several
  /// copies of a model (`ema.`, `model.`) or wrap it.
  func unwrapped(around keys: String...) -> Checkpoint {
    for prefix in ["", "ema.", "model.", "state_dict.", "module.", "transformer.", "model.diffusion_model."] {
      guard keys.contains(where: { contains(prefix + $0) }) else { continue }
      return prefix.isEmpty ? self : renamed { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : nil }
    }
    return self
  }
}
