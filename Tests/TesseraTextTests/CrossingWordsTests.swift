import Testing

@testable import TesseraText

@Suite("Tokens that cross words")
struct CrossingWordsTests {
  private static let text = String(
    repeating: "One of the first of the many, \u{E4}rger of the rest of the \u{1F600} world.\n", count: 40)

  private static func chunks(_ chunks: RandomChunks, _ text: String) -> [String] {
    var found: [String] = []
    var text = text
    text.withUTF8 { chunks.forEachChunk(in: $0) { found.append(String(decoding: $0, as: UTF8.self)) } }
    return found
  }

  @Test("chunks together are the text, none but the last is too short or long, and a seed gives the same ones")
  func lossless() throws {
    let cutting = try RandomChunks(Supertokens.releasedLengths, seed: 3)
    let found = Self.chunks(cutting, Self.text)
    #expect(found.joined() == Self.text)
    #expect(found.dropLast().allSatisfy { (4...23).contains($0.unicodeScalars.count) })
    #expect((found.last?.unicodeScalars.count ?? 0) <= 23)
    #expect(found == Self.chunks(cutting, Self.text))
    #expect(found != Self.chunks(try RandomChunks(Supertokens.releasedLengths, seed: 4), Self.text))
    #expect(Self.chunks(cutting, "").isEmpty)
    #expect(Self.chunks(cutting, "abc") == ["abc"])
  }

  @Test("lengths follow their weights, which need not add up to one")
  func weights() throws {
    let found = Self.chunks(try RandomChunks("2-2:3,5-5:1", seed: 1), String(repeating: "abcdefghij", count: 2000))
    let share = Double(found.count { $0.count == 2 }) / Double(found.count)
    #expect(abs(share - 0.75) < 0.03)
  }

  @Test("whole runs of seven equal characters are dropped, line ends are not")
  func runs() throws {
    let cutting = try RandomChunks("50-50:1", seed: 1, droppedRun: 7)
    #expect(
      Self.chunks(cutting, "a-------b\u{E4}\u{E4}c----------\n\n\n\n\n\n\n\nd") == [
        "ab\u{E4}\u{E4}c---\n\n\n\n\n\n\n\nd"
      ])
  }

  @Test(
    "a bad distribution is refused by its entry",
    arguments: ["0-3:1", "5-4:1", "4-5:-1", "4-5", "4:1", "", "4-5:0", "a-b:1", "1-2:nan", "1-2:inf"])
  func badLengths(text: String) throws {
    let error = #expect(throws: TokenizerError.self) { try RandomChunks(text, seed: 1) }
    #expect(error?.kind == .invalidRequest)
  }

  @Test("how text was cut comes back from its description")
  func description() throws {
    let cutting = try Supertokens(vocabularySize: 300, seed: .max).cutting()
    #expect(try WordCutting(json: cutting.json).json == cutting.json)
    #expect(cutting.isByteLevel)
  }

  private static func count(_ text: String, _ cutting: WordCutting) -> CountedWords {
    var counts = WordCounts()
    for line in cutting.unit == .document ? [text[...]] : text.split(separator: "\n") {
      var line = String(line) + (cutting.unit == .document ? "" : "\n")
      line.withUTF8 { cutting.forEachWord(in: $0) { counts.add($0) } }
    }
    return CountedWords(sorting: counts)
  }

  private static func supertokens() throws -> TextTokenizer {
    let preset = try Supertokens(vocabularySize: 400)
    let cutting = try preset.cutting()
    return try preset.train(on: count(text, cutting), cutting: cutting)
  }

  private static func superwords() throws -> TextTokenizer {
    let preset = try Superwords(vocabularySize: 360, wordVocabularySize: 290)
    return try preset.train(
      words: count(text, try preset.wordCutting()), lines: count(text, try preset.lineCutting()))
  }

  @Test("both presets make tokens with a space inside, within the bound, and any bytes come back from their files")
  func crossing() throws {
    for tokenizer in [try Self.supertokens(), try Self.superwords()] {
      let tokens = (0..<UInt32(tokenizer.vocabularySize)).filter { id in
        !tokenizer.specialTokens.contains { $0.id == id }
      }
      .compactMap { tokenizer.token(of: $0) }
      #expect(tokens.contains { $0.contains("f\u{120}t") })
      #expect((tokens.map(\.unicodeScalars.count).max() ?? 0) <= 30)
      let read = try TextTokenizer(bytes: try tokenizer.tokenizerJSON())
      for bytes in [Array(Self.text.utf8), Array("x of the".utf8), [], [0xFF, 0x80, 0x20, 0x6F, 0x66], Array(0...255)] {
        let ids = try read.encode(bytes: bytes, options: .init(specialTokensInText: .text)).ids
        #expect(read.decodeBytes(ids, skipSpecialTokens: false) == bytes)
      }
    }
  }

  @Test("the first pass stays inside words and its tokens keep their ids")
  func passes() throws {
    let tokenizer = try Self.superwords()
    let tokens = (0..<UInt32(tokenizer.vocabularySize)).compactMap { tokenizer.token(of: $0) }
    func crosses(_ token: String) -> Bool { token.dropFirst().contains("\u{120}") }
    #expect(!tokens[..<290].contains(where: crosses))
    #expect(tokens[290...].contains(where: crosses))
    #expect(throws: TokenizerError.self) { try Superwords(vocabularySize: 300, wordVocabularySize: 301) }
  }
}
