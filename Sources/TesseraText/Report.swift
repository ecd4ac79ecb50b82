extension TextTokenizer {
  /// What the tokenizer is made of: its parts, sizes and oddities, in order.
  ///
  /// Lists of examples hold at most 16 tokens.
  ///
  /// - Complexity: every entry of the vocabulary is encoded once.
  public var report: JSON {
    let model = core.description.model
    let table = model.vocabulary
    var report: JSONObject = [
      "model": .string(model.name), "vocabulary_size": .integer(Int64(vocabularySize)),
      "model_entries": .integer(Int64(table.count)), "largest_id": .integer(Int64(largestID)),
    ]
    if case .bpe(let bpe) = model { report["merges"] = .integer(Int64(bpe.pairs.count)) }
    for key in ["normalizer", "pre_tokenizer", "post_processor", "decoder"] {
      report[key] = .string(Self.outline(core.description.header[key] ?? .null))
    }
    report["added_tokens"] = .integer(Int64(addedTokens.count))
    report["special_tokens"] = .array(specialTokens.prefix(32).map { .string("\($0.id) \($0.token.content)") })
    report["chat_templates"] = .array(chatConfiguration.templates.map { .string($0.name) })
    Oddities(core, addedTokens: addedTokens, largestID: largestID).add(to: &report)
    return .object(report)
  }

  private var largestID: Int {
    max(core.description.model.vocabulary.maximumID, addedTokens.last.map { Int($0.id) } ?? -1)
  }

  /// The types of a part and of what it is made of.
  private static func outline(_ json: JSON) -> String {
    guard case .object(let object) = json else { return "none" }
    let name = object["type"]?.stringValue ?? "?"
    for key in ["normalizers", "pretokenizers", "processors", "decoders"] {
      if let parts = object[key]?.arrayValue { return parts.map(outline).joined(separator: ", ") }
    }
    return name
  }
}

/// What is strange about a vocabulary.
struct Oddities {
  private let core: TokenizerCore
  private let table: TokenTable
  private let addedTokens: [(id: UInt32, token: AddedToken)]
  private let largestID: Int

  init(_ core: TokenizerCore, addedTokens: [(id: UInt32, token: AddedToken)], largestID: Int) {
    self.core = core
    table = core.description.model.vocabulary
    self.addedTokens = addedTokens
    self.largestID = largestID
  }

  func add(to report: inout JSONObject) {
    let unreachable = unreachable
    put("unreachable_entries", unreachable, &report)
    if case .bpe(let model) = core.description.model, model.ignoresMerges, !unreachable.isEmpty {
      report["unreachable_entries_note"] = "they come out only where a whole piece of text is looked up"
    }
    put("shadowed_entries", shadowed, &report)
    put("ids_beyond_the_vocabulary", addedTokens.filter { Int($0.id) >= table.count }.map { text($0) }, &report)
    put("added_tokens_over_entries", overEntries, &report)
    report["ids_without_a_token"] = .integer(Int64(unusedIDCount))
    if let missing = missingBytes {
      report["missing_bytes"] = .array(
        missing.map { .string(String(decoding: ByteFallback.token(of: $0), as: UTF8.self)) })
    }
  }

  private func put(_ key: String, _ found: [String], _ report: inout JSONObject) {
    report[key] = .integer(Int64(found.count))
    if !found.isEmpty { report["\(key)_examples"] = .array(found.prefix(16).map { .string($0) }) }
  }

  private func text(_ added: (id: UInt32, token: AddedToken)) -> String { "\(added.id) \(added.token.content)" }

  private func text(ofEntry entry: Int) -> String {
    "\(table.ids[entry]) \(String(decoding: table.text(ofEntry: entry), as: UTF8.self))"
  }

  // MARK: Unreachable entries

