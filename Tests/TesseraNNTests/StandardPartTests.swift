import Foundation
import TesseraNN
import TesseraTensor
import Testing

/// Every folder `Tests/Fixtures/ops/OP/CASE` holds the inputs of a standard part, its options, and what the reference gives for them.
@Suite("Standard parts agree with their references", .enabled(if: Torch.available))
struct StandardPartTests {
  @Test("in every output", arguments: PartCase.all)
  func agree(_ part: PartCase) throws {
    let inputs = try SafeTensors(path: part.folder + "/inputs.safetensors").tensors()
    let expected = try SafeTensors(path: part.folder + "/expected.safetensors").tensors()
    let settings = try JSONDecoder().decode(
      [String: JSONValue].self, from: Data(contentsOf: URL(fileURLWithPath: part.folder + "/options.json")))
    let found = try StandardParts.named(part.operation).run(inputs, settings)
    for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
      let own = try #require(found[name], "\(part): there is no output '\(name)' among \(found.keys.sorted())")
      try #require(own.shape == value.shape, "\(part), \(name): \(own.shape), not \(value.shape)")
      let difference = try own.largestDifference(to: value)
      let scale = try value.count > 0 ? max(1, value.to(.float64).abs().maximum().item()) : 1
      let exact = !value.dataType.isFloatingPoint
      #expect(
        exact ? difference == 0 : difference < 5e-5 * scale, "\(part), \(name): \(difference) at a size of \(scale)")
    }
  }

  @Test("and there are fixtures for all of them")
  func complete() {
    let covered = Set(PartCase.all.map(\.operation))
    #expect(StandardParts.all.map(\.name).filter { !covered.contains($0) } == [])
  }

  @Test("names, inputs and options are unique, and an alias means one part")
  func names() {
    let names = StandardParts.all.flatMap { [$0.name] + $0.aliases }
    #expect(Set(names).count == names.count)
    for part in StandardParts.all {
      #expect(Set(part.inputs.map(\.name)).count == part.inputs.count, "\(part.name)")
      #expect(Set(part.options.map(\.name)).count == part.options.count, "\(part.name)")
    }
  }
}

/// One folder of fixtures.
struct PartCase: CustomTestStringConvertible, Sendable {
  let folder: String
  let operation: String
  var testDescription: String { folder.split(separator: "/").suffix(2).joined(separator: "/") }

  static let all: [PartCase] = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/ops").path
    let manager = FileManager.default
    return ((try? manager.contentsOfDirectory(atPath: root)) ?? []).sorted().flatMap { operation in
      ((try? manager.contentsOfDirectory(atPath: "\(root)/\(operation)")) ?? []).sorted()
        .map { PartCase(folder: "\(root)/\(operation)/\($0)", operation: operation) }
        .filter { manager.fileExists(atPath: $0.folder + "/expected.safetensors") }
    }
  }()
}

@Suite("Standard parts refuse what they cannot use", .enabled(if: Torch.available))
struct StandardPartRefusalTests {
  @Test(
    "with an error that says what is wrong",
    arguments: [
      ("vq", "{\"codebook_size\": 0}"), ("vq", "{}"), ("vq", "{\"codebook_size\": 4, \"heads\": 0}"),
      ("vq", "{\"codebook_size\": 4, \"heads\": 9223372036854775807}"), ("vq", "{\"codebook_size\": \"x\"}"),
      ("vq", "{\"codebook_size\": 4, \"nonsense\": 1}"), ("fsq", "{\"levels\": []}"), ("fsq", "{\"levels\": [2, 5]}"),
      ("fsq", "{\"levels\": [4611686018427387904, 5, 5]}"), ("fsq", "{\"levels\": [5, -1]}"),
      ("fsq", "{\"levels\": [5]}"),
      ("lfq", "{\"codebook_size\": 6}"), ("lfq", "{\"codebook_size\": -4}"), ("lfq", "{}"),
      ("residual_vq", "{\"codebook_size\": 4, \"num_quantizers\": -1}"),
      ("residual_vq", "{\"codebook_size\": 4, \"num_quantizers\": 1000000000000}"),
      ("grouped_residual_vq", "{\"codebook_size\": 4, \"num_quantizers\": 2, \"groups\": 3}"),
      ("per_dimension", "{\"bits\": 60}"), ("binary_mapper", "{\"bits\": 0}"), ("sim_vq", "{\"codebook_size\": 0}"),
      ("latent_quantize", "{\"levels\": [1, 2, 3]}"), ("kl", "{\"axis\": 7}"),
    ])
  func quantizers(_ name: String, _ options: String) throws {
    let z = try Tensor([Float](repeating: 0.5, count: 24), [2, 3, 4])
    let settings = try JSONDecoder().decode([String: JSONValue].self, from: Data(options.utf8))
    #expect(throws: TensorError.self) { try StandardParts.named(name).run(["z": z], settings) }
  }

