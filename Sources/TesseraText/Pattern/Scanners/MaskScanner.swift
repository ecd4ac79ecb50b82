/// A scanner that finds the pieces of plain ASCII 64 bytes at a time.
///
/// A block begins where a piece begins, so nothing is carried from block to block: the rules say which bits surely begin a piece,
/// the block after this one begins at the last of them, and a piece that does not end inside a block, or that holds scalars beyond
/// ASCII, is left to ``PieceScanner/end(from:in:)``.
protocol MaskScanner: PieceScanner {
  /// The bits above the first where a piece begins for certain, whatever follows the block.
  ///
  /// - Parameter limit: how many bytes from the first are ASCII.
  func starts(_ block: ByteBlock, limit: Int) -> UInt64
}

extension MaskScanner {
  /// Writes where pieces end, until the text ends or there is no room for those of one more block.
  ///
  /// - Parameter start: where a piece begins.
  /// - Parameter capacity: at least ``PieceEnds/slack``.
  /// - Returns: how many were written, and where the last of them is.
  @inline(__always)
  func fill(
    _ text: UnsafeBufferPointer<UInt8>, from start: Int, _ ends: UnsafeMutablePointer<UInt32>, capacity: Int
  ) -> (count: Int, position: Int) {
    guard let base = text.baseAddress else { return (0, start) }
    let size = text.count
    var position = start
    var count = 0
    while count <= capacity &- PieceEnds.slack, position < size {
      var starts: UInt64 = 0
      if size &- position >= 64 &+ ByteBlock.lookahead {
        let head = UnsafeRawPointer(base + position).loadUnaligned(as: UInt16.self)
        if head & 0x8080 == 0 { starts = certain(ByteBlock(base + position)) }
      } else {
        starts = lastStarts(base + position, count: size &- position)
      }
      if starts == 0 {
        position = pieceEnd(from: position, in: text)
        ends[count] = UInt32(truncatingIfNeeded: position)
        count &+= 1
        continue
      }
      let last = position &+ starts.highestBit
      let found = starts.nonzeroBitCount
      let target = ends + count
      // A fixed number of writes keeps the common case free of branches that cannot be foreseen.
      var index = 0
      repeat {
        for step in 0..<8 {
          target[index &+ step] = UInt32(truncatingIfNeeded: position &+ starts.trailingZeroBitCount)
          starts &= starts &- 1
        }
        index &+= 8
      } while index < found
      count &+= found
      position = last
    }
    return (count, position)
  }

  @inline(__always)
  private func certain(_ block: ByteBlock) -> UInt64 {
    starts(block, limit: block.beyondASCII.trailingZeroBitCount)
  }

  /// The same where the text ends too early for a whole block: what is missing counts as beyond ASCII.
  @inline(never)
  private func lastStarts(_ bytes: UnsafePointer<UInt8>, count: Int) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 + ByteBlock.lookahead) { copy in
      guard let base = copy.baseAddress else { return 0 }
      copy.initialize(repeating: 0x80)
      base.update(from: bytes, count: min(count, copy.count))
      return certain(ByteBlock(base))
    }
  }

  /// The end of one piece; what nothing matches is a piece up to where something does.
  @inline(never)
  private func pieceEnd(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var position = start
    while position < text.count {
      let end = end(from: position, in: text)
      if end > position { return position > start ? position : end }
      position += UTF8Scalars.decode(text, at: position).length
    }
    return position
  }
}

extension MaskScanner {
  /// Calls the body with every piece, in order; together they are the text.
  @inline(__always)
  func forEachPiece(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4 * PieceEnds.slack) { ends in
      guard let base = ends.baseAddress else { return }
      var (start, position) = (0, 0)
      while position < text.count {
        let (count, last) = fill(text, from: position, base, capacity: ends.count)
        for index in 0..<count {
          let end = Int(base[index])
          body(start..<end)
          start = end
        }
        position = last
      }
    }
  }
}

