import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

/// The encoder of scenes: a small image encoder in CLIP's form, and a head that says of every patch what it shows.
///
///     let encoder = try SceneEncoder(folder: Host.folder("scene-encoder", lab))
///     let patches = try encoder.patches(images)                       // [batch, 64, 128]
public final class SceneEncoder {
  /// What the head says of a patch.
  public struct Seen {
    /// Logits of what covers it, grounds first, `[batch, 64, grounds + kinds]`.
    public let kinds: Tensor
    /// A logit: whether the middle of a thing lies in it, `[batch, 64]`.
    public let center: Tensor
    /// The box of the thing that covers most of it: middle from the patch's middle, and size, `[batch, 64, 4]`, in pixels.
    public let box: Tensor
    /// The middle of that thing in the picture, in -1...1, `[batch, 64, 2]`.
    public let place: Tensor
  }

  /// The image encoder.
  public let model: CLIPVisionModel
  private let head: Linear
  private let headStore: ParameterStore
  private let classes: Int

  /// Reads a folder that training made.
  /// - Throws: `CheckpointError`
  public convenience init(folder: String, trained: Bool = false) throws {
    let model = try CLIPVisionModel(folder: ModelFolder(folder), options: LoadOptions(trained: trained))
    let file = try Checkpoint(file: folder + "/head.safetensors")
    let outputs = file.shape("head.weight")?.first ?? 0
    try self.init(model, classes: outputs - 7, ParameterStore(file, trained: trained))
  }

  init(_ model: CLIPVisionModel, classes: Int, _ headStore: ParameterStore) throws {
    (self.model, self.headStore, self.classes) = (model, headStore, classes)
    head = try Linear(
      model.vision.configuration.width, classes + 7, headStore.root / "head", initialization: .xavierUniform)
  }

  /// One with drawn parameters.
  static func drawn(_ folder: String, kinds: Int, seed: UInt64) throws -> SceneEncoder {
    let model = try CLIPVisionModel(
      folder: ModelFolder(untrained: folder, seed: seed), options: LoadOptions(trained: true))
    let vision = model.store.parameters
    try SceneTask.drawEvenly(vision, RandomStream(seed: seed).named("scene encoder"))
    let width = model.vision.configuration.width
    let grid = try Sinusoids.grid(rows: SceneLabels.grid, columns: SceneLabels.grid, width: width)
    try model.store["vision_model.embeddings.position_embedding.weight"]?.assign(
      .concatenated([.zeros([1, width]), grid]))
    return try SceneEncoder(model, classes: Scenes.grounds.count + kinds, ParameterStore(seed: seed))
  }

  /// Of the encoder and the head.
  var parameters: [Parameter] { model.store.parameters + headStore.parameters }

  /// The states of the patches.
  /// - Parameter images: `[batch, 3, 64, 64]`, normalised
  public func patches(_ images: Tensor) throws -> Tensor {
    let state = try model.vision.states(images, layers: [model.vision.configuration.layers])[0]
    return try model.vision.outputNorm(state.sliced(1..<state.size(1), axis: 1))
  }

  /// What each patch shows.
  /// - Parameter images: `[batch, 3, 64, 64]`, normalised
  public func callAsFunction(_ images: Tensor) throws -> Seen {
    let parts = try head(patches(images)).split([classes, 1, 4, 2], axis: 2)
    return Seen(
      kinds: parts[0], center: try parts[1].squeezed(2), box: try parts[2] * 16, place: parts[3])
  }

  func write(to folder: String) throws {
    try Host.write(model.store.tensors, to: folder)
    let half = try headStore.tensors.mapValues { try $0.detached().to(.float16) }
    try SafeTensors.write(half, metadata: ["format": "pt"], to: folder + "/head.safetensors")
  }

  /// The configuration of the encoder; small enough for hosts that build on it to stay under a million parameters.
  static var configuration: JSON {
    [
      "hidden_size": 128, "intermediate_size": 384, "projection_dim": 128, "num_hidden_layers": 3,
      "num_attention_heads": 4, "num_channels": 3, "image_size": 64, "patch_size": 8, "hidden_act": "gelu",
      "layer_norm_eps": 1e-5, "model_type": "clip_vision_model",
    ]
  }
}

extension SceneEncoder.Seen {
  /// How far this is from the truth, in parts.
  func loss(_ labels: SceneLabels) throws -> [LossPart] {
    let grounds = Scenes.grounds.count
    // Nine tenths of the patches are ground; those with things on them count up to five times as much.
    let things = try labels.coverage.sliced(grounds..<labels.coverage.size(2), axis: 2).sum([2])
    let entropy = try -(labels.coverage * kinds.logSoftmax(2)).sum([2])
    let middle = try center.softplus() - center * labels.centers
    let errors = try (box - labels.relativeBoxes).abs().mean([2]) / 16
    let places = try (place - labels.places).abs().mean([2])
    let count = try labels.covered.sum().clamped(1)
    return [
      LossPart("kinds", try ((things * 4 + 1) * entropy).mean()),
      LossPart("centers", try middle.mean()),
      LossPart("boxes", try (errors * labels.covered).sum() / count * 0.25),
      LossPart("places", try (places * labels.covered).sum() / count * 0.25),
    ]
  }
}

