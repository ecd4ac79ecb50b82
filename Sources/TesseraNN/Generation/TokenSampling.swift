import Foundation
import TesseraTensor

/// How the next token is chosen from logits.
///
///     var stream = RandomStream(seed: 1)
///     let token = try TokenSampling(temperature: 0.8, topP: 0.95).next(logits, after: tokens, &stream)
///
/// The steps stand in the order of transformers: penalty for repetition, temperature, top-k, top-p, min-p; then a draw.
public struct TokenSampling: Sendable, Codable, Equatable {
  /// What logits are divided by; 0 takes the likeliest token and draws nothing.
  public var temperature: Double
  /// Only so many of the likeliest tokens (Fan et al. 2018); those as likely as the last of them stay.
  public var topK: Int?
  /// Only the likeliest tokens that together have this probability (Holtzman et al. 2019, "nucleus sampling").
  public var topP: Double?
  /// Only tokens at least so likely, relative to the likeliest (Nguyen et al. 2024).
  public var minP: Double?
  /// Logits of tokens that occurred are divided by this if positive, multiplied if negative (Keskar et al. 2019, "CTRL"). 1: none.
  public var repetitionPenalty: Double

  /// Every step but the draw is left out unless it is asked for.
  public init(
    temperature: Double = 1, topK: Int? = nil, topP: Double? = nil, minP: Double? = nil, repetitionPenalty: Double = 1
  ) {
    (self.temperature, self.topK, self.topP, self.minP) = (temperature, topK, topP, minP)
    self.repetitionPenalty = repetitionPenalty
  }

  /// The likeliest token, always.
  public static let greedy = TokenSampling(temperature: 0)

  /// - Throws: `TensorError.invalid` naming what is out of range.
  public func validate() throws {
    func demand(_ holds: Bool, _ text: @autoclosure () -> String) throws {
      if !holds { throw TensorError.invalid("TokenSampling", text()) }
    }
    try demand(temperature >= 0 && temperature.isFinite, "the temperature must not be negative: \(temperature)")
    try demand(topK.map { $0 > 0 } ?? true, "top-k must be positive: \(topK ?? 0)")
    try demand(topP.map { $0 > 0 && $0 <= 1 } ?? true, "top-p must be in 0...1 and not 0: \(topP ?? 0)")
    try demand(minP.map { (0...1).contains($0) } ?? true, "min-p must be in 0...1: \(minP ?? 0)")
    try demand(
      repetitionPenalty > 0 && repetitionPenalty.isFinite,
      "the penalty for repetition must be positive: \(repetitionPenalty)")
  }

  /// Chooses a token.
  /// - Parameters:
  ///   - logits: `[vocabulary]`
  ///   - tokens: what was read and written so far
  public func next(_ logits: Tensor, after tokens: [Int], _ stream: inout RandomStream) throws -> Int {
    let scores = try scores(logits, after: tokens)
    if temperature == 0 { return try scores.argmax(-1).integer() }
    return try stream.multinomial(scores.softmax(-1)).integer()
  }

  /// The logits from which a token is drawn: -infinity for those left out.
  /// - Parameter logits: `[vocabulary]`
  public func scores(_ logits: Tensor, after tokens: [Int] = []) throws -> Tensor {
    try validate()
    guard logits.rank == 1, logits.count > 0 else {
      throw TensorError.invalid("TokenSampling", "logits \(logits.summary)")
    }
    var scores = try penalized(logits.detached().to(.float32), tokens)
    guard temperature > 0 else { return scores }
    if temperature != 1 { scores = try scores / temperature }
    if let topK, topK < scores.count {
      let last = try scores.topK(topK).values.sliced((topK - 1)..<topK, axis: 0)
      scores = try scores.filled(-.infinity, where: scores .< last)
    }
    if let topP, topP < 1 {
      let (sorted, order) = try scores.sorted()
      let isRare = try sorted.softmax(-1).cumulativeSum(-1) .<= (1 - topP)
      let likeliest = try Tensor.range(0..<scores.count, device: scores.device) .== Double(scores.count - 1)
      let drops = try (isRare .& likeliest.not()).scattered(order)
      scores = try scores.filled(-.infinity, where: drops)
    }
    if let minP, minP > 0 {
      let chances = try scores.softmax(-1)
      scores = try scores.filled(-.infinity, where: chances .< (chances.maximum() * minP))
    }
    return scores
  }

  private func penalized(_ logits: Tensor, _ tokens: [Int]) throws -> Tensor {
    let seen = Set(tokens.filter { $0 >= 0 && $0 < logits.count })
    guard repetitionPenalty != 1, !seen.isEmpty else { return logits }
    let places = try Tensor(seen.sorted(), device: logits.device)
    let chosen = try logits.gathered(places, axis: 0)
    let changed = try (chosen * repetitionPenalty).where(chosen .< 0, else: chosen / repetitionPenalty)
    return try logits.scattered(places, changed, axis: 0)
  }
}

extension Tensor {
  /// A vector of truth values, each brought to the place that `order` names.
  fileprivate func scattered(_ order: Tensor) throws -> Tensor {
    try Tensor.zeros([count], .bool, device: device).scattered(order, self, axis: 0)
  }
}
