/// The bytes of the input that a byte of processed text stands for.
struct Origin: Equatable {
  var start: UInt32
  var end: UInt32
}

/// UTF-8 text that remembers where each byte came from, through any number of rewritings.
///
/// As long as nothing was rewritten no origins are stored: byte `i` stands for the scalar around byte `base + i` of the input.
struct AlignedText {
  var bytes: [UInt8]
  /// One per byte, or empty while the text is a slice of the input.
  var origins: [Origin]
  /// Where the slice starts in the input.
  var base: Int
  var isSlice: Bool

  /// A slice of the input, nothing rewritten.
  init(slice bytes: some Sequence<UInt8>, base: Int) {
    self.bytes = Array(bytes)
    self.origins = []
    self.base = base
    self.isSlice = true
  }

  /// Gives every byte its origin, so that a rewriting can move them.
  mutating func materializeOrigins() {
    guard isSlice else { return }
    isSlice = false
    origins.reserveCapacity(bytes.count)
    bytes.withUnsafeBufferPointer { bytes in
      var index = 0
      while index < bytes.count {
        let length = bytes.leadLength(at: index)
        let origin = Origin(start: UInt32(base + index), end: UInt32(base + index + length))
        for _ in 0..<length { origins.append(origin) }
        index += length
      }
    }
  }

  /// Rewrites the whole text.
  ///
  /// - Parameter skipping: how many scalars at the start are gone before the first change.
  mutating func rewrite(_ changes: some Sequence<ScalarChange>, skipping: Int = 0) {
    materializeOrigins()
    // Bytes inserted before the first byte of the input stand for nothing and are not part of what a rewriting replaces.
    guard let first = origins.firstIndex(where: { $0.start != $0.end }) else { return }
    rewrite(first..<bytes.count, changes, skipping: skipping)
  }

  /// Rewrites a range of bytes that starts and ends at scalars.
  mutating func rewrite(_ range: Range<Int>, _ changes: some Sequence<ScalarChange>, skipping: Int = 0) {
    materializeOrigins()
    var newBytes: [UInt8] = []
    var newOrigins: [Origin] = []
    newBytes.reserveCapacity(range.count)
    newOrigins.reserveCapacity(range.count)
    var at = range.lowerBound
    func skip(_ count: Int) {
      for _ in 0..<count where at < range.upperBound { at += bytes.leadLength(at: at) }
    }
    skip(skipping)
    for change in changes {
      let origin: Origin
      if change.change > 0 {
        origin = at > 0 ? origins[at - 1] : Origin(start: UInt32(base), end: UInt32(base))
      } else {
        origin = at < origins.count ? origins[at] : origins.last ?? Origin(start: UInt32(base), end: UInt32(base))
        skip(1 - Int(change.change))
      }
      UTF8Scalars.append(change.scalar, to: &newBytes)
      newOrigins.append(contentsOf: repeatElement(origin, count: UTF8Scalars.length(change.scalar)))
    }
    if range == 0..<bytes.count {
      bytes = newBytes
      origins = newOrigins
    } else {
      bytes.replaceSubrange(range, with: newBytes)
      origins.replaceSubrange(range, with: newOrigins)
    }
  }

  /// Keeps only the scalars that satisfy the condition.
  mutating func filter(_ keep: (UInt32) -> Bool) {
    var changes: [ScalarChange] = []
    var removed: Int32 = 0
    var leading = 0
    var last: UInt32?
    var isUnchanged = true
    forEachScalar { scalar in
      guard keep(scalar) else {
        removed += 1
        isUnchanged = false
        return
      }
      if let last { changes.append(ScalarChange(scalar: last, change: -removed)) } else { leading = Int(removed) }
      last = scalar
      removed = 0
    }
    if isUnchanged { return }
    if let last { changes.append(ScalarChange(scalar: last, change: -removed)) }
    rewrite(changes, skipping: leading)
  }

  /// Replaces every scalar by another one.
  mutating func map(_ transform: (UInt32) -> UInt32) {
    var changes: [ScalarChange] = []
    forEachScalar { changes.append(ScalarChange(scalar: transform($0), change: 0)) }
    rewrite(changes)
  }

  /// Puts text in front; nothing happens to empty text. What is put there stands for the first scalar.
  mutating func prepend(_ text: String) {
    guard !bytes.isEmpty else { return }
    let length = bytes.leadLength(at: 0)
    let first = bytes.withUnsafeBufferPointer { $0.scalar(at: 0, length: length) }
    var changes = text.unicodeScalars.enumerated().map { ScalarChange(scalar: $1.value, change: $0 == 0 ? 0 : 1) }
    changes.append(ScalarChange(scalar: first, change: 1))
    rewrite(0..<length, changes)
  }

  func forEachScalar(_ body: (UInt32) -> Void) {
    bytes.withUnsafeBufferPointer { bytes in
      var index = 0
      while index < bytes.count {
        let length = bytes.leadLength(at: index)
        body(bytes.scalar(at: index, length: length))
        index += length
      }
    }
  }
}
