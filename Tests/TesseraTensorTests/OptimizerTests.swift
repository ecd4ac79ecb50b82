import Foundation
import Testing

@testable import TesseraTensor

let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/tensor").path

@Suite("Optimizers", .enabled(if: Torch.available))
struct OptimizerTests {
  /// Follows a recorded trajectory and compares after every step.
  func follow(_ name: String, _ make: ([Parameter]) -> any Optimizer) throws {
    let file = try Checkpoint(file: fixtures + "/\(name).safetensors")
    let store = ParameterStore(
      file.renamed { $0.hasPrefix("start.") ? String($0.dropFirst(6)) : nil }, trained: true)
    let parameters = [
      try store.root.parameter("matrix", [6, 4], .zeros), try store.root.parameter("vector", [5], .zeros),
    ]
    let optimizer = make(parameters)
    for step in 0..<10 {
      for parameter in parameters { try parameter.setGradient(file.tensor("gradient.\(step).\(parameter.path)")) }
      try optimizer.step()
      for parameter in parameters {
        let expected = try file.tensor("value.\(step).\(parameter.path)")
        #expect(try parameter.value.largestDifference(to: expected) < 1e-6, "\(name) at step \(step)")
      }
    }
  }

  @Test("step as PyTorch's AdamW does")
  func adamW() throws {
    try follow("adamw") { AdamW($0, learningRate: 0.1, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1) }
  }

  @Test("step as PyTorch's SGD does, with momentum, decay, and Nesterov's look ahead")
  func sgd() throws {
    try follow("sgd") { SGD([ParameterGroup($0, weightDecay: 0.05)], learningRate: 0.1, momentum: 0.9) }
    try follow("nesterov") { SGD([ParameterGroup($0)], learningRate: 0.1, momentum: 0.9, nesterov: true) }
  }

  @Test("step as PyTorch's Muon does in full precision")
  func muon() throws {
    let file = try Checkpoint(file: fixtures + "/muon.safetensors")
    let store = ParameterStore(file, trained: true)
    let matrix = try store.root.parameter("start", [8, 6], .zeros)
    let muon = Muon([ParameterGroup([matrix], weightDecay: 0.1)])
    for step in 0..<5 {
      try matrix.setGradient(file.tensor("gradient.\(step)"))
      try muon.step()
      #expect(try matrix.value.largestDifference(to: file.tensor("value.\(step)")) < 1e-5)
    }
  }

  @Test("go on from a saved state as if nothing had happened")
  func resume() throws {
    func run(_ interrupt: Bool, _ make: ([Parameter]) -> any Optimizer) throws -> Tensor {
      let store = ParameterStore(seed: 5)
      let weight = try store.root.parameter("weight", [4, 4], .normal(1))
      var optimizer = make(store.parameters)
      for step in 0..<6 {
        if interrupt, step == 3 {
          let path = NSTemporaryDirectory() + "tessera-state-\(UUID().uuidString).safetensors"
          defer { try? FileManager.default.removeItem(atPath: path) }
          try SafeTensors.write(optimizer.state(), to: path)
          optimizer = make(store.parameters)
          try optimizer.restore(SafeTensors(path: path).tensors())
        }
        try weight.value.squared().sum().backward()
        try optimizer.step()
        try optimizer.clearGradients()
      }
      return try weight.value.detached()
    }
    for make in [
      { AdamW($0, learningRate: 0.1) }, { SGD([ParameterGroup($0)], learningRate: 0.1, momentum: 0.9) },
      { Muon([ParameterGroup($0)]) },
    ] as [([Parameter]) -> any Optimizer] {
      #expect(try run(true, make).largestDifference(to: run(false, make)) == 0)
    }
  }

  @Test("never change numbers that somebody else holds")
  func values() throws {
    let store = ParameterStore(seed: 5)
    let weight = try store.root.parameter("weight", [3], .normal(1))
    let optimizer = AdamW(store.parameters, learningRate: 0.1)
    func step() throws {
      try weight.value.squared().sum().backward()
      try optimizer.step()
      try optimizer.clearGradients()
    }
    try step()
    let held = weight.value
    let view = try weight.value.detached().reshaped([3, 1])
    let before = try held.values(Float.self)
    try step()
    #expect(try held.values(Float.self) == before)
    #expect(try view.values(Float.self) == before)
    #expect(try weight.value.values(Float.self) != before)
  }

  @Test("clip gradients to a joint norm")
  func clipping() throws {
    let store = ParameterStore(seed: 5)
    let (a, b) = (try store.root.parameter("a", [2], .zeros), try store.root.parameter("b", [1], .zeros))
    try a.setGradient(Tensor([3, 0] as [Float]))
    try b.setGradient(Tensor([4] as [Float]))
    #expect(try clipGradients([a, b], toNorm: 1) == 5)
    #expect(try abs(b.gradient!.item() - 0.8) < 1e-6)
    #expect(try clipGradients([a, b], toNorm: 10) < 1.001)
    #expect(try abs(b.gradient!.item() - 0.8) < 1e-6)
  }

  @Test("have averages that follow, copy with decay 0, and freeze with decay 1")
  func averages() throws {
    let store = ParameterStore(seed: 5)
    let weight = try store.root.parameter("weight", [1], .zeros)
    for (decay, expected) in [(0.0, 8.0), (1.0, 0.0), (0.5, 6.0)] {
      try weight.assign(Tensor([0] as [Float]))
      let average = try MovingAverage([weight], decay: decay)
      try weight.assign(Tensor([8] as [Float]))
      try average.update()
      if decay == 0.5 { try average.update() }
      #expect(try average.tensors["weight"]!.item() == expected)
      #expect(try average.applied { try weight.value.item() } == expected)
      #expect(try weight.value.item() == 8)
    }
  }

  @Test("have schedules that rise, fall and end where they should")
  func schedules() {
    let cosine = LearningRateSchedule.cosine(warmUp: 10, total: 110, floor: 0.1)
    #expect(cosine.factor(0) == 0.1)
    #expect(cosine.factor(9) == 1)
    #expect(abs(cosine.factor(60) - 0.55) < 1e-12)
    #expect(abs(cosine.factor(110) - 0.1) < 1e-12)
    #expect(abs(cosine.factor(1000) - 0.1) < 1e-12)
    #expect(abs(LearningRateSchedule.linear(warmUp: 0, total: 10, floor: 0).factor(5) - 0.5) < 1e-12)
    #expect(LearningRateSchedule.inverseRoot(warmUp: 4).factor(15) == 0.5)
    #expect(LearningRateSchedule.constant.factor(7) == 1)
  }
}
