import Testing

@testable import TesseraText

@Suite("Rank vocabularies")
struct RankFormatTests {
  func vocabulary(_ text: String) throws -> RankVocabulary { try TiktokenFile.read(Array(text.utf8)) }

  /// The error's line, when reading fails with one.
  func line(of text: String) -> Int? {
    do {
      _ = try vocabulary(text)
      return nil
    } catch {
      if case .line(let number) = (error as? TokenizerError)?.place { return number }
      return -1
    }
  }

  @Test("ranks become the merges they were trained with")
  func merges() throws {
    for json in try FormatFixtures.json("ranks/ranks.json").arrayValue ?? [] {
      let vocabulary = try vocabulary(json["file"]?.stringValue ?? "")
      let found = RankMerges(vocabulary)
      let expected = (json["merges"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.integerValue) }
      let listed = found.merges.map { [Int($0.left), Int($0.right), Int($0.result)] }
      #expect(listed == expected.filter { $0.count == 3 })
      #expect(found.unreachable.map { [Int($0)] } == expected.filter { $0.count == 1 })
      #expect(vocabulary.count >= 256)
    }
  }

  @Test("a vocabulary is written as it was read")
  func roundTrip() throws {
    let text = "IQ== 0\nIg== 1\nISI= 2\n= 7\nISIh 9\n"
    let read = try vocabulary(text)
    #expect(String(decoding: TiktokenFile.write(read), as: UTF8.self) == text)
    #expect(read.ranks == [0, 1, 2, 7, 9])
    #expect(read.id(of: [0x21, 0x22]) == 2)
    #expect(read.id(of: []) == 7)
  }

  @Test("line ends, empty lines and the order of the ranks do not matter")
  func lenientLines() throws {
    for text in ["IQ== 0\r\nIg== 5\r\n", "Ig== 5\n\nIQ== 0", "IQ== 0\nIg== 5"] {
      let read = try vocabulary(text)
      #expect(read.ranks == [0, 5])
      #expect(Array(read.token(1)) == [0x22])
    }
  }

  @Test("a bad line is named")
  func badLines() {
    #expect(line(of: "IQ== 0\nIg==\n") == 2)
    #expect(line(of: "IQ== 0\nIg== \n") == 2)
    #expect(line(of: "IQ== 0\n 4\n") == 2)
    #expect(line(of: "IQ== 0\nIg== x1\n") == 2)
    #expect(line(of: "IQ== 0\nI*== 1\n") == 2)
    #expect(line(of: "IQ== 0\nI 1\n") == 2)
    #expect(line(of: "IQ== 99999999999\n") == 1)
    #expect(line(of: "IQ== 0\nIg== 1\nIw== 1\n") == 3)
    #expect(line(of: "IQ== 0\nIg== 1\nIQ== 2\n") == 3)
    #expect(line(of: "") == -1)
  }

  @Test("tokens that no merge makes are reported")
  func unreachable() throws {
    // "!", quote, their pair reversed; "!!!" has no pair to start from, and "#$" has no bytes.
    let found = RankMerges(try vocabulary("IQ== 0\nIg== 1\nISI= 2\nISEh 3\nIyQ= 4\nISIi 5\n"))
    #expect(found.merges == [.init(left: 0, right: 1, result: 2), .init(left: 2, right: 1, result: 5)])
    #expect(found.unreachable == [3, 4])
  }

  @Test("the named encodings equal those of their sources")
  func namedEncodings() throws {
    let table = try FormatFixtures.json("ranks/encodings.json").arrayValue ?? []
    #expect(table.count == NamedEncoding.all.count)
    for json in table {
      let name = json["name"]?.stringValue ?? ""
      let encoding = try #require(NamedEncoding.named(name))
      #expect(encoding.pattern == json["pattern"]?.stringValue)
      let expected = (json["special"]?.arrayValue ?? []).map {
        "\($0.arrayValue?[0].stringValue ?? "") \($0.arrayValue?[1].integerValue ?? -1)"
      }
      #expect(encoding.specialTokens.map { "\($0.text) \($0.id)" }.sorted() == expected.sorted())
    }
    #expect(NamedEncoding.named("qwen")?.normalization == .nfc)
  }

  /// A file of the 256 bytes, one pair, and a list of special tokens.
  func tekken(_ edit: (inout JSONObject) -> Void = { _ in }) -> [UInt8] {
    var vocabulary: [JSON] = []
    for byte in UInt8.min ... .max { vocabulary.append(entry(Int(byte), [byte])) }
    vocabulary.append(entry(256, [0x61, 0x62]))
    vocabulary.append(entry(257, [0x61, 0x63]))
    var root: JSONObject = [
      "config": [
        "pattern": "a|b", "num_vocab_tokens": 258, "default_vocab_size": 262, "default_num_special_tokens": 5,
        "version": "v3",
      ],
      "vocab": .array(vocabulary),
    ]
    edit(&root)
    return Array(JSON.object(root).text().utf8)
  }

  func entry(_ rank: Int, _ bytes: [UInt8]) -> JSON {
    var text: [UInt8] = []
    Base64.append(bytes, to: &text)
    return [
      "rank": .integer(Int64(rank)), "token_bytes": .string(String(decoding: text, as: UTF8.self)), "token_str": nil,
    ]
  }

  @Test("ids of a tekken file stand behind its special tokens, and tokens beyond the size are left out")
  func tekken() throws {
    let file = try TekkenFile(tekken())
    #expect(file.vocabulary.count == 257)
    #expect(file.vocabulary.id(of: [0x61, 0x62]) == 261)
    #expect(file.vocabulary.id(of: [0x61, 0x63]) == nil)
    #expect(file.specialTokens.map(\.text) == ["<unk>", "<s>", "</s>", "[INST]", "[/INST]"])
    #expect(RankMerges(file.vocabulary).merges == [.init(left: 0x66, right: 0x67, result: 261)])
    let listed = try TekkenFile(
      tekken { $0["special_tokens"] = [["rank": 0, "token_str": "<one>", "is_control": false]] })
    #expect(listed.specialTokens.map(\.text) == ["<one>", "<SPECIAL_1>", "<SPECIAL_2>", "<SPECIAL_3>", "<SPECIAL_4>"])
    #expect(listed.specialTokens[0].isControl == false)
  }

  @Test("a tekken file that makes no sense is refused with its key")
  func badTekken() {
    #expect(throws: TokenizerError.self) { try TekkenFile(Array("{}".utf8)) }
    #expect(throws: TokenizerError.self) { try TekkenFile(tekken { $0["vocab"] = [] }) }
    #expect(throws: TokenizerError.self) {
      try TekkenFile(tekken { $0["special_tokens"] = [["rank": 1, "token_str": "a"]] })
    }
    #expect(throws: TokenizerError.self) {
      try TekkenFile(
        tekken {
          $0["config"] = [
            "pattern": "a", "default_vocab_size": 1_000_000_000, "default_num_special_tokens": 999_999_999,
          ]
        })
    }
  }
}
