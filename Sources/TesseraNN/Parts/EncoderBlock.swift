import TesseraTensor

/// A block of an encoder: attention, then the feed-forward part, with a seam between the two.
public final class EncoderBlock: Module {
  /// What a block is made of.
  public struct Configuration: Sendable, Codable {
    /// Where the norms stand.
    public enum Order: String, Sendable, Codable {
      /// `x + f(norm(x))`: ViT, T5.
      case normFirst
      /// `norm(x + f(x))`: BERT.
      case normLast
      /// `x + norm(f(x))`: some of timm's ViTs.
      case normInside
    }
    public var attention: SelfAttention.Configuration
    public var feedForward: FeedForward.Configuration
    public var order = Order.normFirst
    public var norm: TokenNorm.Kind
    /// Every channel of what is added has a factor of its own.
    public var layerScale = false

    public init(attention: SelfAttention.Configuration, feedForward: FeedForward.Configuration, norm: TokenNorm.Kind) {
      (self.attention, self.feedForward, self.norm) = (attention, feedForward, norm)
    }
  }

  /// The keys of a checkpoint, below the block's own path.
  public struct Names: Sendable {
    public var attention: String
    public var attentionNames: SelfAttention.Names
    public var attentionNorm: String
    public var feedForward: String
    public var feedForwardNames: FeedForward.Names
    public var feedForwardNorm: String
    public var layerScales: (String, String) = ("ls1", "ls2")

    public init(
      attention: (String, SelfAttention.Names), norm: String, feedForward: (String, FeedForward.Names),
      _ feedForwardNorm: String
    ) {
      (self.attention, attentionNames) = attention
      attentionNorm = norm
      (self.feedForward, feedForwardNames) = feedForward
      self.feedForwardNorm = feedForwardNorm
    }
  }

  public let configuration: Configuration
  public let attention: SelfAttention
  public let feedForward: FeedForward
  private let attentionNorm: TokenNorm
  private let feedForwardNorm: TokenNorm
  private let scales: (Parameter, Parameter)?

  public init(_ configuration: Configuration, _ names: Names, _ scope: Scope) throws {
    self.configuration = configuration
    let width = configuration.attention.width
    attention = try SelfAttention(configuration.attention, names.attentionNames, scope / names.attention)
    attentionNorm = try TokenNorm(configuration.norm, width, scope / names.attentionNorm)
    feedForward = try FeedForward(configuration.feedForward, names.feedForwardNames, scope / names.feedForward)
    feedForwardNorm = try TokenNorm(configuration.norm, width, scope / names.feedForwardNorm)
    scales =
      configuration.layerScale
      ? (
        try (scope / names.layerScales.0).parameter("gamma", [width], .constant(1e-5)),
        try (scope / names.layerScales.1).parameter("gamma", [width], .constant(1e-5))
      ) : nil
    super.init(scope)
  }

  /// - Parameters:
  ///   - state: the tokens
  ///   - bias: what attention adds or hides, as `TokenState.attentionBias` gives it
  ///   - layer: which block this is, from 0
  ///   - hook: what works on the tokens between attention and the feed-forward part
  public func callAsFunction(
    _ state: TokenState, bias: Tensor?, at layer: Int, hook: (any TokenHook)? = nil
  ) throws -> TokenState {
    var state = state
    let (attended, probe) = try attention(before(attentionNorm, state.features), bias: bias)
    state.features = try joined(state.features, attended, attentionNorm, scales?.0)
    if let hook { state = try hook.transform(state, at: layer, probe: probe) }
    let fed = try feedForward(before(feedForwardNorm, state.features))
    state.features = try joined(state.features, fed, feedForwardNorm, scales?.1)
    return state
  }

  private func before(_ norm: TokenNorm, _ x: Tensor) throws -> Tensor {
    configuration.order == .normFirst ? try norm(x) : x
  }

  /// What a part gave, added to what it was given.
  private func joined(_ x: Tensor, _ result: Tensor, _ norm: TokenNorm, _ scale: Parameter?) throws -> Tensor {
    let scaled = try scale.map { try result * $0.value } ?? result
    switch configuration.order {
    case .normFirst: return try x + scaled
    case .normLast: return try norm(x + scaled)
    case .normInside: return try x + norm(scaled)
    }
  }
}

/// Blocks, one after the other.
public struct EncoderStack {
  public let blocks: [EncoderBlock]

  public init(_ count: Int, _ block: (Int) throws -> EncoderBlock) throws {
    var blocks: [EncoderBlock] = []
    for index in 0..<count { blocks.append(try block(index)) }
    self.blocks = blocks
  }

  /// - Parameters:
  ///   - state: the tokens
  ///   - bias: for every layer what attention adds or hides beside the mask of the tokens; asked again after every layer that a hook
  ///     may have changed
  ///   - hook: what works between attention and the feed-forward part of every block
  ///   - visit: is given what enters the first block and what leaves every block
  public func callAsFunction(
    _ state: TokenState, hook: (any TokenHook)? = nil, bias: (Int, TokenState) throws -> Tensor? = { _, _ in nil },
    isSharedByLayers: Bool = true, visit: (TokenState) throws -> Void = { _ in }
  ) throws -> TokenState {
    var state = state
    var joined: Tensor?
    try visit(state)
    for (layer, block) in blocks.enumerated() {
      if layer == 0 || hook != nil || !isSharedByLayers {
        joined = try state.attentionBias(proportional: hook?.proportionalAttention ?? false, bias(layer, state))
      }
      state = try block(state, bias: joined, at: layer, hook: hook)
      try visit(state)
    }
    return state
  }
}
