import Foundation
import Testing

@testable import TesseraText

@Suite("Split patterns")
struct SplitPatternTests {
  private static func matches(_ pattern: SplitPattern, _ text: [UInt8]) -> [Range<Int>] {
    var found: [Range<Int>] = []
    text.withUnsafeBufferPointer { bytes in pattern.forEachMatch(in: bytes) { found.append($0) } }
    return found
  }

  private static func pieces(_ source: String, _ text: String, _ dialect: SplitPattern.Dialect) throws -> [String] {
    let bytes = Array(text.utf8)
    return matches(try SplitPattern(source, dialect: dialect), bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test("every fixture of the reference libraries is cut alike: by scanners, by the machine, with and without memory")
  func fixtures() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Fixtures/pattern/cases.json")
    let groups = try #require(try JSON(parsing: Array(Data(contentsOf: file))).arrayValue)
    var count = 0
    for group in groups {
      let source = try #require(group["pattern"]?.stringValue)
      let dialect: SplitPattern.Dialect = group["dialect"]?.stringValue == "rust" ? .rust : .oniguruma
      let known = try SplitPattern(source, dialect: dialect)
      let general = try SplitPattern(source, dialect: dialect, usesScanner: false)
      var remembering = general
      remembering.alwaysRemembers = true
      for item in try #require(group["cases"]?.arrayValue) {
        let text = try #require(item.arrayValue?.first?.stringValue)
        let lengths = try #require(item.arrayValue?.last?.arrayValue).compactMap(\.integerValue)
        var (position, expected): (Int, [Range<Int>]) = (0, [])
        for length in lengths {
          if length > 0 { expected.append(position..<position + length) }
          position += abs(length)
        }
        let bytes = Array(text.utf8)
        for pattern in [known, general, remembering] {
          #expect(Self.matches(pattern, bytes).filter { !$0.isEmpty } == expected, "\(source) on \(text)")
        }
        count += 1
      }
    }
    #expect(count > 3000)
  }

