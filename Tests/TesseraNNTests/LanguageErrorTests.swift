import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("Damaged language models and wrong inputs are refused", .enabled(if: Torch.available))
struct LanguageErrorTests {
  struct Change: Sendable, CustomTestStringConvertible {
    let folder, key: String
    let value: JSONValue
    /// What the message must name, if not the key.
    var named: String?
    var testDescription: String { "\(folder), \(key)" }
  }

  static let changes: [Change] = [
    Change(folder: "gpt2-padded", key: "n_head", value: .integer(0)),
    Change(folder: "gpt2-padded", key: "n_head", value: .integer(5), named: "n_embd"),
    Change(folder: "gpt2-padded", key: "n_layer", value: .integer(-1)),
    Change(folder: "gpt2-padded", key: "n_layer", value: .integer(9), named: "transformer.h.2.ln_1.weight"),
    Change(folder: "gpt2-padded", key: "n_embd", value: .integer(1 << 62)),
    Change(folder: "gpt2-padded", key: "n_embd", value: .integer(64), named: "wte.weight"),
    Change(folder: "gpt2-padded", key: "vocab_size", value: .string("many")),
    Change(folder: "gpt2-padded", key: "activation_function", value: .string("bump")),
    Change(folder: "gpt2-padded", key: "architectures", value: .array([.string("GPT9")]), named: "GPT9"),
    Change(folder: "llama-grouped", key: "num_attention_heads", value: .integer(0)),
    Change(folder: "llama-grouped", key: "num_key_value_heads", value: .integer(3), named: "num_attention_heads"),
    Change(folder: "llama-grouped", key: "num_key_value_heads", value: .integer(-2)),
    Change(folder: "llama-grouped", key: "hidden_size", value: .integer(Int.max)),
    Change(folder: "llama-grouped", key: "hidden_size", value: .integer(30)),
    Change(folder: "llama-grouped", key: "head_dim", value: .integer(7)),
    Change(folder: "llama-grouped", key: "vocab_size", value: .integer(44), named: "embed_tokens.weight"),
    Change(folder: "llama-grouped", key: "intermediate_size", value: .integer(25), named: "gate_proj.weight"),
    Change(folder: "llama-grouped", key: "mlp_bias", value: .bool(true), named: "gate_proj.bias"),
    Change(folder: "llama-grouped", key: "hidden_act", value: .string("bump")),
    Change(folder: "llama-grouped", key: "rope_theta", value: .integer(0)),
    Change(folder: "llama-grouped", key: "rms_norm_eps", value: .integer(-1)),
    Change(folder: "llama-grouped", key: "max_position_embeddings", value: .integer(0)),
    Change(folder: "llama-grouped", key: "rope_scaling", value: .object(["type": .string("spiral")]), named: "spiral"),
    Change(folder: "llama-grouped", key: "rope_scaling", value: .object(["type": .string("linear")]), named: "factor"),
    Change(
      folder: "llama-grouped", key: "rope_scaling",
      value: .object(["type": .string("yarn"), "factor": .integer(-1)]), named: "factor"),
    Change(
      folder: "llama-grouped", key: "rope_scaling",
      value: .object(["type": .string("longrope"), "short_factor": .array([.integer(1)]), "long_factor": .array([])]),
      named: "short_factor"),
    Change(
      folder: "llama-grouped", key: "rope_scaling",
      value: .object(["type": .string("llama3"), "factor": .integer(8), "low_freq_factor": .integer(1)]),
      named: "high_freq_factor"),
    Change(folder: "mistral-window", key: "sliding_window", value: .integer(0)),
    Change(folder: "qwen2-sliding", key: "layer_types", value: .array([.string("full_attention")])),
    Change(folder: "qwen2-sliding", key: "layer_types", value: .array([.string("round_attention")])),
    Change(
      folder: "qwen2", key: "layer_types", value: .array([.string("sliding_attention"), .string("full_attention")])),
    Change(folder: "qwen3", key: "attention_bias", value: .bool(true), named: "q_proj.bias"),
  ]

