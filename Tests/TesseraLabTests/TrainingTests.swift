import Foundation
import TesseraNN
import TesseraTensor
import Testing

@testable import TesseraLab

/// A folder that is removed with the value.
final class TemporaryFolder {
  let path = NSTemporaryDirectory() + "tessera-lab-\(UUID().uuidString)"
  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("Training", .enabled(if: Torch.available))
struct TrainingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A line through noisy points, with dropout-like noise from the step's stream.
  func train(
    _ lab: Lab, _ plan: TrainingPlan, seed: UInt64 = 1,
    spoil: (Int, Tensor) throws -> Tensor = { $1 }
  ) throws -> ([Float], Outcome) {
    let run = Run(lab: lab, name: "line", seed: seed, setting: .quick)
    let store = ParameterStore(seed: seed)
    let layer = try Linear(4, 1, store.root / "line")
    let truth = try Tensor([1, -2, 3, 0.5] as [Float], [4, 1])
    let outcome = try TrainingLoop(plan, store.parameters, run).train(
      evaluate: { [Figure("length", try layer.weight.value.norm([0, 1]).item())] },
      loss: { step, stream in
        let x = try stream.normal([8, 4])
        let y = try x.matmul(truth) + stream.normal([8, 1]) * 0.1
        return [LossPart("error", try spoil(step, try (layer(x) - y).squared().mean()))]
      })
    return (try store.parameters.flatMap { try $0.value.values(Float.self) }, outcome)
  }

  struct Stop: Error {}

  /// A laboratory that stops the work once at a step.
  func lab(stoppingAt step: Int?) -> Lab {
    Lab(cache: folder.path) { if let step, $0.done == step, $0.total > 0 { throw Stop() } }
  }

  @Test("a run that was stopped ends with the weights of one that was not", arguments: [1, 2, 7, 29])
  func resume(at step: Int) throws {
    let plan = TrainingPlan(steps: 30, learningRate: 0.05, average: 0.9, evaluateEvery: 7)
    let (whole, expected) = try train(lab(stoppingAt: nil), plan)
    try FileManager.default.removeItem(atPath: folder.path + "/runs")
    #expect(throws: Stop.self) { try train(lab(stoppingAt: step), plan) }
    let (resumed, outcome) = try train(lab(stoppingAt: nil), plan)
    #expect(resumed == whole)
    #expect(outcome.curves == expected.curves)
    #expect(!expected.curves.isEmpty)
  }

  @Test("another seed gives other weights")
  func seeds() throws {
    let plan = TrainingPlan(steps: 5)
    let (first, second) = (try train(lab(stoppingAt: nil), plan), try train(lab(stoppingAt: nil), plan, seed: 2))
    #expect(first.0 != second.0)
  }

  @Test("the loss falls")
  func learns() throws {
    let (_, outcome) = try train(lab(stoppingAt: nil), TrainingPlan(steps: 200, learningRate: 0.1, weightDecay: 0))
    let curve = try #require(outcome.curves.first { $0.name == "error" })
    let (first, last) = (try #require(curve.points.first), try #require(curve.points.last))
    #expect(last[1] < 0.1 * first[1])
  }

  @Test("a loss that is no number stops the training, says where, and keeps the last good checkpoint")
  func notFinite() throws {
    let plan = TrainingPlan(steps: 20, checkpointSeconds: 0)
    let error = LabError.notFinite("line", step: 13, "the loss 'error'")
    #expect(throws: error) {
      try train(lab(stoppingAt: nil), plan) { try $0 == 12 ? $1 * Double.nan : $1 }
    }
    let (resumed, outcome) = try train(lab(stoppingAt: nil), plan)
    let areFinite = resumed.allSatisfy { $0.isFinite }
    #expect(areFinite)
    #expect(outcome["steps"] == 20)
  }

