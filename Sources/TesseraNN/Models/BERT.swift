import TesseraTensor

/// The encoder of BERT and RoBERTa: tables of words, positions and token types, then blocks that normalise last.
///
/// Papers: *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding*, 2019; *RoBERTa: A Robustly Optimized BERT
/// Pretraining Approach*, 2019.
public final class BERTEncoder: Module {
  public let configuration: BERTConfiguration
  public let words: Embedding
  private let positions: Embedding
  private let tokenTypes: Embedding
  private let norm: LayerNorm
  public let stack: EncoderStack
  /// What makes one vector of the first token; checkpoints of language heads have none.
  public let pooler: Linear?

  public init(_ configuration: BERTConfiguration, pooled: Bool, _ scope: Scope) throws {
    self.configuration = configuration
    let tables = scope / "embeddings"
    words = try Embedding(configuration.vocabulary, configuration.width, tables / "word_embeddings")
    positions = try Embedding(configuration.positions, configuration.width, tables / "position_embeddings")
    tokenTypes = try Embedding(configuration.tokenTypes, configuration.width, tables / "token_type_embeddings")
    norm = try LayerNorm(configuration.width, epsilon: configuration.epsilon, tables / "LayerNorm")
    var block = EncoderBlock.Configuration(
      attention: .init(width: configuration.width, heads: configuration.heads),
      feedForward: .init(width: configuration.width, hidden: configuration.hidden, configuration.activation),
      norm: .layer(epsilon: configuration.epsilon))
    block.order = .normLast
    stack = try EncoderStack(configuration.layers) {
      try EncoderBlock(block, Self.names, scope / "encoder" / "layer" / $0)
    }
    let hasPooler = pooled && scope.contains("pooler.dense.weight")
    pooler = hasPooler ? try Linear(configuration.width, configuration.width, scope / "pooler" / "dense") : nil
    super.init(scope)
  }

  private static let names = EncoderBlock.Names(
    attention: ("attention", .init(["self.query", "self.key", "self.value"], "output.dense")),
    norm: "attention.output.LayerNorm", feedForward: ("", .init(["intermediate.dense"], "output.dense")),
    "output.LayerNorm")

  /// What enters the first block.
  /// - Parameters:
  ///   - ids: `[batch, tokens]`; or `embedded`: `[batch, tokens, width]` in their place
  ///   - places: positions, `[batch or 1, tokens]`; nil: as the model counts them
  ///   - types: token types, `[batch or 1, tokens]`; nil: 0
  public func embed(_ ids: Tensor?, embedded: Tensor?, positions places: Tensor?, types: Tensor?) throws -> Tensor {
    guard let vectors = try embedded ?? ids.map({ try words($0) }) else {
      throw TensorError.invalid("forward", "either 'input_ids' or 'inputs_embeds' is expected")
    }
    guard vectors.rank == 3, vectors.size(2) == configuration.width else {
      throw TensorError.invalid(
        "forward", "'inputs_embeds' is \(vectors.summary): [batch, tokens, \(configuration.width)] is expected")
    }
    let places = try places ?? defaultPositions(ids, tokens: vectors.size(1), device: vectors.device)
    let types = try types ?? Tensor.zeros([1, vectors.size(1)], .int64, device: vectors.device)
    return try norm(vectors + tokenTypes(types) + positions(places))
  }

  /// Positions 0, 1, 2, ...; for RoBERTa the tokens that are no padding are counted from the id after padding.
  private func defaultPositions(_ ids: Tensor?, tokens: Int, device: Device) throws -> Tensor {
    let offset = configuration.positionsSkipPadding ? configuration.padding + 1 : 0
    guard offset + tokens <= configuration.positions || configuration.positionsSkipPadding && ids != nil else {
      throw TensorError.invalid(
        "forward", "\(tokens) tokens, and there are \(configuration.positions - offset) positions")
    }
    guard configuration.positionsSkipPadding, let ids else {
      return try Tensor.range(offset..<(offset + tokens), device: device).unsqueezed(0)
    }
    let counted = try (ids .!= Double(configuration.padding)).to(.int64)
    return try counted.cumulativeSum(1) * counted + Double(configuration.padding)
  }

  /// - Parameters:
  ///   - embedded: what `embed` gave
  ///   - mask: the reference's attention mask
  ///   - hook: what works on the tokens inside every block
  /// - Returns: the last hidden state, `[batch, tokens, width]`, and all of them, the embedding first, if they are kept
  public func callAsFunction(
    _ embedded: Tensor, mask: Tensor? = nil, hook: (any TokenHook)? = nil, keepingStates: Bool = false
  ) throws -> (last: Tensor, states: [Tensor]) {
    let read = try AttentionBias.read(mask, batch: embedded.size(0), tokens: embedded.size(1))
    var states: [Tensor] = []
    let bias = try read.finished ?? (configuration.causal ? causalMask(embedded) : nil)
    let state = try stack(
      TokenState(embedded, mask: read.tokens), hook: hook, bias: { _, _ in bias },
      visit: { if keepingStates { states.append($0.features) } })
    return (state.features, states)
  }

  private func causalMask(_ x: Tensor) throws -> Tensor {
    try Tensor.ones([1, 1, x.size(1), x.size(1)], .bool, device: x.device).lowerTriangle()
  }

  /// One vector for a text: `tanh` of a projection of its first token.
  public func pool(_ last: Tensor) throws -> Tensor? { try pooler.map { try $0(last.selected(0, axis: 1)).tanh() } }
}
