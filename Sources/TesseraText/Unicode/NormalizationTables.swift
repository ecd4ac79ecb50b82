/// What the four normalization forms need to know about scalars, decoded once from the packed tables.
///
/// The facts are those of the reference library, which stands at Unicode 9: scalars that came later are inert.
struct NormalizationTables: Sendable {
  static let shared = NormalizationTables()

  /// Per scalar: the canonical combining class in the low byte, above it four bits "may change in form f" and four
  /// bits "depends on what comes before in form f". Most scalars have the value 0.
  private let facts: ScalarTable
  /// Per scalar: 0, or one more than the index of its decompositions.
  private let decompositionIndex: ScalarTable
  private let decompositions: [Decomposition]
  private let parts: [UInt32]
  private let compositions: PairTable

  struct Decomposition {
    var canonical: Range<Int>
    var compatible: Range<Int>
  }

  /// The facts about one scalar, unpacked by form.
  struct Facts {
    let bits: UInt16

    @inline(__always) var combiningClass: UInt8 { UInt8(truncatingIfNeeded: bits) }

    /// Whether text with this scalar may not be in the form.
    @inline(__always) func mayChange(in form: NormalizationForm) -> Bool { bits >> (8 + form.rawValue) & 1 != 0 }

    /// Whether the scalar takes part in nothing that came before it, in the form.
    @inline(__always) func isBoundary(in form: NormalizationForm) -> Bool { bits >> (12 + form.rawValue) & 1 == 0 }
  }

  private init() {
    let reader = DecompositionReader()
    let pairs = Self.readCompositions()
    decompositions = reader.decompositions
    parts = reader.parts
    compositions = PairTable(pairs.map { ($0.first, $0.second, $0.whole) })
    decompositionIndex = ScalarTable(flat: reader.index)
    facts = ScalarTable(flat: Self.makeFacts(reader, pairs))
  }

  @inline(__always)
  func facts(of scalar: UInt32) -> Facts { Facts(bits: facts[scalar]) }

  @inline(__always)
  func combiningClass(of scalar: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: facts[scalar]) }

  /// Calls `body` with each scalar of the full decomposition, or with the scalar itself. O(length of the
  /// decomposition).
  @inline(__always)
  func decompose(_ scalar: UInt32, compatible: Bool, _ body: (UInt32) -> Void) {
    if Hangul.isSyllable(scalar) {
      let index = scalar - Hangul.syllableBase
      body(Hangul.leadBase + index / (Hangul.vowelCount * Hangul.tailCount))
      body(Hangul.vowelBase + index % (Hangul.vowelCount * Hangul.tailCount) / Hangul.tailCount)
      if index % Hangul.tailCount != 0 { body(Hangul.tailBase + index % Hangul.tailCount) }
      return
    }
    let entry = Int(decompositionIndex[scalar])
    guard entry > 0 else { return body(scalar) }
    let range = compatible ? decompositions[entry - 1].compatible : decompositions[entry - 1].canonical
    if range.isEmpty { return body(scalar) }
    for position in range { body(parts[position]) }
  }

  /// The primary composite of two scalars, when there is one. O(1).
  @inline(__always)
  func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first &- Hangul.leadBase < Hangul.leadCount, second &- Hangul.vowelBase < Hangul.vowelCount {
      let pair = (first - Hangul.leadBase) * Hangul.vowelCount + second - Hangul.vowelBase
      return Hangul.syllableBase + pair * Hangul.tailCount
    }
    if Hangul.isSyllable(first), second > Hangul.tailBase, second < Hangul.tailBase + Hangul.tailCount,
      (first - Hangul.syllableBase) % Hangul.tailCount == 0
    {
      return first + second - Hangul.tailBase
    }
    return compositions[first, second]
  }

  private static func readCompositions() -> [(first: UInt32, second: UInt32, whole: UInt32)] {
    var seconds: [UInt32] = []
    for step in PackedNumbers(NormalizationData.compositionSeconds) { seconds.append((seconds.last ?? 0) + step) }
    var numbers = PackedNumbers(NormalizationData.compositions)
    var pairs: [(first: UInt32, second: UInt32, whole: UInt32)] = []
    var whole: UInt32 = 0
    while let step = numbers.next() {
      whole += step
      guard let first = numbers.next(relativeTo: whole), let index = numbers.next() else { break }
      pairs.append((first, seconds[Int(index)], whole))
    }
    return pairs
  }

  private static func makeFacts(
    _ reader: DecompositionReader, _ pairs: [(first: UInt32, second: UInt32, whole: UInt32)]
  ) -> [UInt16] {
    var classes = [UInt16](repeating: 0, count: DecompositionReader.limit)
    let runs = PackedNumbers.runs(NormalizationData.combiningClasses)
    for (run, next) in zip(runs, runs.dropFirst()) where run.value != 0 {
      for scalar in run.scalar..<next.scalar { classes[Int(scalar)] = UInt16(run.value) }
    }
    var joins = [Bool](repeating: false, count: DecompositionReader.limit)
    for pair in pairs { joins[Int(pair.second)] = true }
    for scalar in Hangul.vowelBase..<Hangul.vowelBase + Hangul.vowelCount { joins[Int(scalar)] = true }
    for scalar in Hangul.tailBase + 1..<Hangul.tailBase + Hangul.tailCount { joins[Int(scalar)] = true }
    var composites = Set(pairs.map(\.whole))
    composites.formUnion(Hangul.syllableBase..<Hangul.syllableBase + Hangul.syllableCount)

    var facts = classes
    for scalar in 0..<UInt32(facts.count) {
      let entry = Int(reader.index[Int(scalar)])
      let isHangul = Hangul.isSyllable(scalar)
      if entry == 0, !isHangul, classes[Int(scalar)] == 0, !joins[Int(scalar)] { continue }
      let known = entry > 0 ? reader.decompositions[entry - 1] : Decomposition(canonical: 0..<0, compatible: 0..<0)
      for form in NormalizationForm.allCases {
        let range = form.isCompatible ? known.compatible : known.canonical
        let head = Int(range.isEmpty ? (isHangul ? Hangul.leadBase : scalar) : reader.parts[range.lowerBound])
        // A composite comes together again unless the form takes it apart in another way than the canonical one.
        let restored = form.composes && composites.contains(scalar) && range == known.canonical
        let falls = (!range.isEmpty || isHangul) && !restored
        let mayJoin = form.composes && (joins[Int(scalar)] || joins[head])
        let starts = classes[Int(scalar)] == 0 && classes[head] == 0 && !mayJoin
        if falls || mayJoin { facts[Int(scalar)] |= 1 << (8 + form.rawValue) }
        if !starts { facts[Int(scalar)] |= 1 << (12 + form.rawValue) }
      }
    }
    return facts
  }
}

