/// AdamW: Adam with a weight decay apart from the gradient (Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2019).
///
/// One fused pass of libtorch over all parameters of a group.
public final class AdamW: Optimizer {
  /// The step length, before the factors of groups.
  public var learningRate: Double
  /// How much of the averages of the gradient and of its square stays per step.
  public let betas: (Double, Double)
  /// What is added to a denominator against division by zero.
  public let epsilon: Double
  /// Parameters by factor and decay.
  public let groups: [ParameterGroup]
  /// All parameters of the groups.
  public var parameters: [Parameter] { groups.flatMap(\.parameters) }
  private var moments: [ObjectIdentifier: Moments] = [:]

  private struct Moments { var first, second, steps: Tensor }

  /// Makes it from its parts.
  public init(
    _ groups: [ParameterGroup], learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8
  ) {
    (self.groups, self.learningRate, self.betas, self.epsilon) = (groups, learningRate, betas, epsilon)
  }

  /// One group with one decay.
  public convenience init(
    _ parameters: [Parameter], learningRate: Double, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
    weightDecay: Double = 0.01
  ) {
    self.init(
      [ParameterGroup(parameters, weightDecay: weightDecay)], learningRate: learningRate, betas: betas, epsilon: epsilon
    )
  }

  /// One step along the gradients.
  public func step() throws {
    try noGrad {
      for group in groups {
        let active = group.parameters.filter { $0.gradient != nil }
        guard !active.isEmpty else { continue }
        let values = try active.map { try $0.exclusive() }
        let gradients = active.compactMap(\.gradient)
        let moments = try active.map(moments(of:))
        _ = try Op.foreachAdd.all(.tensors(moments.map(\.steps)), .double(1))
        _ = try Op.fusedAdamW.all(
          .tensors(values), .tensors(gradients), .tensors(moments.map(\.first)), .tensors(moments.map(\.second)),
          .tensors([]),
          .tensors(moments.map(\.steps)), .double(learningRate * group.rateFactor), .double(betas.0), .double(betas.1),
          .double(group.weightDecay), .double(epsilon), .bool(false), .bool(false))
      }
    }
  }

  private func moments(of parameter: Parameter) throws -> Moments {
    if let known = moments[ObjectIdentifier(parameter)] { return known }
    let (shape, type, device) = (parameter.value.shape, parameter.value.dataType, parameter.value.device)
    let fresh = Moments(
      first: try .zeros(shape, type, device: device), second: try .zeros(shape, type, device: device),
      steps: try .zeros([], device: device))
    moments[ObjectIdentifier(parameter)] = fresh
    return fresh
  }

  /// The averages by path, for a checkpoint.
  public func state() throws -> [String: Tensor] {
    var state: [String: Tensor] = [:]
    for parameter in parameters {
      guard let known = moments[ObjectIdentifier(parameter)] else { continue }
      state["first." + parameter.path] = try known.first.copy()
      state["second." + parameter.path] = try known.second.copy()
      state["steps." + parameter.path] = try known.steps.copy()
    }
    return state
  }

  /// Takes up averages that were saved.
  public func restore(_ state: [String: Tensor]) throws {
    for parameter in parameters {
      guard let first = state["first." + parameter.path] else { continue }
      guard let second = state["second." + parameter.path], let steps = state["steps." + parameter.path],
        first.shape == parameter.value.shape, second.shape == first.shape
      else { throw CheckpointError.missing("optimizer", key: parameter.path, expected: parameter.value.shape) }
      moments[ObjectIdentifier(parameter)] = Moments(
        first: try first.copy(), second: try second.copy(), steps: try steps.copy())
    }
  }
}
