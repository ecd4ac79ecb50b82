import TesseraTensor

/// The autoencoder of Stable Diffusion: pictures become latent pictures, eight times smaller and distributed almost normally, and back.
///
/// Paper: *High-Resolution Image Synthesis with Latent Diffusion Models*, 2021 (arXiv 2112.10752).
///
///     let latents = try autoencoder.latents(of: pictures)     // what a diffusion model is trained on
///     let pictures = try autoencoder.pictures(of: latents)    // values in about -1...1
public final class AutoencoderKL: Module, PublishedModel {
  /// The class names of configurations that this type reads.
  public static let architectures = ["AutoencoderKL"]

  /// The shape of the model.
  public let configuration: AutoencoderKLConfiguration
  /// The parameters, under the checkpoint's keys.
  public let store: ParameterStore
  private let encoder: PictureEncoder
  private let decoder: PictureDecoder
  private let quantization: Convolution?
  private let postQuantization: Convolution?

  /// A model with drawn parameters.
  public convenience init(
    _ configuration: AutoencoderKLConfiguration, seed: UInt64, _ dataType: DataType = .float32, device: Device = .cpu
  ) throws {
    try self.init(configuration, ParameterStore(seed: seed, dataType, device: device).root)
  }

  /// Reads a folder of diffusers, with today's keys or those of before 0.12 in the attention.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration = try folder.configuration(AutoencoderKLConfiguration.self)
    try self.init(configuration, options.store(folder.checkpoint()).root)
  }

  /// A model whose parameters lie below a scope.
  public init(_ configuration: AutoencoderKLConfiguration, _ scope: Scope) throws {
    try configuration.validate()
    self.configuration = configuration
    store = scope.store
    let channels = configuration.latentChannels
    encoder = try PictureEncoder(configuration, scope / "encoder")
    decoder = try PictureDecoder(configuration, scope / "decoder")
    quantization =
      configuration.usesQuantConvolution
      ? try Convolution(2 * channels, 2 * channels, kernel: [1, 1], scope / "quant_conv") : nil
    postQuantization =
      configuration.usesPostQuantConvolution
      ? try Convolution(channels, channels, kernel: [1, 1], scope / "post_quant_conv") : nil
    super.init(scope)
  }

  /// Normal distributions, one for every number of a latent picture.
  public struct Posterior: Sendable {
    /// Mean and logarithm of the variance as the encoder gives them, `[batch, 2 · channels, height, width]`
    public let parameters: Tensor
    /// `[batch, channels, height, width]`
    public let mean: Tensor
    /// The logarithm of the variance, in -30...20: `[batch, channels, height, width]`
    public let logVariance: Tensor

    init(_ parameters: Tensor) throws {
      self.parameters = parameters
      let halves = try parameters.chunked(2, axis: 1)
      (mean, logVariance) = (halves[0], try halves[1].clamped(-30, 20))
    }

    /// A latent picture drawn from the distributions.
    public func sample(_ stream: inout RandomStream) throws -> Tensor {
      let noise = try stream.normal(mean.shape, mean.dataType, device: mean.device)
      return try mean + noise * (logVariance * 0.5).exp()
    }

    /// The divergence from the standard normal distribution, in nats: `[batch]`
    public func divergence() throws -> Tensor {
      try (mean.squared() + logVariance.exp() - 1 - logVariance).sum([1, 2, 3]) * 0.5
    }
  }

  /// Encodes pictures.
  /// - Parameter pictures: `[batch, channels, height, width]`, in -1...1
  /// - Returns: distributions of latent pictures `[batch, latent channels, height / reduction, width / reduction]`
  public func encoded(_ pictures: Tensor) throws -> Posterior {
    _ = try LatentPicture.grid(of: pictures, channels: configuration.inputChannels, patch: 1, "sample")
    guard min(pictures.size(2), pictures.size(3)) >= configuration.reduction else {
      throw TensorError.invalid("sample", "\(pictures.summary) is smaller than one cell of the latent picture")
    }
    let code = try encoder(pictures)
    return try Posterior(quantization?(code) ?? code)
  }

  /// Decodes latent pictures.
  /// - Parameter latents: `[batch, latent channels, height, width]`, as `encoded` gives them
  public func decoded(_ latents: Tensor) throws -> Tensor {
    _ = try LatentPicture.grid(of: latents, channels: configuration.latentChannels, patch: 1, "z")
    let code = try latents.to(decoder.dataType)
    return try decoder(postQuantization?(code) ?? code)
  }

  /// Latent pictures as a diffusion model takes them: (mean - shift) · scale.
  public func latents(of pictures: Tensor) throws -> Tensor {
    try (encoded(pictures).mean - (configuration.shiftFactor ?? 0)) * configuration.scalingFactor
  }

  /// Pictures of what a diffusion model gives: the inverse of `latents(of:)`, as well as the autoencoder can.
  public func pictures(of latents: Tensor) throws -> Tensor {
    try decoded(latents * (1 / configuration.scalingFactor) + (configuration.shiftFactor ?? 0))
  }

  /// `sample` is encoded and the mean decoded, as `forward` of the reference; `x` is encoded, `z` decoded, as its `encode` and `decode`.
  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    let sample = try inputs.optional("sample", rank: 4)
    let picture = try inputs.optional("x", rank: 4)
    let latents = try inputs.optional("z", rank: 4)
    try inputs.demandAllTaken()
    try options.demandKnown("sample_posterior")
    if try options.flag("sample_posterior") {
      throw TensorError.invalid(
        "forward", "the setting 'sample_posterior' would draw numbers that no other library draws")
    }
    guard [sample, picture, latents].compactMap({ $0 }).count == 1 else {
      throw TensorError.invalid(
        "forward", "exactly one of the inputs 'sample', 'x' (to encode) and 'z' (to decode) is expected")
    }
    if let latents {
      try LatentPicture.demandFinite(latents, "z")
      return ["sample": try decoded(latents)]
    }
    guard let given = sample ?? picture else { return [:] }
    try LatentPicture.demandFinite(given, "sample")
    let posterior = try encoded(given)
    var outputs = [
      "latent_dist.parameters": posterior.parameters, "latent_dist.mean": posterior.mean,
      "latent_dist.logvar": posterior.logVariance, "mean": posterior.mean, "logvar": posterior.logVariance,
    ]
    if sample != nil { outputs["sample"] = try decoded(posterior.mean) }
    return outputs
  }
}

