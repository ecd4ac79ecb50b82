import Foundation
import Testing

@testable import TesseraText

/// A folder that goes away with the test.
struct TemporaryFolder: ~Copyable {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-\(UUID().uuidString)")
  var path: String { url.path }

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let target = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: target)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  /// Fills the folder with the files of a case of `folders/expected.json`.
  func write(_ item: JSON) throws {
    for (source, name) in item["files"]?.objectValue ?? [:] {
      try write(name.stringValue ?? "", try FormatFixtures.bytes("vocabulary/\(source)"))
    }
    for (name, content) in item["others"]?.objectValue ?? [:] { try write(name, content.stringValue ?? content.text()) }
  }
}

@Suite("Tokenizers in folders")
struct TokenizerFolderTests {
  @Test("vocabulary files with the files beside them give the ids and offsets of transformers")
  func vocabularies() throws {
    let expected = try FormatFixtures.json("folders/expected.json")
    let texts = expected["texts"]?.arrayValue?.compactMap(\.stringValue) ?? []
    let pair = expected["pair"]?.arrayValue?.compactMap(\.stringValue) ?? []
    let cases = try #require(expected["vocabularies"]?.arrayValue)
    #expect(cases.count == 11)
    for item in cases {
      let folder = try TemporaryFolder()
      try folder.write(item)
      let tokenizer = try TextTokenizer(contentsOf: folder.path)
      let name = item["name"]?.stringValue ?? ""
      for (index, text) in texts.enumerated() {
        let encoding = try tokenizer.encode(text)
        let ids: JSON = .array(encoding.ids.map { .integer(Int64($0)) })
        let offsets: JSON = .array(
          encoding.offsets.map { [.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound))] })
        #expect(ids == item["ids"]?.arrayValue?[index], "\(name): \(text)")
        #expect(offsets == item["offsets"]?.arrayValue?[index], "\(name): \(text)")
      }
      let ids = try tokenizer.encode(pair[0], pair: pair[1]).ids
      #expect(.array(ids.map { .integer(Int64($0)) }) == item["pair"], "\(name)")
    }
  }

  @Test("either of two files finds the other beside it, also under a longer name")
  func siblings() throws {
    let folder = try TemporaryFolder()
    for name in ["gpt2-vocab.json", "gpt2-merges.txt"] {
      try folder.write(name, try FormatFixtures.bytes("vocabulary/\(name)"))
    }
    let first = try TextTokenizer(contentsOf: "\(folder.path)/gpt2-vocab.json")
    let second = try TextTokenizer(contentsOf: "\(folder.path)/gpt2-merges.txt")
    #expect(try first.encode("the fox").ids == second.encode("the fox").ids)
    try folder.write("other.json", try FormatFixtures.bytes("vocabulary/gpt2-vocab.json"))
    let error = #expect(throws: TokenizerError.self) { try TextTokenizer(contentsOf: "\(folder.path)/other.json") }
    #expect(error?.message.contains("merges.txt") == true)
  }

  @Test("a folder gives its tokenizer.json first, then a model, then the vocabulary files")
  func priority() throws {
    let folder = try TemporaryFolder()
    let missing = #expect(throws: TokenizerError.self) { try TextTokenizer(contentsOf: folder.path) }
    #expect(missing?.kind == .inputOutput && missing?.file == folder.path)
    try folder.write("vocab.txt", try FormatFixtures.bytes("vocabulary/bert-vocab.txt"))
    #expect(try TextTokenizer(contentsOf: folder.path).id(of: "[CLS]") != nil)
    try folder.write("vocab.json", try FormatFixtures.bytes("vocabulary/gpt2-vocab.json"))
    #expect(try TextTokenizer(contentsOf: folder.path).id(of: "[CLS]") != nil, "merges.txt is missing")
    try folder.write("merges.txt", try FormatFixtures.bytes("vocabulary/gpt2-merges.txt"))
    #expect(try TextTokenizer(contentsOf: folder.path).id(of: "[CLS]") == nil)
    try folder.write("tokenizer.json", TextTokenizerTests.characters)
    #expect(try TextTokenizer(contentsOf: folder.path).id(of: "abc") == 5)
  }

  @Test("a fault beside the vocabulary names its file and key")
  func faultsBeside() throws {
    let folder = try TemporaryFolder()
    try folder.write("tokenizer.json", TextTokenizerTests.characters)
    try folder.write("tokenizer_config.json", #"{"chat_template": [{"name": "a"}]}"#)
    let error = #expect(throws: TokenizerError.self) { try TextTokenizer(contentsOf: folder.path) }
    #expect(error?.file == "\(folder.path)/tokenizer_config.json")
    #expect(error?.place == .key("chat_template[0]"))
    try folder.write("tokenizer_config.json", "{")
    #expect(throws: TokenizerError.self) { try TextTokenizer(contentsOf: folder.path) }
  }

  @Test("what is no tokenizer is refused by its first bytes")
  func strangers() {
    for text in [
      "", "plain words of a text\nand more", "\u{0}\u{1}", "IQ== 0\nIg== 1\n", #"{"a":1}"#, "a b\n",
    ] {
      let error = #expect(throws: TokenizerError.self) { try TextTokenizer(bytes: Array(text.utf8)) }
      #expect(error?.kind == .unsupported, "\(text)")
    }
  }

  @Test("of a GGUF file the metadata alone is read, however long the file is")
  func longGGUF() throws {
    let folder = try TemporaryFolder()
    try folder.write("model.gguf", try FormatFixtures.bytes("gguf/byte-level.gguf"))
    let file = try FileHandle(forWritingTo: folder.url.appendingPathComponent("model.gguf"))
    // A hole of 40 GB takes no room on the disk.
    try file.truncate(atOffset: 40 << 30)
    try file.close()
    let tokenizer = try TextTokenizer(contentsOf: folder.path)
    let whole = try TextTokenizer(bytes: try FormatFixtures.bytes("gguf/byte-level.gguf"))
    #expect(try tokenizer.encode("the quick fox").ids == whole.encode("the quick fox").ids)
    #expect(tokenizer.chatConfiguration.specialTokens["bos_token"] != nil)
  }

  @Test("a tokenizer is written whole or not at all")
  func writing() throws {
    let folder = try TemporaryFolder()
    let tokenizer = try TextTokenizerTests.tokenizer()
    let path = "\(folder.path)/tokenizer.json"
    try tokenizer.write(to: path)
    #expect(try TextTokenizer(contentsOf: path).encode("abc cab").ids == tokenizer.encode("abc cab").ids)
    let error = #expect(throws: TokenizerError.self) { try tokenizer.write(to: "\(folder.path)/none/x.json") }
    #expect(error?.kind == .inputOutput)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["tokenizer.json"])
  }
}

