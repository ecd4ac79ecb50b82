import TesseraTensor

/// Two layers over the sinusoids of a number: how diffusion models are told the time, and PixArt the size of the picture.
public final class TimestepEmbedding: Module {
  /// How many sinusoids all published models use.
  public static let sinusoids = 256

  /// What is subtracted from half the width in the frequencies: 0, or 1 in diffusers' DiT. See `Sinusoids.of`.
  public let frequencyShift: Double
  private let first: Linear
  private let second: Linear

  /// - Parameter names: the keys of the two layers below the scope
  public init(
    _ width: Int, frequencyShift: Double = 0, names: (String, String) = ("linear_1", "linear_2"), _ scope: Scope
  ) throws {
    self.frequencyShift = frequencyShift
    first = try Linear(TimestepEmbedding.sinusoids, width, scope / names.0, initialization: .normal(0.02))
    second = try Linear(width, width, scope / names.1, initialization: .normal(0.02))
    super.init(scope)
  }

  /// - Parameter numbers: `[batch]`, whole or not
  /// - Returns: `[batch, width]`
  public func callAsFunction(_ numbers: Tensor) throws -> Tensor {
    let waves = try Sinusoids.of(numbers, width: TimestepEmbedding.sinusoids, shift: frequencyShift)
    return try second(first(waves.to(first.weight.value.dataType)).silu())
  }
}

/// Two layers over the features of a text.
public final class CaptionProjection: Module {
  private let activation: DiffusionActivation
  private let first: Linear
  private let second: Linear

  /// The activation between the layers: GELU by tanh for PixArt's captions, SiLU for pooled vectors.
  public enum DiffusionActivation: Sendable { case geluTanh, silu }

  /// Takes two layers from below the scope.
  public init(
    _ input: Int, _ width: Int, _ activation: DiffusionActivation = .geluTanh,
    names: (String, String) = ("linear_1", "linear_2"),
    _ scope: Scope
  ) throws {
    self.activation = activation
    first = try Linear(input, width, scope / names.0, initialization: .normal(0.02))
    second = try Linear(width, width, scope / names.1, initialization: .normal(0.02))
    super.init(scope)
  }

  /// - Parameter features: `[..., input]`
  public func callAsFunction(_ features: Tensor) throws -> Tensor {
    let hidden = try first(features)
    return try second(activation == .silu ? hidden.silu() : hidden.gelu(tanh: true))
  }
}

/// A vector for every class, and one for "no class" behind them, which classifier-free guidance asks for.
public final class LabelEmbedding: Module {
  /// How many labels there are, the null class included.
  public let labels: Int
  private let table: Embedding

  /// - Parameter nullClass: true: label `classes` stands for no class
  public init(_ classes: Int, _ width: Int, nullClass: Bool, _ scope: Scope) throws {
    labels = classes + (nullClass ? 1 : 0)
    table = try Embedding(labels, width, scope / "embedding_table")
    super.init(scope)
  }

  /// - Parameter labels: whole numbers `[batch]`
  /// - Throws: `TensorError.invalid` for a label that does not exist
  public func callAsFunction(_ labels: Tensor) throws -> Tensor {
    guard !labels.dataType.isFloatingPoint, labels.dataType != .bool else {
      throw TensorError.invalid("class_labels", "\(labels.summary) are no labels: whole numbers are expected")
    }
    if labels.count > 0 {
      let (low, high) = (try labels.minimum().integer(), try labels.maximum().integer())
      guard low >= 0, high < self.labels else {
        throw TensorError.invalid("class_labels", "the labels are 0...\(self.labels - 1), not \(low < 0 ? low : high)")
      }
    }
    return try table(labels.to(.int64))
  }
}
