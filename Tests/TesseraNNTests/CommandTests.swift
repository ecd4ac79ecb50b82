import Foundation
import TesseraTensor
import Testing

/// The command that was built beside the tests.
struct Command {
  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  static let path: String = {
    // The test bundle and the command lie in one folder.
    let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundlePath ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("tessera").path
  }()

  /// Starts the command; its output goes to files, so that no full pipe can stop it.
  static func start(_ arguments: [String], _ environment: [String: String] = [:]) throws -> () throws -> Result {
    let folder = NSTemporaryDirectory() + "tessera-command-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: nil) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = FileHandle(forWritingAtPath: folder + "/out")
    process.standardError = FileHandle(forWritingAtPath: folder + "/err")
    try process.run()
    return {
      process.waitUntilExit()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      return Result(
        status: process.terminationStatus, output: try String(contentsOfFile: folder + "/out", encoding: .utf8),
        errors: try String(contentsOfFile: folder + "/err", encoding: .utf8))
    }
  }

  static func run(_ arguments: String...) throws -> Result { try start(arguments)() }
}

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
}
