import Testing

@testable import TesseraText

@Suite("Training of Binary BPE")
struct BinaryBPETests {
  private static func words(_ texts: [[UInt8]], times: Int64 = 1) -> CountedWords {
    var counts = WordCounts()
    for text in texts { text.withUnsafeBufferPointer { counts.add($0, times: times) } }
    return CountedWords(sorting: counts)
  }

  private static func random(_ count: Int, below limit: UInt8, seed: UInt64) -> [UInt8] {
    var numbers = SplitMix64(seed: seed)
    return (0..<count).map { _ in UInt8.random(in: 0..<limit, using: &numbers) }
  }

  private static let asText = TextTokenizer.EncodeOptions(specialTokensInText: .text)

  @Test("control tokens come first, then the bytes in their order, then merges")
  func layout() throws {
    let preset = try BinaryBPE(vocabularySize: 266, minimumFrequency: 1, maximumTokenLength: nil)
    let family = try preset.train(on: Self.words([Array("abababab".utf8)]))
    #expect(Array(family.trained.vocabulary[..<7]) == BinaryBPE.controlTokens)
    for byte in 0...255 {
      #expect(family.trained.vocabulary[7 + byte] == ByteLevelAlphabet.text(of: [UInt8(byte)]))
    }
    #expect(Array(family.trained.vocabulary[263...]) == ["ab", "abab", "abababab"])
    let (a, b) = (UInt32(7 + 0x61), UInt32(7 + 0x62))
    #expect(family.trained.merges.map { [$0.left, $0.right] } == [[a, b], [263, 263], [264, 264]])
  }

  @Test(
    "of equally frequent pairs the one of smaller bytes comes first, also where the alphabet's characters are in other order"
  )
  func ties() throws {
    // 0x00 is written U+0100, behind 0x21, but is the smaller byte.
    let preset = try BinaryBPE(vocabularySize: 264, minimumFrequency: 1)
    let family = try preset.train(on: Self.words([[0x21, 0x21], [0x00, 0x00]]))
    #expect(family.trained.vocabulary[263] == ByteLevelAlphabet.text(of: [0, 0]))
  }

  @Test("merges equal those of counting every pair anew after each merge")
  func recount() throws {
    for seed in 1...30 as ClosedRange<UInt64> {
      let texts = (0..<6).map { Self.random(40, below: 4, seed: seed * 100 + $0) }
      let size = 263 + 12
      let preset = try BinaryBPE(vocabularySize: size, minimumFrequency: 2, maximumTokenLength: 5)
      let found = try preset.train(on: Self.words(texts)).trained
      #expect(found.vocabulary[263...].elementsEqual(Self.slowly(texts, 12, atMost: 5)), "seed \(seed)")
    }
  }

  /// Tokens by the rules alone: the most frequent pair, overlapping ones counted, the smaller ids first.
  private static func slowly(_ texts: [[UInt8]], _ count: Int, atMost length: Int) -> [String] {
    var tokens: [[UInt8]] = (0...255).map { [UInt8($0)] }
    var words = texts.map { $0.map(Int.init) }
    while tokens.count < 256 + count {
      var counts: [[Int]: Int] = [:]
      for word in words {
        for (a, b) in zip(word, word.dropFirst()) where tokens[a].count + tokens[b].count <= length {
          counts[[a, b], default: 0] += 1
        }
      }
      let best = counts.filter { $0.value >= 2 }
        .max { $0.value != $1.value ? $0.value < $1.value : $1.key.lexicographicallyPrecedes($0.key) }
      guard let pair = best?.key else { break }
      let bytes = tokens[pair[0]] + tokens[pair[1]]
      let id = tokens.firstIndex(of: bytes) ?? tokens.count
      if id == tokens.count { tokens.append(bytes) }
      for index in words.indices {
        var merged: [Int] = []
        for symbol in words[index] {
          if symbol == pair[1], merged.last == pair[0], !merged.isEmpty {
            merged[merged.count - 1] = -1 - id
          } else {
            merged.append(symbol)
          }
        }
        words[index] = merged.map { $0 < 0 ? -1 - $0 : $0 }
      }
    }
    return tokens[256...].map { ByteLevelAlphabet.text(of: $0) }
  }

  @Test("a smaller vocabulary is a beginning of the large one and encodes as if trained alone")
  func nesting() throws {
    let texts = (0..<8).map { Self.random(500, below: 7, seed: $0) }
    let words = Self.words(texts)
    let family = try BinaryBPE(vocabularySize: 420, minimumFrequency: 2).train(on: words)
    for size in [263, 264, 300, 377, 420] {
      let alone = try BinaryBPE(vocabularySize: size, minimumFrequency: 2).train(on: words)
      #expect(family.trained.prefix(size) == alone.trained)
      let ids = try family.tokenizer(vocabularySize: size).encode(bytes: texts[0], options: Self.asText).ids
      #expect(ids == (try alone.tokenizer(vocabularySize: size).encode(bytes: texts[0], options: Self.asText).ids))
      #expect(ids.allSatisfy { $0 < size })
    }
    #expect(throws: TokenizerError.self) { try family.tokenizer(vocabularySize: 262) }
    #expect(throws: TokenizerError.self) { try family.tokenizer(vocabularySize: 421) }
  }

