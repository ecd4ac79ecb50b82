import Foundation
import TesseraText

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
    if line["ids_only"]?.boolValue ?? false { return try idsOnly(line, options) }
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

  /// The ids alone, by the way that gives nothing else, also by the one that takes the text in parts.
  private func idsOnly(_ line: JSON, _ options: TextTokenizer.EncodeOptions) throws -> JSON {
    guard let text = line["text"]?.stringValue,
      let frame = tokenizer.templateIDs(addsSpecialTokens: options.addsSpecialTokens)
    else {
      throw TokenizerError(
        .invalidRequest, "ids alone are given for a 'text' that the tokenizer neither cuts nor fills")
    }
    var ids: [UInt32]
    if let size = line["part"]?.integerValue.flatMap({ Int(exactly: $0) }), size > 0 {
      var stream = tokenizer.encodeStream(specialTokensInText: options.specialTokensInText)
      var rest = Array(text.utf8)[...]
      while !rest.isEmpty {
        try stream.append(utf8: rest.prefix(size))
        rest = rest.dropFirst(size)
      }
      ids = try stream.ids()
    } else {
      ids = try tokenizer.ids(of: text, specialTokensInText: options.specialTokensInText)
    }
    return ["ids": .array((frame.before + ids + frame.after).map { .integer(Int64($0)) })]
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
