/// The compiled form of a tokenizer: all stages ready to run.
final class TokenizerCore: Sendable {
  let description: TokenizerDescription
  let added: AddedVocabulary
  let normalizer: NormalizerStage?
  let preTokenizer: PreTokenizer?
  let postProcessor: PostProcessor?
  let decoder: Decoder?
  let truncation: Truncation?
  let padding: Padding?
  let defaultSpecialTokensInText: TextTokenizer.SpecialTokensInText
  private let keepsRawBytes: Bool
  /// Special tokens are told from others by their ids and are no byte-level text: so in formats where they stand outside the
  /// vocabulary. tokenizer.json tells them by their texts.
  private let keepsAddedApart: Bool
  /// Whether added tokens keep the ids of the file.
  let honorsIDs: Bool
  /// Does the work for models of sentencepiece, whose rules differ from those of tokenizer.json.
  let sentencePiece: SentencePieceEncoder?
  /// The way to ids alone.
  let engine = IDEngine()

  /// - Parameters:
  ///   - honorsIDs: added tokens keep the ids that the file gives them; otherwise they are numbered as the reference does.
  ///   - ready: cuts the text instead of what the description says, where another dialect of patterns is meant.
  init(
    _ description: TokenizerDescription, specialTokensInText: TextTokenizer.SpecialTokensInText = .recognize,
    honorsIDs: Bool = false, sentencePiece: SentencePieceEncoder? = nil, preTokenizer ready: PreTokenizer? = nil
  ) throws {
    func part<Part>(_ key: String, _ make: (ConfigurationNode) throws -> Part) throws -> Part? {
      guard let json = description.header[key], !json.isNull else { return nil }
      return try make(ConfigurationNode(json, path: key))
    }
    self.description = description
    self.sentencePiece = sentencePiece
    normalizer = try part("normalizer") { try NormalizerStage($0) }
    preTokenizer = try ready ?? part("pre_tokenizer") { try PreTokenizer($0) }
    postProcessor = try part("post_processor") { try PostProcessor($0) }
    decoder = try part("decoder") { try Decoder($0) }
    truncation = try part("truncation") { try Truncation(json: $0.json) }
    padding = try part("padding") { try Padding(json: $0.json) }
    added = AddedVocabulary(
      description.addedTokens, model: description.model.vocabulary, normalizer: normalizer, honorsIDs: honorsIDs)
    defaultSpecialTokensInText = specialTokensInText
    self.honorsIDs = honorsIDs
    keepsAddedApart = honorsIDs && decoder?.isByteLevel ?? false
    keepsRawBytes = description.model.readsRawBytes && (preTokenizer?.endsInByteLevel ?? false)
  }

  func padding(_ options: TextTokenizer.EncodeOptions) -> Padding? { options.padding ?? padding }

  /// The text of a token as it is decoded.
  func text(ofID id: UInt32) -> [UInt8]? {
    added.text(ofID: id) ?? description.model.vocabulary.text(ofID: id).map { Array($0) }
  }

  // MARK: Encoding

  /// Runs everything up to the model.
  ///
  /// - Parameter visit: called with the pieces and, for each piece, where its tokens end in the scratch's output.
  func tokenize(
    _ text: [UInt8], _ recognizesSpecial: Bool, _ scratch: inout ModelScratch,
    visit: (Pieces, [Int], ModelOutput) throws -> Void
  ) throws {
    guard text.count < Int(Int32.max) else { throw Self.tooLong }
    var pieces = Pieces(input: text)
    added.extract(from: &pieces, with: added.rawMatcher, skippingSpecial: !recognizesSpecial)
    if let normalizer { normalize(&pieces, normalizer) }
    added.extract(from: &pieces, with: added.normalizedMatcher, skippingSpecial: !recognizesSpecial)
    pieces.dropEmpty()
    preTokenizer?.apply(to: &pieces, keepsRawBytes: keepsRawBytes)
    scratch.output.removeAll()
    var ends: [Int] = []
    ends.reserveCapacity(pieces.pieces.count)
    try pieces.bytes.withUnsafeBufferPointer { bytes in
      for piece in pieces.pieces {
        if piece.isText {
          let word = UnsafeBufferPointer(rebasing: bytes[piece.start..<piece.end])
          try description.model.tokenize(word, isRaw: pieces.isRawByteLevel, &scratch)
        } else {
          scratch.output.append(UInt32(piece.token), 0, piece.count)
        }
        ends.append(scratch.output.count)
      }
    }
    try visit(pieces, ends, scratch.output)
  }

