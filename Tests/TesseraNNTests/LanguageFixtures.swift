import Foundation
import TesseraNN
import TesseraTensor
import Testing

/// The small random models of `Tests/Fixtures/models/language`.
enum LanguageFixtures {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures").path
  static let models = root + "/models/language"

  static func decoder(_ name: String) throws -> any DecoderModel {
    try #require(try ModelRegistry.load("\(models)/\(name)") as? any DecoderModel)
  }

  static func tensors(_ name: String, _ file: String) throws -> [String: Tensor] {
    try SafeTensors(path: "\(models)/\(name)/\(file).safetensors").tensors()
  }

  /// The folders in which greedy decoding is recorded.
  static let greedy: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: models)) ?? []).sorted()
    .filter { FileManager.default.fileExists(atPath: "\(models)/\($0)/greedy.safetensors") }

  /// One model of every kind whose frequencies do not depend on how much is read at once.
  static let kinds = ["gpt2-padded", "llama-grouped", "rope-yarn", "mistral-window", "qwen2-sliding", "qwen3"]

  /// A copy of a folder, with changes to its configuration.
  static func copy(_ name: String, _ changes: [String: JSONValue?] = [:]) throws -> String {
    let folder = FileManager.default.temporaryDirectory.path + "/tessera-language-\(UUID().uuidString)"
    try FileManager.default.copyItem(atPath: "\(models)/\(name)", toPath: folder)
    let file = URL(fileURLWithPath: folder + "/config.json")
    var values = try JSONDecoder().decode([String: JSONValue].self, from: Data(contentsOf: file))
    for (key, value) in changes { values[key] = value }
    try JSONEncoder().encode(values).write(to: file)
    return folder
  }

  static func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }
}

/// Ids of one row.
func tokenRow(_ numbers: [Int]) throws -> Tensor { try Tensor(numbers, [1, numbers.count]) }
