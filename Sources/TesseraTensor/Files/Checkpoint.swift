import Foundation

/// The tensors of a model, from one file or several, under the names a model asks for.
///
///     let checkpoint = try Checkpoint(folder: "gpt2").renamed { $0.hasPrefix("transformer.") ? String($0.dropFirst(12)) : $0 }
public struct Checkpoint: Sendable {
  /// Where the tensors come from, for messages.
  public let path: String
  private var sources: [String: Source]
  /// Where a store draws parameters from instead of reading them; nil for tensors that are there.
  public private(set) var seed: UInt64?

  private struct Source: Sendable {
    let shape: [Int]
    let tensor: @Sendable () throws -> Tensor
  }

  /// No tensors yet.
  public init(path: String = "memory") { (self.path, sources) = (path, [:]) }

  /// No tensors, but a seed: a store over it draws every parameter that is asked for.
  public init(drawnFrom seed: UInt64) {
    self.init(path: "seed \(seed)")
    self.seed = seed
  }

  /// The tensors of one safetensors file.
  public init(file path: String) throws {
    self.init(path: path)
    try add(SafeTensors(path: path), only: nil)
  }

  /// The tensors of a folder: `model.safetensors` or `diffusion_pytorch_model.safetensors`, whole or in shards with an index.
  /// - Throws: `CheckpointError` if there are none, or if an index and its shards do not agree.
  public init(folder: String) throws {
    let manager = FileManager.default
    for stem in ["model", "diffusion_pytorch_model", "pytorch_model"] {
      let whole = "\(folder)/\(stem).safetensors"
      if manager.fileExists(atPath: whole) {
        try self.init(file: whole)
        return
      }
      let index = whole + ".index.json"
      if manager.fileExists(atPath: index) {
        try self.init(index: index, folder: folder)
        return
      }
    }
    throw CheckpointError.unreadable(
      folder, "there is no model.safetensors, diffusion_pytorch_model.safetensors, or index of shards")
  }

  private init(index: String, folder: String) throws {
    struct Index: Decodable {
      let weightMap: [String: String]
      enum CodingKeys: String, CodingKey { case weightMap = "weight_map" }
    }
    self.init(path: index)
    let map: [String: String]
    do {
      map = try JSONDecoder().decode(Index.self, from: Data(contentsOf: URL(fileURLWithPath: index))).weightMap
    } catch {
      throw CheckpointError.malformed(index, "it is no index of shards: \(describe(error))")
    }
    for (shard, keys) in Dictionary(grouping: map.keys, by: { map[$0] ?? "" }) {
      guard !shard.contains("/"), !shard.hasPrefix("."), shard.hasSuffix(".safetensors") else {
        throw CheckpointError.malformed(index, "'\(shard)' is no name of a shard beside it")
      }
      try add(SafeTensors(path: "\(folder)/\(shard)"), only: keys)
    }
  }

  private mutating func add(_ file: SafeTensors, only keys: [String]?) throws {
    for key in keys ?? Array(file.entries.keys) {
      guard let entry = file.entries[key] else { throw CheckpointError.missing(file.path, key: key, expected: []) }
      sources[key] = Source(shape: entry.shape) { try file.tensor(key) }
    }
  }

  /// The names of the tensors.
  public var keys: Set<String> { Set(sources.keys) }

  /// True if there is a tensor of this name.
  public func contains(_ key: String) -> Bool { sources[key] != nil }

  /// The shape of a tensor, or nil.
  public func shape(_ key: String) -> [Int]? { sources[key]?.shape }

  /// A tensor as it lies in its file.
  /// - Parameter shape: what is expected; nil takes any
  /// - Throws: `CheckpointError.missing` or `.wrongShape`
  public func tensor(_ key: String, _ shape: [Int]? = nil) throws -> Tensor {
    guard let source = sources[key] else { throw CheckpointError.missing(path, key: key, expected: shape ?? []) }
    if let shape, shape != source.shape {
      throw CheckpointError.wrongShape(path, key: key, expected: shape, found: source.shape)
    }
    return try source.tensor()
  }

  /// The same tensors under other names; nil leaves one out.
  public func renamed(_ name: (String) -> String?) -> Checkpoint {
    var result = self
    result.sources = [:]
    // In a fixed order, so that two keys that become one give the same result every time.
    for key in sources.keys.sorted() { if let name = name(key) { result.sources[name] = sources[key] } }
    return result
  }

  /// With one more tensor, or another in the place of one, computed when it is asked for.
  public func adding(_ key: String, _ shape: [Int], _ tensor: @escaping @Sendable () throws -> Tensor) -> Checkpoint {
    var result = self
    result.sources[key] = Source(shape: shape, tensor: tensor)
    return result
  }

  /// Without a tensor.
  public func removing(_ key: String) -> Checkpoint {
    var result = self
    result.sources[key] = nil
    return result
  }
}
