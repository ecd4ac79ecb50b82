/// Writes the `model` object of tokenizer.json.
enum ModelWriter {
  /// - Parameter extra: entries that the vocabulary gets besides the model's own.
  static func write(
    _ model: TokenizerModel, extra: [(text: [UInt8], id: UInt32)], parameters: JSONObject, to writer: inout JSONWriter
  ) {
    var parameters = parameters
    if parameters["type"] == nil { parameters["type"] = .string(model.name) }
    var keys = ["type"] + parameters.keys.filter { $0 != "type" }
    keys.append("vocab")
    if case .bpe = model { keys.append("merges") }
    writer.list("{", "}", count: keys.count, indent: 1) { writer, index in
      writer.write(string: keys[index])
      writer.raw(writer.layout == .pretty ? ": " : ":")
      switch keys[index] {
      case "vocab": writeVocabulary(of: model, extra, to: &writer)
      case "merges": if case .bpe(let bpe) = model { writeMerges(of: bpe, to: &writer) }
      default: writer.write(parameters[keys[index]] ?? .null, indent: 2)
      }
    }
  }

  private static func writeVocabulary(
    of model: TokenizerModel, _ extra: [(text: [UInt8], id: UInt32)], to writer: inout JSONWriter
  ) {
    let table = model.vocabulary
    if case .unigram(let unigram) = model {
      writer.list("[", "]", count: table.entryCount, indent: 2) { writer, entry in
        writer.raw("[")
        Array(table.text(ofEntry: entry)).withUnsafeBytes { writer.write(utf8: $0) }
        writer.raw(",")
        writer.write(unigram.scores[entry])
        writer.raw("]")
      }
      return
    }
    let entries = table.entriesByID
    writer.list("{", "}", count: entries.count + extra.count, indent: 2) { writer, index in
      let isExtra = index >= entries.count
      let text = isExtra ? extra[index - entries.count].text : Array(table.text(ofEntry: entries[index]))
      text.withUnsafeBytes { writer.write(utf8: $0) }
      writer.raw(":")
      writer.raw(String(isExtra ? extra[index - entries.count].id : table.ids[entries[index]]))
    }
  }

  private static func writeMerges(of model: BPEModel, to writer: inout JSONWriter) {
    let merges = model.pairs.sorted
    let table = model.vocabulary
    writer.list("[", "]", count: merges.count, indent: 2) { writer, index in
      writer.raw("[")
      Array(table.text(ofID: merges[index].left) ?? []).withUnsafeBytes { writer.write(utf8: $0) }
      writer.raw(",")
      Array(table.text(ofID: merges[index].right) ?? []).withUnsafeBytes { writer.write(utf8: $0) }
      writer.raw("]")
    }
  }
}
