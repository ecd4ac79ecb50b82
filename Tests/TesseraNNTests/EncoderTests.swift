import Foundation
import TesseraTensor
import Testing

@testable import TesseraNN

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/models/encoders").path

/// A small random vision transformer with a class token.
private func transformer(_ layers: Int = 3, epsilon: Double = 1e-6) throws -> VisionTransformer {
  let block = EncoderBlock.Configuration(
    attention: .init(width: 16, heads: 4), feedForward: .init(width: 16, hidden: 24, .gelu),
    norm: .layer(epsilon: epsilon))
  var configuration = VisionTransformerConfiguration(width: 16, layers: layers, block: block)
  (configuration.image, configuration.patch) = (Size2D(24, 32), Size2D(4, 8))
  return try VisionTransformer(configuration, .timm(.none), ParameterStore(seed: 1, trained: false).root)
}

private func pictures(_ batch: Int = 2, _ height: Int = 24, _ width: Int = 32) throws -> Tensor {
  var stream = RandomStream(seed: 5)
  return try stream.normal([batch, 3, height, width])
}

private struct DoNothing: TokenHook {
  func transform(_ state: TokenState, at layer: Int, probe: AttentionProbe) throws -> TokenState { state }
}

private struct KeepAll: TokenHook {
  func transform(_ state: TokenState, at layer: Int, probe: AttentionProbe) throws -> TokenState {
    let scores = try probe.row(0).mean([1])
    #expect(scores.shape == [2, state.count])
    return try state.selecting(Tensor.range(0..<state.count).unsqueezed(0).expanded([2, state.count]).contiguous())
  }
}

private struct DropLast: TokenHook {
  func transform(_ state: TokenState, at layer: Int, probe: AttentionProbe) throws -> TokenState {
    let kept = state.count - 2
    return try state.selecting(Tensor.range(0..<kept).unsqueezed(0).expanded([2, kept]).contiguous())
  }
}

@Suite("Encoders", .enabled(if: Torch.available))
struct EncoderTests {
  @Test("A hook that changes nothing leaves the output bit-identical")
  func hooks() throws {
    let model = try transformer()
    let state = try model.embed(pictures()).0
    let plain = try model(state).0.features
    for hook in [DoNothing(), KeepAll()] as [any TokenHook] {
      #expect(try model(state, hook: hook).0.features.largestDifference(to: plain) == 0)
    }
  }

  @Test("A hook that drops tokens shortens all that follows")
  func dropping() throws {
    let model = try transformer()
    let (state, grid) = try model.embed(pictures())
    #expect(grid == Size2D(6, 4) && state.count == 25 && state.special == 1)
    let (last, states) = try model(state, hook: DropLast(), keepingStates: true)
    #expect(states.map { $0.size(1) } == [25, 23, 21, 19])
    #expect(try last.positions?.values(Int.self) == Array(0..<19) + Array(0..<19))
  }

  @Test("A published model takes a hook", arguments: ["timm-vit", "vit-classification", "bert-model", "t5-encoder"])
  func published(_ name: String) throws {
    let model = try ModelRegistry.load("\(fixtures)/\(name)")
    let inputs = try SafeTensors(path: "\(fixtures)/\(name)/inputs.safetensors").tensors()
    let plain = try model.forward(NamedTensors(inputs), ForwardOptions())
    func use(_ hook: any TokenHook) {
      (model as? TimmModel)?.hook = hook
      (model as? ViTModel)?.hook = hook
      (model as? BERTModel)?.hook = hook
      (model as? T5Encoder)?.hook = hook
    }
    use(DoNothing())
    for (key, value) in try model.forward(NamedTensors(inputs), ForwardOptions()) {
      #expect(try plain[key]?.largestDifference(to: value) == 0)
    }
    use(DropLast())
    let states = try model.forward(
      NamedTensors(inputs),
      ForwardOptions(hiddenStates: true, settings: name == "timm-vit" ? ["output_fmt": .string("NLC")] : [:]))
    let lengths = states.filter { $0.key.hasPrefix("hidden_states") }.sorted { $0.key < $1.key }.map {
      $0.value.size(1)
    }
    #expect(zip(lengths, lengths.dropFirst()).allSatisfy { $0 == $1 + 2 })
  }

