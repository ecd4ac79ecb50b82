import Testing

@testable import TesseraText

@Suite("Unicode classes")
struct UnicodeClassTests {
  private static let classes: [(name: String, value: CharacterClass)] = [
    ("whitespace", .whitespace), ("numeric", .numeric), ("punctuation", .punctuation), ("word", .word),
    ("combiningMark", .combiningMark), ("nonspacingMark", .nonspacingMark), ("control", .control),
    ("ideograph", .ideograph),
  ]

  @Test("each class has exactly the reference's members")
  func members() throws {
    let expected = try UnicodeFixtures.load("scalars")
    let table = CharacterClass.table
    for (name, value) in Self.classes {
      let made = UnicodeFixtures.hash { scalar, answer in
        answer.append(table[scalar] & value.rawValue != 0 ? 49 : 48)
      }
      #expect(made == expected[name]?.stringValue, "\(name)")
    }
  }

  @Test("lower case and the Nmt sets are the reference's for every scalar")
  func mappings() throws {
    let expected = try UnicodeFixtures.load("scalars")
    let lowercase = LowercaseMapping.shared
    let lower = UnicodeFixtures.hash { scalar, answer in
      let mapped = lowercase(scalar)
      UTF8Scalars.append(mapped.0, to: &answer)
      if mapped.1 != 0 { UTF8Scalars.append(mapped.1, to: &answer) }
      if mapped.2 != 0 { UTF8Scalars.append(mapped.2, to: &answer) }
    }
    #expect(lower == expected["lowercase"]?.stringValue)
    #expect(lowercase(0x130) == (0x69, 0x307, 0))
    let nmt = UnicodeFixtures.hash { scalar, answer in
      switch NmtAction.of(scalar) {
      case .keep: UTF8Scalars.append(scalar, to: &answer)
      case .space: answer.append(0x20)
      case .remove: break
      }
    }
    #expect(nmt == expected["nmt"]?.stringValue)
  }

  @Test("scripts part where the reference cuts")
  func scripts() throws {
    let expected = try UnicodeFixtures.load("scalars")
    for (name, letter) in [("latin", 0x78), ("han", 0x4E2D)] as [(String, UInt32)] {
      let own = ScriptClass.of(letter)
      let made = UnicodeFixtures.hash { scalar, answer in
        let other = ScriptClass.of(scalar)
        answer.append(other == 0 || other == own ? 49 : 48)
      }
      #expect(made == expected[name]?.stringValue, "\(name)")
    }
    #expect(ScriptClass.of(0x3042) == ScriptClass.of(0x4E2D) && ScriptClass.of(0x30FC) == ScriptClass.of(0x4E2D))
    #expect(ScriptClass.of(0x20) == 0)
  }
}
