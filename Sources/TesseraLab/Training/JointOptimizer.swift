import TesseraTensor

/// Several optimizers as one: each has parameters of its own, and all follow one schedule.
final class JointOptimizer: Optimizer {
  /// A factor of the rates that the optimizers were made with.
  var learningRate = 1.0 {
    didSet { for (part, rate) in zip(parts, rates) { part.learningRate = rate * learningRate } }
  }
  private let parts: [any Optimizer]
  private let rates: [Double]

  init(_ parts: [any Optimizer]) {
    self.parts = parts
    rates = parts.map(\.learningRate)
  }

  /// Muon for matrices inside blocks, AdamW for embeddings and vectors.
  static func muon(
    _ parameters: [Parameter], matrices: Double = 0.02, others: Double = 3e-3, weightDecay: Double = 0.05
  ) -> JointOptimizer {
    let trained = parameters.filter(\.isTrained)
    func isInner(_ parameter: Parameter) -> Bool { parameter.value.rank == 2 && parameter.path.contains(".layers.") }
    return JointOptimizer([
      Muon([ParameterGroup(trained.filter(isInner), weightDecay: weightDecay)], learningRate: matrices),
      AdamW([ParameterGroup(trained.filter { !isInner($0) })], learningRate: others, betas: (0.9, 0.95)),
    ])
  }

  var parameters: [Parameter] { parts.flatMap(\.parameters) }

  func step() throws { for part in parts { try part.step() } }

  func state() throws -> [String: Tensor] {
    var state: [String: Tensor] = [:]
    for (index, part) in parts.enumerated() {
      for (key, tensor) in try part.state() { state["\(index).\(key)"] = tensor }
    }
    return state
  }

  func restore(_ state: [String: Tensor]) throws {
    for (index, part) in parts.enumerated() {
      let prefix = "\(index)."
      let own = state.filter { $0.key.hasPrefix(prefix) }.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
      try part.restore(Dictionary(uniqueKeysWithValues: own))
    }
  }
}