extension SceneLabels {
  /// The middles of the patches in pixels, `[64, 2]`.
  static func middles() throws -> Tensor {
    var values: [Float] = []
    for place in 0..<grid * grid {
      values.append(Float(place % grid * patch + patch / 2))
      values.append(Float(place / grid * patch + patch / 2))
    }
    return try Tensor(values, [grid * grid, 2])
  }

  /// The boxes with their middles counted from the middles of the patches.
  var relativeBoxes: Tensor {
    get throws {
      try Tensor.concatenated(
        [boxes.sliced(0..<2, axis: 2) - Self.middles(), boxes.sliced(2..<4, axis: 2)], axis: 2)
    }
  }

  /// The middles of the boxes in the picture, -1...1.
  var places: Tensor { get throws { try boxes.sliced(0..<2, axis: 2) / Double(Scene.side / 2) - 1 } }
}

extension Host {
  /// The encoder on which the other hosts on scenes stand.
  public static let sceneEncoder = Host(
    summary: "CLIP-form image encoder of scenes, 64x64 pixels in patches of 8, taught by dense labels",
    Declaration(
      name: "scene-encoder", claim: "A tiny ViT says which of twenty things a patch of a scene shows.",
      baseline: "the most frequent kind", baselineFigures: ["most frequent kind"],
      data: "scenes with 1 to 5 of 20 emoji on six grounds, drawn on the fly; 300 scenes for the test",
      seeds: [1, 2, 3],
      metric: "share of right kinds among test patches that a thing covers by half or more",
      rule: [.atLeast("foreground accuracy", 0.9), .above("foreground accuracy", "most frequent kind", by: 0.5)],
      floor: ["most frequent kind"], packages: SpriteSet.emojiPackages),
    train: { run, folder in try SceneEncoderTraining(run).train(folder) })
}

/// Trains the encoder of scenes.
struct SceneEncoderTraining {
  let run: Run
  let task: SceneTask

  init(_ run: Run) throws { (self.run, task) = (run, try SceneTask(run)) }

  var plan: TrainingPlan {
    TrainingPlan(
      steps: run.isQuick ? 60 : 2300, learningRate: 2.5e-3, warmUp: run.isQuick ? 5 : 50, floor: 0.02,
      evaluateEvery: run.isQuick ? nil : 460)
  }

  func train(_ folder: String) throws -> Outcome {
    var settings = SceneEncoder.configuration.objectValue ?? [:]
    settings["architectures"] = ["CLIPVisionModel"]
    try Host.write(.object(settings), to: folder)
    try SceneTask.writePreprocessor(to: folder)
    let encoder = try SceneEncoder.drawn(folder, kinds: task.sprites.names.count, seed: run.seed)
    var outcome = try fit(encoder, plan)
    try encoder.write(to: folder)
    outcome.figures.insert(contentsOf: try figures(SceneEncoder(folder: folder)), at: 0)
    return outcome
  }

  /// Trains on scenes of this run alone.
  func fit(_ encoder: SceneEncoder, _ plan: TrainingPlan, part: String = "") throws -> Outcome {
    let (scenes, batch) = (task.lessons(run), run.isQuick ? 16 : 32)
    return try TrainingLoop(plan, encoder.parameters, run, part: part).train(
      evaluate: { Array(try figures(encoder).prefix(1)) },
      loss: { step, _ in
        let lesson = (step * batch..<(step + 1) * batch).map { scenes[$0] }
        let labels = try SceneLabels(lesson, kinds: task.sprites.names.count)
        return try encoder(SceneTask.normalised(lesson)).loss(labels)
      })
  }

  /// What the encoder sees on the test.
  func figures(_ encoder: SceneEncoder) throws -> [Figure] {
    let seen = try task.overTest { images, _ in
      let seen = try encoder(images)
      return [seen.kinds, seen.box, seen.place]
    }
    let labels = try SceneLabels(task.test, kinds: task.sprites.names.count)
    return try noGrad {
      let grounds = Scenes.grounds.count
      let things = try labels.coverage.sliced(grounds..<labels.coverage.size(2), axis: 2)
      let isThing = try things.sum([2]) .>= 0.5
      let truth = try labels.coverage.argmax(2)
      let isRight = try seen[0].argmax(2) .== truth
      func share(_ mask: Tensor, _ weight: Tensor) throws -> Double {
        try (mask.to(.float32) * weight).sum().item() / max(weight.sum().item(), 1)
      }
      let foreground = try isThing.to(.float32)
      let patches = try things.argmax(2).masked(isThing).values(Int64.self)
      let most = Dictionary(patches.map { ($0, 1) }, uniquingKeysWith: +).values.max() ?? 0
      let error = try (seen[1] - labels.relativeBoxes).abs().mean([2])
      let place = try (seen[2] - labels.places).abs().mean([2]) * Double(Scene.side / 2)
      return [
        Figure("foreground accuracy", try share(isRight, foreground)),
        Figure("most frequent kind", Double(most) / Double(max(patches.count, 1))),
        Figure("accuracy of all patches", try isRight.to(.float32).mean().item()),
        Figure("error of boxes", try share(error, labels.covered), "px"),
        Figure("error of places", try share(place, labels.covered), "px"),
      ]
    }
  }
}
