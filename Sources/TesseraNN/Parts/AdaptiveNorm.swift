import TesseraTensor

extension Tensor {
  /// `self · (1 + scale) + shift`, what a condition does to normalised tokens.
  /// - Parameter shift, scale: broadcast to self, usually `[batch, 1, width]`
  public func modulated(shift: Tensor, scale: Tensor) throws -> Tensor { try self * (scale + 1) + shift }

  /// Layer normalization over the last axis without weights, modulated by a condition (adaLN; Peebles, Xie 2022).
  public func adaptivelyNormalized(shift: Tensor, scale: Tensor, epsilon: Double = 1e-6) throws -> Tensor {
    try layerNorm([size(-1)], epsilon: epsilon).modulated(shift: shift, scale: scale)
  }
}

/// Turns a condition into the shifts, scales and gates of a block: `linear(SiLU(c))`, cut in equal parts.
///
/// Starts at zero, so that a block with gates is the identity (adaLN-Zero).
public final class AdaptiveModulation: Module {
  /// How many tensors come out.
  public let count: Int
  private let linear: Linear

  /// - Parameter scope: that of the projection itself
  public init(_ width: Int, _ count: Int, condition: Int? = nil, _ scope: Scope) throws {
    self.count = count
    linear = try Linear(condition ?? width, count * width, scope, initialization: .zeros)
    super.init(scope)
  }

  /// - Parameter condition: `[batch, width]`
  /// - Returns: `count` tensors `[batch, 1, width]`
  public func callAsFunction(_ condition: Tensor) throws -> [Tensor] {
    try linear(condition.silu()).unsqueezed(1).chunked(count, axis: -1)
  }
}

/// Shift, scale and gate of one residual branch.
public struct Modulation: Sendable {
  public let shift, scale, gate: Tensor

  /// The branches of a list in the order shift, scale, gate, shift, scale, gate, ...
  public static func branches(_ parts: [Tensor]) -> [Modulation] {
    stride(from: 0, to: parts.count - 2, by: 3).map {
      Modulation(shift: parts[$0], scale: parts[$0 + 1], gate: parts[$0 + 2])
    }
  }
}
