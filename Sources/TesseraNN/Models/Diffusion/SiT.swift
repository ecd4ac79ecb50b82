import TesseraTensor

/// Scalable Interpolant Transformers: the network of DiT, trained to give the velocity of a straight path between data and noise.
///
/// Paper: *SiT: Exploring Flow and Diffusion-based Generative Models with Scalable Interpolant Transformers*, 2024 (arXiv 2401.08740).
///
///     let model = SiT(try DiT(folder: folder, options: LoadOptions()))
///     let velocity = try model.velocity(latents, time: 0.7, labels: classes)
///
/// The published models run from noise at 0 to data at 1. Here, as everywhere in Tessera, t = 0 is data, t = 1 is noise, and the
/// velocity is noise - data: the network is asked at 1 - t, and its answer changes sign.
public struct SiT {
  /// The network, in the convention of its files.
  public let network: DiT

  /// Speaks to a network in the convention of Tessera.
  public init(_ network: DiT) { self.network = network }

  /// The velocity noise - data at points of the path.
  /// - Parameters:
  ///   - latents: `[batch, channels, height, width]`, (1 - t) · data + t · noise
  ///   - time: t for every picture or one for all, 0 for data, 1 for noise: `[batch]`
  ///   - labels: int64 `[batch]`; `classes` means no class
  /// - Returns: `[batch, channels, height, width]`
  public func velocity(_ latents: Tensor, time: Tensor, labels: Tensor, hooks: [any BlockHook] = []) throws -> Tensor {
    let answer = try network(latents, timestep: 1 - time.to(.float32), labels: labels, hooks: hooks)
    return try -answer.sliced(0..<network.configuration.channels, axis: 1)
  }

  /// The velocity at one time for all pictures.
  public func velocity(_ latents: Tensor, time: Double, labels: Tensor, hooks: [any BlockHook] = []) throws -> Tensor {
    try velocity(latents, time: Tensor([Float(time)], device: latents.device), labels: labels, hooks: hooks)
  }
}
