import Foundation
import Testing

@testable import TesseraText

/// The models and cases that `Fixtures/sentencepiece/make.py` wrote with sentencepiece 0.2.3.
enum SentencePieceFixtures {
  static let names = [
    "unigram_plain", "unigram_rules_bytes", "unigram_suffix_keep", "unigram_nmt", "bpe_plain", "bpe_keep_bytes",
    "bpe_rules_symbols", "bpe_suffix_bytes", "char_rules_bytes", "word_plain", "bpe_unused", "bpe_ties",
    "unigram_ties", "unigram_odd", "bpe_odd",
  ]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/sentencepiece")

  static func model(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appendingPathComponent(name + ".model")))
  }

  static let cases: JSON? = try? JSON(parsing: Data(contentsOf: folder.appendingPathComponent("cases.json")))

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

@Suite("SentencePiece agrees with the library")
struct SentencePieceParityTests {
  @Test("ids, places and normalized text are the library's for hard texts", arguments: SentencePieceFixtures.names)
  func encoding(name: String) throws {
    let encoder = try SentencePieceEncoder(SentencePieceModel(bytes: SentencePieceFixtures.model(name)))
    let cases = try #require(SentencePieceFixtures.cases?[name]?["encode"]?.arrayValue)
    #expect(cases.count > 200)
    for entry in cases {
      let input = SentencePieceFixtures.bytes(try #require(entry.arrayValue?[0].stringValue))
      let encoding = try encoder.encode(bytes: input)
      let found = encoding.tokens.map { "\($0.id):\($0.begin):\($0.end)" }.joined(separator: " ")
      #expect(found == entry.arrayValue?[1].stringValue, "\(String(decoding: input, as: UTF8.self))")
      let normalized = try input.withUnsafeBufferPointer { try encoder.normalized($0) }
      #expect(normalized == SentencePieceFixtures.bytes(entry.arrayValue?[2].stringValue ?? "-"))
      #expect(normalized == encoding.normalized)
      var ids: [UInt32] = []
      try input.withUnsafeBufferPointer { try encoder.encode($0, into: &ids) }
      #expect(ids == encoding.ids)
    }
  }

  @Test("decoded text is the library's for random ids", arguments: SentencePieceFixtures.names)
  func decoding(name: String) throws {
    let encoder = try SentencePieceEncoder(SentencePieceModel(bytes: SentencePieceFixtures.model(name)))
    let cases = try #require(SentencePieceFixtures.cases?[name]?["decode"]?.arrayValue)
    #expect(cases.count > 40)
    for entry in cases {
      let ids = try #require(entry.arrayValue?[0].stringValue).split(separator: ",").compactMap { UInt32($0) }
      let text = SentencePieceFixtures.bytes(try #require(entry.arrayValue?[1].stringValue))
      #expect(try encoder.decode(ids) == text, "\(ids)")
    }
  }

  @Test("pieces cover the normalized text, surfaces the input in order", arguments: SentencePieceFixtures.names)
  func coverage(name: String) throws {
    let encoder = try SentencePieceEncoder(SentencePieceModel(bytes: SentencePieceFixtures.model(name)))
    let encoding = try encoder.encode("  The naïve ﬁn \u{1F468}\u{200D}\u{1F469} abc the same 2024年\r\n of\u{2581}it ")
    #expect(encoding.tokens.first?.normalizedBegin == 0)
    #expect(Int(encoding.tokens.last?.normalizedEnd ?? 0) == encoding.normalized.count)
    for (token, next) in zip(encoding.tokens, encoding.tokens.dropFirst()) {
      #expect(token.normalizedEnd == next.normalizedBegin)
      #expect(token.begin <= token.end && token.end <= next.end)
    }
    for (index, range) in encoding.scalarRanges().enumerated() {
      let scalars = Array(String(decoding: encoding.text, as: UTF8.self).unicodeScalars)[range]
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      if !encoder.vocabulary.byteIDs.contains(Int32(encoding.tokens[index].id)) {
        #expect(Array(String(text).utf8) == Array(encoding.surface(at: index)))
      }
    }
  }
}
