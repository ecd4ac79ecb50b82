extension TextTokenizer {
  /// The ids of a text alone: no offsets, no template, nothing but what the text itself gives.
  ///
  /// - Throws: ``TokenizerError`` as ``encode(_:pair:options:)``.
  /// - Complexity: O(n). Words seen before, by any call on this tokenizer, cost a look into a table.
  public func ids(of text: String, specialTokensInText: SpecialTokensInText? = nil) throws -> [UInt32] {
    var text = text
    return try text.withUTF8 { try ids(ofUTF8: $0, specialTokensInText: specialTokensInText) }
  }

  /// The ids of a text given as valid UTF-8.
  public func ids(
    ofUTF8 text: UnsafeBufferPointer<UInt8>, specialTokensInText: SpecialTokensInText? = nil
  ) throws -> [UInt32] {
    try core.engine.withScratch { scratch in
      var output = TokenBuffer(capacity: text.count / 3 + 16)
      try core.appendIDs(
        of: text, recognizesSpecial: recognizesSpecial(specialTokensInText), into: &output, scratch)
      return output.copyIDs()
    }
  }

  /// The number of tokens of a text, without those of the template; no ids are kept.
  public func count(_ text: String, specialTokensInText: SpecialTokensInText? = nil) throws -> Int {
    var text = text
    return try text.withUTF8 { text in
      try core.engine.withScratch { scratch in
        var output = TokenBuffer(capacity: 1024, countsOnly: true)
        try core.appendIDs(
          of: text, recognizesSpecial: recognizesSpecial(specialTokensInText), into: &output, scratch)
        return output.total
      }
    }
  }
}
