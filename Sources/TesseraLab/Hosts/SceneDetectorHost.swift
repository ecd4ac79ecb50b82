import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

extension Host {
  /// The detector of things in scenes.
  public static let sceneDetector = Host(
    summary: "DETR-like detector on the encoder of scenes: 16 queries on a grid, two decoder layers",
    Declaration(
      name: "scene-detector", claim: "On the encoder of scenes, a small DETR finds and names the things in them.",
      baseline: "the boxes that the encoder's dense head gives, without a decoder",
      baselineFigures: ["AP50 of the dense head", "AP75 of the dense head"],
      data: "scenes with 1 to 5 of 20 emoji, drawn on the fly; 300 scenes for the test",
      seeds: [1, 2, 3], metric: "mean average precision over 20 kinds, as in COCO, at overlaps of 0.5 and 0.75",
      rule: [.atLeast("AP50", 0.9)], floor: ["AP50 of the dense head"], packages: SpriteSet.emojiPackages),
    train: { run, folder in try SceneDetectorTraining(run).train(folder) })
}

/// The loss of DETR (Carion et al. 2020, section 3.1): each thing is matched with one query, by class and box; the others say "nothing".
struct DetectionLoss {
  /// Of the classes' cross-entropy, where nothing is.
  var backgroundWeight = 0.2
  /// Of the distance of boxes and of their generalised overlap.
  var boxWeight = 5.0, overlapWeight = 2.0

  /// Things of some pictures; boxes as center, width and height in 0...1.
  struct Truth {
    let labels: [[Int]]
    let boxes: [[[Float]]]

    init(_ scenes: [Scene]) {
      labels = scenes.map { $0.objects.map(\.kind) }
      let side = Float(Scene.side)
      boxes = scenes.map { scene in
        scene.objects.map { thing in
          [
            Float(thing.center.x) / side, Float(thing.center.y) / side, Float(thing.width) / side,
            Float(thing.height) / side,
          ]
        }
      }
    }
  }

  /// The sum over the predictions of all layers, in parts.
  func callAsFunction(_ predictions: [PatchDetector.Prediction], _ truth: Truth) throws -> [LossPart] {
    var (kinds, distances, overlaps) = ([Tensor](), [Tensor](), [Tensor]())
    for prediction in predictions {
      let (queries, nothing) = (prediction.logits.size(1), prediction.logits.size(2) - 1)
      let pairs = try match(prediction, truth)
      var targets = [Int64](repeating: Int64(nothing), count: truth.labels.count * queries)
      for pair in pairs { targets[pair.picture * queries + pair.query] = Int64(truth.labels[pair.picture][pair.thing]) }
      let weights = try Tensor(
        [Float](repeating: 1, count: nothing) + [Float(backgroundWeight)], [nothing + 1])
      kinds.append(
        try CrossEntropy()(prediction.logits.flattened(0, 1), Tensor(targets), weights: weights))
      guard !pairs.isEmpty else { continue }
      let found = try prediction.boxes.flattened(0, 1).rows(
        Tensor(pairs.map { Int64($0.picture * queries + $0.query) }))
      let wanted = try Tensor(pairs.flatMap { truth.boxes[$0.picture][$0.thing] }, [pairs.count, 4])
      distances.append(try (found - wanted).abs().sum() * (boxWeight / Double(pairs.count)))
      overlaps.append(try (1 - Self.generalisedOverlap(found, wanted)).mean() * overlapWeight)
    }
    func sum(_ values: [Tensor]) throws -> Tensor {
      try values.dropFirst().reduce(values.first ?? .zeros([])) { try $0 + $1 }
    }
    return [
      LossPart("kinds", try sum(kinds)), LossPart("distances", try sum(distances)),
      LossPart("overlaps", try sum(overlaps)),
    ]
  }