  static let tooLong = TokenizerError(.limitExceeded, "a text of 2 GiB or more must be encoded in parts")

  /// Whether texts are encoded by the rules of sentencepiece.
  var usesSentencePiece: Bool { sentencePiece != nil }

  private func normalize(_ pieces: inout Pieces, _ normalizer: NormalizerStage) {
    if pieces.isInput, pieces.bytes.withUnsafeBufferPointer({ normalizer.leavesUnchanged($0) }) { return }
    pieces.rewrite { normalizer.apply(to: &$0) }
    for index in pieces.pieces.indices where pieces.pieces[index].isText && pieces.pieces[index].count > 0 {
      pieces.pieces[index].base = Int(pieces.origins[pieces.pieces[index].start].start)
    }
  }

  func encode(
    _ input: TextTokenizer.Input, _ options: TextTokenizer.EncodeOptions, _ scratch: inout ModelScratch
  ) throws -> Encoding {
    let first = try sequence(Array(input.text.utf8), type: 0, options, &scratch)
    let second = try input.pair.map { try sequence(Array($0.utf8), type: 1, options, &scratch) }
    return try finish(first, second, options)
  }

  /// Refuses a truncation whose windows could not move on, whether or not a text is long enough to need it.
  func check(_ options: TextTokenizer.EncodeOptions) throws {
    guard let truncation = options.truncation ?? truncation else { return }
    let room = truncation.maximumLength - (postProcessor?.addedTokens(isPair: false) ?? 0)
    guard room >= truncation.stride else {
      throw TokenizerError(
        .invalidRequest,
        "the stride \(truncation.stride) is greater than the \(max(room, 0)) tokens that the maximum length "
          + "\(truncation.maximumLength) leaves for text")
    }
  }

  private func finish(
    _ first: Encoding, _ second: Encoding?, _ options: TextTokenizer.EncodeOptions
  ) throws -> Encoding {
    var (first, second) = (first, second)
    if let truncation = options.truncation ?? truncation {
      let reserved = postProcessor?.addedTokens(isPair: second != nil) ?? 0
      try truncation.apply(to: &first, &second, reserved: options.addsSpecialTokens ? reserved : 0)
    }
    let parts = [first] + (second.map { [$0] } ?? [])
    return postProcessor?.process(parts, addSpecialTokens: options.addsSpecialTokens) ?? PostProcessor.join(parts)
  }

  /// One sequence without its template.
  private func sequence(
    _ text: [UInt8], type: UInt32, _ options: TextTokenizer.EncodeOptions, _ scratch: inout ModelScratch
  ) throws -> Encoding {
    let recognizes = (options.specialTokensInText ?? defaultSpecialTokensInText) == .recognize
    if let sentencePiece { return try sequence(text, type: type, recognizes, sentencePiece) }
    var result = Encoding()
    try tokenize(text, recognizes, &scratch) { pieces, ends, output in
      result = Encoding(capacity: output.count)
      try text.withUnsafeBufferPointer { input in
        let index = ScalarIndex(input)
        var token = 0
        var room = Self.mostAddedText + text.count
        for (word, piece) in pieces.pieces.enumerated() {
          if !piece.isText { room -= piece.count }
          guard room >= 0 else { throw Self.tooMuchAddedText }
          while token < ends[word] {
            let range = pieces.origin(of: Int(output.starts[token])..<Int(output.ends[token]), in: piece)
            let text = piece.isText ? tokenText(output, token) : Self.text(of: piece, in: pieces)
            result.append(
              id: output.ids[token], token: text, offsets: index.referenceScalars(of: range, in: input),
              word: UInt32(word),
              type: type, special: 0)
            token += 1
          }
        }
      }
    }
    return result
  }

