/// The four normalization forms of Unicode Standard Annex #15.
enum NormalizationForm: UInt16, CaseIterable, Sendable {
  case nfc, nfd, nfkc, nfkd

  /// Whether the form also undoes compatibility differences, such as ligatures.
  var isCompatible: Bool { self == .nfkc || self == .nfkd }
  /// Whether the form ends with composition.
  var composes: Bool { self == .nfc || self == .nfkc }
}

/// A scalar of normalized text and what it stands for in the text before.
///
/// `change` is 1 for a scalar that was inserted, 0 for one that replaces one scalar, and -n for one that replaces a
/// scalar and swallows the n after it. Read from left to right, the changes say which stretch of the old text each new
/// scalar covers.
struct ScalarChange: Equatable, Sendable {
  var scalar: UInt32
  var change: Int32
}

/// Normalizes text, with the alignment that the reference library (Hugging Face tokenizers) computes along the way.
///
/// The work is divided at scalars that no earlier scalar can influence. Stretches that are already normal are passed
/// through without being taken apart; the rest is decomposed, ordered and composed one short segment at a time. Time
/// is O(n) plus the ordering of marks, which is a counting sort in long runs.
struct Normalizer {
  let form: NormalizationForm
  private let tables = NormalizationTables.shared
  private var pending: [Mark] = []
  private var spare: [Mark] = []

  /// A scalar on its way through a segment.
  private struct Mark {
    var scalar: UInt32
    var change: Int32
    var combiningClass: UInt8
  }

  init(_ form: NormalizationForm) { self.form = form }

  /// Whether the text is surely in the form already; false may also mean "not known without doing the work". O(n).
  func isNormalized(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    nextSegment(text, from: 0).start == text.count
  }

  /// Appends the normalized text as scalars with their changes. The text must be valid UTF-8. O(n).
  mutating func append(_ text: UnsafeBufferPointer<UInt8>, to changes: inout [ScalarChange]) {
    var index = 0
    while index < text.count {
      let segment = nextSegment(text, from: index)
      while index < segment.start {
        let (scalar, length) = UTF8Scalars.decode(text, at: index)
        changes.append(ScalarChange(scalar: scalar, change: 0))
        index += length
      }
      guard index < segment.end else { continue }
      prepare(text, segment.start..<segment.end)
      for mark in pending { changes.append(ScalarChange(scalar: mark.scalar, change: mark.change)) }
      index = segment.end
    }
  }

  /// Appends the bytes of the normalized text. The text must be valid UTF-8. O(n).
  mutating func append(_ text: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    var index = 0
    while index < text.count {
      let segment = nextSegment(text, from: index)
      bytes.append(contentsOf: text[index..<segment.start])
      index = segment.end
      guard segment.start < segment.end else { continue }
      prepare(text, segment.start..<segment.end)
      for mark in pending { UTF8Scalars.append(mark.scalar, to: &bytes) }
    }
  }

  /// The next segment that may change, from a boundary to a boundary; everything before it is normal. An empty segment
  /// at the end means that nothing changes any more. O(distance).
  private func nextSegment(_ text: UnsafeBufferPointer<UInt8>, from: Int) -> (start: Int, end: Int) {
    let form = form
    let tables = tables
    var index = from
    var boundary = from
    var lastClass: UInt8 = 0
    while index < text.count {
      if text[index] < 0x80 {
        boundary = index
        lastClass = 0
        index &+= 1
        continue
      }
      let (scalar, length) = UTF8Scalars.decode(text, at: index)
      let facts = tables.facts(of: scalar)
      if facts.bits == 0 || facts.isBoundary(in: form) { boundary = index }
      let combiningClass = facts.combiningClass
      if facts.mayChange(in: form) || combiningClass != 0 && lastClass > combiningClass {
        return (boundary, segmentEnd(text, from: index &+ length))
      }
      lastClass = combiningClass
      index &+= length
    }
    return (text.count, text.count)
  }

  private func segmentEnd(_ text: UnsafeBufferPointer<UInt8>, from: Int) -> Int {
    var index = from
    while index < text.count {
      let (scalar, length) = UTF8Scalars.decode(text, at: index)
      if scalar < 0x80 || tables.facts(of: scalar).isBoundary(in: form) { break }
      index &+= length
    }
    return index
  }

  /// Leaves the normal form of a segment in `pending`.
  private mutating func prepare(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    pending.removeAll(keepingCapacity: true)
    decompose(text, range)
    order()
    if form.composes { compose() }
  }

  private mutating func decompose(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) {
    let isCompatible = form.isCompatible
    var index = range.lowerBound
    while index < range.upperBound {
      let (scalar, length) = UTF8Scalars.decode(text, at: index)
      var change: Int32 = 0
      tables.decompose(scalar, compatible: isCompatible) { part in
        pending.append(Mark(scalar: part, change: change, combiningClass: tables.combiningClass(of: part)))
        change = 1
      }
      index &+= length
    }
  }

  /// Puts each run of marks into the order of their classes, keeping the order within a class.
  private mutating func order() {
    var start = 0
    while start < pending.count {
      if pending[start].combiningClass == 0 {
        start += 1
        continue
      }
      var end = start + 1
      while end < pending.count, pending[end].combiningClass != 0 { end += 1 }
      if end - start > 1 { order(start..<end) }
      start = end
    }
  }

  private mutating func order(_ run: Range<Int>) {
    if run.count > 16 { return orderByCounting(run) }
    for index in run.dropFirst() {
      let mark = pending[index]
      var hole = index
      while hole > run.lowerBound, pending[hole - 1].combiningClass > mark.combiningClass {
        pending[hole] = pending[hole - 1]
        hole -= 1
      }
      pending[hole] = mark
    }
  }

  private mutating func orderByCounting(_ run: Range<Int>) {
    var starts = [Int](repeating: 0, count: 257)
    for index in run { starts[Int(pending[index].combiningClass) + 1] += 1 }
    for value in 1...256 { starts[value] += starts[value - 1] }
    spare.removeAll(keepingCapacity: true)
    spare.append(contentsOf: pending[run])
    for mark in spare {
      let place = Int(mark.combiningClass)
      pending[run.lowerBound + starts[place]] = mark
      starts[place] += 1
    }
  }

  /// Joins marks to the starter before them where nothing blocks them, in place. A joined pair covers what both
  /// covered.
  private mutating func compose() {
    var starter: Int?
    var lastClass: UInt8 = 0
    var kept = 0
    for index in pending.indices {
      let mark = pending[index]
      if let starter {
        let isAdjacent = starter == kept - 1
        if isAdjacent || lastClass < mark.combiningClass,
          let whole = tables.compose(pending[starter].scalar, mark.scalar)
        {
          pending[starter].scalar = whole
          pending[starter].change += mark.change - 1
          continue
        }
      }
      if mark.combiningClass == 0 { starter = kept }
      lastClass = mark.combiningClass
      pending[kept] = mark
      kept += 1
    }
    pending.removeLast(pending.count - kept)
  }
}
