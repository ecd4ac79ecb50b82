import ArgumentParser
import Foundation
import TesseraText

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Learn a vocabulary from text.", subcommands: [TrainBPE.self])
}

struct TrainBPE: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bpe", abstract: "Byte-level byte-pair encoding.",
    discussion: "Example: tessera train bpe corpus/ --vocab-size 32000 -o tokenizer.json")

  @Argument(help: "Files or folders; none for standard input.") var files: [String] = []
  @Option(help: "The size of the vocabulary.") var vocabSize = 32_000
  @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 2
  @Option(help: "A control token; may be given several times.") var specialToken: [String] = []
  @Option(name: .shortAndLong, help: "The file to write.") var output = "tokenizer.json"
  @Flag(help: "Say as JSON what was made.") var json = false

  func validate() throws {
    if vocabSize < 256 { throw ValidationError("--vocab-size needs at least 256, one for each byte.") }
    if minFrequency < 0 { throw ValidationError("--min-frequency cannot be negative.") }
  }

  func run() throws {
    let corpus = try Corpus(files.isEmpty ? ["-"] : files)
    let tokenizer = try corpus.train(vocabularySize: vocabSize, minimumFrequency: minFrequency, specialToken)
    try Console.write(try tokenizer.tokenizerJSON(), to: output)
    let size = tokenizer.vocabularySize
    try Console.print(
      json
        ? JSON.object(["tokenizer": .string(output), "vocabulary_size": .integer(Int64(size))]).text()
        : "\(size) tokens in \(output)")
  }
}

/// The text files that a verb was pointed at.
struct Corpus {
  let paths: [String]

  /// Folders are searched for text by the usual endings; what was named itself is always taken.
  init(_ roots: [String]) throws {
    let endings = ["md", "txt", "swift", "py", "c", "h", "rs", "js", "html"]
    var found: [String] = []
    for root in roots {
      var isFolder: ObjCBool = false
      guard root == "-" || FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else {
        throw TokenizerError(.inputOutput, "no such file or folder", in: root)
      }
      guard isFolder.boolValue else {
        found.append(root)
        continue
      }
      let inside = FileManager.default.enumerator(atPath: root)
      while let path = inside?.nextObject() as? String {
        if path.split(separator: "/").contains(where: { $0.hasPrefix(".") || $0 == "out" }) { continue }
        if endings.contains((path as NSString).pathExtension) { found.append("\(root)/\(path)") }
      }
    }
    guard !found.isEmpty else {
      throw TokenizerError(.inputOutput, "no text file found", in: roots.joined(separator: ", "))
    }
    paths = found.sorted()
  }

  func train(vocabularySize: Int, minimumFrequency: Int, _ specialTokens: [String]) throws -> TextTokenizer {
    var trainer = BPETrainer(vocabularySize: vocabularySize)
    trainer.minimumFrequency = minimumFrequency
    let texts = paths.map { path in { () throws -> [UInt8] in try Console.read(path) } }
    let progress = Progress()
    defer { progress.finish() }
    return try TextTokenizer.trainByteLevelBPE(on: texts, with: trainer, specialTokens: specialTokens) {
      progress.show($0)
    }
  }
}

/// One line of progress on a terminal; nothing into a pipe.
final class Progress {
  private let isWatched = isatty(2) == 1
  private let start = Date()
  private var last = Date.distantPast

  func show(_ progress: TrainingProgress) {
    guard isWatched, Date().timeIntervalSince(last) > 0.1 else { return }
    last = Date()
    let share = Double(progress.completed) / Double(max(progress.total, 1))
    let left = share > 0 ? Date().timeIntervalSince(start) * (1 - share) / share : 0
    let line = "\r\u{1B}[K\(progress.stage.rawValue) \(Int(share * 100)) %, \(Int(left)) s left"
    FileHandle.standardError.write(Data(line.utf8))
  }

  func finish() { if isWatched { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) } }
}
