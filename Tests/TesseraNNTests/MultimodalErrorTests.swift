import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("Models that see refuse what cannot be used", .enabled(if: Torch.available))
struct MultimodalErrorTests {
  /// A fixture, where a value of its configuration is (keys joined by dots), and the value as JSON.
  struct BadValue: CustomTestStringConvertible, Sendable {
    let name, path, json: String
    var testDescription: String { "\(name): \(path) = \(json)" }
  }

  static let badValues: [BadValue] = {
    let list: [(String, [String], [String])] = [
      (
        "clip-hub",
        ["text_config.hidden_size", "text_config.num_attention_heads", "vision_config.patch_size", "projection_dim"],
        ["0", "-4", "5000000000", "\"wide\"", "[1]"]
      ),
      ("clip-hub", ["text_config.num_attention_heads", "vision_config.num_attention_heads"], ["5", "7"]),
      ("clip-hub", ["text_config.num_hidden_layers"], ["-1", "3", "100000000000"]),
      ("clip-hub", ["text_config.hidden_act", "vision_config.hidden_act"], ["\"no_such\"", "3"]),
      ("clip-hub", ["vision_config.image_size"], ["7", "0", "100000000", "32"]),
      ("clip-hub", ["text_config.layer_norm_eps"], ["-1", "\"small\""]),
      ("clip-text", ["vocab_size", "max_position_embeddings", "intermediate_size"], ["0", "51", "1e30"]),
      ("detr-resnet", ["d_model"], ["0", "-16", "18", "6", "1000000000000"]),
      ("detr-resnet", ["encoder_attention_heads", "decoder_attention_heads"], ["0", "-1", "3"]),
      ("detr-resnet", ["num_queries", "encoder_ffn_dim"], ["0", "6", "99999999999"]),
      ("detr-resnet", ["position_embedding_type"], ["\"round\"", "\"learned\""]),
      ("detr-resnet", ["backbone_config.hidden_sizes"], ["[]", "[8]", "[1,1,1,1]", "[8,8,8,0]", "[8,8,12,1e12]", "3"]),
      ("detr-resnet", ["backbone_config.depths"], ["[1,2,1]", "[1,2,1,0]", "[1,2,1,-1]", "[1,2,1,1000000]"]),
      ("detr-resnet", ["backbone_config.out_features"], ["[]", "[\"stage9\"]"]),
      ("detr-resnet", ["backbone_config.layer_type", "backbone_config.model_type"], ["\"strange\"", "7"]),
      (
        "detr-timm-hub", ["backbone"],
        ["\"resnet51\"", "\"vit_base\"", "\"\"", "\"resnext50_0x4d\"", "\"resnext50_3x4d\""]
      ),
      (
        "detr-timm-hub",
        [
          "backbone_kwargs.channels", "backbone_kwargs.layers", "backbone_kwargs.out_indices",
          "backbone_kwargs.output_stride",
          "backbone_kwargs.other",
        ], ["[]", "[0,1,2,9]", "[9]", "7", "-1", "\"x\""]
      ),
      ("llava-hub", ["vision_feature_layer"], ["9", "-5", "[]", "[0,77]", "\"last\"", "[-1,-2]"]),
      ("llava-hub", ["vision_feature_select_strategy", "projector_hidden_act"], ["\"some\"", "1"]),
      ("llava-hub", ["vision_config.model_type", "text_config.model_type"], ["\"siglip_vision_model\"", "\"gpt2\""]),
      (
        "llava-hub", ["text_config.num_attention_heads", "text_config.hidden_size"], ["0", "-1", "5", "1000000000000"]
      ),
    ]
    return list.flatMap { name, paths, values in
      paths.flatMap { path in values.map { BadValue(name: name, path: path, json: $0) } }
    }
  }()

  @Test("a value of a configuration that fits nothing", arguments: badValues)
  func configuration(_ bad: BadValue) throws {
    let value = try JSONSerialization.jsonObject(with: Data(bad.json.utf8), options: .fragmentsAllowed)
    try MultimodalFixtures.altered(bad.name) { values in
      var keys = bad.path.split(separator: ".").map(String.init)
      let last = keys.removeLast()
      if let outer = keys.first, var inner = values[outer] as? [String: Any] {
        inner[last] = value
        values[outer] = inner
      } else {
        values[last] = value
      }
    } _: { folder in
      let error = #expect(throws: (any Error).self) { _ = try ModelRegistry.load(folder) }
      #expect(error is CheckpointError || error is TensorError, "\(String(describing: error))")
    }
  }

