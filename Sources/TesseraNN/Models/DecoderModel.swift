import Foundation
import TesseraText
import TesseraTensor

/// A decoder of a published architecture: it reads tokens, keeps keys and values in a cache, and gives logits for the next token.
///
/// Reading is one line, `try model(tokens, cache: cache)`; who needs what lies between takes the pieces: `begin`, the blocks one by one,
/// `finish`, `logits`.
public protocol DecoderModel: PublishedModel {
  /// Features of a token.
  var width: Int { get }
  var vocabularySize: Int { get }
  /// Ids that end a text.
  var endOfText: [Int] { get }
  /// True if there are logits: a folder may hold the bare decoder.
  var hasHead: Bool { get }
  /// The reference reads whole texts with a cache unless told otherwise; without one it looks for texts packed into one row.
  var usesCache: Bool { get }
  var decoderBlocks: [any DecoderBlock] { get }
  /// Where the tokenizer is; nil for models that were not read from a folder.
  var source: TextSource? { get }

  /// A cache for a new text.
  func makeCache() -> KeyValueCache
  /// The vectors that enter the first block, and what all blocks share.
  func begin(_ input: TextInput, cache: KeyValueCache?, hooks: [any DecoderHook]) throws -> (
    hidden: Tensor, pass: DecoderPass
  )
  /// What follows the last block: the final norm.
  func finish(_ hidden: Tensor) throws -> Tensor
  /// Logits `[..., vocabulary]` of finished hidden states.
  func logits(_ hidden: Tensor) throws -> Tensor
  /// Inputs of this architecture alone are moved into the input.
  func readExtras(_ inputs: NamedTensors, into input: inout TextInput) throws
}

extension DecoderModel {
  /// No inputs of its own.
  public func readExtras(_ inputs: NamedTensors, into input: inout TextInput) throws {}

  /// A model of a folder on disk.
  public init(folder path: String, options: LoadOptions = LoadOptions()) throws {
    try self.init(folder: try ModelFolder(path), options: options)
  }

  /// Hidden states behind the last block and the final norm, `[batch, tokens, width]`.
  /// - Parameter record: is given the vectors before the first block and behind every block, the last ones finished
  public func hidden(
    _ input: TextInput, cache: KeyValueCache? = nil, hooks: [any DecoderHook] = [], record: ((Tensor) -> Void)? = nil
  ) throws -> Tensor {
    var (hidden, pass) = try begin(input, cache: cache, hooks: hooks)
    for block in decoderBlocks {
      record?(hidden)
      hidden = try block(hidden, pass)
    }
    hidden = try finish(hidden)
    record?(hidden)
    return hidden
  }

  /// Logits for the token after every token, `[batch, tokens, vocabulary]`.
  /// - Parameters:
  ///   - tokens: int64 `[batch, tokens]`; with a cache, those that it does not know yet
  ///   - positions: int64 `[batch or 1, tokens]`; nil: they go on from the cache
  public func callAsFunction(
    _ tokens: Tensor, positions: Tensor? = nil, mask: TextMask = TextMask(), cache: KeyValueCache? = nil,
    hooks: [any DecoderHook] = []
  ) throws -> Tensor {
    try logits(hidden(TextInput(tokens, positions: positions, mask: mask), cache: cache, hooks: hooks))
  }

  /// The positions of an input, checked, or those that follow the cache.
  func positions(of input: TextInput, _ cache: KeyValueCache?) throws -> Tensor {
    let (batch, count) = try input.size(width: width)
    if let padding = input.mask.padding {
      guard padding.rank == 2, padding.size(0) == batch, padding.dataType == .bool else {
        throw TensorError.invalid("attention_mask", "[\(batch), tokens] is expected, not \(padding.summary)")
      }
    }
    guard let positions = input.positions else {
      let start = cache?.length ?? 0
      return try Tensor.range(start..<(start + count), device: (input.tokens ?? input.embeddings)?.device ?? .cpu)
        .unsqueezed(0)
    }
    guard positions.rank == 2, positions.size(1) == count, [1, batch].contains(positions.size(0)),
      positions.dataType == .int64
    else {
      throw TensorError.invalid("position_ids", "int64 [\(batch) or 1, \(count)] is expected, not \(positions.summary)")
    }
    return positions
  }

  // MARK: The reference's names

