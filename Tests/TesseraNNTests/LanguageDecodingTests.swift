import Foundation
import TesseraNN
import TesseraTensor
import Testing

@Suite("Decoders with a cache", .enabled(if: Torch.available))
struct LanguageDecodingTests {
  let text = [5, 9, 3, 17, 22, 8, 11, 30, 4, 19, 7, 26]

  @Test("decode greedily as the reference does, padding on either side included", arguments: LanguageFixtures.greedy)
  func greedy(_ name: String) throws {
    let expected = try LanguageFixtures.tensors(name, "greedy")
    let sequences = try #require(expected["sequences"])
    let logits = try #require(expected["step_logits"])
    let model = try LanguageFixtures.decoder(name)
    let inputs = NamedTensors(try LanguageFixtures.tensors(name, "inputs"))
    let found = try model.forward(inputs, ForwardOptions(greedy: logits.size(1)))
    #expect(try found["sequences"]?.values(Int.self) == sequences.values(Int.self))
    #expect(try #require(found["step_logits"]).largestDifference(to: logits) < 1e-4)
  }

  @Test("give the same for a text read in pieces as for the whole", arguments: LanguageFixtures.kinds)
  func pieces(_ name: String) throws {
    let model = try LanguageFixtures.decoder(name)
    try noGrad {
      let whole = try model(tokenRow(text))
      for cuts in [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [5, 7], [3, 1, 4, 4]] {
        let cache = model.makeCache()
        var start = 0
        let parts = try cuts.map { count in
          defer { start += count }
          return try model(tokenRow(Array(text[start..<(start + count)])), cache: cache)
        }
        let difference = try Tensor.concatenated(parts, axis: 1).largestDifference(to: whole)
        #expect(difference < 5e-5)
        #expect(cache.length == text.count)
      }
    }
  }

  @Test("read rows with padding in pieces", arguments: LanguageFixtures.kinds)
  func paddedPieces(_ name: String) throws {
    let model = try LanguageFixtures.decoder(name)
    try noGrad {
      let tokens = try Tensor(text + text.reversed(), [2, text.count])
      var allowed = Array(repeating: true, count: 24)
      for place in [0, 1, 2, 12 + 10, 12 + 11] { allowed[place] = false }
      let mask = TextMask(padding: try Tensor(allowed, [2, text.count]))
      let whole = try model(tokens, mask: mask)
      let cache = model.makeCache()
      let parts = try [0..<4, 4..<5, 5..<12].map { try model(tokens.sliced($0, axis: 1), mask: mask, cache: cache) }
      #expect(try Tensor.concatenated(parts, axis: 1).largestDifference(to: whole) < 1e-5)
    }
  }

  @Test("go on from a cache that was cut back", arguments: LanguageFixtures.kinds)
  func truncation(_ name: String) throws {
    let model = try LanguageFixtures.decoder(name)
    try noGrad {
      let cache = model.makeCache()
      _ = try model(tokenRow(text), cache: cache)
      let held = try cache.layers[0].keys
      let before = try #require(held).copy()
      try cache.truncate(to: 5)
      let other = [2, 14, 21]
      let found = try model(tokenRow(other), cache: cache)
      let expected = try model(tokenRow(Array(text[..<5]) + other)).sliced(5..<8, axis: 1)
      #expect(try found.largestDifference(to: expected) < 1e-5)
      #expect(try #require(held).largestDifference(to: before) == 0, "what was handed out has changed")
    }
  }

