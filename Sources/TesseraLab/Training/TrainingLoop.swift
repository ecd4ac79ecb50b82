import Foundation
import TesseraTensor

/// A named part of a loss. The loss is the sum of the parts.
public struct LossPart {
  /// What it is.
  public let name: String
  /// A tensor with one element, part of the graph, already weighted.
  public let value: Tensor

  /// Makes it from its parts.
  public init(_ name: String, _ value: Tensor) { (self.name, self.value) = (name, value) }
}

/// The one training loop.
///
///     let loop = TrainingLoop(plan, store.parameters, run)
///     let outcome = try loop.train { step, stream in
///       let rows = order.rows(at: step)
///       return [LossPart("cross-entropy", try model.loss(rows, &stream))]
///     }
///
/// A step depends on the seed, its number, and the parameters alone. With the parameters, the optimizer's state and the step in a
/// checkpoint, a run that was stopped at any point ends with the same weights as one that was not: bit for bit on one machine with one
/// number of threads.
public final class TrainingLoop {
  /// What the steps look like.
  public let plan: TrainingPlan
  private let run: Run
  private let part: String
  private let parameters: [Parameter]
  private let optimizer: any Optimizer
  private let baseRate: Double
  private let average: MovingAverage?
  private var state = State()

  /// What a checkpoint remembers beside tensors.
  struct State: Codable, Equatable {
    var step = 0
    var averageSteps = 0
    var seconds = 0.0
    /// The sum of losses since the last point of the curve.
    var sums: [String: Double] = [:]
    var summed = 0
    var curves: [String: [[Double]]] = [:]
    var evaluations: [String: [[Double]]] = [:]
    var best: Double?
    var sinceBest = 0
    var isStopped = false
  }

  /// - Parameters:
  ///   - parameters: those that ask for gradients are trained
  ///   - run: gives the seed, the folder of checkpoints, and hears of progress
  ///   - part: tells several trainings of one run apart
  ///   - optimizer: by default AdamW by the plan, with decay for matrices alone
  public init(
    _ plan: TrainingPlan, _ parameters: [Parameter], _ run: Run, part: String = "", optimizer: (any Optimizer)? = nil
  ) throws {
    (self.plan, self.run, self.part) = (plan, run, part)
    try plan.check(run.name)
    self.parameters = parameters.filter(\.isTrained)
    guard !self.parameters.isEmpty else { throw LabError.refused(run.name, "it has no parameters to train") }
    self.optimizer =
      optimizer
      ?? AdamW(
        ParameterGroup.decayingMatrices(self.parameters, plan.weightDecay), learningRate: plan.learningRate,
        betas: (plan.betas[0], plan.betas[1]))
    baseRate = self.optimizer.learningRate
    let trained = self.parameters
    average = try plan.average.map { try MovingAverage(trained, decay: $0, warmsUp: true) }
  }

  private var name: String { part.isEmpty ? run.name : "\(run.name) (\(part))" }
  private var checkpoint: String { "\(run.folder)/\(part.isEmpty ? "training" : part).safetensors" }
  private var best: String { "\(run.folder)/\(part.isEmpty ? "training" : part).best.safetensors" }

  /// Trains, and leaves the trained weights in the parameters: those of the best evaluation where the plan may stop early, the averages
  /// where it keeps them, else the last.
  ///
  /// - Parameters:
  ///   - evaluate: figures of the model as it stands; the first one decides about early stopping
  ///   - loss: the parts of a step's loss. The step is counted from 0; random numbers come from the stream, which is the step's own
  /// - Returns: curves of the loss's parts, of the rate, and of what was evaluated; the figures `steps` and `training`
  /// - Throws: `LabError.notFinite` at a loss or gradient that is no number; whatever progress reports throw, after a checkpoint
  public func train(
    evaluate: (() throws -> [Figure])? = nil, loss: (_ step: Int, _ stream: inout RandomStream) throws -> [LossPart]
  ) throws -> Outcome {
    try Files.makeFolder(run.folder)
    try resume()
    var saved = ContinuousClock.now
    var clock = ContinuousClock.now
    func count() {
      let now = ContinuousClock.now
      state.seconds += (now - clock) / .seconds(1)
      clock = now
    }
    // A folder that cannot be written is better known before the work than after it.
    if state.step == 0 { try save() }
    let stream = run.stream.named("training \(part)")
    while state.step < plan.steps, !state.isStopped {
      do { try tell() } catch {
        count()
        try save()
        throw error
      }
      try step(stream, loss)
      if let every = plan.evaluateEvery, let evaluate, state.step % every == 0 || state.step == plan.steps {
        try note(try evaluated(evaluate))
      }
      if (ContinuousClock.now - saved) / .seconds(1) >= plan.checkpointSeconds {
        count()
        try save()
        saved = .now
      }
    }
    count()
    // Other weights may be put in place below; the checkpoint has those the optimizer went on with.
    try save()
    let weights = plan.patience != nil && state.best != nil ? try SafeTensors(path: best).tensors() : keptWeights
    for parameter in parameters { if let value = weights[parameter.path] { try parameter.assign(value.copy()) } }
    return outcome
  }

