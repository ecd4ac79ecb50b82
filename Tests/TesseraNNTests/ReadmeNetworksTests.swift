import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("The README on networks", .enabled(if: Torch.available))
struct ReadmeNetworksTests {
  @Test("its snippets run")
  func snippets() async throws {
    let llama = try TextGenerationTests.folder()
    defer { LanguageFixtures.remove(llama) }
    let weights = llama + "/weights.safetensors"
    var printed: [String] = []
    func print(_ items: Any..., terminator: String = "\n") {
      printed.append(items.map { "\($0)" }.joined(separator: " ") + terminator)
    }
    do {
      // snippet
      let x = try Tensor([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
      let scores = try x.matmul(x.transposed()).softmax()  // [2, 2]
      let heads = try x.rearranged("n (h d) -> h n d", h: 3)
      print(scores.shape, heads.shape, try heads[0, Axis.all, -1].values(Float.self))

      let store = ParameterStore(seed: 1)
      let layer = try Linear(3, 1, store.root / "layer")  // layer.weight, layer.bias: the keys of the checkpoint
      let target = try Tensor([1, -1] as [Float], [2, 1])
      let optimizer = AdamW(store.parameters, learningRate: 0.05)
      for _ in 0..<200 {
        try (layer(x) - target).squared().mean().backward()
        try optimizer.step()
        try optimizer.clearGradients()
      }
      try store.write(to: weights)
      // end
      #expect(printed == ["[2, 2] [3, 2, 1] [1.0, 4.0]\n"])
      #expect(try (layer(x) - target).abs().maximum().item() < 0.1)
      #expect(try SafeTensors(path: weights).keys == ["layer.bias", "layer.weight"])
    }
    printed.removeAll()
    do {
      // snippet
      let model = try LlamaModel(folder: llama)  // config.json, safetensors, a tokenizer of any format
      for try await piece in model.generate("once upon a time", maxTokens: 16, sampling: .greedy) {
        print(piece, terminator: "")
      }
      let ids = try Tensor([3, 4, 5], [1, 3])
      let outputs = try noGrad { try model.forward(NamedTensors(["input_ids": ids]), ForwardOptions()) }
      print(outputs["logits"]?.shape ?? [])  // [batch, tokens, vocabulary]
      // end
      #expect(!printed.dropLast().joined().isEmpty)
      #expect(printed.last?.hasPrefix("[1, 3, ") == true)
    }
  }
}
