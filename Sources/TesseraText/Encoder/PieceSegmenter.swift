/// Cuts text into the pieces that are encoded one by one; together they are the whole text.
///
/// Made from a pre-tokenizer whose cuts lose nothing. The known families have their loop compiled for them; any other pattern goes
/// through the general machinery.
enum PieceSegmenter: Sendable {
  case gpt2(GPT2Scanner)
  case cl100k(CL100KScanner)
  case o200k(O200KScanner)
  case deepSeek(DeepSeekSequenceScanner)
  /// The whole text is one piece.
  case whole
  case general(PreTokenizer)

  /// - Parameter preTokenizer: what cuts the text for a byte-level model.
  /// - Returns: `nil` when the pre-tokenizer adds or drops text.
  init?(byteLevel preTokenizer: PreTokenizer) {
    var cuts: [PreTokenizer] = []
    guard Self.collect(preTokenizer, into: &cuts) else { return nil }
    let patterns = cuts.compactMap { cut in
      if case .split(let pattern, .isolated, _) = cut { pattern } else { SplitPattern?.none }
    }
    guard patterns.count == cuts.count else {
      self = .general(.sequence(cuts))
      return
    }
    switch (patterns.count, patterns.first?.scanner) {
    case (0, _): self = .whole
    case (1, let scanner as GPT2Scanner): self = .gpt2(scanner)
    case (1, let scanner as CL100KScanner): self = .cl100k(scanner)
    case (1, let scanner as O200KScanner) where !scanner.separatesHan: self = .o200k(scanner)
    case (3, _):
      let scanners = patterns.map(\.scanner)
      if let scanner = DeepSeekSequenceScanner(scanners, dialect: patterns[0].dialect) {
        self = .deepSeek(scanner)
      } else {
        self = .general(.sequence(cuts))
      }
    default: self = .general(.sequence(cuts))
    }
  }

  /// Lists the cuts of a pre-tokenizer, or fails where one of them changes the text.
  private static func collect(_ part: PreTokenizer, into cuts: inout [PreTokenizer]) -> Bool {
    switch part {
    case .sequence(let parts):
      // Only a last stage may write bytes in the byte-level alphabet: what follows it would cut other text.
      return parts.dropLast().allSatisfy { !$0.endsInByteLevel } && parts.allSatisfy { collect($0, into: &cuts) }
    case .byteLevel(let addPrefixSpace, let pattern):
      if let pattern { cuts.append(.split(pattern, .isolated, invert: false)) }
      return !addPrefixSpace
    case .split(_, let behavior, _):
      cuts.append(part)
      return behavior != .removed
    case .digits, .fixedLength:
      cuts.append(part)
      return true
    case .punctuation(let behavior):
      cuts.append(part)
      return behavior != .removed
    case .unicodeScripts, .whitespace, .whitespaceSplit, .bert, .metaspace, .charDelimiter: return false
    }
  }

  /// Whether every text falls into pieces before a blank that follows a visible character, so that what stands on the one side does
  /// not matter to the other.
  ///
  /// No alternative of the known patterns has such a place inside, and the only one that looks ahead looks at blanks before it.
  var cutsBeforeBlanks: Bool {
    switch self {
    case .gpt2, .cl100k, .o200k, .deepSeek: true
    case .whole: false
    case .general(.sequence(let cuts)): cuts.contains(where: Self.separates) && cuts.allSatisfy(Self.keepsBlanksApart)
    case .general: false
    }
  }

  /// Whether the same holds between a letter and a symbol that is no apostrophe.
  var cutsBeforeSymbols: Bool {
    switch self {
    case .gpt2, .cl100k, .o200k, .deepSeek: true
    case .whole, .general: false
    }
  }

  private static func separates(_ part: PreTokenizer) -> Bool {
    guard case .split(let pattern, .isolated, false) = part else { return false }
    return switch pattern.scanner {
    case is GPT2Scanner, is CL100KScanner, is O200KScanner, is DeepSeekScanner: true
    default: false
    }
  }

  private static func keepsBlanksApart(_ part: PreTokenizer) -> Bool {
    switch part {
    case .digits: true
    case .punctuation(let behavior): behavior == .isolated || behavior == .contiguous
    case .split(let pattern, .isolated, false): pattern.scanner is ClassRunScanner || separates(part)
    default: false
    }
  }
}
