/// Turns text into the ids that a language model reads, and back.
///
///     let tokenizer = try TextTokenizer(contentsOf: "tokenizer.json")
///     let encoding = try tokenizer.encode("Ein Wort, zwei Wörter.")
///     let text = tokenizer.decode(encoding.ids)
///
/// A tokenizer is an immutable value: it may be used from many tasks at once. Ids, offsets and texts agree with the library that
/// the file was written for.
public struct TextTokenizer: Sendable {
  let core: TokenizerCore
  /// How conversations become prompts: the templates and special tokens that stand beside the vocabulary.
  public var chatConfiguration = ChatConfiguration()

  init(core: TokenizerCore) { self.core = core }

  /// What happens to special tokens that stand in the text itself.
  public enum SpecialTokensInText: String, Sendable {
    /// They are taken as the special tokens. The default for tokenizer.json.
    case recognize
    /// They are plain text: nobody can smuggle a control token into a prompt. The default for the other formats.
    case text
  }

  /// How a text is encoded.
  public struct EncodeOptions: Sendable {
    /// Whether the tokens of the template are put around the text.
    public var addsSpecialTokens = true
    /// What happens to special tokens in the text; `nil` takes the default of the format.
    public var specialTokensInText: SpecialTokensInText?
    /// Cuts long texts; `nil` takes what the file says.
    public var truncation: Truncation?
    /// Fills short texts; `nil` takes what the file says.
    public var padding: Padding?

    /// Makes the default options.
    public init(
      addsSpecialTokens: Bool = true, specialTokensInText: SpecialTokensInText? = nil, truncation: Truncation? = nil,
      padding: Padding? = nil
    ) {
      self.addsSpecialTokens = addsSpecialTokens
      self.specialTokensInText = specialTokensInText
      self.truncation = truncation
      self.padding = padding
    }
  }

  /// One text, or two that belong together.
  public struct Input: Sendable, ExpressibleByStringLiteral {
    /// The first text.
    public var text: String
    /// The second text of a pair.
    public var pair: String?

    /// Makes an input from one text or two.
    public init(_ text: String, pair: String? = nil) {
      self.text = text
      self.pair = pair
    }

    /// Makes an input from one text.
    public init(stringLiteral value: String) { self.init(value) }
  }

  // MARK: Encoding

  /// Encodes a text, or a pair of texts.
  ///
  /// - Throws: ``TokenizerError`` when the vocabulary has no token for a word and no unknown token either, or when the text cannot
  ///   be cut as asked.
  /// - Complexity: O(n log n) for n bytes, O(n) for words of bounded length.
  public func encode(_ text: String, pair: String? = nil, options: EncodeOptions = .init()) throws -> Encoding {
    try core.check(options)
    var scratch = ModelScratch()
    var encodings = [try core.encode(Input(text, pair: pair), options, &scratch)]
    core.padding(options)?.apply(to: &encodings)
    return encodings[0]
  }

  /// Encodes a batch on several threads; the result is in the order of the inputs.
  ///
  /// - Parameter threads: `nil` for one per core.
  public func encode(batch inputs: [Input], options: EncodeOptions = .init(), threads: Int? = nil) throws -> [Encoding]
  {
    try core.check(options)
    var encodings = try Parallel.map(inputs, threads: threads, state: ModelScratch.init) { input, scratch in
      try core.encode(input, options, &scratch)
    }
    core.padding(options)?.apply(to: &encodings)
    return encodings
  }

  /// Encodes bytes that may not be UTF-8, with byte-level tokenizers. Offsets count bytes.
  ///
  /// What follows the first invalid sequence is one word, as in tiktoken.
  public func encode(bytes: [UInt8], options: EncodeOptions = .init()) throws -> Encoding {
    try core.check(options)
    var scratch = ModelScratch()
    var encodings = [try core.encode(bytes: bytes, options, &scratch)]
    core.padding(options)?.apply(to: &encodings)
    return encodings[0]
  }

  func recognizesSpecial(_ choice: SpecialTokensInText?) -> Bool {
    (choice ?? core.defaultSpecialTokensInText) == .recognize
  }

  // MARK: Decoding

  /// The text of ids. Ids that are no tokens are left out.
  public func decode(_ ids: some Sequence<UInt32>, skipSpecialTokens: Bool = true) -> String {
    String(decoding: core.decode(ids, skipSpecialTokens: skipSpecialTokens), as: UTF8.self)
  }

  /// The bytes of ids: exactly those that were encoded, for byte-level tokenizers, also when they are not valid UTF-8.
  public func decodeBytes(_ ids: some Sequence<UInt32>, skipSpecialTokens: Bool = true) -> [UInt8] {
    core.decodeBytes(ids, skipSpecialTokens: skipSpecialTokens)
  }

  /// Gives out text while ids come in.
  public func decodeStream(skipSpecialTokens: Bool = true) -> DecodeStream {
    DecodeStream(core: core, skipSpecialTokens: skipSpecialTokens)
  }

  // MARK: Looking things up

  /// The number of different tokens, added ones included.
  public var vocabularySize: Int {
    let model = core.description.model.vocabulary
    return model.count + core.added.idsByContent.keys.filter { model.id(of: $0) == nil }.count
  }

  /// The id of a token.
  public func id(of token: String) -> UInt32? {
    core.added.idsByContent[Array(token.utf8)] ?? core.description.model.vocabulary.id(of: token)
  }

  /// The text of a token, in the alphabet of the vocabulary.
  public func token(of id: UInt32) -> String? { core.text(ofID: id).map { String(decoding: $0, as: UTF8.self) } }

  /// The added tokens with their ids, in order of the ids.
  public var addedTokens: [(id: UInt32, token: AddedToken)] {
    core.added.tokensByID.sorted { $0.key < $1.key }.map { (id: $0.key, token: $0.value) }
  }

  /// The special tokens with their ids, in order of the ids.
  public var specialTokens: [(id: UInt32, token: AddedToken)] { addedTokens.filter { $0.token.isSpecial } }

  /// The tokenizer as a tokenizer.json that Hugging Face's library reads.
  ///
  /// - Throws: ``TokenizerError`` of kind `unsupported` for what that format cannot say: word and character models of sentencepiece,
  ///   patterns that the other engine cannot read, added tokens with the text of another token.
  public func tokenizerJSON(layout: JSON.Layout = .pretty) throws -> [UInt8] {
    if let reason = core.description.reasonForNoTokenizerJSON { throw TokenizerError(.unsupported, reason) }
    if let (text, id) = core.description.addedTokenWithoutForm(core.added) {
      throw TokenizerError(
        .unsupported,
        "the added token '\(text)' with id \(id) has no form as a tokenizer.json: "
          + "the vocabulary has this text for another id")
    }
    return core.description.tokenizerJSON(layout: layout, added: core.added)
  }

  /// Writes the tokenizer as a tokenizer.json: beside its place first and then moved there, so that it is never half written.
  ///
  /// - Throws: ``TokenizerError`` as ``tokenizerJSON(layout:)``, or with the system's reason when the file cannot be written.
  public func write(to path: String, layout: JSON.Layout = .pretty) throws {
    try FileBytes.write(try tokenizerJSON(layout: layout), to: path)
  }
}
