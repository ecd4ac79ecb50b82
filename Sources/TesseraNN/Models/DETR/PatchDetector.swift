import Foundation
import TesseraTensor

/// The shape of a `PatchDetector`; the keys are those of `config.json`.
public struct PatchDetectorConfiguration: Codable, Sendable {
  /// The image encoder.
  public var vision: CLIPVisionConfiguration
  /// Features of a query.
  public var width: Int
  /// Queries along a side of the picture; each starts from a place of its own.
  public var queryGrid: Int
  /// How many layers the queries pass.
  public var layers: Int
  /// How many heads an attention has.
  public var heads: Int
  /// What the feed-forward parts widen a query to.
  public var hiddenWidth: Int
  /// The names of the classes, without "nothing".
  public var labels: [String]

  enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case width = "d_model"
    case queryGrid = "query_grid"
    case layers = "decoder_layers"
    case heads = "decoder_attention_heads"
    case hiddenWidth = "decoder_ffn_dim"
    case labels
  }

  /// With everything that it has.
  public init(
    vision: CLIPVisionConfiguration, width: Int = 128, queryGrid: Int = 4, layers: Int = 2, heads: Int = 4,
    hiddenWidth: Int = 256, labels: [String]
  ) {
    (self.vision, self.width, self.queryGrid, self.layers) = (vision, width, queryGrid, layers)
    (self.heads, self.hiddenWidth, self.labels) = (heads, hiddenWidth, labels)
  }

  /// How many things can be found.
  public var queries: Int { queryGrid * queryGrid }

  func validate() throws {
    try vision.validate()
    try ConfigurationError.demandSizes([
      "d_model": width, "decoder_attention_heads": heads, "decoder_ffn_dim": hiddenWidth,
    ])
    try ConfigurationError.demandSizes(["query_grid": queryGrid], limit: 64)
    try ConfigurationError.demandCounts(["decoder_layers": layers])
    try ConfigurationError.demandMultiple("d_model", width, of: "decoder_attention_heads", heads)
    guard width % 4 == 0 else { throw ConfigurationError("d_model", "\(width) is no multiple of 4") }
  }
}

/// A detector in DETR's way on top of CLIP's image encoder: the decoder's queries start from the places of a grid and say how far from there a
/// thing's box lies.
///
///     let detector = try PatchDetector(folder: "Models/scene-detector")
///     let found = try detector(images).last           // logits [batch, queries, classes + 1], boxes [batch, queries, 4]
///
/// Papers: Carion et al. 2020, "End-to-End Object Detection with Transformers" (matching, losses, decoder); Zhu et al. 2021, "Deformable
/// DETR" (boxes relative to reference points).
public final class PatchDetector: PublishedModel {
  /// Names in configurations that mean this model.
  public static let architectures = ["PatchDetector", "patch_detector"]

  /// What one layer of the decoder predicts.
  public struct Prediction {
    /// The classes and, last, "nothing": `[batch, queries, classes + 1]`.
    public let logits: Tensor
    /// Center, width and height in 0...1 of the picture: `[batch, queries, 4]`.
    public let boxes: Tensor
  }

  /// What the model was made from.
  public let configuration: PatchDetectorConfiguration
  /// All parameters.
  public let store: ParameterStore
  /// The image encoder.
  public let vision: CLIPVisionTransformer
  /// The layers of the decoder.
  public let layers: [DETRDecoderLayer]
  private let input: Linear
  private let queries, queryPlaces: Parameter
  private let classifier: Linear
  private let boxes: (first: Linear, second: Linear)

  /// Reads a folder.
  /// - Throws: `CheckpointError` naming the file and the key.
  public convenience init(folder: ModelFolder, options: LoadOptions) throws {
    let configuration: PatchDetectorConfiguration = try folder.configuration()
    try folder.naming { try configuration.validate() }
    try self.init(configuration, options.store(folder.checkpoint()))
  }

