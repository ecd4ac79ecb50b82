import TesseraTensor

/// BERT and RoBERTa with the heads that Hugging Face has for them.
public final class BERTModel: PublishedModel {
  public static let architectures: [String] =
    families.flatMap { family in
      Head.allCases.map { family.name + $0.rawValue }
    } + ["BertLMHeadModel", "RobertaForCausalLM", "XLMRobertaForCausalLM", "CamembertForCausalLM"]
    + families.map(\.type)

  /// Class names, `model_type`, and the prefix of the encoder's keys.
  private static let families: [(name: String, type: String, prefix: String)] = [
    ("Bert", "bert", "bert"), ("Roberta", "roberta", "roberta"), ("XLMRoberta", "xlm-roberta", "roberta"),
    ("Camembert", "camembert", "roberta"),
  ]

  /// What is done with the hidden states; the raw value is the end of the reference's class name.
  public enum Head: String, CaseIterable, Sendable {
    case none = "Model"
    case maskedLanguage = "ForMaskedLM"
    case pretraining = "ForPreTraining"
    case nextSentence = "ForNextSentencePrediction"
    case sequence = "ForSequenceClassification"
    case token = "ForTokenClassification"
    case question = "ForQuestionAnswering"
    case choice = "ForMultipleChoice"
  }

  public let store: ParameterStore
  public let encoder: BERTEncoder
  public let head: Head
  private let parts: BERTHeads

  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let reader = try ConfigurationReader(folder)
    let names = try ModelRegistry.names(of: folder)
    let family =
      Self.families.first { family in
        names.contains { $0 == family.type || $0.hasPrefix(family.name) && !$0.hasPrefix(family.name + "-") }
      } ?? Self.families[0]
    let named = names.compactMap { name in
      name.hasPrefix(family.name) ? Head(rawValue: String(name.dropFirst(family.name.count))) : nil
    }
    let isCausal = names.contains { $0.hasSuffix("LMHeadModel") || $0.hasSuffix("ForCausalLM") }
    // The first published checkpoints called the weight and bias of a norm gamma and beta.
    let checkpoint = try folder.checkpoint().renamed {
      $0.hasSuffix("LayerNorm.gamma")
        ? $0.dropLast(5) + "weight" : $0.hasSuffix("LayerNorm.beta") ? $0.dropLast(4) + "bias" : $0
    }
    try self.init(
      BERTConfiguration(reader, roberta: family.name != "Bert"), named.first ?? (isCausal ? .maskedLanguage : .none),
      prefix: family.prefix, options.store(checkpoint))
  }

  /// - Parameter prefix: what the encoder's keys begin with; used if the store has such keys
  public init(_ configuration: BERTConfiguration, _ head: Head, prefix: String, _ store: ParameterStore) throws {
    (self.store, self.head) = (store, head)
    let root = store.root
    let scope = root.contains(prefix + ".embeddings.word_embeddings.weight") ? root / prefix : root
    let isRoberta = configuration.positionsSkipPadding
    let pooled: Bool =
      switch head {
      case .none, .pretraining, .nextSentence, .choice: true
      case .sequence: !isRoberta
      case .maskedLanguage, .token, .question: false
      }
    encoder = try BERTEncoder(configuration, pooled: pooled, scope)
    parts = try BERTHeads(configuration, head, words: encoder.words, roberta: isRoberta, root)
    if pooled, head != .none, encoder.pooler == nil {
      throw CheckpointError.missing(
        store.root.path, key: (scope / "pooler" / "dense" / "weight").path,
        expected: [configuration.width, configuration.width])
    }
  }

  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown("use_cache")
    guard options.greedy == nil else { throw TensorError.invalid("forward", "an encoder does not generate tokens") }
    let choices = head == .choice
    func text(_ name: String, _ type: DataType?) throws -> Tensor? {
      let given = try inputs.optional(name, rank: choices ? 3 : name == "attention_mask" ? nil : 2, type)
      return choices ? try given?.flattened(0, 1) : given
    }
    let ids = try text("input_ids", .int64)
    var embedded = try inputs.optional("inputs_embeds", rank: choices ? 4 : 3, encoder.words.weight.value.dataType)
    guard (ids == nil) != (embedded == nil) else {
      throw TensorError.invalid("forward", "exactly one of 'input_ids' and 'inputs_embeds' is expected")
    }
    let count = choices ? try inputs.required(embedded == nil ? "input_ids" : "inputs_embeds").size(1) : nil
    if choices { embedded = try embedded?.flattened(0, 1) }
    let mask = try text("attention_mask", nil)
    let places = try text("position_ids", .int64)
    let types = try text("token_type_ids", .int64)
    try inputs.demandAllTaken()
    let first = try encoder.embed(ids, embedded: embedded, positions: places, types: types)
    let (last, states) = try encoder(first, mask: mask, keepingStates: options.hiddenStates)
    var outputs = try parts(last, pooled: encoder.pool(last), choices: count)
    for (index, state) in states.enumerated() { outputs["hidden_states.\(index)"] = state }
    return outputs
  }
}