  @Test("each scanner finds what the machine finds, on random hard text")
  func scanners() throws {
    var text = HardText(seed: 42)
    for source in KnownPattern.all.keys.sorted() {
      for dialect in [SplitPattern.Dialect.oniguruma, .rust] {
        let known = try SplitPattern(source, dialect: dialect)
        guard known.isKnown else { continue }
        let general = try SplitPattern(source, dialect: dialect, usesScanner: false)
        for _ in 0..<400 {
          let bytes = text.next()
          #expect(
            Self.matches(known, bytes) == Self.matches(general, bytes),
            "\(source) on \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
      }
    }
  }

  @Test("the machine finds the same whether or not it remembers")
  func memory() throws {
    var text = HardText(seed: 7)
    let sources = [
      #"(?:a|ab)(?:c|bcd)*|(?=\s*x)\s|(?<!\s)b+?"#, #"(?>a+b|a)c?|(?!.*s)\w"#, #"(?:\s|\S\s)*?x|(?=(?:a|b)*c)\w+"#,
      #"(?>(?:a|b)+|\p{L})(?=\s|.*1)"#,
    ]
    for source in sources {
      let plain = try SplitPattern(source, dialect: .oniguruma)
      var remembering = plain
      remembering.alwaysRemembers = true
      for _ in 0..<500 {
        let bytes = text.next()
        #expect(Self.matches(plain, bytes) == Self.matches(remembering, bytes), "\(source)")
      }
    }
  }

  @Test("empty matches are given, but not right behind another match")
  func emptyMatches() throws {
    #expect(Self.matches(try SplitPattern("a*", dialect: .oniguruma), Array("baac".utf8)) == [0..<0, 1..<3, 4..<4])
    #expect(Self.matches(try SplitPattern(#"\b"#, dialect: .rust), Array("ab c".utf8)) == [0..<0, 2..<2, 3..<3, 4..<4])
    #expect(Self.matches(try SplitPattern("", dialect: .rust), Array("é".utf8)) == [0..<0, 2..<2])
  }

  @Test("the two dialects read the same text each in its own way")
  func dialects() throws {
    #expect(try Self.pieces("(?m).", "a\nb", .oniguruma) == ["a", "\n", "b"])
    #expect(try Self.pieces("(?m).", "a\nb", .rust) == ["a", "b"])
    #expect(try Self.pieces("a{1,2}+", "aaaaa", .oniguruma) == ["aaaaa"])
    #expect(try Self.pieces("a{1,2}+", "aaaaa", .rust) == ["aa", "aa", "a"])
    #expect(try Self.pieces("a(?i)b|c", "aB aC c", .oniguruma) == ["aB", "aC"])
    #expect(try Self.pieces("a(?i)b|c", "aB aC c", .rust) == ["aB", "C", "c"])
    #expect(try Self.pieces("(?i)ss", "ß ſs", .oniguruma) == ["ß", "ſs"])
    #expect(try Self.pieces("(?i)ss", "ß ſs", .rust) == ["ſs"])
    #expect(try Self.pieces("^b", "a\nb", .oniguruma) == ["b"])
    #expect(try Self.pieces("^b", "a\nb", .rust) == [])
    #expect(try Self.pieces(#"\w"#, "½", .oniguruma) == ["½"])
    #expect(try Self.pieces(#"[\w]"#, "½", .oniguruma) == [])
  }

  @Test("what follows an atomic group does not steer the choice inside of it")
  func atomicChoice() throws {
    #expect(try Self.pieces(#"(?>|\w)st|\w"#, "ﬆst", .rust) == ["ﬆ", "st"])
    #expect(try Self.pieces("(?>a|ab)c|b", "abc", .oniguruma) == ["b"])
  }

  @Test("a literal matches its own text and nothing else")
  func literal() throws {
    let text = Array("a.b a+b.a.b".utf8)
    #expect(Self.matches(try SplitPattern.literal("a.b"), text) == [0..<3, 8..<11])
  }

  @Test("BERT drops blanks and sets punctuation apart")
  func bert() {
    let text = Array("Hi, a$b\u{2028}«x»\t\u{A0}漢".utf8)
    var pieces: [String] = []
    text.withUnsafeBufferPointer { bytes in
      SplitPattern.bert.forEachMatch(in: bytes) { pieces.append(String(decoding: bytes[$0], as: UTF8.self)) }
    }
    #expect(pieces == ["Hi", ",", "a", "$", "b", "«", "x", "»", "漢"])
  }

  @Test("what is malformed or unsupported is refused with its place")
  func refusals() {
    let cases: [(String, TokenizerError.Kind, Int)] = [
      ("ab(c", .malformed, 3), ("a)", .malformed, 2), ("[a", .malformed, 1), ("*a", .malformed, 1),
      ("[b-a]", .malformed, 2), (#"a\"#, .malformed, 2), (#"\p{L"#, .malformed, 1), ("(?z)", .malformed, 3),
      (#"(a)\1"#, .unsupported, 4), (#"(?<n>a)\k<n>"#, .unsupported, 8), (#"\g<1>(a)"#, .unsupported, 1),
      (#"\p{Klingon}"#, .unsupported, 1), ("(?~a)", .unsupported, 1), (#"\Ga"#, .unsupported, 1),
      (#"\x{110000}"#, .malformed, 1), ("a{100001}", .limitExceeded, 2),
    ]
    for (source, kind, column) in cases {
      #expect("\(source)") {
        try SplitPattern(source, dialect: .oniguruma)
      } throws: { error in
        let error = error as? TokenizerError
        return error?.kind == kind && error?.place == .position(line: 1, column: column)
      }
    }
  }

  @Test("patterns that would grow without bound are refused")
  func hostilePatterns() {
    let sources = [
      "(?:(?:x{1000}y){1000}){1000}", "(?:(?:(?:){100000}){100000}){100000}",
      String(repeating: "(", count: 100_000), String(repeating: "[", count: 100_000),
      String(repeating: "(?:a|", count: 100_000), "a" + String(repeating: "*", count: 100_000),
      "(?:" + String(repeating: "a?", count: 40_000) + "){5}",
    ]
    for source in sources {
      for dialect in [SplitPattern.Dialect.oniguruma, .rust] {
        #expect(throws: TokenizerError.self) { try SplitPattern(source, dialect: dialect) }
      }
    }
  }

  @Test("text that makes backtracking explode is done in a moment")
  func worstCases() throws {
    let run = [UInt8](repeating: 0x61, count: 40_000)
    for source in ["a*b", "(?:a*)*b", "(?:a|aa)+b", "a*b|a", "(?=a*b)a", "(?<=b.*)a", "(?>(?:a|b)*)c", "(?:a?){20}b"] {
      let found = Self.matches(try SplitPattern(source, dialect: .oniguruma), run)
      #expect(found.count == (source == "a*b|a" ? run.count : 0), "\(source)")
    }
  }

  @Test("bytes that are not UTF-8 neither trap nor hide what is around them")
  func brokenText() throws {
    var random = SeededGenerator(state: 3)
    for source in [#"\p{L}+|\s+(?!\S)|."#, #"(?<=\w)[^a]+?x|(?<!é)."#, #"\w+|[^\w\s]+"#] {
      let pattern = try SplitPattern(source, dialect: .oniguruma)
      for _ in 0..<300 {
        let bytes = (0..<12).map { _ in
          [0x61, 0x20, 0xC3, 0xA9, 0xE4, 0x80, 0xF4, 0xFF][Int(random.next() % 8)] as UInt8
        }
        var end = 0
        for range in Self.matches(pattern, bytes) {
          #expect(range.lowerBound >= end && range.upperBound <= bytes.count)
          end = range.upperBound
        }
      }
    }
  }
}

/// A small generator with a seed, so that a failure comes back.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}

/// Random text from the scalars that tell split patterns apart.
struct HardText {
  private static let parts: [String] = [
    "a", "b", "c", "s", "t", "S", "K", "é", "e\u{301}", "\u{301}", "Ж", "ж", "ا", "漢", "か", "カ", "ー", "한", "ก", "😀",
    "👨\u{200D}👩", "🏳\u{FE0F}", "\r", "\n", "\r\n", " ", "  ", "\t", "\0", "\u{B}", "\u{C}", "\u{85}", "\u{2028}",
    "\u{FEFF}", "\u{200B}", "\u{A0}", "\u{3000}", "\u{1C}", "\u{1F}", "1", "2", "٣", "Ⅷ", "½", "²", "㊿", "〇", "⺀",
    "\u{378}", "\u{E000}", "\u{E0001}", "'", "’", "'s", "'S", "'ll", "'RE", "'\u{17F}", "\u{17F}", "\u{212A}", "ß", "ŉ",
    "İ", "ǅ", "ʰ", "𝐀", "𐐀", "_", "-", "$", "+", "/", "//", ".", "!", "(", "{", "«", "، ", "x", "Z", "\u{488}",
    "\u{903}",
  ]
  private var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(state: seed) }

  mutating func next() -> [UInt8] {
    var text = ""
    for _ in 0..<Int.random(in: 0...14, using: &generator) {
      if Int.random(in: 0..<8, using: &generator) == 0 {
        let value = UInt32.random(in: 0x80..<0x1_2000, using: &generator)
        if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
      } else {
        text += Self.parts.randomElement(using: &generator) ?? ""
      }
    }
    return Array(text.utf8)
  }
}
