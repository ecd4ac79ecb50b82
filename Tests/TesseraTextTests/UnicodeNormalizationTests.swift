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

  @Test("hard strings come out as in the reference, with the same alignment", arguments: NormalizationForm.allCases)
  func hardStrings(_ form: NormalizationForm) throws {
    let cases = try #require(try UnicodeFixtures.load("normalization")["\(form)"]?.arrayValue)
    #expect(cases.count == 720)
    for json in cases {
      let item = try #require(UnicodeFixtures.Case(json))
      let made = changes(form, item.text)
      #expect(made.map(\.scalar) == UnicodeFixtures.scalars(item.normalized), "\(item.text)")
      #expect(UnicodeFixtures.places(made) == item.places, "\(item.text)")
    }
  }

  @Test("the plain variant gives the same bytes, and only normal text is called normal")
  func plainVariant() throws {
    for form in NormalizationForm.allCases {
      let cases = try #require(try UnicodeFixtures.load("normalization")["\(form)"]?.arrayValue)
      var normalizer = Normalizer(form)
      for json in cases {
        let item = try #require(UnicodeFixtures.Case(json))
        var bytes: [UInt8] = []
        let isNormalized = Array(item.text.utf8).withUnsafeBufferPointer { text in
          normalizer.append(text, to: &bytes)
          return normalizer.isNormalized(text)
        }
        #expect(bytes == Array(item.normalized.utf8))
        #expect(!isNormalized || bytes == Array(item.text.utf8))
      }
      #expect(Array("plain text, 中文, слова".utf8).withUnsafeBufferPointer { normalizer.isNormalized($0) })
    }
  }

  @Test("every single scalar has the reference's normal form", arguments: NormalizationForm.allCases)
  func allScalars(_ form: NormalizationForm) throws {
    let expected = try UnicodeFixtures.load("scalars")["\(form)"]?.stringValue
    var normalizer = Normalizer(form)
    var text: [UInt8] = []
    let made = UnicodeFixtures.hash { scalar, answer in
      text.removeAll(keepingCapacity: true)
      UTF8Scalars.append(scalar, to: &text)
      text.withUnsafeBufferPointer { normalizer.append($0, to: &answer) }
    }
    #expect(made == expected)
  }

  @Test("bytes that are no UTF-8 are read as replacement characters and never past the end")
  func invalidBytes() {
    for bytes in [[0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0x80, 0xBF, 0xFF], [0x65, 0xCC]] as [[UInt8]] {
      for form in NormalizationForm.allCases {
        var changes: [ScalarChange] = []
        var normalizer = Normalizer(form)
        bytes.withUnsafeBufferPointer { normalizer.append($0, to: &changes) }
        #expect(changes.last?.scalar == 0xFFFD)
      }
    }
  }
}
