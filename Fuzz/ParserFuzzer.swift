// The entry of the coverage-guided fuzzer. It is compiled into one module with the sources of TesseraText (see run.py), so that
// every branch of the parsers is counted and their internal types can be reached.

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#endif

/// What the environment variable `PARSER` names.
private let parser: FuzzedParser = {
  guard let name = getenv("PARSER").map({ String(cString: $0) }), let parser = FuzzedParser(rawValue: name) else {
    let names = FuzzedParser.allCases.map(\.rawValue).joined(separator: " ")
    print("set PARSER to one of: \(names)")
    exit(64)
  }
  return parser
}()

/// Reads one input of the fuzzer. A refusal is fine; anything but a `TokenizerError` of one line ends the run.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  do {
    try parser.read(bytes)
  } catch let error as TokenizerError {
    // A refusal is a sentence: it must say something, and on one line.
    check(!error.message.isEmpty && !error.description.utf8.contains(0x0A), "an error of several lines: \(error)")
  } catch {
    check(false, "an error of another type: \(error)")
  }
  return 0
}

/// Stops with a message, which an optimised `precondition` would not give.
private func check(_ holds: Bool, _ message: @autoclosure () -> String) {
  guard !holds else { return }
  print("CHECK: \(message())")
  abort()
}

/// Everything that reads bytes from outside. What is read is also used, since a fault may show only then.
enum FuzzedParser: String, CaseIterable {
  case json, tokenizer, sentencepiece, tiktoken, tekken, gguf, vocabulary, wordpieces
  case oniguruma, rust, template, normalizer, pretokenizer, decoder, charsmap, mapped

  private static let text = "a  Ab1\u{301}\r\n don't <s>é字😀\u{200D}👩 ﬁ\u{0}Ⅷ▁the<0x41>"

  func read(_ bytes: [UInt8]) throws {
    switch self {
    case .json: try Self.json(bytes)
    case .tokenizer, .gguf, .tekken, .mapped:
      if self == .gguf { _ = try GGUFTokenizer(try GGUF(bytes)).tokenizerJSON() }
      try Self.use(try TextTokenizer(bytes: bytes))
    case .sentencepiece:
      let model = try SentencePieceModel(bytes: bytes)
      let again = try SentencePieceModel(bytes: model.serialized())
      check(again.pieces.count == model.pieces.count, "a written model reads back as another")
      try Self.use(try TextTokenizer(bytes: bytes))
    case .tiktoken:
      let vocabulary = try TiktokenFile.read(bytes)
      _ = RankMerges(vocabulary)
      let encoding = NamedEncoding.named("gpt2")!
      try Self.use(try TextTokenizer(tiktoken: bytes, encoding: encoding))
    case .vocabulary:
      let parts = Self.parts(bytes)
      try Self.use(document: VocabularyFiles.bytePairs(vocabulary: parts.0, merges: parts.1))
    case .wordpieces: try Self.use(document: VocabularyFiles.wordPieces(vocabulary: bytes))
    case .oniguruma, .rust: try Self.pattern(bytes, self == .rust ? .rust : .oniguruma)
    case .template: try Self.template(bytes)
    case .normalizer, .pretokenizer, .decoder: try stage(bytes)
    case .charsmap: try Self.charsMap(bytes)
    }
  }

  /// What stands before the first zero byte, and what follows it.
  private static func parts(_ bytes: [UInt8]) -> ([UInt8], [UInt8]) {
    let end = bytes.firstIndex(of: 0) ?? bytes.count
    return (Array(bytes[..<end]), Array(bytes[min(end + 1, bytes.count)...]))
  }

  private static func json(_ bytes: [UInt8]) throws {
    let value = try JSON(parsing: bytes)
    let again = try JSON(parsing: Array(value.text().utf8))
    check(again == value, "a written value reads back as another")
  }

  private static func use(document: JSON) throws {
    try use(try TextTokenizer(bytes: Array(document.text().utf8)))
  }

