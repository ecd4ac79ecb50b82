import TesseraTensor

/// The published architectures, by the names that configurations use.
public enum ModelRegistry {
  /// Every model that a folder can be read as.
  public static var models: [any PublishedModel.Type] {
    []
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
    let listed = values["architectures"]?.array?.compactMap(\.string) ?? []
    return listed + ["_class_name", "architecture", "model_type"].compactMap { values[$0]?.string }
  }
}
