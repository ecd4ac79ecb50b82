/// The compiled replacements of a SentencePiece normalizer: a double-array trie of source texts and a pool of replacements.
///
/// Layout: the trie's size in bytes as 32 bits, the trie's units of 32 bits, then texts that end in a zero byte. A unit holds in its
/// lowest eight bits the label, in bit 8 whether it has a value, in bits 10 and up the offset of its children (times 256 if bit 9
/// is set); a unit with bit 31 set is a value. (Source: the darts-clone library, which SentencePiece uses.)
struct SentencePieceCharsMap: Sendable {
  /// Matches beyond this many are not looked at, which only matters for maps no trainer writes.
  private static let maximumMatches = 32

  let units: [UInt32]
  let pool: [UInt8]
  /// Whether any source text begins with a byte.
  let begins: [Bool]

  init(blob: [UInt8]) throws(TokenizerError) {
    let key = TokenizerError.Place.key("normalizer_spec.precompiled_charsmap")
    guard blob.count > 4 else { throw TokenizerError(.malformed, "fewer than five bytes", at: key) }
    let size = Int(Self.word(blob, 0))
    guard size >= 1024, size % 1024 == 0, size < blob.count - 4 else {
      throw TokenizerError(
        .malformed, "a trie of \(size) bytes in \(blob.count); expected a multiple of 1024 that fits", at: key)
    }
    guard blob.last == 0 else { throw TokenizerError(.malformed, "the replacements do not end in zero", at: key) }
    units = (0..<size / 4).map { Self.word(blob, 4 + 4 * $0) }
    pool = Array(blob[(4 + size)...])
    guard Self.isSound(units, poolSize: pool.count) else {
      throw TokenizerError(.malformed, "the trie points outside itself or outside the replacements", at: key)
    }
    let root = Int(Self.offset(units[0]))
    begins = (0..<256).map { [units] in units[root ^ $0] & Self.labelMask == UInt32($0) }
  }

  /// The longest source text at a position: its length and where its replacement begins in the pool.
  @inline(__always)
  static func longestPrefix(
    units: UnsafeBufferPointer<UInt32>, poolSize: Int, of text: UnsafeBufferPointer<UInt8>, at start: Int
  ) -> (length: Int, replacement: Int)? {
    var node = Int(offset(units[0]))
    var found: (length: Int, replacement: Int)?
    var matches = 0
    var position = start
    while position < text.count {
      let byte = text[position]
      node ^= Int(byte)
      let unit = units[node]
      if unit & labelMask != UInt32(byte) { break }
      position += 1
      node ^= Int(offset(unit))
      if unit >> 8 & 1 == 1 {
        matches += 1
        if matches > maximumMatches { break }
        found = (position - start, Int(units[node] & 0x7FFF_FFFF))
      }
    }
    guard let found, found.replacement < poolSize else { return nil }
    return found
  }

  /// For each byte whether it is rewritten by no rule when another character in ASCII, or nothing, stands behind it.
  var keepsASCII: [Bool] {
    let root = Int(Self.offset(units[0]))
    return (0..<256).map { byte in
      guard byte < 0x80 else { return false }
      let unit = units[root ^ byte]
      if unit & Self.labelMask != UInt32(byte) { return true }
      let children = root ^ byte ^ Int(Self.offset(unit))
      return unit >> 8 & 1 == 0 && (0..<128).allSatisfy { units[children ^ $0] & Self.labelMask != UInt32($0) }
    }
  }

  private static let labelMask: UInt32 = 0x8000_00FF

  @inline(__always)
  private static func offset(_ unit: UInt32) -> UInt32 { (unit >> 10) << ((unit & 0x200) >> 6) }

  private static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16 | UInt32(bytes[at + 3]) << 24
  }

  /// The check the library does when it loads a map; after it no walk can leave the array.
  private static func isSound(_ units: [UInt32], poolSize: Int) -> Bool {
    let root = units[0]
    if root & labelMask != 0 || root >> 8 & 1 == 1 || offset(root) == 0 { return false }
    if Int(offset(root)) | 0xFF >= units.count { return false }
    for index in 1..<units.count {
      let unit = units[index]
      if unit & labelMask <= 0xFF {
        let child = index ^ Int(offset(unit))
        if child | 0xFF >= units.count { return false }
        if unit >> 8 & 1 == 1, units[child] & labelMask <= 0xFF { return false }
      } else if Int(unit & 0x7FFF_FFFF) >= poolSize {
        return false
      }
    }
    return true
  }
}