/// Two convolutions, each behind a group normalization, beside the input itself.
final class PictureResidual: Module {
  private let norm1: GroupNorm
  private let convolution1: Convolution
  private let norm2: GroupNorm
  private let convolution2: Convolution
  private let shortcut: Convolution?
  private let activation: Activation

  init(_ input: Int, _ output: Int, _ configuration: AutoencoderKLConfiguration, _ scope: Scope) throws {
    activation = configuration.activation
    norm1 = try GroupNorm(configuration.groups, input, epsilon: 1e-6, scope / "norm1")
    convolution1 = try Convolution(input, output, kernel: [3, 3], padding: [1, 1], scope / "conv1")
    norm2 = try GroupNorm(configuration.groups, output, epsilon: 1e-6, scope / "norm2")
    convolution2 = try Convolution(output, output, kernel: [3, 3], padding: [1, 1], scope / "conv2")
    shortcut = input == output ? nil : try Convolution(input, output, kernel: [1, 1], scope / "conv_shortcut")
    super.init(scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let hidden = try convolution2(activation(norm2(convolution1(activation(norm1(x))))))
    return try (shortcut?(x) ?? x) + hidden
  }
}

/// Attention with one head over all places of a picture, beside the input itself.
final class PictureAttention: Module {
  private let norm: GroupNorm
  private let attention: DiffusionAttention

  init(_ width: Int, _ configuration: AutoencoderKLConfiguration, _ scope: Scope) throws {
    norm = try GroupNorm(configuration.groups, width, epsilon: 1e-6, scope / "group_norm")
    let old = !scope.isRandom && scope.contains("query.weight")
    attention = try DiffusionAttention(width, heads: 1, headWidth: width, keys: old ? .deprecated : .diffusers, scope)
    super.init(scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let shape = x.shape
    let places = try norm(x.flattened(2)).transposed(1, 2)
    // In this order the sum keeps the places' layout, channels last, which is faster for the convolutions that follow.
    return try attention(places).transposed(1, 2).reshaped(shape) + x
  }
}

/// The middle of the encoder or the decoder.
final class PictureMiddle: Module {
  private let residuals: [PictureResidual]
  private let attention: PictureAttention?

  init(_ width: Int, _ configuration: AutoencoderKLConfiguration, _ scope: Scope) throws {
    residuals = try (0..<2).map { try PictureResidual(width, width, configuration, scope / "resnets" / $0) }
    attention =
      configuration.middleAttention ? try PictureAttention(width, configuration, scope / "attentions" / 0) : nil
    super.init(scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let first = try residuals[0](x)
    return try residuals[1](attention?(first) ?? first)
  }
}

/// Residual blocks, each with attention behind it or without, and a change of size.
final class PictureStage: Module {
  enum Resizing { case none, halved, doubled }

