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
    if let encoded = line["base64"]?.stringValue {
      guard let data = Data(base64Encoded: encoded) else {
        throw TokenizerError(.malformed, "expected base64", at: .key("base64"))
      }
      return Self.json(of: try tokenizer.encode(bytes: Array(data), options: options))
    }
    guard let text = line["text"]?.stringValue else {
      throw TokenizerError(.malformed, "expected one of the keys 'text', 'base64' and 'batch'")
    }
    let answer = Self.json(of: try tokenizer.encode(text, pair: line["pair"]?.stringValue, options: options))
    guard let size = line["ways"]?.integerValue.flatMap({ Int(exactly: $0) }), size > 0, line["pair"] == nil,
      line["truncation"] == nil, line["padding"] == nil, case .object(var members) = answer
    else { return answer }
    members["ways"] = try ways(of: text, options, parts: size)
    return .object(members)
  }

  /// The ids of a text by the ways that give nothing else: at once, in parts of so many bytes, and their number. For comparison.
  private func ways(
    of text: String, _ options: TextTokenizer.EncodeOptions, parts size: Int
  ) throws -> JSON {
    guard let frame = tokenizer.templateIDs(addsSpecialTokens: options.addsSpecialTokens) else { return .null }
    let special = options.specialTokensInText
    var stream = tokenizer.encodeStream(specialTokensInText: special)
    var taken: [UInt32] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      try stream.append(utf8: rest.prefix(size))
      taken += stream.takeFinalIDs()
      rest = rest.dropFirst(size)
    }
    func framed(_ ids: [UInt32]) -> JSON { .array((frame.before + ids + frame.after).map { .integer(Int64($0)) }) }
    let count = frame.before.count + frame.after.count + (try tokenizer.count(text, specialTokensInText: special))
    return [
      "ids": framed(try tokenizer.ids(of: text, specialTokensInText: special)),
      "parts": framed(try taken + stream.ids()), "count": .integer(Int64(count)),
    ]
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
