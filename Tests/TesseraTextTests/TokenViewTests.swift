import TesseraText
import Testing

@testable import tessera

@Suite("What a terminal shows")
struct TokenViewTests {
  @Test(
    "text is as wide as a terminal draws it",
    arguments: [
      ("abc", 3), ("東京", 4), ("ｱ", 1), ("e\u{301}", 1), ("👩‍👩‍👧", 2), ("🇩🇪", 2), ("❤\u{FE0F}", 2), ("각", 2),
      ("\u{1100}\u{1161}", 2),
      ("ป่า", 2), ("\u{AD}", 1), ("", 0),
    ])
  func widths(text: String, columns: Int) { #expect(DisplayWidth.of(text) == columns) }

  @Test("as much of a text is taken as fits")
  func prefixes() {
    #expect(DisplayWidth.prefix(of: "a東京", columns: 4) == "a東")
    #expect(DisplayWidth.padded("東", to: 4) == "東  ")
  }

  @Test("control characters are visible, and a mark does not fall on the token before")
  func controls() {
    #expect(TokenView.visible("a\u{0}\t\u{7F}\n") == "a\u{2400}\u{21E5} \u{2421}\u{23CE}\n")
    #expect(TokenView.visible("\u{301}x").unicodeScalars.first == "\u{25CC}")
    #expect(TokenView.visible("\u{202E}") == "<U+202E>")
  }

  func view(_ text: String) throws -> TokenView {
    let tokenizer = try TextTokenizer(bytes: Array(TextTokenizerTests.characters.utf8))
    return TokenView(text, try tokenizer.encode(text), tokenizer)
  }

  @Test("without colours bars stand between the tokens, and nothing of the text is lost")
  func plain() throws {
    #expect(try view("abc ab").lines(columns: nil, hasColors: false, showsIDs: false) == ["abc| |ab"])
    #expect(try view("ab").lines(columns: nil, hasColors: false, showsIDs: true) == ["ab[4]"])
  }

  @Test("neighbours have different backgrounds, special tokens a third look, and every line ends reset")
  func colors() throws {
    let lines = try view("ababc<m>").lines(columns: 4, hasColors: true, showsIDs: false)
    #expect(lines.count == 2)
    #expect(lines.allSatisfy { $0.hasSuffix("\u{1B}[0m") })
    #expect(lines.joined().contains("48;5;153m") && lines.joined().contains("48;5;223m"))
    #expect(lines.joined().contains("48;5;90m"))
  }

  @Test("a line is as wide as the terminal at most", arguments: [1, 2, 7, 20])
  func wrapping(columns: Int) throws {
    let text = "abc 東京 ab 👩‍👩‍👧 c\u{301} <m> abcabc"
    for line in try view(text).lines(columns: columns, hasColors: false, showsIDs: true) {
      #expect(DisplayWidth.of(line) <= max(columns, 2))
    }
  }

  @Test("a line of progress tells rate and time left once they mean something")
  func progress() {
    let early = ProgressLine.line(label: "reading", done: 1_500_000, total: 3_000_000, unit: "B", seconds: 0.1)
    #expect(early == "reading  50 %  1.5 MB of 3.0 MB")
    let later = ProgressLine.line(label: "reading", done: 1_500_000, total: 3_000_000, unit: "B", seconds: 3)
    #expect(later == "reading  50 %  1.5 MB of 3.0 MB  500.0 kB/s  3 s left")
    #expect(ProgressLine.line(label: "x", done: 5, total: 0, unit: "files", seconds: 1) == "x  5 files  5 files/s")
  }

  @Test("what a chat line gives is what its template makes")
  func chatLines() throws {
    var plain = ChatLine(tokenizer: nil, shared: nil)
    #expect(try plain.answer(["template": "{{ a }}{{ bos_token }}", "context": ["a": 1]]) == ["text": "1"])
    #expect(throws: TokenizerError.self) { try plain.answer(["context": [:]]) }
    var tokenizer = try TextTokenizer(bytes: Array(TextTokenizerTests.characters.utf8))
    tokenizer.chatConfiguration.templates = [("default", "{{ bos_token }}{{ messages[0].content }}"), ("b", "B")]
    tokenizer.chatConfiguration.specialTokens["bos_token"] = "<m>"
    var own = ChatLine(tokenizer: tokenizer, shared: nil)
    own.givesIDs = true
    let messages: JSON = [["role": "user", "content": "ab"]]
    #expect(try own.answer(["messages": messages]) == ["text": "<m>ab", "ids": [7, 4]])
    #expect(try own.answer(["context": ["messages": messages, "bos_token": "c"]])["text"] == "cab")
    #expect(try own.answer(["template_name": "b"])["text"] == "B")
  }
}

@Suite("Oddities of a vocabulary")
struct ReportTests {
  @Test("entries that nothing gives, ids that two share, holes and bytes that are missing are named")
  func oddities() throws {
    let file = #"""
      {"version":"1.0","added_tokens":[{"id":3,"content":"<s>","special":true,"normalized":false}],
       "model":{"type":"BPE","byte_fallback":true,"vocab":{"a":0,"b":1,"ab":2,"ba":2,"abc":6,"<0x41>":7},"merges":["a b"]}}
      """#
    let report = try TextTokenizer(bytes: Array(file.utf8)).report
    #expect(report["unreachable_entries_examples"] == ["2 ba", "6 abc"])
    #expect(report["shadowed_entries_examples"] == ["2 ab"])
    #expect(report["missing_bytes"]?.arrayValue?.count == 255)
    #expect(report["special_tokens"]?.arrayValue?.count == 1)
    let bert = try TextTokenizer(bytes: Array("[UNK]\n[CLS]\n[SEP]\na\nA\na-b\n##b\n##-c\n".utf8))
    #expect(bert.report["unreachable_entries"] == 2, "the vocabulary has upper case: text keeps its case")
  }
}
