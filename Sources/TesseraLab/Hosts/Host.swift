import Foundation
import TesseraTensor
import TesseraText

/// A small network that is trained here, for proofs to stand on: what a published checkpoint would be elsewhere.
///
/// Its folder under `Models` has the published form (`config.json`, `model.safetensors` in half precision) and the record of the run that
/// made it. The record holds all declared seeds; the weights are those of the first.
public struct Host: Sendable {
  /// What it is, in a sentence.
  public let summary: String
  /// What its training claims to reach: its row of figures.
  public let declaration: Declaration
  /// Trains, writes the folder, reads it back, and measures what was read.
  let train: @Sendable (Run, _ folder: String) throws -> Outcome

  /// What it is called: the name of its folder.
  public var name: String { declaration.name }

  /// Makes it from its parts.
  /// - Parameter train: writes config.json, model.safetensors, and what else belongs to the model into the folder, and gives figures of
  ///   the model that was read back from there
  public init(
    summary: String, _ declaration: Declaration,
    train: @escaping @Sendable (_ run: Run, _ folder: String) throws -> Outcome
  ) {
    (self.summary, self.declaration, self.train) = (summary, declaration, train)
  }

  /// Trains every declared seed and puts the first seed's folder, with the record, in its place.
  /// - Parameter output: the folder that becomes the host; nothing is changed there before all is done
  public func train(_ lab: Lab, _ setting: Setting, output: String) throws -> Record {
    let record = try Experiment(kind: .host, declaration: declaration, setting: setting, lab: lab).record { run in
      let folder = run.folder + "/model"
      try Files.makeFolder(folder)
      let outcome = try train(run, folder)
      if run.seed == declaration.seeds.first { try keep(folder, lab, setting) }
      return outcome
    }
    guard record.skipped == nil else { return record }
    let made = kept(lab, setting)
    try Files.writeJSON(record, to: made + "/record.json")
    try replace(output, by: made)
    return record
  }

  /// Runs of single seeds lose their folders when all are complete; the first one's model is kept beside them until then.
  private func kept(_ lab: Lab, _ setting: Setting) -> String { "\(lab.cache)/runs/\(name)-\(setting.rawValue)-model" }

  private func keep(_ folder: String, _ lab: Lab, _ setting: Setting) throws {
    let place = kept(lab, setting)
    try? FileManager.default.removeItem(atPath: place)
    do { try FileManager.default.copyItem(atPath: folder, toPath: place) } catch {
      throw LabError.unreadable(place, "the model cannot be kept: \(error.localizedDescription)")
    }
  }

  private func replace(_ output: String, by made: String) throws {
    let manager = FileManager.default
    let part = Files.part(of: output)
    do {
      try Files.makeFolder((output as NSString).deletingLastPathComponent)
      try? manager.removeItem(atPath: part)
      try manager.copyItem(atPath: made, toPath: part)
      try? manager.removeItem(atPath: output)
      try manager.moveItem(atPath: part, toPath: output)
      try manager.removeItem(atPath: made)
    } catch let error as LabError {
      throw error
    } catch {
      try? manager.removeItem(atPath: part)
      throw LabError.unreadable(output, "the host cannot be put in its place: \(error.localizedDescription)")
    }
  }

  /// The folder of a host.
  /// - Throws: `LabError.unreadable` if it was not trained yet.
  public static func folder(_ name: String, _ lab: Lab) throws -> String {
    let path = "\(lab.models)/\(name)"
    guard FileManager.default.fileExists(atPath: path + "/config.json") else {
      throw LabError.unreadable(path, "the host is not there; train it with: tessera lab train \(name)")
    }
    return path
  }

  /// Writes a JSON file of a model: `config.json`, or another by its name.
  public static func write(_ settings: JSON, as name: String = "config.json", to folder: String) throws {
    try Files.write(Data((settings.text(.pretty) + "\n").utf8), to: "\(folder)/\(name)")
  }

  /// Writes parameters as a checkpoint in half precision.
  public static func write(_ tensors: [String: Tensor], to folder: String) throws {
    let half = try tensors.mapValues { try $0.dataType.isFloatingPoint ? $0.detached().to(.float16) : $0.detached() }
    try SafeTensors.write(half, metadata: ["format": "pt"], to: folder + "/model.safetensors")
  }

  /// Every host there is, in the order in which they are trained.
  public static let all: [Host] = [
    .shapes,
    .glyph62,
    .glyph62LongTail,
    .glyphDiT,
    .sceneEncoder,
    .sceneLanguageModel,
    .sceneDetector,
    .byteLanguageModel,
    .tokenLanguageModel,
    .germanLanguageModel,
  ]

  /// The host of a name.
  /// - Throws: `LabError.unknown`
  public static func named(_ name: String) throws -> Host {
    guard let host = all.first(where: { $0.name == name }) else {
      throw LabError.unknown("host", name, all.map(\.name))
    }
    return host
  }
}
