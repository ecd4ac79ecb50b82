/// DeepSeek's three cuts in one: numbers of up to three digits, runs of Chinese and Japanese scalars, then words. What the first two
/// cut out is an end of the text for the third.
struct DeepSeekSequenceScanner: MaskScanner {
  private static let word = ScanClasses.letter
  private static let ideograph = ScanClasses.upper
  private let classes: ScanClasses

  /// - Parameter parts: the scanners of the patterns that cut the text one after the other; `nil` when they are others.
  init?(_ parts: [(any PieceScanner)?], dialect: SplitPattern.Dialect) {
    guard parts.count == 3, let numbers = parts[0] as? ClassRunScanner, numbers.most == 3,
      let ideographs = parts[1] as? ClassRunScanner, ideographs.most == .max, parts[2] is DeepSeekScanner
    else { return nil }
    classes = dialect == .oniguruma ? Self.oniguruma : Self.rust
  }

  private static let oniguruma = makeClasses(.oniguruma)
  private static let rust = makeClasses(.rust)

  private static func makeClasses(_ dialect: SplitPattern.Dialect) -> ScanClasses {
    func named(_ name: String) -> ScalarSet { KnownPattern.named(name, dialect) }
    let properties = KnownPattern.properties(dialect)
    let spaces = properties.property("[\\s]") ?? properties.property("\\s") ?? .empty
    let rest = named("N").union(KnownPattern.ideographs).inverted
    return ScanClasses([
      (word, named("L").union(named("M")).intersection(rest)), (ideograph, KnownPattern.ideographs),
      (ScanClasses.number, named("N")), (ScanClasses.space, spaces),
      (ScanClasses.lineEnd, ScalarSet(0x0A...0x0A, 0x0D...0x0D)),
      (ScanClasses.symbol, named("P").union(named("S")).intersection(rest)),
    ])
  }

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let (bits, next) = classes.at(start, text)
    if bits & ScanClasses.number != 0 { return classes.skip(ScanClasses.number, atMost: 3, start, text) }
    if bits & Self.ideograph != 0 { return classes.skip(Self.ideograph, next, text) }
    let byte = text[start]
    if byte < 0x80, bits & ScanClasses.symbol != 0, next < text.count, Self.isASCIILetter(text[next]) {
      var position = next
      while position < text.count, Self.isASCIILetter(text[position]) { position += 1 }
      return position
    }
    if bits & Self.word != 0 { return classes.skip(Self.word, next, text) }
    let following = classes.bits(next, text)
    if bits & (ScanClasses.symbol | ScanClasses.lineEnd) == 0, following & Self.word != 0 {
      return classes.skip(Self.word, next, text)
    }
    if bits & ScanClasses.symbol != 0 || (byte == 0x20 && following & ScanClasses.symbol != 0) {
      return classes.skip(ScanClasses.lineEnd, classes.skip(ScanClasses.symbol, next, text), text)
    }
    return bits & ScanClasses.space == 0 ? start : blanks(start, text)
  }

  /// `\s*[\r\n]+|\s+(?!\S)|\s+`, where a number or an ideograph ends the text.
  private func blanks(_ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var end = classes.skip(ScanClasses.space, start, text)
    if end < text.count, classes.at(end, text).bits & (ScanClasses.number | Self.ideograph) == 0 { end = text.count }
    return ScanRules.blanks(
      start, UnsafeBufferPointer(rebasing: text[..<end]), classes, endsLines: true)
  }

  private static func isASCIILetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  @inline(__always)
  func starts(_ block: ByteBlock, limit: Int) -> UInt64 {
    // Control characters belong to no rule; they are as strange here as what is beyond ASCII.
    let controls = (block.range(0, 0x20) & ~block.range(0x09, 5)) | block.equal(0x7F)
    let limit = min(limit, controls.trailingZeroBitCount)
    let runs = AsciiRuns(block, letters: block.letters)
    let lines = LineRules(runs, block, edges: runs.digits)
    let symbols = AsciiRuns.begins(runs.others) & ~(runs.blanks &<< 1)
    let words = AsciiRuns.begins(runs.letters) & ~((lines.leaders | symbols) &<< 1)
    return (lines.starts | symbols | words | digitStarts(runs.digits, atMost: 3)) & lines.certain
      & runs.certain(limit: limit) & ~1
  }
}
