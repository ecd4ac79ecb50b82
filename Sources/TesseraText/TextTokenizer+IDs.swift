extension TextTokenizer {
  /// The ids of a text alone: no offsets, no template, nothing but what the text itself gives.
  ///
  /// - Parameter threads: how many may work on one long text. What cannot be cut, see ``EncodeStream``, or is short, takes one.
  /// - Throws: ``TokenizerError`` as ``encode(_:pair:options:)``.
  /// - Complexity: O(n). Words seen before, by any call on this tokenizer, cost a look into a table.
  public func ids(
    of text: String, specialTokensInText: SpecialTokensInText? = nil, threads: Int = 1
  ) throws -> [UInt32] {
    var text = text
    return try text.withUTF8 { try ids(ofUTF8: $0, specialTokensInText: specialTokensInText, threads: threads) }
  }

  /// The ids of a text given as valid UTF-8.
  public func ids(
    ofUTF8 text: UnsafeBufferPointer<UInt8>, specialTokensInText: SpecialTokensInText? = nil, threads: Int = 1
  ) throws -> [UInt32] {
    let recognizes = recognizesSpecial(specialTokensInText)
    if threads > 1, let ids = try core.ids(of: text, recognizes, threads: threads) { return ids }
    return try core.engine.withScratch { scratch in
      var output = TokenBuffer(capacity: text.count / 3 + 16)
      try core.appendIDs(of: text, recognizesSpecial: recognizes, into: &output, scratch)
      return output.copyIDs()
    }
  }

  /// The number of tokens of a text, without those of the template; no ids are kept.
  ///
  /// - Parameter threads: as in ``ids(of:specialTokensInText:threads:)``.
  public func count(_ text: String, specialTokensInText: SpecialTokensInText? = nil, threads: Int = 1) throws -> Int {
    let recognizes = recognizesSpecial(specialTokensInText)
    var text = text
    return try text.withUTF8 { text in
      if threads > 1, let count = try core.count(of: text, recognizes, threads: threads) { return count }
      return try core.engine.withScratch { scratch in
        var output = TokenBuffer(capacity: 1024, countsOnly: true)
        try core.appendIDs(of: text, recognizesSpecial: recognizes, into: &output, scratch)
        return output.total
      }
    }
  }
}

extension TextTokenizer {
  /// The ids that stand before and behind those of a text in a full encoding.
  ///
  /// - Returns: `nil` when they depend on the text: when the file says that texts are cut or filled, or its template is of another kind.
  public func templateIDs(addsSpecialTokens: Bool = true) -> (before: [UInt32], after: [UInt32])? {
    guard core.truncation == nil, core.padding == nil else { return nil }
    guard addsSpecialTokens, let postProcessor = core.postProcessor else { return ([], []) }
    var text = Encoding()
    text.append(id: 0, token: "", offsets: 0..<0, word: 0, type: 0, special: 0)
    let framed = postProcessor.process([text], addSpecialTokens: true)
    let places = framed.specialTokensMask.indices.filter { framed.specialTokensMask[$0] == 0 }
    guard let place = places.first, places.count == 1 else { return nil }
    return (Array(framed.ids[..<place]), Array(framed.ids[(place + 1)...]))
  }
}

extension TextTokenizer {
  /// The ids of many texts, without those of the template, on several threads.
  ///
  /// - Parameters:
  ///   - texts: the texts; the rows of the result are in their order.
  ///   - threads: `nil` for one per core.
  ///   - withPlaces: whether to keep where each token ends in its text.
  /// - Throws: ``TokenizerError`` as ``encode(_:pair:options:)``.
  /// - Complexity: O(n); four bytes of memory for each id, and four more with places.
  public func ids(
    batch texts: [String], specialTokensInText: SpecialTokensInText? = nil, threads: Int? = nil,
    withPlaces: Bool = false
  ) throws -> TokenBatch {
    let recognizes = recognizesSpecial(specialTokensInText)
    let wanted = max(1, threads ?? Parallel.coreCount)
    let parts = Self.parts(of: texts, for: wanted)
    let workers = min(wanted, max(parts.count, 1))
    let shares = workers == 1 ? [0..<texts.count] : parts
    let encoded = try Parallel.map(shares, threads: workers, state: { () }) { rows, _ in
      try core.engine.withScratch { scratch in try encode(texts[rows], recognizes, withPlaces, scratch) }
    }
    if encoded.count == 1, let only = encoded.first {
      return TokenBatch(memory: only.memory, ends: only.ends, rowOffsets: only.rowOffsets)
    }
    return Self.joined(encoded, workers, withPlaces: withPlaces)
  }

