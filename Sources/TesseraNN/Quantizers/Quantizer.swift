import Foundation
import TesseraTensor

/// Turns vectors into codes from a finite set, and codes back into vectors.
///
///     let quantizer = try FiniteScalarQuantizer(.init(levels: [8, 5, 5, 5]), store.root / "quantize")
///     let result = try quantizer.quantize(z, training: true)     // z: [batch, tokens, width]
///     let loss = try reconstruction + result.totalLoss()
///     let again = try quantizer.vectors(result.codes)            // the same vectors, from the codes alone
///
/// Every learned tokenizer chooses one of these and none writes its own: vector quantization with a codebook that is learned by gradients
/// or by moving averages, residual and grouped stacks of it, finite scalar, lookup-free and binary spherical quantization, and scalar
/// quantization of every dimension.
public protocol Quantizer: AnyObject {
  /// The length of the vectors going in and coming out.
  var width: Int { get }

  /// How many different codes one place can have, in one codebook.
  var codebookSize: Int { get }

  /// Quantizes vectors.
  /// - Parameters:
  ///   - z: `[batch, tokens, width]`
  ///   - mask: `[batch, tokens]`, true for the tokens that count; nil if all do
  ///   - training: true to let gradients through, compute the losses and update what moving averages learn
  /// - Returns: codes int64 `[batch, tokens]` (one axis more for several codebooks or levels) and vectors `[batch, tokens, width]`
  /// - Throws: `TensorError` if the width differs
  func quantize(_ z: Tensor, mask: Tensor?, training: Bool) throws -> Quantization

  /// The vectors that codes stand for.
  /// - Parameter codes: as `quantize` gives them; -1 is the vector of zeros where a quantizer drops levels
  /// - Throws: `TensorError.invalid` for codes out of range
  func vectors(_ codes: Tensor) throws -> Tensor
}

/// What quantizing gives.
public struct Quantization {
  /// The codes, int64.
  public var codes: Tensor
  /// The vectors in the place of those that went in.
  public var vectors: Tensor
  /// What training adds to its objective, term by term.
  public var losses: [LossTerm] = []

  /// One part of the objective.
  public struct LossTerm {
    public enum Name: String, Sendable {
      case commitment, codebook, entropy, diversity, orthogonality, divergence, latent
    }
    public var name: Name
    /// Without its weight: a number, or one for each level of a residual quantizer.
    public var value: Tensor
    public var weight: Double
  }

  public init(codes: Tensor, vectors: Tensor, losses: [LossTerm] = []) {
    (self.codes, self.vectors, self.losses) = (codes, vectors, losses)
  }

  /// The weighted terms added up: a number, or one for each level of a residual quantizer; nil where there are no terms.
  public func loss() throws -> Tensor? {
    try losses.reduce(nil as Tensor?) { sum, term in
      let weighted = try term.value * term.weight
      return try sum.map { try $0 + weighted } ?? weighted
    }
  }

  /// The weighted terms added up to one number; zero where there are none.
  public func totalLoss() throws -> Tensor { try loss()?.sum() ?? Tensor(Float(0), device: vectors.device) }
}

extension Quantizer {
  /// Quantizes vectors with all tokens counting.
  public func quantize(_ z: Tensor, training: Bool = false) throws -> Quantization {
    try quantize(z, mask: nil, training: training)
  }

  /// Quantizes pictures or anything else whose channels come second.
  /// - Parameter z: `[batch, width, ...]`
  /// - Returns: codes `[batch, ...]` and vectors `[batch, width, ...]`
  public func quantizeChannels(_ z: Tensor, training: Bool = false) throws -> Quantization {
    let shape = z.shape
    guard shape.count >= 3 else {
      throw TensorError.invalid("quantizeChannels", "\(z.summary) is not [batch, width, ...]")
    }
    let flat = try z.reshaped([shape[0], shape[1], shape[2...].reduce(1, *)]).transposed()
    var result = try quantize(flat, mask: nil, training: training)
    result.codes = try result.codes.reshaped([shape[0]] + shape[2...] + result.codes.shape[2...])
    result.vectors = try result.vectors.transposed().reshaped(shape)
    return result
  }

  /// The bits that one code takes when all are equally likely.
  public var bitsPerCode: Double { log2(Double(codebookSize)) }

  func demandWidth(_ z: Tensor, _ operation: String) throws {
    guard z.rank >= 2, z.size(-1) == width else {
      throw TensorError.invalid(operation, "\(z.summary) does not end in the width \(width)")
    }
  }
}

/// Refuses codes outside of `0 ..< bound` (or `-1 ..< bound`).
func demandCodes(_ codes: Tensor, below bound: Int, dropped: Bool = false) throws {
  guard !codes.dataType.isFloatingPoint else {
    throw TensorError.invalid("vectors", "codes are whole numbers, not \(codes.summary)")
  }
  guard codes.count > 0 else { return }
  let low = try codes.to(.int64).minimum().integer()
  let high = try codes.to(.int64).maximum().integer()
  guard low >= (dropped ? -1 : 0), high < bound else {
    throw TensorError.invalid("vectors", "code \(low < 0 ? low : high) is not in 0..<\(bound)")
  }
}

/// The product of counts, checked.
func product(_ counts: [Int], _ operation: String) throws -> Int {
  try counts.reduce(1) { result, count in
    let (next, overflow) = result.multipliedReportingOverflow(by: count)
    guard !overflow, count > 0, next < 1 << 62 else {
      throw TensorError.invalid(operation, "the product of \(counts) is no usable size")
    }
    return next
  }
}
