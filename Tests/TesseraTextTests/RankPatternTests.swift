import Testing

@testable import TesseraText

@Suite("Patterns of rank vocabularies")
struct RankPatternTests {
  @Test(
    "what the other engine means otherwise is written otherwise",
    arguments: [
      (#"\p{N}{1,3}+| ?x++"#, #"(?>\p{N}{1,3})| ?x++"#), ("a{3}?b{2,}?", "a{3}b{2,}?"), ("(ab|c){2}+", "(?>(ab|c){2})"),
      (#"\s++$|^x|\$"#, #"\s++\z|\Ax|\$"#), ("(?m:^a$)$", #"(?:^a$)\z"#), ("(?s).(?i-s:.)", "(?m).(?i-m:.)"),
      (#"(?P<n>\pL)\P{Script=Han}\u{1F600}\x41"#, #"(?<n>\p{L})\P{Han}\x{1F600}\x{41}"#),
      ("[]a[:alpha:][^b&&c]]+", #"[\]a[A-Za-z][^b&&c]]+"#), (#"(?i:'s)(?!\S)(?>a)"#, #"(?i:'s)(?!\S)(?>a)"#),
    ])
  func writing(pattern: String, expected: String) {
    let written = RankPattern.oniguruma(pattern)
    // A group that only turned a flag on is an empty list of flags here.
    #expect(written?.replacing("(?m:", with: "(?:") == expected.replacing("(?m:", with: "(?:"))
  }

  @Test("set differences and swapped greed have no form there", arguments: ["[a--b]", "[a~~b]", "(?U:a+)", "(?R)a"])
  func unsayable(pattern: String) { #expect(RankPattern.oniguruma(pattern) == nil) }

  @Test("both engines cut alike", arguments: [#"\p{L}{2,3}+a|\p{N}{2}?|\s++$|[[:punct:]]+"#, "(?s:a.)|(?m:^b$)|.$"])
  func engines(pattern: String) throws {
    let rust = try SplitPattern(pattern, dialect: .rust)
    let other = try SplitPattern(try #require(RankPattern.oniguruma(pattern)), dialect: .oniguruma)
    for text in ["abca1234 \n", "a\nb\nb", "xyza  ", "++<>ä1", "b"] {
      Array(text.utf8).withUnsafeBufferPointer { bytes in
        var (left, right): ([Range<Int>], [Range<Int>]) = ([], [])
        rust.forEachMatch(in: bytes) { left.append($0) }
        other.forEachMatch(in: bytes) { right.append($0) }
        #expect(left == right, "\(pattern) on \(text)")
      }
    }
  }

  /// The 256 bytes as a rank file.
  static let bytes: [UInt8] = (0...255).flatMap { byte in
    var line: [UInt8] = []
    Base64.append([UInt8(byte)][...], to: &line)
    return line + Array(" \(byte)\n".utf8)
  }

  @Test("what the pattern leaves out is left out, and special tokens keep their ids when written")
  func written() throws {
    let tokenizer = try TextTokenizer(
      tiktoken: Self.bytes, pattern: #"\p{L}+"#, specialTokens: [(text: "<|a|>", id: 300), (text: "<|b|>", id: 999)])
    #expect(try tokenizer.ids(of: "a 1b") == [97, 98])
    let back = try TextTokenizer(bytes: tokenizer.tokenizerJSON())
    #expect(back.id(of: "<|b|>") == 999 && back.id(of: "<|a|>") == 300)
    #expect(try back.ids(of: "a 1b<|b|>") == [97, 98, 999])
  }

  @Test("what a tokenizer.json cannot say is refused, not written wrongly")
  func unwritable() throws {
    let clash = try TextTokenizer(tiktoken: Self.bytes, pattern: ".", specialTokens: [(text: "é", id: 300)])
    #expect(throws: TokenizerError.self) { try clash.tokenizerJSON() }
    let pattern = try TextTokenizer(tiktoken: Self.bytes, pattern: "[a-z--b]+|.", specialTokens: [])
    #expect(try pattern.ids(of: "ab") == [97, 98])
    #expect(throws: TokenizerError.self) { try pattern.tokenizerJSON() }
  }
}
