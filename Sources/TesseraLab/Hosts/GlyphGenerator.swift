import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

/// A small diffusion transformer that draws letters of a class, with the conventions that its folder states.
///
///     let generator = try GlyphGenerator(folder: Host.folder("glyph-dit", lab))
///     let pictures = try generator.sample([0, 0, 1], &stream)          // [3, 1, 32, 32] in [0, 1]: A, A, B
///
/// It is a rectified flow: `x(t) = (1 - t) · data + t · noise`, t = 0 is data and t = 1 noise, and the velocity is noise - data. The
/// network says what the data are, from which the velocity at t is `(x(t) - said) / t`
/// (*Back to Basics: Let Denoising Generative Models Denoise*, 2025, arXiv 2511.13720).
public final class GlyphGenerator {
  /// The network; `classes` is the label of no class.
  public let model: DiT
  /// What the folder says beside the network's shape.
  public let convention: Convention

  /// How the network is spoken to: keys of `config.json` beside those of diffusers.
  public struct Convention: Codable, Sendable, Equatable {
    /// `sample`: the network says what the data are; `velocity`: noise - data.
    public var prediction: Prediction
    /// The network is told the time times this.
    public var timestepScale: Double
    /// Pixels in [0, 1] are data `(pixel - mean) / deviation`.
    public var mean, deviation: Double
    /// The classes' names, by label.
    public var classes: [String]
    /// Below this time divisions by the time are by this.
    public var smallestTime: Double
    /// What the host's figures were measured with.
    public var guidance: Double
    /// What the host's figures were measured with.
    public var steps: Int

    /// What a network says.
    public enum Prediction: String, Codable, Sendable { case sample, velocity }

    enum CodingKeys: String, CodingKey {
      case prediction = "prediction_type"
      case timestepScale = "timestep_scale"
      case mean = "data_mean"
      case deviation = "data_std"
      case classes = "class_names"
      case smallestTime = "smallest_time"
      case guidance = "guidance_scale"
      case steps = "num_inference_steps"
    }
  }

  /// Reads a host's folder.
  public convenience init(folder path: String, options: LoadOptions = LoadOptions()) throws {
    try self.init(ModelFolder(path), options)
  }

  init(_ folder: ModelFolder, _ options: LoadOptions) throws {
    convention = try folder.configuration(Convention.self)
    guard convention.deviation > 0, convention.smallestTime > 0, convention.timestepScale.isFinite else {
      throw LabError.malformed(folder.path + "/config.json", "data_std and smallest_time are above 0")
    }
    model = try DiT(folder: folder, options: options)
  }

  /// Writes `config.json`: diffusers' keys, and those of the convention.
  static func write(_ shape: DiTConfiguration, _ convention: Convention, to folder: String) throws {
    let encoder = JSONEncoder()
    var settings = try JSONDecoder().decode([String: JSONValue].self, from: encoder.encode(shape))
    let own = try JSONDecoder().decode([String: JSONValue].self, from: encoder.encode(convention))
    settings.merge(own) { first, _ in first }
    settings["flow"] = .string("x(t) = (1 - t) data + t noise; the velocity is noise - data")
    try Files.writeJSON(settings, to: folder + "/config.json")
  }

  /// Data of pictures in [0, 1].
  public func data(_ pictures: Tensor) throws -> Tensor { try (pictures - convention.mean) / convention.deviation }

  /// Pictures in [0, 1] of data.
  public func pictures(_ data: Tensor) throws -> Tensor {
    try (data * convention.deviation + convention.mean).clamped(0, 1)
  }

  /// What the network says.
  /// - Parameters:
  ///   - x: `[batch, 1, side, side]`
  ///   - time: `[batch]`, or one for all; 0 is data, 1 noise
  ///   - labels: int64 `[batch]`; `model.configuration.classes` is no class
  public func callAsFunction(_ x: Tensor, time: Tensor, labels: Tensor, hooks: [any BlockHook] = []) throws -> Tensor {
    try model(x, timestep: time * convention.timestepScale, labels: labels, hooks: hooks)
  }

  /// The velocity that the network means.
  /// - Parameter time: one number for all; 0 is data, 1 noise
  public func velocity(_ x: Tensor, time: Double, labels: Tensor, hooks: [any BlockHook] = []) throws -> Tensor {
    let said = try self(x, time: .full([x.size(0)], time), labels: labels, hooks: hooks)
    return convention.prediction == .velocity ? said : try (x - said) / max(time, convention.smallestTime)
  }

  /// The velocity with classifier-free guidance: both in one batch, those with their class first.
  public func guidedVelocity(
    _ x: Tensor, time: Double, labels: Tensor, guidance: Double, hooks: [any BlockHook] = []
  ) throws -> Tensor {
    guard guidance != 1 else { return try velocity(x, time: time, labels: labels, hooks: hooks) }
    let none = try Tensor.full(labels.shape, Double(model.configuration.classes), .int64)
    let both = try velocity(
      .concatenated([x, x], axis: 0), time: time, labels: .concatenated([labels, none], axis: 0), hooks: hooks)
    return try ClassifierFreeGuidance(scale: guidance)(both, conditionalFirst: true)
  }

  /// Draws pictures by Euler's method, without gradients.
  /// - Parameters:
  ///   - labels: the class of each
  ///   - steps, guidance: by default those of the folder
  ///   - portion: how many are drawn at once
  /// - Returns: `[labels, 1, side, side]` in [0, 1]
  public func sample(
    _ labels: [Int], _ stream: inout RandomStream, steps: Int? = nil, guidance: Double? = nil, portion: Int = 100,
    hooks: [any BlockHook] = []
  ) throws -> Tensor {
    let (c, count) = (model.configuration, steps ?? convention.steps)
    return try noGrad {
      var done: [Tensor] = []
      for start in stride(from: 0, to: labels.count, by: max(1, portion)) {
        let some = try Tensor(labels[start..<min(start + portion, labels.count)].map(Int64.init))
        var x = try stream.normal([some.size(0), c.channels, c.sampleSize, c.sampleSize])
        var sampler = try FlowEulerSampler(
          steps: count, sigmas: (0..<count).map { 1 - Double($0) / Double(count) })
        for time in sampler.sigmas.dropLast() {
          let velocity = try guidedVelocity(
            x, time: time, labels: some, guidance: guidance ?? convention.guidance, hooks: hooks)
          x = try sampler.step(velocity, x, noise: nil).sample
        }
        done.append(try pictures(x))
      }
      return try .concatenated(done, axis: 0)
    }
  }
}
