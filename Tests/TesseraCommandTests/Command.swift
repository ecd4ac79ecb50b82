import Foundation

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

extension Command {
  /// Starts the command without waiting, its output dropped.
  static func launch(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    return process
  }
}

extension Process {
  /// Sends a signal.
  func send(_ signal: Int32) { kill(processIdentifier, signal) }
}
