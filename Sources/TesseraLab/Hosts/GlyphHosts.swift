import Foundation
import TesseraNN
import TesseraTensor

extension Host {
  /// The classifier of letters, digits, and capitals on which proofs about tokens in classifiers stand.
  public static let glyph62 = Host(
    summary: "ViT that reads 62 letters and digits in typefaces it never saw; 32x32 pixels, 64 patches",
    Declaration(
      name: "glyph-62",
      claim: "A ViT of a third of a million parameters reads letters of held-out typefaces in minutes of training.",
      baseline: "guessing: 1/62", baselineFigures: ["chance"],
      data:
        "glyph-62: letters and digits of more than two hundred typefaces, 32x32; a fifth of the typefaces, in whole "
        + "clusters, is the test",
      seeds: [1, 2, 3],
      metric:
        "share of right answers on all test letters, with the stored half-precision weights; the ceiling of 0.97 is an "
        + "estimate: I, l, 1 and O, 0 are one shape in some faces",
      rule: [.atLeast("accuracy", 0.92), .above("accuracy", "chance", by: 0.5)], floor: ["chance"],
      ceiling: ["ceiling (estimate)"], packages: DataSet.glyphs.packages),
    train: { run, folder in try LetterTraining(run).train(.all, to: folder) })

  /// The same classifier where most classes have few examples.
  public static let glyph62LongTail = Host(
    summary: "The same ViT trained on a long tail: the rarest of the 62 classes have two examples",
    Declaration(
      name: "glyph-62-lt",
      claim: "Trained on a long tail, the same ViT still reads half of a balanced test, and frequent classes best.",
      baseline: "always the most frequent class: 1/62 of a balanced test", baselineFigures: ["most frequent class"],
      data:
        "glyph-62-LT: in a shuffled order the class of rank c keeps n * 0.01^(c/61) of its n training letters; the test is "
        + "that of glyph-62, balanced",
      seeds: [1, 2, 3],
      metric:
        "share of right answers on all test letters and on classes with more than 100 (many), 20 to 100 (medium), and "
        + "fewer than 20 training letters (few); expected before any run: 0.6 to 0.7 overall (an estimate)",
      rule: [
        .atLeast("accuracy", 0.5), .above("accuracy, many", "accuracy, few"),
        .above("accuracy", "most frequent class", by: 0.3),
      ],
      floor: ["most frequent class"], ceiling: ["ceiling (estimate)"], packages: DataSet.glyphs.packages),
    train: { run, folder in try LetterTraining(run).train(.longTail, to: folder) })
}

/// How the two classifiers of letters are trained: sine-cosine positions to begin with, standardized pixels, light augmentation.
struct LetterTraining {
  let run: Run
  var steps = 2200
  var batch = 32

  init(_ run: Run) { self.run = run }

  /// A full run reads letters; a quick one, which must need nothing, tells shapes apart.
  func train(_ task: Glyphs.Task, to folder: String) throws -> Outcome {
    if run.isQuick {
      let train = try LabelledPictures(shapes: 600, side: 16, run.stream.named("quick pictures"))
      let test = try LabelledPictures(shapes: 150, side: 16, run.stream.named("quick test"))
      let groups = [("many", [0, 1]), ("few", [2])]
      return try fit(train, test, groups: task == .longTail ? groups : [], to: folder).outcome
    }
    let glyphs = try Glyphs(DataSet.glyphs.open(run.lab))
    let train = LabelledPictures(try glyphs.part(task, .train))
    let test = LabelledPictures(try glyphs.part(task, .test))
    let groups = task == .longTail ? Self.shots(train.countByClass) : []
    return try fit(train, test, groups: groups, to: folder).outcome
  }

  /// Trains on some pictures, writes the folder, reads it back, and measures what was read.
  func fit(
    _ train: LabelledPictures, _ test: LabelledPictures, groups: [(String, [Int])], to folder: String,
    part: String = ""
  ) throws -> (classifier: LetterClassifier, outcome: Outcome) {
    try recipe(train).write(to: folder)
    let (mean, deviation) = train.statistics
    try LetterClassifier.writePreprocessing(mean: mean, deviation: deviation, side: train.side, to: folder)
    let classifier = try LetterClassifier(
      ModelFolder(untrained: folder, seed: run.seed), LoadOptions(trained: true))
    try Self.startPositions(classifier.model)
    var outcome = try learn(classifier, train, test, part)
    try Host.write(classifier.model.store.tensors, to: folder)
    let stored = try LetterClassifier(folder: folder)
    try measure(stored, train, test, groups, &outcome)
    return (stored, outcome)
  }

