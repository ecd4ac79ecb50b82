import Foundation
import TesseraNN
import TesseraTensor
import Testing

private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("Fixtures/models/encoders").path

@Suite("The command", .enabled(if: Torch.available))
struct CommandTests {
  func temporary(_ name: String) -> String { NSTemporaryDirectory() + "tessera-\(UUID().uuidString)-\(name)" }

  @Test("trains in two processes to the weights of one")
  func parallel() throws {
    let files = (0..<3).map { temporary("\($0).safetensors") }
    defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
    #expect(try Command.run("bench", "parallel", "--output", files[0]).status == 0)
    let port = "\(Int.random(in: 20000..<60000))"
    let started = try (0..<2).map { rank in
      try Command.start(
        ["bench", "parallel", "--output", files[rank + 1]],
        ["RANK": "\(rank)", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port])
    }
    for wait in started {
      let result = try wait()
      #expect(result.status == 0, "\(result.errors)")
    }
    let weights = try files.map { try SafeTensors(path: $0).tensors() }
    for (name, alone) in weights[0] {
      let (first, second) = (try #require(weights[1][name]), try #require(weights[2][name]))
      #expect(try alone.largestDifference(to: first) < 1e-5, "\(name)")
      #expect(try first.largestDifference(to: second) == 0, "\(name)")
    }
  }

  @Test("says what is wrong with a group of processes")
  func brokenGroup() throws {
    let wait = try Command.start(
      ["bench", "parallel", "--output", temporary("x")], ["RANK": "2", "WORLD_SIZE": "two"])
    let result = try wait()
    #expect(result.status == 1)
    #expect(result.errors.contains("WORLD_SIZE"))
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  @Test("refuses folders that are no models in one line, with what was found")
  func brokenFolders() throws {
    let folder = temporary("model")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func forward() throws -> Command.Result {
      try Command.run("forward", "--model", folder, "--inputs", folder + "/in", "--outputs", folder + "/out")
    }
    let configuration = URL(fileURLWithPath: folder + "/config.json")
    for (text, part) in [
      (nil, "config.json"), ("{", "config.json"), ("[]", "config.json"), ("{}", "none"),
      ("{\"architectures\": [\"Oracle\"]}", "Oracle"),
    ] {
      try text.map { try Data($0.utf8).write(to: configuration) }
      let result = try forward()
      #expect(result.status == 1)
      #expect(result.errors.contains(part), "\(text ?? "no file"): \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
  }

  @Test("The command shows what a folder holds")
  func command() throws {
    let shown = try Command.run("inspect", "\(fixtures)/deit-teacher")
    #expect(
      shown.status == 0 && shown.output.contains("encoder.layer.*.attention") && shown.output.contains("multiply-adds"))
    let result = try Command.run("inspect", "\(fixtures)/timm-vit", "--json")
    let report = try JSONDecoder().decode([String: JSONValue].self, from: Data(result.output.utf8))
    #expect(report["architecture"]?.string == "vit_tiny_patch16_224")
    #expect((report["multiply_adds"]?.integer ?? 0) > (report["multiply_adds_executed"]?.integer ?? 0))
    let none = try Command.run("inspect", "/nowhere")
    #expect(none.status == 64)
  }
}
