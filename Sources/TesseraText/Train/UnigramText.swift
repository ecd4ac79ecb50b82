/// The parts of words that pieces are learned from, as numbers of characters.
///
/// Words are cut wherever no piece may reach across: at user-defined symbols, at characters without a piece, at changes of script.
struct UnigramText: Sendable {
  /// The characters with their counts, the most frequent first.
  private(set) var alphabet: [(scalar: UInt32, count: Int64)] = []
  /// The parts: numbers in ``alphabet``, one part after the other.
  private(set) var symbols: [UInt32] = []
  /// Part `i` is `symbols[starts[i]..<starts[i + 1]]`.
  private(set) var starts: [Int] = [0]
  /// How often each part occurs.
  private(set) var counts: [Int64] = []

  init(_ words: CountedWords, _ options: UnigramTrainer) {
    let cutter = PartCutter(options, alphabet: Self.alphabet(of: words, options))
    alphabet = cutter.alphabet
    var table = WordTable()
    words.forEach { word, count in
      cutter.forEachPart(of: word) { table.add(UnsafeBufferPointer(rebasing: word[$0]), times: count) }
    }
    let parts = table.takeSorted()
    symbols.reserveCapacity(parts.bytes.count)
    parts.forEach { part, count in
      part.forEachScalar { scalar, _ in symbols.append(cutter.number(of: scalar) ?? 0) }
      starts.append(symbols.count)
      counts.append(count)
    }
  }

  var partCount: Int { counts.count }
  /// The sum of all counts times lengths.
  var total: Int64 { alphabet.reduce(0) { CountedWords.sum($0, $1.count) } }

  /// The characters that cover the share asked for, most frequent first.
  private static func alphabet(of words: CountedWords, _ options: UnigramTrainer) -> [(scalar: UInt32, count: Int64)] {
    var occurrences: [UInt32: Int64] = [:]
    var low = [Int64](repeating: 0, count: 0x3000)
    words.forEach { word, count in
      word.forEachScalar { scalar, _ in
        if scalar < 0x3000 {
          low[Int(scalar)] = CountedWords.sum(low[Int(scalar)], count)
        } else {
          occurrences[scalar] = CountedWords.sum(occurrences[scalar] ?? 0, count)
        }
      }
    }
    for (scalar, count) in low.enumerated() where count > 0 { occurrences[UInt32(scalar)] = count }
    let sorted = occurrences.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    let all = Double(sorted.reduce(0) { CountedWords.sum($0, $1.value) })
    let required = Set(options.requiredCharacters.map(\.value))
    var covered = 0.0
    var kept: [(scalar: UInt32, count: Int64)] = []
    for (scalar, count) in sorted {
      let isNeeded = covered / all < options.characterCoverage
      if (isNeeded || required.contains(scalar)) && scalar != 0 && scalar != 0xFFFD {
        kept.append((scalar, count))
        if isNeeded { covered += Double(count) }
      }
    }
    for scalar in options.requiredCharacters where occurrences[scalar.value] == nil { kept.append((scalar.value, 1)) }
    return kept
  }

  /// A number that tells runs with other words or other options apart.
  func fingerprint(of options: UnigramTrainer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func mix(_ number: UInt64) { hash = foldedProduct(hash ^ number, 0x9E37_79B9_7F4A_7C15) }
    for symbol in symbols { mix(UInt64(symbol)) }
    for (start, count) in zip(starts, counts) {
      mix(UInt64(start))
      mix(UInt64(count))
    }
    for number in [options.maximumPieceLength, options.seedSize, options.subIterations, options.vocabularySize] {
      mix(UInt64(bitPattern: Int64(number)))
    }
    mix(options.shrinkingFactor.bitPattern)
    return hash
  }
}

/// Cuts words where no piece may reach across.
private struct PartCutter {
  let alphabet: [(scalar: UInt32, count: Int64)]
  private let numbers: [UInt32: UInt32]
  private let low: [UInt32]
  private let splitsScripts: Bool
  private let splitsDigits: Bool
  private let symbols: [[UInt8]]
  private static let mark: UInt32 = 0x2581
  /// Longer parts are cut: they are no words.
  private static let maximumPart = 512
  private static let inherited = ScriptClass.of(0x0301)

  init(_ options: UnigramTrainer, alphabet: [(scalar: UInt32, count: Int64)]) {
    self.alphabet = alphabet
    splitsScripts = options.splitsScripts
    splitsDigits = options.splitsDigits
    symbols = options.userDefinedSymbols.map { Array($0.utf8) }.sorted { $0.count > $1.count }
    var numbers: [UInt32: UInt32] = [:]
    var low = [UInt32](repeating: .max, count: 0x3000)
    for (number, entry) in alphabet.enumerated() {
      if entry.scalar < 0x3000 {
        low[Int(entry.scalar)] = UInt32(number)
      } else {
        numbers[entry.scalar] = UInt32(number)
      }
    }
    self.numbers = numbers
    self.low = low
  }

  @inline(__always)
  func number(of scalar: UInt32) -> UInt32? {
    guard scalar < 0x3000 else { return numbers[scalar] }
    let number = low[Int(scalar)]
    return number == .max ? nil : number
  }

  func forEachPart(of word: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    var start = 0
    var length = 0
    var script: UInt8 = 0
    var wasDigit = false
    var skipEnd = 0
    word.forEachScalar { scalar, range in
      func cut(at end: Int, next: Int) {
        if end > start { body(start..<end) }
        (start, length, script, wasDigit) = (next, 0, 0, false)
      }
      if range.lowerBound < skipEnd { return start = range.upperBound }
      if let symbol = symbols.first(where: { word[range.lowerBound...].starts(with: $0) }) {
        skipEnd = range.lowerBound + symbol.count
        return cut(at: range.lowerBound, next: range.upperBound)
      }
      guard number(of: scalar) != nil else { return cut(at: range.lowerBound, next: range.upperBound) }
      var own = splitsScripts && scalar != Self.mark ? ScriptClass.of(scalar) : 0
      if own == Self.inherited, splitsScripts { own = script }
      let isDigit = splitsDigits && UnicodeClasses.isNumeric(scalar)
      let isChange = own != 0 && script != 0 && own != script
      if isChange || isDigit || wasDigit || length >= Self.maximumPart {
        cut(at: range.lowerBound, next: range.lowerBound)
      }
      (script, wasDigit, length) = (own, isDigit, length + 1)
    }
    if word.count > start { body(start..<word.count) }
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Calls `body` with each scalar and its bytes. Bytes that are no UTF-8 count as U+FFFD.
  @inline(__always)
  func forEachScalar(_ body: (UInt32, Range<Int>) -> Void) {
    var index = 0
    while index < count {
      if self[index] < 0x80 {
        body(UInt32(self[index]), index..<(index &+ 1))
        index &+= 1
        continue
      }
      let length = scalarLength(at: index)
      if length == 0 {
        body(0xFFFD, index..<(index + 1))
        index += 1
      } else {
        body(scalar(at: index, length: length), index..<(index + length))
        index += length
      }
    }
  }
}
