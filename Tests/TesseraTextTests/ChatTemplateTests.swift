import Testing

@testable import TesseraText

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@Suite("Chat templates")
struct ChatTemplateTests {
  @Test("every template renders what jinja2 renders, or fails where jinja2 fails", arguments: ["cases", "families"])
  func agreesWithReference(name: String) throws {
    let fixture = try Self.fixture(name)
    let templates = try #require(fixture["templates"]?.arrayValue)
    let contexts = try #require(fixture["contexts"]?.arrayValue)
    let cases = try #require(fixture["cases"]?.arrayValue)
    #expect(cases.count > 300)
    for item in cases {
      let source = templates[item["template"]?.integerValue ?? 0].stringValue ?? ""
      let context = contexts[item["context"]?.integerValue ?? 0]
      let expected = item["output"]?.stringValue
      do {
        var template = try ChatTemplate(source)
        template.clock = .fixed(secondsSince1970: 1_722_470_400)
        let text = try template.render(context)
        // Compared by scalars: two strings that differ in normalization only would be equal otherwise.
        #expect(expected.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars), "\(source) gives \(text)")
      } catch {
        #expect(expected == nil, "\(source): \(error)")
        #expect(error.place != nil && !error.description.contains("\n"), "\(source): \(error)")
      }
    }
  }

  @Test("an error names the line and the column")
  func places() throws {
    let error = #expect(throws: TokenizerError.self) { try ChatTemplate("a\n{% if x %}\n  {{ x ! }}{% endif %}") }
    #expect(error?.place == .position(line: 3, column: 8))
    let template = try ChatTemplate("first\n  {{ user.name.first }}")
    let missing = #expect(throws: TokenizerError.self) { try template.render(["user": [:]]) }
    #expect(missing?.place == .position(line: 2, column: 15))
    #expect(missing?.message.contains("no attribute 'name'") == true)
  }

  @Test("raise_exception's message reaches the caller")
  func raisedMessage() throws {
    let template = try ChatTemplate("{{ raise_exception('roles must alternate') }}")
    let error = #expect(throws: TokenizerError.self) { try template.render([:]) }
    #expect(error?.message == "roles must alternate")
  }

  @Test("a context that is no object is refused")
  func context() throws {
    #expect(throws: TokenizerError.self) { try ChatTemplate("a").render([1]) }
  }

  @Test("the clock of the system formats the year")
  func systemClock() throws {
    let year = try ChatTemplate("{{ strftime_now('%Y') }}").render([:])
    #expect(year.count == 4 && Int(year).map { $0 > 2020 } == true)
  }

  @Test("special tokens may be dicts with their content")
  func tokensAsDicts() throws {
    let template = try ChatTemplate("{{ bos_token.content }}{{ eos_token }}")
    #expect(try template.render(["bos_token": ["content": "<s>"], "eos_token": "</s>"]) == "<s></s>")
  }

  static func fixture(_ name: String) throws -> JSON {
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    let file = try #require(fopen("\(folder)/Fixtures/chat/\(name).json", "rb"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return try JSON(parsing: bytes)
  }
}
