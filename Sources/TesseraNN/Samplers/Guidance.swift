import TesseraTensor

/// Classifier-free guidance: a step away from what a model says without its condition.
///
/// Paper: *Classifier-Free Diffusion Guidance*, 2022 (arXiv 2207.12598), in the form `u + scale · (c - u)`: a scale of 1 is the conditional
/// model, 0 the unconditional one.
public struct ClassifierFreeGuidance: Sendable, Codable {
  public var scale: Double
  /// How many leading channels are guided; the others are the conditional model's. Nil guides all. DiT's released code guides three.
  public var guidedChannels: Int?
  /// The share of the result whose deviation is brought back to the conditional model's (arXiv 2305.08891, section 3.4).
  public var rescale: Double

  public init(scale: Double, guidedChannels: Int? = nil, rescale: Double = 0) {
    (self.scale, self.guidedChannels, self.rescale) = (scale, guidedChannels, rescale)
  }

  /// - Parameters: what the model says with and without its condition, `[batch, channels, ...]`
  public func callAsFunction(conditional: Tensor, unconditional: Tensor) throws -> Tensor {
    guard conditional.shape == unconditional.shape, conditional.rank >= 2, guidedChannels ?? 1 > 0 else {
      throw TensorError.invalid("ClassifierFreeGuidance", "\(conditional.summary) and \(unconditional.summary)")
    }
    if let guidedChannels, guidedChannels < conditional.size(1) {
      let (first, rest) = (0..<guidedChannels, guidedChannels..<conditional.size(1))
      let whole = ClassifierFreeGuidance(scale: scale, rescale: rescale)
      let guided = try whole(
        conditional: conditional.sliced(first, axis: 1), unconditional: unconditional.sliced(first, axis: 1))
      return try .concatenated([guided, conditional.sliced(rest, axis: 1)], axis: 1)
    }
    // Exactly the model's own words where nothing is guided.
    if scale == 1 { return conditional }
    let guided = try unconditional + (conditional - unconditional) * scale
    guard rescale != 0 else { return guided }
    let axes = Array(1..<guided.rank)
    func deviation(_ x: Tensor) throws -> Tensor { try x.variance(axes, keepingAxes: true).sqrt() }
    let scaled = try guided * (deviation(conditional) / deviation(guided))
    return try scaled * rescale + guided * (1 - rescale)
  }

  /// Guides the two halves of a batch.
  /// - Parameter conditionalFirst: true for DiT's order, false for the order of Hugging Face's pipelines
  public func callAsFunction(_ both: Tensor, conditionalFirst: Bool) throws -> Tensor {
    let halves = try both.chunked(2, axis: 0)
    return conditionalFirst
      ? try self(conditional: halves[0], unconditional: halves[1])
      : try self(conditional: halves[1], unconditional: halves[0])
  }
}