/// The arithmetic of Hangul syllables (The Unicode Standard, section 3.12).
enum Hangul {
  static let syllableBase: UInt32 = 0xAC00
  static let leadBase: UInt32 = 0x1100
  static let vowelBase: UInt32 = 0x1161
  static let tailBase: UInt32 = 0x11A7
  static let leadCount: UInt32 = 19
  static let vowelCount: UInt32 = 21
  static let tailCount: UInt32 = 28
  static let syllableCount = leadCount * vowelCount * tailCount

  @inline(__always)
  static func isSyllable(_ scalar: UInt32) -> Bool { scalar &- syllableBase < syllableCount }
}

/// Decodes the decompositions into one array of parts.
private struct DecompositionReader {
  /// One past the last scalar that any table of normalization names, rounded up.
  static let limit = 0x30000

  private(set) var index = [UInt16](repeating: 0, count: limit)
  private(set) var decompositions: [NormalizationTables.Decomposition] = []
  private(set) var parts: [UInt32] = []

  init() {
    read(NormalizationData.canonical, isCanonical: true)
    read(CompatibilityData.compatibility, isCanonical: false)
  }

  private mutating func read(_ text: StaticString, isCanonical: Bool) {
    var numbers = PackedNumbers(text)
    var scalar: UInt32 = 0
    while let step = numbers.next(), let length = numbers.next() {
      scalar += step
      let start = parts.count
      var last = scalar
      for _ in 0..<length {
        last = numbers.next(relativeTo: last) ?? last
        parts.append(last)
      }
      add(scalar, start..<parts.count, isCanonical: isCanonical)
    }
  }

  /// Canonical decompositions come first and hold for both kinds until a compatible one replaces them.
  private mutating func add(_ scalar: UInt32, _ range: Range<Int>, isCanonical: Bool) {
    if index[Int(scalar)] == 0 {
      decompositions.append(.init(canonical: 0..<0, compatible: 0..<0))
      index[Int(scalar)] = UInt16(decompositions.count)
    }
    let entry = Int(index[Int(scalar)]) - 1
    decompositions[entry].compatible = range
    if isCanonical { decompositions[entry].canonical = range }
  }
}
