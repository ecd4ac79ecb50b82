import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

extension Host {
  /// A classifier of procedural shapes: it needs no data, trains in seconds, and is what tests of the laboratory train.
  public static let shapes = Host(
    summary: "ViT that tells discs, squares, and crosses apart; 16x16 pixels, drawn from nothing",
    Declaration(
      name: "shapes", claim: "A tiny ViT tells three procedural shapes apart.",
      baseline: "always one class", baselineFigures: ["chance"],
      data: "discs, squares, and crosses of 16x16 pixels with noise, drawn on the fly; 300 for the test",
      seeds: [1, 2, 3], metric: "share of right answers on 300 pictures",
      rule: [.atLeast("accuracy", 0.95), .above("accuracy", "chance", by: 0.5)], floor: ["chance"]),
    train: trainShapes)

  private static func trainShapes(_ run: Run, _ folder: String) throws -> Outcome {
    try ViTRecipe(image: 16, channels: 1, patch: 4, width: 32, layers: 2, heads: 2, labels: Shapes.classes)
      .write(to: folder)
    let model = try ViTModel(
      folder: ModelFolder(untrained: folder, seed: run.seed), options: LoadOptions(trained: true))
    let test = try Shapes(stream: run.stream.named("test")).batch(0..<300)
    func accuracy(_ model: ViTModel) throws -> Double {
      try noGrad {
        let logits = try classify(model, test.pictures)
        return try (logits.argmax(-1) .== test.labels).to(.float32).mean().item()
      }
    }
    let shapes = Shapes(stream: run.stream.named("train"))
    let plan = TrainingPlan(steps: run.isQuick ? 150 : 2000, learningRate: 3e-3, checkpointSeconds: 0.1)
    var outcome = try TrainingLoop(plan, model.store.parameters, run).train(
      evaluate: { [Figure("accuracy", try accuracy(model))] },
      loss: { step, _ in
        let batch = try shapes.batch(step * 24..<(step + 1) * 24)
        return [LossPart("cross-entropy", try CrossEntropy()(try classify(model, batch.pictures), batch.labels))]
      })
    try Host.write(model.store.tensors, to: folder)
    let stored = try ViTModel(folder: ModelFolder(folder), options: LoadOptions())
    outcome.figures.insert(Figure("accuracy", try accuracy(stored)), at: 0)
    outcome.add("chance", 1 / Double(Shapes.classes.count))
    return outcome
  }

  private static func classify(_ model: ViTModel, _ pictures: Tensor) throws -> Tensor {
    let outputs = try model.forward(NamedTensors(["pixel_values": try (pictures - 0.4) * 3]), ForwardOptions())
    guard let logits = outputs["logits"] else { throw LabError.refused("shapes", "the model has no classifier") }
    return logits
  }
}

/// A ViT for classification in the form of Hugging Face's folders.
struct ViTRecipe {
  var image: Int
  var channels: Int
  var patch: Int
  var width: Int
  var layers: Int
  var heads: Int
  var labels: [String]
  /// Channels inside the feed-forward parts; nil: four times the width.
  var hidden: Int?

  /// Writes `config.json`.
  func write(to folder: String) throws {
    var names = JSONObject()
    for (index, label) in labels.enumerated() { names["\(index)"] = .string(label) }
    func number(_ value: Int) -> JSON { .integer(Int64(value)) }
    try Host.write(
      [
        "architectures": ["ViTForImageClassification"], "model_type": "vit", "image_size": number(image),
        "num_channels": number(channels), "patch_size": number(patch), "hidden_size": number(width),
        "num_hidden_layers": number(layers), "num_attention_heads": number(heads),
        "intermediate_size": number(hidden ?? 4 * width), "hidden_act": "gelu", "layer_norm_eps": 1e-6,
        "id2label": .object(names),
      ], to: folder)
  }
}
