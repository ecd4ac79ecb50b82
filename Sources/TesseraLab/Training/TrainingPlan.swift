import TesseraTensor

/// How a network is trained: everything but the network and its data.
public struct TrainingPlan: Codable, Sendable, Equatable {
  /// Steps of the optimizer.
  public var steps: Int
  /// The highest rate of AdamW.
  public var learningRate: Double
  /// Steps of a linear rise of the rate.
  public var warmUp: Int
  /// What the rate falls to along half a cosine, as a share of the highest.
  public var floor: Double
  /// AdamW's averages.
  public var betas: [Double]
  /// Weight decay of matrices; vectors have none.
  public var weightDecay: Double
  /// The largest 2-norm of all gradients together.
  public var clip: Double
  /// The share that stays of a moving average of the weights, which is what is evaluated and kept; nil keeps the last weights.
  public var average: Double?
  /// Evaluate after every so many steps; nil: only at the end.
  public var evaluateEvery: Int?
  /// Stop after so many evaluations without a better first figure; nil: never.
  public var patience: Int?
  /// Whether a higher first figure is better.
  public var higherIsBetter: Bool
  /// Seconds between checkpoints. They change nothing in the result.
  public var checkpointSeconds: Double

  /// Makes it from its parts.
  public init(
    steps: Int, learningRate: Double = 1e-3, warmUp: Int? = nil, floor: Double = 0.01, betas: [Double] = [0.9, 0.95],
    weightDecay: Double = 0.05, clip: Double = 1, average: Double? = nil, evaluateEvery: Int? = nil,
    patience: Int? = nil, higherIsBetter: Bool = true, checkpointSeconds: Double = 30
  ) {
    (self.steps, self.learningRate, self.warmUp) = (steps, learningRate, warmUp ?? max(1, steps / 20))
    (self.floor, self.betas, self.weightDecay, self.clip) = (floor, betas, weightDecay, clip)
    (self.average, self.evaluateEvery, self.patience) = (average, evaluateEvery, patience)
    (self.higherIsBetter, self.checkpointSeconds) = (higherIsBetter, checkpointSeconds)
  }

  /// The factor of the rate at a step counted from 0.
  func factor(_ step: Int) -> Double {
    LearningRateSchedule.cosine(warmUp: warmUp, total: steps, floor: floor).factor(step)
  }

  func check(_ name: String) throws {
    func refuse(_ reason: String) -> LabError { .refused(name, "its plan \(reason)") }
    guard steps > 0 else { throw refuse("has no steps") }
    guard learningRate.isFinite, learningRate > 0, clip > 0 else { throw refuse("has a rate or a clip below zero") }
    guard betas.count == 2 else { throw refuse("needs two betas") }
    guard evaluateEvery ?? 1 > 0, patience ?? 1 > 0 else { throw refuse("evaluates or waits every zero steps") }
  }
}

/// Which rows a step takes: the rows in random order, each once an epoch. A pure function of seed and step.
///
///     var order = BatchOrder(rows: 14_508, batch: 64, stream: run.stream.named("order"))
///     let rows = order.rows(at: step)
public struct BatchOrder: Sendable {
  private let rows: Int
  private let batch: Int
  private let stream: RandomStream
  private var epoch = -1
  private var order: [Int] = []

  /// - Parameters:
  ///   - rows: how many there are, at least 1
  ///   - batch: how many a step takes; more than there are takes all
  public init(rows: Int, batch: Int, stream: RandomStream) {
    precondition(rows > 0 && batch > 0)
    (self.rows, self.batch, self.stream) = (rows, min(batch, rows), stream)
  }

  /// Steps of an epoch; what is left of it at the end is left out.
  public var stepsPerEpoch: Int { rows / batch }

  /// The rows of a step counted from 0.
  public mutating func rows(at step: Int) -> ArraySlice<Int> {
    let (epoch, place) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
    if epoch != self.epoch {
      var own = stream.named("epoch \(epoch)")
      order = (0..<rows).shuffled(using: &own)
      self.epoch = epoch
    }
    return order[place * batch..<(place + 1) * batch]
  }
}
