import Foundation
import Testing

@testable import TesseraText

@Suite("Training on files")
struct WordTrainingTests {
  private func words(_ text: String, _ cutting: WordCutting) throws -> CountedWords {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try WordCounter(cutting: cutting).count(files: [path])
  }

  @Test("WordLevel, WordPiece and BPE vocabularies equal the reference's on the same files, through all stages")
  func reference() throws {
    let cases = try JSON(parsing: FormatFixtures.bytes("word-training/cases.json")).arrayValue ?? []
    #expect(cases.count >= 60)
    for (number, json) in cases.enumerated() {
      let cutting = try WordCutting(
        normalizer: json["normalizer"] ?? .null, preTokenizer: json["pre_tokenizer"] ?? .null)
      let words = try words(json["text"]?.stringValue ?? "", cutting)
      let size = json["options"]?["vocab_size"]?.integerValue ?? 0
      let frequency = json["options"]?["min_frequency"]?.integerValue ?? 0
      let special = json["options"]?["special_tokens"]?.arrayValue?.compactMap(\.stringValue) ?? []
      let expected = (json["vocab"]?.arrayValue ?? []).map { Array(($0.stringValue ?? "").utf8) }
      if json["kind"] == "wordlevel" {
        var trainer = WordLevelTrainer(vocabularySize: size)
        trainer.minimumFrequency = frequency
        trainer.specialTokens = special
        let vocabulary = trainer.train(on: words)
        #expect(vocabulary.map { Array($0.utf8) } == expected, "case \(number)")
        let tokenizer = try TextTokenizer(words: vocabulary, from: trainer, cutting: cutting)
        #expect(tokenizer.vocabularySize == expected.count)
        continue
      }
      var trainer = BPETrainer(vocabularySize: size)
      trainer.minimumFrequency = frequency
      trainer.specialTokens = special
      if cutting.isByteLevel { trainer.initialAlphabet = ByteLevelAlphabet.characters }
      if json["kind"] == "wordpiece" { trainer.continuingSubwordPrefix = "##" }
      let trained = try trainer.train(on: words, reading: cutting.isByteLevel ? .byteLevel : .text)
      let found = trained.vocabulary.map { Array($0.utf8) }
      if json["kind"] == "wordpiece" {
        #expect(Set(found) == Set(expected), "case \(number)")
        let tokenizer = try TextTokenizer(wordPiece: trained, from: trainer, cutting: cutting)
        #expect(tokenizer.vocabularySize == expected.count)
      } else {
        #expect(found == expected, "case \(number)")
        let merges = (json["merges"]?.arrayValue ?? []).map {
          $0.arrayValue?.map { Array(($0.stringValue ?? "").utf8) }
        }
        #expect(trained.merges.map { [found[Int($0.left)], found[Int($0.right)]] } == merges, "case \(number)")
      }
    }
  }

  @Test("required tokens are single tokens wherever they stand, and cost no merges")
  func requiredTokens() throws {
    let cutting = try WordCutting(preTokenizer: [
      "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    ])
    var trainer = BPETrainer(vocabularySize: 300)
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    trainer.specialTokens = ["<s>"]
    trainer.requiredTokens = ["(iv)", "\t ", "1983"]
    let words = try words(String(repeating: "the year 1983 was the other year\n", count: 20), cutting)
    let trained = try trainer.train(on: words, reading: .byteLevel)
    let tokenizer = try TextTokenizer(
      bytes: try TextTokenizer(trained, from: trainer, cutting: cutting).tokenizerJSON())
    #expect(tokenizer.vocabularySize <= 300)
    #expect(tokenizer.id(of: "(iv)") == 1)
    for text in ["(iv)", "\t ", "1983"] {
      #expect(try tokenizer.ids(of: text).count == 1)
      let ids = try tokenizer.ids(of: "a\(text)b")
      #expect(tokenizer.decode(ids) == "a\(text)b")
      #expect(ids.contains(tokenizer.id(of: text) ?? 0))
    }
  }

  @Test("a BPE run that was stopped goes on to the same result and removes its checkpoint")
  func resume() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var counts = WordCounts()
    var state: UInt64 = 1
    for _ in 0..<40_000 {
      var word: [UInt8] = []
      for _ in 0..<8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        word.append(UInt8(0x61 + (state >> 40) % 16))
      }
      counts.add(word)
    }
    let words = CountedWords(sorting: counts)
    var trainer = BPETrainer(vocabularySize: 7000)
    let expected = try trainer.train(on: words, reading: .text)
    trainer.checkpoint = path
    #expect(throws: CancellationError.self) {
      try trainer.train(on: words, reading: .text) { if $0.completed > 5000 { throw CancellationError() } }
    }
    #expect(FileManager.default.fileExists(atPath: path))
    var other = trainer
    other.minimumFrequency = 3
    #expect(throws: TokenizerError.self) { try other.train(on: words, reading: .text) }
    #expect(try trainer.train(on: words, reading: .text) == expected)
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
