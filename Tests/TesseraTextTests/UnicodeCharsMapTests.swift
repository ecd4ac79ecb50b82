import Testing

@testable import TesseraText

@Suite("Charsmap and base64")
struct UnicodeCharsMapTests {
  private func map(_ name: String) throws -> CharsMap {
    let text = try #require(try UnicodeFixtures.load("charsmap")[name]?.stringValue)
    return try CharsMap(blob: Base64.decode(text.utf8))
  }

  private func longest(_ map: CharsMap, _ text: String) -> String {
    var result: [UInt8] = []
    Array(text.utf8).withUnsafeBufferPointer { text in
      var index = 0
      while index < text.count {
        if let (length, replacement) = map.longestPrefix(at: index, in: text) {
          result += map.pool[replacement]
          index += length
        } else {
          result.append(text[index])
          index += 1
        }
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private func check(_ map: CharsMap, _ name: String) throws {
    for json in try #require(try UnicodeFixtures.load("charsmap")[name]?.arrayValue) {
      let item = try #require(UnicodeFixtures.Case(json))
      var changes: [ScalarChange] = []
      _ = Array(item.text.utf8).withUnsafeBufferPointer { map.appendReplacing($0, to: &changes) }
      #expect(changes.map(\.scalar) == UnicodeFixtures.scalars(item.normalized), "\(item.text.debugDescription)")
      #expect(UnicodeFixtures.places(changes) == item.places, "\(item.text.debugDescription)")
    }
  }

  @Test("clusters are replaced and aligned as in Hugging Face tokenizers")
  func clusterwise() throws { try check(map("charsmap"), "clusterwise") }

  @Test("grapheme clusters end where the reference ends them")
  func clusters() throws { try check(map("counting"), "clusters") }

  @Test("the longest key wins as in sentencepiece")
  func longestKeys() throws {
    let map = try map("charsmap")
    for json in try #require(try UnicodeFixtures.load("charsmap")["longest"]?.arrayValue) {
      let parts = try #require(json.arrayValue)
      let expected = try #require(parts[1].stringValue)
      #expect(Array(longest(map, parts[0].stringValue ?? "").utf8) == Array(expected.utf8))
    }
  }

  @Test("a map built from the rules reads as the one that sentencepiece compiled")
  func builds() throws {
    let fixture = try UnicodeFixtures.load("charsmap")
    let rules = try #require(fixture["rules"]?.arrayValue).map {
      (key: $0.arrayValue?.first?.stringValue ?? "", replacement: $0.arrayValue?.last?.stringValue ?? "")
    }
    let built = try CharsMap.build(from: rules)
    try built.checkReferences()
    try map("charsmap").checkReferences()
    try check(CharsMap(blob: built.blob), "clusterwise")
    for rule in rules { #expect(longest(built, rule.key) == rule.replacement) }
    let many = (1...2000).map { (key: String($0 * 7919, radix: 36), replacement: "\($0)") }
    let large = try CharsMap.build(from: many)
    try large.checkReferences()
    for rule in many { #expect(longest(large, rule.key) == rule.replacement) }
    #expect(throws: TokenizerError.self) { try CharsMap.build(from: [("", "x")]) }
    #expect(throws: TokenizerError.self) { try CharsMap.build(from: [("a", "x\0y")]) }
    try CharsMap.build(from: []).checkReferences()
  }

  @Test("a damaged map is refused or harmless")
  func damaged() throws {
    let whole = try map("charsmap").blob
    for length in [0, 3, 4, 100] {
      #expect(throws: TokenizerError.self) { try CharsMap(blob: Array(whole[..<length])) }
    }
    #expect(throws: TokenizerError.self) { try CharsMap(blob: [255, 255, 255, 255] + whole[4...]) }
    #expect(throws: TokenizerError.self) { try CharsMap(blob: whole + [0xFF]) }
    var state: UInt64 = 1
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<40 {
        state = state &* 6_364_136_223_846_793_005 &+ 1
        bytes[4 + Int(state >> 33) % (whole.count - 200)] = UInt8(truncatingIfNeeded: state >> 20)
      }
      guard let map = try? CharsMap(blob: bytes) else { continue }
      _ = longest(map, "e\u{301}abc\u{FF76}\u{FF9E}man\u{1F468}")
      var changes: [ScalarChange] = []
      _ = Array("e\u{301}abc\u{FF76}\u{FF9E}".utf8).withUnsafeBufferPointer { map.appendReplacing($0, to: &changes) }
    }
  }

  @Test("base64 goes there and back, and names the byte that is wrong")
  func base64() throws {
    for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
      #expect(Base64.encode(bytes.utf8) == text)
      #expect(try Base64.decode(text.utf8) == Array(bytes.utf8))
    }
    let all = (0..<768).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    #expect(try Base64.decode(Base64.encode(all).utf8) == all)
    for bad in ["Zg=", "Z===", "Zg==Zg==", "Zm9*", "=m9v", "Zh==", "Zm9=", "Zg=v"] {
      #expect(throws: TokenizerError.self, "\(bad)") { try Base64.decode(bad.utf8) }
    }
  }
}
