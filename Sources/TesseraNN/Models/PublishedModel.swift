import TesseraTensor

/// A model of a published architecture, which reads folders of the hub and speaks the reference's names.
public protocol PublishedModel: AnyObject {
  /// The names in `config.json` that this type reads: entries of `architectures`, `_class_name`, timm's `architecture`, or, as a last
  /// resort, `model_type`.
  static var architectures: [String] { get }

  /// Reads the configuration and the tensors of a folder.
  /// - Throws: `CheckpointError` naming the file, the key, and what was expected.
  init(folder: ModelFolder, options: LoadOptions) throws

  /// The parameters, under the checkpoint's keys.
  var store: ParameterStore { get }

  /// Runs the model on tensors named like the reference's arguments.
  /// - Returns: tensors named like the reference's outputs
  func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor]
}

/// How a folder is read.
public struct LoadOptions: Sendable {
  /// The type of floating-point parameters.
  public var dataType: DataType = .float32
  /// Where the parameters lie.
  public var device: Device = .cpu
  /// True if gradients of the parameters are wanted.
  public var trained = false

  /// Makes it from its parts.
  public init(dataType: DataType = .float32, device: Device = .cpu, trained: Bool = false) {
    (self.dataType, self.device, self.trained) = (dataType, device, trained)
  }

  /// A store over a checkpoint.
  public func store(_ checkpoint: Checkpoint) -> ParameterStore {
    ParameterStore(checkpoint, trained: trained, dataType, device: device)
  }
}

/// What a forward pass is asked for beside its tensors.
public struct ForwardOptions: Sendable {
  /// True: `hidden_states.0`, `hidden_states.1`, ... are among the outputs, numbered as the reference numbers them.
  public var hiddenStates = false
  /// The reference's keyword options that are no tensors: `interpolate_pos_encoding`.
  public var settings: [String: JSONValue] = [:]
  /// How many tokens are decoded greedily, for language models.
  public var greedy: Int?

  /// Makes it from its parts.
  public init(hiddenStates: Bool = false, settings: [String: JSONValue] = [:], greedy: Int? = nil) {
    (self.hiddenStates, self.settings, self.greedy) = (hiddenStates, settings, greedy)
  }

  /// A switch among the settings.
  /// - Throws: `TensorError.invalid` if it is neither true nor false.
  public func flag(_ name: String, default value: Bool = false) throws -> Bool {
    guard let setting = settings[name] else { return value }
    guard let flag = setting.bool else {
      throw TensorError.invalid("forward", "the setting '\(name)' is true or false")
    }
    return flag
  }

  /// Refuses settings that a model does not know.
  public func demandKnown(_ names: String...) throws {
    for name in settings.keys.sorted() where !names.contains(name) {
      let known = names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))"
      throw TensorError.invalid("forward", "the model has no setting '\(name)': \(known)")
    }
  }
}

/// Tensors by name, taken one by one, so that a name nobody knows is noticed.
public final class NamedTensors {
  private let tensors: [String: Tensor]
  private var taken: Set<String> = []

  /// Makes it from its parts.
  public init(_ tensors: [String: Tensor]) { self.tensors = tensors }

  /// A tensor that may be absent.
  /// - Parameters:
  ///   - rank: how many axes it must have
  ///   - type: what its elements are converted to
  public func optional(_ name: String, rank: Int? = nil, _ type: DataType? = nil) throws -> Tensor? {
    taken.insert(name)
    guard let tensor = tensors[name] else { return nil }
    if let rank, tensor.rank != rank {
      throw TensorError.invalid("forward", "'\(name)' is \(tensor.summary), and \(rank) axes are expected")
    }
    return try type.map(tensor.to) ?? tensor
  }

  /// A tensor that must be there.
  /// - Throws: `TensorError.invalid` naming it.
  public func required(_ name: String, rank: Int? = nil, _ type: DataType? = nil) throws -> Tensor {
    guard let tensor = try optional(name, rank: rank, type) else {
      throw TensorError.invalid(
        "forward", "the input '\(name)' is missing; there are: \(tensors.keys.sorted().joined(separator: ", "))")
    }
    return tensor
  }

  /// Refuses inputs that nobody took.
  public func demandAllTaken() throws {
    let left = Set(tensors.keys).subtracting(taken).sorted()
    guard left.isEmpty else {
      throw TensorError.invalid(
        "forward", "the model has no input '\(left[0])'; it takes \(taken.sorted().joined(separator: ", "))")
    }
  }
}