  /// Reads `input_ids` or `inputs_embeds`, `attention_mask`, `position_ids`, `labels`; settings `use_cache`, `logits_to_keep`.
  /// - Returns: `logits` (and `loss`), or `last_hidden_state` of a bare decoder; or what greedy decoding gives
  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown(
      "use_cache", "logits_to_keep", "output_hidden_states", "return_dict", "eos_token_id", "pad_token_id")
    var input = TextInput(placeholder: ())
    input.tokens = try inputs.wholeNumbers("input_ids", rank: 2)
    input.embeddings = try inputs.optional("inputs_embeds", rank: 3, store.dataType)
    input.positions = try inputs.wholeNumbers("position_ids", rank: 2)
    try readMask(inputs, options, &input)
    try readExtras(inputs, into: &input)
    let labels = hasHead ? try inputs.wholeNumbers("labels", rank: 2) : nil
    let kept = hasHead ? try inputs.wholeNumbers("logits_to_keep", rank: 1) : nil
    try inputs.demandAllTaken()
    if let steps = options.greedy { return try noGrad { try greedy(input, steps: steps, options) } }
    return try outputs(of: input, labels: labels, kept: kept, options)
  }

  private func readMask(_ inputs: NamedTensors, _ options: ForwardOptions, _ input: inout TextInput) throws {
    guard let mask = try inputs.optional("attention_mask") else {
      if try !options.flag("use_cache", default: usesCache) { input.mask.packed = input.positions }
      return
    }
    switch mask.rank {
    case 2: input.mask.padding = try mask.to(.bool)
    case 4 where mask.dataType == .bool: input.mask.explicit = mask
    case 4 where mask.dataType.isFloatingPoint: input.mask.explicit = try mask.to(store.dataType)
    default:
      throw TensorError.invalid(
        "attention_mask",
        "[batch, tokens], or bool or floating-point [batch, heads, tokens, tokens] is expected, not \(mask.summary)")
    }
  }

  private func outputs(
    of input: TextInput, labels: Tensor?, kept: Tensor?, _ options: ForwardOptions
  ) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var count = 0
    let wantsStates = try options.flag("output_hidden_states", default: options.hiddenStates)
    let hidden = try hidden(
      input,
      record: wantsStates
        ? {
          result["hidden_states.\(count)"] = $0
          count += 1
        } : nil)
    guard hasHead else {
      result["last_hidden_state"] = hidden
      return result
    }
    let logits = try logits(lastStates(hidden, kept, options))
    result["logits"] = logits
    if let labels { result["loss"] = try Self.loss(logits, labels) }
    return result
  }

  /// The states whose logits are wanted: all, the last ones, or those that were listed.
  private func lastStates(_ hidden: Tensor, _ listed: Tensor?, _ options: ForwardOptions) throws -> Tensor {
    if let listed { return try hidden.rows(listed, axis: 1) }
    guard let setting = options.settings["logits_to_keep"] else { return hidden }
    guard let last = setting.integer, last >= 0 else {
      throw TensorError.invalid("forward", "'logits_to_keep' is a number that is not negative, or a tensor of places")
    }
    return last == 0 ? hidden : try hidden.sliced(max(0, hidden.size(1) - last)..<hidden.size(1), axis: 1)
  }

  /// The mean negative log-likelihood of every next token; labels of -100 don't count.
  /// - Parameters:
  ///   - logits: `[batch, tokens, vocabulary]`
  ///   - labels: int64 `[batch, tokens]`, unshifted
  public static func loss(_ logits: Tensor, _ labels: Tensor) throws -> Tensor {
    guard logits.rank == 3, labels.rank == 2, Array(logits.shape.prefix(2)) == labels.shape else {
      throw TensorError.invalid("labels", "\(labels.summary) for logits \(logits.summary)")
    }
    let next = try labels.padded([0, 1], with: -100).sliced(1..<(labels.size(1) + 1), axis: 1)
    return try Op.crossEntropy(
      .tensor(logits.to(.float32).reshaped([-1, logits.size(2)])), .tensor(next.reshaped([-1])), .none, .int(1),
      .int(-100))
  }
}

extension NamedTensors {
  /// A tensor of ids or places that may be absent, as int64; fractions are refused, not cut.
  func wholeNumbers(_ name: String, rank: Int) throws -> Tensor? {
    guard let tensor = try optional(name, rank: rank) else { return nil }
    switch tensor.dataType {
    case .int64, .int32, .int16, .int8, .uint8: return try tensor.to(.int64)
    default: throw TensorError.invalid("forward", "'\(name)' must hold whole numbers, not \(tensor.summary)")
    }
  }
}

extension TextInput {
  fileprivate init(placeholder: Void) {}
}

extension ModelFolder {
  /// True if the configuration names a model with a head, or, where it names none, the tensors hold one.
  /// - Throws: `CheckpointError.unknownArchitecture` if it names something else: a classifier, say.
  func readsHead(
    _ architectures: [String], known: [String], _ checkpoint: Checkpoint, tied: Bool
  ) throws -> Bool {
    guard let first = architectures.first else { return tied || checkpoint.contains("lm_head.weight") }
    guard let name = architectures.first(where: known.contains) else {
      throw CheckpointError.unknownArchitecture(path + "/config.json", first)
    }
    return ["ForCausalLM", "LMHeadModel"].contains { name.hasSuffix($0) }
  }

  /// Runs a body; what it finds wrong with the configuration is named with the file.
  func naming<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as ConfigurationError {
      throw CheckpointError.configuration(path + "/config.json", key: error.key, error.reason)
    }
  }
}
