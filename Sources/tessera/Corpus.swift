import Foundation
import TesseraText

/// The text files that a verb was pointed at.
struct Corpus {
  let paths: [String]

  /// Folders are searched for text by the usual endings; what was named itself is always taken.
  ///
  /// - Parameter takesEveryFile: files of folders need not be text; links are left out.
  init(_ roots: [String], takesEveryFile: Bool = false) throws {
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
        if takesEveryFile {
          let kind = inside?.fileAttributes?[.type] as? FileAttributeType
          if kind == .typeRegular { found.append("\(root)/\(path)") }
        } else if endings.contains((path as NSString).pathExtension) {
          found.append("\(root)/\(path)")
        }
      }
    }
    guard !found.isEmpty else {
      throw TokenizerError(
        .inputOutput, takesEveryFile ? "no file found" : "no text file found", in: roots.joined(separator: ", "))
    }
    paths = found.sorted()
  }

  /// Trains a byte-level BPE on whole files.
  func train(vocabularySize: Int, minimumFrequency: Int, _ specialTokens: [String]) throws -> TextTokenizer {
    var trainer = BPETrainer(vocabularySize: vocabularySize)
    trainer.minimumFrequency = minimumFrequency
    trainer.specialTokens = specialTokens
    trainer.initialAlphabet = ByteLevelAlphabet.characters
    let run = TrainingRun()
    defer { run.finish() }
    let cutting = try WordCutting(preTokenizer: try NamedStage.preTokenizer("gpt2"), unit: .document)
    var counter = WordCounter(cutting: cutting)
    counter.progress = run.report
    let trained = try trainer.train(on: try counter.count(files: paths), reading: .byteLevel, progress: run.report)
    return try TextTokenizer(trained, from: trainer, cutting: cutting)
  }
}
