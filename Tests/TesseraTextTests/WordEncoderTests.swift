import Testing

@testable import TesseraText

/// Tokenizers whose words are encoded one by one, and texts that try to tell the words from the whole.
@Suite("Words encoded one by one")
struct WordEncoderTests {
  /// Parts of which the hard texts are made.
  private static let parts: [String] = [
    "the", "of", "word", "Hello", "abc", "ab", "a", "b", "c", "ba", "x", "lowest", "newer", "don't", "100", "3.14", ".",
    ",", "(", ")",
    "-", "!", "...", "''", "``", "_", "=", "\u{338}", " ", " ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\r",
    "\u{B}", "\u{A0}",
    "\u{3000}", "\u{2003}", "\u{200B}", "\u{200D}", "\u{FEFF}", "\u{301}", "e\u{301}", "é", "É", "\u{308}\u{323}",
    "\u{2581}",
    "\u{2581}the", "\u{A8}", "\u{600}", "\u{6DD}", "م", "日", "本語", "中文字", "。", "，", "한국", "\u{1100}", "\u{1161}", "ﬁ",
    "Ⅷ", "ß", "İ",
    "😀", "👩\u{200D}👩\u{200D}👧", "🇩🇪", "\u{1F1E9}", "क\u{94D}ष", "ก\u{E33}", "\0", "\u{7}", "\u{FFFD}", "\u{AD}", "<unk>",
    "<s>", "</s>", "[UNK]",
    "[SEP]", "[", "<", "aaaaaaaaaaaaaaaaaaaa", "abababababababababababababababababababab", "unbelievably",
    "internationalization",
  ]

