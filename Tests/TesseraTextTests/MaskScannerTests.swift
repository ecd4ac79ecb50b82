import Testing

@testable import TesseraText

@Suite("Mask scanners")
struct MaskScannerTests {
  /// The pieces by blocks of 64 bytes.
  static func pieces<Scanner: MaskScanner>(_ scanner: Scanner, _ text: [UInt8]) -> [Int] {
    text.withUnsafeBufferPointer { text in
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { ends in
        var result: [Int] = []
        var position = 0
        guard let base = ends.baseAddress else { return [] }
        while position < text.count {
          let (count, end) = scanner.fill(text, from: position, base, capacity: 256)
          for index in 0..<count { result.append(Int(ends[index])) }
          position = end
        }
        return result
      }
    }
  }

  /// The pieces one by one; gaps are pieces too.
  static func slowPieces(_ scanner: some PieceScanner, _ text: [UInt8]) -> [Int] {
    var result: [Int] = []
    var last = 0
    text.withUnsafeBufferPointer { text in
      scanner.forEachMatch(in: text) { match in
        if match.lowerBound > last { result.append(match.lowerBound) }
        result.append(match.upperBound)
        last = match.upperBound
      }
    }
    if last < text.count { result.append(text.count) }
    return result
  }

  static let fragments: [String] = [
    "a", "B", "z", "Q", "the", "Don", "IT", "iPhone", "'", "'s", "'S", "'ll", "'LL", "'lL", "'re", "'vE", "'t", "'d",
    "'m", "''",
    "'ſ", "ſ", " ", "  ", "    ", "\t", "\n", "\r\n", "\n\n", "\u{0B}", "\u{0C}", " \n", "\n ", "\n\n   ", " \t\n", "1",
    "12",
    "1234567", "9", ".", ",", "(", ")", "//", "/", "\n/", "/\n", "://", "!!", "-", "_", "é", "Ж", "日本", "ー", "\u{0301}",
    "²", "½",
    "\u{00A0}", "\u{3000}", "\u{2028}", "🙂", "\u{200D}", "\u{00}", "\u{1F}", "\u{7F}", "words", " and", " Words", "x'y",
    "A'S", "a'llb",
  ]

  static func text(_ random: inout SplitMix64, _ count: Int, asciiOnly: Bool) -> [UInt8] {
    var text: [UInt8] = []
    for _ in 0..<count {
      let fragment = fragments[Int(random.next() % UInt64(fragments.count))]
      if asciiOnly, !fragment.utf8.allSatisfy({ $0 < 0x80 }) { continue }
      text.append(contentsOf: fragment.utf8)
    }
    return text
  }

  static func check<Scanner: MaskScanner>(_ scanner: Scanner, _ name: String, cases: Int = 3000) {
    var random = SplitMix64(seed: 7)
    for index in 0..<cases {
      let text = text(&random, 1 + Int(random.next() % 90), asciiOnly: index % 3 != 0)
      let (fast, slow) = (pieces(scanner, text), slowPieces(scanner, text))
      if fast != slow {
        Issue.record("\(name): \(String(decoding: text, as: UTF8.self).debugDescription)\nfast \(fast)\nslow \(slow)")
        return
      }
    }
  }

  @Test(
    "blocks of 64 bytes give the pieces that a scalar at a time gives",
    arguments: [SplitPattern.Dialect.oniguruma, .rust])
  func blocks(dialect: SplitPattern.Dialect) throws {
    let classes = ScanClasses.standard(dialect)
    Self.check(GPT2Scanner(classes: classes), "gpt2")
    Self.check(CL100KScanner(classes: classes), "cl100k")
    Self.check(CL100KScanner(classes: classes, takesAllAtEnd: true), "cl100k at end")
    Self.check(CL100KScanner(classes: classes, digits: 1), "qwen")
    Self.check(O200KScanner(classes: classes), "o200k")
    Self.check(O200KScanner(classes: classes, digits: 1, joinsContractions: false), "tekken")
  }

  @Test(
    "DeepSeek's three cuts in one give the pieces that they give one after the other",
    arguments: [SplitPattern.Dialect.oniguruma, .rust])
  func deepSeek(dialect: SplitPattern.Dialect) throws {
    let patterns = try [
      #"\p{N}{1,3}"#, "[一-龥぀-ゟ゠-ヿ]+",
      ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\##r\##n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\##r\##n]*|\s*[\##r\##n]+|\s+(?!\S)|\s+"##,
    ].map { try SplitPattern($0, dialect: dialect) }
    let scanner = try #require(DeepSeekSequenceScanner(patterns.map(\.scanner), dialect: dialect))
    Self.check(scanner, "deepseek")
    let cuts = PreTokenizer.sequence(patterns.map { .split($0, .isolated, invert: false) })
    var random = SplitMix64(seed: 11)
    for _ in 0..<2000 {
      let text = Self.text(&random, 1 + Int(random.next() % 60), asciiOnly: false)
      var pieces = Pieces(input: text)
      cuts.apply(to: &pieces)
      #expect(Self.pieces(scanner, text) == pieces.pieces.map(\.end))
    }
  }

  @Test("the comparison of bytes inside words equals the one in vectors")
  func ranges() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<500 {
      let bytes = (0..<72).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let (first, count) = (UInt8(truncatingIfNeeded: random.next()), UInt8(truncatingIfNeeded: random.next()))
      bytes.withUnsafeBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return }
        let expected = (0..<64).reduce(UInt64(0)) { $0 | (bytes[$1] &- first < count ? 1 << UInt64($1) : 0) }
        #expect(ByteBlock(base).range(first, count) == expected)
        #expect(ByteBlock.range(first, count, base) == expected)
      }
    }
  }
}