  @Test("any bytes come back: all values, none, zeros, random ones, the text of control tokens")
  func roundTrip() throws {
    let texts = [Self.random(3000, below: 255, seed: 1), [UInt8](repeating: 0, count: 5000), Array(0...255)]
    let family = try BinaryBPE(vocabularySize: 400, minimumFrequency: 2).train(on: Self.words(texts))
    let tokenizer = try TextTokenizer(
      bytes: try family.tokenizer(vocabularySize: 400).tokenizerJSON())
    for bytes in texts + [
      [], Array("a<|end|>b".utf8), [UInt8](repeating: 0, count: 1 << 20), Self.random(5000, below: 40, seed: 3),
    ] {
      let ids = try tokenizer.encode(bytes: bytes, options: Self.asText).ids
      #expect(tokenizer.decodeBytes(ids, skipSpecialTokens: false) == bytes)
      #expect(ids.allSatisfy { $0 >= 7 })
    }
  }

  @Test("no token is longer than the bound, and under a bound of one nothing is merged", arguments: [1, 2, 3, 16])
  func length(maximum: Int) throws {
    let words = Self.words([[UInt8](repeating: 9, count: 4000), Self.random(4000, below: 3, seed: 5)])
    let preset = try BinaryBPE(vocabularySize: 600, minimumFrequency: 1, maximumTokenLength: maximum)
    let trained = try preset.train(on: words).trained
    let longest = trained.vocabulary[7...].map(\.unicodeScalars.count).max()
    #expect(longest == maximum)
    #expect(trained.merges.isEmpty == (maximum == 1))
  }

  @Test("a vocabulary that the files do not fill is filled up with runs of blanks that are never used")
  func filling() throws {
    let family = try BinaryBPE(vocabularySize: 512, minimumFrequency: 1).train(on: Self.words([Array("ab  ab  ".utf8)]))
    let tokenizer = try family.tokenizer(vocabularySize: 512)
    #expect(tokenizer.vocabularySize == 512)
    #expect(tokenizer.id(of: ByteLevelAlphabet.text(of: [9, 9])) != nil)
    let ids = try tokenizer.encode(bytes: [9, 9, 9], options: Self.asText).ids
    #expect(ids == [16, 16, 16])
  }

  @Test("copies count as often as they are there")
  func copies() throws {
    let texts = [Self.random(400, below: 5, seed: 1), Self.random(400, below: 5, seed: 2)]
    let preset = try BinaryBPE(vocabularySize: 300, minimumFrequency: 4)
    #expect(
      try preset.train(on: Self.words(texts + texts)).trained == preset.train(on: Self.words(texts, times: 2)).trained)
  }

  @Test("what cannot be trained is refused with a reason")
  func refusals() throws {
    #expect(throws: TokenizerError.self) { try BinaryBPE(vocabularySize: 262) }
    #expect(throws: TokenizerError.self) { try BinaryBPE(minimumFrequency: 0) }
    #expect(throws: TokenizerError.self) { try BinaryBPE(maximumTokenLength: 0) }
    #expect(throws: TokenizerError.self) { try ByteChunks(size: -1) }
    #expect(throws: TokenizerError.self) { try BinaryBPE().train(on: CountedWords()) }
  }

  @Test("chunks of zeros and of random bytes fall to the entropy window")
  func entropy() throws {
    let zeros = [UInt8](repeating: 0, count: 8192)
    var numbers = SplitMix64(seed: 1)
    let noise = (0..<8192).map { _ in UInt8.random(in: 0...255, using: &numbers) }
    #expect(zeros.withUnsafeBufferPointer(ByteChunks.entropy) == 0)
    let entropy = noise.withUnsafeBufferPointer(ByteChunks.entropy)
    #expect(entropy > 7.95 && entropy < 8)
    let text = Array(String(repeating: "mov eax, ebx; ", count: 600).utf8).prefix(8192)
    var kept: [Int] = []
    let chunks = try ByteChunks(entropy: 0.1...7.95)
    (zeros + noise + text).withUnsafeBufferPointer { chunks.forEachChunk(in: $0) { kept.append($0.count) } }
    #expect(kept == [8192])
    #expect(try ByteChunks(json: chunks.json) == chunks)
  }

  @Test("files are counted in chunks of raw bytes that start at their multiples, on any number of threads")
  func counting() throws {
    let folder = try TemporaryFolder()
    let bytes = Self.random(1_200_001, below: 255, seed: 7)
    try FileBytes.write(bytes, to: "\(folder.path)/a")
    for size in [1000, 8192, 0] {
      let cutting = WordCutting(chunks: try ByteChunks(size: size))
      let step = size == 0 ? bytes.count : size
      let expected = Self.words(
        stride(from: 0, to: bytes.count, by: step).map { Array(bytes[$0..<min($0 + step, bytes.count)]) })
      for threads in [1, 3] {
        let found = try WordCounter(cutting: cutting, threads: threads).count(files: ["\(folder.path)/a"])
        #expect(found == expected)
      }
      #expect(try WordCutting(json: cutting.json).json == cutting.json)
    }
  }
}

