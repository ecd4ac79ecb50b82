import Foundation
import TesseraNN
import TesseraTensor
import TesseraText

/// A vision-language model that answers questions about scenes with one word: LLaVA's form around the encoder of scenes.
///
///     let model = try SceneLanguageModel(folder: Host.folder("scene-vlm", lab))
///     let words = try model.answers([["is", "there", "cat"]], about: [scene])      // ["yes"]
///
/// A prompt is one `<image>` for each patch, the words, and `?`; the answer is the next token, and `</s>` ends it.
public final class SceneLanguageModel {
  /// The patches of a picture.
  static let patches = SceneLabels.grid * SceneLabels.grid

  /// The network.
  public let model: LlavaModel
  /// The numbers of the words.
  public let vocabulary: SceneVocabulary

  /// Reads a folder that training made.
  /// - Throws: `CheckpointError`; `TokenizerError`
  public convenience init(folder: String) throws {
    let model = try LlavaModel(folder: ModelFolder(folder), options: LoadOptions())
    let kinds = try Files.decode([String].self, Files.read(folder + "/kinds.json"), folder + "/kinds.json")
    self.init(model, SceneVocabulary(kinds: kinds))
  }

  init(_ model: LlavaModel, _ vocabulary: SceneVocabulary) { (self.model, self.vocabulary) = (model, vocabulary) }

  /// Answers a question about each scene.
  public func answers(_ questions: [[String]], about scenes: [Scene]) throws -> [String] {
    let sheet = SceneSheet(questions.map { [($0, "")] }, vocabulary)
    return try noGrad {
      let pictures = try features(SceneTask.normalised(scenes))
      return try logits(pictures, sheet).argmax(1).values(Int64.self).map { vocabulary.tokens[Int($0)] }
    }
  }

  /// What the decoder sees of pictures.
  /// - Parameter learning: false: no gradients for the encoder
  func features(_ images: Tensor, learning: Bool = true) throws -> Tensor {
    let layers = [model.configuration.vision.layers]
    let see = { try self.model.vision.states(images, layers: layers)[0] }
    let states = try learning ? see() : noGrad(see)
    return try model.projected(states.sliced(1..<states.size(1), axis: 1))
  }

  /// The states behind the decoder at all tokens of the questions, `[scenes, questions, tokens, width]`.
  ///
  /// All questions about a picture stand in one row behind it. Each starts at the same position and sees the picture and itself alone, so
  /// that the result is that of a row for each, at a fraction of the work.
  func states(_ features: Tensor, _ sheet: SceneSheet) throws -> Tensor {
    let (scenes, questions, tokens) = (features.size(0), sheet.questions, SceneSheet.length)
    let text = try model.language.embedding(Tensor(sheet.tokens, [scenes, questions * tokens]))
    let input = TextInput(
      embeddings: try .concatenated([features, text], axis: 1), positions: try sheet.positions(features.size(1)),
      mask: TextMask(explicit: try sheet.mask(features.size(1))))
    let hidden = try model.language.hidden(input)
    return try hidden.sliced(features.size(1)..<hidden.size(1), axis: 1)
      .reshaped([scenes, questions, tokens, hidden.size(2)])
  }

  /// Logits of the answers, `[scenes · questions, vocabulary]`.
  func logits(_ features: Tensor, _ sheet: SceneSheet) throws -> Tensor {
    let states = try states(features, sheet).flattened(0, 2)
    return try model.language.logits(states.rows(Tensor(sheet.marks.map(Int64.init))))
  }

  /// The configuration around the encoder's.
  static func configuration(vocabulary: Int) -> JSON {
    [
      "architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "image_token_index": 1,
      "image_seq_length": .integer(Int64(patches)), "vision_feature_layer": -1,
      "vision_feature_select_strategy": "default", "projector_hidden_act": "gelu", "tie_word_embeddings": true,
      "vision_config": SceneEncoder.configuration,
      "text_config": [
        "model_type": "llama", "vocab_size": .integer(Int64(vocabulary)), "hidden_size": 128,
        "intermediate_size": 320, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
        "hidden_act": "silu", "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "tie_word_embeddings": true,
        "bos_token_id": .null, "pad_token_id": 0, "eos_token_id": 3,
      ],
    ]
  }

  /// A word level tokenizer in Hugging Face's form, and the names of the kinds.
  func writeTokenizer(to folder: String, kinds: [String]) throws {
    var numbers = JSONObject()
    for (id, token) in vocabulary.tokens.enumerated() { numbers[token] = .integer(Int64(id)) }
    let special = SceneVocabulary.special.enumerated().map { id, token -> JSON in
      [
        "id": .integer(Int64(id)), "content": .string(token), "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true,
      ]
    }
    let tokenizer: JSON = [
      "version": "1.0", "truncation": .null, "padding": .null, "added_tokens": .array(special), "normalizer": .null,
      "pre_tokenizer": ["type": "WhitespaceSplit"], "post_processor": .null, "decoder": .null,
      "model": ["type": "WordLevel", "vocab": .object(numbers), "unk_token": "<pad>"],
    ]
    try Files.write(Data((tokenizer.text(.pretty) + "\n").utf8), to: folder + "/tokenizer.json")
    try Files.writeJSON(kinds, to: folder + "/kinds.json")
  }
}

/// Questions about some pictures, equally many about each, as numbers.
struct SceneSheet {
  /// Tokens of a question, its mark, its answer, and filling.
  static let length = 7

  /// Of each picture.
  let questions: Int
  /// All tokens, `[pictures, questions, length]`.
  let tokens: [Int64]
  /// Where the question marks stand among all tokens: there the answers are foretold, and one further the end.
  let marks: [Int]
  /// The numbers of the right answers.
  let answers: [Int64]

  /// - Parameter questions: words and answer, for each picture
  init(_ questions: [[(words: [String], answer: String)]], _ vocabulary: SceneVocabulary) {
    self.questions = questions.first?.count ?? 0
    var (tokens, marks, answers) = ([Int64](), [Int](), [Int64]())
    for question in questions.joined() {
      let answer = Int64(vocabulary.id(question.answer))
      marks.append(tokens.count + min(question.words.count, Self.length - 2))
      let words = question.words.prefix(Self.length - 2).map { Int64(vocabulary.id($0)) } + [2, answer]
      tokens += words + [Int64](repeating: 0, count: Self.length - words.count)
      answers.append(answer)
    }
    (self.tokens, self.marks, self.answers) = (tokens, marks, answers)
  }

  /// Positions of a picture's tokens and all questions behind it, `[1, tokens]`.
  func positions(_ picture: Int) throws -> Tensor {
    let text = (0..<questions).flatMap { _ in (0..<Self.length).map { Int64(picture + $0) } }
    return try Tensor((0..<picture).map(Int64.init) + text, [1, picture + text.count])
  }

  /// True where a token may look, `[1, 1, tokens, tokens]`.
  func mask(_ picture: Int) throws -> Tensor {
    let count = picture + questions * Self.length
    // 0 for the picture, then the questions' numbers from 1.
    let owners = (0..<count).map { $0 < picture ? 0 : 1 + ($0 - picture) / Self.length }
    var allowed = [Bool](repeating: false, count: count * count)
    for row in 0..<count {
      for column in 0...row where owners[column] == 0 || owners[column] == owners[row] {
        allowed[row * count + column] = true
      }
    }
    return try Tensor(allowed, [1, 1, count, count])
  }
}
