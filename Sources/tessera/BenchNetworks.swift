import ArgumentParser
import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

struct BenchOperations: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operations", abstract: "Measure what one small operation on tensors costs beside its arithmetic.",
    discussion: "Nanoseconds, the lowest of many repetitions.\n\nExample: tessera bench operations --json")

  @Option(help: "Repetitions of a thousand operations each.") var repetitions = 50
  @Flag(help: "As JSON.") var json = false

  func run() throws {
    try Torch.setThreads(1)
    let x = try Tensor([1, 2, 3, 4] as [Float])
    let leaf = try x.withGradient()
    let batch = try Tensor.ones([2, 3, 4])
    let cases: [(String, () throws -> Tensor)] = [
      ("add", { try x + x }), ("add, recorded", { try leaf + x }), ("reshape", { try batch.reshaped([6, 4]) }),
      ("exp, by name", { try x.exp() }), ("sum over an axis, by name", { try batch.sum([1]) }),
      ("rearrange", { try batch.rearranged("a b (c d) -> a c b d", d: 2) }),
    ]
    var results: [(String, Double)] = []
    for (name, body) in cases {
      let time = try (0..<max(repetitions, 1)).map { _ in
        let clock = ContinuousClock()
        return try clock.measure { for _ in 0..<1000 { _ = try body() } } / 1000
      }.min()
      results.append((name, (time ?? .zero) / .nanoseconds(1)))
    }
    if json {
      var report = JSONObject()
      for (name, time) in results { report[name] = .number(time) }
      try Console.print(JSON.object(report).text())
    } else {
      for (name, time) in results { try Console.print("\(name): \(Int(time.rounded())) ns") }
    }
  }
}

struct BenchNetwork: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network", abstract: "Time forward passes and training steps of a published architecture.",
    discussion: """
      The loss of a training step is the mean square of the first output by name; the optimizer is AdamW.

      Example: tessera bench network --model vit/ --inputs in.safetensors --steps 10 --threads 1 --json
      """)

  @Option(help: "A folder with config.json and safetensors.") var model: String
  @Option(help: "A safetensors file with the arguments.") var inputs: String
  @Option(help: "The output that the loss is made from.") var output: String
  @Option(help: "Steps that are timed.") var steps = 10
  @Option(help: "Threads of one operation.") var threads = 1
  @Flag(help: "Time training steps, too.") var train = false
  @Flag(help: "As JSON.") var json = false

  func run() throws {
    try Torch.setThreads(threads)
    let network = try ModelRegistry.load(model, LoadOptions(trained: train))
    let tensors = try SafeTensors(path: inputs).tensors()
    var report = JSONObject()
    report["forward"] = .array(
      try timed { _ = try noGrad { try network.forward(NamedTensors(tensors), ForwardOptions()) } })
    if train {
      let optimizer = AdamW(network.store.parameters, learningRate: 1e-5)
      var loss = 0.0
      report["step"] = .array(
        try timed {
          let results = try network.forward(NamedTensors(tensors), ForwardOptions())
          guard let chosen = results[output] else {
            throw TensorError.invalid("bench", "there is no output '\(output)' among \(results.keys.sorted())")
          }
          let error = try chosen.squared().mean()
          try error.backward()
          try optimizer.step()
          try optimizer.clearGradients()
          loss = try error.item()
        })
      report["loss"] = .number(loss)
    }
    report["peak_bytes"] = .number(Double(ProcessMemory.peakBytes))
    report["live_tensors"] = .number(Double(Torch.liveTensors))
    if json {
      try Console.print(JSON.object(report).text())
    } else {
      for key in ["forward", "step"] {
        guard case .array(let times)? = report[key] else { continue }
        let seconds = times.compactMap { if case .number(let time) = $0 { time } else { nil } }
        try Console.print(
          "\(key): \(String(format: "%.2f", (seconds.min() ?? 0) * 1000)) ms (lowest of \(seconds.count))")
      }
    }
  }

  /// Seconds of every step, behind two that warm up.
  private func timed(_ body: () throws -> Void) throws -> [JSON] {
    for _ in 0..<2 { try body() }
    return try (0..<max(steps, 1)).map { _ in .number(try ContinuousClock().measure(body) / .seconds(1)) }
  }
}

struct BenchParallel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "parallel", abstract: "Train a small network, alone or together with other processes.",
    discussion: """
      With RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT set, every process takes its share of each batch and gradients are averaged; the
      weights are those of one process with the joined batch.

      Example: RANK=0 WORLD_SIZE=2 MASTER_PORT=29511 tessera bench parallel -o 0.safetensors &
               RANK=1 WORLD_SIZE=2 MASTER_PORT=29511 tessera bench parallel -o 1.safetensors
      """)

  @Option(help: "Steps.") var steps = 50
  @Option(help: "Rows of the joined batch.") var batch = 32
  @Option(name: [.short, .long], help: "Where the weights are written, as safetensors.") var output: String

  func run() throws {
    try Torch.setThreads(1)
    let group = try ProcessGroup.fromEnvironment(timeout: 60)
    let (rank, size) = (group?.rank ?? 0, group?.size ?? 1)
    guard batch > 0, batch % size == 0 else {
      throw TensorError.invalid("parallel", "\(batch) rows cannot be shared by \(size) processes")
    }
    // Each process starts elsewhere; the broadcast makes them one.
    let store = ParameterStore(seed: UInt64(rank))
    let inner = try Linear(16, 64, store.root / "inner")
    let outer = try Linear(64, 4, store.root / "outer")
    try group?.broadcast(store.parameters)
    let optimizer = AdamW(store.parameters, learningRate: 0.01)
    var stream = RandomStream(seed: 1)
    let share = batch / size
    for _ in 0..<steps {
      let x = try stream.normal([batch, 16])
      let target = try x.sliced(0..<4, axis: 1).sin()
      let (own, wanted) = (
        try x.sliced(rank * share..<(rank + 1) * share, axis: 0),
        try target.sliced(rank * share..<(rank + 1) * share, axis: 0)
      )
      try (outer(inner(own).gelu()) - wanted).squared().mean().backward()
      try group?.averageGradients(store.parameters)
      try clipGradients(store.parameters, toNorm: 1)
      try optimizer.step()
      try optimizer.clearGradients()
    }
    try store.write(to: output)
  }
}
