import ArgumentParser
import Foundation
import TesseraText

struct Encode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn text into ids.",
    discussion: "Example: tessera encode --tokenizer tokenizer.json README.md --format json")

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, u16, u32, npy }

  @OptionGroup var source: TokenizerOptions
  @Argument(help: "Files; none for standard input.") var files: [String] = []
  @Flag(help: "One JSON object per line in and out.") var jsonl = false
  @Flag(help: "Take files as bytes that need not be text; nothing in them is a special token.") var bytes = false
  @Flag(help: "Print the number of tokens only.") var count = false
  @Flag(help: "Leave out the tokens of the template.") var noSpecialTokens = false
  @Option(help: "text, json, u16, u32 or npy.") var format = Format.text
  @Flag(help: "Everything as JSON.") var json = false
  @Option(help: "Threads; all cores when not given.") var threads: Int?
  @Option(name: .shortAndLong, help: "The file to write; standard output when not given.") var output: String?

  func validate() throws {
    try source.needTokenizer()
    if let threads, threads < 1 { throw ValidationError("--threads needs at least 1.") }
  }

  func run() throws {
    let tokenizer = try source.load()
    if jsonl {
      guard try Console.answerLines({ try EncodeLine(tokenizer, source.choice?.rawValue, threads).answer($0) }) else {
        throw ExitCode(1)
      }
      return
    }
    var options = TextTokenizer.EncodeOptions(addsSpecialTokens: !noSpecialTokens)
    options.specialTokensInText = source.choice
    let paths = files.isEmpty ? ["-"] : files
    if bytes { options.specialTokensInText = .text }
    let encodings =
      bytes
      ? try paths.map { try tokenizer.encode(bytes: try Console.read($0), options: options) }
      : try tokenizer.encode(batch: try paths.map(Self.text), options: options, threads: threads)
    if count {
      for (path, encoding) in zip(paths, encodings) {
        try Console.print(
          json
            ? JSON.object(["file": .string(path), "tokens": .integer(Int64(encoding.count))]).text()
            : paths.count > 1 ? "\(encoding.count)\t\(path)" : "\(encoding.count)")
      }
      return
    }
    let result = try encodings.map { try rendered($0) }.joined()
    if let output { try Console.write(Array(result), to: output) } else { try Console.write(Array(result)) }
  }

  private static func text(of path: String) throws -> TextTokenizer.Input {
    guard let text = String(validating: try Console.read(path), as: UTF8.self) else {
      throw TokenizerError(.malformed, "the bytes are not valid UTF-8; --bytes encodes any", in: path)
    }
    return TextTokenizer.Input(text)
  }

  private func rendered(_ encoding: Encoding) throws -> [UInt8] {
    let ids = encoding.ids
    if json { return Array((EncodeLine.json(of: encoding).text() + "\n").utf8) }
    switch format {
    case .text: return Array((ids.map(String.init).joined(separator: " ") + "\n").utf8)
    case .json: return Array((JSON.array(ids.map { .integer(Int64($0)) }).text() + "\n").utf8)
    case .u32: return Self.littleEndian(ids)
    case .u16:
      guard let large = ids.first(where: { $0 > UInt16.max }) else { return Self.littleEndian(ids.map(UInt16.init)) }
      throw TokenizerError(.invalidRequest, "id \(large) does not fit in 16 bits; use --format u32")
    case .npy: return Self.npyHeader(count: ids.count) + Self.littleEndian(ids)
    }
  }

  private static func littleEndian<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
  }

  /// The header of NumPy's format, version 1.0, padded to 64 bytes.
  private static func npyHeader(count: Int) -> [UInt8] {
    var text = "{'descr': '<u4', 'fortran_order': False, 'shape': (\(count),), }"
    while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
    text += "\n"
    let length = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
  }
}

/// Answers one line of `tessera encode --jsonl`.
struct EncodeLine {
  let tokenizer: TextTokenizer
  let special: String?
  let threads: Int?

  init(_ tokenizer: TextTokenizer, _ special: String?, _ threads: Int?) {
    self.tokenizer = tokenizer
    self.special = special
    self.threads = threads
  }

  func answer(_ line: JSON) throws -> JSON {
    var options = TextTokenizer.EncodeOptions(addsSpecialTokens: line["add_special_tokens"]?.boolValue ?? true)
    if let word = line["special"]?.stringValue ?? special {
      guard let choice = TextTokenizer.SpecialTokensInText(rawValue: word) else {
        throw TokenizerError(.invalidRequest, "expected 'recognize' or 'text', found '\(word)'", at: .key("special"))
      }
      options.specialTokensInText = choice
    }
    if let truncation = line["truncation"], !truncation.isNull { options.truncation = try Truncation(json: truncation) }
    if let padding = line["padding"], !padding.isNull { options.padding = try Padding(json: padding) }
    if let batch = line["batch"] {
      guard let items = batch.arrayValue else {
        throw TokenizerError(.malformed, "expected an array, found \(batch.kindName)", at: .key("batch"))
      }
      let inputs = try items.enumerated().map { try Self.input($1, "batch[\($0)]") }
      let encodings = try tokenizer.encode(batch: inputs, options: options, threads: threads)
      return ["encodings": .array(encodings.map { Self.json(of: $0, isInBatch: true) })]
    }
    if let encoded = line["base64"]?.stringValue {
      guard let data = Data(base64Encoded: encoded) else {
        throw TokenizerError(.malformed, "expected base64", at: .key("base64"))
      }
      return Self.json(of: try tokenizer.encode(bytes: Array(data), options: options))
    }
    guard let text = line["text"]?.stringValue else {
      throw TokenizerError(.malformed, "expected one of the keys 'text', 'base64' and 'batch'")
    }
    return Self.json(of: try tokenizer.encode(text, pair: line["pair"]?.stringValue, options: options))
  }

  private static func input(_ json: JSON, _ path: String) throws -> TextTokenizer.Input {
    if let text = json.stringValue { return TextTokenizer.Input(text) }
    guard let pair = json.arrayValue, pair.count == 2, let first = pair[0].stringValue, let second = pair[1].stringValue
    else { throw TokenizerError(.malformed, "expected a text or a pair of texts", at: .key(path)) }
    return TextTokenizer.Input(first, pair: second)
  }

  /// - Parameter isInBatch: gives the windows that truncation cut off too.
  static func json(of encoding: Encoding, isInBatch: Bool = false) -> JSON {
    func numbers(_ values: [UInt32]) -> JSON { .array(values.map { .integer(Int64($0)) }) }
    var object: JSONObject = [
      "ids": numbers(encoding.ids),
      "offsets": .array(
        encoding.offsets.map { [.integer(Int64($0.lowerBound)), .integer(Int64($0.upperBound))] }),
      "tokens": .array(encoding.tokens.map { .string($0) }),
      "type_ids": numbers(encoding.typeIDs),
      "attention_mask": numbers(encoding.attentionMask),
      "special_tokens_mask": numbers(encoding.specialTokensMask),
      "word_ids": .array(encoding.wordIDs.map { $0.map { .integer(Int64($0)) } ?? .null }),
    ]
    if isInBatch { object["overflowing"] = .array(encoding.overflowing.map { json(of: $0, isInBatch: true) }) }
    return .object(object)
  }
}