  @Test("read a tree of tokens at once and keep one path of it", arguments: ["gpt2-padded", "llama-grouped", "qwen3"])
  func tree(_ name: String) throws {
    let model = try LanguageFixtures.decoder(name)
    try noGrad {
      let cache = model.makeCache()
      _ = try model(tokenRow(Array(text[..<4])), cache: cache)
      // Two children of the last token; the second has two children of its own.
      let (tree, parents, depths) = ([6, 13, 24, 2], [-1, -1, 1, 1], [4, 4, 5, 5])
      var allowed = [Bool]()
      for node in tree.indices {
        var path = Set<Int>()
        var place = node
        while place >= 0 {
          path.insert(place)
          place = parents[place]
        }
        allowed += Array(repeating: true, count: 4) + tree.indices.map(path.contains)
      }
      let mask = TextMask(explicit: try Tensor(allowed, [1, 1, 4, 8]))
      let logits = try model(tokenRow(tree), positions: tokenRow(depths), mask: mask, cache: cache)
      let path = try model(tokenRow(Array(text[..<4]) + [13, 2]))
      #expect(try logits.sliced(1..<2, axis: 1).largestDifference(to: path.sliced(4..<5, axis: 1)) < 1e-5)
      #expect(try logits.sliced(3..<4, axis: 1).largestDifference(to: path.sliced(5..<6, axis: 1)) < 1e-5)

      try cache.keep([1, 3], from: 4)
      #expect(cache.length == 6)
      #expect(try cache.layers[1].positions?.values(Int.self) == [0, 1, 2, 3, 4, 5])
      let next = try model(tokenRow([18]), cache: cache)
      let expected = try model(tokenRow(Array(text[..<4]) + [13, 2, 18])).sliced(6..<7, axis: 1)
      #expect(try next.largestDifference(to: expected) < 1e-5)
    }
  }

  @Test("keep copies of a cache apart, and rows that are chosen")
  func copies() throws {
    let model = try LanguageFixtures.decoder("qwen2-sliding")
    try noGrad {
      let cache = model.makeCache()
      _ = try model(tokenRow(Array(text[..<5])), cache: cache)
      let other = cache.copy()
      let a = try model(tokenRow([1]), cache: cache)
      let b = try model(tokenRow([2]), cache: other)
      #expect(try a.largestDifference(to: model(tokenRow(Array(text[..<5]) + [1])).sliced(5..<6, axis: 1)) < 1e-5)
      #expect(try b.largestDifference(to: model(tokenRow(Array(text[..<5]) + [2])).sliced(5..<6, axis: 1)) < 1e-5)
      try other.select(rows: Tensor([0, 0]))
      let rows = try model(Tensor([7, 9], [2, 1]), cache: other)
      let expected = try model(tokenRow(Array(text[..<5]) + [2, 9])).sliced(6..<7, axis: 1)
      #expect(try rows.sliced(1..<2, axis: 0).largestDifference(to: expected) < 1e-5)
    }
  }

  @Test("drop what a window no longer sees, and refuse to go back behind it")
  func windows() throws {
    let model = try LanguageFixtures.decoder("mistral-window")
    try noGrad {
      let cache = KeyValueCache(windows: [4, 4], rollback: 2)
      var all: [Int] = []
      for step in 0..<60 {
        let token = (step * 7) % 40
        all.append(token)
        _ = try model(tokenRow([token]), cache: cache)
      }
      #expect(cache.layers[0].count == 5 && cache.layers[0].start == 55)
      try cache.truncate(to: 58)
      let found = try model(tokenRow([3]), cache: cache)
      let expected = try model(tokenRow(Array(all[..<58]) + [3])).sliced(58..<59, axis: 1)
      #expect(try found.largestDifference(to: expected) < 1e-5)
      #expect(throws: TensorError.self) { try cache.truncate(to: 40) }
      #expect(cache.length == 59)
    }
  }

