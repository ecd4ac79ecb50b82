import TesseraTensor

/// Rotary positions (Su et al. 2021, "RoFormer"): pairs of features of queries and keys are turned by angles that grow with
/// the position, so that their product depends on the distance alone.
///
///     let rotary = try RotaryEmbedding(width: 64)
///     let table = try rotary(positions)                 // [batch, tokens]
///     let turned = try table.rotate(queries)            // [batch, heads, tokens, 64]
///
/// Feature i is paired with feature i + width / 2, as in the checkpoints of Llama and its relatives.
public struct RotaryEmbedding: Sendable {
  /// How many features of a head turn: all of them, or the first so many.
  public let width: Int
  /// Frequencies are powers of it.
  public let base: Double
  /// What is done for longer texts.
  public let scaling: RotaryScaling
  /// Multiplies cosines and sines.
  public let attentionFactor: Double

  private let frequencies: Tensor
  /// For LongRoPE: those of long texts.
  private let longFrequencies: Tensor?

  /// - Throws: `TensorError.invalid` if a number makes no frequencies: an odd width, a base or a factor that is not positive.
  public init(width: Int, base: Double = 10_000, scaling: RotaryScaling = .none) throws {
    try Self.check(width, base, scaling)
    (self.width, self.base, self.scaling) = (width, base, scaling)
    let make = RotaryFrequencies(width: width, base: base, scaling: scaling)
    frequencies = try make(length: 0)
    switch scaling {
    case .yarn(let yarn): (attentionFactor, longFrequencies) = (yarn.attention, nil)
    case .longRope(let rope): (attentionFactor, longFrequencies) = (rope.attention, try make(length: Int.max))
    default: (attentionFactor, longFrequencies) = (1, nil)
    }
  }

  /// Cosines and sines for positions.
  /// - Parameter positions: whole numbers `[batch, tokens]` or `[1, tokens]`
  public func callAsFunction(_ positions: Tensor, _ type: DataType = .float32) throws -> RotaryTable {
    let angles = try positions.unsqueezed(-1).to(.float32) * frequencies(for: positions)
    func scaled(_ values: Tensor) throws -> Tensor {
      try (attentionFactor == 1 ? values : values * attentionFactor).to(type).unsqueezed(1)
    }
    let (cosines, sines) = (try scaled(angles.cos()), try scaled(angles.sin()))
    return try RotaryTable(
      cosines: Tensor.concatenated([cosines, cosines], axis: -1),
      sines: Tensor.concatenated([sines.negated(), sines], axis: -1))
  }

  /// Some scalings look at the farthest position.
  private func frequencies(for positions: Tensor) throws -> Tensor {
    switch scaling {
    case .dynamic(_, let limit):
      let length = try Self.length(of: positions)
      return length > limit
        ? try RotaryFrequencies(width: width, base: base, scaling: scaling)(length: length) : frequencies
    case .longRope(let rope):
      return try Self.length(of: positions) > rope.original ? longFrequencies ?? frequencies : frequencies
    default:
      return frequencies
    }
  }

  private static func length(of positions: Tensor) throws -> Int {
    positions.count == 0 ? 0 : try positions.maximum().integer() &+ 1
  }

  private static func check(_ width: Int, _ base: Double, _ scaling: RotaryScaling) throws {
    func refuse(_ reason: String) -> TensorError { .invalid("RotaryEmbedding", reason) }
    func positive(_ number: Double, _ name: String) throws {
      guard number > 0, number.isFinite else { throw refuse("\(name) must be positive, not \(number)") }
    }
    func positions(_ count: Int) throws {
      guard count > 0 else { throw refuse("original_max_position_embeddings must be positive, not \(count)") }
    }
    guard width > 0, width % 2 == 0, width <= 1 << 20 else {
      throw refuse("an even number of features turns, not \(width)")
    }
    try positive(base, "rope_theta")
    switch scaling {
    case .none: break
    case .linear(let factor): try positive(factor, "factor")
    case .proportional(let factor, let portion):
      try positive(factor, "factor")
      guard (0...1).contains(portion) else { throw refuse("partial_rotary_factor must be in 0...1, not \(portion)") }
    case .dynamic(let factor, let limit):
      try positive(factor, "factor")
      try positions(limit)
      guard width > 2 else { throw refuse("dynamic scaling needs more than two features that turn") }
    case .yarn(let yarn):
      try positive(yarn.factor, "factor")
      try positions(yarn.original)
      try positive(yarn.betaFast, "beta_fast")
      try positive(yarn.betaSlow, "beta_slow")
      guard base != 1 else { throw refuse("yarn needs a rope_theta other than 1") }
      guard yarn.attention.isFinite else { throw refuse("attention_factor or mscale is out of range") }
    case .longRope(let rope):
      try positions(rope.original)
      for (name, list) in [("short_factor", rope.short), ("long_factor", rope.long)] {
        guard list.count == width / 2 else {
          throw refuse("\(name) must have \(width / 2) numbers for \(width) features, not \(list.count)")
        }
        for number in list { try positive(number, name) }
      }
      guard rope.attention.isFinite else { throw refuse("attention_factor or factor is out of range") }
    case .llama3(let scaling):
      try positive(scaling.factor, "factor")
      try positions(scaling.original)
      try positive(scaling.lowFrequencyFactor, "low_freq_factor")
      try positive(scaling.highFrequencyFactor, "high_freq_factor")
      guard scaling.lowFrequencyFactor != scaling.highFrequencyFactor else {
        throw refuse("low_freq_factor and high_freq_factor must differ")
      }
    }
  }
}

/// Cosines and sines of tokens, ready to turn queries and keys.
public struct RotaryTable: Sendable {
  /// `[batch or 1, 1, tokens, width]`
  public let cosines: Tensor
  /// The same, the first half with its sign changed: turning needs no negation then.
  public let sines: Tensor

  /// Takes both tables as they are.
  public init(cosines: Tensor, sines: Tensor) { (self.cosines, self.sines) = (cosines, sines) }

  /// (a, b) becomes (a·cos - b·sin, b·cos + a·sin) for the halves a and b of the features that turn; the others stay.
  /// - Parameter features: queries or keys `[batch, heads, tokens, head width]`
  public func rotate(_ features: Tensor) throws -> Tensor {
    let (width, turning) = (features.size(-1), cosines.size(-1))
    guard turning < width else { return try turn(features) }
    return try Tensor.concatenated(
      [try turn(features.sliced(0..<turning, axis: -1)), features.sliced(turning..<width, axis: -1)], axis: -1)
  }

  private func turn(_ features: Tensor) throws -> Tensor {
    try features * cosines + features.rolled([cosines.size(-1) / 2], axes: [-1]) * sines
  }
}
