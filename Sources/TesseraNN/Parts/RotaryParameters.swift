import TesseraTensor

/// The rotary embedding as configuration files describe it: `rope_parameters` of newer ones; `rope_scaling` beside `rope_theta` of older.
public struct RotaryParameters: Codable, Sendable, Equatable {
  /// default, linear, dynamic, yarn, longrope, llama3, proportional; older files call the key `type`.
  public var ropeType: String
  /// The base of the frequencies.
  public var theta: Double?
  /// Which part of a head turns.
  public var partialRotaryFactor: Double?
  /// How much longer texts are than in training.
  public var factor: Double?
  /// Positions of the training.
  public var originalMaxPositions: Int?
  /// yarn, longrope: multiplies cosines and sines.
  public var attentionFactor: Double?
  /// yarn: turns above which a frequency is kept.
  public var betaFast: Double?
  /// yarn: turns below which a frequency is divided.
  public var betaSlow: Double?
  /// yarn: weight of the logarithm in the attention factor.
  public var mscale: Double?
  /// yarn: the same in its denominator.
  public var mscaleAllDimensions: Double?
  /// yarn: whether the ends of the ramp are whole numbers.
  public var truncate: Bool?
  /// longrope: divisors for texts as long as in training.
  public var shortFactor: [Double]?
  /// longrope: divisors for longer texts.
  public var longFactor: [Double]?
  /// llama3: where dividing ends.
  public var lowFrequencyFactor: Double?
  /// llama3: where frequencies begin to be kept.
  public var highFrequencyFactor: Double?

  private enum CodingKeys: String, CodingKey {
    case ropeType = "rope_type"
    case oldType = "type"
    case theta = "rope_theta"
    case partialRotaryFactor = "partial_rotary_factor"
    case factor
    case originalMaxPositions = "original_max_position_embeddings"
    case attentionFactor = "attention_factor"
    case betaFast = "beta_fast"
    case betaSlow = "beta_slow"
    case mscale
    case mscaleAllDimensions = "mscale_all_dim"
    case truncate
    case shortFactor = "short_factor"
    case longFactor = "long_factor"
    case lowFrequencyFactor = "low_freq_factor"
    case highFrequencyFactor = "high_freq_factor"
  }

  /// Plain rotary positions.
  public init(theta: Double? = nil) { (ropeType, self.theta) = ("default", theta) }

