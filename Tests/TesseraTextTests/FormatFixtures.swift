import Foundation

@testable import TesseraText

/// Reads what the scripts under `Tests/Fixtures` made.
enum FormatFixtures {
  static func bytes(_ path: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return [UInt8](try Data(contentsOf: folder.appendingPathComponent("Fixtures").appendingPathComponent(path)))
  }

  static func json(_ path: String) throws -> JSON { try JSON(parsing: try bytes(path)) }
}
