/// One stage of a pipeline alone, for looking at what it does.
public enum Stage {
  /// The text after a normalizer, given as in tokenizer.json.
  public static func normalize(_ text: String, with normalizer: JSON) throws -> String {
    let stage = try NormalizerStage(ConfigurationNode(normalizer, path: "normalizer"))
    var aligned = AlignedText(slice: text.utf8, base: 0)
    stage.apply(to: &aligned)
    return String(decoding: aligned.bytes, as: UTF8.self)
  }

  /// The pieces that a pre-tokenizer, given as in tokenizer.json, cuts a text into; offsets count scalars of the text.
  public static func preTokenize(_ text: String, with preTokenizer: JSON) throws -> [(
    text: String, offsets: Range<Int>
  )] {
    let stage = try PreTokenizer(ConfigurationNode(preTokenizer, path: "pre_tokenizer"))
    var pieces = Pieces(input: Array(text.utf8))
    stage.apply(to: &pieces)
    return Array(text.utf8).withUnsafeBufferPointer { input in
      let index = ScalarIndex(input)
      return pieces.pieces.map { piece in
        (
          String(decoding: pieces.bytes[piece.start..<piece.end], as: UTF8.self),
          index.referenceScalars(of: pieces.origin(of: 0..<piece.count, in: piece), in: input)
        )
      }
    }
  }

  /// The text that a decoder, given as in tokenizer.json, makes of tokens.
  public static func decode(_ tokens: [String], with decoder: JSON) throws -> String {
    let stage = try Decoder(ConfigurationNode(decoder, path: "decoder"))
    return String(decoding: Array(stage.decode(tokens.map { Array($0.utf8) }).joined()), as: UTF8.self)
  }
}