  @Test("a key that is missing is named, with its shape")
  func missingKey() throws {
    try MultimodalFixtures.altered("detr-model") {
      $0["decoder_layers"] = 3
    } _: { folder in
      let error = #expect(throws: CheckpointError.self) { _ = try ModelRegistry.load(folder) }
      #expect("\(String(describing: error))".contains("model.decoder.layers.2.self_attn.q_proj.weight"))
    }
  }

  /// A fixture, an input, and what is put in its place; nil takes it away.
  struct BadInput: CustomTestStringConvertible, Sendable {
    let name, input: String
    let value: @Sendable () throws -> Tensor?
    let settings: [String: JSONValue]
    var testDescription: String { "\(name): \(input)" }

    init(
      _ name: String, _ input: String, _ settings: [String: JSONValue] = [:],
      _ value: @escaping @Sendable () throws -> Tensor? = { nil }
    ) {
      (self.name, self.input, self.settings, self.value) = (name, input, settings, value)
    }
  }

  static let badInputs = [
    BadInput("clip-hub", "pixel_values"),
    BadInput("clip-hub", "input_ids"),
    BadInput("clip-hub", "pixel_values") { try .zeros([2, 3, 24]) },
    BadInput("clip-hub", "pixel_values") { try .zeros([2, 1, 24, 24]) },
    BadInput("clip-hub", "pixel_values") { try .zeros([2, 3, 24, 32]) },
    BadInput("clip-vision", "pixel_values", ["interpolate_pos_encoding": .bool(true)]) { try .zeros([2, 3, 4, 32]) },
    BadInput("clip-vision", "pixel_values", ["interpolate_pos_encoding": .integer(3)]) { try .zeros([2, 3, 24, 24]) },
    BadInput("clip-vision", "nothing", ["no_such": .bool(true)]),
    BadInput("clip-hub", "input_ids") { try .zeros([3, 99], .int64) },
    BadInput("clip-hub", "input_ids") { try .full([3, 9], 50, .int64) },
    BadInput("clip-hub", "input_ids") { try .full([3, 9], -1, .int64) },
    BadInput("clip-hub", "input_ids") { try .zeros([3, 0], .int64) },
    BadInput("clip-hub", "attention_mask") { try .zeros([3, 8], .int64) },
    BadInput("clip-hub", "position_ids") { try .full([1, 9], 12, .int64) },
    BadInput("clip-hub", "position_ids") { try .zeros([1, 8], .int64) },
    BadInput("clip-hub", "strange") { try .zeros([1]) },
    BadInput("detr-resnet", "pixel_values"),
    BadInput("detr-resnet", "pixel_values") { try .zeros([2, 4, 40, 36]) },
    BadInput("detr-resnet", "pixel_values") { try .zeros([2, 3, 0, 36]) },
    BadInput("detr-resnet", "pixel_mask") { try .zeros([2, 40, 40], .int64) },
    BadInput("detr-resnet", "decoder_inputs_embeds") { try .zeros([2, 4, 16]) },
    BadInput("detr-resnet", "decoder_attention_mask") { try .zeros([2, 4], .int64) },
    BadInput("detr-resnet", "inputs_embeds") { try .zeros([2, 8, 16]) },
    BadInput("llava-hub", "input_ids"),
    BadInput("llava-hub", "input_ids") { try .zeros([2, 15], .int64) },
    BadInput("llava-hub", "input_ids") { try .full([2, 15], 96, .int64) },
    BadInput("llava-hub", "inputs_embeds") { try .zeros([2, 15, 24]) },
    BadInput("llava-hub", "pixel_values") { try .zeros([3, 3, 24, 24]) },
    BadInput("llava-hub", "pixel_values") { try .zeros([2, 3, 20, 24]) },
    BadInput("llava-hub", "nothing", ["vision_feature_layer": .integer(9)]),
    BadInput("llava-hub", "nothing", ["vision_feature_layer": .string("x")]),
    BadInput("llava-hub", "nothing", ["vision_feature_select_strategy": .string("x")]),
    BadInput("llava-hub", "nothing", ["vision_feature_select_strategy": .string("full")]),
  ]

  @Test("an input that fits nothing", arguments: badInputs)
  func input(_ bad: BadInput) throws {
    let folder = MultimodalFixtures.folder(bad.name)
    let model = try ModelRegistry.load(folder)
    var inputs = try SafeTensors(path: folder + "/inputs.safetensors").tensors()
    inputs[bad.input] = try bad.value()
    let error = #expect(throws: (any Error).self) {
      _ = try noGrad { try model.forward(NamedTensors(inputs), ForwardOptions(settings: bad.settings)) }
    }
    #expect(error is TensorError, "\(String(describing: error))")
  }
}
