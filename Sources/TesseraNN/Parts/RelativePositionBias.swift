import Foundation
import TesseraTensor

/// What attention adds for how far apart two tokens are: a number for each head and each bucket of distances
/// (Raffel et al. 2020, *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*, section 2.1).
///
/// Half of the buckets are for keys behind the query, half for those before it. In each half, small distances have buckets of their
/// own, larger ones share them logarithmically, and those beyond the greatest distance share the last.
public final class RelativePositionBias: Module {
  public let buckets: Int
  public let greatestDistance: Int
  private let table: Embedding

  /// - Throws: `TensorError.invalid` if there are less than four buckets, or the greatest distance does not exceed the exact ones
  public init(buckets: Int, greatestDistance: Int, heads: Int, _ scope: Scope) throws {
    guard buckets >= 4, greatestDistance > buckets / 4 else {
      throw TensorError.invalid("RelativePositionBias", "\(buckets) buckets up to the distance \(greatestDistance)")
    }
    (self.buckets, self.greatestDistance) = (buckets, greatestDistance)
    table = try Embedding(buckets, heads, scope)
    super.init(scope)
  }

  /// - Parameter positions: int64 `[batch, tokens]`, or nil for 0, 1, 2, ...
  /// - Returns: `[batch or 1, heads, tokens, tokens]`
  public func callAsFunction(tokens: Int, positions: Tensor? = nil) throws -> Tensor {
    let device = table.weight.value.device
    let places = try positions ?? Tensor.range(0..<tokens, device: device).unsqueezed(0)
    let distance = try places.unsqueezed(1) - places.unsqueezed(2)
    return try table(bucket(distance)).permuted([0, 3, 1, 2])
  }

  /// The bucket of every distance, key minus query; float32 arithmetic as in the reference, whose roundings decide at the borders.
  private func bucket(_ distance: Tensor) throws -> Tensor {
    let half = buckets / 2
    let exact = half / 2
    let far = try distance.abs()
    let reach = try Tensor(Float(log(Double(greatestDistance) / Double(exact))))
    let shared = try (far.clamped(1).to(.float32) / Tensor(Float(exact))).log() / reach * Double(half - exact)
    let large = try (shared.to(.int64) + Double(exact)).minimum(Tensor(half - 1))
    let side = try (distance .> 0).to(.int64) * Double(half)
    return try far.where(far .< Double(exact), else: large) + side
  }
}
