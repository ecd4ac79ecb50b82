extension VocabularyFiles {
  /// The tokenizers that published their byte pairs as `vocab.json` and `merges.txt`.
  enum Family {
    /// Byte-level, one end token.
    case gpt2
    /// Byte-level with `<s>` and `</s>` around the text.
    case roberta
    /// Byte-level with `[CLS]` and `[SEP]` around the text.
    case deberta
    /// Byte-level, composed, with a splitting of its own.
    case qwen
    /// Byte-level with the ends of words marked by `</w>`.
    case clip
    /// Characters with the ends of words marked by `</w>`: the first GPT, and `CharBPETokenizer`.
    case characters

    /// - Parameter className: what `tokenizer_config.json` names; it decides where the content leaves it open.
    init(_ tokens: JSONObject, className: String?) {
      if tokens.keys.contains(where: { $0.hasSuffix("</w>") }) {
        self = tokens["<|startoftext|>"] == nil ? .characters : .clip
        return
      }
      switch className {
      case let name? where name.hasPrefix("Qwen2"): self = .qwen
      case let name? where name.hasPrefix("DebertaTokenizer"): self = .deberta
      case let name? where name.hasPrefix("GPT2") || name.hasPrefix("CodeGen"): self = .gpt2
      default: self = tokens["<s>"] != nil && tokens["</s>"] != nil ? .roberta : .gpt2
      }
    }
  }

  /// The parts of a tokenizer.json for a family, as Hugging Face's conversion of such files makes them.
  struct FamilyParts {
    let unknown: String?
    let suffix: String?
    let normalizer: JSON
    let preTokenizer: JSON
    let postProcessor: JSON
    let decoder: JSON
    private let tokens: JSONObject
    private let configuration: TokenizerConfiguration

    func addedTokens() -> [JSON] { configuration.addedTokens(vocabulary: tokens) }

    init(_ family: Family, tokens: JSONObject, _ given: TokenizerConfiguration) {
      var configuration = given
      configuration.setDefaults(Self.specials(of: family), ifPresentIn: tokens)
      if family == .roberta { configuration.stripLeft("mask_token") }
      let prefix = configuration.addsPrefixSpace ?? false
      suffix = family == .clip || family == .characters ? "</w>" : nil
      unknown = suffix == nil ? nil : configuration.token("unk_token")
      let bytes = TokenizerDocument.byteLevel(addPrefixSpace: prefix, useRegex: true)
      switch family {
      case .clip: (normalizer, preTokenizer) = (Self.clipNormalizer, Self.clipPreTokenizer)
      case .characters:
        let lowers = configuration.lowercases ?? configuration.className?.hasPrefix("OpenAIGPT") ?? false
        normalizer = [
          "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil,
          "lowercase": .bool(lowers),
        ]
        preTokenizer = ["type": "BertPreTokenizer"]
      case .qwen:
        normalizer = ["type": "NFC"]
        preTokenizer = TokenizerDocument.sequence(
          "pretokenizers",
          [
            TokenizerDocument.split(NamedEncoding.qwenPattern),
            TokenizerDocument.byteLevel(addPrefixSpace: prefix, useRegex: false),
          ])
      default: (normalizer, preTokenizer) = (nil, bytes)
      }
      decoder =
        family == .characters
        ? ["type": "BPEDecoder", "suffix": "</w>"] : TokenizerDocument.byteLevel(useRegex: true)
      postProcessor = Self.postProcessor(family, tokens, configuration, prefix)
      (self.tokens, self.configuration) = (tokens, configuration)
    }

    private static func postProcessor(
      _ family: Family, _ tokens: JSONObject, _ configuration: TokenizerConfiguration, _ prefix: Bool
    ) -> JSON {
      func named(_ role: String) -> (Int, String)? {
        configuration.token(role).flatMap { token in tokens[token]?.integerValue.map { ($0, token) } }
      }
      let untrimmed = TokenizerDocument.byteLevel(trimOffsets: false, useRegex: true)
      switch family {
      case .characters: return nil
      case .clip:
        guard let first = named("bos_token"), let last = named("eos_token") else { return nil }
        return roberta(first, last, trimOffsets: false, addPrefixSpace: false)
      case .roberta:
        guard let first = named("cls_token"), let last = named("sep_token") else { return untrimmed }
        return roberta(first, last, trimOffsets: true, addPrefixSpace: prefix)
      case .deberta:
        guard let first = named("cls_token"), let last = named("sep_token") else { return untrimmed }
        return TokenizerDocument.template(before: [first], after: [last], pairBefore: false)
      case .gpt2, .qwen:
        guard family == .gpt2, configuration.addsStart == true, let start = named("bos_token") else { return untrimmed }
        return TokenizerDocument.template(before: [start], after: [], pairBefore: false)
      }
    }

    static func specials(of family: Family) -> [(String, String)] {
      switch family {
      case .gpt2: [("bos_token", "<|endoftext|>"), ("eos_token", "<|endoftext|>"), ("unk_token", "<|endoftext|>")]
      case .roberta:
        [
          ("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>"), ("sep_token", "</s>"),
          ("pad_token", "<pad>"), ("cls_token", "<s>"), ("mask_token", "<mask>"),
        ]
      case .deberta:
        [
          ("bos_token", "[CLS]"), ("eos_token", "[SEP]"), ("unk_token", "[UNK]"), ("sep_token", "[SEP]"),
          ("pad_token", "[PAD]"), ("cls_token", "[CLS]"), ("mask_token", "[MASK]"),
        ]
      case .qwen: [("eos_token", "<|endoftext|>"), ("unk_token", "<|endoftext|>"), ("pad_token", "<|endoftext|>")]
      case .clip:
        [
          ("bos_token", "<|startoftext|>"), ("eos_token", "<|endoftext|>"), ("unk_token", "<|endoftext|>"),
          ("pad_token", "<|endoftext|>"),
        ]
      case .characters: [("unk_token", "<unk>")]
      }
    }

    private static func roberta(
      _ first: (Int, String), _ last: (Int, String), trimOffsets: Bool, addPrefixSpace: Bool
    ) -> JSON {
      func pair(_ token: (Int, String)) -> JSON { [.string(token.1), .integer(Int64(token.0))] }
      return [
        "type": "RobertaProcessing", "sep": pair(last), "cls": pair(first), "trim_offsets": .bool(trimOffsets),
        "add_prefix_space": .bool(addPrefixSpace),
      ]
    }

    private static let clipNormalizer: JSON = [
      "type": "Sequence",
      "normalizers": [
        ["type": "NFC"], ["type": "Replace", "pattern": ["Regex": #"\s+"#], "content": " "], ["type": "Lowercase"],
      ],
    ]

    private static let clipPreTokenizer: JSON = [
      "type": "Sequence",
      "pretokenizers": [
        [
          "type": "Split", "pattern": ["Regex": #"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#],
          "behavior": "Removed", "invert": true,
        ],
        TokenizerDocument.byteLevel(useRegex: true),
      ],
    ]
  }
}
