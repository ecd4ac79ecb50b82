/// Translates positions of one text between Unicode scalars, UTF-8 bytes, UTF-16 units and string indices.
///
///     let positions = TextPositions(text)
///     positions.utf16(encoding.offsets[3])          // for AppKit, JavaScript, NSRange
///     text[positions.indices(encoding.offsets[3])]  // the part of the text
///
/// Positions beyond the end count as the end. Positions inside a scalar count as its start.
///
/// - Complexity: O(n) for n bytes to make, one number per 64 bytes in memory; O(1) for every translation of native strings.
public struct TextPositions: Sendable {
  /// The text.
  public let text: String
  /// Scalars and UTF-16 units that start before each block of 64 bytes; empty for ASCII, where all counts are the same.
  private var blocks: [(scalars: Int, units: Int)] = []
  private let byteCount: Int
  /// The number of Unicode scalars of the text.
  public private(set) var scalarCount: Int
  /// The number of UTF-16 units of the text.
  public private(set) var utf16Count: Int

  private static let blockLength = 64

  /// Goes through the text once.
  public init(_ text: String) {
    var text = text
    text.makeContiguousUTF8()
    self.text = text
    byteCount = text.utf8.count
    (scalarCount, utf16Count) = (byteCount, byteCount)
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return }
    var (scalars, units, index) = (0, 0, 0)
    for byte in text.utf8 {
      if index % Self.blockLength == 0 { blocks.append((scalars, units)) }
      if byte & 0xC0 != 0x80 { scalars += 1 }
      units += Self.units(byte)
      index += 1
    }
    (scalarCount, utf16Count) = (scalars, units)
  }

  /// How many UTF-16 units the scalar that starts with a byte takes; 0 for bytes inside of one.
  private static func units(_ byte: UInt8) -> Int { byte & 0xC0 == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1 }

  // MARK: From scalars

  /// The UTF-8 bytes of a range of scalars.
  public func utf8(_ scalars: Range<Int>) -> Range<Int> { map(scalars, byte(ofScalar:)) }

  /// The UTF-16 units of a range of scalars.
  public func utf16(_ scalars: Range<Int>) -> Range<Int> { map(scalars) { units(beforeByte: byte(ofScalar: $0)) } }

  /// The string indices of a range of scalars.
  public func indices(_ scalars: Range<Int>) -> Range<String.Index> {
    let bytes = utf8(scalars)
    let start = text.utf8.index(text.startIndex, offsetBy: bytes.lowerBound)
    return start..<text.utf8.index(start, offsetBy: bytes.count)
  }

  // MARK: To scalars

  /// The number of the scalar at a byte.
  public func scalar(atUTF8 offset: Int) -> Int {
    guard offset < byteCount, offset > 0 else { return offset <= 0 ? 0 : scalarCount }
    guard !blocks.isEmpty else { return offset }
    let block = offset / Self.blockLength
    var count = blocks[block].scalars
    for byte in bytes(block * Self.blockLength, offset + 1) where byte & 0xC0 != 0x80 { count += 1 }
    return count - 1
  }

  /// The number of the scalar at a UTF-16 unit.
  public func scalar(atUTF16 offset: Int) -> Int {
    guard offset < utf16Count, offset > 0 else { return offset <= 0 ? 0 : scalarCount }
    guard !blocks.isEmpty else { return offset }
    let block = lastBlock { $0.units <= offset }
    var (scalars, units) = blocks[block]
    for byte in bytes(block * Self.blockLength, byteCount) where byte & 0xC0 != 0x80 {
      units += Self.units(byte)
      if units > offset { break }
      scalars += 1
    }
    return scalars
  }

  /// The number of the scalar at a string index.
  public func scalar(at index: String.Index) -> Int {
    scalar(atUTF8: text.utf8.distance(from: text.startIndex, to: index))
  }

  // MARK: Counting

  private func map(_ range: Range<Int>, _ translate: (Int) -> Int) -> Range<Int> {
    let start = translate(range.lowerBound)
    return start..<max(start, translate(range.upperBound))
  }

  private func byte(ofScalar scalar: Int) -> Int {
    guard scalar < scalarCount, scalar > 0 else { return scalar <= 0 ? 0 : byteCount }
    guard !blocks.isEmpty else { return scalar }
    let block = lastBlock { $0.scalars <= scalar }
    var count = blocks[block].scalars
    var index = block * Self.blockLength
    for byte in bytes(index, byteCount) {
      if byte & 0xC0 != 0x80 {
        if count == scalar { break }
        count += 1
      }
      index += 1
    }
    return index
  }

  private func units(beforeByte offset: Int) -> Int {
    guard offset < byteCount else { return utf16Count }
    guard !blocks.isEmpty else { return offset }
    let block = offset / Self.blockLength
    return bytes(block * Self.blockLength, offset).reduce(blocks[block].units) { $0 + Self.units($1) }
  }

  private func lastBlock(where fits: ((scalars: Int, units: Int)) -> Bool) -> Int {
    var (low, high) = (0, blocks.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if fits(blocks[middle]) { low = middle } else { high = middle }
    }
    return low
  }

  private func bytes(_ start: Int, _ end: Int) -> Substring.UTF8View {
    let first = text.utf8.index(text.startIndex, offsetBy: start)
    return text.utf8[first..<text.utf8.index(first, offsetBy: end - start)]
  }
}
