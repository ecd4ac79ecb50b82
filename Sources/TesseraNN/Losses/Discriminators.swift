import TesseraTensor

/// A convolutional discriminator that judges overlapping patches.
///
/// Paper: *Image-to-Image Translation with Conditional Adversarial Networks*, 2016 (arXiv 1611.07004). Keys: `main.N.*`, as in VQGAN.
public final class PatchDiscriminator: Module {
  public struct Configuration: Sendable {
    public var channels = 3
    /// Filters of the first layer; later layers have up to eight times as many.
    public var width = 64
    /// Layers with normalization.
    public var layers = 3

    public init(channels: Int = 3, width: Int = 64, layers: Int = 3) {
      (self.channels, self.width, self.layers) = (channels, width, layers)
    }
  }

  private let first: Convolution
  private let middle: [(Convolution, BatchNorm)]
  private let last: Convolution

  public init(_ configuration: Configuration = Configuration(), _ scope: Scope) throws {
    let (width, layers) = (configuration.width, configuration.layers)
    guard configuration.channels > 0, (1...1 << 16).contains(width), (1...16).contains(layers) else {
      throw TensorError.invalid(
        "PatchDiscriminator", "\(layers) layers of \(width) filters over \(configuration.channels) channels")
    }
    let main = scope / "main"
    func convolution(_ input: Int, _ output: Int, stride: Int, bias: Bool = true, _ place: Int) throws -> Convolution {
      try Convolution(
        input, output, kernel: [4, 4], stride: [stride, stride], padding: [1, 1], bias: bias, main / place,
        initialization: .normal(0.02))
    }
    first = try convolution(configuration.channels, width, stride: 2, 0)
    middle = try (1...layers).map { layer in
      let (before, after) = (width * min(1 << (layer - 1), 8), width * min(1 << layer, 8))
      let place = 3 * layer - 1
      return (
        try convolution(before, after, stride: layer < layers ? 2 : 1, bias: false, place),
        try BatchNorm(after, main / (place + 1))
      )
    }
    last = try convolution(width * min(1 << layers, 8), 1, stride: 1, 3 * layers + 2)
    super.init(scope)
  }

  /// - Parameter image: `[batch, channels, height, width]`
  /// - Returns: logits of patches `[batch, 1, rows, columns]`
  public func callAsFunction(_ image: Tensor, training: Bool) throws -> Tensor {
    var x = try first(image).leakyReLU(0.2)
    for (convolution, norm) in middle { x = try norm(convolution(x), training: training).leakyReLU(0.2) }
    return try last(x)
  }
}

/// Normalization by the statistics of a batch in training and by their moving averages afterwards (Ioffe, Szegedy 2015).
public final class BatchNorm: Module {
  public let epsilon: Double
  public let momentum: Double
  public let weight: Parameter
  public let bias: Parameter
  public let runningMean: Parameter
  public let runningVariance: Parameter

  public init(_ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, _ scope: Scope) throws {
    (self.epsilon, self.momentum) = (epsilon, momentum)
    weight = try scope.parameter("weight", [channels], .ones)
    bias = try scope.parameter("bias", [channels], .zeros)
    runningMean = try scope.parameter("running_mean", [channels], .zeros, trained: false)
    runningVariance = try scope.parameter("running_var", [channels], .ones, trained: false)
    super.init(scope)
  }

  /// - Parameter x: `[batch, channels, ...]`
  public func callAsFunction(_ x: Tensor, training: Bool) throws -> Tensor {
    // The operator changes the averages in place, so it gets copies.
    let (mean, variance) = (try runningMean.value.copy(), try runningVariance.value.copy())
    let result = try Op.batchNorm(
      .tensor(x), .tensor(weight.value), .tensor(bias.value), .tensor(mean), .tensor(variance), .bool(training),
      .double(momentum), .double(epsilon), .bool(false))
    if training {
      try runningMean.assign(mean)
      try runningVariance.assign(variance)
    }
    return result
  }
}

/// A discriminator that halves pictures with a blur and judges at 16x16 places, as in the single-stage recipe of TiTok's successors.
///
/// Source: bytedance/1d-tokenizer (TA-TiTok, arXiv 2501.07730). Keys: `block_in.0`, `blocks.N.0`, `blocks.N.2`, `to_logits.0`,
/// `to_logits.2`.
public final class BlurDiscriminator: Module {
  public struct Configuration: Sendable {
    public var channels = 3
    public var width = 128
    public var stages = 3
    /// Groups of the normalization.
    public var groups = 32

    public init(channels: Int = 3, width: Int = 128, stages: Int = 3, groups: Int = 32) {
      (self.channels, self.width, self.stages, self.groups) = (channels, width, stages, groups)
    }
  }

  private let input: Convolution
  private let stages: [(Convolution, GroupNorm)]
  private let hidden: Convolution
  private let output: Convolution

  public init(_ configuration: Configuration = Configuration(), _ scope: Scope) throws {
    let (width, count) = (configuration.width, configuration.stages)
    guard configuration.channels > 0, (1...1 << 16).contains(width), (1...8).contains(count), configuration.groups > 0,
      width % configuration.groups == 0
    else {
      throw TensorError.invalid(
        "BlurDiscriminator", "\(count) stages of \(width) filters in \(configuration.groups) groups")
    }
    func same(_ input: Int, _ output: Int, _ kernel: Int, _ scope: Scope) throws -> Convolution {
      try Convolution(input, output, kernel: [kernel, kernel], padding: [kernel / 2, kernel / 2], scope)
    }
    input = try same(configuration.channels, width, 5, scope / "block_in" / 0)
    stages = try (0..<count).map { stage in
      let (before, after) = (stage == 0 ? width : width << (stage - 1), width << stage)
      let place = scope / "blocks" / stage
      return (try same(before, after, 3, place / 0), try GroupNorm(configuration.groups, after, place / 2))
    }
    hidden = try same(width << (count - 1), width << (count - 1), 1, scope / "to_logits" / 0)
    output = try same(width << (count - 1), 1, 5, scope / "to_logits" / 2)
    super.init(scope)
  }

  /// - Parameter image: `[batch, channels, height, width]`
  /// - Returns: logits `[batch, 1, 16, 16]`
  public func callAsFunction(_ image: Tensor) throws -> Tensor {
    var x = try input(image).leakyReLU(0.1)
    for (convolution, norm) in stages { x = try norm(blurred(convolution(x))).leakyReLU(0.1) }
    x = try Op.adaptiveMaxPool2d(.tensor(x), .ints([16, 16]))
    return try output(hidden(x).leakyReLU(0.1))
  }

  /// Every second pixel of a picture blurred by the binomial filter (1, 3, 3, 1) (Zhang 2019, arXiv 1904.11486).
  private func blurred(_ x: Tensor) throws -> Tensor {
    let row: [Float] = [1, 3, 3, 1]
    let channels = x.size(1)
    let kernel = try Tensor(row.flatMap { a in row.map { a * $0 / 64 } }, [1, 1, 4, 4], device: x.device).to(x.dataType)
      .expanded([channels, 1, 4, 4]).contiguous()
    func pads(_ size: Int) -> [Int] {
      let total = max(((size + 1) / 2 - 1) * 2 + 4 - size, 0)
      return [total / 2, total - total / 2]
    }
    return try x.padded(pads(x.size(3)) + pads(x.size(2))).convolution(
      kernel, stride: [2, 2], padding: [0, 0], groups: channels)
  }
}