  /// The rows of one worker.
  private struct Encoded: Sendable {
    var memory: TableMemory
    var ends: TableMemory?
    var rowOffsets: [Int]
  }

  private func encode(
    _ texts: ArraySlice<String>, _ recognizes: Bool, _ withPlaces: Bool, _ scratch: EncoderScratch
  ) throws -> Encoded {
    let bytes = texts.reduce(0) { $0 + $1.utf8.count }
    // Untouched memory costs nothing, and few tokenizers make more tokens than there are bytes.
    var output = TokenBuffer(capacity: bytes + 4096, hasPlaces: withPlaces)
    var rowOffsets = [0]
    rowOffsets.reserveCapacity(texts.count + 1)
    for text in texts {
      var text = text
      try text.withUTF8 {
        try core.appendIDs(of: $0, recognizesSpecial: recognizes, into: &output, scratch)
      }
      rowOffsets.append(output.count)
    }
    let (memory, ends) = output.take()
    return Encoded(memory: memory, ends: withPlaces ? ends : nil, rowOffsets: rowOffsets)
  }

  /// Neighbouring texts together: a few shares for each worker, so that all end at about the same time, and none so small that the
  /// memory for its ids is dearer than they are.
  private static func parts(of texts: [String], for workers: Int) -> [Range<Int>] {
    let share = max(1 << 18, texts.reduce(0) { $0 + $1.utf8.count } / (8 * workers))
    var parts: [Range<Int>] = []
    var (start, bytes) = (0, 0)
    for (index, text) in texts.enumerated() {
      bytes += text.utf8.count
      guard bytes >= share || index == texts.count - 1 else { continue }
      parts.append(start..<index + 1)
      (start, bytes) = (index + 1, 0)
    }
    return parts
  }

  /// Brings the rows of all workers into one piece of memory.
  private static func joined(_ parts: [Encoded], _ workers: Int, withPlaces: Bool) -> TokenBatch {
    var rowOffsets = [0]
    var starts: [Int] = []
    for part in parts {
      let start = rowOffsets[rowOffsets.count - 1]
      starts.append(start)
      for offset in part.rowOffsets.dropFirst() { rowOffsets.append(start + offset) }
    }
    let count = rowOffsets[rowOffsets.count - 1]
    let memory = TableMemory(byteCount: 4 * count)
    let ends = withPlaces ? TableMemory(byteCount: 4 * count) : nil
    let places = starts
    _ = try? Parallel.map(Array(parts.indices), threads: workers, state: { () }) { index, _ in
      let part = parts[index]
      let bytes = 4 * (part.rowOffsets.last ?? 0)
      (memory.base + 4 * places[index]).copyMemory(from: part.memory.base, byteCount: bytes)
      if let ends, let source = part.ends {
        (ends.base + 4 * places[index]).copyMemory(from: source.base, byteCount: bytes)
      }
    }
    return TokenBatch(memory: memory, ends: ends, rowOffsets: rowOffsets)
  }

  /// The longest beginning of a text that has no more than so many tokens: exactly the text of its first tokens.
  ///
  /// Where the last of them ends inside a character, the character is left out.
  ///
  /// - Throws: ``TokenizerError`` as ``ids(batch:specialTokensInText:threads:withPlaces:)``.
  /// - Complexity: O(length of the result).
  public func prefix(
    of text: String, tokens: Int, specialTokensInText: SpecialTokensInText? = nil
  ) throws -> Substring {
    guard tokens > 0 else { return text[..<text.startIndex] }
    var copy = text
    let end: Int? = try copy.withUTF8 { bytes in
      try core.engine.withScratch { scratch in
        var output = TokenBuffer(capacity: min(tokens, bytes.count) + 4096, hasPlaces: true)
        output.limit = tokens
        try core.appendIDs(
          of: bytes, recognizesSpecial: recognizesSpecial(specialTokensInText), into: &output, scratch)
        return output.count > tokens ? Int(output.ends[tokens - 1]) : nil
      }
    }
    guard let end else { return text[...] }
    var index = text.utf8.index(text.utf8.startIndex, offsetBy: end)
    while index.samePosition(in: text.unicodeScalars) == nil { index = text.utf8.index(before: index) }
    return text[..<index]
  }
}
