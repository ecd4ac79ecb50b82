import Foundation
import TesseraNN
import TesseraTensor
import Testing

/// Folders that lie: every key of every fixture's configuration with values it was not made for, and tensors that are missing, of another
/// shape, or cut. `TESSERA_HOSTILE=n` tries n changes for each folder instead of a few.
@Suite("Hostile model folders", .enabled(if: Torch.available))
struct HostileModelTests {
  static let values: [JSONValue] = [
    .null, .bool(true), .bool(false), .integer(0), .integer(1), .integer(-1), .integer(3), .integer(7),
    .integer(1 << 20),
    .integer(Int.max), .integer(Int.min), .number(0.5), .number(-1e30), .number(1e300), .string(""), .string("x"),
    .array([]),
    .array([.integer(0)]), .array([.integer(-5), .integer(1 << 40)]), .array([.string("x")]), .object([:]),
    .object(["rope_type": .string("yarn"), "factor": .integer(0)]), .object(["type": .string("nonsense")]),
  ]

  static let changes = ProcessInfo.processInfo.environment["TESSERA_HOSTILE"].flatMap(Int.init) ?? 6

  @Test("are run or refused with a typed error, whatever their configuration says", arguments: ParityCase.all)
  func configurations(_ parity: ParityCase) throws {
    let inputs = try SafeTensors(path: parity.folder + "/inputs.safetensors").tensors()
    let text = try Data(contentsOf: URL(fileURLWithPath: parity.folder + "/config.json"))
    let original = try JSONDecoder().decode([String: JSONValue].self, from: text)
    var stream = RandomStream(seed: 17).named(parity.testDescription)
    let folder = try copy(of: parity)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for _ in 0..<Self.changes {
      let changed = Self.changed(original, &stream)
      try JSONEncoder().encode(changed).write(to: URL(fileURLWithPath: folder + "/config.json"))
      try expectAnswer("\(parity): \(difference(original, changed))") { try run(folder, inputs) }
    }
  }

  @Test("are refused with the key when a tensor is missing or has another shape", arguments: ParityCase.all)
  func tensors(_ parity: ParityCase) throws {
    guard
      let name = ["model", "diffusion_pytorch_model"].first(where: {
        FileManager.default.fileExists(atPath: "\(parity.folder)/\($0).safetensors")
      })
    else { return }
    let file = try SafeTensors(path: "\(parity.folder)/\(name).safetensors")
    let inputs = try SafeTensors(path: parity.folder + "/inputs.safetensors").tensors()
    let folder = try copy(of: parity)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var stream = RandomStream(seed: 18).named(parity.testDescription)
    for _ in 0..<max(2, Self.changes / 3) {
      guard let key = file.keys.randomElement(using: &stream), let shape = file.entries[key]?.shape else { continue }
      var tensors = try file.tensors()
      tensors[key] = stream.next() % 2 == 0 ? nil : try .zeros(shape + [2])
      let path = "\(folder)/\(name).safetensors"
      try FileManager.default.removeItem(atPath: path)
      try SafeTensors.write(tensors, to: path)
      try expectAnswer("\(parity): \(key)") { try run(folder, inputs) }
    }
  }

  private func run(_ folder: String, _ inputs: [String: Tensor]) throws {
    let model = try ModelRegistry.load(folder)
    _ = try noGrad { try model.forward(NamedTensors(inputs), ForwardOptions()) }
  }

  /// Success, or an error of the two kinds that say what is wrong.
  private func expectAnswer(_ what: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch is CheckpointError {
    } catch is TensorError {
    } catch {
      Issue.record("\(what): an error of another kind: \(error)")
    }
  }

  private func copy(of parity: ParityCase) throws -> String {
    let folder = NSTemporaryDirectory() + "tessera-hostile-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for file in try FileManager.default.contentsOfDirectory(atPath: parity.folder)
    where file.contains("model") && file.contains("safetensors") {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/\(file)", withDestinationPath: "\(parity.folder)/\(file)")
    }
    return folder
  }

  /// One value somewhere in the configuration is another, or gone.
  private static func changed(_ original: [String: JSONValue], _ stream: inout RandomStream) -> [String: JSONValue] {
    var result = original
    let keys = original.keys.filter { !["architectures", "_class_name", "model_type", "architecture"].contains($0) }
      .sorted()
    guard let key = keys.randomElement(using: &stream) else { return result }
    if case .object(let inner)? = original[key], !inner.isEmpty, stream.next() % 4 != 0 {
      result[key] = .object(changed(inner, &stream))
    } else if stream.next() % 8 == 0 {
      result[key] = nil
    } else {
      result[key] = values.randomElement(using: &stream)
    }
    return result
  }

  private func difference(_ a: [String: JSONValue], _ b: [String: JSONValue]) -> String {
    a.keys.sorted().filter { a[$0] != b[$0] }.map { "\($0): \(b[$0].map { "\($0)" } ?? "gone")" }.joined(
      separator: ", ")
  }
}
