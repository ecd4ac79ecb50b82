import Foundation
import TesseraNN
import TesseraTensor
import Testing

/// Every folder `Tests/Fixtures/models/GROUP/CASE` holds a small random model, its inputs, and what the reference gives for them.
@Suite("Published architectures agree with their references", .enabled(if: Torch.available))
struct ParityTests {
  @Test("in every output", arguments: ParityCase.all)
  func agree(_ parity: ParityCase) throws {
    let model = try ModelRegistry.load(parity.folder)
    let inputs = try SafeTensors(path: parity.folder + "/inputs.safetensors").tensors()
    let expected = try SafeTensors(path: parity.folder + "/expected.safetensors").tensors()
    var options = ForwardOptions(hiddenStates: expected.keys.contains { $0.contains("hidden_states.") })
    let settings = parity.folder + "/options.json"
    if FileManager.default.fileExists(atPath: settings) {
      options.settings = try JSONDecoder().decode(
        [String: JSONValue].self, from: Data(contentsOf: URL(fileURLWithPath: settings)))
      options.greedy = options.settings.removeValue(forKey: "greedy")?.integer
    }
    let found = try noGrad { try model.forward(NamedTensors(inputs), options) }
    for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
      let own = try #require(found[name], "\(parity): there is no output '\(name)' among \(found.keys.sorted())")
      try #require(own.shape == value.shape, "\(parity), \(name): \(own.shape), not \(value.shape)")
      let difference = try own.largestDifference(to: value)
      #expect(difference < 1e-4, "\(parity), \(name)")
    }
  }

  @Test(
    "within the precision of bfloat16 when they run in it",
    arguments: [
      "language/llama-grouped", "language/gpt2-hub-keys",
      "encoders/bert-model", "encoders/vit-classification", "multimodal/clip-classifier", "diffusion/dit",
    ])
  func halfPrecision(_ name: String) throws {
    let parity = try #require(ParityCase.all.first { $0.folder.contains(name) }, "there is no fixture \(name)")
    let model = try ModelRegistry.load(parity.folder, LoadOptions(dataType: .bfloat16))
    let inputs = try SafeTensors(path: parity.folder + "/inputs.safetensors").tensors()
    let expected = try SafeTensors(path: parity.folder + "/expected.safetensors").tensors()
    let found = try noGrad { try model.forward(NamedTensors(inputs), ForwardOptions()) }
    for (name, value) in expected where value.dataType.isFloatingPoint {
      guard let own = found[name] else { continue }
      let scale = try max(1, value.abs().maximum().item())
      #expect(try own.largestDifference(to: value) < 0.1 * scale, "\(parity), \(name)")
    }
  }
}

/// One folder of fixtures.
struct ParityCase: CustomTestStringConvertible, Sendable {
  let folder: String
  var testDescription: String { folder.split(separator: "/").suffix(2).joined(separator: "/") }

  static let all: [ParityCase] = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/models").path
    let manager = FileManager.default
    let groups = (try? manager.contentsOfDirectory(atPath: root)) ?? []
    return groups.sorted().flatMap { group in
      ((try? manager.contentsOfDirectory(atPath: "\(root)/\(group)")) ?? []).sorted()
        .map { "\(root)/\(group)/\($0)" }
        .filter { manager.fileExists(atPath: $0 + "/expected.safetensors") }
        .map(ParityCase.init)
    }
  }()
}
