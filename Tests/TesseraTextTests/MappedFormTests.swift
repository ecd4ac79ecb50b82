import Foundation
import Testing

@testable import TesseraText
@testable import tessera

@Suite("The mapped form")
struct MappedFormTests {
  static let names: [String] = {
    let folder = TextParityTests.fixtures.appendingPathComponent("tokenizers").path
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }()

  static let texts = [
    "", " ", "Hello world, it's 12345 o'clock!\r\n\n  Zwei Wörter.", "naïve café \u{1F600} 漢字仮名 ไทย \u{0301}e",
    "<s>[INST] a </s><|endoftext|>[CLS]▁x<unk>", String(repeating: "abcabcabd", count: 40), "\u{0}\u{7F}\u{FFFD}",
  ]

  static func tokenizer(_ name: String) throws -> TextTokenizer {
    let path = TextParityTests.fixtures.appendingPathComponent("tokenizers/\(name)").path
    let arguments = name.hasSuffix(".tiktoken") ? ["--encoding", "cl100k_base"] : []
    return try TokenizerOptions.parse(["--tokenizer", path] + arguments).load()
  }

  @Test("every kind of tokenizer answers as before", arguments: names)
  func answers(name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).tessera").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try tokenizer.writeMapped(to: path)
    let mapped = try TextTokenizer(contentsOf: path)
    #expect(try MappedFile(path: path).isIntact)
    #expect(mapped.vocabularySize == tokenizer.vocabularySize)
    #expect(mapped.addedTokens.map(\.id) == tokenizer.addedTokens.map(\.id))
    #expect(mapped.addedTokens.map(\.token) == tokenizer.addedTokens.map(\.token))
    #expect(mapped.core.defaultSpecialTokensInText == tokenizer.core.defaultSpecialTokensInText)
    for text in Self.texts {
      let expected = try? tokenizer.encode(text)
      #expect((try? mapped.encode(text)) == expected)
      #expect((try? mapped.ids(of: text)) == (try? tokenizer.ids(of: text)))
      guard let ids = expected?.ids else { continue }
      #expect(mapped.decode(ids) == tokenizer.decode(ids))
      #expect(mapped.decodeBytes(ids, skipSpecialTokens: false) == tokenizer.decodeBytes(ids, skipSpecialTokens: false))
    }
    #expect((try? mapped.tokenizerJSON()) == (try? tokenizer.tokenizerJSON()))
    for id in 0..<UInt32(tokenizer.vocabularySize + 3) { #expect(mapped.token(of: id) == tokenizer.token(of: id)) }
    // What is written from the mapping is the same file again.
    #expect(try mapped.mappedForm() == tokenizer.mappedForm())
  }

  @Test("the chat templates and their tokens stay")
  func chat() throws {
    var tokenizer = try Self.tokenizer("gpt2.json")
    tokenizer.chatConfiguration.templates = [("default", "{{ bos_token }}"), ("tool_use", "é")]
    tokenizer.chatConfiguration.specialTokens = ["bos_token": "<s>", "additional_special_tokens": ["a"]]
    let mapped = try TextTokenizer(bytes: tokenizer.mappedForm())
    #expect(mapped.chatConfiguration.templates.map(\.name) == ["default", "tool_use"])
    #expect(mapped.chatConfiguration.templates.map(\.source) == ["{{ bos_token }}", "é"])
    #expect(mapped.chatConfiguration.specialTokens == tokenizer.chatConfiguration.specialTokens)
  }

  // MARK: Hostile files

  /// Does everything that a tokenizer can do; errors are fine.
  static func exercise(_ bytes: [UInt8]) -> TokenizerError? {
    do {
      let tokenizer = try TextTokenizer(bytes: bytes)
      for text in texts {
        _ = try? tokenizer.ids(of: text)
        _ = try? tokenizer.encode(text)
      }
      _ = tokenizer.decode([0, 1, 2, 255, 256, 300, 5000, .max])
      _ = tokenizer.id(of: "the")
      _ = tokenizer.vocabularySize
      _ = try? tokenizer.tokenizerJSON()
      return nil
    } catch {
      return error as? TokenizerError ?? TokenizerError(.invalidRequest, "an error of another type: \(error)")
    }
  }

  @Test("a file that is cut anywhere is refused", arguments: ["gpt2.json", "unigram-t5.json", "spm-char.model"])
  func cuts(name: String) throws {
    let bytes = try Self.tokenizer(name).mappedForm()
    for length in stride(from: 0, to: bytes.count, by: 64) {
      let error = Self.exercise(Array(bytes[..<length]))
      #expect(error != nil && error?.kind != .invalidRequest, "\(length) bytes")
    }
  }

  @Test(
    "turned bits give an error or some answer",
    arguments: ["gpt2.json", "llama3.json", "charbpe-bytes.json", "bert-cased.json", "unigram-byte-fallback.json"])
  func bits(name: String) throws {
    let bytes = try Self.tokenizer(name).mappedForm()
    var random = Seeded(state: 7)
    for round in 0..<60 {
      var damaged = bytes
      for _ in 0..<(round % 3 == 0 ? 1 : 40) {
        // Half of them in the head and the header, which stand in front.
        let place = Int.random(
          in: 0..<(Bool.random(using: &random) ? bytes.count : min(2048, bytes.count)), using: &random)
        damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      }
      #expect(Self.exercise(damaged)?.kind != .invalidRequest)
    }
  }

  @Test(
    "tables full of any number give an error or some answer",
    arguments: ["gpt2.json", "llama3.json", "bert-cased.json"])
  func tables(name: String) throws {
    let bytes = try Self.tokenizer(name).mappedForm()
    var random = Seeded(state: 11)
    func word(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
    for index in 0..<word(32) {
      let entry = 64 + 32 * index
      guard word(entry) != MappedFile.Section.header.rawValue else { continue }
      let range = word(entry + 8)..<word(entry + 8) + word(entry + 4) * word(entry + 16)
      for fill in 0..<4 {
        var damaged = bytes
        for place in range {
          damaged[place] = fill < 2 ? UInt8(fill * 255) : UInt8.random(in: 0...255, using: &random)
          // Small numbers look right more often.
          if fill == 3, place % 4 > 0 { damaged[place] = 0 }
        }
        #expect(Self.exercise(damaged)?.kind != .invalidRequest)
      }
    }
  }

  @Test("lists of sections that lie are refused with the byte")
  func sections() throws {
    let bytes = try Self.tokenizer("gpt2.json").mappedForm()
    func damaged(_ place: Int, _ values: [UInt8]) -> TokenizerError? {
      var copy = bytes
      copy.replaceSubrange(place..<place + values.count, with: values)
      return Self.exercise(copy)
    }
    let all = [UInt8](repeating: 255, count: 8)
    #expect(damaged(8, [2])?.kind == .unsupported)
    #expect(damaged(12, [1, 2, 3, 4])?.place == .byte(12))
    #expect(damaged(16, all)?.place == .byte(16))
    #expect(damaged(32, [255, 255, 255, 255])?.place == .byte(32))
    #expect(damaged(72, all)?.place == .byte(64))
    #expect(damaged(72, [1])?.place == .byte(64))
    #expect(damaged(80, all)?.place == .byte(64))
    #expect(damaged(68, [0, 0, 0, 0])?.place == .byte(64))
    #expect(damaged(96, [1])?.kind == .malformed)
    #expect(damaged(0, [0])?.kind == .unsupported)
  }
}

/// Numbers that are the same in every run.
private struct Seeded: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state ^ state >> 29) &* 0xBF58_476D_1CE4_E5B9
  }
}
