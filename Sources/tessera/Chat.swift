import ArgumentParser
import TesseraText

struct Chat: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn a conversation into the text of a prompt.",
    discussion: """
      Reads one JSON object per line and writes {"text": "..."}. A line is {"context": {...}}, or holds the members of the \
      context itself: "messages", "tools", "add_generation_prompt" and what else the template reads. The template is the \
      tokenizer's own, that of --template, or the line's "template"; "template_name" chooses one of several. With a tokenizer \
      the template sees its special tokens too.

      Example: echo '{"messages":[{"role":"user","content":"Hi"}]}' | tessera chat --jsonl --tokenizer llama3/
      """)

  @OptionGroup var source: TokenizerOptions
  @Flag(help: "One JSON object per line in and out.") var jsonl = false
  @Option(help: "A file with the template, for lines that bring none.") var template: String?
  @Option(help: "Which of the tokenizer's templates; 'tool_use' with tools when there is one, else 'default'.")
  var templateName: String?
  @Flag(help: "Ask for the beginning of an answer, where the line does not say.") var addGenerationPrompt = false
  @Flag(help: "Give the ids of the text too (needs --tokenizer).") var ids = false

  func validate() throws {
    if !jsonl { throw ValidationError("tessera chat reads JSON lines; add --jsonl.") }
    if source.tokenizer == nil {
      if ids { throw ValidationError("--ids needs --tokenizer.") }
      if templateName != nil { throw ValidationError("--template-name needs --tokenizer.") }
    }
    if template != nil, templateName != nil { throw ValidationError("Give --template or --template-name, not both.") }
  }

  func run() throws {
    let shared = try template.map { path in
      do {
        return try ChatTemplate(String(decoding: try Console.read(path), as: UTF8.self))
      } catch let error as TokenizerError {
        throw error.inFile(path)
      }
    }
    var answer = ChatLine(tokenizer: source.tokenizer == nil ? nil : try source.load(), shared: shared)
    answer.templateName = templateName
    answer.addsGenerationPrompt = addGenerationPrompt
    answer.givesIDs = ids
    if !(try Console.answerLines { try answer.answer($0) }) { throw ExitCode(1) }
  }
}

/// Answers one line of `tessera chat --jsonl`.
struct ChatLine {
  let tokenizer: TextTokenizer?
  let shared: ChatTemplate?
  var templateName: String?
  var addsGenerationPrompt = false
  var givesIDs = false
  /// The tokenizer's templates that were parsed already, by their text.
  private var parsed: [String: ChatTemplate] = [:]

  init(tokenizer: TextTokenizer?, shared: ChatTemplate?) { (self.tokenizer, self.shared) = (tokenizer, shared) }

  mutating func answer(_ line: JSON) throws -> JSON {
    guard var members = line.objectValue else {
      throw TokenizerError(.malformed, "expected an object, found \(line.kindName)")
    }
    if let context = members["context"] {
      guard let object = context.objectValue else {
        throw TokenizerError(.malformed, "expected an object, found \(context.kindName)", at: .key("context"))
      }
      members = object
    } else {
      members["template"] = nil
      members["template_name"] = nil
    }
    let template = try template(for: line, members)
    // With a template alone nothing is added: the context says everything.
    guard let tokenizer else { return ["text": .string(try template.render(.object(members)))] }
    if members["add_generation_prompt"] == nil, addsGenerationPrompt { members["add_generation_prompt"] = true }
    let text = try template.render(tokenizer.chatConfiguration.context(members))
    guard givesIDs else { return ["text": .string(text)] }
    let options = TextTokenizer.EncodeOptions(addsSpecialTokens: false, specialTokensInText: .recognize)
    let ids = try tokenizer.encode(text, options: options).ids
    return ["text": .string(text), "ids": .array(ids.map { .integer(Int64($0)) })]
  }

  private mutating func template(for line: JSON, _ members: JSONObject) throws -> ChatTemplate {
    if let own = line["template"], !own.isNull {
      guard let source = own.stringValue else {
        throw TokenizerError(.malformed, "expected a string, found \(own.kindName)", at: .key("template"))
      }
      return try ChatTemplate(source)
    }
    let name = line["template_name"]?.stringValue ?? templateName
    if let shared, name == nil { return shared }
    guard let tokenizer else { throw TokenizerError(.malformed, "expected a string", at: .key("template")) }
    let hasTools = members["tools"].map { !$0.isNull } ?? false
    let source = try tokenizer.chatConfiguration.template(named: name, hasTools: hasTools)
    if let known = parsed[source] { return known }
    let fresh = try ChatTemplate(source)
    parsed[source] = fresh
    return fresh
  }
}