  @Test("naming the key", arguments: changes)
  func configuration(_ change: Change) throws {
    let folder = try LanguageFixtures.copy(change.folder, [change.key: change.value])
    defer { LanguageFixtures.remove(folder) }
    let error = try #require(throws: CheckpointError.self) { _ = try ModelRegistry.load(folder) }
    #expect("\(error)".contains(change.named ?? change.key), "\(error)")
  }

  @Test("when a tensor is missing")
  func missing() throws {
    let folder = try LanguageFixtures.copy("llama-grouped")
    defer { LanguageFixtures.remove(folder) }
    var tensors = try SafeTensors(path: folder + "/model.safetensors").tensors().mapValues { try $0.copy() }
    tensors["model.layers.1.self_attn.k_proj.weight"] = nil
    try SafeTensors.write(tensors, to: folder + "/model.safetensors")
    let error = try #require(throws: CheckpointError.self) { _ = try ModelRegistry.load(folder) }
    #expect("\(error)".contains("model.layers.1.self_attn.k_proj.weight"))
  }

  @Test("when inputs are not what the model takes")
  func inputs() throws {
    let llama = try LanguageFixtures.decoder("llama-grouped")
    let gpt2 = try LanguageFixtures.decoder("gpt2-padded")
    let base = try LanguageFixtures.decoder("llama-base")
    let tokens = try Tensor([1, 2, 3, 4], [2, 2])
    func refused(
      _ model: any DecoderModel, _ inputs: [String: Tensor], _ name: String, _ settings: [String: JSONValue] = [:],
      greedy: Int? = nil
    ) throws {
      let error = try #require(throws: TensorError.self) {
        _ = try model.forward(NamedTensors(inputs), ForwardOptions(settings: settings, greedy: greedy))
      }
      #expect("\(error)".contains(name), "\(error)")
    }
    try refused(llama, [:], "input_ids")
    try refused(llama, ["input_ids": tokens, "pixel_values": tokens], "pixel_values")
    try refused(llama, ["input_ids": tokens, "token_type_ids": tokens], "token_type_ids")
    try refused(llama, ["input_ids": try Tensor([1, 2])], "input_ids")
    try refused(llama, ["input_ids": try Tensor([1, 2] as [Float], [1, 2])], "input_ids")
    try refused(llama, ["input_ids": try Tensor.zeros([1, 0], .int64)], "nothing")
    try refused(llama, ["input_ids": tokens, "inputs_embeds": try Tensor.zeros([2, 2, 32])], "either")
    try refused(llama, ["inputs_embeds": try Tensor.zeros([2, 2, 31])], "inputs_embeds")
    try refused(llama, ["input_ids": try Tensor([1, 99], [1, 2])], "embedding")
    try refused(llama, ["input_ids": try Tensor([1, -1], [1, 2])], "embedding")
    try refused(llama, ["input_ids": tokens, "position_ids": try Tensor([1, 2, 3], [1, 3])], "position_ids")
    try refused(llama, ["input_ids": tokens, "attention_mask": try Tensor([1, 2, 3], [3])], "attention_mask")
    try refused(llama, ["input_ids": tokens, "attention_mask": try Tensor([1, 2, 3], [1, 3])], "attention_mask")
    try refused(
      llama, ["input_ids": tokens, "attention_mask": try Tensor.ones([2, 1, 2, 2], .int64)], "attention_mask")
    try refused(
      llama, ["input_ids": tokens, "attention_mask": try Tensor.ones([2, 1, 3, 3], .bool)], "attention_mask")
    try refused(llama, ["input_ids": tokens, "labels": try Tensor([1, 2, 3], [1, 3])], "labels")
    try refused(llama, ["input_ids": tokens], "logits_to_keep", ["logits_to_keep": .string("all")])
    try refused(llama, ["input_ids": tokens], "temperature", ["temperature": .integer(1)])
    try refused(gpt2, ["input_ids": try Tensor(Array(repeating: 1, count: 41), [1, 41])], "positions")
    try refused(gpt2, ["input_ids": tokens, "encoder_hidden_states": try Tensor.zeros([2, 2, 32])], "cross-attention")
    try refused(base, ["input_ids": tokens], "head", greedy: 3)
  }
}
