import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

extension Host {
  /// The vision-language model of scenes.
  public static let sceneLanguageModel = Host(
    summary: "LLaVA-form vision-language model that answers five kinds of questions about scenes with a word",
    Declaration(
      name: "scene-vlm",
      claim:
        "On the encoder of scenes, a two-layer decoder learns to answer; it sees things and their sides, not colours alone.",
      baseline: "the most frequent answer to the same question, blind to the picture",
      baselineFigures: ["blind", "blind: exist", "blind: side"],
      data: "scenes with 1 to 5 of 20 emoji, seven questions each, drawn on the fly; 300 scenes for the test",
      seeds: [1, 2, 3], metric: "share of right answers on the fixed test",
      rule: [
        .atLeast("accuracy", 0.66), .above("accuracy", "blind", by: 0.2),
        .above("exist", "blind: exist", by: 0.2), .above("side", "blind: side", by: 0.2),
      ],
      floor: ["blind"], packages: SpriteSet.emojiPackages),
    train: { run, folder in try SceneLanguageTraining(run).train(folder) })
}

/// Trains the vision-language model.
///
/// Answers alone do not teach so small a model to see. What does, beside the encoder's dense labels: the projected patches are pulled toward
/// the embeddings of the words for what they show and toward knowing where that stands; queries and keys of the decoder start equal, so
/// that words look at patches like them; and "where is K" is asked on the way to "where is K than K".
struct SceneLanguageTraining {
  let run: Run
  let task: SceneTask
  let vocabulary: SceneVocabulary
  let examiner: SceneExaminer

  init(_ run: Run) throws {
    self.run = run
    task = try SceneTask(run)
    vocabulary = SceneVocabulary(kinds: task.sprites.names)
    examiner = SceneExaminer(names: task.sprites.names)
  }

  var plan: TrainingPlan {
    TrainingPlan(
      steps: run.isQuick ? 40 : 1300, learningRate: 2e-3, warmUp: run.isQuick ? 5 : 50, floor: 0.02,
      evaluateEvery: run.isQuick ? nil : 260)
  }

  func train(_ folder: String) throws -> Outcome {
    try Host.write(SceneLanguageModel.configuration(vocabulary: vocabulary.tokens.count), to: folder)
    try SceneTask.writePreprocessor(to: folder)
    let network = try LlavaModel(
      folder: ModelFolder(untrained: folder, seed: run.seed), options: LoadOptions(trained: true))
    let model = SceneLanguageModel(network, vocabulary)
    try model.writeTokenizer(to: folder, kinds: task.sprites.names)
    try start(network, from: encoder(folder))
    var outcome = try fit(model)
    try Host.write(network.store.tensors, to: folder)
    outcome.figures.insert(contentsOf: try figures(SceneLanguageModel(folder: folder)), at: 0)
    return outcome
  }

  /// The trained encoder; a quick run makes one of its own.
  private func encoder(_ folder: String) throws -> SceneEncoder {
    guard run.isQuick else { return try SceneEncoder(folder: Host.folder("scene-encoder", run.lab)) }
    let place = folder + "-encoder"
    try Files.makeFolder(place)
    try Host.write(SceneEncoder.configuration, to: place)
    return try SceneEncoder.drawn(place, kinds: task.sprites.names.count, seed: run.seed)
  }

  private func start(_ network: LlavaModel, from encoder: SceneEncoder) throws {
    for parameter in encoder.model.store.parameters {
      try network.store["vision_tower." + parameter.path]?.assign(parameter.value)
    }
    let stream = RandomStream(seed: run.seed).named("scene vlm")
    let others = network.store.parameters.filter { !$0.path.hasPrefix("vision_tower.") }
    try SceneTask.drawEvenly(others.filter { !$0.path.contains("embed_tokens") }, stream)
    var own = stream.named("words")
    let words = network.language.embedding.weight
    try words.assign(own.normal(words.value.shape, deviation: 0.1))
    for block in network.language.blocks {
      try block.selfAttention.keys.weight.assign(block.selfAttention.queries.weight.value)
    }
  }

  // MARK: Lessons

  /// Scenes of a step with their questions. Three in four allow a question of sides, where one is found in a few tries.
  func lesson(_ step: Int, _ scenes: Scenes, batch: Int) -> [(scene: Scene, questions: [SceneQuestion])] {
    (0..<batch).map { place in
      let index = (step * batch + place) * 4
      let wanted = place % 4 == 0 ? 1 : 4
      var choice = index
      var scene = scenes[choice]
      while choice + 1 < index + wanted, examiner.pairs(scene).isEmpty {
        choice += 1
        scene = scenes[choice]
      }
      var stream = scenes.stream(choice, "questions")
      return (scene, examiner.lesson(scene, &stream))
    }
  }