  @Test("A token that stands for k counts as k equal tokens", arguments: [2, 5])
  func proportional(_ copies: Int) throws {
    let attention = try SelfAttention(
      .init(width: 16, heads: 2), .init(["qkv"], "proj"), ParameterStore(seed: 3, trained: false).root)
    var stream = RandomStream(seed: 9)
    let few = try stream.normal([1, 4, 16])
    let many = try Tensor.concatenated([few] + Array(repeating: few.sliced(3..<4, axis: 1), count: copies - 1), axis: 1)
    var state = TokenState(few)
    state.sizes = try Tensor([1, 1, 1, Float(copies)], [1, 4])
    let merged = try attention(few, bias: state.attentionBias(proportional: true)).output
    let repeated = try attention(many).output.sliced(0..<4, axis: 1)
    #expect(try merged.largestDifference(to: repeated) < 1e-5)
    #expect(try attention(few).output.largestDifference(to: repeated) > 1e-3)
  }

  @Test("Tokens that are masked are tokens that are not there")
  func masking() throws {
    let model = try transformer()
    var state = try model.embed(pictures()).0
    let short = try TokenState(state.features.sliced(0..<20, axis: 1))
    state.mask = try Tensor.range(0..<25).unsqueezed(0).expanded([2, 25]) .< 20
    let masked = try model(state).0.features.sliced(0..<20, axis: 1)
    #expect(try masked.largestDifference(to: model(short).0.features) < 1e-5)
  }

  @Test(
    "Reductions of a probe are reductions of the whole map, with the bias of the forward pass",
    arguments: [false, true])
  func probes(_ isBoolean: Bool) throws {
    var stream = RandomStream(seed: 2)
    let attention = try SelfAttention(
      .init(width: 16, heads: 4), .init(["q", "k", "v"], "o"), ParameterStore(seed: 3, trained: false).root)
    let count = AttentionProbe.rowsAtOnce + 30
    let x = try stream.normal([2, count, 16])
    let numbers = try stream.normal([1, 4, count, count])
    let probe = try attention(x, bias: isBoolean ? numbers .> -1 : numbers).probe
    let map = try probe.weights()
    #expect(try map.sum([3]).largestDifference(to: .ones([2, 4, count])) < 1e-5)
    #expect(
      try map.matmul(probe.values).largestDifference(
        to: probe.queries.attention(probe.keys, probe.values, mask: probe.bias, scale: probe.scale)) < 1e-5)
    #expect(try probe.meanOverHeads().largestDifference(to: map.mean([1])) < 1e-6)
    #expect(try probe.row(7).largestDifference(to: map.selected(7, axis: 2)) < 1e-6)
    #expect(try probe.columnMean().largestDifference(to: map.mean([2])) < 1e-6)
    #expect(try probe.columnMean(1..<140).largestDifference(to: map.sliced(1..<140, axis: 2).mean([2])) < 1e-6)
    let columns = try (stream.normal([2, count]) .> 0).to(.float32)
    #expect(
      try probe.sums(over: columns).largestDifference(
        to: (map * columns.unsqueezed(1).unsqueezed(1)).sum([3])) < 1e-5)
    #expect(throws: TensorError.self) { try probe.row(count) }
    #expect(throws: TensorError.self) { try probe.columnMean(3..<3) }
    #expect(probe.multiplyAdds > 0)
  }

  @Test("Selected rows are replaced where they came from")
  func gathering() throws {
    var stream = RandomStream(seed: 4)
    let x = try stream.normal([2, 6, 3])
    let places = try Tensor([4, 1, 0, 5] as [Int], [2, 2])
    let rows = try x.gatheredRows(places)
    #expect(try rows[0, 0].largestDifference(to: x[0, 4]) == 0)
    #expect(try x.replacingRows(places, with: rows).largestDifference(to: x) == 0)
    #expect(try (x * 0).replacingRows(places, with: rows)[1, 5].largestDifference(to: x[1, 5]) == 0)
  }

  @Test("The same weights under the keys of timm and of Hugging Face give the same tokens")
  func roundTrip() throws {
    let model = try transformer()
    var checkpoint = Checkpoint()
    for (key, value) in model.scope.store.tensors {
      for (name, tensor) in try huggingFace(key, value) {
        checkpoint = checkpoint.adding(name, tensor.shape) { tensor }
      }
    }
    let other = try VisionTransformer(model.configuration, .hub, ParameterStore(checkpoint).root)
    let state = try model.embed(pictures()).0
    let same = try other.embed(pictures()).0
    #expect(try model(state).0.features.largestDifference(to: other(same).0.features) < 1e-6)
  }

  /// The tensors that Hugging Face has for one of timm.
  private func huggingFace(_ key: String, _ value: Tensor) throws -> [(String, Tensor)] {
    let end = key.split(separator: ".").last.map(String.init) ?? ""
    let fixed = ["cls_token": "embeddings.cls_token", "pos_embed": "embeddings.position_embeddings"]
    if let name = fixed[key] { return [(name, value)] }
    if key.hasPrefix("patch_embed") { return [("embeddings.patch_embeddings.projection.\(end)", value)] }
    if key.hasPrefix("norm") { return [("layernorm.\(end)", value)] }
    let words = key.split(separator: ".").map(String.init)
    let block = "encoder.layer.\(words[1])."
    if words[3] == "qkv" {
      return zip(["query", "key", "value"], try value.chunked(3, axis: 0)).map {
        ("\(block)attention.attention.\($0).\(end)", $1)
      }
    }
    let names = [
      "norm1": "layernorm_before", "norm2": "layernorm_after", "proj": "attention.output.dense",
      "fc1": "intermediate.dense",
      "fc2": "output.dense",
    ]
    return [(block + (names[words[2]] ?? names[words[3]] ?? "") + "." + end, value)]
  }
}