  private let residuals: [PictureResidual]
  private let attentions: [PictureAttention]
  private let resizing: Resizing
  private let convolution: Convolution?

  init(
    _ input: Int, _ output: Int, layers: Int, attention: Bool, _ resizing: Resizing,
    _ configuration: AutoencoderKLConfiguration,
    _ scope: Scope
  ) throws {
    residuals = try (0..<layers).map {
      try PictureResidual($0 == 0 ? input : output, output, configuration, scope / "resnets" / $0)
    }
    attentions =
      attention ? try (0..<layers).map { try PictureAttention(output, configuration, scope / "attentions" / $0) } : []
    self.resizing = resizing
    convolution =
      switch resizing {
      case .none: nil
      case .halved:
        try Convolution(output, output, kernel: [3, 3], stride: [2, 2], scope / "downsamplers" / 0 / "conv")
      case .doubled:
        try Convolution(output, output, kernel: [3, 3], padding: [1, 1], scope / "upsamplers" / 0 / "conv")
      }
    super.init(scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    var x = x
    for (index, residual) in residuals.enumerated() {
      x = try residual(x)
      if !attentions.isEmpty { x = try attentions[index](x) }
    }
    guard let convolution else { return x }
    // Halving sees one more row and column of zeros at the far ends only.
    return resizing == .halved
      ? try convolution(x.padded([0, 1, 0, 1])) : try convolution(x.resized(2 * x.size(2), 2 * x.size(3), .nearest))
  }
}

/// Pictures to the parameters of latent pictures.
final class PictureEncoder: Module {
  private let input: Convolution
  private let stages: [PictureStage]
  private let middle: PictureMiddle
  private let norm: GroupNorm
  private let output: Convolution

  init(_ configuration: AutoencoderKLConfiguration, _ scope: Scope) throws {
    let widths = configuration.widths
    let (first, last) = (widths[0], widths[widths.count - 1])
    input = try Convolution(configuration.inputChannels, first, kernel: [3, 3], padding: [1, 1], scope / "conv_in")
    stages = try widths.indices.map { index in
      try PictureStage(
        widths[max(index - 1, 0)], widths[index], layers: configuration.layersPerBlock,
        attention: configuration.downBlocks[index] == .attention, index == widths.count - 1 ? .none : .halved,
        configuration,
        scope / "down_blocks" / index)
    }
    middle = try PictureMiddle(last, configuration, scope / "mid_block")
    norm = try GroupNorm(configuration.groups, last, epsilon: 1e-6, scope / "conv_norm_out")
    output = try Convolution(
      last, 2 * configuration.latentChannels, kernel: [3, 3], padding: [1, 1], scope / "conv_out")
    super.init(scope)
  }

  func callAsFunction(_ pictures: Tensor) throws -> Tensor {
    var x = try input(pictures.to(input.weight.value.dataType))
    for stage in stages { x = try stage(x) }
    return try output(norm(middle(x)).silu())
  }
}

/// Latent pictures to pictures.
final class PictureDecoder: Module {
  private let input: Convolution
  private let middle: PictureMiddle
  private let stages: [PictureStage]
  private let norm: GroupNorm
  private let output: Convolution

  init(_ configuration: AutoencoderKLConfiguration, _ scope: Scope) throws {
    let widths = Array(configuration.widths.reversed())
    let (first, last) = (widths[0], widths[widths.count - 1])
    input = try Convolution(configuration.latentChannels, first, kernel: [3, 3], padding: [1, 1], scope / "conv_in")
    middle = try PictureMiddle(first, configuration, scope / "mid_block")
    stages = try widths.indices.map { index in
      try PictureStage(
        widths[max(index - 1, 0)], widths[index], layers: configuration.layersPerBlock + 1,
        attention: configuration.upBlocks[index] == .attention, index == widths.count - 1 ? .none : .doubled,
        configuration,
        scope / "up_blocks" / index)
    }
    norm = try GroupNorm(configuration.groups, last, epsilon: 1e-6, scope / "conv_norm_out")
    output = try Convolution(last, configuration.outputChannels, kernel: [3, 3], padding: [1, 1], scope / "conv_out")
    super.init(scope)
  }

  var dataType: DataType { input.weight.value.dataType }

  func callAsFunction(_ latents: Tensor) throws -> Tensor {
    var x = try middle(input(latents))
    for stage in stages { x = try stage(x) }
    return try output(norm(x).silu())
  }
}
