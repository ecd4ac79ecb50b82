import TesseraTensor

/// Batch normalization whose statistics and factors stay as they are: `(x - mean) / sqrt(variance + 1e-5) * weight + bias` per channel.
public final class FrozenBatchNorm: Module {
  let weight, bias, mean, variance: Parameter

  /// Takes its parameters from a scope.
  /// - Throws: `CheckpointError.missing` or `.wrongShape`; `ConfigurationError` if sizes don't fit.
  public init(_ channels: Int, _ scope: Scope) throws {
    weight = try scope.parameter("weight", [channels], .ones, trained: false)
    bias = try scope.parameter("bias", [channels], .zeros, trained: false)
    mean = try scope.parameter("running_mean", [channels], .zeros, trained: false)
    variance = try scope.parameter("running_var", [channels], .ones, trained: false)
    super.init(scope)
  }

  /// - Parameter x: `[batch, channels, height, width]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    let channels = [1, weight.value.count, 1, 1]
    let scale = try weight.value * (variance.value + 1e-5).rsqrt()
    let shift = try bias.value - mean.value * scale
    return try x * scale.reshaped(channels) + shift.reshaped(channels)
  }
}

/// A convolution without bias, a frozen norm and, mostly, an activation.
final class ConvolutionUnit: Module {
  /// What a checkpoint calls the two parts.
  typealias Names = (convolution: String, norm: String)

  private let weight: Parameter
  private let norm: FrozenBatchNorm
  private let activation: Activation?
  private let stride, dilation, padding, groups: Int

  init(
    _ input: Int, _ output: Int, kernel: Int, stride: Int = 1, dilation: Int = 1, groups: Int = 1,
    _ activation: Activation?, _ names: Names, _ scope: Scope
  ) throws {
    guard groups > 0, input % groups == 0, output % groups == 0 else {
      throw TensorError.invalid("ResNet", "\(input) and \(output) channels cannot be cut into \(groups) groups")
    }
    weight = try (scope / names.convolution).parameter(
      "weight", [output, input / groups, kernel, kernel], .fanInUniform)
    norm = try FrozenBatchNorm(output, scope / names.norm)
    self.activation = activation
    (self.stride, self.dilation, self.groups) = (stride, dilation, groups)
    padding = dilation * (kernel / 2)
    super.init(scope)
  }

  func callAsFunction(_ x: Tensor) throws -> Tensor {
    let y = try norm(
      x.convolution(
        weight.value, stride: [stride, stride], padding: [padding, padding], dilation: [dilation, dilation],
        groups: groups))
    return try activation?(y) ?? y
  }
}

extension Tensor {
  /// The largest of every window of a picture `[batch, channels, height, width]`.
  func maxPooled(_ kernel: Int, stride: Int, padding: Int) throws -> Tensor {
    try Op.maxPool2d(
      .tensor(self), .ints([kernel, kernel]), .ints([stride, stride]), .ints([padding, padding]), .ints([1, 1]),
      .bool(false))
  }

  /// The mean of every window of a picture; a window over the edge counts what lies inside.
  func averagePooled(_ kernel: Int, stride: Int) throws -> Tensor {
    try Op.averagePool2d(
      .tensor(self), .ints([kernel, kernel]), .ints([stride, stride]), .ints([0, 0]), .bool(true), .bool(false), .none)
  }
}

/// A network of convolutions that gives feature maps for a detector.
public protocol ConvolutionalBackbone {
  /// How many channels each map has.
  var channels: [Int] { get }

  /// - Parameter images: `[batch, channels, height, width]`
  /// - Returns: the maps that the configuration chose, the finest first
  func maps(_ images: Tensor) throws -> [Tensor]
}
