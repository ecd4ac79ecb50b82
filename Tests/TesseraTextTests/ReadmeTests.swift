import Foundation
import Testing

import TesseraText

/// Every Swift block of README.md stands in this file, in `ReadmeNetworksTests`, or in `ReadmeLabTests`, compiled and run; the test below compares them.
@Suite("The README")
struct ReadmeTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test("its snippets run")
  func snippets() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    for name in ["vocab.json", "merges.txt"] {
      let bytes = try FormatFixtures.bytes("vocabulary/roberta-\(name)")
      try folder.write(name, bytes)
    }
    try folder.write(
      "tokenizer_config.json",
      #"{"bos_token": "<s>", "chat_template": "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}"}"#)
    let text = "Ein Wort, zwei Wörter."
    let copy = "\(path)/copy.json"
    var printed: [String] = []
    func print(_ items: Any..., terminator: String = "\n") {
      printed.append(items.map { "\($0)" }.joined(separator: " ") + terminator)
    }
    do {
      // snippet
      let tokenizer = try TextTokenizer(contentsOf: path)  // a file or a folder, of any format
      let encoding = try tokenizer.encode(text)
      print(encoding.ids)  // [UInt32]
      for token in encoding.tokens(in: text) {
        print(token.id, text[token.range])  // .utf8, .utf16 and .scalars ranges too
      }
      let count = try tokenizer.count(text)
      let back = tokenizer.decode(encoding.ids)

      var stream = tokenizer.decodeStream()
      for id in encoding.ids {
        if let piece = try stream.next(id) { print(piece, terminator: "") }
      }
      // end
      #expect(back == text && count + 2 == encoding.count)
      #expect(printed.suffix(from: encoding.count + 1).joined() == text)
      printed.removeAll()
      // snippet
      let batch = try tokenizer.ids(batch: [text, text, back])  // on all cores, rows in order
      print(batch.idCount, batch[0].count)
      print(try tokenizer.prefix(of: text, tokens: 3))  // not an estimate
      // end
      #expect(printed[0] == "\(3 * count) \(count)\n" && Array(batch[2]) == Array(encoding.ids.dropFirst().dropLast()))
      #expect(text.hasPrefix(printed[1].dropLast()))
      #expect(try tokenizer.count(String(printed[1].dropLast())) == 3)
      printed.removeAll()
      do {
        // snippet
        var stream = tokenizer.encodeStream()
        for part in ["Ein Wort, zw", "ei Wör", "ter."] {
          try stream.append(part)
          print(stream.finalCount, try stream.count())  // ids that nothing can change, ids of the text so far
        }
        print(try stream.ids() == tokenizer.ids(of: text, threads: 2))
        // end
      }
      #expect(printed[2].hasSuffix(" \(count)\n") && !printed[2].hasPrefix("0 ") && printed[3] == "true\n")
      printed.removeAll()
      // snippet
      let conversation: [ChatMessage] = [.system("Be brief."), .user("Hi")]
      let prompt = try tokenizer.chat(conversation, addGenerationPrompt: true)
      print(prompt.ids)  // one start token, not two
      print(try tokenizer.chatText(conversation, addGenerationPrompt: true))
      // end
      #expect(prompt.ids.filter { $0 == 0 }.count == 1 && printed.last == "<s>Be brief.Hi\n")
      printed.removeAll()
      // snippet
      print(tokenizer.id(of: "<s>") ?? 0, tokenizer.token(of: 42) ?? "none")
      for (id, token) in tokenizer.specialTokens { print(id, token.content) }
      let lookup = TokenLookup(encoding)
      print(lookup.token(at: 0) ?? 0)  // the token that covers the first character
      try tokenizer.write(to: copy)  // a tokenizer.json
      // end
      #expect(printed[1] == "0 <s>\n" && printed.last == "1\n")
      #expect(try TextTokenizer(contentsOf: copy).encode(text).ids == encoding.ids)
    }
  }

  /// The lines of a text without their common indentation and without what frames them.
  static func dedented(_ lines: ArraySlice<String>) -> [String] {
    let depth = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    return lines.map { $0.isEmpty ? "" : String($0.dropFirst(depth)) }
  }

  static func blocks(_ lines: [String], from start: String, to end: String) -> [[String]] {
    var result: [[String]] = []
    var open: Int?
    for (index, line) in lines.enumerated() {
      let word = line.trimmingCharacters(in: .whitespaces)
      if let first = open, word == end {
        result.append(dedented(lines[first..<index]))
        open = nil
      } else if open == nil, word == start {
        open = index + 1
      }
    }
    return result
  }

  @Test("its Swift blocks are the ones that run here, letter by letter")
  func blocks() throws {
    func lines(_ url: URL) throws -> [String] {
      String(decoding: try Data(contentsOf: url), as: UTF8.self).split(
        separator: "\n", omittingEmptySubsequences: false
      )
      .map(String.init)
    }
    let shown = Self.blocks(try lines(Self.root.appendingPathComponent("README.md")), from: "```swift", to: "```")
      .map { $0.filter { $0 != "import TesseraText" } }.map { $0.drop { $0.isEmpty } }.map(Array.init)
    let others = ["TesseraNNTests/ReadmeNetworksTests", "TesseraLabTests/ReadmeLabTests"].map {
      Self.root.appendingPathComponent("Tests/\($0).swift")
    }
    let run = try ([URL(fileURLWithPath: #filePath)] + others).flatMap {
      Self.blocks(try lines($0), from: "// snippet", to: "// end")
    }
    #expect(shown.count >= 3)
    #expect(shown == run)
  }
}
