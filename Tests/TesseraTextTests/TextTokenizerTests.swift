import Testing

@testable import TesseraText

@Suite("Text tokenizers")
struct TextTokenizerTests {
  /// A byte-pair encoding of a few letters with one special and one stripping token.
  static let characters = #"""
    {"version":"1.0","truncation":null,"padding":null,"added_tokens":[
      {"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
      {"id":9,"content":"<m>","single_word":false,"lstrip":true,"rstrip":true,"normalized":false,"special":true}],
     "normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"Whitespace"},"post_processor":null,
     "decoder":{"type":"Fuse"},"note":{"kept":[1,2]},
     "model":{"type":"BPE","dropout":null,"unk_token":"<unk>","continuing_subword_prefix":null,
       "end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":false,"ignore_merges":false,
       "vocab":{"<unk>":0,"a":1,"b":2,"c":3,"ab":4,"abc":5,"bc":6},"merges":["a b",["ab","c"],"b c"]}}
    """#

  static func tokenizer() throws -> TextTokenizer { try TextTokenizer(bytes: Array(characters.utf8)) }

  @Test("merges the lowest rank first and counts offsets in scalars of the input")
  func encoding() throws {
    let encoding = try Self.tokenizer().encode("ABC é bca")
    #expect(encoding.ids == [5, 0, 6, 1])
    #expect(encoding.tokens == ["abc", "<unk>", "bc", "a"])
    #expect(encoding.offsets == [0..<3, 4..<5, 6..<8, 8..<9])
    #expect(encoding.wordIDs == [0, 1, 2, 2])
  }

  @Test("neighbouring unknown characters become one token when the model says so")
  func fusing() throws {
    #expect(try Self.tokenizer().encode("xyz").ids == [0])
  }

  @Test("an added token takes the white space around it and gets the first free id, as in the reference")
  func addedTokens() throws {
    let encoding = try Self.tokenizer().encode("a <m> b")
    #expect(encoding.ids == [1, 7, 2])
    #expect(encoding.offsets == [0..<1, 1..<6, 6..<7])
    var options = TextTokenizer.EncodeOptions()
    options.specialTokensInText = .text
    #expect(try Self.tokenizer().encode("a<m>", options: options).ids.contains(7) == false)
  }

  @Test("what is written is read back as the same tokenizer, unknown keys included")
  func roundTrip() throws {
    let first = try Self.tokenizer()
    let second = try TextTokenizer(bytes: first.tokenizerJSON())
    #expect(try second.tokenizerJSON() == first.tokenizerJSON())
    #expect(try JSON(parsing: second.tokenizerJSON())["note"]?["kept"] == [1, 2])
    #expect(try second.encode("abc <m> cab").ids == first.encode("abc <m> cab").ids)
  }

  @Test("a file cut at any byte gives a typed error")
  func truncatedFile() {
    let bytes = Array(Self.characters.utf8)
    for length in 0..<bytes.count - 6 {
      #expect(throws: TokenizerError.self) { try TextTokenizer(bytes: Array(bytes[..<length])) }
    }
  }

  @Test("an error names the key and what was expected")
  func errors() throws {
    let broken = Self.characters.replacing("[\"ab\",\"c\"]", with: "[\"ab\",\"zz\"]")
    let error = #expect(throws: TokenizerError.self) { try TextTokenizer(bytes: Array(broken.utf8)) }
    #expect(error?.place == .key("model.merges[1]"))
    #expect(error?.message.contains("'zz'") == true)
    let missing = #expect(throws: TokenizerError.self) { try TextTokenizer(contentsOf: "/nowhere/tokenizer.json") }
    #expect(missing?.kind == .inputOutput)
    #expect(missing?.file == "/nowhere/tokenizer.json")
  }

  @Test("truncation leaves room for nothing it cannot cut, and windows overlap by the stride")
  func truncation() throws {
    var options = TextTokenizer.EncodeOptions()
    options.truncation = Truncation(maximumLength: 3, stride: 1)
    let encoding = try Self.tokenizer().encode("a b c a b", options: options)
    #expect(encoding.ids == [1, 2, 3])
    #expect(encoding.overflowing.map(\.ids) == [[3, 1, 2]])
    options.truncation = Truncation(maximumLength: 2, stride: 3)
    #expect(throws: TokenizerError.self) { try Self.tokenizer().encode("a b c", options: options) }
  }

  @Test("a trained byte-level tokenizer gives back any bytes exactly, and streams the same text")
  func byteLevelRoundTrip() throws {
    let corpus = Array("the cat and the dog and the bird — über allen Gipfeln ist Ruh".utf8)
    let tokenizer = try TextTokenizer.trainByteLevelBPE(
      on: [{ corpus }], with: BPETrainer(vocabularySize: 300), specialTokens: ["<|end|>"])
    let text = "the bird 🐦 über\r\n\u{0} e\u{301}"
    let encoding = try tokenizer.encode(text)
    #expect(Array(tokenizer.decode(encoding.ids).utf8) == Array(text.utf8))
    let invalid: [UInt8] = [0x74, 0x68, 0x65, 0xFF, 0xC3, 0x20, 0xE2, 0x82]
    #expect(tokenizer.decodeBytes(try tokenizer.encode(bytes: invalid).ids) == invalid)
    var stream = tokenizer.decodeStream()
    let streamed = try encoding.ids.compactMap { try stream.next($0) }.joined()
    #expect(Array(streamed.utf8) == Array(text.utf8))
  }

  @Test("a batch on several threads equals one text after the other")
  func batch() throws {
    let tokenizer = try Self.tokenizer()
    let inputs = (0..<200).map { TextTokenizer.Input(String(repeating: "abc b ", count: $0 % 7)) }
    let batch = try tokenizer.encode(batch: inputs, threads: 4)
    #expect(try batch == inputs.map { try tokenizer.encode($0.text) })
  }

  @Test("behind a template every part but the first is the second sequence of a BERT processor")
  func processorsInSequence() throws {
    let processor = #"""
      {"type":"Sequence","processors":[{"type":"TemplateProcessing",
        "single":[{"Sequence":{"id":"A","type_id":0}}],
        "pair":[{"SpecialToken":{"id":"a","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
          {"Sequence":{"id":"B","type_id":1}}],
        "special_tokens":{"a":{"id":"a","ids":[1],"tokens":["a"]}}},
        {"type":"BertProcessing","sep":["c",3],"cls":["b",2]}]}
      """#
    let file = Self.characters.replacing("\"post_processor\":null", with: "\"post_processor\":\(processor)")
    let encoding = try TextTokenizer(bytes: Array(file.utf8)).encode("ab", pair: "bc")
    // What tokenizers 0.23.3 gives for the same file.
    #expect(encoding.ids == [2, 1, 3, 4, 3, 6, 3])
    #expect(encoding.typeIDs == [0, 0, 0, 0, 1, 1, 1])
  }

  @Test("long words take the heap and give the same tokens as short ones", arguments: [39, 40, 41, 42, 1000])
  func longWords(count: Int) throws {
    let ids = try Self.tokenizer().encode(String(repeating: "abc", count: count)).ids
    #expect(ids == [UInt32](repeating: 5, count: count))
  }
}

@Suite("Patterns of tokenizer files")
struct TokenizerPatternTests {
  func matches(_ pattern: String, _ text: String) throws -> [String] {
    let pattern = try SplitPattern(pattern, dialect: .oniguruma)
    var result: [String] = []
    let bytes = Array(text.utf8)
    bytes.withUnsafeBufferPointer { buffer in
      pattern.forEachMatch(in: buffer) { result.append(String(decoding: bytes[$0], as: UTF8.self)) }
    }
    return result
  }

  @Test("quantifiers, look-around, atomic groups and case")
  func syntax() throws {
    #expect(try matches("a+?", "aaa") == ["a", "a", "a"])
    #expect(try matches("a++a", "aaa") == [])
    #expect(try matches("(?>a|ab)c", "abc ac") == ["ac"])
    #expect(try matches(#"\s+(?!\S)|\s+"#, "a   b") == ["  ", " "])
    #expect(try matches("(?<=x)[0-9]{1,3}", "x12345 y1") == ["123"])
    #expect(try matches("(?i:'s)", "'S 's '\u{17F}") == ["'S", "'s", "'\u{17F}"])
    #expect(try matches("[\\p{L}&&[^a-c]]+", "abcdé") == ["dé"])
    #expect(try matches("(ab|a)(c|bcd)?", "abcd") == ["abc"])
    #expect(try matches("x*", "ax") == ["", "x"])
    // Oniguruma reads bounds in the wrong order as a possessive interval, and looks behind at any length.
    #expect(try matches("a{2,1}", "aaaa") == ["aa", "aa"])
    #expect(try matches("(?<=a+)b", "aab b") == ["b"])
  }

  @Test("nothing matches in an empty text, not even a pattern that can be empty")
  func emptyText() throws {
    #expect(try matches(#"\s*"#, "") == [])
    let decoder: JSON = [
      "type": "Sequence",
      "decoders": [
        ["type": "ByteLevel"], ["type": "Replace", "pattern": ["Regex": "\\s*"], "content": " "],
      ],
    ]
    #expect(try Stage.decode([], with: decoder) == "")
  }

  @Test(
    "what is not supported or malformed is refused with its column",
    arguments: ["(a", "a)", "[a", "*a", #"(a)\1"#, "\\p{Nope}"])
  func refused(pattern: String) {
    #expect(throws: TokenizerError.self) { try SplitPattern(pattern, dialect: .oniguruma) }
  }

  @Test("hostile patterns are refused, not compiled")
  func hostile() {
    #expect(throws: TokenizerError.self) {
      try SplitPattern(String(repeating: "(", count: 1_000_000), dialect: .oniguruma)
    }
    #expect(throws: TokenizerError.self) { try SplitPattern("((ab){1000}){1000}", dialect: .oniguruma) }
  }

  @Test("patterns that make backtracking engines explode take few steps here")
  func linearTime() throws {
    let text = String(repeating: "a", count: 20_000)
    #expect(try matches("(a|a)*b", text) == [])
    #expect(try matches("(a*)*b", text) == [])
  }
}
