import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("Models that see", .enabled(if: Torch.available))
struct MultimodalTests {
  @Test(
    "LLaVA decodes greedily with a cache as the reference does, padding on the left included",
    arguments: ["llava-hub", "llava-middle-keys", "llava-tied"])
  func greedy(_ name: String) throws {
    let expected = try tensors(name, "greedy")
    let logits = try #require(expected["step_logits"])
    let model = try ModelRegistry.load(MultimodalFixtures.folder(name))
    let found = try noGrad {
      try model.forward(NamedTensors(tensors(name, "inputs")), ForwardOptions(greedy: logits.size(1)))
    }
    #expect(try found["sequences"]?.values(Int.self) == expected["sequences"]?.values(Int.self))
    #expect(try #require(found["step_logits"]).largestDifference(to: logits) < 1e-4)
  }

  @Test("an image that a decoder reads in two parts with a cache gives the logits of one part")
  func incremental() throws {
    let model = try LlavaModel(folder: MultimodalFixtures.folder("llava-new-keys"))
    let inputs = try tensors("llava-new-keys", "inputs")
    try noGrad {
      let tokens = try #require(inputs["input_ids"]).sliced(0..<1, axis: 0)
      let images = try #require(inputs["pixel_values"]).sliced(0..<1, axis: 0)
      let vectors = try model.embed(tokens, images: images)
      let whole = try model.logits(model.hidden(TextInput(embeddings: vectors)))
      let cache = model.makeCache()
      let cut = 5
      let parts = try [0..<cut, cut..<vectors.size(1)].map {
        try model.logits(model.hidden(TextInput(embeddings: vectors.sliced($0, axis: 1)), cache: cache))
      }
      #expect(try Tensor.concatenated(parts, axis: 1).largestDifference(to: whole) < 1e-5)
    }
  }

  @Test("a hook in CLIP's layers sees every layer and may drop tokens")
  func hook() throws {
    let model = try #require(ModelRegistry.load(MultimodalFixtures.folder("clip-vision")) as? CLIPVisionModel)
    let images = try #require(tensors("clip-vision", "inputs")["pixel_values"])
    try noGrad {
      let plain = try model.vision(images)
      let idle = Dropping(count: 0)
      #expect(try model.vision(images, hook: idle).lastHiddenState.largestDifference(to: plain.lastHiddenState) == 0)
      #expect(idle.layers == [0, 1])
      let fewer = try model.vision(images, hook: Dropping(count: 3)).lastHiddenState
      #expect(fewer.shape == [2, 10 - 2 * 3, 24])
    }
  }

  @Test("a probe of DETR's decoder shows where a query looks: nowhere outside of its picture")
  func probe() throws {
    let model = try #require(ModelRegistry.load(MultimodalFixtures.folder("detr-resnet")) as? DETRDetector)
    let inputs = try tensors("detr-resnet", "inputs")
    try noGrad {
      let detr = model.transformer
      let memory = try detr.encode(detr.embed(#require(inputs["pixel_values"]), pixelMask: inputs["pixel_mask"]))
      let queries = try Tensor.zeros([2, 5, 16])
      let weights = try detr.decoderLayers[0].look(queries, places: queries, memory).1.weights()
      let mask = try #require(memory.mask)
      #expect(try mask.to(.int64).minimum().integer() == 0)
      #expect(try weights.filled(0, where: mask).maximum(along: [0, 1, 2, 3]).item() == 0)
      #expect(abs(try weights.sum([3]).mean().item() - 1) < 1e-6)
    }
  }

  @Test("gradients reach every trained parameter of CLIP")
  func gradients() throws {
    let model = try CLIPModel(
      folder: ModelFolder(MultimodalFixtures.folder("clip-loss")), options: LoadOptions(trained: true))
    let outputs = try model.forward(
      NamedTensors(tensors("clip-loss", "inputs")), ForwardOptions(settings: ["return_loss": .bool(true)]))
    try #require(outputs["loss"]).backward()
    #expect(model.store.parameters.allSatisfy { $0.gradient != nil })
  }

  @Test(
    "the report of a folder runs both of CLIP's encoders, and LLaVA on an image",
    arguments: [
      ("clip-hub", "vision_model.encoder.layers.*.mlp", "text_model.encoder.layers.*.mlp"),
      ("llava-full-layers", "vision_tower.vision_model.encoder.layers.*.mlp", "language_model.model.layers.*.mlp"),
      ("detr-timm-hub", "model.backbone.conv_encoder.model.conv1", "model.decoder.layers.*.encoder_attn"),
    ])
  func report(_ name: String, _ first: String, _ second: String) throws {
    let report = try ModelReport(folder: MultimodalFixtures.folder(name), tokens: 9)
    for name in [first, second] {
      let part = report.parts.first { $0.name == name }
      #expect(try #require(part, "\(report.parts.map(\.name))").multiplyAdds ?? 0 > 0)
    }
  }

  private func tensors(_ name: String, _ file: String) throws -> [String: Tensor] {
    try SafeTensors(path: MultimodalFixtures.folder(name) + "/\(file).safetensors").tensors()
  }

  /// Drops the last tokens of every layer.
  private final class Dropping: TokenHook {
    let count: Int
    var layers: [Int] = []

    init(count: Int) { self.count = count }

    func transform(_ state: TokenState, at layer: Int, probe: AttentionProbe) throws -> TokenState {
      layers.append(layer)
      guard count > 0 else { return state }
      let kept = try Tensor.range(0..<(state.count - count)).unsqueezed(0).expanded([state.features.size(0), -1])
      return try state.selecting(kept)
    }
  }
}

/// Where the fixtures of these models are, and copies of them in which something is wrong.
enum MultimodalFixtures {
  static func folder(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/models/multimodal/\(name)").path
  }

  /// Runs a body on a copy of a folder whose configuration was changed.
  static func altered<Result>(
    _ name: String, _ change: (inout [String: Any]) -> Void, _ body: (String) throws -> Result
  ) throws -> Result {
    let copy = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: copy) }
    try FileManager.default.copyItem(at: URL(fileURLWithPath: folder(name)), to: copy)
    let file = copy.appendingPathComponent("config.json")
    var values = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    change(&values)
    try JSONSerialization.data(withJSONObject: values).write(to: file)
    return try body(copy.path)
  }
}
