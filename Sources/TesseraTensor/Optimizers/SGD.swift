/// Stochastic gradient descent with momentum, as PyTorch's: `v = momentum · v + g`, `w -= rate · v`.
public final class SGD: Optimizer {
  /// The step length, before the factors of groups.
  public var learningRate: Double
  /// How much of the velocity stays per step.
  public let momentum: Double
  /// True: the step looks ahead along the velocity.
  public let nesterov: Bool
  /// Parameters by factor and decay.
  public let groups: [ParameterGroup]
  /// All parameters of the groups.
  public var parameters: [Parameter] { groups.flatMap(\.parameters) }
  private var velocities: [ObjectIdentifier: Tensor] = [:]

  /// Makes it from its parts.
  public init(_ groups: [ParameterGroup], learningRate: Double, momentum: Double = 0, nesterov: Bool = false) {
    (self.groups, self.learningRate, self.momentum, self.nesterov) = (groups, learningRate, momentum, nesterov)
  }

  /// One step along the gradients.
  public func step() throws {
    try noGrad {
      for group in groups {
        for parameter in group.parameters {
          guard var direction = parameter.gradient else { continue }
          if group.weightDecay != 0 { direction = try direction + parameter.value.detached() * group.weightDecay }
          if momentum != 0 {
            let id = ObjectIdentifier(parameter)
            let velocity = try velocities[id].map { try $0 * momentum + direction } ?? direction.copy()
            velocities[id] = velocity
            direction = nesterov ? try direction + velocity * momentum : velocity
          }
          try change(parameter, along: direction, by: -learningRate * group.rateFactor)
        }
      }
    }
  }

  /// The averages by path, for a checkpoint.
  public func state() throws -> [String: Tensor] { try saved(velocities, parameters) }
  /// Takes up averages that were saved.
  public func restore(_ state: [String: Tensor]) throws { velocities = try restored(state, parameters) }
}

/// Muon: the momentum of a matrix is made orthogonal before it is applied (Jordan et al. 2024, "Muon: an optimizer for hidden layers").
///
/// For the matrices between the first and the last layer. Everything else (vectors, embeddings, heads) belongs to `AdamW`.
public final class Muon: Optimizer {
  /// The step length, before the factors of groups.
  public var learningRate: Double
  /// How much of the velocity stays per step.
  public let momentum: Double
  /// Steps of the Newton-Schulz iteration.
  public let iterations: Int
  /// Parameters by factor and decay.
  public let groups: [ParameterGroup]
  /// All parameters of the groups.
  public var parameters: [Parameter] { groups.flatMap(\.parameters) }
  private var velocities: [ObjectIdentifier: Tensor] = [:]

  /// Makes it from its parts.
  public init(_ groups: [ParameterGroup], learningRate: Double = 0.02, momentum: Double = 0.95, iterations: Int = 5) {
    (self.groups, self.learningRate, self.momentum, self.iterations) = (groups, learningRate, momentum, iterations)
  }

  /// One step along the gradients.
  public func step() throws {
    try noGrad {
      for group in groups {
        for parameter in group.parameters {
          guard let gradient = parameter.gradient else { continue }
          guard gradient.rank >= 2 else {
            throw TensorError.invalid("Muon", "'\(parameter.path)' is \(gradient.summary), no matrix")
          }
          let id = ObjectIdentifier(parameter)
          let velocity =
            try velocities[id].map { try $0 * momentum + gradient * (1 - momentum) } ?? gradient * (1 - momentum)
          velocities[id] = velocity
          let direction = try gradient * (1 - momentum) + velocity * momentum
          let matrix = try direction.reshaped([direction.size(0), -1])
          let update = try Muon.orthogonalized(matrix, iterations).reshaped(direction.shape)
          let scale = max(1, Double(matrix.size(0)) / Double(matrix.size(1))).squareRoot()
          let rate = learningRate * group.rateFactor
          if group.weightDecay != 0 {
            try parameter.exclusive().multiplyInPlace(1 - rate * group.weightDecay)
          }
          try change(parameter, along: update, by: -rate * scale)
        }
      }
    }
  }

  /// The nearest matrix with all singular values near one, by a quintic Newton-Schulz iteration.
  /// - Parameter matrix: `[rows, columns]`
  public static func orthogonalized(_ matrix: Tensor, _ iterations: Int = 5) throws -> Tensor {
    let (a, b, c) = (3.4445, -4.7750, 2.0315)
    let tall = matrix.size(0) > matrix.size(1)
    var x = tall ? try matrix.transposed() : matrix
    x = try x / (x.norm([0, 1]) + 1e-7)
    for _ in 0..<iterations {
      let gram = try x.matmul(x.transposed())
      let polynomial = try gram * b + gram.matmul(gram) * c
      x = try x * a + polynomial.matmul(x)
    }
    return tall ? try x.transposed() : x
  }

  /// The averages by path, for a checkpoint.
  public func state() throws -> [String: Tensor] { try saved(velocities, parameters) }
  /// Takes up averages that were saved.
  public func restore(_ state: [String: Tensor]) throws { velocities = try restored(state, parameters) }
}

extension Tensor {
  fileprivate func multiplyInPlace(_ factor: Double) throws {
    _ = try Op.foreachMultiply.all(.tensors([self]), .double(factor))
  }
}

private func change(_ parameter: Parameter, along direction: Tensor, by factor: Double) throws {
  _ = try Op.foreachAddList.all(.tensors([try parameter.exclusive()]), .tensors([direction]), .double(factor))
}

private func saved(_ velocities: [ObjectIdentifier: Tensor], _ parameters: [Parameter]) throws -> [String: Tensor] {
  var state: [String: Tensor] = [:]
  for parameter in parameters {
    if let velocity = velocities[ObjectIdentifier(parameter)] { state["velocity." + parameter.path] = velocity }
  }
  return state
}

private func restored(_ state: [String: Tensor], _ parameters: [Parameter]) throws -> [ObjectIdentifier: Tensor] {
  var velocities: [ObjectIdentifier: Tensor] = [:]
  for parameter in parameters {
    guard let velocity = state["velocity." + parameter.path] else { continue }
    guard velocity.shape == parameter.value.shape else {
      throw CheckpointError.wrongShape(
        "optimizer", key: parameter.path, expected: parameter.value.shape, found: velocity.shape)
    }
    velocities[ObjectIdentifier(parameter)] = velocity
  }
  return velocities
}
