import TesseraTensor

/// What is asked about a scene; the answer is one word.
public struct SceneQuestion: Codable, Hashable, Sendable {
  /// What kind of question it is.
  public enum Topic: String, Codable, Sendable, CaseIterable {
    /// How many things there are.
    case total
    /// The colour of the ground.
    case colour
    /// How many of a kind there are.
    case count
    /// Whether there is a kind.
    case exist
    /// Whether one thing stands left or right of another.
    case side
    /// In which half a thing stands: asked in training alone, as a step toward `side`.
    case half
  }

  /// What kind of question it is.
  public let topic: Topic
  /// The question, word by word.
  public let words: [String]
  /// The one word that is right.
  public let answer: String
}

/// The words of questions and answers about scenes, and their numbers.
public struct SceneVocabulary: Sendable {
  /// What stands in front of the words: filling, the place of a patch, the end of a question, the end of an answer.
  public static let special = ["<pad>", "<image>", "?", "</s>"]
  /// What every question and answer is made of, beside the kinds.
  static let words =
    Scenes.grounds.map(\.name) + (0...5).map(String.init) + [
      "how", "many", "ground", "colour", "is", "there", "where", "than", "total", "yes", "no", "left", "right",
    ]

  /// All tokens, in the order of their numbers.
  public let tokens: [String]
  private let numbers: [String: Int]

  /// - Parameter kinds: names of the sprites, a word each and none of the others
  public init(kinds: [String]) {
    tokens = Self.special + kinds + Self.words
    numbers = Dictionary(tokens.enumerated().map { ($1, $0) }) { first, _ in first }
  }

  /// The number of a word; the filling for words that there are not.
  public func id(_ word: String) -> Int { numbers[word] ?? 0 }
}

/// Asks about scenes.
struct SceneExaminer {
  let names: [String]

  /// The questions of a test: of every topic at least one where the scene allows it, yes as often as no.
  func test(_ scene: Scene, _ stream: inout RandomStream) -> [SceneQuestion] {
    var questions = [total(scene), colour(scene), count(scene, &stream)]
    questions += [exist(scene, true, &stream), exist(scene, false, &stream)]
    for pair in pairs(scene).shuffled(using: &stream).prefix(2) {
      questions.append(Bool.random(using: &stream) ? side(pair.0, pair.1) : side(pair.1, pair.0))
    }
    return questions
  }

  /// Questions about every scene of a test; the same whenever they are asked for.
  func exam(_ test: [Scene]) -> [[SceneQuestion]] {
    let questions = RandomStream(seed: 2026).named("questions of the test")
    return test.enumerated().map { index, scene in
      var own = questions.named("\(index)")
      return self.test(scene, &own)
    }
  }

  /// Seven questions to learn from; "side" is asked both ways round.
  func lesson(_ scene: Scene, _ stream: inout RandomStream) -> [SceneQuestion] {
    let yes = Bool.random(using: &stream)
    var questions = [total(scene), colour(scene), count(scene, &stream), exist(scene, yes, &stream)]
    if let thing = single(scene).filter({ abs($0.center.x - 32) > 3 }).randomElement(using: &stream) {
      questions.append(half(thing))
    } else {
      questions.append(count(scene, &stream))
    }
    if let (a, b) = pairs(scene).randomElement(using: &stream) {
      questions += [side(a, b), side(b, a)]
    } else {
      questions += [exist(scene, !yes, &stream), count(scene, &stream)]
    }
    return questions
  }

  private func total(_ scene: Scene) -> SceneQuestion {
    SceneQuestion(topic: .total, words: ["total"], answer: String(scene.objects.count))
  }

  private func colour(_ scene: Scene) -> SceneQuestion {
    SceneQuestion(topic: .colour, words: ["ground", "colour"], answer: Scenes.grounds[scene.ground].name)
  }

  private func count(_ scene: Scene, _ stream: inout RandomStream) -> SceneQuestion {
    let counts = scene.counts
    let kind = counts.keys.sorted().randomElement(using: &stream) ?? 0
    return SceneQuestion(topic: .count, words: ["how", "many", names[kind]], answer: String(counts[kind] ?? 0))
  }

  private func exist(_ scene: Scene, _ isThere: Bool, _ stream: inout RandomStream) -> SceneQuestion {
    let present = scene.counts
    let kinds = names.indices.filter { (present[$0] != nil) == isThere }
    let kind = kinds.randomElement(using: &stream) ?? 0
    return SceneQuestion(topic: .exist, words: ["is", "there", names[kind]], answer: isThere ? "yes" : "no")
  }

  private func half(_ thing: SceneObject) -> SceneQuestion {
    SceneQuestion(
      topic: .half, words: ["where", "is", names[thing.kind]], answer: thing.center.x < 32 ? "left" : "right")
  }

  private func side(_ a: SceneObject, _ b: SceneObject) -> SceneQuestion {
    SceneQuestion(
      topic: .side, words: ["where", "is", names[a.kind], "than", names[b.kind]],
      answer: a.center.x < b.center.x ? "left" : "right")
  }

  /// Things whose kind occurs once.
  private func single(_ scene: Scene) -> [SceneObject] {
    let counts = scene.counts
    return scene.objects.filter { counts[$0.kind] == 1 }
  }

  /// Pairs of such things whose middles lie more than six pixels apart from left to right.
  func pairs(_ scene: Scene) -> [(SceneObject, SceneObject)] {
    let things = single(scene)
    return things.indices.flatMap { first in
      things[(first + 1)...].filter { abs($0.center.x - things[first].center.x) > 6 }.map { (things[first], $0) }
    }
  }
}
