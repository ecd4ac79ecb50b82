import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

extension Host {
  /// A language model of bytes.
  public static let byteLanguageModel = languageModel(
    LanguageModelRecipe(data: .textEnglish, vocabulary: 256, layers: 4, context: 256, batch: 12, steps: 260),
    name: "byte-lm", bound: 3, summary: "Language model of bytes: technical English, 4 layers of width 128")
  /// A language model of 2048 tokens.
  public static let tokenLanguageModel = languageModel(
    LanguageModelRecipe(data: .textEnglish, vocabulary: 2048, layers: 3, context: 128, batch: 24, steps: 220),
    name: "bpe-lm", bound: 2.3, summary: "Language model of 2048 BPE tokens: technical English, 3 layers of width 128")
  /// The same in German, with a tokenizer of its own.
  public static let germanLanguageModel = languageModel(
    LanguageModelRecipe(data: .textGerman, vocabulary: 2048, layers: 3, context: 128, batch: 24, steps: 220),
    name: "bpe-lm-de", bound: 2.5, summary: "Language model of 2048 BPE tokens: technical German, 3 layers of width 128"
  )

  private static func languageModel(
    _ recipe: LanguageModelRecipe, name: String, bound: Double, summary: String
  ) -> Host {
    Host(
      summary: summary,
      Declaration(
        name: name,
        claim: "A model of less than a million parameters predicts unseen manuals at \(bound) bits per byte.",
        baseline: "bytes by their frequency in the training text", baselineFigures: ["byte frequencies"],
        data: "\(recipe.data.name), split by document", seeds: [1, 2, 3],
        metric:
          "bits per byte of the test documents, ends of documents included; each token sees at least half a context",
        rule: [.atMost("bits per byte", bound), .below("bits per byte", "byte frequencies", by: 1)],
        floor: ["byte frequencies", "xz, test alone"], ceiling: ["xz, after training text"],
        packages: recipe.data.packages),
      train: recipe.train)
  }
}

/// How a small Llama is trained on documents.
struct LanguageModelRecipe: Sendable {
  var data: DataSet
  /// 256: bytes, an id each. More: byte-level BPE behind one token for the end of a document.
  var vocabulary: Int
  var layers: Int
  var context: Int
  var batch: Int
  var steps: Int
  var width = 128
  var inner = 352
  var heads = 4

  /// Ends a document: the byte that no text has, or the special token. Both have the id 0.
  private static let end: UInt32 = 0

  func train(_ run: Run, _ folder: String) throws -> Outcome {
    let data = try data.open(run.lab)
    let (training, test) = (try documents(data, .train, run), try documents(data, .test, run))
    let tokenizer = try tokenizer(training)
    try tokenizer.write(to: folder + "/tokenizer.json")
    try writeConfiguration(tokenizer, to: folder)
    let model = try LlamaModel(
      folder: ModelFolder(untrained: folder, seed: run.seed), options: LoadOptions(trained: true))
    let (stream, exam) = (try tokens(training, tokenizer), try tokens(test, tokenizer))
    let bytes = test.reduce(0) { $0 + $1.count }
    let plan = TrainingPlan(
      steps: run.isQuick ? 20 : steps, learningRate: 0.02, floor: 0.02, evaluateEvery: run.isQuick ? 10 : 50,
      higherIsBetter: false)
    // A part of the test says how training goes; nothing is chosen by it.
    let peek = Array(exam.prefix(20_000))
    let share = Double(bytes) * Double(peek.count) / Double(exam.count)
    var outcome = try TrainingLoop(
      plan, model.store.parameters, run, optimizer: JointOptimizer.muon(model.store.parameters)
    ).train(
      evaluate: { [Figure("bits per byte so far", try bits(model, peek) / share)] },
      loss: { _, random in
        let starts = (0..<batch).map { _ in Int.random(in: 0..<stream.count - context, using: &random) }
        let (inputs, targets) = try windows(stream, starts)
        return [LossPart("cross-entropy", try CrossEntropy()(try logits(model, inputs), targets))]
      })
    try Host.write(model.store.tensors, to: folder)
    let stored = try LlamaModel(folder: ModelFolder(folder), options: LoadOptions())
    let result = try noGrad { try bits(stored, exam) / Double(bytes) }
    outcome.figures.insert(Figure("bits per byte", result, "bit"), at: 0)
    outcome.add("byte frequencies", Self.frequencyBits(training, test), "bit")
    let (alone, after) = try Self.compressed(training, test)
    outcome.add("xz, test alone", alone, "bit")
    outcome.add("xz, after training text", after, "bit")
    outcome.add("bytes per token", Double(bytes) / Double(exam.count - test.count - 1))
    outcome.add("parameters", Double(model.store.parameters.reduce(0) { $0 + $1.value.count }))
    return outcome
  }

