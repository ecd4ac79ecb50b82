import Testing

@testable import TesseraText

@Suite("Streaming decode")
struct DecodeStreamTests {
  /// The reference's way, to the letter: all waiting ids are decoded again for each new one.
  private struct PlainStream {
    let core: TokenizerCore
    var ids: [UInt32] = []
    var prefix: [UInt8] = []
    var prefixIndex = 0

    func text() -> [UInt8] { core.decode(ids, skipSpecialTokens: true) }

    func isOpen(_ text: [UInt8]) -> Bool { text.suffix(3).elementsEqual([0xEF, 0xBF, 0xBD]) }

    mutating func next(_ id: UInt32) -> String {
      if prefix.isEmpty, !ids.isEmpty {
        let known = text()
        if !isOpen(known) { (prefix, prefixIndex) = (known, ids.count) }
      }
      ids.append(id)
      let all = text()
      guard all.count > prefix.count, !isOpen(all) else { return "nothing" }
      guard all.starts(with: prefix) else { return "error" }
      let new = String(decoding: all[prefix.count...], as: UTF8.self)
      let nextIndex = ids.count - prefixIndex
      ids.removeFirst(prefixIndex)
      prefix = text()
      prefixIndex = nextIndex
      return "text \(new)"
    }
  }

  private static let tokens = [
    "<unk>", "a", "b", " ", "▁", "▁a", "\u{FFFD}", "", "</w>", "a</w>", "##b", " n't", "|", "<pad>", "é", "😀",
    "<0x61>", "<0xE2>", "<0x96>", "<0x81>", "<0xFF>", "<0xC3>", "Ã", "©", "â", "Ģ", "Ł", "ħ", "ÿ", "Ġ",
  ]

  private static let decoders = [
    "null", #"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#,
    #"{"type":"ByteFallback"}"#, #"{"type":"Fuse"}"#, #"{"type":"WordPiece","prefix":"\u0023#","cleanup":true}"#,
    #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}"#,
    #"{"type":"BPEDecoder","suffix":"</w>"}"#,
    #"{"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true}"#,
    #"{"type":"Strip","content":"a","start":1,"stop":1}"#, #"{"type":"Strip","content":" ","start":1,"stop":0}"#,
    #"{"type":"Strip","content":"�","start":2,"stop":3}"#,
    #"{"type":"Replace","pattern":{"String":"▁"},"content":" "}"#,
    #"{"type":"Replace","pattern":{"Regex":"a+b?"},"content":"�"}"#,
  ]

  private static func tokenizer(_ decoder: String) throws -> TextTokenizer {
    var vocabulary = JSONObject()
    for (id, token) in tokens.enumerated() { vocabulary[token] = .integer(Int64(id)) }
    let added =
      #"[{"id":13,"content":"<pad>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}]"#
    return try TextTokenizer(
      bytes: Array(
        #"{"version":"1.0","added_tokens":\#(added),"decoder":\#(decoder),"model":{"type":"WordLevel","unk_token":"<unk>","vocab":\#(JSON.object(vocabulary).text())}}"#
          .utf8))
  }

  /// Ids in which one or two of them often come many times in a row.
  private static func ids(below count: Int, _ random: inout SplitMix64) -> [UInt32] {
    var ids: [UInt32] = []
    while ids.count < 90 {
      let pair = (0..<2).map { _ in UInt32.random(in: 0..<UInt32(count), using: &random) }
      let length = Bool.random(using: &random) ? 1 : Int.random(in: 1...40, using: &random)
      for _ in 0..<length { ids.append(pair[Int.random(in: 0..<8, using: &random) == 0 ? 1 : 0]) }
    }
    return ids
  }

  private static func compare(_ tokenizer: TextTokenizer, _ ids: [UInt32], _ name: String) {
    var stream = tokenizer.decodeStream()
    var plain = PlainStream(core: tokenizer.core)
    for (index, id) in ids.enumerated() {
      var answer = "error"
      if let piece = Result(catching: { try stream.next(id) }).success {
        answer = piece.map { "text \($0)" } ?? "nothing"
      }
      let expected = plain.next(id)
      if !answer.utf8.elementsEqual(expected.utf8) {
        Issue.record("\(name), step \(index) of \(ids): '\(answer)', expected '\(expected)'")
        return
      }
    }
  }

  @Test("every step gives what decoding all waiting ids again gives, for chains of any decoders")
  func everyDecoder() throws {
    var random = SplitMix64(seed: 7)
    for round in 0..<150 {
      var chain = [Self.decoders[round % Self.decoders.count]]
      if round >= Self.decoders.count {
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          chain.append(Self.decoders[1...].randomElement(using: &random) ?? "null")
        }
        chain.removeAll { $0 == "null" }
      }
      let decoder =
        round < Self.decoders.count ? chain[0] : #"{"type":"Sequence","decoders":[\#(chain.joined(separator: ","))]}"#
      let tokenizer = try Self.tokenizer(decoder)
      for _ in 0..<3 { Self.compare(tokenizer, Self.ids(below: Self.tokens.count, &random), decoder) }
    }
  }

  @Test(
    "models of sentencepiece stream as they decode",
    arguments: ["bpe_suffix_bytes", "unigram_rules_bytes", "char_rules_bytes", "bpe_keep_bytes", "word_plain"])
  func sentencePiece(name: String) throws {
    let tokenizer = try TextTokenizer(bytes: try FormatFixtures.bytes("sentencepiece/\(name).model"))
    var random = SplitMix64(seed: 3)
    for _ in 0..<30 { Self.compare(tokenizer, Self.ids(below: tokenizer.vocabularySize, &random), name) }
  }

  @Test("a text that stays incomplete takes a time that grows with it, not with its square", .timeLimit(.minutes(1)))
  func incomplete() throws {
    let chain =
      #"{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":1}]}"#
    for decoder in [Self.decoders[1], Self.decoders[2], chain, "null"] {
      let tokenizer = try Self.tokenizer(decoder)
      for token: UInt32 in [6, 13, 20] {
        var stream = tokenizer.decodeStream()
        for _ in 0..<20_000 { _ = try? stream.next(token) }
      }
    }
  }
}

extension Result {
  fileprivate var success: Success? { if case .success(let value) = self { value } else { nil } }
}
