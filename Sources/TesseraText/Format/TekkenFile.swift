/// Mistral's tekken format: a JSON file with ranks, the pattern and, in newer versions, the special tokens.
///
/// The special tokens take the first ids, so the id of a token is its rank plus their number. The file may list more tokens than
/// are used.
///
/// Source: `tekken.py` of mistral-common 1.13.
public struct TekkenFile: Sendable {
  /// A token outside the ranks.
  public struct SpecialToken: Equatable, Sendable {
    /// The id.
    public var id: UInt32
    /// The text.
    public var text: String
    /// Whether it steers the model and is no text.
    public var isControl: Bool
  }

  /// The tokens that are used, with ids behind those of the special tokens.
  public let vocabulary: RankVocabulary
  /// The regular expression whose matches are the pieces.
  public let pattern: String
  /// The version, such as `v3`.
  public let version: String
  /// All special tokens in the order of their ids, the unnamed ones filled in.
  public let specialTokens: [SpecialToken]

  /// Files up to version 7 may leave their special tokens out; these are meant.
  private static let unlisted = [
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]",
    "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]",
  ]

  /// Reads a file.
  ///
  /// - Throws: ``TokenizerError`` naming the byte of a fault in the JSON, or the key that is missing or makes no sense.
  /// - Complexity: O(n).
  public init(_ file: [UInt8]) throws {
    let root = try JSONDocument(file).root
    guard let config = root["config"], config.isObject else { throw TekkenFile.fault("config", "expected an object") }
    guard let pattern = config["pattern"]?.string else { throw TekkenFile.fault("config.pattern", "expected a string") }
    self.pattern = pattern
    version = config["version"]?.string ?? "v3"
    let size = try TekkenFile.number(config, "default_vocab_size")
    let specials = try TekkenFile.number(config, "default_num_special_tokens")
    guard specials <= size, size < 1 << 30 else {
      throw TekkenFile.fault("config", "\(specials) special tokens do not fit a vocabulary of \(size)")
    }
    specialTokens = try TekkenFile.specialTokens(root["special_tokens"], count: specials, version: version)
    vocabulary = try TekkenFile.tokens(root["vocab"], count: size - specials, idOffset: UInt32(specials))
  }

  private static func fault(_ key: String, _ message: String) -> TokenizerError {
    TokenizerError(.inconsistent, message, at: .key(key))
  }

  private static func number(_ config: JSONNode, _ key: StaticString) throws -> Int {
    guard let value = config[key]?.integer, value >= 0 else {
      throw fault("config.\(key)", "expected a number that is not negative")
    }
    return value
  }

  private static func specialTokens(_ list: JSONNode?, count: Int, version: String) throws -> [SpecialToken] {
    var tokens: [SpecialToken] = []
    if let list, !list.isNull {
      guard list.isArray, list.count <= count else {
        throw fault("special_tokens", "expected a list of at most \(count) tokens")
      }
      try list.forEachElement { entry in
        let index = tokens.count
        guard let text = entry["token_str"]?.string, entry["rank"]?.integer == index else {
          throw fault("special_tokens[\(index)]", "expected token_str and the rank \(index)")
        }
        tokens.append(SpecialToken(id: UInt32(index), text: text, isControl: entry["is_control"]?.bool ?? true))
      }
    } else {
      if let number = Int(version.dropFirst()), number > 7 {
        throw fault("special_tokens", "files of version \(version) must list their special tokens")
      }
      tokens = unlisted.prefix(count).enumerated().map { SpecialToken(id: UInt32($0), text: $1, isControl: true) }
    }
    // The count comes from the file: no more than a million names are made up on its word.
    guard count <= 1 << 20 else { throw fault("config.default_num_special_tokens", "expected at most 1048576") }
    for id in tokens.count..<max(count, tokens.count) {
      tokens.append(SpecialToken(id: UInt32(id), text: "<SPECIAL_\(id)>", isControl: true))
    }
    var seen = ByteStringTable(capacity: tokens.count)
    for token in tokens where !seen.insert(Array(token.text.utf8)).isNew {
      throw fault("special_tokens[\(token.id)]", "the text \(token.text) occurs a second time")
    }
    return tokens
  }

  private static func tokens(_ list: JSONNode?, count: Int, idOffset: UInt32) throws -> RankVocabulary {
    guard let list, list.isArray else { throw fault("vocab", "expected a list") }
    guard list.count >= count else { throw fault("vocab", "expected at least \(count) tokens, found \(list.count)") }
    var tokens = ByteStringTable(capacity: count)
    var ranks: [UInt32] = []
    ranks.reserveCapacity(count)
    var bytes: [UInt8] = []
    try list.forEachElement { entry in
      let index = ranks.count
      guard index < count else { return }
      guard entry["rank"]?.integer == index else { throw fault("vocab[\(index)].rank", "expected \(index)") }
      bytes.removeAll(keepingCapacity: true)
      let isBase64 = entry["token_bytes"]?.withUTF8 {
        Base64.decodeUnpadded($0.bindMemory(to: UInt8.self), into: &bytes)
      }
      guard isBase64 == true else { throw fault("vocab[\(index)].token_bytes", "expected base64") }
      guard index > 255 || bytes == [UInt8(index)] else {
        throw fault("vocab[\(index)].token_bytes", "the first 256 tokens must be the bytes in order")
      }
      guard tokens.insert(bytes).isNew else { throw fault("vocab[\(index)]", "the token occurs a second time") }
      ranks.append(UInt32(index))
    }
    return try RankVocabulary(tokens: tokens, ranks: ranks, idOffset: idOffset) { .key("vocab[\($0)]") }
  }
}