  private static func use(_ tokenizer: TextTokenizer) throws {
    for text in [Self.text, ""] {
      guard let encoding = try? tokenizer.encode(text, pair: text) else { continue }
      _ = tokenizer.decode(encoding.ids)
      _ = tokenizer.decode(encoding.ids, skipSpecialTokens: false)
      var stream = tokenizer.decodeStream()
      for id in encoding.ids.prefix(50) { _ = try? stream.next(id) }
    }
    // The ids alone take another way, which must give the same.
    let options = TextTokenizer.EncodeOptions(addsSpecialTokens: false)
    let long = String(repeating: Self.text, count: 3)
    if tokenizer.core.truncation == nil, tokenizer.core.padding == nil,
      let expected = try? tokenizer.encode(long, options: options)
    {
      check((try? tokenizer.ids(of: long)) == expected.ids, "ids alone are not those of a full encoding")
    }
    _ = try? tokenizer.encode(bytes: [0x61, 0xFF, 0x20, 0xC3])
    _ = try tokenizer.tokenizerJSON(layout: .compact)
  }

  private static func pattern(_ bytes: [UInt8], _ dialect: SplitPattern.Dialect) throws {
    let (source, text) = parts(bytes)
    let pattern = try SplitPattern(String(decoding: source, as: UTF8.self), dialect: dialect)
    var remembering = pattern
    remembering.alwaysRemembers = true
    var (plain, remembered): ([Range<Int>], [Range<Int>]) = ([], [])
    text.withUnsafeBufferPointer { text in
      pattern.forEachMatch(in: text) { plain.append($0) }
      remembering.forEachMatch(in: text) { remembered.append($0) }
    }
    check(plain == remembered, "the machine's memory changes the matches: \(plain), \(remembered)")
  }

  private static func template(_ bytes: [UInt8]) throws {
    var template = try ChatTemplate(String(decoding: bytes, as: UTF8.self))
    template.limits.steps = 20_000
    template.limits.outputBytes = 1 << 18
    template.clock = .init { $0 }
    _ = try template.render([
      "messages": [
        ["role": "user", "content": "Hi\n"], ["role": "assistant", "content": [["type": "text", "text": "é"]]],
      ], "tools": [["name": "f", "n": 1.5]], "add_generation_prompt": true, "bos_token": "<s>", "x": 3, "l": [1, 2],
      "d": ["a": nil],
    ])
  }

  private func stage(_ bytes: [UInt8]) throws {
    let (source, rest) = Self.parts(bytes)
    let stage = try JSON(parsing: source)
    let text = rest.isEmpty ? Self.text : String(decoding: rest, as: UTF8.self)
    switch self {
    case .normalizer: _ = try Stage.normalize(text, with: stage)
    case .pretokenizer: _ = try Stage.preTokenize(text, with: stage)
    default:
      let tokens = text.unicodeScalars.split(separator: "\u{1}", omittingEmptySubsequences: false).map(String.init)
      _ = try Stage.decode(tokens, with: stage)
    }
  }

  private static func charsMap(_ bytes: [UInt8]) throws {
    var refusal: (any Error)?
    do {
      let map = try CharsMap(blob: bytes)
      try? map.checkReferences()
      for text in [text, String(decoding: bytes.suffix(32), as: UTF8.self)] {
        var changes: [ScalarChange] = []
        Array(text.utf8).withUnsafeBufferPointer { utf8 in
          _ = map.appendReplacing(utf8, to: &changes)
          for index in utf8.indices { _ = map.longestPrefix(at: index, in: utf8) }
        }
      }
    } catch {
      refusal = error
    }
    var model = SentencePieceModel()
    model.pieces = [.init("<unk>", kind: .unknown), .init("a", score: -1)]
    model.normalizer.precompiledCharsMap = bytes
    var tokens: [SentencePieceToken] = []
    let encoder = try SentencePieceEncoder(model)
    for text in [Array(text.utf8), Array(bytes.suffix(32))] {
      _ = try text.withUnsafeBufferPointer { try encoder.encode($0, into: &tokens) }
    }
    if let refusal { throw refusal }
  }
}
