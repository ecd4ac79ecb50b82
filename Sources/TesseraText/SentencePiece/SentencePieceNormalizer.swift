/// Rewrites text before it is cut, and remembers for every byte of the result where in the input it came from.
struct SentencePieceNormalizer: Sendable {
  /// The library looks at no more matches than this when it searches a user-defined symbol.
  private static let maximumMatches = 64

  let charsMap: SentencePieceCharsMap?
  let matcher: PieceTrie?
  var addsDummyPrefix: Bool
  let removesExtraWhitespaces: Bool
  let space: [UInt8]
  let treatsWhitespaceAsSuffix: Bool

  init(
    _ spec: SentencePieceNormalizerSpec, matcher: PieceTrie? = nil, treatsWhitespaceAsSuffix: Bool = false
  ) throws(TokenizerError) {
    let blob = spec.precompiledCharsMap
    charsMap = blob.isEmpty ? nil : try SentencePieceCharsMap(blob: blob)
    self.matcher = matcher
    addsDummyPrefix = spec.addsDummyPrefix
    removesExtraWhitespaces = spec.removesExtraWhitespaces
    space = spec.escapesWhitespaces ? SentencePieceVocabulary.spaceMark : [0x20]
    self.treatsWhitespaceAsSuffix = treatsWhitespaceAsSuffix
  }

  /// Text after normalization.
  struct Output {
    var bytes: [UInt8] = []
    /// For each byte the offset in the input, and one more for the end; empty when not asked for.
    var origins: [UInt32] = []
  }

  /// - Complexity: O(n) times the longest source text of a rule.
  func normalize(_ input: UnsafeBufferPointer<UInt8>, withOrigins: Bool) -> Output {
    let units = charsMap?.units ?? []
    let pool = charsMap?.pool ?? []
    return units.withUnsafeBufferPointer { units in
      pool.withUnsafeBufferPointer { pool in
        (matcher?.cells ?? []).withUnsafeBufferPointer { cells in
          (charsMap?.begins ?? Array(repeating: false, count: 256)).withUnsafeBufferPointer { begins in
            var run = NormalizationRun(
              normalizer: self, input: input, units: units, pool: pool, cells: cells, begins: begins,
              withOrigins: withOrigins)
            run.normalize()
            return run.output
          }
        }
      }
    }
  }

  /// The longest user-defined symbol at a position, in bytes.
  @inline(__always)
  static func longestMatch(
    _ cells: UnsafeBufferPointer<UInt64>, _ values: [Int32], in text: UnsafeBufferPointer<UInt8>, at start: Int
  ) -> Int? {
    var node = PieceTrie.root
    var longest: Int?
    var matches = 0
    var position = start
    while position < text.count {
      node = PieceTrie.step(cells, node, text[position])
      if node == PieceTrie.nowhere { break }
      position += 1
      if values[Int(node)] >= 0 {
        matches += 1
        if matches > maximumMatches { break }
        longest = position - start
      }
    }
    return longest
  }

  /// The length the lead byte promises, without a look at the bytes behind it. The models count characters this way.
  @inline(__always)
  static func promisedLength(_ lead: UInt8) -> Int {
    lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
  }
}

/// The state of one pass over a text.
private struct NormalizationRun {
  private static let replacementCharacter: [UInt8] = [0xEF, 0xBF, 0xBD]

  let normalizer: SentencePieceNormalizer
  let input: UnsafeBufferPointer<UInt8>
  let units: UnsafeBufferPointer<UInt32>
  let pool: UnsafeBufferPointer<UInt8>
  let cells: UnsafeBufferPointer<UInt64>
  let begins: UnsafeBufferPointer<Bool>
  let withOrigins: Bool
  var output = SentencePieceNormalizer.Output()
  var consumed = 0

  /// Where the text for the next stretch of input stands.
  enum Source {
    case input(Range<Int>)
    case pool(Range<Int>)
    case invalid
  }

  mutating func normalize() {
    if input.isEmpty { return }
    if normalizer.removesExtraWhitespaces {
      while consumed < input.count {
        let (source, length) = next(at: consumed)
        guard isOneSpace(source) else { break }
        consumed += length
      }
      if consumed == input.count { return }
    }
    output.bytes.reserveCapacity(input.count + input.count / 4 + 16)
    if withOrigins { output.origins.reserveCapacity(input.count + input.count / 4 + 16) }
    if !normalizer.treatsWhitespaceAsSuffix && normalizer.addsDummyPrefix { appendSpace() }
    appendAll()
    if normalizer.removesExtraWhitespaces { trimEnd() }
    if normalizer.treatsWhitespaceAsSuffix && normalizer.addsDummyPrefix { appendSpace() }
    if withOrigins { output.origins.append(UInt32(truncatingIfNeeded: consumed)) }
  }

  private mutating func appendAll() {
    let folds = normalizer.removesExtraWhitespaces
    var afterSpace = folds
    while consumed < input.count {
      let (source, length) = next(at: consumed)
      switch source {
      case .input(let range):
        append(UnsafeBufferPointer(rebasing: input[range]), afterSpace: &afterSpace)
      case .pool(let range):
        append(UnsafeBufferPointer(rebasing: pool[range]), afterSpace: &afterSpace)
      case .invalid:
        for byte in Self.replacementCharacter { append(byte) }
        afterSpace = false
      }
      consumed += length
      if !folds { afterSpace = false }
    }
  }

  /// Appends the text of one stretch, without its leading spaces if there is one already.
  @inline(__always)
  private mutating func append(_ text: UnsafeBufferPointer<UInt8>, afterSpace: inout Bool) {
    var index = 0
    if afterSpace {
      while index < text.count, text[index] == 0x20 { index += 1 }
    }
    guard index < text.count else { return }
    afterSpace = text[text.count - 1] == 0x20
    while index < text.count {
      if text[index] == 0x20 { appendSpace() } else { append(text[index]) }
      index += 1
    }
  }

  @inline(__always)
  private mutating func append(_ byte: UInt8) {
    output.bytes.append(byte)
    if withOrigins { output.origins.append(UInt32(truncatingIfNeeded: consumed)) }
  }

  private mutating func appendSpace() {
    for byte in normalizer.space { append(byte) }
  }

  private mutating func trimEnd() {
    let mark = normalizer.space
    while output.bytes.count >= mark.count, output.bytes[(output.bytes.count - mark.count)...].elementsEqual(mark) {
      output.bytes.removeLast(mark.count)
      if withOrigins {
        consumed = Int(output.origins[output.bytes.count])
        output.origins.removeLast(mark.count)
      }
    }
  }

  private func isOneSpace(_ source: Source) -> Bool {
    switch source {
    case .input(let range): range.count == 1 && input[range.lowerBound] == 0x20
    case .pool(let range): range.count == 1 && pool[range.lowerBound] == 0x20
    case .invalid: false
    }
  }

  /// The text that stands for the input at a position, and how much input it covers.
  @inline(__always)
  private func next(at position: Int) -> (Source, Int) {
    if let matcher = normalizer.matcher,
      let length = SentencePieceNormalizer.longestMatch(cells, matcher.values, in: input, at: position)
    {
      return (.input(position..<position + length), length)
    }
    if begins[Int(input[position])],
      let (length, start) = SentencePieceCharsMap.longestPrefix(
        units: units, poolSize: pool.count, of: input, at: position)
    {
      var end = start
      while pool[end] != 0 { end += 1 }
      return (.pool(start..<end), length)
    }
    let length = input.scalarLength(at: position)
    guard length > 0 else { return (.invalid, 1) }
    return (.input(position..<position + length), length)
  }
}
