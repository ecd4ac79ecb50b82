import Foundation
import Testing

@testable import TesseraText

@Suite("Vocabulary files")
struct VocabularyFilesTests {
  func description(_ name: String) throws -> JSON {
    if name == "bert" {
      return try VocabularyFiles.wordPieces(vocabulary: try FormatFixtures.bytes("vocabulary/bert-vocab.txt"))
    }
    return try VocabularyFiles.bytePairs(
      vocabulary: try FormatFixtures.bytes("vocabulary/\(name)-vocab.json"),
      merges: try FormatFixtures.bytes("vocabulary/\(name)-merges.txt"))
  }

  @Test(
    "every token is there, and the family is told from the content", arguments: ["gpt2", "roberta", "clip", "bert"])
  func families(name: String) throws {
    let expected = try FormatFixtures.json("vocabulary/expected.json")["files"]?[name]
    let json = try description(name)
    #expect(json["model"]?["vocab"]?.objectValue?.count == expected?["count"]?.integerValue)
    let processors = ["gpt2": "ByteLevel", "roberta": "RobertaProcessing", "clip": "RobertaProcessing"]
    #expect(json["post_processor"]?["type"]?.stringValue == processors[name] ?? "TemplateProcessing")
    #expect((json["model"]?["end_of_word_suffix"]?.stringValue == "</w>") == (name == "clip"))
    // As for GGUF: make.py check then loads the descriptions with the reference.
    if let folder = ProcessInfo.processInfo.environment["TESSERA_VOCABULARY_JSON"] {
      try Data(json.text(.pretty).utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).json"))
    }
  }

  func merges(_ text: String) throws -> [JSON] {
    let vocabulary = ##"{"a":0,"b":1,"ab":2,"#abc":3,"#":4,"abc":5,"\u0301":6,"a\u0301":7}"##
    let json = try VocabularyFiles.bytePairs(vocabulary: Array(vocabulary.utf8), merges: Array(text.utf8))
    return json["model"]?["merges"]?.arrayValue ?? []
  }

  @Test("a header, line ends and combining marks are read as the reference does")
  func lines() throws {
    #expect(try merges("#version: 0.2\na b\n") == [["a", "b"]])
    #expect(try merges("a b\r\n# abc") == [["a", "b"], ["#", "abc"]])
    #expect(try merges("a \u{301}\n").count == 1)
  }

  @Test("a bad line is named", arguments: ["a b\na\n", "a b\na  b\n", "a b\na b c\n", "a b\nb a\n", "a b\n b\n"])
  func badLines(text: String) {
    do {
      _ = try merges(text)
      Issue.record("nothing was thrown")
    } catch {
      #expect((error as? TokenizerError)?.place == .line(2))
    }
  }

  @Test("a vocabulary that is none is refused")
  func badVocabularies() {
    #expect(throws: TokenizerError.self) { try VocabularyFiles.bytePairs(vocabulary: Array("[]".utf8), merges: []) }
    #expect(throws: TokenizerError.self) {
      try VocabularyFiles.bytePairs(vocabulary: Array(#"{"a":"b"}"#.utf8), merges: [])
    }
    #expect(throws: TokenizerError.self) {
      try VocabularyFiles.bytePairs(vocabulary: Array(#"{"a":-1}"#.utf8), merges: [])
    }
    #expect(throws: TokenizerError.self) { try VocabularyFiles.wordPieces(vocabulary: Array("a\nb\n".utf8)) }
    #expect(throws: TokenizerError.self) { try VocabularyFiles.wordPieces(vocabulary: [0x61, 0x0A, 0xFF]) }
  }

  @Test("upper case in the tokens keeps the text's case")
  func letterCase() throws {
    let special = "[UNK]\n[CLS]\n[SEP]\n"
    func lowers(_ text: String) throws -> Bool? {
      try VocabularyFiles.wordPieces(vocabulary: Array((special + text).utf8))["normalizer"]?["lowercase"]?.boolValue
    }
    #expect(try lowers("the\n") == true)
    #expect(try lowers("the\nThe\n") == false)
  }
}
