import TesseraTensor

/// A layer of DETR's encoder: attention whose queries and keys know their places, then the feed-forward part; each is added to its input
/// and normalised behind.
public final class DETREncoderLayer: Module {
  /// Attention among the tokens.
  public let attention: MultiHeadAttention
  /// What follows it.
  public let attentionNorm: LayerNorm
  /// The feed-forward part.
  public let feedForward: FeedForward
  /// What follows the last part.
  public let finalNorm: LayerNorm

  init(_ configuration: DETRConfiguration, _ scope: Scope) throws {
    let width = configuration.width
    attention = try MultiHeadAttention(width, heads: configuration.encoderHeads, scope / "self_attn")
    attentionNorm = try LayerNorm(width, scope / "self_attn_layer_norm")
    feedForward = try FeedForward(
      .init(width: width, hidden: configuration.encoderHiddenWidth, configuration.activation),
      .init(["fc1"], "fc2"), scope)
    finalNorm = try LayerNorm(width, scope / "final_layer_norm")
    super.init(scope)
  }

  /// The first half; the probe shows what was attended to.
  public func attend(_ x: Tensor, places: Tensor, mask: Tensor?) throws -> (Tensor, AttentionProbe) {
    let marked = try x + places
    let (attended, probe) = try attention(queries: marked, keys: marked, values: x, mask: mask)
    return (try attentionNorm(x + attended), probe)
  }

  /// The second half.
  public func transform(_ x: Tensor) throws -> Tensor { try finalNorm(x + feedForward(x)) }

  /// - Parameters:
  ///   - x: `[batch, tokens, width]`
  ///   - places: the embeddings of the tokens' places, `[batch, tokens, width]`
  ///   - mask: true where attention is allowed
  public func callAsFunction(_ x: Tensor, places: Tensor, mask: Tensor?) throws -> Tensor {
    try transform(attend(x, places: places, mask: mask).0)
  }
}

/// What a layer of DETR's decoder sees beside its queries.
public struct DETRMemory {
  /// What the encoder gave, `[batch, tokens, width]`.
  public let features: Tensor
  /// The places of its tokens, `[batch, tokens, width]`.
  public let places: Tensor
  /// True for tokens that lie within their picture, `[batch, 1, 1, tokens]`.
  public let mask: Tensor?

  /// Makes it from its parts.
  public init(features: Tensor, places: Tensor, mask: Tensor?) {
    (self.features, self.places, self.mask) = (features, places, mask)
  }
}

/// A layer of DETR's decoder: attention among the queries, attention to the picture, the feed-forward part.
public final class DETRDecoderLayer: Module {
  /// Attention among the queries.
  public let selfAttention: MultiHeadAttention
  /// What follows it.
  public let selfAttentionNorm: LayerNorm
  /// Attention to the picture.
  public let crossAttention: MultiHeadAttention
  /// What follows it.
  public let crossAttentionNorm: LayerNorm
  /// The feed-forward part.
  public let feedForward: FeedForward
  /// What follows the last part.
  public let finalNorm: LayerNorm

  convenience init(_ configuration: DETRConfiguration, _ scope: Scope) throws {
    try self.init(
      configuration.width, heads: configuration.decoderHeads, hidden: configuration.decoderHiddenWidth,
      configuration.activation, scope)
  }

  /// Takes the parameters from a scope.
  /// - Throws: `CheckpointError` if one is missing or has another shape.
  public init(_ width: Int, heads: Int, hidden: Int, _ activation: Activation, _ scope: Scope) throws {
    selfAttention = try MultiHeadAttention(width, heads: heads, scope / "self_attn")
    selfAttentionNorm = try LayerNorm(width, scope / "self_attn_layer_norm")
    crossAttention = try MultiHeadAttention(width, heads: heads, scope / "encoder_attn")
    crossAttentionNorm = try LayerNorm(width, scope / "encoder_attn_layer_norm")
    feedForward = try FeedForward(
      .init(width: width, hidden: hidden, activation), .init(["fc1"], "fc2"), scope)
    finalNorm = try LayerNorm(width, scope / "final_layer_norm")
    super.init(scope)
  }

