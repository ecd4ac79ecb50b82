import ArgumentParser
import TesseraText

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a tokenizer is made of, or what one stage does.",
    discussion: "Example: tessera inspect --tokenizer tokenizer.json")

  @Option(name: .shortAndLong, help: "A tokenizer.json, or a folder that holds one.") var tokenizer: String?
  @Flag(help: "Try single stages; needs --jsonl.") var stage = false
  @Flag(help: "One JSON object per line in and out.") var jsonl = false
  @Flag(help: "Everything as JSON.") var json = false

  func validate() throws {
    if stage && !jsonl { throw ValidationError("--stage reads JSON lines; add --jsonl.") }
    if !stage && tokenizer == nil { throw ValidationError("Give --tokenizer, or --stage --jsonl.") }
  }

  func run() throws {
    if stage {
      guard try Console.answerLines(StageLine.answer) else { throw ExitCode(1) }
      return
    }
    guard let tokenizer else { return }
    let report = try TextTokenizer(contentsOf: tokenizer).report
    if json { try Console.print(report.text(.pretty)) } else { try Self.printTable(report) }
  }

  private static func printTable(_ report: JSON) throws {
    for (key, value) in report.objectValue ?? [:] {
      let name = key.replacing("_", with: " ")
      try Console.print("\(name.padding(to: 24)) \(value.stringValue ?? value.text())")
    }
  }
}

/// Answers one line of `tessera inspect --stage --jsonl`.
enum StageLine {
  static func answer(_ line: JSON) throws -> JSON {
    if let decoder = line["decoder"] {
      guard let tokens = line["tokens"]?.arrayValue?.map({ $0.stringValue ?? "" }) else {
        throw TokenizerError(.malformed, "expected an array of strings", at: .key("tokens"))
      }
      return ["text": .string(try Stage.decode(tokens, with: decoder))]
    }
    guard let text = line["text"]?.stringValue else {
      throw TokenizerError(.malformed, "expected a string", at: .key("text"))
    }
    if let normalizer = line["normalizer"] { return ["text": .string(try Stage.normalize(text, with: normalizer))] }
    guard let preTokenizer = line["pre_tokenizer"] else {
      throw TokenizerError(.malformed, "expected one of the keys 'normalizer', 'pre_tokenizer' and 'decoder'")
    }
    let pieces = try Stage.preTokenize(text, with: preTokenizer)
    return [
      "pieces": .array(
        pieces.map {
          [.string($0.text), [.integer(Int64($0.offsets.lowerBound)), .integer(Int64($0.offsets.upperBound))]]
        })
    ]
  }
}

extension String {
  fileprivate func padding(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a tokenizer as a tokenizer.json.",
    discussion: "Example: tessera convert --tokenizer old/ --output new/tokenizer.json")

  @OptionGroup var source: TokenizerOptions
  @Option(name: .shortAndLong, help: "The file to write.") var output: String

  func run() throws { try Console.write(try source.load().tokenizerJSON(), to: output) }
}
