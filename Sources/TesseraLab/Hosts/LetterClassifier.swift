import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

/// A small ViT that reads letters, with what its folder says of its input: the judge of pictures that were made.
///
///     let judge = try LetterClassifier(folder: Host.folder("glyph-62", lab))
///     let guesses = try judge.logits(pictures).argmax(-1)
public final class LetterClassifier {
  /// The network.
  public let model: ViTModel
  /// The names of the classes, by label.
  public let classes: [String]
  /// What is taken off pixels in [0, 1] before the network sees them, and what the rest is divided by.
  public let mean, deviation: Double

  /// Reads a host's folder: `config.json`, `preprocessor_config.json`, `model.safetensors`.
  public convenience init(folder path: String, options: LoadOptions = LoadOptions()) throws {
    try self.init(ModelFolder(path), options)
  }

  init(_ folder: ModelFolder, _ options: LoadOptions) throws {
    let settings = try folder.optional("preprocessor_config.json", [String: JSONValue].self) ?? [:]
    func first(_ key: String, _ standard: Double) -> Double { settings[key]?.array?.first?.number ?? standard }
    (mean, deviation) = (first("image_mean", 0), first("image_std", 1))
    guard deviation > 0, mean.isFinite else {
      throw LabError.malformed(folder.path + "/preprocessor_config.json", "image_std is not above 0")
    }
    let names = try folder.values()["id2label"]?.object ?? [:]
    classes = (0..<names.count).map { names["\($0)"]?.string ?? "\($0)" }
    model = try ViTModel(folder: folder, options: options)
  }

  /// Writes what the class names and the network's shape do not say: how pixels in [0, 1] become its input.
  static func writePreprocessing(mean: Double, deviation: Double, side: Int, to folder: String) throws {
    let size: JSON = ["height": .integer(Int64(side)), "width": .integer(Int64(side))]
    let settings: JSON = [
      "image_processor_type": "ViTImageProcessor", "do_resize": true, "size": size, "do_rescale": true,
      "rescale_factor": .number(1.0 / 255), "do_normalize": true, "image_mean": [.number(mean)],
      "image_std": [.number(deviation)],
    ]
    try Host.write(settings, as: "preprocessor_config.json", to: folder)
  }

  /// What the network is given for pictures in [0, 1].
  public func normalized(_ pictures: Tensor) throws -> Tensor { try (pictures - mean) / deviation }

  /// - Parameter pictures: `[batch, 1, side, side]` in [0, 1]
  /// - Returns: `[batch, classes]`
  public func logits(_ pictures: Tensor) throws -> Tensor {
    let outputs = try model.forward(
      NamedTensors(["pixel_values": try normalized(pictures)]), ForwardOptions())
    guard let logits = outputs["logits"] else { throw LabError.refused("classifier", "the model has no classifier") }
    return logits
  }

  /// What the head reads: the class token behind the last norm.
  /// - Parameter pictures: `[batch, 1, side, side]` in [0, 1]
  /// - Returns: `[batch, width]`
  public func features(_ pictures: Tensor) throws -> Tensor {
    let (state, _) = try model.transformer.embed(normalized(pictures))
    return try model.transformer(state, hook: model.hook).0.features.selected(0, axis: 1)
  }

  /// The class that is found likeliest, for pictures in portions that fit the memory, and without gradients.
  public func guesses(_ pictures: Tensor) throws -> [Int] {
    try Self.inPortions(pictures) { try self.logits($0).argmax(-1) }.values(Int64.self).map(Int.init)
  }

  /// The features of many pictures, without gradients.
  public func manyFeatures(_ pictures: Tensor) throws -> Tensor { try Self.inPortions(pictures, features) }

  static func inPortions(_ pictures: Tensor, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
    try noGrad {
      let count = pictures.size(0)
      let starts = stride(from: 0, to: count, by: 256)
      return try .concatenated(
        starts.map { try body(pictures.sliced($0..<min($0 + 256, count), axis: 0)) }, axis: 0)
    }
  }
}
