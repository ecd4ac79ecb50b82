/// Says where a text may be cut so that a tokenizer's stages do the same to the parts as to the whole.
///
/// A cut stands before a run of blanks. Characters that are rewritten one by one never mind a cut. Canonical decomposition and
/// composition do not reach over the beginning of an ASCII character; grapheme clusters end before one unless a character of the
/// class Prepend stands there; patterns that hold no blank cannot match over the cut, and a run of blanks lies in one tile. After all
/// that a cut must be the end of a word: because blanks are where the pre-tokenizer cuts, or because they become marks, over which
/// no token reaches.
struct TileRules: Sendable {
  /// The normalizer's stages, in order.
  let stages: [NormalizerStage]
  private(set) var scanner = TileScanner()
  /// Whether tiles must begin and end as cuts demand, and the ends of a text differ from its midst.
  private(set) var isStrict = false
  /// Whether white space at the ends of a text is taken away.
  private let isStripped: Bool
  /// Where no token of a model that merges whole texts reaches over, inside words.
  private(set) var cuts: SafeCuts?
  /// What becomes of words in ASCII, when each character is rewritten alone.
  private(set) var plain: Plain?

  struct Plain: Sendable {
    /// What stands for one blank before a word.
    var lead: [UInt8]
    /// What becomes of each byte; 0 for what is not plain.
    var bytes: [UInt8]
    /// Whether symbols are words of their own.
    var isolatesSymbols: Bool
  }

  /// What a blank has become.
  private let mark: [UInt8]

  init?(_ normalizer: NormalizerStage?, _ preTokenizer: PreTokenizer?, _ model: TokenizerModel) {
    stages = normalizer.map(Self.flat) ?? []
    isStripped = stages.contains { if case .strip = $0 { true } else { false } }
    if case .bpe(let model) = model, let dropout = model.dropout, dropout > 0 { return nil }
    let cuts = preTokenizer.map(Self.flat) ?? []
    var isSplit = true
    switch cuts.first {
    case .whitespace, .whitespaceSplit, .bert:
      mark = [0x20]
      guard cuts.allSatisfy(Self.keepsWords) else { return nil }
    case .metaspace(let metaspace):
      mark = Array(String(Character(metaspace.replacement)).utf8)
      isSplit = metaspace.split
      guard cuts.dropFirst().allSatisfy(Self.keepsWords), isSplit || cuts.count == 1 else { return nil }
    case nil:
      mark = Array("\u{2581}".utf8)
      isSplit = false
    default: return nil
    }
    guard Self.areSafe(stages, mark) else { return nil }
    isStrict = !(mark == [0x20] && stages.allSatisfy(\.isByCharacter))
    scanner.keepsPrepends = stages.contains { if case .precompiled = $0 { true } else { false } }
    guard chooseBlanks(cuts) else { return nil }
    if !isSplit {
      guard mark != [0x20], case .bpe(let model) = model, Self.cutsAtMarks(model, mark) else { return nil }
      scanner.isolatesLineFeeds =
        !isStripped && !scanner.takesWhiteSpace && become([0x0A]) == [0x0A] && Self.spellsLineFeeds(model)
      if Self.spells(model) {
        let table = model.vocabulary
        self.cuts = SafeCuts(tokens: (0..<table.entryCount).lazy.map { table.text(ofEntry: $0) })
      }
    }
    chooseSymbols(cuts)
    choosePlain(cuts)
  }

  // MARK: Stages

  private static func flat(_ stage: NormalizerStage) -> [NormalizerStage] {
    if case .sequence(let parts) = stage { parts.flatMap(flat) } else { [stage] }
  }

  private static func flat(_ part: PreTokenizer) -> [PreTokenizer] {
    if case .sequence(let parts) = part { parts.flatMap(flat) } else { [part] }
  }

  /// Whether a stage does the same to each word, whatever stands around it.
  private static func keepsWords(_ part: PreTokenizer) -> Bool {
    switch part {
    case .whitespace, .whitespaceSplit, .bert, .digits, .punctuation: true
    case .metaspace(let metaspace): metaspace.split
    default: false
    }
  }

  private static func areSafe(_ stages: [NormalizerStage], _ mark: [UInt8]) -> Bool {
    stages.enumerated().allSatisfy { index, stage in
      switch stage {
      case .form, .lowercase, .strip, .stripAccents, .bert, .nmt, .prepend: true
      // The characters before a blank must be those of the raw text.
      case .precompiled: index == 0
      case .replace(let pattern, _):
        if pattern.isLiteral {
          pattern.source.unicodeScalars.count == 1
            || !pattern.source.utf8.isEmpty && !pattern.source.utf8.contains { $0 <= 0x20 }
              && !Self.contains(Array(pattern.source.utf8), mark)
              && !Self.contains(Array(pattern.source.utf8), [0xE2, 0x96, 0x81])
        } else {
          pattern.source == " {2,}" || pattern.source == " +"
        }
      case .byteLevel, .sequence: false
      }
    }
  }