  private static func texts(_ count: Int, seed: UInt64) -> [String] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { index in
      let length = Int.random(in: 0...(index % 40 == 0 ? 300 : 14), using: &random)
      // Some texts keep to few kinds of parts, so that most of them can be cut.
      let kinds = index % 3 == 0 ? 38 : parts.count
      var text = ""
      for _ in 0..<length {
        text += parts[Int.random(in: 0..<kinds, using: &random)]
        if index % 2 == 0, Bool.random(using: &random) { text += " " }
      }
      return text
    }
  }

  /// Compares the ids of texts with those of the general pipeline, each twice and in another order the second time.
  private func compare(_ tokenizer: TextTokenizer, count: Int = 800, seed: UInt64 = 1) throws {
    var options = TextTokenizer.EncodeOptions()
    options.addsSpecialTokens = false
    options.truncation = nil
    let texts = Self.texts(count, seed: seed)
    let expected = try texts.map { try tokenizer.encode($0, options: options).ids }
    var random = SplitMix64(seed: seed)
    for order in [Array(texts.indices), texts.indices.shuffled(using: &random)] {
      for index in order {
        let found = try tokenizer.ids(of: texts[index])
        #expect(
          found == expected[index],
          "\(texts[index].unicodeScalars.map { String($0.value, radix: 16) }) \(expected[index])")
        if found != expected[index] { return }
        if index % 7 == 0 { #expect(try tokenizer.count(texts[index]) == found.count) }
        if index % 6 != 0 { continue }
        guard try EncodeStreamTests.check(tokenizer, texts[index], &random) else { return }
      }
    }
  }

  private func route(_ tokenizer: TextTokenizer) -> Bool {
    if case .general = tokenizer.core.route { false } else { true }
  }

  // MARK: tokenizer.json

  private static func json(
    normalizer: String, preTokenizer: String, model: String, special: [String] = ["<unk>", "<s>"]
  ) throws -> TextTokenizer {
    let added = special.enumerated().map {
      "{\"id\":\($0),\"content\":\"\($1)\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
        + "\"normalized\":false,\"special\":true}"
    }
    let text =
      "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[\(added.joined(separator: ","))],"
      + "\"normalizer\":\(normalizer),\"pre_tokenizer\":\(preTokenizer),\"post_processor\":null,\"decoder\":null,\"model\":\(model)}"
    return try TextTokenizer(bytes: Array(text.utf8))
  }

  private static let wordPiece: String = {
    let words = [
      "[UNK]", "[SEP]", "the", "of", "word", "hello", "a", "b", "c", "##a", "##b", "##c", "##ab", "un", "##believ",
      "##ably", "low", "##est",
      ".", ",", "(", ")", "-", "!", "'", "日", "本", "中", "don", "t", "100", "3", "14", "e", "##e", "é", "##\u{301}", "=",
      "ß", "\u{301}",
    ]
    let entries = words.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
    return "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":\"##\","
      + "\"max_input_chars_per_word\":30,\"vocab\":{\(entries)}}"
  }()

  private static func bert(_ clean: Bool, _ chinese: Bool, _ accents: String, _ lowercase: Bool) -> String {
    "{\"type\":\"BertNormalizer\",\"clean_text\":\(clean),\"handle_chinese_chars\":\(chinese),\"strip_accents\":\(accents),"
      + "\"lowercase\":\(lowercase)}"
  }

  @Test(
    "WordPiece behind BERT's stages and their like",
    arguments: [
      bert(true, true, "null", true), bert(false, true, "true", false), bert(true, false, "false", true),
      bert(false, false, "null", false), "null", #"{"type":"Lowercase"}"#, #"{"type":"NFC"}"#, #"{"type":"NFKC"}"#,
      #"{"type":"Nmt"}"#,
      #"{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}"#,
      #"{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Strip","strip_left":true,"strip_right":true}]}"#,
      #"{"type":"Sequence","normalizers":[{"type":"NFKD"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]}"#,
    ])
  func wordPieces(normalizer: String) throws {
    for cuts in [
      #"{"type":"BertPreTokenizer"}"#, #"{"type":"WhitespaceSplit"}"#, #"{"type":"Whitespace"}"#,
      #"{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Punctuation","behavior":"Isolated"}]}"#,
      #"{"type":"Sequence","pretokenizers":[{"type":"Whitespace"},{"type":"Digits","individual_digits":true}]}"#,
    ] {
      let tokenizer = try Self.json(
        normalizer: normalizer, preTokenizer: cuts, model: Self.wordPiece, special: ["[UNK]", "[SEP]"])
      #expect(route(tokenizer))
      try compare(tokenizer, count: 200)
    }
  }

  private static let unigram: String = {
    let pieces: [(String, Double)] = [
      ("<unk>", 0), ("<s>", 0), ("▁", -2), ("▁the", -3), ("the", -4), ("▁of", -3.5), ("▁a", -3), ("a", -4), ("b", -4),
      ("ab", -5), ("ba", -5),
      ("aba", -6), ("c", -4.5), ("▁w", -6), ("ord", -6), ("o", -7), ("r", -7), ("d", -7), ("▁▁", -5), ("e", -6),
      ("h", -6), ("l", -6),
      (".", -4), ("日", -6), ("本語", -7), ("\n", -6), ("'", -6),
    ]
    let rows = pieces.map { "[\"\($0.0 == "\n" ? "\\n" : $0.0)\",\($0.1)]" }.joined(separator: ",")
    return "{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[\(rows)],\"byte_fallback\":false}"
  }()

  @Test(
    "Unigram and BPE behind a metaspace",
    arguments: [
      "null", #"{"type":"NFKC"}"#, #"{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}"#,
      #"{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Strip","strip_left":true,"strip_right":true},"#
        + #"{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}]}"#,
      #"{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"String":"``"},"content":"\""},{"type":"Nmt"},{"type":"NFKD"},"#
        + #"{"type":"StripAccents"},{"type":"Lowercase"}]}"#,
      #"{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"#,
    ])
  func metaspaces(normalizer: String) throws {
    for cuts in ["always", "first", "never"].map({
      #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"\#($0)","split":true}"#
    }) + [#"{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Metaspace","replacement":"▁"}]}"#] {
      let tokenizer = try Self.json(normalizer: normalizer, preTokenizer: cuts, model: Self.unigram)
      if !normalizer.contains("Prepend") || !cuts.contains("WhitespaceSplit") { #expect(route(tokenizer)) }
      try compare(tokenizer, count: 300)
    }
  }

  private static let bytePieces = (0..<256).map { byte in
    "\"<0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) + ">\":\(byte + 100)"
  }.joined(separator: ",")

  @Test(
    "BPE of whole texts with marks for spaces, with and without bytes for unknown characters", arguments: [true, false])
  func marks(hasBytes: Bool) throws {
    let bytes = hasBytes ? "," + Self.bytePieces : ""
    let model =
      #"{"type":"BPE","dropout":null,"unk_token":"<unk>","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":true,"#
      + #""byte_fallback":\#(hasBytes),"ignore_merges":false,"vocab":{"<unk>":0,"<s>":1,"▁":2,"a":3,"b":4,"c":5,"t":6,"h":7,"e":8,"ab":9,"#
      + #""▁t":10,"he":11,"▁the":12,"▁▁":13,"▁▁▁":14,"aba":15,"▁a":16,".":17\#(bytes)},"#
      + #""merges":["▁ t","h e","▁t he","▁ ▁","▁▁ ▁","a b","ab a","▁ a"]}"#
    let normalizer =
      #"{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"#
    let tokenizer = try Self.json(normalizer: normalizer, preTokenizer: "null", model: model)
    #expect(route(tokenizer))
    try compare(tokenizer)
    let unsplit = #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}"#
    try compare(try Self.json(normalizer: "null", preTokenizer: unsplit, model: model))
  }

  // MARK: sentencepiece

  @Test("models of sentencepiece", arguments: SentencePieceFixtures.names)
  func sentencePieces(name: String) throws {
    let tokenizer = try TextTokenizer(bytes: try SentencePieceFixtures.model(name))
    try compare(tokenizer, count: 500)
  }

  @Test("which models of sentencepiece go by words")
  func routes() throws {
    for name in ["unigram_plain", "unigram_nmt", "bpe_plain", "bpe_keep_bytes"] {
      #expect(route(try TextTokenizer(bytes: try SentencePieceFixtures.model(name))), "\(name)")
    }
  }

  @Test("a literal mark before a character that becomes a space is not taken for the end of a word")
  func marksBeforeRewrittenSpaces() throws {
    for name in SentencePieceFixtures.names {
      let tokenizer = try TextTokenizer(bytes: try SentencePieceFixtures.model(name))
      for text in [
        "\u{2581}\u{205F} m", "a \u{2581}\u{205F} m", "\u{2581}\u{3000} m", "a \u{2581}\u{A8} m", "a\u{2581} \u{2581}",
      ] {
        #expect(try tokenizer.ids(of: text) == tokenizer.encode(text, options: .init(addsSpecialTokens: false)).ids)
      }
    }
  }

  @Test("pieces that share a score merge leftmost first, alone and beside others")
  func sharedScores() throws {
    var random = SplitMix64(seed: 7)
    let characters = ["a", "b", "c", "é", "日"]
    for round in 0..<40 {
      var model = SentencePieceModel()
      model.trainer.kind = .bpe
      model.pieces = [.init("<unk>", kind: .unknown), .init("▁", score: -50), .init("a", score: -50)]
      // The later of two is the better place in a list that is sorted by scores alone.
      for (piece, score) in [("bc", -3), ("ab", -3), ("▁▁▁▁", -9), ("▁▁", -9), ("▁▁▁", -9)] {
        model.pieces.append(.init(piece, score: Float(score)))
      }
      for _ in 0..<(round % 4 == 0 ? 0 : 20) {
        let length = Int.random(in: 2...4, using: &random)
        var piece = Bool.random(using: &random) ? "" : "▁"
        for _ in 0..<length { piece += characters.randomElement(using: &random) ?? "" }
        guard !model.pieces.contains(where: { $0.bytes == Array(piece.utf8) }) else { continue }
        let score = Int.random(in: 1...(round % 2 == 0 ? 400 : 12), using: &random)
        model.pieces.append(.init(piece, score: Float(-score)))
      }
      let tokenizer = try TextTokenizer(bytes: model.serialized())
      #expect(route(tokenizer))
      for index in 0..<60 {
        var text = index == 0 ? "x abc x" : ""
        for _ in 0..<(index == 0 ? 0 : 30) {
          text += Int.random(in: 0...4, using: &random) == 0 ? " " : characters.randomElement(using: &random) ?? ""
        }
        #expect(try tokenizer.ids(of: text) == tokenizer.encode(text, options: .init(addsSpecialTokens: false)).ids)
      }
    }
  }

  @Test("long texts have the sums that decide between near-equal ways, and shift them when they grow")
  func longTexts() throws {
    // Scores so close that the rounding of long sums decides.
    var model = SentencePieceModel()
    model.trainer.kind = .unigram
    model.pieces = [
      .init("<unk>", kind: .unknown), .init("▁", score: -7.001), .init("a", score: -8.0013), .init("b", score: -9.0007),
      .init("ab", score: -17.0021), .init("ba", score: -17.0019), .init("▁a", score: -15.0022), .init("c", score: -3),
      .init("abc", score: -20.0023), .init("▁b", score: -16.001),
    ]
    let tokenizer = try TextTokenizer(bytes: model.serialized())
    #expect(route(tokenizer))
    var random = SplitMix64(seed: 5)
    for length in [1000, 20_000, 60_000] {
      var text = ""
      for _ in 0..<length { text += ["ab", "ba", "c", " ", " ", "a", "abc", "é"].randomElement(using: &random) ?? "" }
      let expected = try tokenizer.encode(text).ids
      #expect(try tokenizer.ids(of: text) == expected)
      #expect(try tokenizer.ids(of: text) == expected)
      #expect(try tokenizer.count(text) == expected.count)
      guard length < 60_000 else { continue }
      #expect(try EncodeStreamTests.check(tokenizer, text, &random))
    }
  }
}
