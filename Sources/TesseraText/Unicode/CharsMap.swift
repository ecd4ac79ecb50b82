/// A map from strings to replacements as sentencepiece models carry it (`precompiled_charsmap`).
///
/// The binary form is a 32-bit little-endian size in bytes, a double-array trie of 32-bit units (Darts-clone) and a
/// pool of replacements that end with NUL; a trie value is an offset into the pool. Two readers of the same map
/// disagree: sentencepiece takes the longest key at each position (`longestPrefix`), Hugging Face tokenizers ask per
/// grapheme cluster and take the shortest key that is a prefix of it (`appendReplacing`).
struct CharsMap: Sendable {
  private let units: [UInt32]
  /// The replacements, each ended by NUL.
  let pool: [UInt8]

  /// How many keys of one position sentencepiece looks at, from the shortest on.
  private static let longestSearch = 32

  /// Reads the binary form. O(size).
  ///
  /// A trie that points outside itself is accepted, as the reference does, and simply finds nothing there.
  ///
  /// - Throws: `TokenizerError` of kind `malformed` when the size lies, the trie is empty or the pool is not UTF-8.
  init(blob: [UInt8]) throws(TokenizerError) {
    guard blob.count >= 4 else {
      throw TokenizerError(.malformed, "charsmap of \(blob.count) bytes; expected at least 4", at: .byte(0))
    }
    let size = Int(Self.word(blob, 0))
    guard size >= 4, size / 4 * 4 <= blob.count - 4 else {
      throw TokenizerError(
        .malformed, "the trie claims \(size) bytes; expected 4 to \(blob.count - 4)", at: .byte(0))
    }
    units = (0..<size / 4).map { Self.word(blob, 4 + 4 * $0) }
    pool = Array(blob[(4 + size / 4 * 4)...])
    guard String(validating: pool, as: UTF8.self) != nil else {
      throw TokenizerError(.malformed, "the replacements are not UTF-8", at: .byte(4 + size / 4 * 4))
    }
  }

  init(units: [UInt32], pool: [UInt8]) {
    self.units = units
    self.pool = pool
  }

  /// The binary form. O(size).
  var blob: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 + units.count * 4 + pool.count)
    for word in [UInt32(units.count * 4)] + units {
      for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return bytes + pool
  }

  /// Checks what sentencepiece demands of a map before it reads a text through it: whole blocks of 256 units, no
  /// reference out of the trie or the pool, a pool that ends with NUL. O(size).
  ///
  /// - Throws: `TokenizerError` of kind `malformed` at the byte of the unit that breaks a rule.
  func checkReferences() throws(TokenizerError) {
    guard units.count % 256 == 0, pool.last == 0 else {
      throw TokenizerError(.malformed, "expected a trie of whole 1024-byte blocks and replacements that end with NUL")
    }
    for (index, unit) in units.enumerated() {
      let child = index ^ Self.offset(unit)
      let isValue = unit >> 31 == 1
      let isSound: Bool
      if index == 0 {
        isSound = unit & 0x8000_01FF == 0 && child != 0 && child < units.count
      } else if isValue {
        isSound = unit & 0x7FFF_FFFF < pool.count
      } else {
        isSound = child < units.count && (unit >> 8 & 1 == 0 || units[child] >> 31 == 1)
      }
      guard isSound else {
        throw TokenizerError(.malformed, "unit \(index) of the trie points outside it", at: .byte(4 + 4 * index))
      }
    }
  }

  private static func word(_ bytes: [UInt8], _ start: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
  }

  /// The longest key that starts at a byte index, with its length and the place of its replacement in `pool`; nil
  /// where the text stays as it is. O(length of the longest key).
  func longestPrefix(
    at index: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> (length: Int, replacement: Range<Int>)? {
    var found: (length: Int, value: Int)?
    var remaining = Self.longestSearch
    search(text, index..<text.count) { length, value in
      found = (length, value)
      remaining -= 1
      return remaining > 0
    }
    guard let found, found.value < pool.count else { return nil }
    return (found.length, replacement(at: found.value))
  }

  /// The replacement of the shortest key that starts the range, nil when there is none. O(length of the key).
  func shortestPrefix(of range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    var found: Int?
    search(text, range) { _, value in
      found = value
      return false
    }
    guard let found, found <= pool.count else { return nil }
    return replacement(at: found)
  }

  /// Walks the trie along the text and reports each key met, until `report` answers false. A unit outside the trie and
  /// a NUL in the text end the walk.
  @inline(__always)
  private func search(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ report: (_ length: Int, _ value: Int) -> Bool
  ) {
    var node = Self.offset(units[0])
    for index in range {
      let byte = text[index]
      node ^= Int(byte)
      guard byte != 0, node < units.count else { return }
      let unit = units[node]
      guard unit & 0x8000_00FF == UInt32(byte) else { return }
      node ^= Self.offset(unit)
      guard unit >> 8 & 1 == 1 else { continue }
      guard node < units.count, report(index - range.lowerBound + 1, Int(units[node] & 0x7FFF_FFFF)) else { return }
    }
  }

  @inline(__always)
  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

  private func replacement(at start: Int) -> Range<Int> {
    var end = start
    while end < pool.count, pool[end] != 0 { end += 1 }
    return start..<end
  }
}

extension CharsMap {
  /// Appends the text with replacements in the manner of Hugging Face tokenizers, and tells whether there was any.
  ///
  /// A cluster under six bytes is looked up as a whole, and the first key that is a prefix of it stands for all of it;
  /// other clusters go scalar by scalar. O(n).
  func appendReplacing(_ text: UnsafeBufferPointer<UInt8>, to changes: inout [ScalarChange]) -> Bool {
    let graphemes = Graphemes.shared
    var isModified = false
    var start = 0
    while start < text.count {
      let end = graphemes.end(in: text, from: start)
      if end - start < 6, let replacement = shortestPrefix(of: start..<end, in: text) {
        replace(text, start..<end, by: replacement, in: &changes)
        isModified = true
        start = end
        continue
      }
      while start < end {
        let (scalar, length) = UTF8Scalars.decode(text, at: start)
        if let replacement = shortestPrefix(of: start..<start + length, in: text) {
          replace(text, start..<start + length, by: replacement, in: &changes)
          isModified = true
        } else {
          changes.append(ScalarChange(scalar: scalar, change: 0))
        }
        start += length
      }
    }
    return isModified
  }

  /// Surplus new scalars count as inserted, surplus old ones as swallowed by the last scalar so far. Old scalars that
  /// vanish before any new scalar leave no trace, as in the reference.
  private func replace(
    _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, by replacement: Range<Int>,
    in changes: inout [ScalarChange]
  ) {
    let oldCount = range.reduce(0) { $0 + (text[$1] & 0xC0 == 0x80 ? 0 : 1) }
    let first = changes.count
    pool.withUnsafeBufferPointer { pool in
      var index = replacement.lowerBound
      while index < replacement.upperBound {
        let (scalar, length) = UTF8Scalars.decode(pool, at: index)
        changes.append(ScalarChange(scalar: scalar, change: changes.count - first < oldCount ? 0 : 1))
        index += length
      }
    }
    let newCount = changes.count - first
    if newCount < oldCount, let last = changes.indices.last { changes[last].change -= Int32(oldCount - newCount) }
  }
}
