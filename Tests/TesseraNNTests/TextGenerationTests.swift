import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("Text is written", .enabled(if: Torch.available))
struct TextGenerationTests {
  /// A model with a tokenizer of single characters: ids 3... are letters and the space.
  static func folder(_ name: String = "llama-grouped", _ changes: [String: JSONValue?] = ["eos_token_id": .null]) throws
    -> String
  {
    let folder = try LanguageFixtures.copy(name, changes)
    let letters = Array(" abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP".prefix(40)).map(String.init)
    let vocabulary = Dictionary(uniqueKeysWithValues: (["<u>", "<s>", "</s>"] + letters).enumerated().map { ($1, $0) })
    let json: [String: Any] = [
      "version": "1.0", "added_tokens": [],
      "normalizer": NSNull(),
      "pre_tokenizer": ["type": "Split", "pattern": ["String": ""], "behavior": "Isolated", "invert": false],
      "post_processor": NSNull(), "decoder": ["type": "Fuse"],
      "model": ["type": "BPE", "vocab": vocabulary, "merges": [], "unk_token": "<u>"] as [String: Any],
    ]
    try JSONSerialization.data(withJSONObject: json).write(to: URL(fileURLWithPath: folder + "/tokenizer.json"))
    return folder
  }

  static func text(_ generation: TextGeneration) async throws -> String {
    var text = ""
    for try await piece in generation { text += piece }
    return text
  }

  @Test("greedily, as many tokens as asked for, the same as by reading everything again")
  func greedy() async throws {
    let folder = try Self.folder()
    defer { LanguageFixtures.remove(folder) }
    let model = try LlamaModel(folder: folder)
    let text = try await Self.text(model.generate("once upon", maxTokens: 12, sampling: .greedy))
    let tokenizer = try #require(model.source).tokenizer()
    var tokens = try tokenizer.encode("once upon").ids.map { Int($0) }
    let start = tokens.count
    for _ in 0..<12 {
      tokens.append(try noGrad { try model(tokenRow(tokens)).selected(tokens.count - 1, axis: 1).argmax().integer() })
    }
    #expect(text == tokenizer.decode(tokens[start...].map { UInt32($0) }))
  }

  @Test("by chance, from a seed")
  func sampled() async throws {
    let folder = try Self.folder("gpt2-padded", ["eos_token_id": .null, "vocab_size": .integer(61)])
    defer { LanguageFixtures.remove(folder) }
    let model = try GPT2Model(folder: folder)
    let sampling = TokenSampling(temperature: 1.5, topK: 30)
    let first = try await Self.text(model.generate("once", maxTokens: 20, sampling: sampling, seed: 1))
    #expect(try await Self.text(model.generate("once", maxTokens: 20, sampling: sampling, seed: 1)) == first)
    #expect(try await Self.text(model.generate("once", maxTokens: 20, sampling: sampling, seed: 2)) != first)
  }

  @Test("until a token ends it")
  func ends() throws {
    let model = try LanguageFixtures.decoder("llama-grouped")
    let free = try TokenWriter(model, prompt: [5, 6], maxTokens: 8, sampling: .greedy, ends: [])
    var written: [Int] = []
    while let token = try free.next() { written.append(token) }
    #expect(written.count == 8)
    let last = written[4]
    let bound = try TokenWriter(model, prompt: [5, 6], maxTokens: 8, sampling: .greedy, ends: [last])
    var before: [Int] = []
    while let token = try bound.next() { before.append(token) }
    #expect(before == Array(written.prefix { $0 != last }))
    #expect(try bound.next() == nil)
  }

  @Test("but not without a tokenizer, tokens, or room")
  func refusals() async throws {
    let folder = try Self.folder()
    defer { LanguageFixtures.remove(folder) }
    let model = try LlamaModel(folder: folder)
    await #expect(throws: TensorError.self) { try await Self.text(model.generate("", maxTokens: 3)) }
    await #expect(throws: TensorError.self) {
      try await Self.text(model.generate("once", sampling: TokenSampling(temperature: -1)))
    }
    let bare = try LlamaModel(folder: LanguageFixtures.models + "/llama-grouped")
    await #expect(throws: (any Error).self) { try await Self.text(bare.generate("once")) }
    #expect(throws: TensorError.self) { try TokenWriter(model, prompt: [43]) }
  }

  @Test("from scores that are the reference's")
  func scores() throws {
    let folder = LanguageFixtures.root + "/sampling"
    struct Case: Decodable { let temperature: Double, topK: Int?, topP, minP, repetitionPenalty: Double? }
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/cases.json")))
    let tensors = try SafeTensors(path: folder + "/scores.safetensors").tensors()
    let (logits, history) = (try #require(tensors["logits"]), try #require(tensors["history"]).values(Int.self))
    for (number, one) in cases.enumerated() {
      let sampling = TokenSampling(
        temperature: one.temperature, topK: one.topK, topP: one.topP, minP: one.minP,
        repetitionPenalty: one.repetitionPenalty ?? 1)
      let found = try sampling.scores(logits, after: history).values(Float.self)
      let expected = try #require(tensors["scores.\(number)"]).values(Float.self)
      for (a, b) in zip(found, expected) { #expect(a == b || abs(a - b) < 1e-5, "case \(number)") }
    }
  }

  @Test("with the chances that the scores say")
  func chances() throws {
    let logits = try Tensor([0, Float(3).logarithm, -100] as [Float])
    var stream = RandomStream(seed: 4)
    var counts = [0, 0, 0]
    for _ in 0..<2000 { counts[try TokenSampling().next(logits, after: [], &stream)] += 1 }
    #expect(abs(counts[1] - 1500) < 100 && counts[2] == 0)
    #expect(try TokenSampling.greedy.next(logits, after: [], &stream) == 1)
  }
}

extension Float {
  fileprivate var logarithm: Float { Float(Foundation.log(Double(self))) }
}
