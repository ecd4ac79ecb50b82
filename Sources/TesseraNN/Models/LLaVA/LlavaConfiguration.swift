import TesseraTensor

/// The shape of LLaVA 1.5; the keys are those of `config.json`, the defaults those of the reference.
public struct LlavaConfiguration: Decodable, Sendable {
  /// Which of the image encoder's tokens the text sees.
  public enum Selection: String, Codable, Sendable, CaseIterable {
    /// The patches.
    case patches = "default"
    /// The patches and the class token.
    case full
  }

  /// The image encoder.
  public var vision = CLIPVisionConfiguration.large336
  /// The decoder.
  public var text = LlamaConfiguration()
  /// The token in whose place the features of images are put, one for each feature.
  public var imageToken = 32000
  /// The states of the image encoder that are joined: 0 is its input; negative numbers count from the last.
  public var featureLayers = [-2]
  /// Which tokens of them are taken.
  public var selection = Selection.patches
  /// What stands between the projector's two layers.
  public var projectorActivation = Activation.gelu
  /// True: the projector's layers have a bias.
  public var projectorBias = true

  enum CodingKeys: String, CodingKey {
    case vision = "vision_config"
    case text = "text_config"
    case imageToken = "image_token_index"
    case newImageToken = "image_token_id"
    case featureLayers = "vision_feature_layer"
    case selection = "vision_feature_select_strategy"
    case projectorActivation = "projector_hidden_act"
    case projectorBias = "multimodal_projector_bias"
    case tiesEmbeddings = "tie_word_embeddings"
  }

  private struct ModelType: Decodable {
    let name: String?
    enum CodingKeys: String, CodingKey { case name = "model_type" }
  }

  /// The reference's defaults.
  public init() {}

  /// - Throws: `ConfigurationError` naming the key whose value cannot be used.
  public init(from decoder: any Decoder) throws {
    let settings = try decoder.container(keyedBy: CodingKeys.self)
    if let encoder = try settings.decodeIfPresent(ModelType.self, forKey: .vision)?.name {
      guard encoder == "clip_vision_model" else {
        throw ConfigurationError("vision_config", "the image encoder '\(encoder)' is not known, only 'clip_vision_model'")
      }
    }
    vision = try settings.setting(.vision, default: vision)
    text = try settings.setting(.text, default: text)
    if try settings.setting(.tiesEmbeddings, default: false) { text.tiesEmbeddings = true }
    imageToken = try settings.setting(.imageToken, default: settings.setting(.newImageToken, default: imageToken))
    if let list = try? settings.decode([Int].self, forKey: .featureLayers) {
      featureLayers = list
    } else if let layer = try settings.decodeIfPresent(Int.self, forKey: .featureLayers) {
      featureLayers = [layer]
    }
    selection = try settings.setting(.selection, default: selection)
    projectorActivation = try settings.setting(.projectorActivation, default: projectorActivation)
    projectorBias = try settings.setting(.projectorBias, default: projectorBias)
    _ = try layers(featureLayers)
    guard featureLayers.count <= 1024 else {
      throw ConfigurationError("vision_feature_layer", "\(featureLayers.count) layers are too many")
    }
  }

  /// Layers counted from 0.
  /// - Throws: `ConfigurationError` if there is no such layer.
  func layers(_ listed: [Int]) throws -> [Int] {
    let count = vision.layers + 1
    guard !listed.isEmpty, listed.allSatisfy({ (-count..<count).contains($0) }) else {
      throw ConfigurationError("vision_feature_layer", "\(listed): the image encoder's states are \(-count)..<\(count)")
    }
    return listed.map { $0 < 0 ? $0 + count : $0 }
  }
}
