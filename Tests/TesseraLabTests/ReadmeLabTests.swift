import Foundation
import TesseraNN
import TesseraTensor
import Testing

@testable import TesseraLab

@Suite("The README on the laboratory", .enabled(if: Torch.available))
struct ReadmeLabTests {
  @Test("its snippets run")
  func snippets() throws {
    let folder = try TemporaryFolder()
    let cache = folder.path
    var printed: [String] = []
    func print(_ items: Any...) { printed.append(items.map { "\($0)" }.joined(separator: " ")) }
    // snippet
    let lab = Lab(cache: cache)  // Models/ and Results/ in the working directory
    let run = Run(lab: lab, name: "mine", seed: 1, setting: .full)
    let shapes = Shapes(stream: run.stream)  // or DataSet.glyphs.open(lab): built on the spot
    let store = ParameterStore(seed: run.seed)
    let layer = try Linear(16 * 16, Shapes.classes.count, store.root / "layer")
    let loop = try TrainingLoop(TrainingPlan(steps: 40, learningRate: 0.01), store.parameters, run)
    let outcome = try loop.train { step, _ in
      let (pictures, labels) = try shapes.batch(step * 16..<(step + 1) * 16)  // follows from the step alone
      return [LossPart("cross-entropy", try CrossEntropy()(try layer(pictures.flattened(1)), labels))]
    }
    print(outcome["steps"] ?? 0, outcome.curves.map(\.name))
    // end
    #expect(printed == ["40.0 [\"cross-entropy\"]"])

    // snippet
    let proof = Proof(
      system: nil,
      Declaration(
        name: "mine", claim: "Half of the numbers of a uniform draw are below one half.", baseline: "three quarters",
        baselineFigures: ["three quarters"], data: "1000 numbers", seeds: [1, 2, 3], metric: "share",
        rule: [.below("share", "three quarters", by: 0.1, .interval95)])
    ) { run in
      var stream = run.stream
      let share = try (stream.uniform([1000]) .< 0.5).to(.float32).mean().item()
      return Outcome(figures: [Figure("share", share), Figure("three quarters", 0.75)])
    }
    let record = try proof.run(lab, .full)
    print(record.verdict.rawValue, record.statistics("share")?.mean ?? 0)
    // end
    #expect(printed.last?.hasPrefix("holds 0.") == true)
  }
}
