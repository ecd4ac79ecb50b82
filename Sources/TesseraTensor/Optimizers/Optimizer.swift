import Foundation

/// Changes parameters along their gradients.
public protocol Optimizer: AnyObject {
  /// What every parameter's own rate is multiplied with; schedules set it.
  var learningRate: Double { get set }
  /// The parameters that are changed.
  var parameters: [Parameter] { get }
  /// One step along the gradients; parameters without one are left alone.
  func step() throws
  /// What the next step depends on, for a checkpoint.
  func state() throws -> [String: Tensor]
  /// Takes up a state that was saved.
  func restore(_ state: [String: Tensor]) throws
}

extension Optimizer {
  /// Forgets all gradients.
  public func clearGradients() throws { for parameter in parameters { try parameter.clearGradient() } }
}

/// Parameters with a rate and a decay of their own.
public struct ParameterGroup {
  /// All parameters of the groups.
  public var parameters: [Parameter]
  /// Multiplies the optimizer's rate.
  public var rateFactor: Double
  /// Pulls weights toward zero, per step and rate.
  public var weightDecay: Double

  /// Makes it from its parts.
  public init(_ parameters: [Parameter], rateFactor: Double = 1, weightDecay: Double = 0) {
    (self.parameters, self.rateFactor, self.weightDecay) = (parameters, rateFactor, weightDecay)
  }

  /// The usual two groups: decay for matrices, none for vectors (biases, norms).
  public static func decayingMatrices(_ parameters: [Parameter], _ weightDecay: Double) -> [ParameterGroup] {
    [
      ParameterGroup(parameters.filter { $0.value.rank >= 2 }, weightDecay: weightDecay),
      ParameterGroup(parameters.filter { $0.value.rank < 2 }),
    ]
  }
}

/// Scales gradients down so that their joint 2-norm is at most `limit`.
/// - Returns: the norm before
@discardableResult
public func clipGradients(_ parameters: [Parameter], toNorm limit: Double) throws -> Double {
  let gradients = parameters.compactMap(\.gradient)
  guard !gradients.isEmpty else { return 0 }
  return try noGrad {
    let norms = try Op.foreachNorm.all(.tensors(gradients), .double(2))
    let total = try Tensor.stacked(norms.map { try $0.to(.float32) }).norm([0]).item()
    if total > limit, total.isFinite {
      _ = try Op.foreachMultiply.all(.tensors(gradients), .double(limit / (total + 1e-6)))
    }
    return total
  }
}

/// An average of parameters that follows them slowly: `average = decay · average + (1 - decay) · value`.
public final class MovingAverage {
  /// The share of the old average that stays.
  public var decay: Double
  /// True: `decay` rises to its value over the first steps as `(1 + steps) / (10 + steps)`.
  public var warmsUp: Bool
  /// How many updates there were.
  public private(set) var steps = 0
  private let parameters: [Parameter]
  private var averages: [Tensor]

  /// Makes it from its parts.
  public init(_ parameters: [Parameter], decay: Double = 0.9999, warmsUp: Bool = false) throws {
    (self.parameters, self.decay, self.warmsUp) = (parameters, decay, warmsUp)
    averages = try parameters.map { try $0.value.detached().copy() }
  }

  /// Follows the parameters by one step.
  public func update() throws {
    steps += 1
    let share = warmsUp ? min(decay, Double(1 + steps) / Double(10 + steps)) : decay
    try noGrad {
      // Averages that somebody still holds are replaced, not changed.
      for place in averages.indices where !isKnownUniquelyReferenced(&averages[place]) || !averages[place].isUnshared {
        averages[place] = try averages[place].copy()
      }
      let values = try parameters.map { try $0.value.detached() }
      _ = try Op.foreachLerp.all(.tensors(averages), .tensors(values), .double(1 - share))
    }
  }

  /// The averages by the parameters' paths.
  public var tensors: [String: Tensor] {
    Dictionary(uniqueKeysWithValues: zip(parameters.map(\.path), averages))
  }

  /// Takes up averages that were saved.
  public func restore(_ tensors: [String: Tensor], steps: Int) throws {
    averages = try zip(parameters, averages).map { parameter, old in
      guard let saved = tensors[parameter.path], saved.shape == old.shape else {
        throw CheckpointError.missing("average", key: parameter.path, expected: old.shape)
      }
      return try saved.to(old.dataType).copy()
    }
    self.steps = steps
  }

  /// Runs a body with the averages in the place of the parameters.
  public func applied<Result>(_ body: () throws -> Result) throws -> Result {
    let before = parameters.map(\.value)
    for (parameter, average) in zip(parameters, averages) { try parameter.assign(average) }
    let result = Swift.Result { try body() }
    for (parameter, value) in zip(parameters, before) { try parameter.assign(value) }
    return try result.get()
  }
}

/// How the learning rate changes with the steps.
public enum LearningRateSchedule: Sendable, Codable {
  case constant
  /// A linear rise over `warmUp` steps, then constant.
  case warmUp(Int)
  /// A linear rise, then half a cosine down to `floor` (a share of the rate) at step `total`.
  case cosine(warmUp: Int, total: Int, floor: Double)
  /// A linear rise, then a straight line down to `floor` at step `total`.
  case linear(warmUp: Int, total: Int, floor: Double)
  /// A linear rise, then the rate falls with the inverse root of the step.
  case inverseRoot(warmUp: Int)

  /// The factor of the rate at a step, counted from 0.
  public func factor(_ step: Int) -> Double {
    func rise(_ warmUp: Int, then fall: (Double) -> Double) -> Double {
      step < warmUp ? Double(step + 1) / Double(warmUp) : fall(Double(step - warmUp))
    }
    func progress(_ past: Double, _ warmUp: Int, _ total: Int) -> Double {
      min(max(past / Double(max(total - warmUp, 1)), 0), 1)
    }
    switch self {
    case .constant: return 1
    case .warmUp(let warmUp): return rise(warmUp) { _ in 1 }
    case .cosine(let warmUp, let total, let floor):
      return rise(warmUp) { past in
        let height: Double = (1 + cos(Double.pi * progress(past, warmUp, total))) / 2
        return floor + (1 - floor) * height
      }
    case .linear(let warmUp, let total, let floor):
      return rise(warmUp) { past in 1 - (1 - floor) * progress(past, warmUp, total) }
    case .inverseRoot(let warmUp):
      return rise(warmUp) { _ in (Double(max(warmUp, 1)) / Double(step + 1)).squareRoot() }
    }
  }
}
