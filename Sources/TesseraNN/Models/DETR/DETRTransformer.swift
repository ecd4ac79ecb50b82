import TesseraTensor

/// DETR without its heads: a network of convolutions, an encoder over its feature map, a decoder whose queries look at it
/// (*End-to-End Object Detection with Transformers*, 2020, arXiv 2005.12872).
public final class DETRTransformer: Module {
  /// What one run gives; hidden states only if asked for, numbered as the reference does.
  public struct Output {
    /// What the decoder gave, `[batch, queries, width]`.
    public var lastHiddenState: Tensor
    /// What the encoder gave, `[batch, tokens, width]`.
    public var encoderLastHiddenState: Tensor
    /// With the auxiliary loss: what each layer of the decoder gave, normalised.
    public var intermediate: [Tensor] = []
    public var encoderHiddenStates: [Tensor] = []
    public var decoderHiddenStates: [Tensor] = []
  }

  public let configuration: DETRConfiguration
  public let backbone: any ConvolutionalBackbone
  public let encoderLayers: [DETREncoderLayer]
  public let decoderLayers: [DETRDecoderLayer]
  public let decoderNorm: LayerNorm
  let positions: DETRPositions
  let queryPositions: Embedding
  let projection: Convolution

  public init(_ configuration: DETRConfiguration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    let path = scope / "backbone" / "conv_encoder" / "model"
    switch configuration.backbone {
    case .timm(let network): backbone = try TimmResNet(network, path)
    case .resNet(let network): backbone = try ResNetBackbone(network, path)
    }
    let width = configuration.width
    positions = try DETRPositions(configuration, scope)
    queryPositions = try Embedding(configuration.queries, width, scope / "query_position_embeddings")
    projection = try Convolution(backbone.channels.last ?? 0, width, kernel: [1, 1], scope / "input_projection")
    encoderLayers = try (0..<configuration.encoderLayers).map {
      try DETREncoderLayer(configuration, scope / "encoder" / "layers" / $0)
    }
    decoderLayers = try (0..<configuration.decoderLayers).map {
      try DETRDecoderLayer(configuration, scope / "decoder" / "layers" / $0)
    }
    decoderNorm = try LayerNorm(width, scope / "decoder" / "layernorm")
    super.init(scope)
  }

  /// The tokens of a batch of pictures, before the encoder.
  /// - Parameters:
  ///   - images: `[batch, channels, height, width]`, normalised
  ///   - pixelMask: not zero within each picture, `[batch, height, width]`; nil: everywhere
  public func embed(_ images: Tensor, pixelMask: Tensor? = nil) throws -> DETRMemory {
    guard images.rank == 4, images.size(1) == configuration.channels, images.count > 0 else {
      throw TensorError.invalid(
        "DETR", "'pixel_values' is \(images.summary); [batch, \(configuration.channels), height, width] is expected")
    }
    let size = [images.size(0), images.size(2), images.size(3)]
    if let pixelMask, pixelMask.shape != size {
      throw TensorError.invalid("DETR", "'pixel_mask' is \(pixelMask.summary), and \(size) is expected")
    }
    guard let map = try backbone.maps(images).last else {
      throw TensorError.invalid("DETR", "the backbone gives no map")
    }
    let mask = try Self.mask(pixelMask, [size[0], map.size(2), map.size(3)], images.device)
    return DETRMemory(
      features: try projection(map).flattened(2).transposed(1, 2), places: try positions(mask, map.dataType),
      mask: try Self.keys(mask.flattened(1)))
  }

  /// The same for tokens that come from elsewhere: the map of `[batch, tokens, width]` is taken for a square.
  func embed(tokens: Tensor, pixelMask: Tensor?) throws -> DETRMemory {
    let side = Int(Double(tokens.size(1)).squareRoot())
    guard tokens.size(2) == configuration.width, side > 0, side * side == tokens.size(1) else {
      throw TensorError.invalid(
        "DETR", "'inputs_embeds' is \(tokens.summary); a square of tokens, \(configuration.width) wide, is expected")
    }
    let all = try Tensor.ones([tokens.size(0), side, side], .bool, device: tokens.device)
    let mask = try pixelMask.map { try Self.mask($0, all.shape, tokens.device) } ?? all
    return DETRMemory(
      features: tokens, places: try positions(all, tokens.dataType), mask: try Self.keys(mask.flattened(1)))
  }

