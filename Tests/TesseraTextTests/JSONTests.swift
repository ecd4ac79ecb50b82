import Testing

@testable import TesseraText

@Suite("JSON")
struct JSONTests {
  @Test("reads every kind of value and writes it back")
  func roundTrip() throws {
    let text = #"{"a":[1,-2.5,true,false,null,"x\n\u00e9\ud83d\ude00"],"b":{},"c":[]}"#
    let value = try JSON(parsing: text)
    #expect(value["a"]?.arrayValue?.last?.stringValue == "x\né😀")
    #expect(try JSON(parsing: value.text(.pretty)) == value)
    #expect(value.text() == "{\"a\":[1,-2.5,true,false,null,\"x\\né😀\"],\"b\":{},\"c\":[]}")
  }

  @Test("a document cut at any byte is refused with a byte offset")
  func truncation() throws {
    let text = Array(#"{"a":[1,-2.5e3,true,"x\u00e9"],"b":{"c":null}}"#.utf8)
    for length in 0..<text.count {
      #expect(throws: TokenizerError.self) { try JSON(parsing: text[..<length]) }
    }
  }

  @Test("deep nesting, lone surrogates, bad UTF-8 and control characters are refused")
  func hostile() {
    #expect(throws: TokenizerError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
    for text in [
      #""\ud800""#, #""\udc00""#, "\"\u{1}\"", "01", "1.", "-", "tru", "[1,]", "{,}", "{\"a\"}", "1 2", "[1 2]",
    ] {
      #expect(throws: TokenizerError.self, "\(text)") { try JSON(parsing: text) }
    }
    #expect(throws: TokenizerError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    #expect(throws: TokenizerError.self) { try JSON(parsing: [0x22, 0xED, 0xA0, 0x80, 0x22]) }
  }
}
