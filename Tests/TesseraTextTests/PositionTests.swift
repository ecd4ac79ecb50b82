import Testing

@testable import TesseraText

@Suite("Positions in a text")
struct PositionTests {
  static let texts = [
    "", "plain", "é", "a\u{301}😀東京\r\n", String(repeating: "x😀é東", count: 100), String(repeating: "a", count: 300),
  ]

  @Test("every scalar has the bytes, UTF-16 units and indices that Swift gives it", arguments: texts)
  func scalars(text: String) {
    let positions = TextPositions(text)
    let scalars = text.unicodeScalars
    #expect(positions.scalarCount == scalars.count)
    #expect(positions.utf16Count == text.utf16.count)
    for (number, index) in scalars.indices.enumerated() {
      let next = scalars.index(after: index)
      let byte = text.utf8.distance(from: text.startIndex, to: index)
      let unit = text.utf16.distance(from: text.startIndex, to: index)
      #expect(positions.indices(number..<number + 1) == index..<next)
      #expect(positions.utf8(number..<number + 1) == byte..<text.utf8.distance(from: text.startIndex, to: next))
      #expect(positions.utf16(number..<number + 1) == unit..<text.utf16.distance(from: text.startIndex, to: next))
      for inside in byte..<byte + UTF8.width(scalars[index]) { #expect(positions.scalar(atUTF8: inside) == number) }
      for inside in unit..<unit + UTF16.width(scalars[index]) { #expect(positions.scalar(atUTF16: inside) == number) }
      #expect(positions.scalar(at: index) == number)
    }
    let end = scalars.count
    #expect(positions.utf8(end..<end + 5) == text.utf8.count..<text.utf8.count)
    #expect(positions.scalar(atUTF8: 100_000) == end && positions.scalar(atUTF16: -1) == 0)
  }

  @Test("a lookup answers what a search finds, also where tokens overlap")
  func lookups() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<200 {
      var encoding = Encoding()
      for index in 0..<Int.random(in: 0...12, using: &random) {
        let start = Int.random(in: 0...15, using: &random)
        let end = start + Int.random(in: 0...6, using: &random)
        encoding.append(
          id: 0, token: "", offsets: start..<end, word: index % 4 == 3 ? nil : UInt32(index / 2), type: 0, special: 0)
      }
      let lookup = TokenLookup(encoding)
      for position in -1...24 {
        #expect(lookup.token(at: position) == encoding.token(atCharacter: position))
        #expect(lookup.word(at: position) == encoding.word(atCharacter: position))
      }
      for word in 0...7 { #expect(lookup.tokens(ofWord: word) == encoding.tokens(ofWord: word)) }
    }
  }

  @Test("the two texts of a pair are looked up apart")
  func pairs() throws {
    let encoding = try TextTokenizerTests.tokenizer().encode("ab c", pair: "c ab")
    let lookup = TokenLookup(encoding)
    for position in 0...4 {
      for sequence in 0...2 {
        let expected = sequence < 2 ? encoding.token(atCharacter: position, sequence: sequence) : nil
        #expect(lookup.token(at: position, sequence: sequence) == expected)
      }
    }
    #expect(encoding.tokens(in: "c ab", sequence: 1).map(\.text) == ["c", "ab"])
  }

  @Test("tokens carry the part of the text they stand for")
  func tokens() throws {
    let text = "ABC 😀 bca"
    let tokens = try TextTokenizerTests.tokenizer().encode(text).tokens(in: text)
    #expect(tokens.map { String(text[$0.range]) } == ["ABC", "😀", "bc", "a"])
    #expect(tokens[2].utf8 == 9..<11 && tokens[2].utf16 == 7..<9 && tokens[2].scalars == 6..<8)
  }
}