  private func learn(
    _ classifier: LetterClassifier, _ train: LabelledPictures, _ test: LabelledPictures, _ part: String
  ) throws -> Outcome {
    let augmentation = LetterAugmentation(
      shift: Double(train.side) / 20, rotation: 0.1, stretch: 0.12, slant: 0.2)
    var order = BatchOrder(rows: train.count, batch: batch, stream: run.stream.named("order"))
    let plan =
      run.isQuick
      ? TrainingPlan(steps: 120, learningRate: 3e-3)
      : TrainingPlan(steps: steps, learningRate: 2e-3, betas: [0.9, 0.95], average: 0.99, evaluateEvery: 440)
    // The curve needs no more than a part of the test; nothing is chosen by it.
    let some = Array(stride(from: 0, to: test.count, by: max(1, test.count / 600)))
    let (pictures, labels) = (try test.pictures(some), some.map { test.labels[$0] })
    let parameters = classifier.model.store.parameters
    let crossEntropy = CrossEntropy(labelSmoothing: 0.1)
    return try TrainingLoop(plan, parameters, run, part: part).train(
      evaluate: {
        let right = zip(try classifier.guesses(pictures), labels).count { $0 == $1 }
        return [Figure("accuracy on a part of the test", Double(right) / Double(labels.count))]
      },
      loss: { step, stream in
        let rows = order.rows(at: step)
        let logits = try classifier.logits(augmentation(train, rows, &stream))
        return [LossPart("cross-entropy", try crossEntropy(logits, train.labels(rows)))]
      })
  }

  private func measure(
    _ stored: LetterClassifier, _ train: LabelledPictures, _ test: LabelledPictures, _ groups: [(String, [Int])],
    _ outcome: inout Outcome
  ) throws {
    let guesses = try stored.guesses(test.pictures(0..<test.count))
    func share(_ isMeant: (Int) -> Bool) -> Double {
      let rows = test.labels.indices.filter { isMeant(test.labels[$0]) }
      return Double(rows.count { guesses[$0] == test.labels[$0] }) / Double(max(1, rows.count))
    }
    var figures = [Figure("accuracy", share { _ in true })]
    for (name, labels) in groups { figures.append(Figure("accuracy, \(name)", share(Set(labels).contains))) }
    if groups.isEmpty {
      figures.append(Figure("chance", 1 / Double(train.classes.count)))
    } else {
      let counts = train.countByClass
      let frequent = counts.indices.max { counts[$0] < counts[$1] } ?? 0
      let prior = Double(test.labels.count { $0 == frequent }) / Double(max(1, test.count))
      figures.append(Figure("most frequent class", prior))
    }
    figures.append(Figure("ceiling (estimate)", 0.97))
    figures.append(Figure("test pictures", Double(test.count)))
    figures.append(Figure("training pictures", Double(train.count)))
    figures.append(Figure("parameters", Double(stored.model.store.parameters.reduce(0) { $0 + $1.value.count })))
    outcome.figures.insert(contentsOf: figures, at: 0)
  }

  private func recipe(_ train: LabelledPictures) -> ViTRecipe {
    run.isQuick
      ? ViTRecipe(image: train.side, channels: 1, patch: 4, width: 32, layers: 2, heads: 2, labels: train.classes)
      : ViTRecipe(
        image: train.side, channels: 1, patch: 4, width: 96, layers: 4, heads: 4, labels: train.classes, hidden: 192)
  }

  /// Puts sines and cosines where positions are learned: from small random numbers a network of this size does not find them in time.
  static func startPositions(_ model: ViTModel) throws {
    let shape = model.transformer.configuration
    for parameter in model.store.parameters where parameter.path.hasSuffix("position_embeddings") {
      let grid = try Sinusoids.grid(rows: shape.grid.height, columns: shape.grid.width, width: shape.width)
      let front = try Tensor.zeros([shape.special, shape.width])
      try parameter.assign(.concatenated([front, grid], axis: 0).unsqueezed(0))
    }
  }

  /// Classes by how many examples they have, as is usual for long tails: more than 100, 20 to 100, fewer than 20.
  static func shots(_ counts: [Int]) -> [(String, [Int])] {
    [
      ("many", counts.indices.filter { counts[$0] > 100 }),
      ("medium", counts.indices.filter { (20...100).contains(counts[$0]) }),
      ("few", counts.indices.filter { counts[$0] < 20 }),
    ]
  }
}
