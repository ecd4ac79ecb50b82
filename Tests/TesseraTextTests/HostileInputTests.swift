import Foundation
import Testing

@testable import TesseraText

@Suite("Hostile input")
struct HostileInputTests {
  /// One small file of every format with its reader.
  static let readers: [(name: String, file: String, read: @Sendable ([UInt8]) throws -> Void)] = [
    ("tokenizer.json", "text/tokenizers/charbpe-bytes.json", use),
    ("Unigram", "text/tokenizers/unigram-t5.json", use),
    ("SentencePiece unigram", "sentencepiece/unigram_rules_bytes.model", use),
    ("SentencePiece BPE", "sentencepiece/bpe_suffix_bytes.model", use),
    ("GGUF", "gguf/byte-level.gguf", use),
    ("GGUF big-endian", "gguf/byte-level-big-endian.gguf", use),
    ("tiktoken", "text/tokenizers/ranks.tiktoken", { _ = try RankMerges(TiktokenFile.read($0)) }),
    ("vocab.txt", "vocabulary/bert-vocab.txt", { _ = try VocabularyFiles.wordPieces(vocabulary: $0) }),
    ("vocab.json", "vocabulary/gpt2-vocab.json", { _ = try VocabularyFiles.bytePairs(vocabulary: $0, merges: []) }),
  ]

  /// Reads a tokenizer and has it do something.
  @Sendable private static func use(_ bytes: [UInt8]) throws {
    let tokenizer = try TextTokenizer(bytes: bytes)
    if let encoding = try? tokenizer.encode("a é😀 <s>\u{0}") { _ = tokenizer.decode(encoding.ids) }
  }

  /// Runs a reader on bytes that may be anything: it succeeds or throws one line that says what and where.
  private static func survive(_ name: String, _ bytes: [UInt8], _ read: ([UInt8]) throws -> Void) {
    do {
      try read(bytes)
    } catch let error as TokenizerError {
      #expect(error.message.count > 8 && !error.description.contains("\n"), "\(name): \(error)")
    } catch {
      Issue.record("\(name): an error of another type: \(error)")
    }
  }

  @Test(
    "a file of any format cut anywhere, or with a byte changed, is refused in one line or read",
    arguments: readers.indices)
  func damagedFiles(index: Int) throws {
    let reader = Self.readers[index]
    let whole = try FormatFixtures.bytes(reader.file)
    var random = SplitMix64(seed: UInt64(index))
    // The first bytes matter most; of the rest a sample.
    let cuts = Array(0..<64) + (0..<60).map { _ in Int.random(in: 64..<whole.count, using: &random) }
    for cut in cuts { Self.survive(reader.name, Array(whole[..<cut]), reader.read) }
    for _ in 0..<60 {
      var changed = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      Self.survive(reader.name, changed, reader.read)
    }
  }