@Suite("Chats")
struct ChatTests {
  @Test("a tokenizer's own templates give the texts and ids of transformers")
  func ownTemplates() throws {
    let expected = try FormatFixtures.json("folders/expected.json")
    let messages = try (expected["messages"]?.arrayValue ?? []).map { try ChatMessage(json: $0) }
    let requests = expected["requests"]?.arrayValue ?? []
    for item in try #require(expected["chats"]?.arrayValue) {
      let folder = try TemporaryFolder()
      try folder.write(item)
      let tokenizer = try TextTokenizer(contentsOf: folder.path)
      for (request, answer) in zip(requests, item["answers"]?.arrayValue ?? []) {
        let name = item["name"]?.stringValue ?? ""
        let prompt = {
          try tokenizer.chatText(
            messages, addGenerationPrompt: request["add_generation_prompt"]?.boolValue ?? false,
            tools: request["tools"]?.arrayValue, templateName: request["chat_template"]?.stringValue,
            context: request["x"].map { ["x": $0] } ?? [:])
        }
        guard let text = answer["text"]?.stringValue else {
          #expect(throws: TokenizerError.self, "\(name)") { try prompt() }
          continue
        }
        #expect(try prompt() == text, "\(name)")
        let encoding = try tokenizer.chat(
          messages, addGenerationPrompt: request["add_generation_prompt"]?.boolValue ?? false,
          tools: request["tools"]?.arrayValue, templateName: request["chat_template"]?.stringValue,
          context: request["x"].map { ["x": $0] } ?? [:])
        #expect(.array(encoding.ids.map { .integer(Int64($0)) }) == answer["ids"], "\(name)")
      }
    }
  }

  @Test("the start token that a template writes is not doubled by the post-processor")
  func oneStartToken() throws {
    let folder = try TemporaryFolder()
    try folder.write("vocab.json", try FormatFixtures.bytes("vocabulary/roberta-vocab.json"))
    try folder.write("merges.txt", try FormatFixtures.bytes("vocabulary/roberta-merges.txt"))
    try folder.write(
      "tokenizer_config.json",
      #"{"bos_token":{"content":"<s>"},"chat_template":"{{ bos_token }}{{ messages[0].content }}"}"#)
    let tokenizer = try TextTokenizer(contentsOf: folder.path)
    #expect(try tokenizer.chat([.user("the")]).ids.filter { $0 == 0 }.count == 1)
    #expect(try tokenizer.encode("the").ids.filter { $0 == 0 }.count == 1)
  }

  @Test("a message keeps what it was read from")
  func messages() throws {
    let json: JSON = ["role": "tool", "content": [["type": "text", "text": "a"]], "tool_call_id": "7", "name": "f"]
    #expect(try ChatMessage(json: json).json == json)
    #expect(ChatMessage.tool("x", name: "f", callID: "7").json["tool_call_id"] == "7")
    #expect(
      ChatMessage.assistant(nil, toolCalls: [["id": "1"]]).json == ["role": "assistant", "tool_calls": [["id": "1"]]])
    #expect(throws: TokenizerError.self) { try ChatMessage(json: ["content": "x"]) }
  }
}
