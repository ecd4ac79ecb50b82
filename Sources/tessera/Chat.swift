import ArgumentParser
import TesseraText

struct Chat: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Render a chat template.",
    discussion: """
      Reads one JSON object per line, {"template": "...", "context": {...}}, and writes {"text": "..."}.
      With --template the template comes from a file and the line needs the context only.

      Example: echo '{"context":{"messages":[]}}' | tessera chat --jsonl --template chat_template.jinja
      """)

  @Flag(help: "One JSON object per line in and out.") var jsonl = false
  @Option(help: "A file with the template, for lines that bring none.") var template: String?

  func validate() throws {
    if !jsonl { throw ValidationError("tessera chat reads JSON lines; add --jsonl.") }
  }

  func run() throws {
    let shared = try template.map { path in
      do {
        return try ChatTemplate(String(decoding: try Console.read(path), as: UTF8.self))
      } catch let error as TokenizerError {
        throw error.inFile(path)
      }
    }
    let isGood = try Console.answerLines { line in
      let own = try line["template"]?.stringValue.map { try ChatTemplate($0) }
      guard let template = own ?? shared else {
        throw TokenizerError(.malformed, "expected a string", at: .key("template"))
      }
      return ["text": .string(try template.render(line["context"] ?? [:]))]
    }
    if !isGood { throw ExitCode(1) }
  }
}
