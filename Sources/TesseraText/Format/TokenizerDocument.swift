/// The parts of a `tokenizer.json` that other formats have to be written as.
enum TokenizerDocument {
  /// A whole description. Parts that are missing are written as null.
  static func make(
    model: JSON, normalizer: JSON = nil, preTokenizer: JSON = nil, postProcessor: JSON = nil, decoder: JSON = nil,
    addedTokens: [JSON] = []
  ) -> JSON {
    [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": .array(addedTokens),
      "normalizer": normalizer, "pre_tokenizer": preTokenizer, "post_processor": postProcessor, "decoder": decoder,
      "model": model,
    ]
  }

  static func addedToken(
    _ id: Int, _ text: String, special: Bool = true, normalized: Bool = false, leftStrip: Bool = false
  ) -> JSON {
    [
      "id": .integer(Int64(id)), "content": .string(text), "single_word": false, "lstrip": .bool(leftStrip),
      "rstrip": false, "normalized": .bool(normalized), "special": .bool(special),
    ]
  }

  static func sequence(_ key: String, _ parts: [JSON]) -> JSON {
    switch parts.count {
    case 0: nil
    case 1: parts[0]
    default: .object(["type": "Sequence", key: .array(parts)])
    }
  }

  static func split(_ pattern: String) -> JSON {
    ["type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated", "invert": false]
  }

  static func byteLevel(addPrefixSpace: Bool = false, trimOffsets: Bool = true, useRegex: Bool) -> JSON {
    [
      "type": "ByteLevel", "add_prefix_space": .bool(addPrefixSpace), "trim_offsets": .bool(trimOffsets),
      "use_regex": .bool(useRegex),
    ]
  }

  static func replace(_ text: String, with content: String) -> JSON {
    ["type": "Replace", "pattern": ["String": .string(text)], "content": .string(content)]
  }

  static func bpe(
    vocabulary: JSONObject, merges: [JSON], unknown: String? = nil, suffix: String? = nil, fuseUnknown: Bool = false,
    byteFallback: Bool = false, ignoreMerges: Bool = false
  ) -> JSON {
    [
      "type": "BPE", "dropout": nil, "unk_token": unknown.map { .string($0) } ?? nil, "continuing_subword_prefix": nil,
      "end_of_word_suffix": suffix.map { .string($0) } ?? nil, "fuse_unk": .bool(fuseUnknown),
      "byte_fallback": .bool(byteFallback), "ignore_merges": .bool(ignoreMerges), "vocab": .object(vocabulary),
      "merges": .array(merges),
    ]
  }

  /// A template that puts tokens before and after each sequence; `nil` when there is nothing to put.
  static func template(before: [(Int, String)], after: [(Int, String)], pairBefore: Bool = true) -> JSON {
    guard !before.isEmpty || !after.isEmpty else { return nil }
    func special(_ text: String, _ type: Int64) -> JSON {
      ["SpecialToken": ["id": .string(text), "type_id": .integer(type)]]
    }
    func sequence(_ name: JSON, _ type: Int64) -> JSON { ["Sequence": ["id": name, "type_id": .integer(type)]] }
    let single = before.map { special($0.1, 0) } + [sequence("A", 0)] + after.map { special($0.1, 0) }
    let second =
      (pairBefore ? before : []).map { special($0.1, 1) } + [sequence("B", 1)] + after.map { special($0.1, 1) }
    var tokens = JSONObject()
    for (id, text) in before + after {
      tokens[text] = ["id": .string(text), "ids": [.integer(Int64(id))], "tokens": [.string(text)]]
    }
    return [
      "type": "TemplateProcessing", "single": .array(single), "pair": .array(single + second),
      "special_tokens": .object(tokens),
    ]
  }
}
