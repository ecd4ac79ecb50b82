import Foundation
import TesseraText
import Testing

@testable import tessera

/// What the reference libraries answered on hard cases, see `Tests/Fixtures/text/make.py`.
@Suite("Parity with the reference libraries")
struct TextParityTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let fixtures = root.appendingPathComponent("Tests/Fixtures/text")

  static func names(_ folder: String) -> [String] {
    let files = try? FileManager.default.contentsOfDirectory(atPath: fixtures.appendingPathComponent(folder).path)
    return (files ?? []).filter { $0.hasSuffix(".json") }.sorted()
  }

  static func read(_ path: String) throws -> JSON {
    try JSON(parsing: try Data(contentsOf: fixtures.appendingPathComponent(path)))
  }

  @Test("the fixtures are there")
  func presence() {
    #expect(Self.names("cases").count >= 60)
    #expect(Self.names("stages").count == 3)
  }

  @Test("every case of a configuration is answered as the reference answers it", arguments: names("cases"))
  func configuration(name: String) throws {
    let file = try Self.read("cases/\(name)")
    let tokenizerName = try #require(file["tokenizer"]?.stringValue)
    let isFetched = file["fetched"]?.boolValue ?? false
    let path =
      isFetched
      ? Self.root.appendingPathComponent(".deps/vocabularies/\(tokenizerName)").path
      : Self.fixtures.appendingPathComponent("tokenizers/\(tokenizerName)").path
    // Published vocabularies are fetched by `make test`; without them their cases are left out.
    if isFetched, !FileManager.default.fileExists(atPath: path) { return }
    let arguments = (file["arguments"]?.arrayValue ?? []).compactMap(\.stringValue)
    let tokenizer = try TokenizerOptions.parse(["--tokenizer", path] + arguments).load()
    for item in try #require(file["cases"]?.arrayValue) {
      let (request, expected) = (try #require(item["in"]), try #require(item["out"]))
      let answer = Self.answer(item["verb"]?.stringValue ?? "", request, tokenizer)
      let difference = Self.difference(answer, expected)
      #expect(difference == nil, "\(request.text())")
    }
  }

  @Test("every stage alone does what the reference's does", arguments: names("stages"))
  func stage(name: String) throws {
    let file = try Self.read("stages/\(name)")
    let charsmap = file["charsmap"]?.stringValue ?? ""
    for item in try #require(file["cases"]?.arrayValue) {
      let expected = try #require(item["out"])
      let request = try JSON(
        parsing: try #require(item["in"]).text().replacingOccurrences(of: "@charsmap", with: charsmap))
      let answer = (try? StageLine.answer(request)) ?? ["error": true]
      let difference = Self.difference(answer, expected)
      #expect(difference == nil, "\(item.text().prefix(400))")
    }
  }

  static func answer(_ verb: String, _ request: JSON, _ tokenizer: TextTokenizer) -> JSON {
    do {
      switch verb {
      case "encode": return try EncodeLine(tokenizer, nil, 1).answer(request)
      case "decode": return try DecodeLine(tokenizer: tokenizer).answer(request)
      case "stream": return try DecodeLine(tokenizer: tokenizer, givesSteps: true).answer(request)
      default: return ["unknown verb": .string(verb)]
      }
    } catch {
      return ["error": true]
    }
  }

  /// The first member that differs. Columns that the fixtures leave out have a value that goes without saying.
  static func difference(_ answer: JSON, _ expected: JSON, isWindow: Bool = false) -> String? {
    if answer["error"] != nil || expected["error"] != nil {
      return (answer["error"] != nil) == (expected["error"] != nil) ? nil : "error: \(answer.text())"
    }
    if let encodings = expected["encodings"]?.arrayValue { return differences(answer["encodings"], encodings) }
    for member in expected.objectValue ?? [:] where member.key != "overflowing" {
      let ours = member.key == "offsets" || member.key == "pieces" ? flat(answer[member.key]) : answer[member.key]
      let theirs = member.key == "pieces" ? flat(member.value) ?? .null : member.value
      if ours?.text() != theirs.text() { return "\(member.key): \(ours?.text() ?? "nothing") is not \(theirs.text())" }
    }
    guard expected["ids"] != nil else { return nil }
    for (key, value) in [("type_ids", 0), ("special_tokens_mask", 0), ("attention_mask", 1)] where expected[key] == nil
    {
      if answer[key]?.arrayValue?.contains(where: { $0.integerValue != value }) ?? true {
        return "\(key) is not all \(value)"
      }
    }
    // Windows of a pair hold windows themselves; the fixtures record the first level.
    if isWindow { return nil }
    return differences(answer["overflowing"], expected["overflowing"]?.arrayValue ?? [], areWindows: true)
  }

  private static func differences(_ ours: JSON?, _ theirs: [JSON], areWindows: Bool = false) -> String? {
    let ours = ours?.arrayValue ?? []
    guard ours.count == theirs.count else { return "\(ours.count) encodings instead of \(theirs.count)" }
    return zip(ours, theirs).lazy.compactMap { difference($0, $1, isWindow: areWindows) }.first
  }

  private static func flat(_ json: JSON?) -> JSON? {
    json?.arrayValue.map { list in .array(list.flatMap { flat($0)?.arrayValue ?? [$0] }) }
  }
}