  /// Which query each thing is matched with.
  private func match(
    _ prediction: PatchDetector.Prediction, _ truth: Truth
  ) throws -> [(picture: Int, query: Int, thing: Int)] {
    let (queries, classes) = (prediction.logits.size(1), prediction.logits.size(2))
    let (probabilities, boxes) = try noGrad {
      (try prediction.logits.softmax(2).values(Float.self), try prediction.boxes.values(Float.self))
    }
    return truth.labels.indices.flatMap { picture -> [(picture: Int, query: Int, thing: Int)] in
      let costs = truth.labels[picture].indices.map { thing -> [Double] in
        let box = truth.boxes[picture][thing].map(Double.init)
        return (0..<queries).map { query in
          let place = picture * queries + query
          let own = boxes[(place * 4)..<(place * 4 + 4)].map(Double.init)
          let distance = zip(own, box).reduce(0) { $0 + abs($1.0 - $1.1) }
          let probability = Double(probabilities[place * classes + truth.labels[picture][thing]])
          return -probability + boxWeight * distance - overlapWeight * Self.generalisedOverlap(own, box)
        }
      }
      return linearAssignment(costs).enumerated().map { (picture, $1, $0) }
    }
  }

  /// Shared over joint area, less the part of the smallest box around both that neither covers (Rezatofighi et al. 2019).
  /// - Parameters: boxes as center, width and height, `[n, 4]`
  static func generalisedOverlap(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    func edges(_ box: Tensor) throws -> (low: Tensor, high: Tensor, area: Tensor) {
      let (middle, size) = (try box.sliced(0..<2, axis: 1), try box.sliced(2..<4, axis: 1))
      return (try middle - size / 2, try middle + size / 2, try product(size))
    }
    func product(_ sizes: Tensor) throws -> Tensor { try sizes.selected(0, axis: 1) * sizes.selected(1, axis: 1) }
    let (first, second) = (try edges(a), try edges(b))
    let shared = try product((first.high.minimum(second.high) - first.low.maximum(second.low)).clamped(0))
    let joint = try first.area + second.area - shared
    let around = try product(first.high.maximum(second.high) - first.low.minimum(second.low))
    return try shared / (joint + 1e-9) - (around - joint) / (around + 1e-9)
  }

  static func generalisedOverlap(_ a: [Double], _ b: [Double]) -> Double {
    func edges(_ box: [Double], _ axis: Int) -> (Double, Double) {
      (box[axis] - box[axis + 2] / 2, box[axis] + box[axis + 2] / 2)
    }
    var (shared, around) = (1.0, 1.0)
    for axis in 0..<2 {
      let (first, second) = (edges(a, axis), edges(b, axis))
      shared *= max(min(first.1, second.1) - max(first.0, second.0), 0)
      around *= max(first.1, second.1) - min(first.0, second.0)
    }
    let joint = a[2] * a[3] + b[2] * b[3] - shared
    return shared / (joint + 1e-9) - (around - joint) / (around + 1e-9)
  }
}

/// Trains the detector of scenes.
struct SceneDetectorTraining {
  let run: Run
  let task: SceneTask

  init(_ run: Run) throws { (self.run, task) = (run, try SceneTask(run)) }

  var plan: TrainingPlan {
    TrainingPlan(
      steps: run.isQuick ? 40 : 1000, learningRate: 1.5e-3, warmUp: run.isQuick ? 5 : 50, floor: 0.02,
      weightDecay: 0.01, evaluateEvery: run.isQuick ? nil : 325)
  }

  func train(_ folder: String) throws -> Outcome {
    var settings: JSONObject = [
      "architectures": ["PatchDetector"], "model_type": "patch_detector", "d_model": 128, "query_grid": 4,
      "decoder_layers": 2, "decoder_attention_heads": 4, "decoder_ffn_dim": 256,
    ]
    settings["vision_config"] = SceneEncoder.configuration
    settings["labels"] = .array(task.sprites.names.map { .string($0) })
    try Host.write(.object(settings), to: folder)
    try SceneTask.writePreprocessor(to: folder)
    let detector = try PatchDetector(
      folder: ModelFolder(untrained: folder, seed: run.seed), options: LoadOptions(trained: true))
    let encoder = try start(detector, folder)
    var outcome = try fit(detector)
    try Host.write(detector.store.tensors, to: folder)
    let stored = try PatchDetector(folder: ModelFolder(folder), options: LoadOptions())
    outcome.figures.insert(contentsOf: try figures(stored), at: 0)
    let dense = try denseHead(encoder)
    outcome.add("AP50 of the dense head", dense.mean(atOverlap: 0.5))
    outcome.add("AP75 of the dense head", dense.mean(atOverlap: 0.75))
    return outcome
  }

