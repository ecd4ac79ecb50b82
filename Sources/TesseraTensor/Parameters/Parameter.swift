/// A tensor that belongs to a module under a path and that training may change.
///
/// Reading `value` gives the tensor of this moment: an optimizer that finds it still held elsewhere changes a copy, so nobody sees numbers
/// change under their hands. A parameter itself belongs to one task at a time.
public final class Parameter {
  /// The key in a checkpoint.
  public let path: String
  /// The numbers; a leaf of the graph when it is trained.
  public private(set) var value: Tensor

  /// True when gradients are asked for.
  public var isTrained: Bool { value.requiresGradient }

  init(path: String, value: Tensor) { (self.path, self.value) = (path, value) }

  /// The gradient that backward passes have added up, or nil.
  public var gradient: Tensor? { value.gradient }

  /// Forgets the gradient.
  public func clearGradient() throws { try value.setGradient(nil) }

  /// Puts another gradient in the place of the one that was added up.
  public func setGradient(_ gradient: Tensor?) throws { try value.setGradient(gradient) }

  /// Asks for gradients, or no longer.
  public func train(_ trained: Bool) throws {
    guard trained != isTrained, value.dataType.isFloatingPoint else { return }
    value = trained ? try value.withGradient() : try value.detached()
  }

  /// Puts other numbers in the place of these.
  /// - Throws: `TensorError.invalid` if the shape differs.
  public func assign(_ tensor: Tensor) throws {
    guard tensor.shape == value.shape else {
      throw TensorError.invalid("assign", "'\(path)' is \(value.summary), not \(tensor.summary)")
    }
    let converted = try tensor.detached().to(value.dataType).to(value.device)
    value = isTrained ? try converted.withGradient() : converted
  }

  /// The tensor for a change in place: a copy if anybody else can see it.
  func exclusive() throws -> Tensor {
    if !isKnownUniquelyReferenced(&value) || !value.isUnshared {
      let gradient = value.gradient
      let trained = isTrained
      value = try value.detached().copy()
      if trained { value = try value.withGradient() }
      if let gradient { try value.setGradient(gradient) }
    }
    return value
  }
}