  private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
    text.indices.contains { text[$0...].starts(with: part) }
  }

  private func become(_ text: [UInt8]) -> [UInt8] {
    var aligned = AlignedText(slice: text, base: 1)
    for stage in stages { stage.apply(to: &aligned, .inside) }
    return aligned.bytes
  }

  /// Finds out which bytes become blanks; false when U+0020 does not.
  private mutating func chooseBlanks(_ cuts: [PreTokenizer]) -> Bool {
    let isRemoved = mark == [0x20]
    func isBlank(_ byte: UInt8) -> Bool {
      let result = become([byte])
      if isRemoved { return result == [0x20] || result == [byte] }
      return result == mark || result == [0x20] && !cuts.isEmpty
    }
    guard isBlank(0x20) else { return false }
    scanner.takesWhiteSpace = [0x09, 0x0A, 0x0D].allSatisfy(isBlank)
    return true
  }

  /// Symbols and ideographs are words of their own for BERT.
  private mutating func chooseSymbols(_ cuts: [PreTokenizer]) {
    guard !isStrict else { return }
    let isolates = cuts.contains {
      switch $0 {
      case .bert: true
      case .punctuation(let behavior): behavior == .isolated
      default: false
      }
    }
    let areKept = (0x21...0x7E).allSatisfy { (byte: UInt8) in
      become([byte]) == [byte] || become([byte]) == [byte | 0x20]
    }
    scanner.isolatesSymbols = isolates && areKept
    scanner.isolatesIdeographs = stages.contains {
      if case .bert(let options) = $0 { options.handleChineseChars } else { false }
    }
  }

  /// Finds out whether words in ASCII need no stage.
  private mutating func choosePlain(_ cuts: [PreTokenizer]) {
    let isolates = scanner.isolatesSymbols
    switch cuts.first {
    case .bert: guard cuts.count == 1, !isStrict, isolates else { return }
    case .metaspace, nil: guard cuts.count <= 1 else { return }
    default: return
    }
    for case .replace(let pattern, _) in stages
    where pattern.isLiteral ? pattern.source.unicodeScalars.count > 1 : pattern.source != " {2,}" {
      return
    }
    if !isolates {
      let blank = become([0x20])
      guard blank == mark || blank == [0x20] && !cuts.isEmpty else { return }
    }
    let bytes = (0..<128).map { (byte: UInt8) -> UInt8 in
      let result = become([byte])
      return byte > 0x20 && byte < 0x7F && result.count == 1 && result[0] > 0x20 ? result[0] : 0
    }
    plain = Plain(lead: isolates ? [] : mark, bytes: bytes, isolatesSymbols: isolates)
  }

  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
  }

  // MARK: Merges

  /// Whether no token reaches over the beginning of a run of marks, so that merging never looks over it.
  private static func cutsAtMarks(_ model: BPEModel, _ mark: [UInt8]) -> Bool {
    guard !model.ignoresMerges, model.continuingSubwordPrefix.isEmpty, model.endOfWordSuffix.isEmpty,
      model.vocabulary.id(of: mark) != nil
    else { return false }
    return (0..<model.vocabulary.entryCount).allSatisfy { entry in
      var text = model.vocabulary.text(ofEntry: entry)
      while text.starts(with: mark) { text = text.dropFirst(mark.count) }
      return !contains(Array(text), mark)
    }
  }

  /// Whether no character is unknown.
  private static func spells(_ model: BPEModel) -> Bool {
    model.byteFallback && (0...255).allSatisfy { model.vocabulary.id(of: ByteFallback.token(of: $0)) != nil }
  }

  /// Whether a line feed is a token or a byte, and no other token holds one.
  private static func spellsLineFeeds(_ model: BPEModel) -> Bool {
    guard spells(model) else { return false }
    return (0..<model.vocabulary.entryCount).allSatisfy {
      let text = model.vocabulary.text(ofEntry: $0)
      return text.count < 2 || !text.contains(0x0A)
    }
  }

  // MARK: Tiles

  /// Whether a tile begins or ends so that it is not cut off from its neighbours; asked before and after each stage.
  func isEntangled(_ normalized: [UInt8], _ tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace) -> Bool {
    if !place.isFirst, let first = tile.first, scanner.isBlank(first) {
      guard
        normalized.first.map(scanner.isBlank) ?? false || normalized.starts(with: mark)
          || normalized.isEmpty && place.isLast
      else {
        return true
      }
    }
    if place.isLast { return false }
    guard let last = normalized.last, last != 0x20, !normalized.suffix(mark.count).elementsEqual(mark) else {
      return true
    }
    guard isStripped else { return false }
    var start = normalized.count - 1
    while start > 0, normalized[start] & 0xC0 == 0x80 { start -= 1 }
    return normalized.withUnsafeBufferPointer {
      UnicodeClasses.isWhitespace($0.scalar(at: start, length: $0.count - start))
    }
  }
}

extension NormalizerStage {
  /// Whether each character is rewritten alone, or with the marks behind it: what stands before or behind an ASCII symbol or a blank
  /// does not matter.
  var isByCharacter: Bool {
    switch self {
    case .lowercase, .stripAccents, .bert, .nmt, .form(.nfd), .form(.nfkd): true
    default: false
    }
  }
}
