import Foundation
import TesseraNN
import TesseraPictures
import TesseraTensor

extension Host {
  /// The generator on which proofs about diffusion transformers stand.
  public static let glyphDiT = Host(
    summary: "DiT that draws the letters A to J of a class in pixels; 32x32, 64 tokens, rectified flow",
    Declaration(
      name: "glyph-dit",
      claim:
        "A DiT of less than a million parameters draws letters that a classifier reads as the class that was asked for.",
      baseline: "blurred training letters", baselineFigures: ["FD-glyph of blurred letters"],
      data:
        "glyph-10: A to J of the training typefaces of glyph-62; distances are those of 600 samples to 600 training letters",
      seeds: [1, 2, 3],
      metric:
        "FD-glyph: the Frechet distance of features of the host glyph-62 (its class token; no FID); the share of samples "
        + "that glyph-62 reads as asked; distance to the nearest training letter, in pixels of full ink",
      rule: [
        .atMost("FD-glyph", 6, .mean), .atLeast("accuracy", 0.88, .mean),
        .below("FD-glyph", "FD-glyph of blurred letters"),
      ],
      floor: ["FD-glyph of noise"], ceiling: ["FD-glyph of other training letters", "FD-glyph of test letters"],
      packages: DataSet.glyphs.packages),
    train: { run, folder in try GlyphDiTTraining(run).train(to: folder) })
}

/// How the generator of letters is trained.
struct GlyphDiTTraining {
  let run: Run
  var steps = 1800
  var batch = 32

  init(_ run: Run) { self.run = run }

  /// A full run draws letters and is judged by the host glyph-62; a quick one draws shapes and trains its own judge first.
  func train(to folder: String) throws -> Outcome {
    if run.isQuick {
      let train = try LabelledPictures(shapes: 300, side: 16, run.stream.named("quick pictures"))
      let test = try LabelledPictures(shapes: 100, side: 16, run.stream.named("quick test"))
      let place = run.folder + "/judge"
      try Files.makeFolder(place)
      let judge = try LetterTraining(run).fit(train, test, groups: [], to: place, part: "judge").classifier
      return try fit(train, test, judge, to: folder)
    }
    let glyphs = try Glyphs(DataSet.glyphs.open(run.lab))
    let judge = try LetterClassifier(folder: Host.folder("glyph-62", run.lab))
    let train = LabelledPictures(try glyphs.part(.ten, .train), classes: Array(Glyphs.characters.prefix(10)))
    let test = LabelledPictures(try glyphs.part(.ten, .test), classes: train.classes)
    return try fit(train, test, judge, to: folder)
  }

  private func fit(
    _ train: LabelledPictures, _ test: LabelledPictures, _ judge: LetterClassifier, to folder: String
  ) throws -> Outcome {
    try GlyphGenerator.write(shape(side: train.side, classes: train.classes.count), convention(train), to: folder)
    let generator = try GlyphGenerator(ModelFolder(untrained: folder, seed: run.seed), LoadOptions(trained: true))
    let yardstick = try GlyphYardstick(
      train, test, judge, count: run.isQuick ? 100 : 600, run.stream.named("yardstick"))
    var outcome = try learn(generator, train, yardstick)
    try Host.write(generator.model.store.tensors, to: folder)
    let stored = try GlyphGenerator(folder: folder)
    var stream = run.stream.named("samples")
    let start = ContinuousClock.now
    let labels = yardstick.labels
    let samples = try stored.sample(labels, &stream)
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    outcome.figures.insert(contentsOf: try yardstick.figures(samples), at: 0)
    outcome.figures += yardstick.bounds
    outcome.add("sampling", seconds, "s")
    outcome.add("parameters", Double(stored.model.store.parameters.reduce(0) { $0 + $1.value.count }))
    try Self.sheet(
      samples, columns: 2 * train.classes.count, rows: min(10, samples.size(0) / (2 * train.classes.count))
    )
    .write(to: folder + "/samples.png")
    return outcome
  }

  private func learn(
    _ generator: GlyphGenerator, _ train: LabelledPictures, _ yardstick: GlyphYardstick
  ) throws -> Outcome {
    let plan =
      run.isQuick
      ? TrainingPlan(steps: 60, learningRate: 2e-3, weightDecay: 0.01, average: 0.9)
      : TrainingPlan(
        steps: steps, learningRate: 2e-3, betas: [0.9, 0.95], weightDecay: 0.01, average: 0.995, evaluateEvery: 300)
    var order = BatchOrder(rows: train.count, batch: batch, stream: run.stream.named("order"))
    let smallest = generator.convention.smallestTime
    let none = generator.model.configuration.classes
    return try TrainingLoop(plan, generator.model.store.parameters, run).train(
      evaluate: {
        var stream = run.stream.named("samples on the way")
        let samples = try generator.sample(Array(yardstick.labels.prefix(200)), &stream)
        return [Figure("FD-glyph of 200 samples", try yardstick.distance(samples))]
      },
      loss: { step, stream in
        let rows = order.rows(at: step)
        let data = try generator.data(train.pictures(rows))
        let noise = try stream.normal(data.shape)
        let times = try FlowTime.logitNormal(stream.normal([rows.count]), mean: 0.5)
        let labels = rows.map { Int64(Double.random(in: 0..<1, using: &stream) < 0.1 ? none : train.labels[$0]) }
        let said = try generator(RectifiedFlow.noised(data, noise, at: times), time: times, labels: Tensor(labels))
        // The error of the velocity is that of the data divided by the time.
        let weights = try times.clamped(smallest).squared().reciprocal()
        let errors = try (said - data).squared().flattened(1).mean([1])
        return [LossPart("velocity", try (errors * weights).mean())]
      })
  }