  /// Takes the parameters from a store: a checkpoint's, or drawn ones.
  public init(_ configuration: PatchDetectorConfiguration, _ store: ParameterStore) throws {
    try configuration.validate()
    (self.configuration, self.store) = (configuration, store)
    let (root, width) = (store.root, configuration.width)
    vision = try CLIPVisionTransformer(configuration.vision, root / "vision_model")
    input = try Linear(configuration.vision.width, width, root / "input_projection", initialization: .xavierUniform)
    queries = try (root / "queries").parameter("weight", [configuration.queries, width], .zeros)
    queryPlaces = try (root / "query_position_embeddings").parameter(
      "weight", [configuration.queries, width], .normal(0.02))
    if store.root.isRandom { try queryPlaces.assign(Self.places(configuration)) }
    layers = try (0..<configuration.layers).map {
      try DETRDecoderLayer(
        width, heads: configuration.heads, hidden: configuration.hiddenWidth, .relu, root / "decoder" / "layers" / $0)
    }
    classifier = try Linear(width, configuration.labels.count + 1, root / "class_labels_classifier")
    boxes = (
      try Linear(width, width, root / "bbox_predictor" / "layers" / 0, initialization: .xavierUniform),
      try Linear(width, 4, root / "bbox_predictor" / "layers" / 1, initialization: .normal(0.01))
    )
  }

  /// The places of the queries in the terms in which those of the patches are given.
  private static func places(_ configuration: PatchDetectorConfiguration) throws -> Tensor {
    let (grid, patches) = (configuration.queryGrid, Double(configuration.vision.grid))
    let along = (0..<grid).map { (Double($0) + 0.5) / Double(grid) * patches - 0.5 }
    let line = try Sinusoids.line(along, width: configuration.width / 2)
    let rows = try line.unsqueezed(1).expanded([grid, grid, -1])
    let columns = try line.unsqueezed(0).expanded([grid, grid, -1])
    return try Tensor.concatenated([columns, rows], axis: 2).reshaped([configuration.queries, configuration.width])
      .to(.float32)
  }

  /// What the queries see: the encoder's patches.
  /// - Parameters:
  ///   - images: `[batch, channels, height, width]`, normalised by the encoder's constants
  ///   - hook: what works on the tokens inside the encoder
  public func memory(_ images: Tensor, hook: (any TokenHook)? = nil) throws -> DETRMemory {
    let state = try vision.states(images, layers: [configuration.vision.layers], hook: hook)[0]
    let patches = try vision.outputNorm(state.sliced(1..<state.size(1), axis: 1))
    let grid = configuration.vision.grid
    let places = try Sinusoids.grid(rows: grid, columns: grid, width: configuration.width, device: images.device)
      .to(patches.dataType)
    return DETRMemory(features: try input(patches), places: try places.unsqueezed(0), mask: nil)
  }

  /// What each layer of the decoder predicts; the last one counts, the others help in training.
  /// - Parameter memory: features `[batch, tokens, width]` and their places
  public func decode(_ memory: DETRMemory) throws -> [Prediction] {
    let places = try queryPlaces.value.unsqueezed(0)
    var x = try queries.value.unsqueezed(0).expanded([memory.features.size(0), -1, -1])
    let start = try references(x.dataType, x.device)
    return try layers.map { layer in
      x = try layer(x, places: places, mask: nil, memory)
      let moved = try boxes.second(boxes.first(x).relu()) + start
      return Prediction(logits: try classifier(x), boxes: try moved.sigmoid())
    }
  }

  /// The boxes at which the queries start, before the sigmoid, `[queries, 4]`: a quarter of the picture wide and high.
  private func references(_ type: DataType, _ device: Device) throws -> Tensor {
    let grid = configuration.queryGrid
    func inverse(_ place: Double) -> Double { log(place / (1 - place)) }
    let rows = (0..<grid * grid).flatMap { query -> [Double] in
      let (row, column) = (query / grid, query % grid)
      return [(Double(column) + 0.5) / Double(grid), (Double(row) + 0.5) / Double(grid), 0.25, 0.25].map(inverse)
    }
    return try Tensor(rows, [grid * grid, 4], device: device).to(type)
  }

  /// - Parameter images: `[batch, channels, height, width]`, normalised by the encoder's constants
  public func callAsFunction(_ images: Tensor) throws -> [Prediction] { try decode(memory(images)) }

  /// Reads `pixel_values`; gives `logits`, `pred_boxes`, and those of the layers before as `auxiliary_outputs.0.logits`, ...
  public func forward(_ inputs: NamedTensors, _ options: ForwardOptions) throws -> [String: Tensor] {
    try options.demandKnown()
    let images = try inputs.required("pixel_values", rank: 4, queries.value.dataType)
    try inputs.demandAllTaken()
    let predictions = try self(images)
    var outputs: [String: Tensor] = [:]
    for (number, prediction) in predictions.enumerated() {
      let prefix = number == predictions.count - 1 ? "" : "auxiliary_outputs.\(number)."
      (outputs[prefix + "logits"], outputs[prefix + "pred_boxes"]) = (prediction.logits, prediction.boxes)
    }
    return outputs
  }
}
