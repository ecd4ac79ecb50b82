import Foundation

@testable import TesseraText

/// Reads the fixtures of Tests/Fixtures/unicode and derives what they state.
enum UnicodeFixtures {
  static func load(_ name: String) throws -> JSON {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = folder.appendingPathComponent("Fixtures/unicode/\(name).json")
    return try JSON(parsing: [UInt8](Data(contentsOf: file)))
  }

  /// A case `[text, normalized text, place of each normalized scalar in the text]`.
  struct Case {
    var text: String
    var normalized: String
    var places: [Int]

    init?(_ json: JSON) {
      guard let parts = json.arrayValue, parts.count == 3, let text = parts[0].stringValue,
        let normalized = parts[1].stringValue, let places = parts[2].arrayValue
      else { return nil }
      (self.text, self.normalized) = (text, normalized)
      self.places = places.compactMap(\.integerValue)
    }
  }

  /// The place in the raw text, counted in scalars, that each new scalar is aligned to; -1 before everything.
  static func places(_ changes: [ScalarChange]) -> [Int] {
    var next = 0
    return changes.map { change in
      if change.change > 0 { return next - 1 }
      defer { next += 1 - Int(change.change) }
      return next
    }
  }

  static func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

  /// The hash of make.py: FNV-1a over the answers, each ended by the byte 255.
  struct Hash {
    private var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ answer: some Sequence<UInt8>) {
      for byte in answer { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
      value = (value ^ 255) &* 0x100_0000_01B3
    }

    var text: String {
      let digits = String(value, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
  }

  /// The hash of an answer per scalar of the planes that hold characters.
  static func hash(_ answer: (UInt32, inout [UInt8]) -> Void) -> String {
    var hash = Hash()
    var bytes: [UInt8] = []
    for range in [0..<0xD800, 0xE000..<0x34000, 0xE0000..<0xE1000] as [Range<UInt32>] {
      for scalar in range {
        bytes.removeAll(keepingCapacity: true)
        answer(scalar, &bytes)
        hash.add(bytes)
      }
    }
    return hash.text
  }
}