  private func documents(_ data: DataFolder, _ split: Split, _ run: Run) throws -> [[UInt8]] {
    let all = try data.documents(split.rawValue).filter { !$0.contains(0) }
    return run.isQuick ? Array(all.prefix(split == .train ? 20 : 1)) : all
  }

  private func tokenizer(_ training: [[UInt8]]) throws -> TextTokenizer {
    var trainer = BPETrainer(vocabularySize: vocabulary)
    // Ids of bytes in the order of bytes; with 256 tokens an id is a byte.
    trainer.keepsAlphabetOrder = true
    return try TextTokenizer.trainByteLevelBPE(
      on: training.map { document in { document } }, with: trainer,
      specialTokens: vocabulary == 256 ? [] : ["<|endoftext|>"])
  }

  private func writeConfiguration(_ tokenizer: TextTokenizer, to folder: String) throws {
    func number(_ value: Int) -> JSON { .integer(Int64(value)) }
    try Host.write(
      [
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": number(tokenizer.vocabularySize),
        "hidden_size": number(width), "intermediate_size": number(inner), "num_hidden_layers": number(layers),
        "num_attention_heads": number(heads), "num_key_value_heads": number(heads), "hidden_act": "silu",
        "max_position_embeddings": number(context), "rms_norm_eps": 1e-5, "rope_theta": 10_000.0,
        "tie_word_embeddings": true, "initializer_range": 0.02, "bos_token_id": number(Int(Self.end)),
        "eos_token_id": number(Int(Self.end)), "torch_dtype": "float16",
      ], to: folder)
  }

  /// All documents in a row, an end before the first and behind each.
  private func tokens(_ documents: [[UInt8]], _ tokenizer: TextTokenizer) throws -> [Int64] {
    var tokens = [Int64(Self.end)]
    for document in documents {
      tokens += try tokenizer.ids(of: String(decoding: document, as: UTF8.self)).map(Int64.init)
      tokens.append(Int64(Self.end))
    }
    guard tokens.count > context + 1 else {
      throw LabError.refused("language model", "\(tokens.count) tokens are less than one context of \(context)")
    }
    return tokens
  }

  private func windows(_ stream: [Int64], _ starts: [Int]) throws -> (inputs: Tensor, targets: Tensor) {
    var (inputs, targets) = ([Int64](), [Int64]())
    for start in starts {
      inputs += stream[start..<start + context]
      targets += stream[start + 1..<start + context + 1]
    }
    return (try Tensor(inputs, [starts.count, context]), try Tensor(targets, [starts.count * context]))
  }

  private func logits(_ model: LlamaModel, _ inputs: Tensor) throws -> Tensor {
    let logits = try model(inputs)
    return try logits.reshaped([-1, logits.size(2)])
  }

  /// The bits that a model needs for a stream, its first token aside: windows overlap by half, and only the first one counts whole.
  private func bits(_ model: LlamaModel, _ stream: [Int64]) throws -> Double {
    let starts = Array(stride(from: 0, to: stream.count - 1, by: context / 2))
    var (sum, counted) = (0.0, 1)
    for chunk in stride(from: 0, to: starts.count, by: 16) {
      var (inputs, targets) = ([Int64](), [Int64]())
      let part = starts[chunk..<min(chunk + 16, starts.count)]
      for start in part {
        for place in start..<start + context {
          inputs.append(place < stream.count ? stream[place] : Int64(Self.end))
          let isNew = place + 1 >= counted && place + 1 < stream.count
          targets.append(isNew ? stream[place + 1] : -100)
        }
        counted = max(counted, start + context + 1)
      }
      // A last window can lie within what the one before has counted.
      guard targets.contains(where: { $0 != -100 }) else { continue }
      let logits = try logits(model, Tensor(inputs, [part.count, context]))
      sum += try CrossEntropy(reduction: .sum)(logits, Tensor(targets, [targets.count])).item()
    }
    return sum / log(2)
  }

  /// Bits per byte of a code that knows how often each byte stands in the training text.
  static func frequencyBits(_ training: [[UInt8]], _ test: [[UInt8]]) -> Double {
    var counts = [Double](repeating: 1, count: 256)
    for byte in training.joined() { counts[Int(byte)] += 1 }
    let total = counts.reduce(0, +)
    let bits = test.joined().reduce(0.0) { $0 - log2(counts[Int($1)] / total) }
    return bits / Double(test.reduce(0) { $0 + $1.count })
  }

  /// Bits per byte of the test by the program `xz`: alone, and what it adds behind the training text.
  static func compressed(_ training: [[UInt8]], _ test: [[UInt8]]) throws -> (alone: Double, after: Double) {
    func size(_ text: Data) throws -> Double { Double(try Program.run("xz", ["-9e", "-c"], input: text).count) }
    let (before, exam) = (Data(training.joined()), Data(test.joined()))
    let bits = 8 / Double(exam.count)
    return (try size(exam) * bits, try (size(before + exam) - size(before)) * bits)
  }
}
