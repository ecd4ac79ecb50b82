import Foundation
import TesseraLab
import TesseraText

/// Standard input and output as bytes, and files that are never left half written.
enum Console {
  static func fail(_ message: String) -> Never {
    FileHandle.standardError.write(Data("tessera: \(message)\n".utf8))
    exit(1)
  }

  static func write(_ bytes: some Sequence<UInt8>) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(bytes))
    } catch {
      throw TokenizerError(.inputOutput, "standard output cannot be written: \(Files.reason(error))")
    }
  }

  static func print(_ line: String) throws { try write(Array((line + "\n").utf8)) }

  /// Everything in a file, or on standard input for `-`.
  static func read(_ path: String) throws -> [UInt8] {
    if path == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
    do {
      let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? file.close() }
      return Array(try file.readToEnd() ?? Data())
    } catch {
      throw TokenizerError(.inputOutput, "cannot be read: \(Files.reason(error))", in: path)
    }
  }

  /// Writes a file beside its place and then moves it there.
  static func write(_ bytes: [UInt8], to path: String) throws {
    let url = URL(fileURLWithPath: path)
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: url, options: .atomic)
    } catch {
      throw TokenizerError(.inputOutput, "cannot be written: \(Files.reason(error))", in: path)
    }
  }

  /// Calls `body` for each line of standard input; an error becomes a line of its own and the run goes on.
  ///
  /// - Returns: whether every line could be done.
  static func answerLines(_ body: (JSON) throws -> JSON) throws -> Bool {
    var isGood = true
    while let line = readLine(strippingNewline: true) {
      if line.allSatisfy(\.isWhitespace) { continue }
      var answer: JSON
      do {
        answer = try body(try JSON(parsing: line))
      } catch let error as TokenizerError {
        isGood = false
        answer = ["error": .string("\(error)")]
      }
      try print(answer.text())
    }
    return isGood
  }
}