  /// Reads the keys of a configuration, the older `type` included.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func number(_ key: CodingKeys) throws -> Double? { try values.decodeIfPresent(Double.self, forKey: key) }
    ropeType =
      try values.decodeIfPresent(String.self, forKey: .ropeType) ?? values.decodeIfPresent(
        String.self, forKey: .oldType) ?? "default"
    theta = try number(.theta)
    partialRotaryFactor = try number(.partialRotaryFactor)
    factor = try number(.factor)
    originalMaxPositions = try values.decodeIfPresent(Int.self, forKey: .originalMaxPositions)
    attentionFactor = try number(.attentionFactor)
    betaFast = try number(.betaFast)
    betaSlow = try number(.betaSlow)
    mscale = try number(.mscale)
    mscaleAllDimensions = try number(.mscaleAllDimensions)
    truncate = try values.decodeIfPresent(Bool.self, forKey: .truncate)
    shortFactor = try values.decodeIfPresent([Double].self, forKey: .shortFactor)
    longFactor = try values.decodeIfPresent([Double].self, forKey: .longFactor)
    lowFrequencyFactor = try number(.lowFrequencyFactor)
    highFrequencyFactor = try number(.highFrequencyFactor)
  }

  /// Writes the keys of a configuration.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(ropeType, forKey: .ropeType)
    try values.encodeIfPresent(theta, forKey: .theta)
    try values.encodeIfPresent(partialRotaryFactor, forKey: .partialRotaryFactor)
    try values.encodeIfPresent(factor, forKey: .factor)
    try values.encodeIfPresent(originalMaxPositions, forKey: .originalMaxPositions)
    try values.encodeIfPresent(attentionFactor, forKey: .attentionFactor)
    try values.encodeIfPresent(betaFast, forKey: .betaFast)
    try values.encodeIfPresent(betaSlow, forKey: .betaSlow)
    try values.encodeIfPresent(mscale, forKey: .mscale)
    try values.encodeIfPresent(mscaleAllDimensions, forKey: .mscaleAllDimensions)
    try values.encodeIfPresent(truncate, forKey: .truncate)
    try values.encodeIfPresent(shortFactor, forKey: .shortFactor)
    try values.encodeIfPresent(longFactor, forKey: .longFactor)
    try values.encodeIfPresent(lowFrequencyFactor, forKey: .lowFrequencyFactor)
    try values.encodeIfPresent(highFrequencyFactor, forKey: .highFrequencyFactor)
  }

  /// The embedding for heads of a width.
  /// - Parameters:
  ///   - maxPositions: positions the model is made for
  ///   - original: positions of the training, where the configuration says so outside of these parameters; it comes first
  /// - Throws: `TensorError.invalid` naming the key that is missing or out of range.
  public func embedding(headWidth: Int, maxPositions: Int, original: Int? = nil) throws -> RotaryEmbedding {
    let portion = partialRotaryFactor ?? 1
    guard portion > 0, portion <= 1 else {
      throw TensorError.invalid("RotaryEmbedding", "partial_rotary_factor must be in 0...1 and not 0, not \(portion)")
    }
    // The plain type of these families turns whole heads, whatever the portion; `proportional` turns them with zeros.
    let isWhole = ropeType == "default" || ropeType == "proportional"
    let width = isWhole ? headWidth : Int(Double(headWidth) * portion)
    return try RotaryEmbedding(
      width: width, base: theta ?? 10_000,
      scaling: scaling(
        portion: portion, maxPositions: maxPositions, original: original ?? originalMaxPositions ?? maxPositions))
  }

  private func scaling(portion: Double, maxPositions: Int, original: Int) throws -> RotaryScaling {
    func needed<Value>(_ value: Value?, _ key: String) throws -> Value {
      guard let value else { throw TensorError.invalid("RotaryEmbedding", "rope type '\(ropeType)' needs '\(key)'") }
      return value
    }
    guard original > 0 else {
      throw TensorError.invalid("RotaryEmbedding", "original_max_position_embeddings must be positive, not \(original)")
    }
    switch ropeType {
    case "default": return .none
    case "linear": return .linear(factor: try needed(factor, "factor"))
    case "dynamic": return .dynamic(factor: try needed(factor, "factor"), limit: maxPositions)
    case "proportional": return .proportional(factor: factor ?? 1, portion: portion)
    case "yarn":
      var yarn = RotaryScaling.Yarn(factor: factor ?? Double(maxPositions) / Double(original), original: original)
      if let betaFast, betaFast != 0 { yarn.betaFast = betaFast }
      if let betaSlow, betaSlow != 0 { yarn.betaSlow = betaSlow }
      yarn.truncates = truncate ?? true
      (yarn.attentionFactor, yarn.mscale, yarn.mscaleAllDimensions) = (attentionFactor, mscale, mscaleAllDimensions)
      return .yarn(yarn)
    case "longrope":
      var rope = RotaryScaling.LongRope(
        short: try needed(shortFactor, "short_factor"), long: try needed(longFactor, "long_factor"), original: original,
        factor: factor ?? Double(maxPositions) / Double(original))
      rope.attentionFactor = attentionFactor
      return .longRope(rope)
    case "llama3":
      return .llama3(
        RotaryScaling.Llama3(
          factor: try needed(factor, "factor"), lowFrequencyFactor: try needed(lowFrequencyFactor, "low_freq_factor"),
          highFrequencyFactor: try needed(highFrequencyFactor, "high_freq_factor"), original: original))
    default:
      throw TensorError.invalid(
        "RotaryEmbedding",
        "rope type '\(ropeType)' is not known; known are default, linear, dynamic, yarn, longrope, llama3, proportional"
      )
    }
  }
}
