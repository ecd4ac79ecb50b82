import TesseraTensor

/// The published architectures, by the names that configurations use.
public enum ModelRegistry {
  /// Every model that a folder can be read as.
  public static var models: [any PublishedModel.Type] {
    [
      DiT.self, PixArt.self, StableDiffusion3.self, AutoencoderKL.self,
      BERTModel.self, T5Encoder.self, ViTModel.self, TimmModel.self,
      GPT2Model.self, LlamaModel.self,
      CLIPModel.self, CLIPTextModel.self, CLIPVisionModel.self, CLIPImageClassifier.self,
      DETRDetector.self, DETRModel.self, PatchDetector.self,
      LlavaModel.self,
    ]
  }

  /// Reads a folder as what its configuration says.
  /// - Throws: `CheckpointError.unknownArchitecture` with the name that was found.
  public static func load(_ path: String, _ options: LoadOptions = LoadOptions()) throws -> any PublishedModel {
    let folder = try ModelFolder(path)
    let names = try names(of: folder)
    for name in names {
      if let model = models.first(where: { $0.architectures.contains(name) }) {
        return try model.init(folder: folder, options: options)
      }
    }
    throw CheckpointError.unknownArchitecture(path + "/config.json", names.first ?? "none")
  }

  /// What a configuration calls its architecture, the most specific name first.
  static func names(of folder: ModelFolder) throws -> [String] {
    let values = try folder.values()
    var listed = values["architectures"]?.array?.compactMap(\.string) ?? []
    if values["_class_name"]?.string == "Transformer2DModel" {
      // What diffusers called several models before they had names of their own.
      let known = ["ada_norm_zero": "DiTTransformer2DModel", "ada_norm_single": "PixArtTransformer2DModel"]
      listed += [values["norm_type"]?.string.flatMap { known[$0] }].compactMap { $0 }
    }
    return listed + ["_class_name", "architecture", "model_type"].compactMap { values[$0]?.string }
  }
}
