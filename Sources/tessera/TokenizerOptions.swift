import ArgumentParser
import TesseraText

/// Which tokenizer a verb uses.
struct TokenizerOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A file or a folder.",
      discussion: """
        A tokenizer.json, a SentencePiece .model, a tekken.json, a GGUF file, a .tessera, a vocab.json with its merges.txt, a vocab.txt, or a \
        folder that holds one of them; a .tiktoken file together with --encoding or --pattern.
        """))
  var tokenizer: String?
  @Option(help: "What a tiktoken file leaves out, by name: gpt2, cl100k_base, o200k_base, qwen, whisper, ...")
  var encoding: String?
  @Option(help: "The pattern for a tiktoken file, instead of --encoding.") var pattern: String?
  @Option(help: "recognize or text, for special tokens in the text; with --pattern the tokens as JSON: {\"text\": id}.")
  var special: String?

  func validate() throws {
    if let encoding, Self.named(encoding) == nil {
      let names = NamedEncoding.all.map(\.name).joined(separator: ", ")
      throw ValidationError("--encoding '\(encoding)' is not known; known are \(names).")
    }
    if encoding != nil, pattern != nil { throw ValidationError("Give --encoding or --pattern, not both.") }
    if tokenizer == nil, encoding != nil || pattern != nil {
      throw ValidationError("--encoding and --pattern need --tokenizer.")
    }
    if let special, pattern == nil, choice == nil {
      throw ValidationError("--special is 'recognize' or 'text', not '\(special)'.")
    }
  }

  /// For verbs that cannot do without.
  func needTokenizer() throws {
    if tokenizer == nil { throw ValidationError("Give --tokenizer.") }
  }

  /// What `--special` says of special tokens in the text.
  var choice: TextTokenizer.SpecialTokensInText? { special.flatMap(TextTokenizer.SpecialTokensInText.init) }

  /// The encoding with a name; `whisper` alone is the multilingual one.
  private static func named(_ name: String) -> NamedEncoding? {
    name == "whisper" ? .whisper(multilingual: true) : NamedEncoding.named(name)
  }

  func load() throws -> TextTokenizer {
    guard let tokenizer else { throw ValidationError("Give --tokenizer.") }
    do {
      if let named = encoding.flatMap(Self.named) {
        return try TextTokenizer(tiktoken: try Console.read(tokenizer), encoding: named)
      }
      if let pattern {
        return try TextTokenizer(
          tiktoken: try Console.read(tokenizer), pattern: pattern, specialTokens: try listedSpecials())
      }
    } catch let error as TokenizerError {
      throw error.inFile(tokenizer)
    }
    return try TextTokenizer(contentsOf: tokenizer)
  }

  private func listedSpecials() throws -> [(text: String, id: UInt32)] {
    guard let special, choice == nil else { return [] }
    do {
      guard let members = try JSON(parsing: special).objectValue else {
        throw TokenizerError(.malformed, "expected an object of tokens and ids")
      }
      return try members.map { member in
        guard let id = member.value.integerValue.flatMap({ UInt32(exactly: $0) }) else {
          throw TokenizerError(.malformed, "expected an id", at: .key(member.key))
        }
        return (text: member.key, id: id)
      }
    } catch let error as TokenizerError {
      throw error.inFile("--special")
    }
  }
}
