import Foundation
import TesseraText

/// Where proofs get their bytes from, split into training and held-out parts.
struct ProofData: Sendable {
  let isQuick: Bool
  let text: String
  let code: String
  let binaries: [String]
  let legal: [String]

  struct Split {
    var training: [[UInt8]] = []
    var heldOut: [[UInt8]] = []
    var trainingBytes: Int { training.reduce(0) { $0 + $1.count } }
    var heldOutBytes: Int { heldOut.reduce(0) { $0 + $1.count } }
  }

  /// Executables, split by file; what is in both parts in whole is left out of the held-out one.
  func executables(_ seed: UInt64, training: Int, heldOut: Int) throws -> Split {
    var numbers = ProofNumbers(state: seed)
    let paths = try Corpus(binaries, takesEveryFile: true).paths.shuffled(using: &numbers)
    var split = Split()
    var seen = Set<Int>()
    for path in paths {
      let isTraining = split.trainingBytes <= 4 * split.heldOutBytes || split.heldOutBytes >= heldOut
      if isTraining ? split.trainingBytes >= training : split.heldOutBytes >= heldOut { break }
      guard let bytes = try? Self.beginning(of: path, 1 << 21), bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]),
        seen.insert(bytes.hashValue).inserted
      else { continue }
      if isTraining { split.training.append(bytes) } else { split.heldOut.append(bytes) }
    }
    guard !split.training.isEmpty, !split.heldOut.isEmpty else {
      throw TokenizerError(.inputOutput, "too few executables found", in: binaries.joined(separator: ", "))
    }
    return split
  }

  /// Documents of a file, every tenth held out, valid UTF-8 only.
  func documents(_ path: String, _ seed: UInt64, training: Int, heldOut: Int) throws -> Split {
    var numbers = ProofNumbers(state: seed)
    var split = Split()
    let bytes = try Self.beginning(of: path, (training + heldOut) * 3)
    for document in bytes.split(separator: 0).shuffled(using: &numbers) {
      guard String(validating: document, as: UTF8.self) != nil else { continue }
      let isTraining = Int.random(in: 0..<10, using: &numbers) > 0
      if isTraining {
        if split.trainingBytes < training { split.training.append(Array(document.prefix(1 << 20))) }
      } else if split.heldOutBytes < heldOut {
        split.heldOut.append(Array(document.prefix(1 << 18)))
      }
    }
    split.training = split.training.map(Self.valid)
    split.heldOut = split.heldOut.map(Self.valid)
    return split
  }

  /// Licences and statements of copyright, split by file. Paragraphs are taken once, and held-out ones that occur in the training
  /// part, whatever their line ends, are left out: licences repeat each other.
  func licences(_ seed: UInt64, training: Int, heldOut: Int) throws -> Split {
    var numbers = ProofNumbers(state: seed)
    let paths = try Corpus(legal, takesEveryFile: true).paths
      .filter { $0.contains("common-licenses") || $0.hasSuffix("/copyright") || $0.contains("LICENSE") }
    var split = Split()
    var seen = Set<String>()
    for path in paths.shuffled(using: &numbers) {
      let isTraining = Int.random(in: 0..<10, using: &numbers) > 1
      guard let text = String(validating: try Self.beginning(of: path, 1 << 20), as: UTF8.self) else { continue }
      var kept: [Substring] = []
      for paragraph in text.split(separator: "\n\n") {
        let words = paragraph.lowercased().split { !$0.isLetter }
        if words.count >= 8, seen.insert(words.joined(separator: " ")).inserted { kept.append(paragraph) }
      }
      let bytes = Array(kept.joined(separator: "\n\n").utf8)
      if bytes.isEmpty { continue }
      if isTraining {
        if split.trainingBytes < training { split.training.append(bytes) }
      } else if split.heldOutBytes < heldOut {
        split.heldOut.append(bytes)
      }
    }
    guard !split.training.isEmpty, !split.heldOut.isEmpty else {
      throw TokenizerError(.inputOutput, "too few licences found", in: legal.joined(separator: ", "))
    }
    return split
  }

  static func valid(_ bytes: [UInt8]) -> [UInt8] { Array(String(decoding: bytes, as: UTF8.self).utf8) }

  private static func beginning(of path: String, _ count: Int) throws -> [UInt8] {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw TokenizerError(.inputOutput, "cannot be read", in: path)
    }
    defer { try? file.close() }
    return Array(try file.read(upToCount: count) ?? Data())
  }

  /// Counts words of documents, each a file of its own.
  static func count(_ documents: [[UInt8]], _ cutting: WordCutting) throws -> CountedWords {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-proof-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let paths = try documents.enumerated().map { index, document in
      let file = folder.appendingPathComponent("\(index)")
      try Data(document).write(to: file)
      return file.path
    }
    return try WordCounter(cutting: cutting).count(files: paths)
  }

  /// The baseline for text: byte-level encoding inside words.
  static func wordBPE(_ documents: [[UInt8]], vocabularySize: Int) throws -> TextTokenizer {
    var trainer = BPETrainer(vocabularySize: vocabularySize)
    trainer.minimumFrequency = 2
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    let cutting = try WordCutting(preTokenizer: try NamedStage.preTokenizer("gpt2"))
    let trained = try trainer.train(on: try count(documents, cutting), reading: .byteLevel)
    return try TextTokenizer(trained, from: trainer, cutting: cutting)
  }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same in every run.
struct ProofNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

extension TextTokenizer {
  /// How many tokens documents take in all, control tokens not recognized.
  func tokens(in documents: [[UInt8]]) throws -> Int {
    try documents.reduce(0) { sum, document in
      try sum + encode(bytes: document, options: .init(addsSpecialTokens: false, specialTokensInText: .text)).count
    }
  }

  /// Bytes of documents over tokens.
  func bytesPerToken(_ documents: [[UInt8]]) throws -> Double {
    Double(documents.reduce(0) { $0 + $1.count }) / Double(max(1, try tokens(in: documents)))
  }
}
