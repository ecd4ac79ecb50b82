import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("Bad input of diffusion models is refused with its name", .enabled(if: Torch.available))
struct DiffusionInputTests {
  static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/models/diffusion").path

  /// A copy of a fixture with settings changed; nil takes one away.
  static func altered(_ name: String, _ settings: [String: Any?], dropping key: String? = nil) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("model-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let source = "\(fixtures)/\(name)"
    let data = try Data(contentsOf: URL(fileURLWithPath: source + "/config.json"))
    var object = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    for (key, value) in settings { object[key] = value }
    try JSONSerialization.data(withJSONObject: object).write(to: URL(fileURLWithPath: folder + "/config.json"))
    for stem in ["model", "diffusion_pytorch_model"] {
      let file = "\(source)/\(stem).safetensors"
      guard FileManager.default.fileExists(atPath: file) else { continue }
      var tensors = try SafeTensors(path: file).tensors()
      if let key { tensors[key] = nil }
      try SafeTensors.write(tensors, to: "\(folder)/\(stem).safetensors")
    }
    return folder
  }

  static func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing was refused"
    } catch let error as CheckpointError {
      return error.description
    } catch let error as TensorError {
      return error.description
    } catch {
      return "an error without a type: \(error)"
    }
  }

  static let broken: [(String, String, any Sendable)] = [
    ("dit", "num_attention_heads", 0), ("dit", "attention_head_dim", -8), ("dit", "num_layers", 0),
    ("dit", "num_layers", 1_000_000_000), ("dit", "patch_size", 0), ("dit", "sample_size", -1),
    ("dit", "in_channels", 1 << 40), ("dit", "num_embeds_ada_norm", -1), ("dit", "activation_fn", "prelu"),
    ("dit", "norm_type", "layer_norm"), ("dit", "attention_head_dim", 7), ("dit", "num_layers", "two"),
    ("dit-official", "num_heads", 5), ("dit-official", "mlp_ratio", -4.0), ("dit-official", "hidden_size", 1 << 50),
    ("pixart-alpha", "cross_attention_dim", 23), ("pixart-alpha", "caption_channels", 0),
    ("pixart-conditions", "attention_head_dim", 8), ("pixart-alpha", "interpolation_scale", 0),
    ("sd3", "qk_norm", "l1"), ("sd3", "caption_projection_dim", 17), ("sd3", "pos_embed_max_size", 0),
    ("sd3", "pos_embed_max_size", 1 << 30), ("sd3", "dual_attention_layers", "all"), ("sd3", "patch_size", 1 << 20),
    ("kl", "norm_num_groups", 0), ("kl", "norm_num_groups", 5), ("kl", "act_fn", "prelu"),
    ("kl", "down_block_types", ["DownEncoderBlock2D"]), ("kl", "up_block_types", ["UpBlock2D", "UpBlock2D"]),
    ("kl", "block_out_channels", [Int]()), ("kl", "latent_channels", -4), ("kl", "layers_per_block", 1 << 20),
  ]

  @Test("a setting that cannot be is named", arguments: broken.indices)
  func unusable(_ index: Int) throws {
    let (name, key, value) = Self.broken[index]
    let folder = try Self.altered(name, [key: value])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let message = Self.message { _ = try ModelRegistry.load(folder) }
    #expect(message.contains("config.json") && message.contains(key), "\(name), \(key) = \(value): \(message)")
  }

  @Test("sizes that do not fit the file name the tensor and both shapes")
  func shapes() throws {
    for (name, key, value, tensor) in [
      ("dit", "num_attention_heads", 3, "pos_embed.proj.weight"),
      ("pixart-alpha", "caption_channels", 11, "caption_projection"),
      ("sd3", "pos_embed_max_size", 10, "pos_embed.pos_embed"), ("kl", "latent_channels", 5, "conv_out"),
      ("dit", "num_layers", 60_000, "transformer_blocks.2"),
    ] {
      let folder = try Self.altered(name, [key: value])
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let message = Self.message { _ = try ModelRegistry.load(folder) }
      #expect(message.contains(tensor) && message.contains("expected"), "\(name): \(message)")
    }
  }

  @Test(
    "a missing tensor is named",
    arguments: [
      ("dit", "transformer_blocks.1.norm1.emb.class_embedder.embedding_table.weight"),
      ("dit-official", "blocks.0.attn.qkv.bias"),
      ("pixart-alpha", "scale_shift_table"), ("sd35", "transformer_blocks.1.attn.norm_added_k.weight"),
      ("kl", "decoder.up_blocks.0.upsamplers.0.conv.weight"),
      ("kl-old-keys", "encoder.mid_block.attentions.0.key.weight"),
    ])
  func missing(_ name: String, _ key: String) throws {
    let folder = try Self.altered(name, [:], dropping: key)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let message = Self.message { _ = try ModelRegistry.load(folder) }
    #expect(message.contains("'\(key)'"), "\(message)")
  }

  @Test("pictures, labels, times and texts that do not fit are named")
  func inputs() throws {
    let cases: [(String, [String: Tensor], String)] = try [
      ("dit", ["hidden_states": .zeros([3, 4, 7, 8])], "hidden_states"),
      ("dit", ["hidden_states": .zeros([3, 5, 8, 8])], "hidden_states"),
      ("dit", ["hidden_states": .zeros([3, 4, 0, 8])], "hidden_states"),
      ("dit", ["hidden_states": .full([3, 4, 8, 8], .nan)], "hidden_states"),
      ("dit", ["hidden_states": .zeros([4, 8, 8])], "hidden_states"),
      ("dit", ["class_labels": Tensor([0, 1, 13])], "class_labels"),
      ("dit", ["class_labels": Tensor([0, -1, 2])], "class_labels"),
      ("dit", ["class_labels": Tensor([0.5, 1, 2] as [Float])], "class_labels"),
      ("dit", ["timestep": Tensor([1, 2])], "timestep"),
      ("dit", ["guidance": Tensor([1, 2])], "guidance"),
      ("pixart-alpha", ["encoder_hidden_states": .zeros([2, 5, 11])], "encoder_hidden_states"),
      ("pixart-alpha", ["encoder_attention_mask": .ones([2, 4])], "encoder_attention_mask"),
      ("pixart-conditions", ["resolution": .ones([2, 3])], "resolution"),
      ("sd3", ["pooled_projections": .zeros([2, 11])], "pooled_projections"),
      ("sd3", ["encoder_hidden_states": .zeros([1, 5, 12])], "encoder_hidden_states"),
      ("sd3", ["hidden_states": .zeros([2, 4, 8, 20])], "pos_embed_max_size"),
      ("sd3-control-skip", ["block_controlnet_hidden_states.1": .zeros([2, 5, 16])], "block_controlnet_hidden_states"),
      ("kl", ["sample": .zeros([1, 4, 16, 16])], "sample"),
      ("kl", ["sample": .zeros([1, 3, 1, 16])], "sample"),
      ("kl", ["z": .zeros([1, 4, 2, 2])], "'z'"),
    ]
    for (name, changes, word) in cases {
      let folder = "\(Self.fixtures)/\(name)"
      let model = try ModelRegistry.load(folder)
      let given = try SafeTensors(path: folder + "/inputs.safetensors").tensors().merging(changes) { $1 }
      let message = Self.message { _ = try noGrad { try model.forward(NamedTensors(given), ForwardOptions()) } }
      #expect(message.contains(word), "\(name), \(changes.keys): \(message)")
    }
  }

  @Test("a missing input and an unknown setting are named")
  func missingInputs() throws {
    for (name, key) in [
      ("dit", "hidden_states"), ("dit", "class_labels"), ("pixart-alpha", "timestep"),
      ("pixart-alpha", "encoder_hidden_states"),
      ("pixart-conditions", "resolution"), ("sd3", "pooled_projections"), ("kl", "sample"),
    ] {
      let folder = "\(Self.fixtures)/\(name)"
      let model = try ModelRegistry.load(folder)
      var given = try SafeTensors(path: folder + "/inputs.safetensors").tensors()
      let all = NamedTensors(given)
      given[key] = nil
      let message = Self.message { _ = try noGrad { try model.forward(NamedTensors(given), ForwardOptions()) } }
      #expect(message.contains(key), "\(name): \(message)")
      let options = ForwardOptions(settings: ["temperature": .number(1)])
      #expect(Self.message { _ = try model.forward(all, options) }.contains("temperature"))
    }
  }

  @Test("a text that is masked altogether gives numbers, not NaN")
  func maskedText() throws {
    let folder = "\(Self.fixtures)/pixart-alpha"
    var given = try SafeTensors(path: folder + "/inputs.safetensors").tensors()
    given["encoder_attention_mask"] = try Tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [2, 5])
    let model = try ModelRegistry.load(folder)
    let output = try #require(try noGrad { try model.forward(NamedTensors(given), ForwardOptions()) }["sample"])
    #expect(try output.isFinite().to(.uint8).minimum().integer() == 1)
  }
}

