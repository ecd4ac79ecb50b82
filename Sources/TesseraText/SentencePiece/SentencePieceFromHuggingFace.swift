extension SentencePieceModel {
  /// Makes a model from a `tokenizer.json` that holds a Unigram, or a BPE with space marks.
  ///
  /// A `Unigram` keeps its scores. A `BPE` gives each piece the score minus the place of the first merge that makes it; pieces no
  /// merge makes come after all others. Added tokens become control symbols where they are special and user-defined symbols where
  /// not; the normalizer's replacement table, the dummy prefix and the folding of spaces are taken over. What a model file cannot
  /// say, such as a post-processor, is left out.
  ///
  /// - Throws: ``TokenizerError`` that names the key: `unsupported` for other models and for a BPE without space marks,
  ///   `malformed` for values of the wrong kind, `inconsistent` for ids that leave gaps.
  /// - Complexity: O(bytes of the vocabulary and the merges).
  public init(huggingFace document: JSON) throws {
    self.init()
    guard let body = document["model"] else {
      throw TokenizerError(.malformed, "no model", at: .key("model"))
    }
    switch body["type"]?.stringValue {
    case "Unigram": try readUnigram(body)
    case "BPE": try readMerges(body)
    case let other:
      throw TokenizerError(
        .unsupported, "the model \(other ?? "without a type"); expected Unigram or BPE", at: .key("model.type"))
    }
    try readAddedTokens(document["added_tokens"])
    try readSteps(document)
    if body["byte_fallback"]?.boolValue == true { readBytePieces() }
    if !trainer.usesByteFallback, !pieces.contains(where: { $0.kind == .unknown }) {
      throw TokenizerError(.inconsistent, "neither an unknown token nor byte fallback", at: .key("model"))
    }
  }

  private mutating func readUnigram(_ body: JSON) throws {
    trainer.kind = .unigram
    guard let vocabulary = body["vocab"]?.arrayValue else {
      throw TokenizerError(.malformed, "expected an array", at: .key("model.vocab"))
    }
    for (id, entry) in vocabulary.enumerated() {
      guard let pair = entry.arrayValue, pair.count == 2, let text = pair[0].stringValue,
        let score = pair[1].doubleValue
      else { throw TokenizerError(.malformed, "expected [text, score]", at: .key("model.vocab[\(id)]")) }
      pieces.append(Piece(text, score: Float(score)))
    }
    if let unknown = body["unk_id"]?.integerValue {
      guard pieces.indices.contains(unknown) else {
        throw TokenizerError(.inconsistent, "id \(unknown) is not in the vocabulary", at: .key("model.unk_id"))
      }
      setUnknown(unknown)
    }
  }

  private mutating func readMerges(_ body: JSON) throws {
    trainer.kind = .bpe
    guard let vocabulary = body["vocab"]?.objectValue else {
      throw TokenizerError(.malformed, "expected an object", at: .key("model.vocab"))
    }
    var ids: [[UInt8]: Int] = [:]
    var texts = [String?](repeating: nil, count: vocabulary.count)
    for (text, value) in vocabulary {
      guard let id = value.integerValue, texts.indices.contains(id), texts[id] == nil else {
        throw TokenizerError(
          .inconsistent, "the id of \"\(text)\" is taken or leaves a gap", at: .key("model.vocab"))
      }
      texts[id] = text
      ids[Array(text.utf8)] = id
    }
    guard texts.contains(where: { $0?.unicodeScalars.contains("\u{2581}") == true }) else {
      throw TokenizerError(.unsupported, "a BPE without space marks is no SentencePiece model", at: .key("model.vocab"))
    }
    var ranks = [Int?](repeating: nil, count: texts.count)
    let merges = body["merges"]?.arrayValue ?? []
    for (rank, merge) in merges.enumerated() {
      guard let merged = Self.mergedText(merge), let id = ids[merged] else {
        throw TokenizerError(.inconsistent, "no merge of two tokens into a third", at: .key("model.merges[\(rank)]"))
      }
      ranks[id] = ranks[id] ?? rank
    }
    pieces = zip(texts, ranks).map { Piece($0 ?? "", score: -Float($1 ?? merges.count)) }
    if let unknown = body["unk_token"]?.stringValue, let id = ids[Array(unknown.utf8)] { setUnknown(id) }
  }

  /// The text of a merge, which is written as two texts or, in older files, as one with a space between.
  private static func mergedText(_ merge: JSON) -> [UInt8]? {
    switch merge {
    case .array(let pair):
      guard pair.count == 2, let left = pair[0].stringValue, let right = pair[1].stringValue else { return nil }
      return Array(left.utf8) + Array(right.utf8)
    case .string(let text):
      let parts = text.utf8.split(separator: 0x20, omittingEmptySubsequences: false)
      return parts.count == 2 ? Array(parts[0]) + Array(parts[1]) : nil
    default: return nil
    }
  }

  private mutating func setUnknown(_ id: Int) {
    pieces[id].storedKind = .unknown
    trainer.unknownPiece = pieces[id].bytes
  }

  private mutating func readAddedTokens(_ tokens: JSON?) throws {
    for (index, token) in (tokens?.arrayValue ?? []).enumerated() {
      let place = TokenizerError.Place.key("added_tokens[\(index)]")
      guard let id = token["id"]?.integerValue, let text = token["content"]?.stringValue else {
        throw TokenizerError(.malformed, "expected an id and a content", at: place)
      }
      let isSpecial = token["special"]?.boolValue ?? false
      if id == pieces.count {
        pieces.append(Piece(text, kind: isSpecial ? .control : .userDefined))
      } else if pieces.indices.contains(id), pieces[id].bytes == Array(text.utf8) {
        if pieces[id].kind != .unknown { pieces[id].storedKind = isSpecial ? .control : .userDefined }
      } else {
        throw TokenizerError(.inconsistent, "id \(id) leaves a gap or belongs to another token", at: place)
      }
    }
  }

  private mutating func readSteps(_ document: JSON) throws {
    normalizer.addsDummyPrefix = false
    normalizer.removesExtraWhitespaces = false
    for step in Self.steps(document["normalizer"], list: "normalizers") {
      switch step["type"]?.stringValue {
      case "Precompiled":
        guard let blob = step["precompiled_charsmap"]?.stringValue.flatMap(Self.bytes(ofBase64:)) else {
          throw TokenizerError(.malformed, "expected base64", at: .key("normalizer.precompiled_charsmap"))
        }
        normalizer.precompiledCharsMap = blob
      case "Prepend": normalizer.addsDummyPrefix = true
      case "Replace" where step["pattern"]?["Regex"]?.stringValue == " {2,}":
        normalizer.removesExtraWhitespaces = true
      default: break
      }
    }
    for step in Self.steps(document["pre_tokenizer"], list: "pretokenizers")
    where step["type"]?.stringValue == "Metaspace" {
      let scheme = step["prepend_scheme"]?.stringValue
      normalizer.addsDummyPrefix = scheme.map { $0 != "never" } ?? step["add_prefix_space"]?.boolValue ?? true
    }
  }

  private static func steps(_ value: JSON?, list: String) -> [JSON] {
    guard let value, !value.isNull else { return [] }
    return value[list]?.arrayValue ?? [value]
  }

  private mutating func readBytePieces() {
    let bytes = pieces.indices.filter { SentencePieceVocabulary.byte(of: pieces[$0].bytes) != nil }
    guard bytes.count == 256 else { return }
    trainer.usesByteFallback = true
    for id in bytes { pieces[id].storedKind = .byte }
  }

  private static func bytes(ofBase64 text: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count / 4 * 3)
    var group: UInt32 = 0
    var bits = 0
    for digit in text.utf8 {
      let value: UInt8
      switch digit {
      case 0x41...0x5A: value = digit - 0x41
      case 0x61...0x7A: value = digit - 0x61 + 26
      case 0x30...0x39: value = digit - 0x30 + 52
      case 0x2B: value = 62
      case 0x2F: value = 63
      case 0x3D: continue
      default: return nil
      }
      group = group << 6 | UInt32(value)
      bits += 6
      if bits >= 8 {
        bits -= 8
        result.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
      }
    }
    return result
  }
}
