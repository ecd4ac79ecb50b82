import Foundation
import TesseraNN
import TesseraTensor
import Testing

@testable import TesseraLab

@Suite("Scenes")
struct ScenesTests {
  let scenes: Scenes

  init() throws { scenes = Scenes(try .shapes(), stream: RandomStream(seed: 5)) }

  @Test("a scene is a function of stream and index")
  func same() throws {
    let again = Scenes(try .shapes(), stream: RandomStream(seed: 5))
    #expect(again[7].pixels == scenes[7].pixels)
    #expect(again[7].objects == scenes[7].objects)
    #expect(scenes[8].pixels != scenes[7].pixels)
  }

  @Test("one to five things of at most three kinds, 12 to 20 pixels long, inside, and not overlapping")
  func rules() {
    var numbers: Set<Int> = []
    for index in 0..<300 {
      let scene = scenes[index]
      numbers.insert(scene.objects.count)
      #expect((1...3).contains(scene.counts.count))
      for (place, thing) in scene.objects.enumerated() {
        #expect((12...20).contains(max(thing.width, thing.height)))
        #expect(thing.x >= 0 && thing.y >= 0 && thing.x + thing.width <= 64 && thing.y + thing.height <= 64)
        #expect(!scene.objects[(place + 1)...].contains(where: thing.overlaps))
      }
    }
    #expect(numbers == [1, 2, 3, 4, 5])
  }

  @Test("boxes are exact: they are the smallest ones around what a thing covers")
  func boxes() {
    for index in 0..<100 {
      let scene = scenes[index]
      for (number, thing) in scene.objects.enumerated() {
        let own = scene.owners.indices.filter { scene.owners[$0] == UInt8(number + 1) }
        let (columns, rows) = (own.map { $0 % 64 }, own.map { $0 / 64 })
        // What covers less than half of a pixel is in the box and not an owner: at most one pixel on each side.
        #expect((columns.min() ?? -9) - thing.x <= 1 && (columns.min() ?? -9) >= thing.x)
        #expect(thing.x + thing.width - 1 - (columns.max() ?? 99) <= 1)
        #expect((rows.min() ?? -9) - thing.y <= 1 && (rows.min() ?? -9) >= thing.y)
      }
    }
  }

  @Test("the noise has the deviation that was asked for")
  func noise() {
    var stream = RandomStream(seed: 1)
    let bytes = Canvas(ground: [0.5, 0.5, 0.5]).noisy(0.04, &stream).map { Double($0) / 255 }
    let mean = bytes.reduce(0, +) / Double(bytes.count)
    let variance = bytes.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(bytes.count)
    #expect(abs(mean - 0.5) < 0.002)
    #expect(abs(variance.squareRoot() - 0.04) < 0.001)
  }

  @Test("a sprite keeps its mean colour when it is scaled, and loses its transparent margin")
  func sprite() throws {
    var rgba = [UInt8](repeating: 0, count: 20 * 20 * 4)
    for row in 5..<15 {
      for column in 2..<18 {
        rgba.replaceSubrange((row * 20 + column) * 4..<(row * 20 + column) * 4 + 4, with: [255, 51, 0, 255])
      }
    }
    let sprite = try Sprite("block", rgba: rgba, width: 20, height: 20, side: 8)
    #expect(sprite.width == 8 && sprite.height == 5)
    for place in stride(from: 0, to: sprite.pixels.count, by: 4) {
      #expect(abs(sprite.pixels[place] - 1) < 1e-5 && abs(sprite.pixels[place + 1] - 0.2) < 1e-5)
      #expect(abs(sprite.pixels[place + 3] - 1) < 1e-5)
    }
    #expect(throws: LabError.self) { try Sprite("short", rgba: [1, 2], width: 20, height: 20, side: 8) }
    #expect(throws: LabError.self) { try Sprite("empty", rgba: rgba.map { _ in 0 }, width: 20, height: 20, side: 8) }
  }

