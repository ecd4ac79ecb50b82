import TesseraTensor

/// `x · weightᵀ + bias`.
public final class Linear: Module {
  /// `[out, in]`
  public let weight: Parameter
  /// `[out]`
  public let bias: Parameter?

  /// Takes the parameters from a scope.
  /// - Throws: `CheckpointError` if one is missing or has another shape.
  public init(
    _ input: Int, _ output: Int, bias: Bool = true, _ scope: Scope, initialization: Initialization = .fanInUniform,
    biasInitialization: Initialization = .zeros
  ) throws {
    weight = try scope.parameter("weight", [output, input], initialization)
    self.bias = bias ? try scope.parameter("bias", [output], biasInitialization) : nil
    super.init(scope)
  }

  /// - Parameter x: `[..., in]`
  /// - Returns: `[..., out]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor { try x.linear(weight.value, bias?.value) }
}

/// A table of vectors.
public final class Embedding: Module {
  /// `[rows, width]`
  public let weight: Parameter

  /// Takes the parameters from a scope.
  /// - Throws: `CheckpointError` if one is missing or has another shape.
  public init(_ rows: Int, _ width: Int, _ scope: Scope, initialization: Initialization = .normal(0.02)) throws {
    weight = try scope.parameter("weight", [rows, width], initialization)
    super.init(scope)
  }

  /// - Parameter indices: int64 `[...]`
  /// - Returns: `[..., width]`
  public func callAsFunction(_ indices: Tensor) throws -> Tensor { try weight.value.embedding(indices) }
}

/// Layer normalization over the last axis.
public final class LayerNorm: Module {
  /// The length of the normalized axis.
  public let width: Int
  /// What is added to a denominator against division by zero.
  public let epsilon: Double
  /// What the result is scaled with.
  public let weight: Parameter?
  /// What is added; nil if there is none.
  public let bias: Parameter?

  /// - Parameters:
  ///   - affine: false: no weight and no bias
  ///   - bias: false: a weight alone
  public init(_ width: Int, epsilon: Double = 1e-5, affine: Bool = true, bias: Bool = true, _ scope: Scope) throws {
    (self.width, self.epsilon) = (width, epsilon)
    weight = affine ? try scope.parameter("weight", [width], .ones) : nil
    self.bias = affine && bias ? try scope.parameter("bias", [width], .zeros) : nil
    super.init(scope)
  }

  /// - Parameter x: `[..., width]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    try x.layerNorm([width], weight?.value, bias?.value, epsilon: epsilon)
  }
}

/// Division by the root of the mean square over the last axis (Zhang, Sennrich 2019, "Root Mean Square Layer Normalization").
public final class RMSNorm: Module {
  /// What is added to a denominator against division by zero.
  public let epsilon: Double
  /// What the result is scaled with.
  public let weight: Parameter?

  /// Takes the parameters from a scope.
  /// - Throws: `CheckpointError` if one is missing or has another shape.
  public init(_ width: Int, epsilon: Double = 1e-6, affine: Bool = true, _ scope: Scope) throws {
    self.epsilon = epsilon
    weight = affine ? try scope.parameter("weight", [width], .ones) : nil
    super.init(scope)
  }

  /// - Parameter x: `[..., width]`
  public func callAsFunction(_ x: Tensor) throws -> Tensor { try x.rmsNorm(weight?.value, epsilon: epsilon) }
}

/// A convolution over the last one or two axes of `[batch, channels, ...]`.
public final class Convolution: Module {
  /// `[out, in / groups, kernel...]`
  public let weight: Parameter
  /// What is added; nil if there is none.
  public let bias: Parameter?
  /// The step along each axis.
  public let stride: [Int]
  /// Zeros around each axis.
  public let padding: [Int]
  /// Parameters by factor and decay.
  public let groups: Int

  /// - Parameter kernel: the length along each axis; as many axes as it has are convolved
  public init(
    _ input: Int, _ output: Int, kernel: [Int], stride: [Int]? = nil, padding: [Int]? = nil, groups: Int = 1,
    bias: Bool = true, _ scope: Scope, initialization: Initialization = .fanInUniform
  ) throws {
    guard groups > 0, input % groups == 0, kernel.allSatisfy({ $0 > 0 }) else {
      throw TensorError.invalid("Convolution", "\(input) channels in \(groups) groups with the kernel \(kernel)")
    }
    self.stride = stride ?? kernel.map { _ in 1 }
    self.padding = padding ?? kernel.map { _ in 0 }
    self.groups = groups
    weight = try scope.parameter("weight", [output, input / groups] + kernel, initialization)
    self.bias = bias ? try scope.parameter("bias", [output], .zeros) : nil
    super.init(scope)
  }

  /// Applies it.
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    try x.convolution(weight.value, bias?.value, stride: stride, padding: padding, groups: groups)
  }
}

/// Group normalization of `[batch, channels, ...]` (Wu, He 2018).
public final class GroupNorm: Module {
  /// Parameters by factor and decay.
  public let groups: Int
  /// What is added to a denominator against division by zero.
  public let epsilon: Double
  /// What the result is scaled with.
  public let weight: Parameter
  /// What is added; nil if there is none.
  public let bias: Parameter

  /// Takes the parameters from a scope.
  /// - Throws: `CheckpointError` if one is missing or has another shape.
  public init(_ groups: Int, _ channels: Int, epsilon: Double = 1e-5, _ scope: Scope) throws {
    (self.groups, self.epsilon) = (groups, epsilon)
    weight = try scope.parameter("weight", [channels], .ones)
    bias = try scope.parameter("bias", [channels], .zeros)
    super.init(scope)
  }

  /// Applies it.
  public func callAsFunction(_ x: Tensor) throws -> Tensor {
    try x.groupNorm(groups, weight.value, bias.value, epsilon: epsilon)
  }
}
