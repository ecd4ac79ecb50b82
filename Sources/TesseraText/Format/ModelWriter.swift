/// Writes the `model` object of tokenizer.json.
enum ModelWriter {
  static func write(_ model: TokenizerModel, parameters: JSONObject, to writer: inout JSONWriter) {
    var parameters = parameters
    if parameters["type"] == nil { parameters["type"] = .string(model.name) }
    var keys = ["type"] + parameters.keys.filter { $0 != "type" }
    keys.append("vocab")
    if case .bpe = model { keys.append("merges") }
    writer.list("{", "}", count: keys.count, indent: 1) { writer, index in
      writer.write(string: keys[index])
      writer.raw(writer.layout == .pretty ? ": " : ":")
      switch keys[index] {
      case "vocab": writeVocabulary(of: model, to: &writer)
      case "merges": if case .bpe(let bpe) = model { writeMerges(of: bpe, to: &writer) }
      default: writer.write(parameters[keys[index]] ?? .null, indent: 2)
      }
    }
  }

  private static func writeVocabulary(of model: TokenizerModel, to writer: inout JSONWriter) {
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
    writer.list("{", "}", count: entries.count, indent: 2) { writer, index in
      Array(table.text(ofEntry: entries[index])).withUnsafeBytes { writer.write(utf8: $0) }
      writer.raw(":")
      writer.raw(String(table.ids[entries[index]]))
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