  @Test(
    "schedules, too",
    arguments: [
      ("ddim", "{\"num_inference_steps\": 0}"), ("ddim", "{\"num_inference_steps\": 1001}"), ("ddim", "{}"),
      ("ddim", "{\"num_inference_steps\": 5, \"prediction_type\": \"flow\"}"),
      ("ddim", "{\"num_inference_steps\": 5, \"num_train_timesteps\": -3}"),
      ("ddim", "{\"num_inference_steps\": 5, \"steps_offset\": 900}"),
      ("ddim", "{\"num_inference_steps\": 5, \"trained_betas\": [0.1]}"),
      ("ddpm", "{\"num_inference_steps\": 5, \"beta_schedule\": \"quadratic\"}"),
      ("dpm_solver_multistep", "{\"num_inference_steps\": 5, \"solver_order\": 4}"),
      ("dpm_solver_multistep", "{\"num_inference_steps\": 5, \"algorithm_type\": \"dpmsolver\"}"),
      ("euler", "{\"num_inference_steps\": 5, \"use_karras_sigmas\": true, \"use_exponential_sigmas\": true}"),
      ("euler", "{\"num_inference_steps\": 5, \"s_tmin\": 3, \"s_tmax\": 2}"),
      ("flow_match_euler", "{\"num_inference_steps\": 5, \"use_dynamic_shifting\": true}"),
      ("flow_match_euler", "{\"num_inference_steps\": 5, \"shift\": -1}"),
      ("flow_match_euler", "{\"num_inference_steps\": 5, \"sigmas\": [1.0, 0.5]}"),
      ("respacing", "{\"num_inference_steps\": 0}"),
      ("respacing", "{\"num_inference_steps\": 999, \"kind\": \"ddim\"}"),
    ])
  func schedules(_ name: String, _ options: String) throws {
    let settings = try JSONDecoder().decode([String: JSONValue].self, from: Data(options.utf8))
    #expect(throws: TensorError.self) { try StandardParts.named(name).run([:], settings) }
  }

  @Test("inputs of other shapes and types, and names nobody knows")
  func inputs() throws {
    let x = try Tensor([Float](repeating: 1, count: 12), [1, 4, 3])
    let whole = try x.to(.int64)
    func refused(_ name: String, _ inputs: [String: Tensor], _ options: [String: JSONValue] = [:]) {
      #expect(throws: TensorError.self, "\(name)") { try StandardParts.named(name).run(inputs, options) }
    }
    refused("vq", ["z": whole], ["codebook_size": .integer(2)])
    refused("vq", ["z": x, "_codebook.embed": x], ["codebook_size": .integer(2)])
    refused("vq", ["z": x, "other": x], ["codebook_size": .integer(2)])
    refused("vq", ["z": try Tensor(Float(1))], ["codebook_size": .integer(2)])
    refused("fsq", ["codes": try Tensor([25])], ["levels": .array([.integer(5), .integer(5)])])
    refused("fsq", ["codes": try Tensor([-1])], ["levels": .array([.integer(5), .integer(5)])])
    refused("ddim", ["sample": x, "model_outputs": x], ["num_inference_steps": .integer(2)])
    refused("bipartite_soft_matching", ["metric": x, "x": try x.reshaped([1, 3, 4])], ["r": .integer(1)])
    refused("orthogonal_matching_pursuit", ["dictionary": try x[0], "targets": try x[0]], ["k": .integer(5)])
    refused("orthogonal_matching_pursuit", ["dictionary": try x[0], "targets": try x[0]], ["k": .integer(0)])
    refused("frechet_distance", ["real": try x[0, 0..<1], "fake": try x[0]])
    refused("ssim", ["prediction": x, "target": x])
    refused("cross_entropy", ["logits": try x[0], "target": try Tensor([0, 1, 2])])
    refused("cross_entropy", ["logits": try x[0], "target": try Tensor([0, 1, 2, 9])])
    #expect(throws: TensorError.self) { try StandardParts.named("nothing") }
  }
}