  /// - Parameters:
  ///   - x: the queries, `[batch, queries, width]`
  ///   - places: what tells the queries apart, `[batch or 1, queries, width]`
  ///   - mask: true for queries that may be seen
  public func callAsFunction(_ x: Tensor, places: Tensor, mask: Tensor?, _ memory: DETRMemory) throws -> Tensor {
    try transform(look(attend(x, places: places, mask: mask), places: places, memory).0)
  }

  /// The first part: attention among the queries.
  public func attend(_ x: Tensor, places: Tensor, mask: Tensor?) throws -> Tensor {
    let marked = try x + places
    return try selfAttentionNorm(x + selfAttention(queries: marked, keys: marked, values: x, mask: mask).output)
  }

  /// The second part: attention to the picture; the probe shows where a query looks.
  public func look(_ x: Tensor, places: Tensor, _ memory: DETRMemory) throws -> (Tensor, AttentionProbe) {
    let (seen, probe) = try crossAttention(
      queries: x + places, keys: memory.features + memory.places, values: memory.features, mask: memory.mask)
    return (try crossAttentionNorm(x + seen), probe)
  }

  /// The third part.
  public func transform(_ x: Tensor) throws -> Tensor { try finalNorm(x + feedForward(x)) }
}

/// How DETR marks the places of a feature map.
enum DETRPositions {
  case sine(features: Int)
  case learned(rows: Embedding, columns: Embedding)

  init(_ configuration: DETRConfiguration, _ scope: Scope) throws {
    let half = configuration.width / 2
    switch configuration.positionEmbedding {
    case .sine: self = .sine(features: half)
    case .learned:
      let scope = scope / "position_embedding"
      self = .learned(
        rows: try Embedding(50, half, scope / "row_embeddings"),
        columns: try Embedding(50, half, scope / "column_embeddings"))
    }
  }

  /// - Parameter mask: true within each picture, bool `[batch, height, width]`
  /// - Returns: `[batch, height · width, width of the model]`, rows first
  func callAsFunction(_ mask: Tensor, _ type: DataType) throws -> Tensor {
    let (batch, height, width) = (mask.size(0), mask.size(1), mask.size(2))
    switch self {
    case .sine(let features):
      let y = try Self.sine(mask, axis: 1, features, type)
      let x = try Self.sine(mask, axis: 2, features, type)
      return try Tensor.concatenated([y, x], axis: 3).flattened(1, 2)
    case .learned(let rows, let columns):
      guard height <= 50, width <= 50 else {
        throw TensorError.invalid("DETR", "learned places reach to 50 rows and columns, not \(height) and \(width)")
      }
      let x = try columns.weight.value.sliced(0..<width, axis: 0).unsqueezed(0).expanded([height, -1, -1])
      let y = try rows.weight.value.sliced(0..<height, axis: 0).unsqueezed(1).expanded([-1, width, -1])
      return try Tensor.concatenated([x, y], axis: 2).flattened(0, 1).unsqueezed(0).expanded([batch, -1, -1])
    }
  }

  /// Sines and cosines, in turn, of a coordinate that grows to 2π over each picture, `[batch, height, width, features]`.
  private static func sine(_ mask: Tensor, axis: Int, _ features: Int, _ type: DataType) throws -> Tensor {
    let counted = try mask.to(type).cumulativeSum(axis)
    let last = mask.size(axis) - 1
    let coordinate = try counted / (counted.sliced(last..<(last + 1), axis: axis) + 1e-6) * (2 * Double.pi)
    // 10000^(2⌊i/2⌋ / features), for every second i.
    let exponents = try Tensor.range(0..<(features / 2), device: mask.device).to(type) * 2 / Double(features)
    let angles = try coordinate.unsqueezed(3) / Op.numberPow(.double(10000), .tensor(exponents))
    return try Tensor.stacked([angles.sin(), angles.cos()], axis: 4).flattened(3)
  }
}

/// Linear layers with ReLU between them.
final class DETRBoxHead: Module {
  private let layers: [Linear]

  init(_ width: Int, _ output: Int, layers: Int, _ scope: Scope) throws {
    self.layers = try (0..<layers).map {
      try Linear(width, $0 == layers - 1 ? output : width, scope / "layers" / $0)
    }
    super.init(scope)
  }

  /// Boxes as center, width and height, each in 0...1 of the picture: `[..., 4]`.
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    var x = x
    for (number, layer) in layers.enumerated() {
      x = try layer(x)
      if number < layers.count - 1 { x = try x.relu() }
    }
    return try x.sigmoid()
  }
}
