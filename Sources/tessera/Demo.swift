import ArgumentParser
import Foundation
import TesseraText

/// What `make run` does: the whole life of a text token on the user's own files.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train on text, encode it, decode it, and print what it costs.",
    discussion: "Example: tessera demo docs/ --vocab-size 8000 --output out/tokenizer.json")

  @Argument(help: "Files or folders.") var files: [String] = ["."]
  @Option(help: "The size of the vocabulary.") var vocabSize = 8000
  @Option(name: .shortAndLong, help: "The tokenizer to write.") var output = "out/tokenizer.json"

  func validate() throws {
    if vocabSize < 256 { throw ValidationError("--vocab-size needs at least 256, one for each byte.") }
    if files.contains("-") { throw ValidationError("The files are read twice; give files or folders.") }
  }

  func run() throws {
    let corpus = try Corpus(files)
    let start = Date()
    let trained = try corpus.train(vocabularySize: vocabSize, minimumFrequency: 2, ["<|endoftext|>"])
    let trainingTime = Date().timeIntervalSince(start)
    try Console.write(try trained.tokenizerJSON(), to: output)
    // What was written is what is tried, not what is in memory.
    let tokenizer = try TextTokenizer(contentsOf: output)
    let trial = try Trial(corpus.paths, tokenizer)
    try Console.print(trial.table(output, tokenizer.vocabularySize, trainingTime))
    if let path = trial.changed.first {
      let others = trial.changed.count > 1 ? " and \(trial.changed.count - 1) more" : ""
      throw TokenizerError(.inconsistent, "\(path)\(others) did not come back as it was", in: output)
    }
  }
}

/// Encodes files and decodes them again.
private struct Trial {
  var files = 0
  var bytes = 0
  var words = 0
  var tokens = 0
  var seconds = 0.0
  /// Files that did not come back byte for byte.
  var changed: [String] = []

  init(_ paths: [String], _ tokenizer: TextTokenizer) throws {
    var options = TextTokenizer.EncodeOptions(addsSpecialTokens: false)
    options.specialTokensInText = .text
    let progress = ProgressLine(label: "encoding and decoding")
    defer { progress.finish() }
    for path in paths {
      let content = try Console.read(path)
      let start = Date()
      let encoding: Encoding
      if let text = String(validating: content, as: UTF8.self) {
        encoding = try tokenizer.encode(text, options: options)
      } else {
        encoding = try tokenizer.encode(bytes: content, options: options)
      }
      seconds += Date().timeIntervalSince(start)
      if tokenizer.decodeBytes(encoding.ids, skipSpecialTokens: false) != content { changed.append(path) }
      files += 1
      bytes += content.count
      words += content.split { $0 == 0x20 || (0x09...0x0D).contains($0) }.count
      tokens += encoding.count
      progress.update(done: files, total: paths.count, unit: "files")
    }
  }

  func table(_ output: String, _ size: Int, _ trainingTime: Double) -> String {
    let trip =
      changed.isEmpty
      ? "exact: every file came back byte for byte" : "NOT exact: \(changed.count) of \(files) files differ"
    let speed = seconds > 0 ? String(format: ", %.1f MB/s", Double(bytes) / 1e6 / seconds) : ""
    let facts = [
      ("input", "\(files) files, \(grouped(bytes)) bytes, \(grouped(words)) words"),
      ("vocabulary", "\(grouped(size)) tokens, learned in \(String(format: "%.2f s", trainingTime)), in \(output)"),
      ("encoding", "\(grouped(tokens)) tokens in \(String(format: "%.2f s", seconds))\(speed)"),
      ("round trip", trip),
    ]
    let width = max(18, DisplayWidth.of(output) + 2)
    func row(_ name: String, _ cells: [String]) -> String {
      DisplayWidth.padded(name, to: width)
        + cells.map { String(repeating: " ", count: max(0, 16 - $0.count)) + $0 }.joined()
    }
    func cost(_ name: String, _ count: Int) -> String {
      row(name, [grouped(count), ratio(count, bytes), ratio(count, words), ratio(bytes, count)])
    }
    let lines =
      facts.map { DisplayWidth.padded($0.0, to: 12) + $0.1 } + [
        "", row("cost", ["tokens", "per byte", "per word", "bytes per token"]), cost("raw bytes", bytes),
        cost(output, tokens),
      ]
    return lines.joined(separator: "\n")
  }

  private func ratio(_ a: Int, _ b: Int) -> String {
    b == 0 ? "-" : String(format: "%.3f", Double(a) / Double(b))
  }

  private func grouped(_ number: Int) -> String {
    var text = String(number)
    var at = text.count - 3
    while at > 0 {
      text.insert(",", at: text.index(text.startIndex, offsetBy: at))
      at -= 3
    }
    return text
  }
}
