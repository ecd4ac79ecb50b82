import Foundation
import Testing

@testable import TesseraText

@Suite("GGUF metadata")
struct GGUFTests {
  static let files = ["byte-level", "sentencepiece", "unigram", "wordpiece"]

  func tokenizer(_ name: String) throws -> GGUFTokenizer {
    try GGUFTokenizer(try GGUF(try FormatFixtures.bytes("gguf/\(name).gguf")))
  }

  @Test("values of all kinds are read, in both byte orders", arguments: ["byte-level", "byte-level-big-endian"])
  func values(name: String) throws {
    let bytes = try FormatFixtures.bytes("gguf/\(name).gguf")
    let file = try GGUF(bytes)
    #expect(file.version == 3)
    #expect(file.isBigEndian == (name != "byte-level"))
    #expect(file.byteCount <= bytes.count)
    guard case .number(0.5) = file["general.scale"], case .strings(let tags) = file["general.tags"],
      case .integer(32) = file["llama.context_length"]
    else {
      Issue.record("a value is missing or has another type")
      return
    }
    #expect((0..<tags.count).map { String(decoding: tags[$0], as: UTF8.self) } == ["one", "two"])
    #expect(try GGUFTokenizer(file).chatTemplate == "{{ messages }}")
  }

  @Test("the description has every token under its id, and the merges of the original", arguments: files)
  func description(name: String) throws {
    let expected = try FormatFixtures.json("gguf/expected.json")["files"]?[name]
    let json = try tokenizer(name).tokenizerJSON()
    let model = try #require(json["model"])
    if let vocabulary = model["vocab"]?.objectValue {
      #expect(vocabulary.count == expected?["count"]?.integerValue)
    } else {
      #expect(model["vocab"]?.arrayValue?.count == expected?["count"]?.integerValue)
    }
    if let merges = expected?["merges"]?.arrayValue { #expect(model["merges"]?.arrayValue == merges) }
    // A description is only worth something when other readers take it: FOLDER is then given to make.py check.
    if let folder = ProcessInfo.processInfo.environment["TESSERA_GGUF_JSON"] {
      try Data(json.text(.pretty).utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).json"))
    }
  }

  @Test("a file cut anywhere is refused, and one read in steps equals one read at once")
  func truncation() throws {
    let bytes = try FormatFixtures.bytes("gguf/unigram.gguf")
    let end = try GGUF(bytes).byteCount
    for length in stride(from: 0, to: end, by: 7) {
      #expect(throws: TokenizerError.self) { try GGUF(Array(bytes[..<length])) }
    }
    let path = NSTemporaryDirectory() + "tessera-gguf-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    // A file larger than the first step, whose metadata ends behind it.
    let padded =
      Array("GGUF".utf8) + [3, 0, 0, 0] + word(0) + word(1) + text("key") + [9, 0, 0, 0, 0, 0, 0, 0] + word(3 << 20)
    try Data(padded + [UInt8](repeating: 7, count: 3 << 20)).write(to: URL(fileURLWithPath: path))
    guard case .integers(let numbers) = try GGUF(path: path)["key"] else {
      Issue.record("expected a list of integers")
      return
    }
    #expect(numbers.count == 3 << 20)
    #expect(throws: TokenizerError.self) { try GGUF(path: path + ".missing") }
  }

  func word(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) } }
  func text(_ value: String) -> [UInt8] { word(UInt64(value.utf8.count)) + Array(value.utf8) }

  @Test("lying counts, unknown types and repeated keys are refused without effort")
  func lies() {
    let head = Array("GGUF".utf8) + [3, 0, 0, 0] + word(0)
    let cases: [[UInt8]] = [
      head + word(.max), head + word(1) + word(.max), head + word(1) + word(1 << 40),
      head + word(1) + text("a") + [13, 0, 0, 0],
      head + word(1) + text("a") + [7, 0, 0, 0, 2],
      head + word(1) + text("a") + [9, 0, 0, 0, 4, 0, 0, 0] + word(.max),
      head + word(1) + text("a") + [9, 0, 0, 0, 8, 0, 0, 0] + word(1 << 60),
      head + word(1) + text("a") + [9, 0, 0, 0] + (0..<100).flatMap { _ in [9, 0, 0, 0] + word(1) },
      head + word(2) + text("a") + [0, 0, 0, 0, 1] + text("a") + [0, 0, 0, 0, 1],
      Array("GGUF".utf8) + [4, 0, 0, 0] + word(0) + word(0), Array("GGML".utf8) + [3, 0, 0, 0] + word(0) + word(0),
    ]
    for bytes in cases { #expect(throws: TokenizerError.self) { try GGUF(bytes) } }
  }

  @Test("random damage is an error or another value, never a crash")
  func damage() throws {
    let bytes = try FormatFixtures.bytes("gguf/wordpiece.gguf")
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<150 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        damaged[Int.random(in: 0..<damaged.count, using: &generator)] = .random(in: 0 ... .max, using: &generator)
      }
      guard let file = try? GGUF(damaged), let tokenizer = try? GGUFTokenizer(file) else { continue }
      _ = try? tokenizer.tokenizerJSON()
    }
  }

  @Test("every known splitting has patterns, and an unknown one is named")
  func splittings() throws {
    for name in [
      "", "default", "gpt-2", "llama-bpe", "qwen2", "deepseek-v3", "tekken", "gpt-4o", "viking", "roberta-bpe",
    ] {
      #expect(try #require(GGUFPreTokenizer.named(name)).patterns.isEmpty == false)
    }
    #expect(GGUFPreTokenizer.named("nonsense") == nil)
  }
}