  /// One sequence by the rules of sentencepiece; special tokens are cut out first where they are recognized.
  private func sequence(
    _ text: [UInt8], type: UInt32, _ recognizesSpecial: Bool, _ encoder: SentencePieceEncoder,
    countsBytes: Bool = false
  ) throws -> Encoding {
    var pieces = Pieces(input: text)
    if recognizesSpecial { added.extract(from: &pieces, with: added.rawMatcher, skippingSpecial: false) }
    var result = Encoding()
    try text.withUnsafeBufferPointer { input in
      let index = ScalarIndex(input)
      for (word, piece) in pieces.pieces.enumerated() {
        guard piece.isText else {
          result.append(
            id: UInt32(piece.token), token: Self.text(of: piece, in: pieces),
            offsets: index.scalars(of: piece.start..<piece.end, in: input), word: UInt32(word), type: type, special: 0)
          continue
        }
        var tokens: [SentencePieceToken] = []
        let normalized = try encoder.encode(
          UnsafeBufferPointer(rebasing: input[piece.start..<piece.end]), into: &tokens)
        for token in tokens {
          let range = piece.start + Int(token.begin)..<piece.start + Int(token.end)
          result.append(
            id: token.id, token: Self.text(of: token, normalized, encoder),
            offsets: countsBytes ? range : index.scalars(of: range, in: input), word: UInt32(word), type: type,
            special: 0)
        }
      }
    }
    return result
  }

  /// Calls the body with the ids of a text by the rules of sentencepiece, and where their tokens end in it.
  func forEachSentencePiece(
    of text: [UInt8], recognizesSpecial: Bool, _ body: (_ id: UInt32, _ end: Int) -> Void
  ) throws {
    guard let sentencePiece else { return }
    var pieces = Pieces(input: text)
    if recognizesSpecial { added.extract(from: &pieces, with: added.rawMatcher, skippingSpecial: false) }
    var tokens: [SentencePieceToken] = []
    try text.withUnsafeBufferPointer { input in
      for piece in pieces.pieces {
        guard piece.isText else {
          body(UInt32(piece.token), piece.end)
          continue
        }
        tokens.removeAll(keepingCapacity: true)
        try sentencePiece.encode(UnsafeBufferPointer(rebasing: input[piece.start..<piece.end]), into: &tokens)
        for token in tokens { body(token.id, piece.start + Int(token.end)) }
      }
    }
  }

  /// An unknown piece keeps the text it stands for, any other has that of the vocabulary.
  private static func text(
    of token: SentencePieceToken, _ normalized: [UInt8], _ encoder: SentencePieceEncoder
  ) -> String {
    let range = Int(token.normalizedBegin)..<Int(token.normalizedEnd)
    if token.id == encoder.unknownID { return String(decoding: normalized[range], as: UTF8.self) }
    return encoder.piece(token.id).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// Added tokens that take the white space behind them may overlap, each with its own copy of that space as its text. The
  /// reference grows without bound then.
  private static let mostAddedText = 1 << 26
  private static let tooMuchAddedText = TokenizerError(
    .limitExceeded,
    "the texts of overlapping added tokens pass \(mostAddedText) bytes; ask for ids only, or encode the text in parts")

  private func tokenText(_ output: ModelOutput, _ index: Int) -> String {
    output.surfaces[index] ?? description.model.vocabulary.string(ofID: output.ids[index]) ?? ""
  }

  private static func text(of piece: Pieces.Piece, in pieces: Pieces) -> String {
    String(decoding: pieces.bytes[piece.start..<piece.end], as: UTF8.self)
  }

  /// Encodes bytes. Valid UTF-8 goes the usual way; of anything else, what follows the first fault is one word.
  func encode(
    bytes: [UInt8], _ options: TextTokenizer.EncodeOptions, _ scratch: inout ModelScratch
  ) throws -> Encoding {
    if let sentencePiece {
      let recognizes = (options.specialTokensInText ?? defaultSpecialTokensInText) == .recognize
      return try finish(try sequence(bytes, type: 0, recognizes, sentencePiece, countsBytes: true), nil, options)
    }
    guard case .bpe(let model) = description.model, model.rawBytes != nil else {
      throw TokenizerError(.invalidRequest, "only byte-level tokenizers encode raw bytes; give text instead")
    }
    let validCount = bytes.withUnsafeBufferPointer { $0.validPrefixCount }
    var head = try sequence(Array(bytes[..<validCount]), type: 0, options, &scratch)
    head.offsets = Self.byteOffsets(head.offsets, in: bytes[..<validCount])
    guard validCount < bytes.count else { return try finish(head, nil, options) }
    // The last word before the fault may go on behind it, so both are one word.
    var start = validCount
    if let word = head.wordIDs.last, let last = word {
      var keep = head.wordIDs.firstIndex { $0 == last } ?? head.count
      if added.tokensByID[head.ids[keep]] == nil {
        // As in tiktoken: blanks before it may join with what follows.
        if isBlank(head.ids[keep]) { while keep > 0, isBlank(head.ids[keep - 1]) { keep -= 1 } }
        start = head.offsets[keep].lowerBound
        head = head.slice(0..<keep)
      }
    }
    scratch.output.removeAll()
    try bytes[start...].withUnsafeBufferPointer { try model.tokenize($0, isRaw: true, &scratch) }
    let word = (head.wordIDs.last ?? nil).map { $0 + 1 } ?? 0
    for index in 0..<scratch.output.count {
      let range = start + Int(scratch.output.starts[index])..<start + Int(scratch.output.ends[index])
      head.append(
        id: scratch.output.ids[index], token: tokenText(scratch.output, index), offsets: range, word: word, type: 0,
        special: 0)
    }
    return try finish(head, nil, options)
  }

  /// Whether a token of the text is nothing but spaces, tabs and line feeds.
  private func isBlank(_ id: UInt32) -> Bool {
    guard added.tokensByID[id] == nil, let text = description.model.vocabulary.text(ofID: id),
      let bytes = ByteLevelAlphabet.bytes(of: text)
    else { return false }
    return bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A }
  }