  @Test("questions are answered right, yes as often as no, and sides only where they are clear")
  func questions() {
    let names = scenes.sprites.names
    let examiner = SceneExaminer(names: names)
    for index in 0..<200 {
      let scene = scenes[index]
      var stream = RandomStream(seed: UInt64(index))
      let questions = examiner.test(scene, &stream)
      #expect(questions.filter { $0.topic == .exist }.map(\.answer).sorted() == ["no", "yes"])
      let lesson = examiner.lesson(scene, &stream)
      #expect(lesson.count == 7)
      for question in questions + lesson { #expect(Self.isRight(question, scene, names)) }
    }
  }

  static func isRight(_ question: SceneQuestion, _ scene: Scene, _ names: [String]) -> Bool {
    func things(_ word: Int) -> [SceneObject] { scene.objects.filter { names[$0.kind] == question.words[word] } }
    switch question.topic {
    case .total: return question.answer == "\(scene.objects.count)"
    case .colour: return question.answer == Scenes.grounds[scene.ground].name
    case .count: return question.answer == "\(things(2).count)" && !things(2).isEmpty
    case .exist: return (question.answer == "yes") == !things(2).isEmpty
    case .half: return things(2).count == 1 && (question.answer == "left") == (things(2)[0].center.x < 32)
    case .side:
      guard things(2).count == 1, things(4).count == 1 else { return false }
      let (a, b) = (things(2)[0].center.x, things(4)[0].center.x)
      return abs(a - b) > 6 && (question.answer == "left") == (a < b)
    }
  }

  @Test("forty-five words and four signs, each once")
  func vocabulary() {
    let vocabulary = SceneVocabulary(kinds: SpriteSet.emojiKinds.map(\.name))
    #expect(vocabulary.tokens.count == 49)
    #expect(Set(vocabulary.tokens).count == 49)
    #expect(vocabulary.id("left") == vocabulary.tokens.firstIndex(of: "left"))
    #expect(vocabulary.id("zebra") == 0)
  }

  @Test("labels add up, and middles and boxes stand where the things are", .enabled(if: Torch.available))
  func labels() throws {
    let some = (0..<20).map { scenes[$0] }
    let labels = try SceneLabels(some, kinds: scenes.sprites.names.count)
    let sums = try labels.coverage.sum([2]).values(Float.self)
    #expect(sums.allSatisfy { abs($0 - 1) < 1e-5 })
    #expect(try labels.centers.sum().item() == Double(some.reduce(0) { $0 + $1.objects.count }))
    let boxes = try labels.boxes.values(Float.self)
    let covered = try labels.covered.values(Float.self)
    for (number, scene) in some.enumerated() {
      for thing in scene.objects {
        let (x, y) = thing.center
        let patch = number * 64 + Int(y) / 8 * 8 + Int(x) / 8
        guard covered[patch] == 1 else { continue }
        let found = Array(boxes[patch * 4..<patch * 4 + 4])
        #expect(
          scene.objects.contains {
            [Float($0.center.x), Float($0.center.y), Float($0.width), Float($0.height)] == found
          })
      }
    }
  }

  @Test("a scene takes less than five milliseconds even in a debug build")
  func speed() {
    let start = ContinuousClock.now
    for index in 0..<50 { _ = scenes[index] }
    #expect(ContinuousClock.now - start < .seconds(2))
  }
}

@Suite("Moving scenes and figures")
struct MovingScenesTests {
  @Test("what a flow says is where things are in the next frame; the ground moves, too")
  func flow() throws {
    let films = MovingScenes(try .shapes(), noise: 0, stream: RandomStream(seed: 3))
    for index in 0..<6 {
      let film = films[index]
      #expect(film.pixels.count == 16 * 3 * 64 * 64)
      for frame in [0, 7, 14] {
        let flow = film.flow(from: frame)
        var (same, compared) = (0, 0)
        for row in 0..<64 {
          for column in 0..<64 {
            let place = row * 64 + column
            let (x, y) = (column + Int(flow[place]), row + Int(flow[4096 + place]))
            guard (0..<64).contains(x), (0..<64).contains(y) else { continue }
            let (now, next) = (frame * 4096 + place, (frame + 1) * 4096 + y * 64 + x)
            // Something else may lie in front there.
            guard film.owners[now] == film.owners[next] else { continue }
            compared += 1
            let (a, b) = (frame * 3 * 4096 + place, (frame + 1) * 3 * 4096 + y * 64 + x)
            if abs(Int(film.pixels[a]) - Int(film.pixels[b])) <= 1 { same += 1 }
          }
        }
        // Pixels at the rim of a sprite mix with a ground that moves otherwise.
        #expect(compared > 2500 && Double(same) > 0.93 * Double(compared))
      }
    }
  }

  @Test("things stay inside and keep their steps until they bounce")
  func bounce() throws {
    let films = MovingScenes(try .shapes(), stream: RandomStream(seed: 4))
    for index in 0..<10 {
      for frame in films[index].things {
        for thing in frame {
          #expect(thing.x >= 0 && thing.y >= 0 && thing.x + thing.width <= 64 && thing.y + thing.height <= 64)
        }
      }
    }
  }