@Suite("Multiply-adds", .enabled(if: Torch.available))
struct MultiplyAddTests {
  @Test(
    "The formula gives the figures of DeiT",
    arguments: [(192, 1_253_830_656), (384, 4_599_177_216), (768, 17_564_418_048)])
  func formula(_ width: Int, _ expected: Int) {
    let kept = Array(repeating: 197, count: 12)
    #expect(
      MultiplyAdds.visionTransformer(width: width, tokens: 197, patch: 256, classes: 1000, kept: kept) == expected)
  }

  @Test("Merging 16 tokens in a layer ends at half of the rest")
  func merging() {
    let kept = MultiplyAdds.tokensLeft(197, layers: 12, merging: { _ in 16 })
    #expect(kept == [181, 165, 149, 133, 117, 101, 85, 69, 53, 37, 21, 11])
    #expect(
      MultiplyAdds.visionTransformer(width: 384, tokens: 197, patch: 256, classes: 1000, kept: kept) == 2_291_146_752)
    let eight = MultiplyAdds.tokensLeft(197, layers: 12, merging: { _ in 8 })
    #expect(eight.last == 101)
    #expect(
      MultiplyAdds.visionTransformer(width: 768, tokens: 197, patch: 256, classes: 1000, kept: eight) == 13_104_513_024)
  }

  @Test("Decoding tokens one by one costs what the formula says")
  func decoding() {
    let (d, m, n) = (64, 96, 10)
    let steps = (0..<5).reduce(0) { $0 + 4 * d * d + 2 * d * m + 2 * d * (n + $1) }
    #expect(MultiplyAdds.decode(layers: 3, written: 5, prompt: n, width: d, hidden: m) == 3 * steps)
    #expect(
      MultiplyAdds.exactPrefill(layers: 2, tokens: n, width: d, hidden: m, keyWidth: d, isGated: false)
        == MultiplyAdds.prefill(layers: 2, tokens: n, width: d, hidden: m))
  }

  @Test("The meter counts what a model executes")
  func meter() throws {
    let model = try transformer()
    let images = try pictures(1)
    let meter = MultiplyAddMeter()
    _ = try meter.measure { try model(model.embed(images).0) }
    let (n, c, h) = (25, 16, 24)
    #expect(meter[.convolution] == 24 * 3 * 32 * c)
    #expect(meter[.linear] == 3 * (4 * n * c * c + 2 * n * c * h))
    #expect(meter[.attention] == 3 * 2 * n * n * c)
    #expect(meter.total == meter[.convolution] + meter[.linear] + meter[.attention])
    let projection = try #require(model.scope.store["blocks.1.attn.qkv.weight"])
    #expect(meter[projection] == 3 * n * c * c && meter.attention(behind: projection) == 2 * n * n * c)
    _ = try model(model.embed(images).0)
    #expect(meter[.attention] == 3 * 2 * n * n * c, "what runs outside of measure is not counted")
  }

  @Test("Sums of products are counted by their axes")
  func einsum() throws {
    let (a, b) = (try Tensor.ones([2, 3, 4]), try Tensor.ones([2, 5, 4]))
    let meter = MultiplyAddMeter()
    _ = try meter.measure { try Tensor.einsum("bid,bjd->bij", a, b) }
    #expect(meter.total == 2 * 3 * 5 * 4)
    _ = try meter.measure { try a.matmul(b.transposed()) }
    #expect(meter.total == 2 * 2 * 3 * 5 * 4)
  }

  @Test(
    "A report of a folder adds up",
    arguments: [
      "timm-vit", "vit-classification", "bert-pretraining", "t5-gated", "deit-teacher", "../language/gpt2-hub-keys",
      "../multimodal/llava-hub",
    ])
  func report(_ name: String) throws {
    let report = try ModelReport(folder: "\(fixtures)/\(name)", tokens: 9)
    #expect(report.parts.reduce(0) { $0 + $1.parameters } == report.parameters)
    #expect(report.parts.reduce(0) { $0 + ($1.multiplyAdds ?? 0) } == report.total)
    #expect(report.total != nil && report.inputs.count == (name.hasSuffix("llava-hub") ? 2 : 1))
    if let counted = report.counted, let total = report.total {
      // A patch for every token in front: 48 values of a patch, 16 of a token.
      #expect(counted - total == (name.hasPrefix("deit") ? 2 : 1) * 48 * 16)
    }
  }
}