@Suite("Diffusion models in bfloat16", .enabled(if: Torch.available))
struct DiffusionPrecisionTests {
  @Test(
    "give about the same",
    arguments: ["dit", "dit-official", "pixart-conditions", "sd35", "sd3-control-skip", "kl", "kl-decode"])
  func bfloat16(_ name: String) throws {
    let folder = "\(DiffusionInputTests.fixtures)/\(name)"
    let model = try ModelRegistry.load(folder, LoadOptions(dataType: .bfloat16))
    let inputs = try SafeTensors(path: folder + "/inputs.safetensors").tensors()
    let expected = try #require(try SafeTensors(path: folder + "/expected.safetensors").tensors()["sample"])
    let skipping: [String: JSONValue] = name == "sd3-control-skip" ? ["skip_layers": .array([.integer(1)])] : [:]
    let output = try noGrad { try model.forward(NamedTensors(inputs), ForwardOptions(settings: skipping)) }
    let sample = try #require(output["sample"])
    #expect(sample.dataType == .bfloat16)
    #expect(try sample.largestDifference(to: expected) < 0.2)
  }
}

@Suite("The autoencoder of Stable Diffusion", .enabled(if: Torch.available))
struct AutoencoderTests {
  @Test("latents are shifted and scaled, and pictures undo it")
  func scaling() throws {
    let folder = DiffusionInputTests.fixtures + "/kl-no-quant"
    let model = try #require(try ModelRegistry.load(folder) as? AutoencoderKL)
    let inputs = try SafeTensors(path: folder + "/inputs.safetensors").tensors()
    let picture = try #require(inputs["sample"])
    let (mean, latents, whole) = try noGrad {
      let mean = try model.encoded(picture).mean
      return (mean, try model.latents(of: picture), try model.pictures(of: model.latents(of: picture)))
    }
    #expect(try latents.largestDifference(to: (mean - 0.0609) * 1.5305) < 1e-6)
    let expected = try #require(try SafeTensors(path: folder + "/expected.safetensors").tensors()["sample"])
    #expect(try whole.largestDifference(to: expected) < 1e-4)
  }

  @Test("a standard normal posterior has no divergence, and samples repeat with their stream")
  func posterior() throws {
    var configuration = AutoencoderKLConfiguration()
    (configuration.widths, configuration.groups) = ([8], 4)
    let model = try AutoencoderKL(configuration, seed: 4)
    let picture = try DiffusionTransformerTests.latents(1, [2, 3, 4, 4])
    let posterior = try noGrad { try model.encoded(picture) }
    #expect(try posterior.divergence().shape == [2])
    #expect(try posterior.divergence().minimum().item() >= 0)
    var (one, two) = (RandomStream(seed: 3), RandomStream(seed: 3))
    #expect(try posterior.sample(&one).largestDifference(to: posterior.sample(&two)) == 0)
  }
}
