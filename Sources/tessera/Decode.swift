import ArgumentParser
import Foundation
import TesseraText

struct Decode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn ids back into text.",
    discussion: "Example: echo 15496 995 | tessera decode --tokenizer gpt2/tokenizer.json")

  @OptionGroup var source: TokenizerOptions
  @Argument(help: "Files of ids as text or a JSON array; none for standard input.") var files: [String] = []
  @Flag(help: "One JSON object per line in and out.") var jsonl = false
  @Flag(help: "Give the text as base64 of its bytes (with --jsonl).") var bytes = false
  @Flag(help: "Give what each id lets out (with --jsonl).") var stream = false
  @Flag(help: "Leave special tokens out of the text.") var skipSpecialTokens = false

  func validate() throws { try source.needTokenizer() }

  func run() throws {
    let tokenizer = try source.load()
    if jsonl {
      guard try Console.answerLines(DecodeLine(tokenizer: tokenizer, givesBytes: bytes, givesSteps: stream).answer)
      else { throw ExitCode(1) }
      return
    }
    for path in files.isEmpty ? ["-"] : files {
      let text = String(decoding: try Console.read(path), as: UTF8.self)
      let ids = try text.split(whereSeparator: { " \n\r\t,[]".contains($0) }).map { word in
        guard let id = UInt32(word) else {
          throw TokenizerError(.malformed, "expected ids, found '\(word)'", in: path)
        }
        return id
      }
      try Console.write(tokenizer.decodeBytes(ids, skipSpecialTokens: skipSpecialTokens))
      try Console.print("")
    }
  }
}

/// Answers one line of `tessera decode --jsonl`.
struct DecodeLine {
  let tokenizer: TextTokenizer
  var givesBytes = false
  var givesSteps = false

  func answer(_ line: JSON) throws -> JSON {
    guard let list = line["ids"]?.arrayValue else {
      throw TokenizerError(.malformed, "expected an array of ids", at: .key("ids"))
    }
    let ids = try list.enumerated().map { index, value in
      guard let id = value.integerValue.flatMap({ UInt32(exactly: $0) }) else {
        throw TokenizerError(.malformed, "expected an id", at: .key("ids[\(index)]"))
      }
      return id
    }
    let skips = line["skip_special_tokens"]?.boolValue ?? true
    if givesSteps {
      var stream = tokenizer.decodeStream(skipSpecialTokens: skips)
      return ["steps": .array(try ids.map { try stream.next($0).map { .string($0) } ?? .null })]
    }
    if givesBytes {
      let data = Data(tokenizer.decodeBytes(ids, skipSpecialTokens: skips))
      return ["base64": .string(data.base64EncodedString())]
    }
    return ["text": .string(tokenizer.decode(ids, skipSpecialTokens: skips))]
  }
}
