import Testing

@testable import TesseraText

/// The general pipeline is the oracle: whatever way the ids alone take, they are those of a full encoding.
@Suite("Ids alone")
struct IDEngineTests {
  static let fragments =
    MaskScannerTests.fragments + [
      "<|endoftext|>", "<|end", "日本語の文章を書く", "東京都千代田区", "Электростанция", "предприятие", "การทดสอบระบบ", "नमस्ते दुनिया",
      "Donaudampfschifffahrtsgesellschaft", "antidisestablishmentarianism", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "========================================", "                                                  ", "한국어 문장",
    ]

  static func text(_ random: inout SplitMix64, _ count: Int) -> String {
    (0..<count).map { _ in fragments[Int(random.next() % UInt64(fragments.count))] }.joined()
  }

  /// A tokenizer of some hundred merges trained on the fragments, with another pattern than the trainer's.
  static func tokenizer(pattern: String? = nil, ignoresMerges: Bool = false, normalizer: JSON = .null) throws
    -> TextTokenizer
  {
    var random = SplitMix64(seed: 5)
    let corpus = (0..<40).map { _ in Array(text(&random, 60).utf8) }
    let trained = try TextTokenizer.trainByteLevelBPE(
      on: corpus.map { text in { text } }, with: BPETrainer(vocabularySize: 900), specialTokens: ["<|endoftext|>"])
    guard case .object(var file) = try JSON(parsing: String(decoding: trained.tokenizerJSON(), as: UTF8.self)) else {
      throw TokenizerError(.malformed, "no object")
    }
    if let pattern {
      let split: JSON = [
        "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated", "invert": false,
      ]
      let level: JSON = ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false]
      file["pre_tokenizer"] = ["type": "Sequence", "pretokenizers": [split, level]]
    }
    file["normalizer"] = normalizer
    if ignoresMerges, case .object(var model)? = file["model"] {
      model["ignore_merges"] = true
      file["model"] = .object(model)
    }
    return try TextTokenizer(bytes: Array(JSON.object(file).text().utf8))
  }

  static let kinds: [(name: String, pattern: String?, ignoresMerges: Bool, normalizer: JSON)] = [
    ("gpt2", nil, false, .null), ("gpt2, whole words", nil, true, .null),
    (
      "cl100k",
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
      true, .null
    ),
    ("any pattern, NFC", #"\w+|[^\w\s]+|\s+"#, false, ["type": "NFC"]),
  ]

  @Test("the ids are those of a full encoding, for words new, known, long and cut", arguments: kinds.indices)
  func oracle(kind: Int) throws {
    let (name, pattern, ignoresMerges, normalizer) = Self.kinds[kind]
    let tokenizer = try Self.tokenizer(pattern: pattern, ignoresMerges: ignoresMerges, normalizer: normalizer)
    if case .general = tokenizer.core.route { Issue.record("\(name) has no encoder of its own") }
    var random = SplitMix64(seed: 9)
    // Enough long words that cuts and linear merging are used, too.
    let long = String(repeating: "東京都千代田区で日本語の文章を書く", count: 3000)
    _ = try tokenizer.ids(of: long)
    var texts = (0..<600).map { _ in Self.text(&random, 1 + Int(random.next() % 80)) }
    texts.append(contentsOf: ["", " ", "a", String(long.prefix(500))])
    for text in texts + texts.shuffled(using: &random) {
      let expected = try tokenizer.encode(text, options: .init(addsSpecialTokens: false))
      let ids = try tokenizer.ids(of: text)
      if ids != expected.ids {
        Issue.record("\(name): \(text.debugDescription)\nids      \(ids)\nexpected \(expected.ids)")
        return
      }
      #expect(try tokenizer.count(text) == expected.count)
      if random.next() % 8 != 0 { continue }
      guard try EncodeStreamTests.check(tokenizer, text, &random) else { return }
    }
    let batch = try tokenizer.ids(batch: texts, threads: 2, withPlaces: true)
    #expect(batch.count == texts.count)
    for (row, text) in texts.enumerated() {
      let expected = try tokenizer.encode(text, options: .init(addsSpecialTokens: false))
      #expect(Array(batch[row]) == expected.ids)
      // A token that ends inside a character has it whole in the full encoding.
      let ends = try #require(batch.byteEnds(ofRow: row))
      for (end, wide) in zip(ends, expected.utf8Ends(in: text)) { #expect(end <= wide && wide - end < 4) }
    }
  }

  @Test("a prefix of so many tokens has exactly their text")
  func prefixes() throws {
    let tokenizer = try Self.tokenizer()
    var random = SplitMix64(seed: 21)
    for _ in 0..<60 {
      let text = Self.text(&random, 40)
      let ids = try tokenizer.ids(of: text)
      for tokens in [0, 1, ids.count / 2, ids.count - 1, ids.count, ids.count + 5] where tokens >= 0 {
        let prefix = try tokenizer.prefix(of: text, tokens: tokens)
        let bytes = tokenizer.decodeBytes(ids.prefix(tokens), skipSpecialTokens: false)
        var expected = bytes
        while !expected.isEmpty, String(validating: expected, as: UTF8.self) == nil { expected.removeLast() }
        #expect(Array(prefix.utf8) == expected)
      }
    }
  }

  @Test("merging in linear time gives what merging by ranks gives")
  func linear() throws {
    let tokenizer = try Self.tokenizer()
    guard case .bpe(let model) = tokenizer.core.description.model else { return }
    let pairs = try #require(MergeRanks(model.pairs))
    let linear = try #require(LinearMerger(model, pairs, ByteVocabulary(model.vocabulary)))
    let byteIDs = try #require(model.rawBytes).byteIDs
    let dead = UnsafeMutablePointer<UInt64>.allocate(capacity: 64)
    dead.initialize(repeating: 0, count: 64)
    defer { dead.deallocate() }
    var random = SplitMix64(seed: 2)
    for _ in 0..<1500 {
      let word = Array(Self.text(&random, 1 + Int(random.next() % 12)).utf8.prefix(3000))
      var merger = BPEMerger()
      for byte in word { merger.append(byteIDs[Int(byte)], length: 1) }
      merger.merge(with: model.pairs)
      let ids = [UInt32](unsafeUninitializedCapacity: word.count) { ids, count in
        guard let base = ids.baseAddress else { return }
        count = word.withUnsafeBufferPointer { linear.merge($0, base, dead: dead) }
      }
      #expect(ids == merger.ids)
    }
  }

  @Test("merges whose ranks are no order in time are not merged in linear time")
  func improperOrder() throws {
    let file: JSON = [
      "model": [
        "type": "BPE", "vocab": .object(Self.byteVocabulary(adding: ["ab", "abc", "cd"])),
        "merges": ["ab c", "a b", "c d"],
      ],
      "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true],
    ]
    let tokenizer = try TextTokenizer(bytes: Array(file.text().utf8))
    guard case .bpe(let model) = tokenizer.core.description.model else { return }
    let pairs = try #require(MergeRanks(model.pairs))
    #expect(LinearMerger(model, pairs, ByteVocabulary(model.vocabulary)) == nil)
    for text in ["abc", "abcd", String(repeating: "abcd", count: 400)] {
      #expect(try tokenizer.ids(of: text) == tokenizer.encode(text).ids)
    }
  }

  private static func byteVocabulary(adding more: [String]) -> JSONObject {
    var object: JSONObject = [:]
    for (id, text) in (ByteLevelAlphabet.characters.map { String(Character($0)) } + more).enumerated() {
      object[text] = .integer(Int64(id))
    }
    return object
  }

  @Test("many tasks share one tokenizer")
  func tasks() async throws {
    let tokenizer = try Self.tokenizer()
    var random = SplitMix64(seed: 33)
    let texts = (0..<40).map { _ in Self.text(&random, 50) }
    let expected = try texts.map { try tokenizer.encode($0, options: .init(addsSpecialTokens: false)).ids }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for worker in 0..<8 {
        group.addTask {
          for index in texts.indices {
            let place = (index * 7 + worker * 5) % texts.count
            if try tokenizer.ids(of: texts[place]) != expected[place] { return false }
          }
          return true
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }
}

extension Encoding {
  fileprivate func utf8Ends(in text: String) -> [Int] {
    var starts = [0]
    for scalar in text.unicodeScalars { starts.append(starts[starts.count - 1] + UTF8.width(scalar)) }
    return offsets.map { starts[$0.upperBound] }
  }
}
