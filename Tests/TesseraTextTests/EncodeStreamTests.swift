import Foundation
import Testing

@testable import TesseraText
@testable import tessera

/// Texts that come in parts, and texts that several threads share: both are cut, and the ids must not tell.
@Suite("Texts in parts")
struct EncodeStreamTests {
  /// Compares the ids of a text that comes in random parts, and of one that is cut for threads, with those of the whole.
  ///
  /// - Returns: whether all are equal.
  static func check(
    _ tokenizer: TextTokenizer, _ text: String, _ random: inout SplitMix64,
    special: TextTokenizer.SpecialTokensInText? = nil
  ) throws -> Bool {
    guard let expected = try? tokenizer.ids(of: text, specialTokensInText: special) else { return true }
    let bytes = Array(text.utf8)
    let longest = [1, 3, 12, 100][Int(random.next() % 4)]
    var stream = tokenizer.encodeStream(specialTokensInText: special)
    var taken: [UInt32] = []
    var start = 0
    while start < bytes.count {
      let end = min(start + 1 + Int(random.next() % UInt64(longest)), bytes.count)
      try stream.append(utf8: bytes[start..<end])
      start = end
      if random.next() % 4 == 0 { taken += stream.takeFinalIDs() }
      guard random.next() % 8 == 0, let soFar = String(validating: bytes[..<end], as: UTF8.self) else { continue }
      guard let now = try? tokenizer.ids(of: soFar, specialTokensInText: special) else { continue }
      if try taken + stream.ids() != now {
        return report("at byte \(end)", tokenizer, soFar, try taken + stream.ids(), now)
      }
      #expect(try taken.count + stream.count() == now.count)
    }
    let found = try taken + stream.ids()
    if found != expected { return report("in parts", tokenizer, text, found, expected) }
    let shared = try bytes.withUnsafeBufferPointer {
      try tokenizer.core.ids(
        of: $0, tokenizer.recognizesSpecial(special), threads: 3, part: 1 + Int(random.next() % 40))
    }
    if let shared, shared != expected { return report("shared", tokenizer, text, shared, expected) }
    return true
  }

  private static func report(
    _ what: String, _ tokenizer: TextTokenizer, _ text: String, _ found: [UInt32], _ expected: [UInt32]
  ) -> Bool {
    Issue.record("\(what): \(text.debugDescription)\nfound    \(found)\nexpected \(expected)")
    return false
  }

  @Test("the texts of every fixture, cut anywhere", arguments: TextParityTests.names("cases"))
  func fixtures(name: String) throws {
    let file = try TextParityTests.read("cases/\(name)")
    let tokenizerName = try #require(file["tokenizer"]?.stringValue)
    let isFetched = file["fetched"]?.boolValue ?? false
    let path =
      isFetched
      ? TextParityTests.root.appendingPathComponent(".deps/vocabularies/\(tokenizerName)").path
      : TextParityTests.fixtures.appendingPathComponent("tokenizers/\(tokenizerName)").path
    if isFetched, !FileManager.default.fileExists(atPath: path) { return }
    let arguments = (file["arguments"]?.arrayValue ?? []).compactMap(\.stringValue)
    let tokenizer = try TokenizerOptions.parse(["--tokenizer", path] + arguments).load()
    if case .bpe(let model) = tokenizer.core.description.model, model.dropout ?? 0 > 0 { return }
    let texts = (file["cases"]?.arrayValue ?? []).compactMap { $0["in"]?["text"]?.stringValue }
    var random = SplitMix64(seed: 17)
    for index in texts.indices where index % 2 == 0 {
      // Several cases one after the other are a text as well, with more places to cut.
      let text = index % 6 == 0 ? texts[index...].prefix(4).joined(separator: " ") : texts[index]
      let special: TextTokenizer.SpecialTokensInText? = index % 5 == 0 ? .text : nil
      guard try Self.check(tokenizer, text, &random, special: special) else { return }
    }
  }

  @Test("what is final does not wait: the tail of plain text stays short")
  func memory() throws {
    let tokenizer = try IDEngineTests.tokenizer()
    for text in ["Some words, one after another. ", "Предложение из слов, и ещё. ", "東京都千代田区で、日本語の文章。"] {
      var stream = tokenizer.encodeStream()
      var count = 0
      for _ in 0..<3000 {
        for character in text { try stream.append(String(character)) }
        #expect(stream.waitingByteCount < 64)
        count += stream.takeFinalIDs().count
      }
      #expect(try count + stream.count() == tokenizer.count(String(repeating: text, count: 3000)))
    }
  }

  @Test("text without a place to cut waits, and no part looks at what was looked at before")
  func work() throws {
    let tokenizer = try IDEngineTests.tokenizer()
    var stream = tokenizer.encodeStream()
    let text = String(repeating: "a", count: 1000)
    for _ in 0..<2000 { try stream.append(text) }
    #expect(stream.finalCount == 0 && stream.waitingByteCount == 2_000_000)
    for _ in 0..<200_000 { try stream.append("b") }
    #expect(stream.waitingByteCount == 2_200_000)
  }

  @Test(
    "models of sentencepiece and words decide too",
    arguments: ["unigram_plain", "unigram_nmt", "bpe_plain", "bpe_keep_bytes"])
  func decisions(name: String) throws {
    let tokenizer = try TextTokenizer(bytes: try SentencePieceFixtures.model(name))
    var stream = tokenizer.encodeStream()
    // A mark before a blank belongs to it: both wait until there is more, and then no longer. Rules may make anything of it.
    let text = name == "unigram_nmt" ? "some words and no mark " : "some words and a mark\u{2581} "
    for _ in 0..<100 {
      try stream.append(text)
      #expect(stream.waitingByteCount < 200)
    }
    #expect(stream.finalCount > 1000)
    #expect(try stream.ids() == tokenizer.ids(of: String(repeating: text, count: 100)))
  }

  @Test("a copy of a stream goes its own way")
  func copies() throws {
    let tokenizer = try IDEngineTests.tokenizer()
    var stream = tokenizer.encodeStream()
    try stream.append("Hello wor")
    var copy = stream
    try copy.append("k and")
    try stream.append("ld")
    #expect(try stream.ids() == tokenizer.ids(of: "Hello world"))
    #expect(try copy.ids() == tokenizer.ids(of: "Hello work and"))
  }

  @Test("bytes that are no text are refused, and the stream goes on")
  func invalid() throws {
    let tokenizer = try IDEngineTests.tokenizer()
    var stream = tokenizer.encodeStream()
    try stream.append("one two")
    for bytes: [UInt8] in [
      [0xFF], [0xC3, 0x28], [0x80], [0xE0, 0x80], [0xED, 0xA0], [0xF5], [0xF0, 0x80], [0x61, 0xC0],
    ] {
      #expect(throws: TokenizerError.self) { try stream.append(utf8: bytes) }
    }
    try stream.append(utf8: [0xF0, 0x9F])
    #expect(try stream.ids() == tokenizer.ids(of: "one two"))
    #expect(throws: TokenizerError.self) { try stream.append(" three") }
    #expect(throws: TokenizerError.self) { try stream.append(utf8: [0x20]) }
    try stream.append(utf8: [0x98, 0x80])
    try stream.append("!")
    #expect(try stream.ids() == tokenizer.ids(of: "one two😀!"))
  }
}
