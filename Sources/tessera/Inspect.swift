import ArgumentParser
import TesseraText

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a tokenizer or a model is made of, how a text is cut, or what one stage does.",
    discussion: """
      Without a text: parts, sizes and oddities. With a file or --text: the text with its tokens made visible.
      A folder of a network alone: its parts, their parameters, and the multiply-adds of one pass.

      Example: tessera inspect deit-small/ --json

      Example: tessera inspect --tokenizer tokenizer.json --text "Ein Wort, zwei Wörter."

      With --op: one standard part of networks alone (a quantizer, a sampler, a loss, ...), on tensors from a file. Without a name the
      parts are listed, with a name alone its inputs, outputs and options.

      Example: tessera inspect --op fsq --inputs in.safetensors --outputs out.safetensors --set levels=[8,5,5,5]
      """)

  @OptionGroup var source: TokenizerOptions
  @Argument(help: "A file whose tokens are shown; - for standard input. Or a folder of a model.") var file: String?
  @Option(help: "A text whose tokens are shown.") var text: String?
  @Option(help: "How many tokens the text has that a model is run on.") var tokens = 128
  @Flag(help: "Show the id of every token.") var ids = false
  @Flag(help: "Leave out the tokens of the template.") var noSpecialTokens = false
  @Flag(help: "Try single stages; needs --jsonl.") var stage = false
  @Flag(help: "One JSON object per line in and out.") var jsonl = false
  @Flag(help: "Everything as JSON.") var json = false
  @Flag(help: "Run or list standard parts of networks; the name of one may follow.") var op = false
  @Option(help: "With --op: a safetensors file with the inputs.") var inputs: String?
  @Option(help: "With --op: where the outputs are written, as safetensors.") var outputs: String?
  @Option(name: .customLong("set"), help: "With --op: an option of the part, KEY=JSON.") var settings: [String] = []

  func validate() throws {
    if op {
      try OperationInspection(name: file, inputs: inputs, outputs: outputs, settings: settings, json: json).validate()
      return
    }
    if inputs != nil || outputs != nil || !settings.isEmpty {
      throw ValidationError("--inputs, --outputs and --set go with --op.")
    }
    if stage && !jsonl { throw ValidationError("--stage reads JSON lines; add --jsonl.") }
    if jsonl && !stage { throw ValidationError("--jsonl goes with --stage; use --json for a report.") }
    if tokens < 1 || tokens > 1 << 20 { throw ValidationError("--tokens is in 1...1048576, not \(tokens).") }
    if modelFolder != nil { return }
    if !stage && source.tokenizer == nil {
      throw ValidationError("Give --tokenizer, a folder of a model, or --stage --jsonl.")
    }
    if file != nil, text != nil { throw ValidationError("Give a file or --text, not both.") }
    if stage, file != nil || text != nil { throw ValidationError("--stage reads its texts from standard input.") }
  }

  /// The folder of a model, if that is what is asked about.
  private var modelFolder: String? {
    guard !stage, source.tokenizer == nil, text == nil, let file else { return nil }
    return ModelInspection.isModel(file) ? file : nil
  }

  func run() throws {
    if op {
      try OperationInspection(name: file, inputs: inputs, outputs: outputs, settings: settings, json: json).run()
      return
    }
    if stage {
      guard try Console.answerLines(StageLine.answer) else { throw ExitCode(1) }
      return
    }
    if let modelFolder {
      try ModelInspection(folder: modelFolder, tokens: tokens, json: json).run()
      return
    }
    let tokenizer = try source.load()
    if let text = try text ?? file.map(Self.read) {
      try show(text, tokenizer)
    } else {
      let report = tokenizer.report
      if json { try Console.print(report.text(.pretty)) } else { try Self.printTable(report) }
    }
  }

  private static func read(_ path: String) throws -> String {
    guard let text = String(validating: try Console.read(path), as: UTF8.self) else {
      throw TokenizerError(.malformed, "the bytes are not valid UTF-8", in: path)
    }
    return text
  }

  private func show(_ text: String, _ tokenizer: TextTokenizer) throws {
    var options = TextTokenizer.EncodeOptions(addsSpecialTokens: !noSpecialTokens)
    options.specialTokensInText = source.choice
    let encoding = try tokenizer.encode(text, options: options)
    if json {
      try Console.print(TokenView.json(text, encoding, tokenizer).text(.pretty))
      return
    }
    let isWatched = Terminal.isWatched(1)
    let lines = TokenView(text, encoding, tokenizer).lines(
      columns: isWatched ? Terminal.columns(of: 1) : nil, hasColors: Terminal.hasColors(1), showsIDs: ids)
    try Console.print(lines.joined(separator: "\n"))
    let count = encoding.count
    try Console.print(
      "\(count) token\(count == 1 ? "" : "s"), \(text.utf8.count) bytes, \(text.unicodeScalars.count) characters")
  }

  private static func printTable(_ report: JSON) throws {
    for (key, value) in report.objectValue ?? [:] {
      let name = DisplayWidth.padded(key.replacing("_", with: " "), to: 36)
      let list = value.arrayValue?.map { $0.stringValue ?? $0.text() }
      let text = list.map { $0.isEmpty ? "none" : $0.joined(separator: "  ") } ?? value.stringValue ?? value.text()
      try Console.print("\(name) \(TokenView.visible(text).replacing("\n", with: ""))")
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

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a tokenizer as a tokenizer.json, or in the form that is mapped.",
    discussion: """
      An output that ends in .tessera gets the form that loads in no time: its tables are mapped, not read.

      Example: tessera convert --tokenizer old/ --output new/tokenizer.json
      """)

  @OptionGroup var source: TokenizerOptions
  @Option(name: .shortAndLong, help: "The file to write.") var output: String

  func validate() throws { try source.needTokenizer() }

  func run() throws {
    let tokenizer = try source.load()
    try Console.write(
      try output.hasSuffix(".tessera") ? tokenizer.mappedForm() : tokenizer.tokenizerJSON(), to: output)
  }
}