@Suite("Training of KL3M")
struct KL3MTests {
  private static func words(_ text: String, _ cutting: WordCutting) -> CountedWords {
    var counts = WordCounts()
    var text = text
    text.withUTF8 { cutting.forEachWord(in: $0) { counts.add($0) } }
    return CountedWords(sorting: counts)
  }

  private static let contract = String(
    repeating: "The Licensor shall indemnify the Licensee (iv) pursuant to 42 U.S.C. 1983, without warranty. ",
    count: 20)

  private static func train(_ recipe: KL3M.Recipe, _ size: Int, normalization: String? = "NFKC") throws -> TextTokenizer
  {
    var preset = try KL3M(recipe, vocabularySize: size)
    preset.normalization = normalization
    let cutting = try preset.cutting()
    return try preset.train(on: words(contract, cutting), cutting: cutting)
  }

  @Test("every custom token is one id, inside words and at the start, and the longest one wins")
  func custom() throws {
    let tokens = KL3M.customTokens(KL3M.TokenGroup.allCases)
    let tokenizer = try Self.train(.domain(customTokens: tokens), 4096)
    for text in tokens where text.unicodeScalars.count > 1 {
      #expect(try tokenizer.ids(of: text).count == 1, "\(text.debugDescription)")
    }
    for text in ["1983", "(iv)", "\t ", "\":\""] {
      let ids = try tokenizer.ids(of: "x\(text)x")
      #expect(ids.count == 3 && ids[1] == tokenizer.id(of: text))
    }
    #expect(try tokenizer.ids(of: "1000") == tokenizer.ids(of: "100") + tokenizer.ids(of: "0"))
  }

  @Test("the vocabulary is filled up to a power of two with runs of spaces and line ends that were absent")
  func filling() throws {
    let tokenizer = try Self.train(.characters(maximum: 3), 1000)
    #expect(tokenizer.vocabularySize == 512)
    let added = tokenizer.addedTokens.filter { !$0.token.isSpecial }.map(\.token.content)
    #expect(Array(added.prefix(4)) == ["  ", "\n\n", "   ", "\n\n\n"])
    #expect(try tokenizer.ids(of: "\n\n\n").count == 1)
  }

  @Test("tokens have no more characters than the cap; a high cap changes nothing")
  func cap() throws {
    for maximum in 1...4 {
      let tokenizer = try Self.train(.characters(maximum: maximum), 1000)
      let learned = (13..<UInt32(tokenizer.vocabularySize)).compactMap { tokenizer.token(of: $0) }
        .filter { !$0.unicodeScalars.allSatisfy { $0 == " " || $0 == "\n" } }
      #expect(learned.map(\.unicodeScalars.count).max() == maximum)
    }
    let (free, plain) = (
      try Self.train(.characters(maximum: 1000), 1000), try Self.train(.domain(customTokens: []), 1000)
    )
    #expect(try free.tokenizerJSON() == plain.tokenizerJSON())
  }

  @Test("text is normalized to NFKC unless it is to come back exactly")
  func normalization() throws {
    let text = "\u{FB01}ve \u{FF11}\u{FF12}"
    let tokenizer = try Self.train(.characters(maximum: 3), 600)
    #expect(tokenizer.decode(try tokenizer.ids(of: text)) == "five 12")
    let exact = try Self.train(.characters(maximum: 3), 600, normalization: nil)
    #expect(exact.decode(try exact.ids(of: text)).unicodeScalars.elementsEqual(text.unicodeScalars))
  }

  @Test("custom tokens are sorted, without single characters and repetitions, in whatever order they come")
  func cleaning() throws {
    let first = try KL3M(.domain(customTokens: ["bb", "a", "aa", "bb"]), vocabularySize: 400)
    #expect(first.recipe == .domain(customTokens: ["aa", "bb"]))
    #expect(first.recipe == (try KL3M(.domain(customTokens: ["aa", "bb"]), vocabularySize: 400)).recipe)
    #expect(throws: TokenizerError.self) { try KL3M(.characters(maximum: 0), vocabularySize: 400) }
    #expect(throws: TokenizerError.self) { try KL3M(.domain(customTokens: ["aa"]), vocabularySize: 269) }
  }
}
