/// The tokenizer in the metadata of a GGUF file.
///
/// Source: the keys and defaults are those of llama.cpp's `llama-vocab.cpp` and of its conversion scripts.
public struct GGUFTokenizer: Sendable {
  /// What a token is, as the file numbers it.
  public enum TokenType: Int, Sendable {
    case normal = 1, unknown, control, userDefined, unused, byte
  }

  /// The kind of model: `llama` (sentencepiece BPE), `gpt2` (byte-level BPE), `bert` (WordPiece), `t5` (Unigram), `gemma4`.
  public let model: String
  /// The name of the splitting, for byte-level models.
  public let preTokenizer: String
  /// The tokens by id.
  public let tokens: [String]
  /// The score of each token; empty when there are none.
  public let scores: [Double]
  /// The type of each token; empty when there are none, then all are normal.
  public let types: [TokenType]
  /// The merges, each the two parts with a space between; empty when there are none.
  public let merges: [String]
  /// The id of the token that starts a text.
  public let startID: Int?
  /// The id of the token that ends a text.
  public let endID: Int?
  /// The id of the token for what is not known.
  public let unknownID: Int?
  /// The id of the token between two texts.
  public let separatorID: Int?
  /// The id of the token that fills up.
  public let paddingID: Int?
  /// Whether the start token is put in front.
  public let addsStart: Bool
  /// Whether the end token is put behind.
  public let addsEnd: Bool
  /// Whether a space is put before the text.
  public let addsSpacePrefix: Bool
  /// Whether runs of spaces become one and outer spaces vanish.
  public let removesExtraSpaces: Bool
  /// The compiled rules of normalization of sentencepiece; empty when there are none.
  public let precompiledCharsmap: [UInt8]
  /// The template of a conversation.
  public let chatTemplate: String?

  let splitting: GGUFPreTokenizer?
  let lowercases: Bool
  let stripsAccents: Bool?

  /// Gathers the tokenizer from metadata.
  ///
  /// - Throws: ``TokenizerError`` naming the key that is missing, has another type, or does not fit the others.
  public init(_ file: GGUF) throws {
    let keys = Keys(file: file)
    guard let model = try keys.text("model") else { throw Keys.fault("model", "is missing") }
    self.model = model
    guard let tokens = try keys.texts("tokens") else { throw Keys.fault("tokens", "is missing") }
    self.tokens = tokens
    merges = try keys.texts("merges") ?? []
    preTokenizer = try keys.text("pre") ?? ""
    splitting = GGUFPreTokenizer.named(preTokenizer)
    let charsmap = try keys.integers("precompiled_charsmap") ?? []
    // Types with and without sign occur; the lowest eight bits are the byte in both.
    precompiledCharsmap = charsmap.map { UInt8(truncatingIfNeeded: $0) }
    scores = try keys.numbers("scores") ?? []
    guard scores.isEmpty || scores.count == tokens.count else {
      throw Keys.fault("scores", "has \(scores.count) entries for \(tokens.count) tokens")
    }
    let types = try keys.integers("token_type") ?? []
    guard types.isEmpty || types.count == tokens.count else {
      throw Keys.fault("token_type", "has \(types.count) entries for \(tokens.count) tokens")
    }
    self.types = types.map { TokenType(rawValue: Int($0)) ?? .normal }
    func id(_ key: String, _ standard: Int?) throws -> Int? {
      let id = try keys.id(key, below: tokens.count)
      return id ?? standard.flatMap { $0 < tokens.count ? $0 : nil }
    }
    startID = try id("bos_token_id", ["llama": 1, "bert": 101, "gpt2": 11][model])
    endID = try id("eos_token_id", ["llama": 2, "t5": 1, "gpt2": 11][model])
    unknownID = try id("unknown_token_id", ["llama": 0, "bert": 100, "t5": 2][model])
    separatorID = try id("seperator_token_id", ["bert": 102][model])
    paddingID = try id("padding_token_id", ["bert": 0, "t5": 0][model])
    addsStart = try keys.flag("add_bos_token") ?? (model == "llama" || model == "bert" || splitting?.addsStart == true)
    addsEnd = try keys.flag("add_eos_token") ?? (model == "t5")
    addsSpacePrefix = try keys.flag("add_space_prefix") ?? (model == "llama" || model == "t5")
    removesExtraSpaces = try keys.flag("remove_extra_whitespaces") ?? false
    lowercases = try keys.flag("normalizer.lowercase") ?? true
    stripsAccents = try keys.flag("normalizer.strip_accents")
    if case .string(let bytes) = file["tokenizer.chat_template"] {
      chatTemplate = String(decoding: bytes, as: UTF8.self)
    } else {
      chatTemplate = nil
    }
  }

  /// The type of a token.
  public func type(of id: Int) -> TokenType { types.isEmpty ? .normal : types[id] }
}

/// The keys under `tokenizer.ggml`, with their types checked.
private struct Keys {
  let file: GGUF

  static func fault(_ key: String, _ message: String) -> TokenizerError {
    TokenizerError(.inconsistent, message, at: .key("tokenizer.ggml.\(key)"))
  }

  private func text(_ bytes: some Sequence<UInt8>, _ key: String) throws -> String {
    guard let text = String(validating: Array(bytes), as: UTF8.self) else { throw Keys.fault(key, "is not UTF-8") }
    return text
  }

  func text(_ key: String) throws -> String? {
    switch file["tokenizer.ggml.\(key)"] {
    case nil: nil
    case .string(let bytes): try text(bytes, key)
    default: throw Keys.fault(key, "expected a string")
    }
  }

  func texts(_ key: String) throws -> [String]? {
    switch file["tokenizer.ggml.\(key)"] {
    case nil: nil
    case .strings(let strings): try (0..<strings.count).map { try text(strings[$0], "\(key)[\($0)]") }
    default: throw Keys.fault(key, "expected a list of strings")
    }
  }

  func integers(_ key: String) throws -> [Int64]? {
    switch file["tokenizer.ggml.\(key)"] {
    case nil: nil
    case .integers(let numbers): numbers
    default: throw Keys.fault(key, "expected a list of integers")
    }
  }

  func numbers(_ key: String) throws -> [Double]? {
    switch file["tokenizer.ggml.\(key)"] {
    case nil: nil
    case .numbers(let numbers): numbers
    default: throw Keys.fault(key, "expected a list of numbers")
    }
  }

  func flag(_ key: String) throws -> Bool? {
    switch file["tokenizer.ggml.\(key)"] {
    case nil: nil
    case .bool(let flag): flag
    default: throw Keys.fault(key, "expected a truth value")
    }
  }

  /// An id; -1 and 2^32 - 1 stand for none.
  func id(_ key: String, below count: Int) throws -> Int? {
    switch file["tokenizer.ggml.\(key)"] {
    case nil, .integer(-1), .integer(0xFFFF_FFFF): return nil
    case .integer(let id):
      guard id >= 0, id < Int64(count) else { throw Keys.fault(key, "\(id) is not the id of one of \(count) tokens") }
      return Int(id)
    default: throw Keys.fault(key, "expected an integer")
    }
  }
}