extension SplitPattern {
  /// Calls the body with the matches and the gaps between them, in order.
  func forEachPiece(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    switch scanner {
    case let scanner as GPT2Scanner: scanner.forEachPiece(in: text, body)
    case let scanner as CL100KScanner: scanner.forEachPiece(in: text, body)
    case let scanner as O200KScanner where !scanner.separatesHan: scanner.forEachPiece(in: text, body)
    default: PreTokenizer.forEachSpan(of: self, in: text) { range, _ in body(range) }
    }
  }
}

/// The ends of pieces on their way from a scanner to an encoder.
enum PieceEnds {
  /// The room that one more block may need: 64 ends, and what is written beyond them.
  static let slack = 80
}

/// Bits of a block that several families ask for.
struct AsciiRuns {
  let spaces: UInt64
  let blanks: UInt64
  let letters: UInt64
  let digits: UInt64
  let others: UInt64

  @inline(__always)
  init(_ block: ByteBlock, letters: UInt64) {
    blanks = block.blanks
    spaces = block.range(0x09, 5) | blanks
    self.letters = letters
    digits = block.digits
    others = ~(spaces | letters | digits)
  }

  /// The bits that what follows the block cannot change: all of them, or those up to a run of blanks that reaches its end.
  @inline(__always)
  func certain(limit: Int) -> UInt64 {
    guard limit > 0 else { return 0 }
    let last = limit &- 1
    return (spaces &>> UInt64(truncatingIfNeeded: last)) & 1 == 0
      ? .bits(below: limit) : .bits(below: spaces.startOfRun(endingAt: last) &+ 1)
  }

  @inline(__always)
  static func begins(_ run: UInt64) -> UInt64 { run & ~(run &<< 1) }
}

/// What the younger families say of blanks and line ends: `…+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`.
struct LineRules {
  /// Line ends that belong to the symbols before them.
  let joined: UInt64
  /// Blanks that are no line ends and may lead a word.
  let leaders: UInt64
  let starts: UInt64
  /// The bits that hold although one line may end in blanks: see ``uncertain``.
  let certain: UInt64

  /// - Parameter edges: bits before which the text counts as ended.
  @inline(__always)
  init(_ runs: AsciiRuns, _ block: ByteBlock, edges: UInt64 = 0) {
    let lineEnds = block.lineEnds
    // Adding a bit at the start of a run clears the run and sets the bit behind it.
    joined = lineEnds & ~(lineEnds &+ ((runs.others &<< 1) & lineEnds))
    let free = runs.spaces & ~joined
    leaders = free & ~lineEnds
    let afterLine = ((lineEnds & free) &<< 1) & leaders
    starts = AsciiRuns.begins(free) | afterLine | (leaders & ~(runs.spaces &>> 1) & ~(edges &>> 1))
    // Blanks after a line end that lead to another line end: the piece goes on through them.
    let goesOn = (leaders &+ afterLine) & ~leaders & free
    certain = goesOn == 0 ? .max : .bits(below: free.startOfRun(endingAt: goesOn.trailingZeroBitCount) &+ 1)
  }
}

/// Where groups of `\p{N}{1,3}` begin.
@inline(__always)
func digitStarts(_ digits: UInt64, atMost most: Int) -> UInt64 {
  if most == 1 { return digits }
  var starts = AsciiRuns.begins(digits)
  let fourth = digits & (digits &<< 1) & (digits &<< 2) & (digits &<< 3)
  guard fourth != 0 else { return starts }
  var group = starts
  while true {
    group = (group &<< 3) & fourth
    if group == 0 { return starts }
    starts |= group
  }
}

/// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at an apostrophe, or 0.
@inline(__always)
private func contractionLength(_ bytes: UnsafePointer<UInt8>, fold: UInt8) -> Int {
  let second = bytes[2] | fold
  switch bytes[1] | fold {
  case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
  case UInt8(ascii: "r"), UInt8(ascii: "v"): return second == UInt8(ascii: "e") ? 3 : 0
  case UInt8(ascii: "l"): return second == UInt8(ascii: "l") ? 3 : 0
  default: return 0
  }
}