  private func fit(_ model: SceneLanguageModel) throws -> Outcome {
    let (scenes, batch) = (task.lessons(run), run.isQuick ? 8 : 24)
    let network = model.model
    let aid = ParameterStore(seed: run.seed)
    let places = try Linear(
      network.language.width, 2, aid.root / "auxiliary" / "places", initialization: .xavierUniform)
    let parameters = network.store.parameters + aid.parameters
    let optimizer = AdamW(
      SceneTask.groups(parameters, slow: "vision_tower.", factor: 0.15, decay: plan.weightDecay),
      learningRate: plan.learningRate, betas: (plan.betas[0], plan.betas[1]))
    let alone = plan.steps / 5
    return try TrainingLoop(plan, parameters, run, optimizer: optimizer).train(
      evaluate: { Array(try figures(model).prefix(6)) },
      loss: { step, _ in
        let lesson = lesson(step, scenes, batch: batch)
        let labels = try SceneLabels(lesson.map(\.scene), kinds: task.sprites.names.count)
        let images = try SceneTask.normalised(lesson.map(\.scene))
        // At first the decoder learns to use what the encoder sees, which stays as it is.
        let features = try model.features(images, learning: step >= alone)
        return [
          LossPart("answers", try answers(model, features, lesson.map(\.questions))),
          LossPart("words", try words(network, features, labels) * 0.2),
          LossPart(
            "places",
            try ((places(features) - labels.places).abs().mean([2]) * labels.covered).sum()
              / labels.covered.sum().clamped(1)),
        ]
      })
  }

  /// How much an answer counts, by what was asked.
  private static let weights: [SceneQuestion.Topic: Double] = [
    .total: 1, .colour: 0.5, .count: 1, .exist: 0.7, .side: 2, .half: 2,
  ]

  private func answers(
    _ model: SceneLanguageModel, _ features: Tensor, _ questions: [[SceneQuestion]]
  ) throws -> Tensor {
    let sheet = SceneSheet(questions.map { $0.map { ($0.words, $0.answer) } }, vocabulary)
    let states = try model.states(features, sheet).flattened(0, 2)
    // The answer behind the mark, and the end behind the answer.
    let rows = try Tensor((sheet.marks + sheet.marks.map { $0 + 1 }).map(Int64.init))
    let targets = try Tensor(sheet.answers + sheet.answers.map { _ in 3 })
    let losses = try CrossEntropy(reduction: .none)(model.model.language.logits(states.rows(rows)), targets)
    let weights = questions.joined().map { Float(Self.weights[$0.topic] ?? 1) }
    let all = try Tensor(weights + weights)
    return try (losses * all).sum() / all.sum()
  }

  /// Patches speak the words' language: their projected states are pulled toward the embeddings of the words for what they show.
  private func words(_ network: LlavaModel, _ features: Tensor, _ labels: SceneLabels) throws -> Tensor {
    let ids = (Scenes.grounds.map(\.name) + task.sprites.names).map { Int64(vocabulary.id($0)) }
    let logits = try features.linear(network.language.embedding.weight.value.rows(Tensor(ids)))
    let grounds = Scenes.grounds.count
    let things = try labels.coverage.sliced(grounds..<labels.coverage.size(2), axis: 2).sum([2])
    return try -((things * 4 + 1) * (labels.coverage * logits.logSoftmax(2)).sum([2])).mean()
  }

  // MARK: The test

  /// Shares of right answers by topic, and those of a blind guesser.
  func figures(_ model: SceneLanguageModel) throws -> [Figure] {
    let exam = examiner.exam(task.test)
    // Rows are as long as the longest list; what is filled up is not counted.
    let most = exam.map(\.count).max() ?? 0
    let filled = exam.map { list in
      (0..<most).map { place in place < list.count ? (list[place].words, list[place].answer) : (["total"], "0") }
    }
    let guessed =
      try task.overTest { images, scenes in
        let sheet = SceneSheet(Array(filled[scenes.startIndex..<scenes.endIndex]), vocabulary)
        return [try model.logits(model.features(images), sheet).argmax(1)]
      }.first?.values(Int64.self) ?? []
    let blind = blindAnswers()
    var (right, lucky, asked) = ([String: Int](), [String: Int](), [String: Int]())
    for (number, list) in exam.enumerated() {
      for (place, question) in list.enumerated() {
        let answer = vocabulary.tokens[Int(guessed[number * most + place])]
        for topic in [question.topic.rawValue, ""] {
          asked[topic, default: 0] += 1
          if answer == question.answer { right[topic, default: 0] += 1 }
          if blind[question.words] == question.answer { lucky[topic, default: 0] += 1 }
        }
      }
    }
    func share(_ counts: [String: Int], _ topic: String) -> Double {
      Double(counts[topic] ?? 0) / Double(max(asked[topic] ?? 0, 1))
    }
    let topics = SceneQuestion.Topic.allCases.filter { $0 != .half }.map(\.rawValue)
    return [Figure("accuracy", share(right, ""))] + topics.map { Figure($0, share(right, $0)) }
      + [Figure("blind", share(lucky, ""))] + topics.map { Figure("blind: " + $0, share(lucky, $0)) }
  }

  /// The most frequent answer to each question, found on scenes of this run.
  private func blindAnswers() -> [[String]: String] {
    let scenes = Scenes(task.sprites, noise: 0, stream: RandomStream(seed: 2026).named("blind"))
    var counts: [[String]: [String: Int]] = [:]
    for index in 0..<(run.isQuick ? 100 : 3000) {
      var stream = scenes.stream(index, "test")
      for question in examiner.test(scenes[index], &stream) {
        counts[question.words, default: [:]][question.answer, default: 0] += 1
      }
    }
    return counts.mapValues { answers in
      answers.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
    }
  }
}
