/// Byte-pair encoding: characters (or bytes) joined by a ranked list of merges.
///
/// Paper: *Neural Machine Translation of Rare Words with Subword Units*, Sennrich et al. 2016.
struct BPEModel: Sendable {
  var vocabulary: TokenTable
  var pairs: MergeTable
  /// The chance that a merge is skipped (BPE-dropout, Provilkov et al. 2020); `nil` or 0 for none.
  var dropout: Double?
  var unknownToken: String?
  var continuingSubwordPrefix: [UInt8] = []
  var endOfWordSuffix: [UInt8] = []
  var fusesUnknown = false
  var byteFallback = false
  /// A whole word that is in the vocabulary is taken without merging.
  var ignoresMerges = false

  /// The tables of the fast encoder, when a file holds them.
  var storedEncoder: StoredEncoderTables?

  /// The vocabulary in raw bytes, when every byte has a token of its own and words need no marks: the fast way in.
  private(set) var rawBytes: RawByteVocabulary?

  struct RawByteVocabulary: Sendable {
    /// Token of each single byte.
    var byteIDs: [UInt32]
  }

  init(vocabulary: TokenTable, pairs: MergeTable) {
    self.vocabulary = vocabulary
    self.pairs = pairs
  }

  /// Prepares the lookup by raw bytes for vocabularies in the byte-level alphabet.
  mutating func prepareRawBytes() {
    guard continuingSubwordPrefix.isEmpty, endOfWordSuffix.isEmpty else { return }
    var byteIDs: [UInt32] = []
    for byte in 0...255 {
      var text: [UInt8] = []
      UTF8Scalars.append(ByteLevelAlphabet.scalars[byte], to: &text)
      guard let id = vocabulary.id(of: text) else { return }
      byteIDs.append(id)
    }
    rawBytes = RawByteVocabulary(byteIDs: byteIDs)
  }

  // MARK: Tokenizing

  /// - Parameter isRaw: the word is raw bytes and ``rawBytes`` is there.
  func tokenize(_ word: UnsafeBufferPointer<UInt8>, isRaw: Bool, _ scratch: inout ModelScratch) throws {
    guard !word.isEmpty else { return }
    let isRandom = dropout.map { $0 > 0 } ?? false
    if ignoresMerges, !isRandom, let id = whole(word, isRaw: isRaw) {
      scratch.output.append(id, 0, word.count)
      return
    }
    scratch.merger.removeAll()
    if isRaw, let raw = rawBytes {
      for byte in word { scratch.merger.append(raw.byteIDs[Int(byte)], length: 1) }
    } else {
      try appendCharacters(of: word, &scratch.merger)
    }
    if isRandom, let dropout {
      var random = scratch.random
      scratch.merger.merge(with: pairs) { Double.random(in: 0..<1, using: &random) < dropout }
      scratch.random = random
    } else {
      scratch.merger.merge(with: pairs)
    }
    var start = 0
    for index in scratch.merger.ids.indices {
      let end = start + Int(scratch.merger.lengths[index])
      scratch.output.append(scratch.merger.ids[index], start, end)
      start = end
    }
  }

  private func whole(_ word: UnsafeBufferPointer<UInt8>, isRaw: Bool) -> UInt32? {
    guard isRaw else { return vocabulary.id(of: UnsafeRawBufferPointer(word)) }
    guard word.count <= vocabulary.maximumLength else { return nil }
    // The vocabulary has it in the byte-level alphabet.
    let text = RowBuilder<UInt8>(capacity: 2 * word.count)
    ByteLevelAlphabet.append(word, to: text)
    return vocabulary.id(of: UnsafeRawBufferPointer(start: text.base, count: text.count))
  }

  /// The symbols of a word before merging. An unknown character waits until the next known one, which fuses it with its
  /// neighbours; byte fallback passes it by, as in the reference.
  private func appendCharacters(of word: UnsafeBufferPointer<UInt8>, _ merger: inout BPEMerger) throws {
    var unknown: (id: UInt32, length: Int)?
    var index = 0
    while index < word.count {
      let length = word.leadLength(at: index)
      let symbol = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: word[index..<index + length]))
      let isLast = index + length == word.count
      if let id = symbolID(symbol, isFirst: index == 0, isLast: isLast) {
        if let pending = unknown { merger.append(pending.id, length: pending.length) }
        unknown = nil
        merger.append(id, length: length)
      } else if !(byteFallback && appendBytes(symbol, isFirst: index == 0, isLast: isLast, &merger)), let unknownToken {
        guard let id = vocabulary.id(of: unknownToken) else {
          throw TokenizerError(.inconsistent, "the unknown token '\(unknownToken)' is not in the vocabulary")
        }
        if let pending = unknown, fusesUnknown {
          unknown = (pending.id, pending.length + length)
        } else {
          if let pending = unknown { merger.append(pending.id, length: pending.length) }
          unknown = (id, length)
        }
      }
      index += length
    }
    if let pending = unknown { merger.append(pending.id, length: pending.length) }
  }

  private func symbolID(_ symbol: UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool) -> UInt32? {
    if (isFirst || continuingSubwordPrefix.isEmpty) && (!isLast || endOfWordSuffix.isEmpty) {
      return vocabulary.id(of: symbol)
    }
    return vocabulary.id(of: marked(symbol, isFirst: isFirst, isLast: isLast))
  }

  private func marked(_ symbol: UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool) -> [UInt8] {
    (isFirst ? [] : continuingSubwordPrefix) + Array(symbol) + (isLast ? endOfWordSuffix : [])
  }

  /// Stands for an unknown character by its bytes, marks included; all of them must exist.
  private func appendBytes(
    _ symbol: UnsafeRawBufferPointer, isFirst: Bool, isLast: Bool, _ merger: inout BPEMerger
  ) -> Bool {
    var ids: [UInt32] = []
    for byte in marked(symbol, isFirst: isFirst, isLast: isLast) {
      guard let id = vocabulary.id(of: ByteFallback.token(of: byte)) else { return false }
      ids.append(id)
    }
    for id in ids { merger.append(id, length: 1) }
    return true
  }
}

/// Tokens such as `<0x0A>` that stand for one byte.
enum ByteFallback {
  private static let digits = Array("0123456789ABCDEF".utf8)

  static func token(of byte: UInt8) -> [UInt8] {
    [0x3C, 0x30, 0x78, digits[Int(byte >> 4)], digits[Int(byte & 15)], 0x3E]
  }

  /// The byte that a token stands for. Lower-case digits and a plus sign count too, as in the reference's number parser.
  static func byte(of token: some Collection<UInt8>) -> UInt8? {
    let text = Array(token)
    guard text.count == 6, text[0] == 0x3C, text[1] == 0x30, text[2] == 0x78, text[5] == 0x3E else { return nil }
    return UInt8(String(decoding: text[3..<5], as: UTF8.self), radix: 16)
  }
}