  @Test("let hooks see and replace attention")
  func hooks() throws {
    final class Probe: DecoderHook {
      var layers: [Int] = []
      func attention(_ layer: Int, _ call: DecoderAttention) throws -> Tensor? {
        layers.append(layer)
        let group = call.queries.size(1) / call.keys.size(1)
        let keys = try call.keys.interleaved(group, axis: 1)
        let scores = try call.queries.matmul(keys.transposed()) / Double(call.queries.size(3)).squareRoot()
        let count = scores.size(3)
        let allowed = try Tensor.ones([count, count], .bool).lowerTriangle()
        let weights = try scores.filled(-.infinity, where: allowed.not()).softmax()
        return try weights.matmul(call.values.interleaved(group, axis: 1))
      }
    }
    struct Halved: DecoderHook {
      func between(_ layer: Int, _ hidden: Tensor) throws -> Tensor { layer == 1 ? try hidden * 0.5 : hidden }
    }
    let model = try LanguageFixtures.decoder("llama-grouped")
    try noGrad {
      let probe = Probe()
      let plain = try model(tokenRow(text))
      #expect(try model(tokenRow(text), hooks: [probe]).largestDifference(to: plain) < 1e-5)
      #expect(probe.layers == [0, 1])
      #expect(try model(tokenRow(text), hooks: [Halved()]).largestDifference(to: plain) > 1e-3)
    }
  }
}

@Suite("Decoders that are drawn at random", .enabled(if: Torch.available))
struct LanguageTrainingTests {
  static func small(_ family: LlamaConfiguration.Family) -> LlamaConfiguration {
    var configuration = LlamaConfiguration(family)
    (configuration.vocabularySize, configuration.hiddenSize, configuration.intermediateSize) = (20, 16, 24)
    (configuration.layers, configuration.heads, configuration.keyValueHeads, configuration.headSize) = (2, 2, 1, 8)
    configuration.architectures = ["LlamaForCausalLM"]
    return configuration
  }

  @Test("learn a short text by heart")
  func training() throws {
    let store = ParameterStore(seed: 3)
    let model = try LlamaModel(Self.small(.qwen3), store.root)
    let tokens = try tokenRow([1, 5, 9, 2, 7, 7, 3])
    let optimizer = AdamW([ParameterGroup(store.parameters)], learningRate: 0.02)
    func loss() throws -> Tensor { try LlamaModel.loss(model(tokens), tokens) }
    let first = try loss().item()
    for _ in 0..<30 {
      try loss().backward()
      #expect(store.parameters.allSatisfy { $0.gradient != nil })
      try optimizer.step()
      try optimizer.clearGradients()
    }
    #expect(try loss().item() < first / 3)
  }

  @Test("are read back from what was written", arguments: LlamaConfiguration.Family.allCases)
  func roundTrip(_ family: LlamaConfiguration.Family) throws {
    let configuration = Self.small(family)
    let store = ParameterStore(seed: 5)
    let model = try LlamaModel(configuration, store.root)
    let folder = FileManager.default.temporaryDirectory.path + "/tessera-language-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { LanguageFixtures.remove(folder) }
    try JSONEncoder().encode(configuration).write(to: URL(fileURLWithPath: folder + "/config.json"))
    try store.write(to: folder + "/model.safetensors")
    let read = try LlamaModel(folder: folder)
    #expect(read.configuration == configuration)
    #expect(read.store.unusedKeys.isEmpty)
    #expect(try noGrad { try read(tokenRow([1, 2, 3])).largestDifference(to: model(tokenRow([1, 2, 3]))) } == 0)
  }

  @Test("turn by distance alone")
  func rotary() throws {
    var stream = RandomStream(seed: 1)
    let (q, k) = (try stream.normal([1, 1, 1, 16]), try stream.normal([1, 1, 1, 16]))
    let rotary = try RotaryEmbedding(width: 12, base: 100)
    func product(_ a: Int, _ b: Int) throws -> Double {
      let (turnedQ, turnedK) = (try rotary(tokenRow([a])).rotate(q), try rotary(tokenRow([b])).rotate(k))
      #expect(try turnedQ.sliced(12..<16, axis: 3).largestDifference(to: q.sliced(12..<16, axis: 3)) == 0)
      return try (turnedQ * turnedK).sum().item()
    }
    #expect(abs(try product(3, 7) - product(103, 107)) < 1e-4)
    #expect(abs(try product(3, 7) - product(3, 8)) > 1e-3)
  }
}