  /// The trained encoder goes in; a quick run draws one.
  private func start(_ detector: PatchDetector, _ folder: String) throws -> SceneEncoder {
    let encoder: SceneEncoder
    if run.isQuick {
      let place = folder + "-encoder"
      try Files.makeFolder(place)
      try Host.write(SceneEncoder.configuration, to: place)
      encoder = try SceneEncoder.drawn(place, kinds: task.sprites.names.count, seed: run.seed)
    } else {
      encoder = try SceneEncoder(folder: Host.folder("scene-encoder", run.lab))
    }
    for parameter in encoder.model.store.parameters { try detector.store[parameter.path]?.assign(parameter.value) }
    let layers = detector.store.parameters.filter { $0.path.hasPrefix("decoder.") }
    try SceneTask.drawEvenly(layers, RandomStream(seed: run.seed).named("scene detector"))
    return encoder
  }

  private func fit(_ detector: PatchDetector) throws -> Outcome {
    let (scenes, batch) = (task.lessons(run), run.isQuick ? 8 : 32)
    let parameters = detector.store.parameters
    let optimizer = AdamW(
      SceneTask.groups(parameters, slow: "vision_model.", factor: 0.3, decay: plan.weightDecay),
      learningRate: plan.learningRate, betas: (plan.betas[0], plan.betas[1]))
    return try TrainingLoop(plan, parameters, run, optimizer: optimizer).train(
      evaluate: { try figures(detector) },
      loss: { step, _ in
        let lesson = (step * batch..<(step + 1) * batch).map { scenes[$0] }
        return try DetectionLoss()(detector(SceneTask.normalised(lesson)), .init(lesson))
      })
  }

  // MARK: The test

  private static func truth(_ scene: Scene) -> [AveragePrecision.Item] {
    scene.objects.map { thing in
      .init(
        class: thing.kind,
        BoundingBox(
          centerX: thing.center.x, centerY: thing.center.y, width: Double(thing.width), height: Double(thing.height)))
    }
  }

  /// Average precision of every query's guess for every kind.
  func figures(_ detector: PatchDetector) throws -> [Figure] {
    let seen = try task.overTest { images, _ in
      guard let last = try detector(images).last else { return [] }
      return [try last.logits.softmax(2), try last.boxes * Double(Scene.side)]
    }
    let precision = try precision(
      seen[0].values(Float.self), seen[1].values(Float.self), items: seen[0].size(1), width: seen[0].size(2))
    return [
      Figure("AP50", precision.mean(atOverlap: 0.5)), Figure("AP75", precision.mean(atOverlap: 0.75)),
      Figure("AP", precision.mean),
    ]
  }

  /// What the encoder's dense head finds: a box wherever it sees a middle.
  private func denseHead(_ encoder: SceneEncoder) throws -> AveragePrecision {
    let (grounds, kinds) = (Scenes.grounds.count, task.sprites.names.count)
    let still = try Tensor.zeros([SceneLabels.grid * SceneLabels.grid, 2])
    let middles = try Tensor.concatenated([SceneLabels.middles(), still], axis: 1)
    let seen = try task.overTest { images, _ in
      let seen = try encoder(images)
      let named = try seen.kinds.sliced(grounds..<grounds + kinds, axis: 2).softmax(2)
      return [try named * seen.center.sigmoid().unsqueezed(2), try seen.box + middles]
    }
    return try precision(
      seen[0].values(Float.self), seen[1].values(Float.self), items: seen[0].size(1), width: kinds)
  }

  /// - Parameters:
  ///   - scores: `[scenes, items, width]`, of which the first columns are the kinds
  ///   - boxes: `[scenes, items, 4]`, center and size in pixels
  private func precision(_ scores: [Float], _ boxes: [Float], items: Int, width: Int) throws -> AveragePrecision {
    var precision = AveragePrecision(classes: task.sprites.names.count)
    for (number, scene) in task.test.enumerated() {
      var found: [AveragePrecision.Item] = []
      for item in 0..<items {
        let place = number * items + item
        let box = boxes[(place * 4)..<(place * 4 + 4)].map(Double.init)
        for kind in task.sprites.names.indices where scores[place * width + kind] > 0.001 {
          found.append(
            .init(
              class: kind, BoundingBox(centerX: box[0], centerY: box[1], width: box[2], height: box[3]),
              score: Double(scores[place * width + kind])))
        }
      }
      precision.add(found: found, truth: Self.truth(scene))
    }
    return precision
  }
}