/// Makes every contraction that begins a piece a piece of its own.
@inline(__always)
private func separateContractions(_ starts: UInt64, _ block: ByteBlock, fold: UInt8) -> UInt64 {
  var starts = starts
  var apostrophes = block.equal(0x27) & (starts | 1)
  while apostrophes != 0 {
    let index = apostrophes.trailingZeroBitCount
    apostrophes &= apostrophes &- 1
    let length = contractionLength(block.bytes + index, fold: fold)
    if length == 0 { continue }
    starts &= ~(2 &<< UInt64(truncatingIfNeeded: index))
    if index &+ length > 63 { return starts & .bits(below: index &+ 1) }
    starts |= 1 &<< UInt64(truncatingIfNeeded: index &+ length)
  }
  return starts
}

extension GPT2Scanner: MaskScanner {
  @inline(__always)
  func starts(_ block: ByteBlock, limit: Int) -> UInt64 {
    let runs = AsciiRuns(block, letters: block.letters)
    let words = AsciiRuns.begins(runs.letters) | AsciiRuns.begins(runs.digits) | AsciiRuns.begins(runs.others)
    let blanks = AsciiRuns.begins(runs.spaces) | (runs.spaces & ~(runs.spaces &>> 1))
    let starts = (blanks | (words & ~(runs.blanks &<< 1))) & runs.certain(limit: limit) & ~1
    return separateContractions(starts, block, fold: 0)
  }
}

extension CL100KScanner: MaskScanner {
  @inline(__always)
  func starts(_ block: ByteBlock, limit: Int) -> UInt64 {
    let runs = AsciiRuns(block, letters: block.letters)
    let lines = LineRules(runs, block)
    let symbols = AsciiRuns.begins(runs.others) & ~(runs.blanks &<< 1)
    let words = AsciiRuns.begins(runs.letters) & ~((lines.leaders | symbols) &<< 1)
    let starts =
      (lines.starts | symbols | words | digitStarts(runs.digits, atMost: digits)) & lines.certain
      & runs.certain(limit: limit) & ~1
    return separateContractions(starts, block, fold: 0x20)
  }
}

extension O200KScanner: MaskScanner {
  @inline(__always)
  func starts(_ block: ByteBlock, limit: Int) -> UInt64 {
    let (upper, lower) = (block.upper, block.lower)
    let runs = AsciiRuns(block, letters: upper | lower)
    let lines = LineRules(runs, block)
    let symbols = AsciiRuns.begins(runs.others) & ~(runs.blanks &<< 1)
    let words =
      (AsciiRuns.begins(runs.letters) & ~((lines.leaders | symbols) &<< 1)) | (upper & (lower &<< 1))
    var certain = lines.certain & runs.certain(limit: limit) & ~1
    if takesSlashes, (lines.joined &<< 1) & runs.others != 0 {
      let slashes = (lines.joined &<< 1) & block.equal(0x2F)
      if slashes != 0 { certain &= .bits(below: lines.joined.startOfRun(endingAt: slashes.trailingZeroBitCount)) }
    }
    let starts = (lines.starts | symbols | words | digitStarts(runs.digits, atMost: digits)) & certain
    return joinsContractions ? joinContractions(starts, (runs.letters &<< 1) & certain, block, limit) : starts
  }

  /// Gives contractions to the word before them.
  ///
  /// - Parameter afterLetters: the places behind letters that count.
  @inline(__always)
  private func joinContractions(_ starts: UInt64, _ afterLetters: UInt64, _ block: ByteBlock, _ limit: Int) -> UInt64 {
    var starts = starts
    var apostrophes = block.equal(0x27) & afterLetters
    // The end of a contraction is no word, so that another one cannot follow it.
    var lastEnd = -1
    while apostrophes != 0 {
      let index = apostrophes.trailingZeroBitCount
      apostrophes &= apostrophes &- 1
      if index == lastEnd { continue }
      let length = contractionLength(block.bytes + index, fold: 0x20)
      if length == 0 {
        // What follows may be U+017F, which is an s for this rule.
        if index &+ 1 == limit { return starts & .bits(below: index) }
        continue
      }
      lastEnd = index &+ length
      if lastEnd > 63 { return starts & .bits(below: index) }
      starts &= ~((UInt64.bits(below: length)) &<< UInt64(truncatingIfNeeded: index))
      starts |= 1 &<< UInt64(truncatingIfNeeded: lastEnd)
    }
    return starts
  }
}