  func shape(side: Int, classes: Int) -> DiTConfiguration {
    var shape = DiTConfiguration()
    (shape.layout, shape.channels, shape.outputChannels) = (.diffusers, 1, 1)
    (shape.sampleSize, shape.patch, shape.classes) = (side, 4, classes)
    (shape.heads, shape.headWidth, shape.layers) = run.isQuick ? (2, 16, 2) : (4, 24, 4)
    shape.epsilon = 1e-5
    return shape
  }

  private func convention(_ train: LabelledPictures) -> GlyphGenerator.Convention {
    .init(
      prediction: .sample, timestepScale: 1000, mean: 0.5, deviation: 0.5, classes: train.classes, smallestTime: 0.05,
      guidance: 1.5, steps: run.isQuick ? 4 : 20)
  }

  /// Samples side by side, ink black on white.
  static func sheet(_ samples: Tensor, columns: Int, rows: Int) throws -> Picture {
    let side = samples.size(2)
    let pixels = try ((1 - samples.sliced(0..<columns * rows, axis: 0)) * 255).rounded()
      .rearranged("(r c) 1 h w -> (r h) (c w)", r: rows).contiguous().values(Float.self)
    return try Picture(
      width: columns * side, height: rows * side, channels: 1, bytes: pixels.map { UInt8(max(0, min(255, $0))) })
  }
}

/// What samples are held against.
struct GlyphYardstick {
  /// The class that each sample is asked for: all in turn.
  let labels: [Int]
  /// What real, blurred, and random pictures get.
  let bounds: [Figure]
  private let judge: LetterClassifier
  private let reference: Tensor
  private let training: Tensor
  /// Classes of the judge, by label.
  private let judged: [Int]

  /// - Parameter count: how many pictures each side of a distance has; a distance of fewer is larger by that alone
  init(
    _ train: LabelledPictures, _ test: LabelledPictures, _ judge: LetterClassifier, count: Int, _ stream: RandomStream
  ) throws {
    self.judge = judge
    labels = (0..<count).map { $0 % train.classes.count }
    judged = train.classes.map { judge.classes.firstIndex(of: $0) ?? -1 }
    var own = stream.named("which letters")
    let mixed = (0..<train.count).shuffled(using: &own)
    guard train.count >= 2 * count else {
      throw LabError.refused("yardstick", "\(train.count) pictures are too few for two times \(count)")
    }
    let (first, second) = (Array(mixed[..<count]), Array(mixed[count..<2 * count]))
    let reference = try judge.manyFeatures(train.pictures(first))
    func distance(_ pictures: Tensor) throws -> Double {
      try frechetDistance(reference, judge.manyFeatures(pictures))
    }
    let others = try train.pictures(second)
    let real = try test.pictures(Array((0..<test.count).shuffled(using: &own).prefix(count)))
    let box = try Tensor.full([1, 1, 3, 3], 1.0 / 9)
    let training = try train.pictures(0..<train.count).flattened(1)
    let right = zip(try judge.guesses(test.pictures(0..<test.count)), test.labels.map { [judged] in judged[$0] })
      .count { $0 == $1 }
    bounds = [
      Figure("FD-glyph of other training letters", try distance(others)),
      Figure("FD-glyph of test letters", try distance(real)),
      Figure(
        "FD-glyph of blurred letters",
        try distance(others.convolution(box, stride: [1, 1], padding: [1, 1]).clamped(0, 1))),
      Figure("FD-glyph of noise", try distance(own.uniform(others.shape))),
      Figure("accuracy on test letters", Double(right) / Double(max(1, test.count))),
      Figure("nearest training letter of test letters", try Self.nearest(real, training), "pixels"),
    ]
    (self.reference, self.training) = (reference, training)
  }

  /// The Frechet distance of samples to the reference.
  func distance(_ samples: Tensor) throws -> Double {
    try frechetDistance(reference, judge.manyFeatures(samples))
  }

  func figures(_ samples: Tensor) throws -> [Figure] {
    let right = zip(try judge.guesses(samples), labels.map { judged[$0] }).count { $0 == $1 }
    return [
      Figure("FD-glyph", try distance(samples)),
      Figure("accuracy", Double(right) / Double(max(1, labels.count))),
      Figure("nearest training letter", try Self.nearest(samples, training), "pixels"),
    ]
  }

  /// The mean distance to the nearest training picture: 2-norm of the differences of ink.
  private static func nearest(_ pictures: Tensor, _ training: Tensor) throws -> Double {
    try noGrad {
      let norms = try training.squared().sum([1])
      let x = try pictures.flattened(1)
      let squares = try x.squared().sum([1], keepingAxes: true) + norms - x.matmul(training.transposed()) * 2
      return try squares.clamped(0).minimum(along: [1]).sqrt().mean().item()
    }
  }
}
