/// The property of a scalar that extended grapheme clusters are cut by (Unicode Standard Annex #29, Unicode 17).
enum GraphemeClass: UInt8, Sendable {
  case other, carriageReturn, lineFeed, control, extend, joiner, regionalIndicator, prepend, spacingMark
  case leadJamo, vowelJamo, tailJamo, syllableLV, syllableLVT, pictographic, conjunctConsonant
}

/// Cuts text into extended grapheme clusters exactly where the reference library does, rules GB1 to GB999 with GB9c.
struct Graphemes: Sendable {
  static let shared = Graphemes()

  private static let classMask: UInt8 = 15
  /// Marks that a conjunct passes over, and those that link one.
  private static let conjunctExtend: UInt8 = 16
  private static let conjunctLinker: UInt8 = 32

  private let table = ScalarClasses(starts: PackedNumbers.classRuns(GraphemeData.classes))

  /// What the scalars of the cluster so far say about the next one.
  private struct State {
    enum Emoji { case none, base, joined }
    enum Conjunct { case none, consonant, linked }

    var last: GraphemeClass
    var emoji = Emoji.none
    var conjunct = Conjunct.none
    var hasOddIndicators = false

    init(_ value: UInt8) {
      last = .other
      advance(value)
    }

    mutating func advance(_ value: UInt8) {
      last = GraphemeClass(rawValue: value & Graphemes.classMask) ?? .other
      switch last {
      case .pictographic: emoji = .base
      case .extend: break
      case .joiner: emoji = emoji == .base ? .joined : .none
      default: emoji = .none
      }
      if last == .conjunctConsonant {
        conjunct = .consonant
      } else if value & Graphemes.conjunctLinker != 0 {
        if conjunct != .none { conjunct = .linked }
      } else if value & Graphemes.conjunctExtend == 0 {
        conjunct = .none
      }
      hasOddIndicators = last == .regionalIndicator && !hasOddIndicators
    }

    /// Whether no boundary lies between the cluster so far and a scalar of this class.
    func joins(_ next: GraphemeClass) -> Bool {
      switch (last, next) {
      case (.carriageReturn, .lineFeed): true
      case (.control, _), (.carriageReturn, _), (.lineFeed, _): false
      case (_, .control), (_, .carriageReturn), (_, .lineFeed): false
      case (_, .extend), (_, .joiner), (_, .spacingMark), (.prepend, _): true
      case (.leadJamo, .leadJamo), (.leadJamo, .vowelJamo), (.leadJamo, .syllableLV), (.leadJamo, .syllableLVT): true
      case (.syllableLV, .vowelJamo), (.syllableLV, .tailJamo), (.vowelJamo, .vowelJamo), (.vowelJamo, .tailJamo): true
      case (.syllableLVT, .tailJamo), (.tailJamo, .tailJamo): true
      case (_, .conjunctConsonant): conjunct == .linked
      case (.joiner, .pictographic): emoji == .joined
      case (.regionalIndicator, .regionalIndicator): hasOddIndicators
      default: false
      }
    }
  }

  /// The end of the cluster that starts at a byte index, which must be a boundary. O(length of the cluster).
  func end(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard start < text.count else { return text.count }
    if start + 1 < text.count, text[start] &- 0x20 < 0x5F, text[start + 1] &- 0x20 < 0x5F { return start + 1 }
    let first = UTF8Scalars.decode(text, at: start)
    var state = State(table[first.scalar])
    var index = start + first.length
    while index < text.count {
      let (scalar, length) = UTF8Scalars.decode(text, at: index)
      let value = table[scalar]
      guard state.joins(GraphemeClass(rawValue: value & Self.classMask) ?? .other) else { break }
      state.advance(value)
      index += length
    }
    return index
  }
}
