import TesseraTensor

/// The normalization of queries and keys, head by head, by the names diffusers uses.
public enum QueryKeyNorm: String, Sendable, Codable {
  case rms = "rms_norm"
  case layer = "layer_norm"
  /// Layer normalization without weights.
  case plainLayer = "fp32_layer_norm"
}

/// One normalization of the channels of a head.
final class HeadNorm {
  private let layer: LayerNorm?
  private let rms: RMSNorm?

  init(_ kind: QueryKeyNorm, _ headWidth: Int, _ scope: Scope) throws {
    rms = kind == .rms ? try RMSNorm(headWidth, epsilon: 1e-6, scope) : nil
    layer = kind == .rms ? nil : try LayerNorm(headWidth, epsilon: 1e-6, affine: kind == .layer, scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor { try rms?(x) ?? layer?(x) ?? x }
}

/// Attention of a block of a diffusion transformer, over its own tokens or over a text.
public final class DiffusionAttention: Module {
  /// Where the projections are in a checkpoint.
  public enum Keys: Sendable {
    /// `to_q`, `to_k`, `to_v`, `to_out.0`
    case diffusers
    /// `query`, `key`, `value`, `proj_attn`: diffusers before 0.12
    case deprecated
    /// `qkv`, `proj`: the published files
    case joined
    /// `q_linear`, `kv_linear`, `proj`: PixArt's published files, across
    case pair

    var output: String {
      switch self {
      case .diffusers: "to_out.0"
      case .deprecated: "proj_attn"
      case .joined, .pair: "proj"
      }
    }
  }

  private enum Projections {
    case separate(Linear, Linear, Linear)
    case pair(Linear, Linear)
    case joined(Linear)
  }

  /// How many heads there are.
  public let heads: Int
  private let projections: Projections
  private let norms: (queries: HeadNorm, keys: HeadNorm)?
  private let output: Linear

  /// - Parameters:
  ///   - context: the width of what keys and values are made from; nil: that of the tokens
  ///   - outputInitialization: zeros make the attention add nothing at first
  public init(
    _ width: Int, heads: Int, headWidth: Int, context: Int? = nil, bias: Bool = true, norm: QueryKeyNorm? = nil,
    keys: Keys = .diffusers, outputInitialization: Initialization = .xavierUniform, _ scope: Scope
  ) throws {
    self.heads = heads
    let inner = heads * headWidth
    func linear(_ input: Int, _ output: Int, _ name: String) throws -> Linear {
      try Linear(input, output, bias: bias, scope / name, initialization: .xavierUniform)
    }
    let source = context ?? width
    projections =
      switch keys {
      case .joined: .joined(try linear(width, 3 * inner, "qkv"))
      case .pair: .pair(try linear(width, inner, "q_linear"), try linear(source, 2 * inner, "kv_linear"))
      case .diffusers:
        .separate(
          try linear(width, inner, "to_q"), try linear(source, inner, "to_k"), try linear(source, inner, "to_v"))
      case .deprecated:
        .separate(
          try linear(width, inner, "query"), try linear(source, inner, "key"), try linear(source, inner, "value"))
      }
    norms = try norm.map {
      (try HeadNorm($0, headWidth, scope / "norm_q"), try HeadNorm($0, headWidth, scope / "norm_k"))
    }
    output = try Linear(inner, width, scope / keys.output, initialization: outputInitialization)
    super.init(scope)
  }

  /// Queries, keys and values, `[batch, heads, tokens, head width]`.
  public func heads(of x: Tensor, context: Tensor? = nil) throws -> (queries: Tensor, keys: Tensor, values: Tensor) {
    let source = context ?? x
    let parts: [Tensor] =
      switch projections {
      case .separate(let query, let key, let value): [try query(x), try key(source), try value(source)]
      case .pair(let query, let rest): [try query(x)] + (try rest(source).chunked(2, axis: -1))
      case .joined(let all): try all(x).chunked(3, axis: -1)
      }
    let split = try parts.map { try $0.reshaped([$0.size(0), $0.size(1), heads, $0.size(2) / heads]).transposed(1, 2) }
    return (try norms?.queries(split[0]) ?? split[0], try norms?.keys(split[1]) ?? split[1], split[2])
  }

  /// Joins heads and projects them.
  /// - Parameter heads: `[batch, heads, tokens, head width]`
  public func projected(_ heads: Tensor) throws -> Tensor { try output(heads.transposed(1, 2).flattened(2)) }

  /// - Parameters:
  ///   - x: `[batch, tokens, width]`
  ///   - context: `[batch, length, context width]`; nil: attention over x itself
  ///   - mask: bool or a bias, broadcast to `[batch, heads, tokens, length]`
  public func callAsFunction(
    _ x: Tensor, context: Tensor? = nil, mask: Tensor? = nil, role: AttentionCall.Role = .own,
    _ seams: BlockSeams = BlockSeams()
  ) throws -> Tensor {
    let (queries, keys, values) = try heads(of: x, context: context)
    return try projected(
      seams.attend(AttentionCall(role: role, queries: queries, keys: keys, values: values, mask: mask)))
  }
}

/// Attention over the tokens of a picture and of a text together, each with projections of its own (Esser et al. 2024, MMDiT).
public final class JointAttention: Module {
  private let image: DiffusionAttention
  private let contextQuery: Linear
  private let contextKey: Linear
  private let contextValue: Linear
  private let contextNorms: (queries: HeadNorm, keys: HeadNorm)?
  private let contextOutput: Linear?

  /// - Parameter contextOutput: false in the last block, after which the text is not needed any more
  public init(_ width: Int, heads: Int, headWidth: Int, norm: QueryKeyNorm?, contextOutput: Bool, _ scope: Scope) throws
  {
    image = try DiffusionAttention(width, heads: heads, headWidth: headWidth, norm: norm, scope)
    let inner = heads * headWidth
    func linear(_ name: String) throws -> Linear {
      try Linear(width, inner, scope / name, initialization: .xavierUniform)
    }
    (contextQuery, contextKey, contextValue) = (
      try linear("add_q_proj"), try linear("add_k_proj"), try linear("add_v_proj")
    )
    contextNorms = try norm.map {
      (try HeadNorm($0, headWidth, scope / "norm_added_q"), try HeadNorm($0, headWidth, scope / "norm_added_k"))
    }
    self.contextOutput =
      contextOutput ? try Linear(inner, width, scope / "to_add_out", initialization: .xavierUniform) : nil
    super.init(scope)
  }

  /// - Parameter x, context: `[batch, tokens, width]`, `[batch, length, width]`
  /// - Returns: what is added to each; nothing for the text in the last block
  public func callAsFunction(
    _ x: Tensor, _ context: Tensor, mask: Tensor? = nil, _ seams: BlockSeams = BlockSeams()
  ) throws -> (image: Tensor, context: Tensor?) {
    let own = try image.heads(of: x)
    func split(_ y: Tensor) throws -> Tensor {
      try y.reshaped([y.size(0), y.size(1), image.heads, y.size(2) / image.heads]).transposed(1, 2)
    }
    var (queries, keys) = (try split(contextQuery(context)), try split(contextKey(context)))
    let values = try split(contextValue(context))
    if let contextNorms { (queries, keys) = (try contextNorms.queries(queries), try contextNorms.keys(keys)) }
    let attended = try seams.attend(
      AttentionCall(
        role: .joint, queries: .concatenated([own.queries, queries], axis: 2),
        keys: .concatenated([own.keys, keys], axis: 2),
        values: .concatenated([own.values, values], axis: 2), mask: mask))
    let tokens = x.size(1)
    let text = try attended.sliced(tokens..<attended.size(2), axis: 2)
    return (
      try image.projected(attended.sliced(0..<tokens, axis: 2)),
      try contextOutput.map { try $0(text.transposed(1, 2).flattened(2)) }
    )
  }
}