  @Test("a figure walks in a circle of poses, eleven joints with bones of fixed length")
  func figure() {
    let figures = StickFigures(stream: RandomStream(seed: 1))
    for index in 0..<10 {
      let figure = figures[index]
      #expect(figure.limbs != figure.shirt)
      func length(_ a: StickFigure.Point, _ b: StickFigure.Point) -> Double {
        ((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y)).squareRoot()
      }
      let first = figure.pose(at: 0)
      #expect(first.count == StickFigure.joints.count)
      for phase in [0.1, 0.35, 0.6, 0.95] {
        let pose = figure.pose(at: phase)
        for (a, b) in [(0, 1), (1, 2), (1, 3), (3, 4), (2, 7), (7, 8), (2, 9), (9, 10)] {
          #expect(abs(length(pose[a], pose[b]) - length(first[a], first[b])) < 1e-9)
        }
        let again = figure.pose(at: phase + 1)
        for (a, b) in zip(pose, again) { #expect(length(a, b) < 1e-9) }
        let pixels = figure.draw(pose)
        #expect(pixels.count == 3 * 64 * 64)
        #expect(Set(pixels).count > 5)
      }
      #expect(figures[index] == figure)
    }
  }
}

@Suite("Hosts on scenes", .enabled(if: Torch.available))
struct SceneHostTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func train(_ name: String, _ train: (Run, String) throws -> Outcome) throws -> (Outcome, String) {
    let run = Run(lab: Lab(cache: folder.path), name: name, seed: 1, setting: .quick)
    let model = folder.path + "/model"
    try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
    return (try train(run, model), model)
  }

  /// The mean of the last fifth of a part of the loss lies below a share of that of the first fifth.
  private func fell(_ outcome: Outcome, _ part: String, to share: Double) throws {
    let values = try #require(outcome.curves.first { $0.name == part }).points.map { $0[1] }
    let fifth = values.count / 5
    let (first, last) = (values.prefix(fifth).reduce(0, +), values.suffix(fifth).reduce(0, +))
    #expect(last < share * first, "\(part): \(first / Double(fifth)) -> \(last / Double(fifth))")
  }

  @Test("the encoder's loss falls, and its folder is a model in CLIP's form")
  func encoder() throws {
    let (outcome, model) = try train("scene-encoder") { try SceneEncoderTraining($0).train($1) }
    try fell(outcome, "kinds", to: 0.75)
    #expect(outcome["most frequent kind"] ?? 1 < 0.5)
    let read = try ModelRegistry.load(model)
    let outputs = try read.forward(NamedTensors(["pixel_values": .zeros([1, 3, 64, 64])]), ForwardOptions())
    #expect(outputs["last_hidden_state"]?.shape == [1, 65, 128])
  }

  @Test("the detector's loss falls, and its folder is read back")
  func detector() throws {
    let (outcome, model) = try train("scene-detector") { try SceneDetectorTraining($0).train($1) }
    try fell(outcome, "kinds", to: 0.95)
    #expect(outcome["AP50"] != nil)
    let read = try ModelRegistry.load(model)
    let outputs = try read.forward(NamedTensors(["pixel_values": .zeros([1, 3, 64, 64])]), ForwardOptions())
    #expect(outputs["pred_boxes"]?.shape == [1, 16, 4])
  }

  @Test("the vision-language model's loss falls, and questions in one row are answered like questions alone")
  func language() throws {
    let (outcome, folder) = try train("scene-vlm") { try SceneLanguageTraining($0).train($1) }
    try fell(outcome, "answers", to: 0.75)
    #expect(outcome["blind"] ?? 0 > 0.2)
    let model = try SceneLanguageModel(folder: folder)
    let scenes = Scenes(try .shapes(), stream: RandomStream(seed: 9))
    let questions = [["total"], ["ground", "colour"], ["is", "there", "teal-disc"]]
    let features = try model.features(SceneTask.normalised([scenes[0]]))
    let sheet = SceneSheet([questions.map { ($0, "yes") }], model.vocabulary)
    let together = try model.logits(features, sheet)
    for (number, words) in questions.enumerated() {
      // The published form: a row of image tokens and words.
      let ids = [Int64](repeating: 1, count: 64) + (words + ["?"]).map { Int64(model.vocabulary.id($0)) }
      let inputs = NamedTensors([
        "input_ids": try Tensor(ids, [1, ids.count]), "pixel_values": try SceneTask.normalised([scenes[0]]),
      ])
      let alone = try #require(try model.model.forward(inputs, ForwardOptions())["logits"])
      let difference = try alone.selected(ids.count - 1, axis: 1).squeezed(0).largestDifference(
        to: together.selected(number, axis: 0))
      #expect(difference < 1e-4)
    }
    let answers = try model.answers([["total"], ["total"]], about: [scenes[0], scenes[1]])
    #expect(answers.count == 2)
  }
}
