import Foundation
import TesseraTensor
import TesseraText

/// Documents to train on and documents held out.
struct TextCorpus {
  var training: [[UInt8]] = []
  var heldOut: [[UInt8]] = []

  /// Some of a data set's documents, those of the run's own seed, at most so many bytes of each part.
  ///
  /// The sides are the data set's; the seed chooses among the documents of each side.
  init(_ set: DataSet, _ run: Run, training: Int, heldOut: Int, longest: Int = 1 << 20) throws {
    let folder = try set.open(run.lab)
    self.training = Self.pick(try folder.documents("train"), run, "train", training, longest)
    self.heldOut = Self.pick(try folder.documents("test"), run, "test", heldOut, longest)
    guard !self.training.isEmpty, !self.heldOut.isEmpty else {
      throw LabError.refused(run.name, "the data set '\(set.name)' has too few documents on this machine")
    }
  }

  private static func pick(
    _ documents: [[UInt8]], _ run: Run, _ side: String, _ limit: Int, _ longest: Int
  ) -> [[UInt8]] {
    var stream = run.stream.named(side)
    var (picked, bytes) = ([[UInt8]](), 0)
    for document in documents.shuffled(using: &stream) where bytes < limit && !document.isEmpty {
      picked.append(Array(document.prefix(longest)))
      bytes += picked[picked.count - 1].count
    }
    return picked
  }

  var trainingBytes: Int { training.reduce(0) { $0 + $1.count } }
  var heldOutBytes: Int { heldOut.reduce(0) { $0 + $1.count } }

  /// Counts words of documents, each a file of its own.
  static func count(_ documents: [[UInt8]], _ cutting: WordCutting) throws -> CountedWords {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-words-\(UUID().uuidString)")
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
    // GPT-2's pattern.
    let cutting = try WordCutting(
      preTokenizer: ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true])
    let trained = try trainer.train(on: try count(documents, cutting), reading: .byteLevel)
    return try TextTokenizer(trained, from: trainer, cutting: cutting)
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
