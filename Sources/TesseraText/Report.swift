extension TextTokenizer {
  /// What the tokenizer is made of: its parts, sizes and oddities, in order.
  public var report: JSON {
    let model = core.description.model
    let table = model.vocabulary
    var report: JSONObject = [
      "model": .string(model.name), "vocabulary_size": .integer(Int64(vocabularySize)),
      "model_entries": .integer(Int64(table.count)), "largest_id": .integer(Int64(largestID)),
    ]
    for key in ["normalizer", "pre_tokenizer", "post_processor", "decoder"] {
      report[key] = .string(Self.outline(core.description.header[key] ?? .null))
    }
    if case .bpe(let bpe) = model {
      report["merges"] = .integer(Int64(bpe.pairs.count))
      report["unreachable_entries"] = .integer(Int64(bpe.unreachableEntries.count))
    }
    report["added_tokens"] = .integer(Int64(addedTokens.count))
    report["special_tokens"] = .array(
      specialTokens.prefix(32).map { .string("\($0.id) \($0.token.content)") })
    report["ids_beyond_the_vocabulary"] = .integer(Int64(addedTokens.count { Int($0.id) >= table.count }))
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

extension BPEModel {
  /// Entries of more than one character that no merge makes: they come out only where whole words are looked up.
  var unreachableEntries: [UInt32] {
    let made = Set(pairs.sorted.map(\.merge.id))
    return vocabulary.entriesByID.filter { entry in
      let text = vocabulary.text(ofEntry: entry)
      return text.withUnsafeBufferPointer { !$0.isEmpty && $0.leadLength(at: 0) < $0.count }
        && !made.contains(vocabulary.ids[entry])
    }.map { vocabulary.ids[$0] }
  }
}
