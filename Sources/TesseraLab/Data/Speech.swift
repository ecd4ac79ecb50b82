import Foundation
import TesseraText
import TesseraSound

extension DataSet {
  /// Sentences of a closed grammar of 36 words in five synthetic voices.
  public static let speech = DataSet(
    name: "speech", version: 1,
    summary: "Commands of 36 words spoken by flite (slt, rms, awb, kal16) and espeak-ng, 16 kHz, with phonemes.",
    licence: "flite voices: MIT-like (CMU); espeak-ng: GPL-3, its output is free",
    packages: [DataPackage("flite", file: "/usr/bin/flite"), DataPackage("espeak-ng", file: "/usr/bin/espeak-ng")],
    splitRule:
      "By sentence: no sentence stands on two sides, in whatever voice. The voice kal16 speaks test sentences only."
  ) { writer in
    let sentences = SpokenGrammar.sentences(200)
    let phonemes = try sentences.map { try Speaker.phonemes(of: $0) }
    var done = 0
    for split in Split.allCases {
      let indices = sentences.indices.filter { SpokenGrammar.split($0) == split }
      var (sounds, lines) = ([[UInt8]](), [String]())
      for speaker in Speaker.all where split == .test || !speaker.isUnseen {
        for index in indices {
          try writer.lab.report(Progress("speech", done: done, total: 840, unit: "sentences"))
          done += 1
          let sound = try speaker.say(sentences[index])
          if index == indices.first {
            let file = "\(split.rawValue)-\(speaker.name).wav"
            try writer.write(file, bytes: Data(try sound.encoded(as: .wav16)))
            writer.sample(split.rawValue, "\(speaker.name): \(sentences[index])", file: file)
          }
          sounds.append(SpeechData.bytes(of: sound.samples))
          lines.append("\(speaker.name)\t\(sentences[index])\t\(phonemes[index])")
        }
      }
      try writer.write(split.rawValue + "-sounds", documents: sounds)
      try writer.write(split.rawValue + "-texts", lines: lines)
      writer.count(split.rawValue, sounds.count, "utterances")
      writer.count(split.rawValue, sounds.reduce(0) { $0 + $1.count } / 32_000, "seconds")
    }
  }
}

/// Utterances of the data set `speech`.
public struct SpeechData: Sendable {
  /// One sentence in one voice.
  public struct Utterance: Sendable, Equatable {
    /// `slt`, `rms`, `awb`, `espeak`, or `kal16`.
    public let voice: String
    /// The words.
    public let text: String
    /// The words in the International Phonetic Alphabet, by espeak-ng.
    public let phonemes: String
    /// 16 000 samples a second, in [-1, 1].
    public let samples: [Float]
  }

  /// All of a part, voice after voice.
  public let utterances: [Utterance]

  /// Reads one part of the data set.
  /// - Throws: `LabError`
  public init(_ folder: DataFolder, _ split: Split) throws {
    let sounds = try folder.documents(split.rawValue + "-sounds")
    let lines = try folder.lines(split.rawValue + "-texts")
    guard sounds.count == lines.count else {
      throw LabError.malformed(folder.path, "\(sounds.count) sounds and \(lines.count) texts")
    }
    utterances = try zip(sounds, lines).map { sound, line in
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3 else { throw LabError.malformed(folder.path, "a line of texts has no three parts") }
      return Utterance(voice: parts[0], text: parts[1], phonemes: parts[2], samples: Self.samples(of: sound))
    }
  }

  /// Whole numbers of 16 bits, little-endian.
  static func bytes(of samples: [Float]) -> [UInt8] {
    samples.flatMap { sample -> [UInt8] in
      let value = UInt16(bitPattern: Int16(max(-32_768, min(32_767, (sample * 32_768).rounded()))))
      return [UInt8(value & 0xFF), UInt8(value >> 8)]
    }
  }

  static func samples(of bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count - 1, by: 2).map {
      Float(Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)) / 32_768
    }
  }
}

/// Commands such as "move the red box under the green chair and seven two", of 36 words in all.
enum SpokenGrammar {
  static let verbs = ["move", "turn", "place", "find", "open", "close"]
  static let colours = ["red", "blue", "green", "black", "white", "yellow"]
  static let things = ["box", "lamp", "door", "cup", "book", "chair"]
  static let places = ["near", "under", "behind", "above", "before", "after"]
  static let digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
  static let words = verbs + colours + things + places + digits + ["the", "and"]

  /// Different sentences, always the same ones.
  static func sentences(_ count: Int) -> [String] {
    var random = SplitMix64(seed: Split.mixed("spoken grammar"))
    var (seen, result) = (Set<String>(), [String]())
    func pick(_ words: [String]) -> String { words[Int.random(in: words.indices, using: &random)] }
    while result.count < count {
      let thing = "\(pick(verbs)) the \(pick(colours)) \(pick(things))"
      let sentence = "\(thing) \(pick(places)) the \(pick(colours)) \(pick(things)) and \(pick(digits)) \(pick(digits))"
      if seen.insert(sentence).inserted { result.append(sentence) }
    }
    return result
  }

  /// The side of a sentence by its number: 75 % train, 5 % validation, 20 % test.
  static func split(_ index: Int) -> Split { index % 20 < 15 ? .train : index % 20 == 15 ? .validation : .test }
}

/// A synthetic voice.
struct Speaker {
  let name: String
  let isUnseen: Bool

  static let all = ["slt", "rms", "awb", "espeak", "kal16"].map { Speaker(name: $0, isUnseen: $0 == "kal16") }

  func say(_ sentence: String) throws -> Sound {
    let path = NSTemporaryDirectory() + "tessera-\(UUID().uuidString).wav"
    defer { try? FileManager.default.removeItem(atPath: path) }
    if name == "espeak" {
      _ = try Program.run("espeak-ng", ["-v", "en-us", "-w", path, sentence])
    } else {
      _ = try Program.run("flite", ["-voice", name, "-t", sentence, "-o", path])
    }
    return try Sound(contentsOf: path).mono.resampled(to: 16_000)
  }

  static func phonemes(of sentence: String) throws -> String {
    let text = String(decoding: try Program.run("espeak-ng", ["-v", "en-us", "-q", "--ipa", sentence]), as: UTF8.self)
    return text.split(whereSeparator: { $0.isWhitespace }).joined(separator: " ")
  }
}
