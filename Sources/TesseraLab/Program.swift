import Foundation

/// A program of the machine that is asked for data: a synthesizer of speech, a compressor.
public enum Program {
  /// Where a program lies, or nil.
  public static func find(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Runs a program and gives what it wrote to standard output.
  /// - Throws: `LabError.program` if it is not there or fails.
  public static func run(_ name: String, _ arguments: [String], input: Data? = nil) throws -> Data {
    guard let path = find(name) else { throw LabError.program(name, "it is not installed") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let (output, errors, source) = (Pipe(), Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    process.standardInput = input == nil ? FileHandle.nullDevice : source
    do { try process.run() } catch { throw LabError.program(name, "it cannot be started") }
    // Both pipes are emptied while the program runs, so that neither can fill up and stop it.
    let group = DispatchGroup()
    let complaint = Slot()
    DispatchQueue.global().async(group: group) { complaint.data = errors.fileHandleForReading.readDataToEndOfFile() }
    if let input {
      DispatchQueue.global().async(group: group) {
        try? source.fileHandleForWriting.write(contentsOf: input)
        try? source.fileHandleForWriting.close()
      }
    }
    let result = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    group.wait()
    guard process.terminationStatus == 0 else {
      let text = String(decoding: complaint.data.prefix(400), as: UTF8.self).split(separator: "\n").first ?? ""
      throw LabError.program(name, text.isEmpty ? "status \(process.terminationStatus)" : String(text))
    }
    return result
  }

  /// Written by one queue before `group.wait()` returns, read after it.
  private final class Slot: @unchecked Sendable { var data = Data() }
}