  /// Entries that no text gives: encoded alone they become something else. A token that stands inside a longer word was made
  /// there as it is made alone, so one that is not made alone is never made.
  private var unreachable: [String] {
    var scratch = ModelScratch()
    return table.entriesByID.filter { entry in
      let id = table.ids[entry]
      let text = Array(table.text(ofEntry: entry))
      if text.isEmpty || ByteFallback.byte(of: text) != nil || core.added.idsByContent[text] != nil { return false }
      if isUnknown(text, id) { return false }
      return !isReached(text, id, &scratch)
    }.map(text(ofEntry:))
  }

  private func isUnknown(_ text: [UInt8], _ id: UInt32) -> Bool {
    switch core.description.model {
    case .bpe(let model): model.unknownToken.map { Array($0.utf8) == text } ?? false
    case .wordPiece(let model): Array(model.unknownToken.utf8) == text
    case .wordLevel(let model): Array(model.unknownToken.utf8) == text
    case .unigram(let model): model.unknownID == id
    }
  }

  private func isReached(_ text: [UInt8], _ id: UInt32, _ scratch: inout ModelScratch) -> Bool {
    switch core.description.model {
    case .bpe(var model):
      model.ignoresMerges = false
      model.dropout = nil
      guard model.continuingSubwordPrefix.isEmpty, model.endOfWordSuffix.isEmpty else { return true }
      return gives(.bpe(model), text, id, &scratch)
    case .unigram: return gives(core.description.model, text, id, &scratch)
    case .wordPiece(let model):
      let isContinuation =
        text.count > model.continuingSubwordPrefix.count && text.starts(with: model.continuingSubwordPrefix)
      return isOnePiece(isContinuation ? Array(text.dropFirst(model.continuingSubwordPrefix.count)) : text)
    case .wordLevel: return isOnePiece(text)
    }
  }

  private func gives(_ model: TokenizerModel, _ text: [UInt8], _ id: UInt32, _ scratch: inout ModelScratch) -> Bool {
    scratch.output.removeAll()
    do {
      try text.withUnsafeBufferPointer { try model.tokenize($0, isRaw: false, &scratch) }
    } catch {
      return false
    }
    return scratch.output.ids == [id]
  }

  /// Whether normalizing and cutting leave a text as it is.
  private func isOnePiece(_ text: [UInt8]) -> Bool {
    var pieces = Pieces(input: text)
    if let normalizer = core.normalizer { pieces.rewrite { normalizer.apply(to: &$0) } }
    core.preTokenizer?.apply(to: &pieces)
    pieces.dropEmpty()
    guard pieces.pieces.count == 1, let piece = pieces.pieces.first else { return false }
    return pieces.bytes[piece.start..<piece.end].elementsEqual(text)
  }

  // MARK: Shadows and holes

  /// Entries whose id names another entry, or whose text a later entry took.
  private var shadowed: [String] {
    (0..<table.entryCount).filter { table.replaced.contains($0) || table.entry(ofID: table.ids[$0]) != $0 }
      .map(text(ofEntry:))
  }

  /// Added tokens that have the id of an entry with another text.
  private var overEntries: [String] {
    addedTokens.filter { added in
      guard let text = table.text(ofID: added.id) else { return false }
      return !text.elementsEqual(added.token.content.utf8)
    }.map { text($0) }
  }

  private var unusedIDCount: Int {
    var used = Set<UInt32>(table.ids)
    for token in addedTokens { used.insert(token.id) }
    return largestID + 1 - used.count
  }

  /// The bytes that have no token, for models that fall back to bytes; `nil` for others.
  private var missingBytes: [UInt8]? {
    let bytes = UInt8.min...UInt8.max
    switch core.description.model {
    case .bpe(let model) where model.byteFallback: break
    case .unigram(let model) where model.byteFallback: break
    case .bpe where core.decoder?.isByteLevel == true:
      return bytes.filter { byte in
        var text: [UInt8] = []
        UTF8Scalars.append(ByteLevelAlphabet.scalars[Int(byte)], to: &text)
        return table.id(of: text) == nil
      }
    default: return nil
    }
    return bytes.filter { table.id(of: ByteFallback.token(of: $0)) == nil }
  }
}