  private func step(
    _ stream: RandomStream, _ loss: (_ step: Int, _ stream: inout RandomStream) throws -> [LossPart]
  ) throws {
    let number = state.step + 1
    var own = stream.named("step \(state.step)")
    optimizer.learningRate = baseRate * plan.factor(state.step)
    let parts = try loss(state.step, &own)
    guard var total = parts.first?.value else { throw LabError.refused(name, "its loss has no parts") }
    for part in parts {
      let value = try part.value.item()
      guard value.isFinite else { throw LabError.notFinite(name, step: number, "the loss '\(part.name)'") }
      state.sums[part.name, default: 0] += value
    }
    for part in parts.dropFirst() { total = try total + part.value }
    try total.backward()
    let norm = try clipGradients(parameters, toNorm: plan.clip)
    guard norm.isFinite else {
      let culprit = try parameters.first {
        try $0.gradient.map { try $0.isFinite().to(.float32).minimum().item() == 0 } ?? false
      }
      throw LabError.notFinite(name, step: number, "the gradient of '\(culprit?.path ?? "the parameters")'")
    }
    try optimizer.step()
    try optimizer.clearGradients()
    try average?.update()
    state.step = number
    state.averageSteps = average?.steps ?? 0
    state.summed += 1
    if number % max(1, plan.steps / 100) == 0 || number == plan.steps {
      for (part, sum) in state.sums {
        state.curves[part, default: []].append([Double(number), sum / Double(state.summed)])
      }
      (state.sums, state.summed) = ([:], 0)
    }
  }

  private func evaluated(_ evaluate: () throws -> [Figure]) throws -> [Figure] {
    try noGrad { try average.map { try $0.applied(evaluate) } ?? evaluate() }
  }

  private func note(_ figures: [Figure]) throws {
    for figure in figures { state.evaluations[figure.name, default: []].append([Double(state.step), figure.value]) }
    guard let first = figures.first?.value else { return }
    let isBetter = state.best.map { plan.higherIsBetter ? first > $0 : first < $0 } ?? true
    if isBetter { (state.best, state.sinceBest) = (first, 0) } else { state.sinceBest += 1 }
    guard let patience = plan.patience else { return }
    if isBetter { try SafeTensors.write(keptWeights, to: best) }
    if state.sinceBest >= patience { state.isStopped = true }
  }

  /// The weights that are evaluated and kept: the averages, where the plan has them.
  private var keptWeights: [String: Tensor] {
    average?.tensors ?? Dictionary(uniqueKeysWithValues: parameters.map { ($0.path, $0.value) })
  }

  private func tell() throws {
    let losses = state.curves.keys.sorted().compactMap { name in state.curves[name]?.last.map { (name, $0[1]) } }
    let total = losses.reduce(0) { $0 + $1.1 }
    let detail = losses.isEmpty ? "" : "loss \(short(total))  rate \(short(baseRate * plan.factor(state.step)))"
    try run.lab.report(
      Progress(name + " seed \(run.seed)", done: state.step, total: plan.steps, unit: "steps", detail: detail))
  }

  private func short(_ value: Double) -> String { String(format: "%.3g", value) }

  private var outcome: Outcome {
    let label = part.isEmpty ? "" : part + ": "
    let steps = Curve.Axis("step")
    let losses = state.curves.keys.sorted().map {
      Curve(chart: label + "loss", name: $0, x: steps, y: .init("loss"), points: state.curves[$0] ?? [])
    }
    let evaluations = state.evaluations.keys.sorted().map {
      Curve(chart: label + $0, name: $0, x: steps, y: .init($0), points: state.evaluations[$0] ?? [])
    }
    return Outcome(
      figures: [Figure(label + "steps", Double(state.step)), Figure(label + "training", state.seconds, "s")],
      curves: losses + evaluations)
  }
}

// MARK: Checkpoints

extension TrainingLoop {
  /// Beside the tensors in a checkpoint: what must agree when it is taken up again, and how far the training had come.
  private struct Header: Codable {
    let plan: TrainingPlan
    let name: String
    let seed: UInt64
    let state: State
  }

  private func save() throws {
    var tensors: [String: Tensor] = [:]
    for parameter in parameters { tensors["parameter." + parameter.path] = try parameter.value.detached() }
    for (key, tensor) in try optimizer.state() { tensors["optimizer." + key] = tensor }
    for (key, tensor) in average?.tensors ?? [:] { tensors["average." + key] = tensor }
    let header = Header(plan: plan, name: name, seed: run.seed, state: state)
    let text = String(decoding: try JSONEncoder().encode(header), as: UTF8.self)
    try SafeTensors.write(tensors, metadata: ["training": text], to: checkpoint)
  }

  private func resume() throws {
    guard FileManager.default.fileExists(atPath: checkpoint) else { return }
    let file = try SafeTensors(path: checkpoint)
    guard let text = file.metadata["training"] else {
      throw LabError.malformed(checkpoint, "it is no training's checkpoint")
    }
    let header = try Files.decode(Header.self, Data(text.utf8), checkpoint)
    guard header.name == name, header.seed == run.seed else {
      throw LabError.otherTraining(checkpoint, "\(header.name), seed \(header.seed)")
    }
    guard header.plan == plan else { throw LabError.otherTraining(checkpoint, "another plan") }
    func tensor(_ key: String, _ shape: [Int]) throws -> Tensor {
      let tensor = try file.tensor(key)
      guard tensor.shape == shape else {
        throw CheckpointError.wrongShape(checkpoint, key: key, expected: shape, found: tensor.shape)
      }
      return try tensor.copy()
    }
    let values = try parameters.map { try tensor("parameter." + $0.path, $0.value.shape) }
    let prefix = "optimizer."
    let moments = try file.keys.filter { $0.hasPrefix(prefix) }.map {
      (String($0.dropFirst(prefix.count)), try file.tensor($0).copy())
    }
    let averages = try average.map { _ in
      try Dictionary(
        uniqueKeysWithValues: parameters.map { ($0.path, try tensor("average." + $0.path, $0.value.shape)) })
    }
    for (parameter, value) in zip(parameters, values) { try parameter.assign(value) }
    try optimizer.restore(Dictionary(uniqueKeysWithValues: moments))
    if let averages { try average?.restore(averages, steps: header.state.averageSteps) }
    state = header.state
  }
}
