import Testing

@testable import TesseraText

@Suite("Unicode normalization")
struct UnicodeNormalizationTests {
  private func changes(_ form: NormalizationForm, _ text: String) -> [ScalarChange] {
    var changes: [ScalarChange] = []
    var normalizer = Normalizer(form)
    Array(text.utf8).withUnsafeBufferPointer { normalizer.append($0, to: &changes) }
    return changes
  }

  @Test("a mark that joins over another is counted as swallowed by its starter")
  func joinsOverMark() {
    let made = changes(.nfc, "e\u{323}\u{301}\u{e9}\u{323}")
    #expect(made.map(\.scalar) == [0x1EB9, 0x301, 0x1EB9, 0x301])
    #expect(made.map(\.change) == [-1, 0, -1, 1])
  }

  @Test("a syllable falls into jamo, the first replacing it and the rest inserted")
  func hangul() {
    let made = changes(.nfd, "\u{D55C}")
    #expect(made.map(\.scalar) == [0x1112, 0x1161, 0x11AB])
    #expect(made.map(\.change) == [0, 1, 1])
    #expect(changes(.nfc, "\u{1112}\u{1161}\u{11AB}") == [ScalarChange(scalar: 0xD55C, change: -2)])
  }

  @Test("a megabyte of marks in the worst order is sorted in linear time", .timeLimit(.minutes(1)))
  func manyMarks() {
    let text = "a" + String(repeating: "\u{301}\u{323}\u{334}", count: 60_000)
    let made = changes(.nfd, text)
    #expect(made.count == 180_001)
    #expect(made[1].scalar == 0x334 && made[60_001].scalar == 0x323 && made[180_000].scalar == 0x301)
    #expect(changes(.nfc, text).first?.scalar == 0x1EA1)
  }
}