@Suite("Folders of encoders that cannot be used", .enabled(if: Torch.available))
struct BrokenEncoderTests {
  /// A copy of a fixture with other values in its configuration; null removes a key.
  private func refused(_ name: String, _ changes: String) throws -> String {
    let folder = NSTemporaryDirectory() + "tessera-encoder-\(UUID().uuidString)"
    try FileManager.default.copyItem(atPath: "\(fixtures)/\(name)", toPath: folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func object(_ data: Data) throws -> [String: JSONValue] {
      try JSONDecoder().decode([String: JSONValue].self, from: data)
    }
    var values = try object(Data(contentsOf: URL(fileURLWithPath: folder + "/config.json")))
    for (key, value) in try object(Data(changes.utf8)) {
      if case .object(let inner) = value, case .object(let old)? = values[key] {
        values[key] = .object(old.merging(inner) { $1 })
      } else {
        values[key] = value
      }
    }
    try JSONEncoder().encode(values).write(to: URL(fileURLWithPath: folder + "/config.json"))
    do {
      _ = try ModelRegistry.load(folder)
      return "nothing was refused"
    } catch let error as CheckpointError {
      return "\(error)"
    }
  }

  @Test(
    "are refused by the key that is wrong",
    arguments: [
      ("bert-model", #"{"num_attention_heads": 0}"#, "num_attention_heads"),
      ("bert-model", #"{"num_attention_heads": 3}"#, "num_attention_heads"),
      ("bert-model", #"{"hidden_size": -16}"#, "hidden_size"), ("bert-model", #"{"hidden_size": "16"}"#, "hidden_size"),
      ("bert-model", #"{"vocab_size": 9223372036854775807}"#, "vocab_size"),
      ("bert-model", #"{"hidden_act": "mystery"}"#, "hidden_act"), ("bert-model", #"{"hidden_act": 3}"#, "hidden_act"),
      ("bert-model", #"{"layer_norm_eps": -1}"#, "layer_norm_eps"),
      ("bert-model", #"{"position_embedding_type": "relative_key"}"#, "position_embedding_type"),
      ("bert-model", #"{"vocab_size": 41}"#, "embeddings.word_embeddings.weight"),
      ("bert-model", #"{"num_hidden_layers": 3}"#, "encoder.layer.2"),
      ("bert-masked-lm-untied", #"{"architectures": ["BertForSequenceClassification"]}"#, "classifier.weight"),
      ("t5-encoder", #"{"relative_attention_num_buckets": 2}"#, "relative_attention_num_buckets"),
      ("t5-encoder", #"{"relative_attention_max_distance": 8}"#, "relative_attention_max_distance"),
      ("t5-encoder", #"{"feed_forward_proj": "gated-"}"#, "feed_forward_proj"),
      ("t5-encoder", #"{"feed_forward_proj": "a-b-c"}"#, "feed_forward_proj"),
      ("t5-encoder", #"{"d_kv": 0}"#, "d_kv"),
      ("t5-encoder", #"{"d_kv": 16777216, "num_heads": 16777216}"#, "SelfAttention"),
      ("vit-classification", #"{"patch_size": 0}"#, "patch_size"),
      ("vit-classification", #"{"patch_size": 32}"#, "image_size"),
      ("vit-classification", #"{"image_size": [1, 2, 3]}"#, "image_size"),
      ("vit-classification", #"{"image_size": 20}"#, "position_embeddings"),
      ("vit-classification", #"{"num_attention_heads": 17}"#, "num_attention_heads"),
      ("vit-classification", #"{"head_dim": -4}"#, "num_attention_heads"),
      ("vit-masked-image", #"{"encoder_stride": 16777216}"#, "encoder_stride"),
      ("timm-vit", #"{"architecture": "resnet50"}"#, "resnet50"),
      ("timm-vit", #"{"model_args": {"num_heads": 5}}"#, "num_heads"),
      ("timm-vit", #"{"model_args": {"global_pool": "prr"}}"#, "global_pool"),
      ("timm-vit", #"{"model_args": {"mlp_ratio": -1}}"#, "mlp_ratio"),
      ("timm-vit", #"{"model_args": {"mlp_ratio": 1e300}}"#, "mlp_ratio"),
      ("timm-vit", #"{"model_args": {"class_token": false}}"#, "global_pool"),
      ("timm-vit", #"{"model_args": {"attn_layer": "diff"}}"#, "attn_layer"),
      ("timm-distilled", #"{"model_args": {"reg_tokens": 2}}"#, "class_token"),
      ("timm-swiglu", #"{"model_args": {"mlp_ratio": 1.1}}"#, "mlp_ratio"),
    ])
  func configurations(_ name: String, _ changes: String, _ key: String) throws {
    let message = try refused(name, changes)
    #expect(message.contains(key), "\(message)")
  }

  @Test("Inputs that do not fit are refused, not computed with")
  func inputs() throws {
    let bert = try ModelRegistry.load("\(fixtures)/bert-model")
    let vit = try ModelRegistry.load("\(fixtures)/vit-classification")
    let timm = try ModelRegistry.load("\(fixtures)/timm-vit")
    let t5 = try ModelRegistry.load("\(fixtures)/t5-encoder")
    func refuses(_ model: any PublishedModel, _ inputs: [String: Tensor], _ settings: [String: JSONValue] = [:]) {
      #expect(throws: TensorError.self) { try model.forward(NamedTensors(inputs), ForwardOptions(settings: settings)) }
    }
    let ids = try Tensor.ones([2, 5], .int64)
    refuses(bert, [:])
    refuses(bert, ["input_ids": ids, "inputs_embeds": try .ones([2, 5, 16])])
    refuses(bert, ["inputs_embeds": try .ones([2, 5, 15])])
    refuses(bert, ["input_ids": try ids * 1000])
    refuses(bert, ["input_ids": try .ones([1, 25], .int64)])
    refuses(bert, ["input_ids": ids, "attention_mask": try .ones([2, 6], .int64)])
    refuses(bert, ["input_ids": ids, "attention_mask": try .ones([2, 1, 5], .int64)])
    refuses(bert, ["input_ids": ids, "token_type_ids": try ids * 7])
    refuses(bert, ["input_ids": ids, "labels": ids])
    refuses(bert, ["input_ids": ids], ["interpolate_pos_encoding": .bool(true)])
    refuses(t5, ["input_ids": ids, "decoder_input_ids": ids])
    refuses(t5, ["inputs_embeds": try .ones([2, 5, 3])])
    let picture = try Tensor.ones([1, 3, 16, 16])
    refuses(vit, ["pixel_values": try .ones([1, 3, 16, 20])])
    refuses(vit, ["pixel_values": try .ones([1, 4, 16, 16])])
    refuses(vit, ["pixel_values": try .ones([1, 3, 3, 3])], ["interpolate_pos_encoding": .bool(true)])
    refuses(vit, ["pixel_values": picture], ["interpolate_pos_encoding": .integer(1)])
    refuses(vit, ["pixel_values": picture, "bool_masked_pos": try .ones([1, 16], .bool)])
    refuses(timm, ["pixel_values": try .ones([3, 16, 16])])
    #expect(throws: TensorError.self) {
      try timm.forward(
        NamedTensors(["pixel_values": picture]),
        ForwardOptions(hiddenStates: true, settings: ["indices": .array([.integer(2)])]))
    }
  }
}