/// The heads of BERT and RoBERTa, of which a model has one or two.
final class BERTHeads {
  private let head: BERTModel.Head
  private let language: LanguageHead?
  private let classifiers: [Linear]

  init(_ configuration: BERTConfiguration, _ head: BERTModel.Head, words: Embedding, roberta: Bool, _ root: Scope)
    throws
  {
    self.head = head
    let (width, labels) = (configuration.width, configuration.labels)
    func linear(_ name: String, _ output: Int) throws -> Linear { try Linear(width, output, root / name) }
    switch head {
    case .maskedLanguage, .pretraining: language = try LanguageHead(configuration, words: words, roberta: roberta, root)
    default: language = nil
    }
    switch head {
    case .none, .maskedLanguage: classifiers = []
    case .pretraining, .nextSentence: classifiers = [try linear("cls.seq_relationship", 2)]
    case .sequence where roberta:
      classifiers = [try linear("classifier.dense", width), try linear("classifier.out_proj", labels)]
    case .sequence, .token: classifiers = [try linear("classifier", labels)]
    case .choice: classifiers = [try linear("classifier", 1)]
    case .question: classifiers = [try linear("qa_outputs", labels)]
    }
  }

  func callAsFunction(_ last: Tensor, pooled: Tensor?, choices: Int?) throws -> [String: Tensor] {
    let summary = pooled ?? last
    switch head {
    case .none: return ["last_hidden_state": last].merging(pooled.map { ["pooler_output": $0] } ?? [:]) { a, _ in a }
    case .maskedLanguage: return try ["logits": language?(last) ?? last]
    case .pretraining:
      return try ["prediction_logits": language?(last) ?? last, "seq_relationship_logits": classifiers[0](summary)]
    case .nextSentence, .token: return try ["logits": classifiers[0](head == .token ? last : summary)]
    case .sequence:
      guard classifiers.count == 2 else { return try ["logits": classifiers[0](summary)] }
      return try ["logits": classifiers[1](classifiers[0](last.selected(0, axis: 1)).tanh())]
    case .choice: return try ["logits": classifiers[0](summary).reshaped([-1, choices ?? 1])]
    case .question:
      let logits = try classifiers[0](last)
      guard logits.size(-1) == 2 else {
        throw TensorError.invalid("forward", "a head for questions has two outputs, not \(logits.size(-1))")
      }
      return try ["start_logits": logits.selected(0, axis: -1), "end_logits": logits.selected(1, axis: -1)]
    }
  }
}

/// The head that predicts tokens: a projection, its activation, a norm, and the table of words or a matrix of its own.
final class LanguageHead {
  private let transform: Linear
  private let activation: Activation
  private let norm: LayerNorm
  private let weight: Parameter
  private let bias: Parameter

  init(_ configuration: BERTConfiguration, words: Embedding, roberta: Bool, _ root: Scope) throws {
    let scope = roberta ? root / "lm_head" : root / "cls" / "predictions"
    let width = configuration.width
    transform = try Linear(width, width, roberta ? scope / "dense" : scope / "transform" / "dense")
    activation = roberta ? .gelu : configuration.activation
    norm = try LayerNorm(
      width, epsilon: configuration.epsilon, roberta ? scope / "layer_norm" : scope / "transform" / "LayerNorm")
    // A matrix of its own in the checkpoint counts, whatever the configuration says: so does the reference.
    let own = scope / "decoder"
    let isOwn = root.isRandom ? !configuration.tied : own.contains("weight") || !configuration.tied
    weight = isOwn ? try own.parameter("weight", [configuration.vocabulary, width], .normal(0.02)) : words.weight
    let hasOwnBias = root.isRandom ? !configuration.tied : own.contains("bias")
    bias = try (hasOwnBias ? own : scope).parameter("bias", [configuration.vocabulary], .zeros)
  }

  func callAsFunction(_ last: Tensor) throws -> Tensor {
    try norm(activation(transform(last))).linear(weight.value, bias.value)
  }
}
