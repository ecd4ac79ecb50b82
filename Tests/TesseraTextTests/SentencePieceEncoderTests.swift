import Testing

@testable import TesseraText

@Suite("SentencePiece encoder")
struct SentencePieceEncoderTests {
  private func model(
    _ kind: SentencePieceTrainerSpec.Kind, _ pieces: [SentencePieceModel.Piece], prefix: Bool = false
  ) -> SentencePieceModel {
    var model = SentencePieceModel()
    model.trainer.kind = kind
    model.normalizer.addsDummyPrefix = prefix
    model.pieces = [.init("<unk>", kind: .unknown)] + pieces
    return model
  }

  private func texts(_ model: SentencePieceModel, _ text: String) throws -> [String] {
    let encoding = try SentencePieceEncoder(model).encode(text)
    return encoding.tokens.indices.map { String(decoding: encoding.piece(at: $0), as: UTF8.self) }
  }

  @Test("merging takes the best score first and of equal scores the leftmost")
  func mergeOrder() throws {
    let letters = "abc".map { SentencePieceModel.Piece(String($0), score: -9) }
    let ranked = model(.bpe, letters + [.init("ab", score: -2), .init("bc", score: -1)])
    #expect(try texts(ranked, "abc") == ["a", "bc"])
    let tied = model(.bpe, letters + [.init("ab", score: -1), .init("bc", score: -1)])
    #expect(try texts(tied, "abc") == ["ab", "c"])
    #expect(try texts(model(.bpe, letters + [.init("aa", score: -1)]), "aaaaa") == ["aa", "aa", "a"])
  }

  @Test("an unused piece is merged through and then taken apart the way it was last put together")
  func unusedPieces() throws {
    let pieces: [SentencePieceModel.Piece] = [
      .init("a", score: -9), .init("b", score: -9), .init("ab", score: -1, kind: .unused), .init("abb", score: -2),
    ]
    #expect(try texts(model(.bpe, pieces), "abb") == ["abb"])
    #expect(try texts(model(.bpe, pieces), "aba") == ["a", "b", "a"])
  }

  @Test("user-defined symbols are cut out first, the longest at each place, and never merged or normalized")
  func userDefined() throws {
    let pieces: [SentencePieceModel.Piece] = [
      .init("a", score: -1), .init("aa", score: -1), .init("xa", kind: .userDefined), .init("xaa", kind: .userDefined),
    ]
    #expect(try texts(model(.bpe, pieces), "axaaa") == ["a", "xaa", "a"])
    #expect(try texts(model(.unigram, pieces), "axaaaa") == ["a", "xaa", "aa"])
  }

  @Test("of two equally good paths the one found first stays")
  func viterbiTies() throws {
    let pieces = ["a", "ab", "b", "bc", "c"].map { SentencePieceModel.Piece($0, score: -1) }
    #expect(try texts(model(.unigram, pieces), "abc") == ["a", "bc"])
  }

  @Test("neighbouring unknown characters are one token whose place covers all")
  func unknownRuns() throws {
    let encoder = try SentencePieceEncoder(model(.unigram, [.init("a", score: -1)]))
    let encoding = try encoder.encode("aéñ\u{1F600}a")
    #expect(encoding.ids == [1, 0, 1])
    #expect(encoding.tokens[1].begin == 1 && encoding.tokens[1].end == 9)
    #expect(encoding.scalarRanges() == [0..<1, 1..<4, 4..<5])
    #expect(try encoder.decode([0, 1]) == Array(" \u{2047} a".utf8))
  }

  @Test("each malformed byte becomes U+FFFD and keeps its place")
  func malformedText() throws {
    let encoder = try SentencePieceEncoder(model(.character, [.init("a"), .init("\u{FFFD}")]))
    let encoding = try encoder.encode(bytes: [0x61, 0xE2, 0x96, 0x61, 0xFF])
    #expect(encoding.ids == [1, 2, 2, 1, 2])
    #expect(encoding.tokens.map(\.begin) == [0, 1, 2, 3, 4])
  }

  @Test("models the library refuses are refused with the place")
  func refusedModels() throws {
    let refused: [(SentencePieceModel, String)] = [
      (model(.bpe, [.init("a"), .init("a")]), "pieces[2]"),
      (model(.unigram, [.init("")]), "pieces[1]"),
      (model(.unigram, [.init("a\0")]), "pieces[1]"),
      (model(.unigram, [.init(String(repeating: "a", count: 8000))]), "pieces[1]"),
      (model(.unigram, [.init("<u>", kind: .unknown)]), "pieces[1]"),
      (model(.unigram, [.init("a", score: .nan)]), "pieces[1]"),
      (model(.unigram, [.init("<0x41>", kind: .byte)]), "pieces[1]"),
      (model(.unigram, []), "pieces"),
    ]
    for (model, place) in refused {
      let error = #expect(throws: TokenizerError.self) { try SentencePieceEncoder(model) }
      #expect(error?.place == .key(place), "\(error?.description ?? "")")
    }
    var fallback = model(.bpe, [.init("a")])
    fallback.trainer.usesByteFallback = true
    #expect(throws: TokenizerError.self) { try SentencePieceEncoder(fallback) }
    var broken = model(.bpe, [.init("a")])
    broken.normalizer.precompiledCharsMap = [0, 4, 0, 0] + Array(repeating: 0, count: 1030)
    #expect(throws: TokenizerError.self) { try SentencePieceEncoder(broken) }
    #expect(throws: TokenizerError.self) { try SentencePieceEncoder(model(.bpe, [.init("a")])).decode([2]) }
  }

  @Test("control symbols in the text are text")
  func controlSymbols() throws {
    let pieces: [SentencePieceModel.Piece] = [
      .init("<s>", kind: .control), .init("<", score: -1), .init("s", score: -1), .init(">", score: -1),
    ]
    let encoder = try SentencePieceEncoder(model(.bpe, pieces))
    #expect(encoder.beginID == 1 && encoder.endID == nil && encoder.unknownID == 0)
    #expect(try encoder.encode("<s>").ids == [2, 3, 4])
    #expect(try encoder.decode([1, 2]) == Array("<".utf8))
  }

  @Test("a long run of one character is cut in a time that grows with it, not with its square")
  func longRuns() throws {
    let powers = (0..<5).map { SentencePieceModel.Piece(String(repeating: "a", count: 1 << $0), score: -Float(9 - $0)) }
    for kind in [SentencePieceTrainerSpec.Kind.bpe, .unigram] {
      let encoder = try SentencePieceEncoder(model(kind, powers))
      #expect(try encoder.encode(String(repeating: "a", count: 160_000)).ids.count == 10_000)
    }
  }

  @Test("the trie finds exactly its strings")
  func trie() {
    var source = 12345 as UInt32
    var entries: [[UInt8]: Int32] = [:]
    for value in 0..<3000 as Range<Int32> {
      var key: [UInt8] = []
      repeat {
        source = source &* 1_664_525 &+ 1_013_904_223
        key.append(UInt8(source >> 24))
      } while source >> 16 & 3 != 0
      entries[key] = value
    }
    let trie = PieceTrie(entries.map { ($0.key, $0.value) })
    for (key, value) in entries { #expect(trie.value(of: key) == value) }
    for key in entries.keys {
      let longer = key + [7]
      #expect(trie.value(of: longer) == entries[longer] ?? -1)
    }
    #expect(trie.value(of: []) == -1)
  }
}
