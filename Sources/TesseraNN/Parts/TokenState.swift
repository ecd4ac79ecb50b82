import TesseraTensor

/// The tokens of a layer and what is known of them.
///
/// A transformer that keeps all its tokens uses the features and the mask alone. Token reducers keep the rest: how many original tokens
/// each stands for, which ones, and where they were.
public struct TokenState {
  /// `[batch, tokens, width]`
  public var features: Tensor
  /// How many original tokens each token stands for, `[batch, tokens]`; nil: one each.
  public var sizes: Tensor?
  /// Which original tokens each token stands for, `[batch, tokens, original]`; nil: token i is original i.
  public var sources: Tensor?
  /// Original places, int64 `[batch, tokens]`; nil: 0, 1, 2, ...
  public var positions: Tensor?
  /// True where a token counts, bool `[batch, tokens]`; nil: all do.
  public var mask: Tensor?
  /// How many tokens at the start are special (class, distillation, registers) and not for reducers.
  public var special: Int

  public init(_ features: Tensor, mask: Tensor? = nil, special: Int = 0) {
    (self.features, self.mask, self.special) = (features, mask, special)
  }

  /// The number of tokens.
  public var count: Int { features.size(1) }

  /// What attention adds to its logits, or where it may look: nil, a boolean mask, or numbers, for `[batch, heads, queries, keys]`.
  ///
  /// - Parameters:
  ///   - proportional: true: `log(size)` is added for every key, so that a token counts as often as those it replaced
  ///     (*Token Merging*, 2022, section 3.2)
  ///   - bias: more to add (numbers), or to hide (boolean)
  public func attentionBias(proportional: Bool = false, _ bias: Tensor? = nil) throws -> Tensor? {
    let hidden = try mask.map { try $0.unsqueezed(1).unsqueezed(1) }
    let counted = proportional ? try sizes.map { try $0.to(features.dataType).log().unsqueezed(1).unsqueezed(1) } : nil
    guard let bias else { return try AttentionBias.joined(counted, hidden) }
    if bias.dataType == .bool {
      return try AttentionBias.joined(counted, hidden.map { try $0 .& bias } ?? bias)
    }
    return try AttentionBias.joined(counted.map { try $0 + bias } ?? bias, hidden)
  }

  /// The tokens with these places, in their order: `[batch, kept]`, int64.
  /// - Complexity: O(batch · kept · width)
  public func selecting(_ places: Tensor) throws -> TokenState {
    var state = self
    state.features = try features.gatheredRows(places)
    state.sizes = try sizes?.gathered(places, axis: 1)
    state.sources = try sources?.gatheredRows(places)
    state.positions = try positions?.gathered(places, axis: 1) ?? places
    state.mask = try mask?.gathered(places, axis: 1)
    return state
  }
}

/// Biases and masks of attention.
public enum AttentionBias {
  /// A bias of numbers where a boolean mask allows, minus infinity elsewhere. Either may be nil.
  public static func joined(_ numbers: Tensor?, _ allowed: Tensor?) throws -> Tensor? {
    guard let numbers, let allowed else { return numbers ?? allowed }
    return try (numbers + allowed.to(numbers.dataType) * 0).filled(-.infinity, where: allowed.not())
  }

  /// What a reference's `attention_mask` means.
  /// - Parameter mask: `[batch, keys]`, not 0 where a token counts; or finished, with four axes
  /// - Returns: the tokens that count, and the finished mask
  static func read(_ mask: Tensor?, batch: Int, tokens: Int) throws -> (tokens: Tensor?, finished: Tensor?) {
    guard let mask else { return (nil, nil) }
    if mask.rank == 2 {
      guard mask.shape == [batch, tokens] else {
        throw TensorError.invalid(
          "forward", "'attention_mask' is \(mask.summary), and [\(batch), \(tokens)] is expected")
      }
      return (try mask.to(.bool), nil)
    }
    let shape = mask.shape
    guard mask.rank == 4, [1, batch].contains(shape[0]), [1, tokens].contains(shape[2]), shape[3] == tokens else {
      throw TensorError.invalid(
        "forward", "'attention_mask' is \(mask.summary): two or four axes for \(tokens) tokens are expected")
    }
    return (nil, mask.dataType.isFloatingPoint ? mask : try mask.to(.bool))
  }
}

extension Tensor {
  /// Rows of every batch entry by their places.
  /// - Parameter places: int64 `[batch, kept]`; self is `[batch, rows, width]`
  /// - Returns: `[batch, kept, width]`
  public func gatheredRows(_ places: Tensor) throws -> Tensor {
    guard rank == 3, places.rank == 2 else {
      throw TensorError.invalid("gatheredRows", "\(summary), \(places.summary)")
    }
    return try gathered(places.unsqueezed(2).expanded(places.shape + [size(2)]), axis: 1)
  }

  /// Replaces rows of every batch entry: the inverse of `gatheredRows`.
  /// - Parameters:
  ///   - places: int64 `[batch, kept]`
  ///   - rows: `[batch, kept, width]`
  public func replacingRows(_ places: Tensor, with rows: Tensor) throws -> Tensor {
    guard rank == 3, places.rank == 2 else {
      throw TensorError.invalid("replacingRows", "\(summary), \(places.summary)")
    }
    return try scattered(places.unsqueezed(2).expanded(places.shape + [size(2)]), rows, axis: 1)
  }
}

/// Something that works on the tokens between the attention and the feed-forward part of a block: where token reducers plug in.
///
///     struct KeepHalf: TokenHook {
///       func transform(_ state: TokenState, at layer: Int, probe: AttentionProbe) throws -> TokenState {
///         let scores = try probe.row(0).mean([1])             // how much the class token looks at each
///         return try state.selecting(scores.topK(state.count / 2).indices.sorted().values)
///       }
///     }
public protocol TokenHook {
  /// True: attention adds `log(size)` for every key.
  var proportionalAttention: Bool { get }

  /// What goes on to the feed-forward part.
  /// - Parameters:
  ///   - state: the tokens after attention and its residual
  ///   - layer: which block, from 0
  ///   - probe: what the attention of this block saw; its weights are computed when asked for
  func transform(_ state: TokenState, at layer: Int, probe: AttentionProbe) throws -> TokenState
}

extension TokenHook {
  public var proportionalAttention: Bool { true }
}
