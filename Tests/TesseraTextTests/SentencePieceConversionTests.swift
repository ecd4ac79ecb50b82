import Testing

@testable import TesseraText

@Suite("SentencePiece and tokenizer.json")
struct SentencePieceConversionTests {
  @Test("merges are all splits into pieces, better and longer ones first")
  func merges() throws {
    var model = SentencePieceModel()
    model.trainer.kind = .bpe
    let scores: [(String, Float)] = [
      ("a", -10), ("b", -10), ("ab", -1), ("abab", -3), ("aba", -3), ("é", -10), ("e\u{301}", -11),
    ]
    model.pieces = [.init("<unk>", kind: .unknown)] + scores.map { .init($0.0, score: $0.1) }
    let body = try #require(try huggingFaceJSON(from: model)["model"])
    let merges = body["merges"]?.arrayValue?.map { $0.arrayValue?.compactMap(\.stringValue).joined(separator: "+") }
    #expect(merges == ["a+b", "aba+b", "ab+ab", "ab+a"])
    #expect(body["vocab"]?.objectValue?.count == 8)
    #expect(body["vocab"]?["e\u{301}"]?.integerValue == 7)
    #expect(body["unk_token"]?.stringValue == "<unk>" && body["byte_fallback"] == false)
  }

  @Test("a model with byte fallback gets the parts that Llama has")
  func llama() throws {
    let model = try SentencePieceModel(bytes: SentencePieceFixtures.model("bpe_keep_bytes"))
    let document = try huggingFaceJSON(from: model)
    let normalizers = document["normalizer"]?["normalizers"]?.arrayValue?.compactMap { $0["type"]?.stringValue }
    #expect(normalizers == ["Prepend", "Replace"])
    let decoders = document["decoder"]?["decoders"]?.arrayValue?.compactMap { $0["type"]?.stringValue }
    #expect(decoders == ["Replace", "ByteFallback", "Fuse", "Strip"])
    let added = document["added_tokens"]?.arrayValue ?? []
    let contents: [String?] = added.map { $0["content"]?.stringValue }
    #expect(contents.contains("<ctl>"))
    #expect(added.allSatisfy { $0["special"] == true })
    #expect(document["pre_tokenizer"] == .null)
  }

  @Test(
    "a model that goes through tokenizer.json and back cuts text the same way",
    arguments: ["unigram_plain", "unigram_rules_bytes", "unigram_nmt", "bpe_keep_bytes"])
  func thereAndBack(name: String) throws {
    let model = try SentencePieceModel(bytes: SentencePieceFixtures.model(name))
    let text = try huggingFaceJSON(from: model).text()
    let back = try SentencePieceModel(huggingFace: JSON(parsing: text))
    #expect(back.pieces.map(\.text) == model.pieces.map(\.text))
    #expect(back.pieces.map(\.kind) == model.pieces.map(\.kind))
    #expect(back.normalizer.precompiledCharsMap == model.normalizer.precompiledCharsMap)
    let first = try SentencePieceEncoder(model)
    let second = try SentencePieceEncoder(back)
    for sample in ["the quick  brown fox", "ﬁn and naïve ｶﾞ 2024年", "  what they would have done, \u{1F44D}!"] {
      #expect(try first.encode(sample).ids == second.encode(sample).ids)
    }
  }

  @Test("what a model file cannot hold is refused with the key")
  func refused() throws {
    let documents: [(JSON, String)] = [
      ([:], "model"),
      (["model": ["type": "WordPiece"]], "model.type"),
      (["model": ["type": "Unigram", "vocab": [["a"]]]], "model.vocab[0]"),
      (["model": ["type": "Unigram", "vocab": [["a", 0.5]], "unk_id": 3]], "model.unk_id"),
      (["model": ["type": "Unigram", "vocab": [["a", 0.5]]]], "model"),
      (["model": ["type": "BPE", "vocab": ["a": 0], "merges": []]], "model.vocab"),
      (["model": ["type": "BPE", "vocab": ["\u{2581}": 0, "a": 2], "merges": []]], "model.vocab"),
      (["model": ["type": "BPE", "vocab": ["\u{2581}": 0], "merges": ["x y"]]], "model.merges[0]"),
      (
        [
          "model": ["type": "Unigram", "vocab": [["a", 0.5]], "unk_id": 0],
          "added_tokens": [["id": 9, "content": "b"]],
        ], "added_tokens[0]"
      ),
    ]
    for (document, key) in documents {
      let error = #expect(throws: TokenizerError.self) { try SentencePieceModel(huggingFace: document) }
      #expect(error?.place == .key(key), "\(error?.description ?? "")")
    }
    let words = try SentencePieceModel(bytes: SentencePieceFixtures.model("word_plain"))
    #expect(throws: TokenizerError.self) { try huggingFaceJSON(from: words) }
  }
}