  @Test("a gradient that is no number names the parameter")
  func gradient() throws {
    // The root has no slope at zero.
    #expect(throws: LabError.notFinite("line", step: 3, "the gradient of 'line.weight'")) {
      try train(lab(stoppingAt: nil), TrainingPlan(steps: 5)) { try $0 == 2 ? ($1 * 0).sqrt() : $1 }
    }
  }

  @Test("a checkpoint of another plan is refused")
  func otherPlan() throws {
    #expect(throws: Stop.self) { try train(lab(stoppingAt: 3), TrainingPlan(steps: 10)) }
    #expect(throws: LabError.self) { try train(lab(stoppingAt: nil), TrainingPlan(steps: 11)) }
  }

  @Test("a damaged checkpoint is refused, wherever it is cut")
  func damaged() throws {
    #expect(throws: Stop.self) { try train(lab(stoppingAt: 3), TrainingPlan(steps: 10)) }
    let path = folder.path + "/runs/line-quick-1/training.safetensors"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in stride(from: 0, to: bytes.count, by: 97) {
      try bytes.prefix(count).write(to: URL(fileURLWithPath: path))
      #expect(throws: (any Error).self) { try train(lab(stoppingAt: nil), TrainingPlan(steps: 10)) }
    }
  }

  @Test("a folder that cannot be written is known before the first step")
  func unwritable() throws {
    try Data().write(to: URL(fileURLWithPath: folder.path + "/file"))
    var steps = 0
    #expect(throws: LabError.self) {
      try train(Lab(cache: folder.path + "/file"), TrainingPlan(steps: 10)) { _, loss in
        steps += 1
        return loss
      }
    }
    #expect(steps == 0)
  }

  @Test("training stops early when the first figure gets no better, and keeps the best weights")
  func patience() throws {
    // The length of the weights grows to that of the truth and then only swings, so the longest is not the last.
    let plan = TrainingPlan(steps: 500, learningRate: 0.2, evaluateEvery: 5, patience: 3, higherIsBetter: true)
    let (weights, outcome) = try train(lab(stoppingAt: nil), plan)
    let steps = try #require(outcome["steps"])
    #expect(steps < 500)
    let lengths = try #require(outcome.curves.first { $0.name == "length" }).points.map { $0[1] }
    let kept = weights.prefix(4).reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(kept - (lengths.max() ?? 0)) < 1e-5)
    #expect(lengths.last != lengths.max())
    try FileManager.default.removeItem(atPath: folder.path + "/runs")
    #expect(throws: Stop.self) { try train(lab(stoppingAt: Int(steps) - 3), plan) }
    let (resumed, _) = try train(lab(stoppingAt: nil), plan)
    #expect(resumed == weights)
  }

  @Test("every row comes once an epoch, in an order that seed and step decide")
  func order() {
    var order = BatchOrder(rows: 10, batch: 3, stream: RandomStream(seed: 1))
    let epoch = (0..<3).flatMap { order.rows(at: $0) }
    #expect(Set(epoch).count == 9)
    var again = BatchOrder(rows: 10, batch: 3, stream: RandomStream(seed: 1))
    #expect(again.rows(at: 2) == order.rows(at: 2))
    #expect(Array(order.rows(at: 3)) != Array(epoch[0..<3]))
    var small = BatchOrder(rows: 2, batch: 5, stream: RandomStream(seed: 1))
    #expect(small.rows(at: 7).count == 2)
  }

  @Test("the shapes are learned, written in half precision, and read back")
  func shapes() throws {
    let lab = Lab(cache: folder.path, models: folder.path + "/models")
    let record = try Host.shapes.train(lab, .quick, output: folder.path + "/models/shapes")
    #expect(record.runs.count == 1)
    let accuracy = try #require(record.statistics("accuracy"))
    #expect(accuracy.mean > 0.5)
    let read = try ResultStore.read(folder.path + "/models/shapes/record.json")
    #expect(read == record)
    let weights = try SafeTensors(path: folder.path + "/models/shapes/model.safetensors")
    let areHalves = weights.entries.values.allSatisfy { $0.dataType == .float16 }
    #expect(areHalves)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/runs")
    #expect(left.isEmpty)
  }
}
