import Foundation
import Testing

@testable import TesseraText

@Suite("Unigram training")
struct UnigramTrainerTests {
  private static func words(_ text: String, _ rules: SentencePieceNormalization = .nmtNFKC) throws -> CountedWords {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try WordCounter(cutting: try WordCutting(sentencePiece: rules)).count(files: [path])
  }

  /// Sentences of made-up words that share stems and endings.
  private static let text: String = {
    var state: UInt64 = 11
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    let stems = ["walk", "talk", "count", "token", "learn", "caf\u{E9}", "日本", "merge", "piece"]
    let endings = ["", "s", "ing", "ed", "er", "ers", "'s", "-12"]
    return (0..<500).map { _ in
      (0...next(9)).map { _ in stems[next(stems.count)] + endings[next(endings.count)] }.joined(separator: " ") + ".\n"
    }.joined()
  }()

  @Test("the vocabulary has the size asked for, sorted scores, and stems and endings as pieces")
  func vocabulary() throws {
    var trainer = UnigramTrainer(vocabularySize: 80)
    trainer.characterCoverage = 1
    let model = try trainer.train(on: try Self.words(Self.text))
    #expect(model.pieces.count == 80)
    let scores = model.pieces.dropFirst(3).map(\.score)
    #expect(scores == scores.sorted(by: >))
    let pieces = Set(model.pieces.map(\.text))
    for piece in ["\u{2581}walk", "\u{2581}token", "ing", "\u{2581}日本"] { #expect(pieces.contains(piece)) }
    let tokenizer = try TextTokenizer(bytes: model.serialized())
    for text in ["walking tokens", "日本 caf\u{E9}s", "cafe\u{301}s"] {
      #expect(tokenizer.decode(try tokenizer.encode(text).ids) == text)
    }
    #expect(try tokenizer.ids(of: "walking").count <= 2)
  }

  @Test("the sum of the probabilities of all ways to cut is what was counted, and digamma is its known values")
  func expectation() throws {
    let gamma = 0.577_215_664_901_532_9
    #expect(abs(UnigramVocabulary.digamma(1) + gamma) < 1e-7)
    #expect(abs(UnigramVocabulary.digamma(0.5) + gamma + 2 * log(2)) < 1e-7)
    #expect(abs(UnigramVocabulary.digamma(100) - (log(100) - 0.005 - 1 / 120_000.0)) < 1e-9)
    let text = UnigramText(try Self.words("abab abab ab\n"), UnigramTrainer())
    let vocabulary = UnigramSeeds.find(in: text, limit: 1000, maximumLength: 16)
    let expected = UnigramExpectation.counts(text, vocabulary, threads: 1)
    // Every character is covered exactly once by the pieces of any way to cut.
    let covered = zip(expected, vocabulary.lengths).reduce(0) { $0 + $1.0 * Double($1.1) }
    #expect(abs(covered - Double(text.total)) < 1e-3)
  }

  @Test("any number of threads gives the same file, and a stopped run goes on to the same file")
  func repeatability() throws {
    let words = try Self.words(Self.text)
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var trainer = UnigramTrainer(vocabularySize: 60)
    trainer.threads = 1
    let expected = try trainer.train(on: words).serialized()
    trainer.threads = 4
    #expect(try trainer.train(on: words).serialized() == expected)
    trainer.checkpoint = path
    trainer.progress = {
      if $0.stage == .choosingTokens, FileManager.default.fileExists(atPath: path) { throw CancellationError() }
    }
    #expect(throws: CancellationError.self) { try trainer.train(on: words) }
    #expect(FileManager.default.fileExists(atPath: path))
    trainer.progress = nil
    #expect(try trainer.train(on: words).serialized() == expected)
    #expect(!FileManager.default.fileExists(atPath: path))
    try Data("tessera\u{1}nonsense and more".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: TokenizerError.self) { try trainer.train(on: words) }
  }

  @Test("bytes, symbols, digits and required characters are as asked for")
  func options() throws {
    var trainer = UnigramTrainer(vocabularySize: 340)
    trainer.usesByteFallback = true
    trainer.userDefinedSymbols = ["token"]
    trainer.controlSymbols = ["<mask>"]
    trainer.splitsDigits = true
    trainer.requiredCharacters = ["\u{2615}"]
    let model = try trainer.train(on: try Self.words(Self.text))
    #expect(model.pieces[3].text == "<mask>")
    #expect(model.pieces[4].kind == .userDefined)
    #expect(model.pieces.filter { $0.kind == .byte }.count == 256)
    let normal = model.pieces.filter { $0.kind == .normal }.map(\.text)
    #expect(normal.contains("\u{2615}"))
    #expect(!normal.contains { $0.contains("12") || $0.contains("token") })
    let tokenizer = try TextTokenizer(bytes: model.serialized())
    let text = "tokens 12 \u{1F600}"
    #expect(tokenizer.decode(try tokenizer.encode(text).ids) == text)
    // The same model as a tokenizer.json.
    let json = try TextTokenizer(bytes: Array(try huggingFaceJSON(from: model).text().utf8))
    #expect(json.vocabularySize == model.pieces.count)
  }

  @Test("a vocabulary too small for the characters, and impossible options, are refused")
  func refusals() throws {
    let words = try Self.words(Self.text)
    #expect(throws: TokenizerError.self) { try UnigramTrainer(vocabularySize: 10).train(on: words) }
    var trainer = UnigramTrainer(vocabularySize: 100)
    trainer.shrinkingFactor = 1
    #expect(throws: TokenizerError.self) { try trainer.train(on: words) }
    trainer = UnigramTrainer(vocabularySize: 100)
    trainer.maximumPieceLength = 0
    #expect(throws: TokenizerError.self) { try trainer.train(on: words) }
    trainer = UnigramTrainer(vocabularySize: 100)
    trainer.userDefinedSymbols = ["<s>"]
    #expect(throws: TokenizerError.self) { try trainer.train(on: words) }
  }
}