  /// A mask of pixels in the size of a map: every place takes the nearest pixel's.
  private static func mask(_ pixels: Tensor?, _ shape: [Int], _ device: Device) throws -> Tensor {
    guard let pixels else { return try Tensor.ones(shape, .bool, device: device) }
    return try pixels.unsqueezed(0).to(.float32).resized(shape[1], shape[2], .nearest).to(.bool).squeezed(0)
  }

  /// A mask of tokens for attention to them.
  static func keys(_ mask: Tensor) throws -> Tensor { try mask.unsqueezed(1).unsqueezed(1) }

  /// The encoder.
  /// - Parameter visit: sees the input and then what each layer gives
  public func encode(_ memory: DETRMemory, visit: (Tensor) throws -> Void = { _ in }) throws -> DETRMemory {
    var x = memory.features
    try visit(x)
    for layer in encoderLayers {
      x = try layer(x, places: memory.places, mask: memory.mask)
      try visit(x)
    }
    return DETRMemory(features: x, places: memory.places, mask: memory.mask)
  }

  /// The decoder.
  /// - Parameters:
  ///   - queries: `[batch, queries, width]`; nil: zeros
  ///   - queryMask: not zero for queries that may be seen, `[batch, queries]`
  public func decode(
    _ memory: DETRMemory, queries: Tensor? = nil, queryMask: Tensor? = nil, visit: (Tensor) throws -> Void = { _ in }
  ) throws -> (last: Tensor, intermediate: [Tensor]) {
    let batch = memory.features.size(0)
    let shape = [batch, configuration.queries, configuration.width]
    if let queries, queries.shape != shape {
      throw TensorError.invalid("DETR", "'decoder_inputs_embeds' is \(queries.summary), and \(shape) is expected")
    }
    if let queryMask, queryMask.shape != Array(shape.prefix(2)) {
      throw TensorError.invalid(
        "DETR", "'decoder_attention_mask' is \(queryMask.summary), and \(shape.prefix(2)) is expected")
    }
    let places = try queryPositions.weight.value.unsqueezed(0)
    let mask = try queryMask.map { try Self.keys($0 .!= 0) }
    var x = try queries ?? Tensor.zeros(shape, memory.features.dataType, device: memory.features.device)
    var intermediate: [Tensor] = []
    try visit(x)
    for layer in decoderLayers {
      x = try layer(x, places: places, mask: mask, memory)
      try visit(x)
      if configuration.auxiliaryLoss {
        // As in the reference, the next layer goes on from the normalised state.
        x = try decoderNorm(x)
        intermediate.append(x)
      }
    }
    return (try decoderNorm(x), intermediate)
  }

  /// Reads the reference's arguments.
  func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> Output {
    try options.demandKnown()
    let type = queryPositions.weight.value.dataType
    let mask = try inputs.optional("pixel_mask", rank: 3)
    let queries = try inputs.optional("decoder_inputs_embeds", rank: 3, type)
    let queryMask = try inputs.optional("decoder_attention_mask", rank: 2)
    let embedded: DETRMemory
    if let tokens = try inputs.optional("inputs_embeds", rank: 3, type) {
      _ = try inputs.optional("pixel_values")
      embedded = try embed(tokens: tokens, pixelMask: mask)
    } else {
      embedded = try embed(inputs.required("pixel_values", rank: 4, type), pixelMask: mask)
    }
    try inputs.demandAllTaken()
    var (encoderStates, decoderStates): ([Tensor], [Tensor]) = ([], [])
    let memory = try encode(embedded) { if options.hiddenStates { encoderStates.append($0) } }
    let decoded = try decode(memory, queries: queries, queryMask: queryMask) {
      if options.hiddenStates { decoderStates.append($0) }
    }
    // The last of the decoder's states is the normalised one.
    if !decoderStates.isEmpty { decoderStates[decoderStates.count - 1] = decoded.last }
    return Output(
      lastHiddenState: decoded.last, encoderLastHiddenState: memory.features, intermediate: decoded.intermediate,
      encoderHiddenStates: encoderStates, decoderHiddenStates: decoderStates)
  }
}

extension DETRTransformer.Output {
  /// The outputs under the reference's names.
  var named: [String: Tensor] {
    var outputs = ["last_hidden_state": lastHiddenState, "encoder_last_hidden_state": encoderLastHiddenState]
    for (number, state) in encoderHiddenStates.enumerated() { outputs["encoder_hidden_states.\(number)"] = state }
    for (number, state) in decoderHiddenStates.enumerated() { outputs["decoder_hidden_states.\(number)"] = state }
    return outputs
  }
}
