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

  func run() throws {
    let corpus = try Corpus(files)
    let start = Date()
    let trained = try corpus.train(vocabularySize: vocabSize, minimumFrequency: 2, ["<|endoftext|>"])
    let trainingTime = Date().timeIntervalSince(start)
    try Console.write(try trained.tokenizerJSON(), to: output)
    let tokenizer = try TextTokenizer(contentsOf: output)
    let texts = try corpus.paths.map { String(decoding: try Console.read($0), as: UTF8.self) }
    let encodingStart = Date()
    var options = TextTokenizer.EncodeOptions(addsSpecialTokens: false)
    options.specialTokensInText = .text
    let encodings = try tokenizer.encode(batch: texts.map { TextTokenizer.Input($0) }, options: options)
    let encodingTime = Date().timeIntervalSince(encodingStart)
    let failures = zip(texts, encodings).filter { Array(tokenizer.decode($1.ids).utf8) != Array($0.utf8) }.count
    let bytes = texts.reduce(0) { $0 + $1.utf8.count }
    let words = texts.reduce(0) { $0 + $1.split(whereSeparator: \.isWhitespace).count }
    let tokens = encodings.reduce(0) { $0 + $1.count }
    try Console.print(
      """
      files                \(texts.count), \(bytes) bytes, \(words) words
      vocabulary           \(tokenizer.vocabularySize) tokens in \(output), trained in \(Self.seconds(trainingTime))
      encoding             \(tokens) tokens in \(Self.seconds(encodingTime))
      round trip           \(failures == 0 ? "exact for every file" : "\(failures) files differ")
      bytes per token      \(Self.ratio(bytes, tokens)) (raw bytes: 1.00)
      tokens per word      \(Self.ratio(tokens, words)) (raw bytes: \(Self.ratio(bytes, words)))
      """)
    if failures > 0 { throw ExitCode(1) }
  }

  private static func seconds(_ time: Double) -> String { String(format: "%.2f s", time) }
  private static func ratio(_ a: Int, _ b: Int) -> String { String(format: "%.2f", Double(a) / Double(max(b, 1))) }
}