  @Test("random bytes, bare or behind the first bytes of a format, are refused by every reader")
  func randomBytes() {
    var random = SplitMix64(seed: 1)
    let openings: [[UInt8]] = [
      [], [0x7B], Array(#"{"model":"#.utf8), Array("GGUF".utf8), Array("GGUF".utf8) + [3, 0, 0, 0], [0x0A],
      [0x0A, 3, 0x0A, 1, 0x61],
      Array("IQ== 0\n".utf8),
    ]
    for round in 0..<2_000 {
      var bytes = openings[round % openings.count]
      for _ in 0..<Int.random(in: 0...60, using: &random) { bytes.append(UInt8.random(in: 0...255, using: &random)) }
      for reader in Self.readers { Self.survive(reader.name, bytes, reader.read) }
      _ = try? CharsMap(blob: bytes)
      _ = try? ChatTemplate(String(decoding: bytes, as: UTF8.self))
      for dialect in [SplitPattern.Dialect.oniguruma, .rust] {
        _ = try? SplitPattern(String(decoding: bytes, as: UTF8.self), dialect: dialect)
      }
    }
  }

  @Test("an error names the file")
  func fileNames() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in [("a.json", "{\"model\":"), ("b.model", "\n"), ("c.gguf", "GGUF"), ("d", ""), ("e", "{}")] {
      let file = folder.appendingPathComponent(name)
      try Data(text.utf8).write(to: file)
      let error = try #require(throws: TokenizerError.self) { try TextTokenizer(contentsOf: file.path) }
      #expect(error.description.hasPrefix(file.path + ": "), "\(error)")
    }
    let missing = folder.appendingPathComponent("missing").path
    #expect(throws: TokenizerError(.inputOutput, "No such file or directory", in: missing)) {
      try TextTokenizer(contentsOf: missing)
    }
  }

  @Test(
    "absurd JSON is refused with its place",
    arguments: [
      (#"{"model":{"type":"BPE","vocab":{"a":99999999999999999999},"merges":[]}}"#, "model.vocab"),
      (#"{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}"#, "model.vocab"),
      (#"{"model":{"type":"BPE","vocab":{"a":1e400},"merges":[]}}"#, "byte 36"),
      (#"{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","b"]]}}"#, "model.merges[0]"),
      (#"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a"]}}"#, "model.merges[0]"),
      (#"{"model":{"type":"Unigram","unk_id":7,"vocab":[["a",0]]}}"#, "model.unk_id"),
      (#"{"model":{"type":"Unigram","vocab":[["a","b"]]}}"#, "model.vocab[0]"),
      (#"{"model":{"type":"\ud800"}}"#, "byte 18"),
      (#"{"model":{"type":"WordLevel","unk_token":"u","vocab":{}},"added_tokens":{}}"#, "added_tokens"),
      (#"{"model":{"type":"WordLevel","unk_token":"u","vocab":{}},"decoder":{"type":"De\ncoder"}}"#, "decoder.type"),
      (#"{"model":{"type":"WordLevel","unk_token":"u","vocab":{}},"truncation":{"max_length":-4}}"#, "truncation"),
    ])
  func absurdJSON(text: String, place: String) throws {
    let error = try #require(throws: TokenizerError.self) { try TextTokenizer(bytes: Array(text.utf8)) }
    #expect(error.description.contains(place), "\(error)")
    #expect(error.description.utf8.count < 600 && !error.description.contains("\n"), "\(error)")
  }

  @Test("JSON nested without end is refused at the first level too many")
  func bottomlessJSON() {
    for (unit, place) in [("[", 512), (#"{"a":"#, 512 * 5)] {
      let text = String(repeating: unit, count: 100_000)
      #expect(throws: TokenizerError(.limitExceeded, "JSON nested deeper than 512 levels", at: .byte(place))) {
        try JSON(parsing: text)
      }
    }
  }

  @Test("a key that stands twice has its last value, as in the reference")
  func repeatedKeys() throws {
    let text = #"{"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0,"a":1,"a":2}}}"#
    #expect(try TextTokenizer(bytes: Array(text.utf8)).encode("a").ids == [2])
  }

  @Test("a stage inside itself as deep as JSON allows is read or refused, not overflowed")
  func nestedStages() {
    for (key, parts) in [("normalizer", "normalizers"), ("pre_tokenizer", "pretokenizers"), ("decoder", "decoders")] {
      for depth in [100, 250, 300] {
        let nested =
          String(repeating: #"{"type":"Sequence","\#(parts)":["#, count: depth) + String(repeating: "]}", count: depth)
        let text = #"{"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0}},"\#(key)":\#(nested)}"#
        Self.survive(key, Array(text.utf8), Self.use)
      }
    }
  }

  @Test("10,000 added tokens are loaded and found, also where each is the start of the next", .timeLimit(.minutes(1)))
  func manyAddedTokens() throws {
    func tokenizer(_ contents: [String]) throws -> TextTokenizer {
      let added = contents.enumerated().map { index, content in
        #"{"id":\#(index + 1),"content":"\#(content)","single_word":false,"lstrip":false,"rstrip":false,"normalized":\#(index % 2 == 0),"special":false}"#
      }
      return try TextTokenizer(
        bytes: Array(
          #"{"added_tokens":[\#(added.joined(separator: ","))],"normalizer":{"type":"Lowercase"},"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0}}}"#
            .utf8))
    }
    let names = (0..<10_000).map { "<extra_\($0)>" }
    let many = try tokenizer(names)
    let text = names.joined()
    // Tokens found before normalizing come out the same as those found after.
    #expect(try many.encode(text).ids == (1...10_000).map { UInt32($0) })
    let chain = try tokenizer((1...600).map { String(repeating: "a", count: $0) })
    #expect(try chain.encode(String(repeating: "a", count: 100_000)).ids.allSatisfy { $0 <= 600 })
  }

  @Test(
    "a long run of anything goes through every kind of model in a moment", .timeLimit(.minutes(1)),
    arguments: [
      "text/tokenizers/gpt2.json", "text/tokenizers/charbpe-bytes.json", "text/tokenizers/bert-uncased.json",
      "text/tokenizers/wordlevel-scripts.json", "text/tokenizers/unigram-t5.json",
      "text/tokenizers/unigram-byte-fallback.json",
      "text/tokenizers/mistral-legacy.json", "sentencepiece/unigram_rules_bytes.model",
      "sentencepiece/bpe_suffix_bytes.model",
      "sentencepiece/char_rules_bytes.model", "sentencepiece/word_plain.model",
    ])
  func longRuns(file: String) throws {
    let tokenizer = try TextTokenizer(bytes: FormatFixtures.bytes(file))
    for unit in ["a", " ", "\n", "7", "字", "\u{301}", "\u{301}\u{316}", "👩\u{200D}", "ab"] {
      let text = String(repeating: unit, count: 20_000)
      guard let encoding = try? tokenizer.encode(text) else { continue }
      let length = text.unicodeScalars.count
      #expect(encoding.offsets.allSatisfy { $0.upperBound <= length })
    }
  }

  @Test("added tokens that strip the same blanks again and again take no longer for it, and their texts are bounded")
  func overlappingAddedTokens() throws {
    let text =
      #"{"added_tokens":[{"id":1,"content":"\n","single_word":false,"lstrip":false,"rstrip":true,"normalized":false,"#
      + #""special":false}],"model":{"type":"WordLevel","unk_token":"u","vocab":{"u":0}}}"#
    let tokenizer = try TextTokenizer(bytes: Array(text.utf8))
    // They overlap, as in the reference.
    let few = try tokenizer.encode(" \n\n  \n")
    #expect(few.ids == [0, 1, 1, 1])
    #expect(few.offsets == [0..<1, 1..<6, 2..<6, 5..<6])
    #expect(few.tokens == ["u", "\n\n  \n", "\n  \n", "\n"])
    let many = String(repeating: "\n", count: 200_000)
    #expect(try tokenizer.ids(of: many).count == 200_000)
    let error = try #require(throws: TokenizerError.self) { try tokenizer.encode(many) }
    #expect(error.kind == .limitExceeded)
  }

  // MARK: What the fuzzer found

  @Test("a number beyond those of 64 bits is refused, since it could not be written again")
  func hugeNumbers() {
    for text in ["9e998", "-9e998", "[1e9223372036854775807]", String(repeating: "9", count: 400)] {
      #expect(throws: TokenizerError.self) { try JSON(parsing: text) }
    }
    for text in ["0e998", "1e-9223372036854775808", "1.7e308", "10e-9223372036854775807"] {
      #expect(throws: Never.self) { try JSON(parsing: text) }
      let model = #"{"model":{"type":"Unigram","unk_id":0,"vocab":[["u",0],["a",\#(text)]]}}"#
      #expect(throws: Never.self) { try Self.use(Array(model.utf8)) }
    }
  }

  @Test("a message quotes what it found on one line, and not all of a long text")
  func oneLine() throws {
    let error = try #require(throws: TokenizerError.self) {
      try Stage.normalize("a", with: ["type": "NF\n\u{2028}C\u{0}"])
    }
    #expect(error.description == #"normalizer.type: unknown normalizer 'NF\n\u{2028}C\0'"#)
    let long = TokenizerError(
      .malformed, String(repeating: "é", count: 100_000), at: .key(String(repeating: "k", count: 9_000)))
    #expect(long.description.unicodeScalars.count < 1_100)
  }

  @Test("broken UTF-8 reads backwards as it reads forwards, so that a pattern's memory changes nothing")
  func brokenText() throws {
    let text: [UInt8] = [
      0xD0, 0xC2, 0xD2, 0xAB, 0x3D, 0x42, 0xF4, 0x9D, 0xD0, 0x3C, 0x5B, 0xE5, 0xAD, 0x5D, 0x97, 0xCA,
    ]
    for source in ["\\H+\u{FFFD}", "(?:.|..)+\u{FFFD}", "(?<=\u{FFFD}).", ".+?="] {
      let plain = try SplitPattern(source, dialect: .oniguruma, usesScanner: false)
      var remembering = plain
      remembering.alwaysRemembers = true
      for start in text.indices {
        text[start...].withUnsafeBufferPointer { text in
          var matches: [[Range<Int>]] = [[], []]
          plain.forEachMatch(in: text) { matches[0].append($0) }
          remembering.forEachMatch(in: text) { matches[1].append($0) }
          #expect(matches[0] == matches[1], "\(source) from \(start)")
        }
      }
    }
    text.withUnsafeBufferPointer { text in
      var (index, forwards) = (0, [Int]())
      while index < text.count {
        forwards.append(index)
        index += UTF8Scalars.decode(text, at: index).length
      }
      #expect(forwards == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    }
  }
}