  private static func byteOffsets(_ offsets: [Range<Int>], in text: ArraySlice<UInt8>) -> [Range<Int>] {
    var starts: [Int] = []
    for index in text.indices where text[index] & 0xC0 != 0x80 { starts.append(index) }
    starts.append(text.endIndex)
    return offsets.map { range in
      let start = starts[min(range.lowerBound, starts.count - 1)]
      return start..<max(start, starts[min(range.upperBound, starts.count - 1)])
    }
  }

  // MARK: Decoding

  /// The texts of ids in the vocabulary's alphabet.
  func texts(of ids: some Sequence<UInt32>, skipSpecialTokens: Bool) -> [[UInt8]] {
    var result: [[UInt8]] = []
    for id in ids {
      if keepsAddedApart, let token = added.tokensByID[id] {
        if !(skipSpecialTokens && token.isSpecial) {
          result.append(Array(ByteLevelAlphabet.text(of: token.content.utf8).utf8))
        }
        continue
      }
      guard let text = text(ofID: id) else { continue }
      if keepsAddedApart {
        result.append(text)
        continue
      }
      if skipSpecialTokens, !added.specialContents.isEmpty,
        added.specialContents.contains(text)
      {
        continue
      }
      result.append(text)
    }
    return result
  }

  func decode(_ ids: some Sequence<UInt32>, skipSpecialTokens: Bool) -> [UInt8] {
    if let sentencePiece {
      let known = ids.filter { Int($0) < sentencePiece.count }
      return (try? sentencePiece.decode(known)) ?? []
    }
    let texts = texts(of: ids, skipSpecialTokens: skipSpecialTokens)
    if let decoder { return Array(decoder.decode(texts).joined()) }
    return Array(texts.joined(separator: [0x20]))
  }

  /// For following the text of growing ids; `nil` where that is no cheaper than decoding them again.
  func decodedLength() -> DecodedLength? { sentencePiece.map { DecodedLength($0) } ?? DecodedLength(decoder) }

  func append(_ id: UInt32, to length: inout DecodedLength?, skipSpecialTokens: Bool) {
    if let sentencePiece {
      if Int(id) < sentencePiece.count { length?.append(id) }
    } else if let token = texts(of: CollectionOfOne(id), skipSpecialTokens: skipSpecialTokens).first {
      length?.append(token)
    }
  }

  func decodeBytes(_ ids: some Sequence<UInt32>, skipSpecialTokens: Bool) -> [UInt8] {
    guard let decoder, decoder.isByteLevel else { return decode(ids, skipSpecialTokens: skipSpecialTokens) }
    return texts(of: ids, skipSpecialTokens: skipSpecialTokens).flatMap { ByteLevelAlphabet.bytes(of: $0[...]) ?? $0 }
  }
}
