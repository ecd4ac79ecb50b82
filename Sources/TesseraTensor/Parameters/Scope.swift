/// All parameters of a model, by path, and where new ones come from: a checkpoint or a random stream.
public final class ParameterStore {
  /// The parameters in the order in which they were asked for.
  public private(set) var parameters: [Parameter] = []
  private var byPath: [String: Parameter] = [:]
  private let checkpoint: Checkpoint?
  private let stream: RandomStream
  private let trained: Bool

  /// The type of floating-point parameters.
  public let dataType: DataType
  /// Where parameters lie.
  public let device: Device

  /// Parameters drawn at random. The draw depends on the seed and on the path, not on the order.
  public init(seed: UInt64, trained: Bool = true, _ dataType: DataType = .float32, device: Device = .cpu) {
    (checkpoint, stream, self.trained) = (nil, RandomStream(seed: seed), trained)
    (self.dataType, self.device) = (dataType, device)
  }

  /// Parameters read from a checkpoint, or drawn if it is one that has only a seed.
  /// - Parameter trained: true if gradients are wanted; reading alone is lighter
  public init(_ checkpoint: Checkpoint, trained: Bool = false, _ dataType: DataType = .float32, device: Device = .cpu) {
    self.checkpoint = checkpoint.seed == nil ? checkpoint : nil
    (stream, self.trained) = (RandomStream(seed: checkpoint.seed ?? 0), trained)
    (self.dataType, self.device) = (dataType, device)
  }

  /// The scope with the empty path.
  public var root: Scope { Scope(store: self, path: "") }

  /// The parameter with a path, or nil.
  public subscript(path: String) -> Parameter? { byPath[path] }

  /// Keys of the checkpoint that no module asked for, in order.
  public var unusedKeys: [String] {
    (checkpoint?.keys ?? []).filter { byPath[$0] == nil }.sorted()
  }

  /// The number of elements of all parameters.
  public var count: Int { parameters.reduce(0) { $0 + $1.value.count } }

  /// The values by path, as a checkpoint has them.
  public var tensors: [String: Tensor] { byPath.mapValues(\.value) }

  /// Writes all parameters to a safetensors file.
  public func write(to path: String, metadata: [String: String] = [:]) throws {
    try SafeTensors.write(tensors, metadata: metadata, to: path)
  }

  /// Replaces the values of all parameters by those of a checkpoint.
  /// - Throws: `CheckpointError.missing` or `.wrongShape`; then nothing has changed.
  public func load(_ checkpoint: Checkpoint) throws {
    let values = try parameters.map { try checkpoint.tensor($0.path, $0.value.shape) }
    for (parameter, value) in zip(parameters, values) { try parameter.assign(value.copy()) }
  }

  func contains(_ path: String) -> Bool { checkpoint?.contains(path) ?? true }
  func shape(_ path: String) -> [Int]? { checkpoint?.shape(path) }
  var isRandom: Bool { checkpoint == nil }

  func parameter(_ path: String, _ shape: [Int], _ initialization: Initialization, trained: Bool) throws -> Parameter {
    if let known = byPath[path] {
      guard known.value.shape == shape else {
        throw CheckpointError.wrongShape(
          checkpoint?.path ?? "model", key: path, expected: shape, found: known.value.shape)
      }
      return known
    }
    _ = try Tensor.elements(of: shape, path)
    var value: Tensor
    if let checkpoint {
      value = try checkpoint.tensor(path, shape)
      if value.dataType.isFloatingPoint { value = try value.to(dataType) }
      value = try value.to(device)
    } else {
      var own = stream.named(path)
      value = try initialization.tensor(shape, dataType, device, &own)
    }
    if trained, self.trained, value.dataType.isFloatingPoint { value = try value.withGradient() }
    let parameter = Parameter(path: path, value: value)
    parameters.append(parameter)
    byPath[path] = parameter
    return parameter
  }
}

/// A place in the tree of parameters: what a module takes its parameters from.
///
///     init(_ configuration: Configuration, _ scope: Scope) throws {
///       projection = try Linear(64, 128, scope / "mlp" / "c_fc")   // mlp.c_fc.weight, mlp.c_fc.bias
///     }
public struct Scope {
  /// All parameters of the model.
  public let store: ParameterStore
  /// The path so far, without a dot at the end.
  public let path: String

  /// The scope below under a name.
  public static func / (scope: Scope, name: String) -> Scope {
    Scope(store: scope.store, path: scope.path.isEmpty ? name : name.isEmpty ? scope.path : scope.path + "." + name)
  }

  /// The scope below under a number.
  public static func / (scope: Scope, index: Int) -> Scope { scope / String(index) }

  /// The parameter `path.name`: read with its shape checked, or drawn. The second call for a path gives the same parameter.
  /// - Parameter trained: false for numbers that training leaves alone (buffers)
  /// - Throws: `CheckpointError.missing` or `.wrongShape`
  public func parameter(
    _ name: String, _ shape: [Int], _ initialization: Initialization, trained: Bool = true
  ) throws -> Parameter {
    try store.parameter((self / name).path, shape, initialization, trained: trained)
  }

  /// True if the checkpoint has a tensor `path.name`; true for every name when parameters are drawn.
  public func contains(_ name: String) -> Bool { store.contains((self / name).path) }

  /// The shape of the checkpoint's tensor `path.name`; nil when there is none or parameters are drawn.
  public func shape(_ name: String) -> [Int]? { store.shape((self / name).path) }

  /// True when parameters are drawn at random.
  public var isRandom: Bool { store.isRandom }

  /// The parameters below, in order.
  public var parameters: [Parameter] {
    path.isEmpty ? store.parameters : store.parameters.filter { $0.path == path || $0.path.hasPrefix(path + ".") }
  }
}

/// A part of a network with parameters under a path.
open class Module {
  /// Where the parameters of this module are.
  public let scope: Scope

  /// Takes the parameters from a scope.
  /// - Throws: `CheckpointError` if one is missing or has another shape.
  public init(_ scope: Scope) { self.scope = scope }

  /// The parameters of this module and of everything in it.
  public var parameters: [Parameter] { scope.parameters }

  /// Asks for gradients of all parameters of this module, or no longer.
  public func train(_ trained: Bool = true) throws { for parameter in parameters { try parameter.train(trained) } }
}
