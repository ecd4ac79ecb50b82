import Foundation
import Testing

@testable import TesseraText

@Suite("SentencePiece model files")
struct SentencePieceModelTests {
  @Test("reading and writing gives the same bytes", arguments: SentencePieceFixtures.names)
  func roundTrip(name: String) throws {
    let bytes = try SentencePieceFixtures.model(name)
    #expect(try SentencePieceModel(bytes: bytes).serialized() == bytes)
  }

  @Test("unknown fields of every wire type are kept, in the model, its specifications and its pieces")
  func unknownFields() throws {
    let extra: [UInt8] = [
      0xC2, 0x0C, 1, 0x41,  // 200, bytes
      0xC8, 0x0C, 0x96, 0x01,  // 201, varint
      0xD5, 0x0C, 1, 2, 3, 4,  // 202, fixed32
      0xD9, 0x0C, 1, 2, 3, 4, 5, 6, 7, 8,  // 203, fixed64
      0xE3, 0x0C, 0x08, 0x05, 0xE4, 0x0C,  // 204, group
    ]
    func field(_ tag: UInt8, _ body: [UInt8]) -> [UInt8] { [tag, UInt8(body.count)] + body }
    let bytes =
      field(0x0A, [0x0A, 1, 0x61, 0x15, 0, 0, 0x80, 0xBF, 0x18, 2] + extra) + field(0x12, [0x18, 2] + extra)
      + field(0x1A, [0x18, 0] + extra) + field(0x22, field(0x0A, [0x0A, 1, 0x78, 0x12, 1, 0x79]))
      + field(0x2A, [0x20, 0] + extra) + extra
    let model = try SentencePieceModel(bytes: bytes)
    #expect(model.serialized() == bytes)
    #expect(model.pieces.map(\.text) == ["a"] && model.pieces[0].score == -1 && model.pieces[0].kind == .unknown)
    #expect(model.trainer.kind == .bpe && !model.normalizer.addsDummyPrefix)
    #expect(model.denormalizer?.removesExtraWhitespaces == false)
    let samples = try model.selfTestSamples()
    #expect(samples.count == 1 && samples[0].input == "x" && samples[0].expected == "y")
  }

  @Test("a value of the wrong wire type or outside the enumeration counts as missing")
  func wrongWireTypes() throws {
    let piece: [UInt8] = [0x0A, 11, 0x0A, 1, 0x61, 0x10, 5, 0x18, 9, 0x1A, 2, 0, 0]
    let model = try SentencePieceModel(bytes: piece + [0x12, 5, 0x18, 9, 0x1A, 1, 0])
    #expect(model.pieces[0].score == 0 && model.pieces[0].kind == .normal)
    #expect(model.trainer.kind == .unigram)
  }

  @Test(
    "malformed files are refused with the byte",
    arguments: [
      ([0x0A, 0x05, 0x0A], 1), ([0x0A], 1), ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], 1),
      ([0x08] + Array(repeating: 0xFF, count: 11), 1), ([0x02, 0x00], 0), ([0x0A, 2, 0x15, 1], 3),
      ([0xC4, 0x0C], 2), ([0xC6, 0x0C], 2), ([0xC3, 0x0C, 0x08], 3), ([0xC3, 0x0C, 0xCC, 0x0C], 4),
      ([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], 0),
    ] as [([UInt8], Int)])
  func malformed(bytes: [UInt8], place: Int) {
    let error = #expect(throws: TokenizerError.self) { try SentencePieceModel(bytes: bytes) }
    #expect(error?.place == .byte(place) && error?.kind == .malformed, "\(error?.description ?? "")")
  }

  @Test("groups nested too deep are refused")
  func deepGroups() {
    let open = [UInt8](repeating: 0x43, count: 100_000)
    let error = #expect(throws: TokenizerError.self) { try SentencePieceModel(bytes: open) }
    #expect(error?.kind == .limitExceeded)
  }

  @Test("cut and damaged files never do worse than throw", arguments: ["unigram_rules_bytes", "bpe_suffix_bytes"])
  func damaged(name: String) throws {
    let bytes = try SentencePieceFixtures.model(name)
    var source = SentencePieceRandom(state: 7)
    var survivors = 0
    for round in 0..<60 {
      var copy = bytes
      if round % 3 == 0 { copy.removeLast(Int.random(in: 1..<copy.count, using: &source)) }
      for _ in 0..<(1 + round % 7) where !copy.isEmpty {
        copy[Int.random(in: 0..<copy.count, using: &source)] = UInt8.random(in: 0...255, using: &source)
      }
      guard let model = try? SentencePieceModel(bytes: copy), let encoder = try? SentencePieceEncoder(model) else {
        continue
      }
      survivors += 1
      _ = try encoder.decode(encoder.encode(bytes: Array("ab ﬁ \u{1F44D} the ｶﾞ".utf8) + [0xFF, 0xE2, 0x96]).ids)
    }
    #expect(survivors > 0)
  }

  @Test("a vocabulary text gives pieces, scores and the kinds its names tell")
  func vocabularyText() throws {
    let model = try SentencePieceModel(vocabularyText: Array("<unk>\t0\n<s>\t0\n\u{2581}a\t-1.5\nb\tc\t-2\n".utf8))
    #expect(model.pieces.map(\.text) == ["<unk>", "<s>", "\u{2581}a", "b\tc"])
    #expect(model.pieces.map(\.score) == [0, 0, -1.5, -2])
    #expect(model.pieces.map(\.kind) == [.unknown, .control, .normal, .normal])
    #expect(try SentencePieceEncoder(model).encode("a").ids == [2])
    #expect(model.vocabularyText() == Array("<unk>\t0\n<s>\t0\n\u{2581}a\t-1.5\nb\tc\t-2\n".utf8))
    let error = #expect(throws: TokenizerError.self) { try SentencePieceModel(vocabularyText: Array("a\t1\nb".utf8)) }
    #expect(error?.place == .line(2))
  }
}

/// A small reproducible source of random numbers (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
private struct SentencePieceRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
