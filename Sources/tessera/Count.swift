import ArgumentParser
import Foundation
import TesseraText

struct Count: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Count the words of text into a file that trainers read.",
    discussion: """
      Files of counts can be made in many places and added up: words are sorted, and merging takes memory for a few buffers.

      Examples:
        tessera count part1/ -o part1.twc
        tessera count part2/ -o part2.twc --memory 512
        tessera count --merge part1.twc part2.twc -o all.twc
        tessera train bpe --counts all.twc --vocab-size 32000
      """)

  @OptionGroup var counting: CountingOptions
  @Option(help: "Cut for `train unigram`, by these rules: identity, nfkc, nmt_nfkc, nfkc_cf, nmt_nfkc_cf.")
  var normalization: String?
  @Flag(help: "The files are files of counts; add them up.") var merge = false
  @Option(help: "With --merge: words that occur less often are left out.") var minWordCount = 1
  @Option(name: .shortAndLong, help: "The file to write.") var output: String
  @Flag(help: "Say as JSON what was made.") var json = false

  func validate() throws {
    if merge, counting.files.isEmpty { throw ValidationError("--merge needs files of counts.") }
  }

  func run() throws {
    let start = Date()
    let run = TrainingRun()
    defer { run.finish() }
    if merge {
      _ = try CountedWords.merge(counting.files, to: output, minimumCount: Int64(minWordCount))
    } else {
      try counting.counter(try cutting(), run).count(files: try counting.paths(), to: output)
    }
    run.finish()
    let size = try FileManager.default.attributesOfItem(atPath: output)[.size] as? Int ?? 0
    let seconds = (Date().timeIntervalSince(start) * 1000).rounded() / 1000
    try Console.print(
      json
        ? JSON.object(["counts": .string(output), "bytes": .integer(Int64(size)), "seconds": .number(seconds)]).text()
        : "\(size) bytes in \(output)")
  }

  private func cutting() throws -> WordCutting {
    guard let normalization else { return try counting.cutting(preTokenizer: "gpt2") }
    guard let rules = SentencePieceNormalization(rawValue: normalization) else {
      throw ValidationError(
        "--normalization is one of \(SentencePieceNormalization.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    return try WordCutting(sentencePiece: rules, unit: counting.wholeFiles ? .document : .line)
  }
}
