import TesseraTensor

/// CLIP's text encoder: token and position embeddings, causal layers, and the state of the end token.
public final class CLIPTextTransformer: Module {
  public let configuration: CLIPTextConfiguration
  let tokens, positions: Embedding
  public let encoder: EncoderStack
  public let finalNorm: LayerNorm

  public init(_ configuration: CLIPTextConfiguration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    let width = configuration.width
    tokens = try Embedding(configuration.vocabularySize, width, scope / "embeddings" / "token_embedding")
    positions = try Embedding(configuration.positions, width, scope / "embeddings" / "position_embedding")
    encoder = try EncoderStack.clip(
      width, hidden: configuration.hiddenWidth, heads: configuration.heads, layers: configuration.layers,
      configuration.activation, epsilon: configuration.epsilon, scope / "encoder")
    finalNorm = try LayerNorm(width, epsilon: configuration.epsilon, scope / "final_layer_norm")
    super.init(scope)
  }

  /// - Parameters:
  ///   - ids: int64 `[batch, tokens]`
  ///   - attentionMask: `[batch, tokens]`, not zero where a token counts
  ///   - positionIDs: int64 `[batch or 1, tokens]`; nil: 0, 1, ...
  public func callAsFunction(
    _ ids: Tensor, attentionMask: Tensor? = nil, positionIDs: Tensor? = nil, hiddenStates: Bool = false
  ) throws -> CLIPEncoding {
    let count = ids.size(-1)
    guard ids.rank == 2, (1...configuration.positions).contains(count) else {
      throw TensorError.invalid(
        "CLIP", "'input_ids' is \(ids.summary); [batch, tokens] with 1...\(configuration.positions) tokens is expected")
    }
    if let positionIDs, positionIDs.rank != 2 || positionIDs.size(1) != count {
      throw TensorError.invalid("CLIP", "'position_ids' is \(positionIDs.summary); [batch, \(count)] is expected")
    }
    let places = try positionIDs ?? Tensor.range(0..<count, device: ids.device).unsqueezed(0)
    let causal = try Tensor.ones([count, count], .bool, device: ids.device).lowerTriangle()
    let embedded = try TokenState(tokens(ids) + positions(places), mask: padding(attentionMask, ids))
    var states: [Tensor] = []
    let encoded = try encoder(
      embedded, bias: { _, _ in causal }, visit: { if hiddenStates { states.append($0.features) } })
    let last = try finalNorm(encoded.features)
    // The first end token: padding may be the same token. The old rule takes the highest token of the vocabulary for it.
    let end = configuration.endToken == 2 ? ids : try (ids .== Double(configuration.endToken)).to(.int64)
    let index = try end.argmax(-1, keepingAxis: true).unsqueezed(2).expanded([-1, -1, last.size(2)])
    return CLIPEncoding(
      lastHiddenState: last, pooled: try last.gathered(index, axis: 1).squeezed(1), hiddenStates: states)
  }

  private func padding(_ mask: Tensor?, _ ids: Tensor) throws -> Tensor? {
    guard let mask else { return nil }
    guard mask.shape == ids.shape else {
      throw TensorError.invalid("CLIP", "'attention_mask' is \(mask.summary), and 'input_ids' \(ids.summary)")
    }
    return try mask .!= 0
  }
}

/// CLIP's image encoder: patches behind a class token, layers, and the state of the class token.
public final class CLIPVisionTransformer: Module {
  public let configuration: CLIPVisionConfiguration
  let patches: Convolution
  let classToken: Parameter
  let positions: Embedding
  public let inputNorm: LayerNorm
  public let encoder: EncoderStack
  public let outputNorm: LayerNorm

  public init(_ configuration: CLIPVisionConfiguration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    let (width, patch) = (configuration.width, configuration.patchSize)
    classToken = try (scope / "embeddings").parameter(
      "class_embedding", [width], .normal(1 / Double(width).squareRoot()))
    patches = try Convolution(
      configuration.channels, width, kernel: [patch, patch], stride: [patch, patch], bias: false,
      scope / "embeddings" / "patch_embedding", initialization: .normal(0.02))
    positions = try Embedding(
      configuration.grid * configuration.grid + 1, width, scope / "embeddings" / "position_embedding")
    // The reference's own spelling.
    inputNorm = try LayerNorm(width, epsilon: configuration.epsilon, scope / "pre_layrnorm")
    encoder = try EncoderStack.clip(
      width, hidden: configuration.hiddenWidth, heads: configuration.heads, layers: configuration.layers,
      configuration.activation, epsilon: configuration.epsilon, scope / "encoder")
    outputNorm = try LayerNorm(width, epsilon: configuration.epsilon, scope / "post_layernorm")
    super.init(scope)
  }

