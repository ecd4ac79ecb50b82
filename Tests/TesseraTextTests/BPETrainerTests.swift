import Foundation
import Testing

@testable import TesseraText

@Suite("Byte-pair-encoding training")
struct BPETrainerTests {
  /// One run of the reference.
  struct Case {
    let trainer: BPETrainer
    let words: [(word: String, count: Int)]
    let vocabulary: [String]
    let merges: [[Int]]

    init(_ json: JSON) {
      let options = json["options"]
      func strings(_ key: String) -> [String] { options?[key]?.arrayValue?.compactMap(\.stringValue) ?? [] }
      var trainer = BPETrainer(vocabularySize: options?["vocab_size"]?.integerValue ?? 0)
      trainer.minimumFrequency = options?["min_frequency"]?.integerValue ?? 0
      trainer.specialTokens = strings("special_tokens")
      trainer.limitAlphabet = options?["limit_alphabet"]?.integerValue
      trainer.initialAlphabet = strings("initial_alphabet").flatMap { Array($0.unicodeScalars) }
      trainer.continuingSubwordPrefix = options?["continuing_subword_prefix"]?.stringValue
      trainer.endOfWordSuffix = options?["end_of_word_suffix"]?.stringValue
      trainer.maximumTokenLength = options?["max_token_length"]?.integerValue
      self.trainer = trainer
      words = (json["words"]?.arrayValue ?? []).map {
        ($0.arrayValue?[0].stringValue ?? "", $0.arrayValue?[1].integerValue ?? 0)
      }
      vocabulary = (json["vocab"]?.arrayValue ?? []).compactMap(\.stringValue)
      merges = (json["merges"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.integerValue) }
    }

    /// What differs, in one line; `nil` when nothing does. Strings are compared by their scalars.
    func difference() throws -> String? {
      let trained = try trainer.train(words: words)
      let found = trained.vocabulary.map { Array($0.unicodeScalars) }
      let expected = vocabulary.map { Array($0.unicodeScalars) }
      for id in 0..<max(found.count, expected.count)
      where id >= found.count || id >= expected.count || found[id] != expected[id] {
        return "\(trainer): id \(id) of \(expected.count), \(found.count)"
      }
      let pairs = trained.merges.map { [Int($0.left), Int($0.right)] }
      return pairs == merges ? nil : "\(trainer): merges \(pairs) instead of \(merges)"
    }
  }

  @Test("vocabulary and merges equal the reference's for every option, with many ties")
  func reference() throws {
    var bytes = try FormatFixtures.bytes("bpe-training/cases.json")
    if let path = ProcessInfo.processInfo.environment["TESSERA_BPE_CASES"] {
      bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    let cases = try JSON(parsing: bytes).arrayValue ?? []
    #expect(cases.count >= 150)
    for json in cases {
      let difference = try Case(json).difference()
      #expect(difference == nil)
    }
  }

  @Test("counted bytes give the vocabulary of their byte-level text")
  func byteLevel() throws {
    var counts = WordCounts()
    var words: [(word: String, count: Int)] = []
    for (index, word) in ["low", " lower", " newest", " widest", " \u{E9}t\u{E9}", "low"].enumerated() {
      for _ in 0...index { counts.add(word.utf8) }
      words.append((ByteLevelAlphabet.text(of: word.utf8), index + 1))
    }
    var trainer = BPETrainer(vocabularySize: 290)
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    let trained = try trainer.train(on: counts, reading: .byteLevel)
    #expect(trained == (try trainer.train(words: words)))
    #expect(trained.vocabulary.count > 260)
    #expect(counts.count(of: "low".utf8) == 7)
  }

  @Test("counts below zero or beyond 64 bits are refused")
  func impossibleCounts() {
    let trainer = BPETrainer(vocabularySize: 100)
    #expect(throws: TokenizerError.self) { try trainer.train(words: [("ab", -1)]) }
    #expect(throws: TokenizerError.self) { try trainer.train(words: [("ab", .max)]) }
    #expect(throws: TokenizerError.self) { try trainer.train(words: [("a", .max), ("b", 1)]) }
  }

  @Test("a cancelled task stops training")
  func cancellation() async {
    let task = Task {
      var generator = SystemRandomNumberGenerator()
      let words = (0..<2000).map { _ in
        (word: String((0..<12).map { _ in "abcdefghijklmnop".randomElement(using: &generator) ?? "a" }), count: 1)
      }
      withUnsafeCurrentTask { $0?.cancel() }
      return try BPETrainer(vocabularySize: 5000).train(words: words)
    }
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("bounded word counts keep the frequent words and say what was dropped")
  func boundedCounts() {
    var counts = WordCounts(maximumDistinctWords: 100)
    for round in 0..<5000 {
      counts.add("frequent\(round % 10)".utf8)
      counts.add("rare\(round)".utf8)
    }
    #expect(counts.count <= 100)
    for index in 0..<10 { #expect(counts.count(of: "frequent\(index)".utf8) == 500) }
    var total: Int64 = 0
    counts.forEach { total += $1 }
    #expect(total + counts.discarded == 10_000)
  }

  @Test("every byte has its own character and comes back")
  func alphabet() {
    #expect(Set(ByteLevelAlphabet.scalars).count == 256)
    for byte in UInt8.min ... .max {
      #expect(ByteLevelAlphabet.byte(of: ByteLevelAlphabet.scalars[Int(byte)]) == byte)
    }
    #expect(ByteLevelAlphabet.text(of: " \n".utf8) == "\u{120}\u{10A}")
    #expect(ByteLevelAlphabet.byte(of: 0x20) == nil)
    #expect(ByteLevelAlphabet.byte(of: 0x144) == nil)
  }
}
