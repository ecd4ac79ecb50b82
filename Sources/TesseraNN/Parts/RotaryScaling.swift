import Foundation
import TesseraTensor

/// How the frequencies of rotary positions are stretched for texts that are longer than those of the training.
public enum RotaryScaling: Sendable, Equatable {
  /// Plain frequencies: base^(-2i / width).
  case none
  /// All positions divided by a factor.
  case linear(factor: Double)
  /// A base that grows with the text once it is longer than `limit` ("NTK-aware" scaling).
  case dynamic(factor: Double, limit: Int)
  /// Slow frequencies divided, fast ones kept, a ramp between (Peng et al. 2023, "YaRN").
  case yarn(Yarn)
  /// A divisor for every frequency, another set of them once the text is long (Ding et al. 2024, "LongRoPE").
  case longRope(LongRope)
  /// Llama 3.1: wavelengths beyond a limit divided, short ones kept, a ramp between.
  case llama3(Llama3)
  /// Only the first part of the frequencies turns, with exponents of the whole head.
  case proportional(factor: Double, portion: Double)

  /// The numbers of YaRN.
  public struct Yarn: Sendable, Equatable {
    /// How much longer texts are than in training.
    public var factor: Double
    /// Positions of the training.
    public var original: Int
    /// Turns within the training length above which a frequency is kept, and below which it is divided.
    public var betaFast = 32.0
    /// Turns within the training length below which a frequency is divided.
    public var betaSlow = 1.0
    /// Whether the ends of the ramp are rounded to whole frequencies.
    public var truncates = true
    /// Multiplies queries and keys; nil: 0.1 ln(factor) + 1, or the ratio of the two `mscale`s.
    public var attentionFactor: Double?
    /// Weight of the logarithm in the attention factor, if both weights are there.
    public var mscale: Double?
    /// Weight of the logarithm in its denominator.
    public var mscaleAllDimensions: Double?

    /// The paper's numbers for the rest.
    public init(factor: Double, original: Int) { (self.factor, self.original) = (factor, original) }

    /// What cosines and sines are multiplied with.
    var attention: Double {
      func scale(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1 }
      if let attentionFactor { return attentionFactor }
      if let mscale, let mscaleAllDimensions, mscale != 0, mscaleAllDimensions != 0 {
        return scale(mscale) / scale(mscaleAllDimensions)
      }
      return scale(1)
    }
  }

  /// The numbers of LongRoPE.
  public struct LongRope: Sendable, Equatable {
    /// Divisors of the frequencies, for texts up to `original` positions and beyond.
    public var short: [Double]
    /// Divisors for texts beyond `original` positions.
    public var long: [Double]
    /// Positions of the training.
    public var original: Int
    /// How much longer texts are than those of the training.
    public var factor: Double
    /// nil: sqrt(1 + ln(factor) / ln(original)).
    public var attentionFactor: Double?

    /// The attention factor follows from the others.
    public init(short: [Double], long: [Double], original: Int, factor: Double) {
      (self.short, self.long, self.original, self.factor) = (short, long, original, factor)
    }

    var attention: Double {
      attentionFactor ?? (factor <= 1 ? 1 : (1 + log(factor) / log(Double(original))).squareRoot())
    }
  }

  /// The numbers of Llama 3.1.
  public struct Llama3: Sendable, Equatable {
    /// How much longer texts are than in training.
    public var factor: Double
    /// The training length divided by this is the wavelength beyond which frequencies are divided.
    public var lowFrequencyFactor: Double
    /// The training length divided by this is the wavelength up to which frequencies are kept.
    public var highFrequencyFactor: Double
    /// Positions of the training.
    public var original: Int

    /// All four numbers.
    public init(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, original: Int) {
      self.factor = factor
      self.lowFrequencyFactor = lowFrequencyFactor
      self.highFrequencyFactor = highFrequencyFactor
      self.original = original
    }
  }
}

/// The frequencies of a rotary embedding. Every step is done in float32 and in the order of the reference (transformers,
/// `modeling_rope_utils.py`), since a position multiplies whatever the last bit loses.
struct RotaryFrequencies {
  let width: Int
  let base: Double
  let scaling: RotaryScaling

  /// One frequency per pair of features, `[width / 2]`, for texts of a length.
  func callAsFunction(length: Int) throws -> Tensor {
    switch scaling {
    case .none: return try plain()
    case .linear(let factor): return try plain() / scalar(factor)
    case .dynamic(let factor, let limit): return try dynamic(factor, limit, length)
    case .yarn(let yarn): return try ramped(yarn)
    case .longRope(let rope):
      let divisors = try Tensor((length > rope.original ? rope.long : rope.short).map { Float($0) })
      return try (divisors * powers(try exponents())).reciprocal()
    case .llama3(let scaling): return try smoothed(scaling)
    case .proportional(let factor, let portion):
      let turning = Int((portion * Double(width) / 2).rounded(.down))
      let kept = try powers(try exponents(turning)).reciprocal() / scalar(factor)
      return try Tensor.concatenated([kept, try Tensor.zeros([width / 2 - turning])])
    }
  }

  private func scalar(_ number: Double) throws -> Tensor { try Tensor(Float(number)) }

  /// 0, 2, 4, ... divided by the width.
  private func exponents(_ count: Int? = nil) throws -> Tensor {
    try Tensor.range(0..<(2 * (count ?? width / 2)), step: 2).to(.float32) / scalar(Double(width))
  }

  private func powers(_ exponents: Tensor) throws -> Tensor { try Op.numberPow(.double(base), .tensor(exponents)) }

  private func plain() throws -> Tensor { try powers(try exponents()).reciprocal() }

  private func dynamic(_ factor: Double, _ limit: Int, _ length: Int) throws -> Tensor {
    guard length > limit else { return try plain() }
    let stretch = try scalar(Double(length)) * factor / scalar(Double(limit)) - (factor - 1)
    let grown = try stretch.pow(Double(width) / Double(width - 2)) * base
    return try grown.pow(try exponents()).reciprocal()
  }

  private func ramped(_ yarn: RotaryScaling.Yarn) throws -> Tensor {
    // The frequency, as a place in the list, that turns so often within the training length.
    func place(_ turns: Double) -> Double {
      Double(width) * log(Double(yarn.original) / (turns * 2 * .pi)) / (2 * log(base))
    }
    var (low, high) = (place(yarn.betaFast), place(yarn.betaSlow))
    if yarn.truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    (low, high) = (max(low, 0), min(high, Double(width - 1)))
    if low == high { high += 0.001 }
    let ramp = try ((Tensor.range(0..<(width / 2)).to(.float32) - low) / scalar(high - low)).clamped(0, 1)
    let kept = try 1 - ramp
    let powers = try powers(try exponents())
    let divided = try (powers * yarn.factor).reciprocal()
    return try divided * (1 - kept) + powers.reciprocal() * kept
  }

  private func smoothed(_ scaling: RotaryScaling.Llama3) throws -> Tensor {
    let (low, high, original) = (scaling.lowFrequencyFactor, scaling.highFrequencyFactor, Double(scaling.original))
    let frequencies = try plain()
    let wavelengths = try 2 * .pi / frequencies
    let isSlow = try wavelengths .> (original / low)
    let isBetween = try (wavelengths .< (original / high)).not() .& isSlow.not()
    let divided = try (frequencies / scalar(scaling.factor)).where(isSlow, else: frequencies)
    let share = try (original / wavelengths - low) / scalar(high - low)
    let smooth = try (1 - share) * divided / scalar(scaling.factor) + share * divided
    return try smooth.where(isBetween, else: divided)
  }
}