  /// The tokens that enter the first layer, `[batch, 1 + patches, width]`.
  /// - Parameters:
  ///   - images: `[batch, channels, height, width]`
  ///   - interpolating: true: images may have another size; the position embeddings are stretched to it
  public func embed(_ images: Tensor, interpolating: Bool = false) throws -> Tensor {
    let (size, patch) = (configuration.imageSize, configuration.patchSize)
    guard images.rank == 4, images.size(1) == configuration.channels else {
      throw TensorError.invalid(
        "CLIP", "'pixel_values' is \(images.summary); [batch, \(configuration.channels), height, width] is expected")
    }
    let (height, width) = (images.size(2), images.size(3))
    guard interpolating ? min(height, width) >= patch : height == size && width == size else {
      throw TensorError.invalid(
        "CLIP",
        "'pixel_values' is \(images.summary); the images are \(interpolating ? "at least one patch of \(patch)" : "\(size)")"
          + " pixels high and wide" + (interpolating ? "" : ", unless interpolate_pos_encoding is true"))
    }
    let grid = try patches(images.to(patches.weight.value.dataType)).flattened(2).transposed(1, 2)
    let first = try classToken.value.expanded([images.size(0), 1, -1])
    return try inputNorm(
      Tensor.concatenated([first, grid], axis: 1) + (interpolating ? places(height, width) : positions.weight.value))
  }

  private func places(_ height: Int, _ width: Int) throws -> Tensor {
    let (patch, grid) = (configuration.patchSize, configuration.grid)
    let table = positions.weight.value
    if height == width, (height / patch) * (width / patch) == grid * grid { return table }
    let picture = try table.sliced(1..<(grid * grid + 1), axis: 0).rearranged("(h w) d -> 1 d h w", h: grid)
    let stretched = try picture.resized(height / patch, width / patch, .bicubic).rearranged("1 d h w -> (h w) d")
    return try Tensor.concatenated([table.sliced(0..<1, axis: 0), stretched], axis: 0)
  }

  /// - Parameters:
  ///   - images: `[batch, channels, height, width]`, normalised by the model's own constants
  ///   - interpolating: true: images may have another size than the configuration's
  ///   - hook: what works on the tokens inside every layer
  public func callAsFunction(
    _ images: Tensor, interpolating: Bool = false, hiddenStates: Bool = false, hook: (any TokenHook)? = nil
  ) throws -> CLIPEncoding {
    var states: [Tensor] = []
    let embedded = TokenState(try embed(images, interpolating: interpolating), special: 1)
    let last = try encoder(embedded, hook: hook, visit: { if hiddenStates { states.append($0.features) } }).features
    return CLIPEncoding(
      lastHiddenState: last, pooled: try outputNorm(last.selected(0, axis: 1)), hiddenStates: states)
  }

  /// What some layers give, as models take it that see through this encoder: the layers behind the last of them are not run.
  /// - Parameter layers: 0 is the input of the first layer, 1 what it gives, ...
  /// - Returns: `[batch, 1 + patches, width]` for each
  /// - Throws: `TensorError.invalid` if there is no such layer.
  public func states(
    _ images: Tensor, layers: [Int], interpolating: Bool = false, hook: (any TokenHook)? = nil
  ) throws -> [Tensor] {
    guard let last = layers.max(), layers.allSatisfy({ (0...encoder.blocks.count).contains($0) }) else {
      throw TensorError.invalid("CLIP", "the layers \(layers) are not among 0...\(encoder.blocks.count)")
    }
    var states: [Int: Tensor] = [:]
    var count = 0
    let embedded = TokenState(try embed(images, interpolating: interpolating), special: 1)
    let needed = try EncoderStack(last) { encoder.blocks[$0] }
    _ = try needed(
      embedded, hook: hook,
      visit: { state in
        if layers.contains(count) { states[count] = state.features }
        count += 1
      })
    return layers.compactMap { states[$0] }
  }
}
