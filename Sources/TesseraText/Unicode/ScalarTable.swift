/// A 16-bit number for every Unicode scalar, in a two-stage table; the wider sibling of `ScalarClasses`.
struct ScalarTable: Sendable {
  private static let blockBits = 6
  private static let blockSize = 1 << blockBits
  private let blocks: [UInt16]
  private let values: [UInt16]

  /// - Parameter flat: one value per scalar from U+0000; scalars beyond its end have the value 0.
  init(flat: [UInt16]) {
    var known: [ArraySlice<UInt16>: UInt16] = [:]
    var blocks: [UInt16] = []
    var values: [UInt16] = []
    let padded = flat + [UInt16](repeating: 0, count: (0x110000 - flat.count) % Self.blockSize)
    for start in stride(from: 0, to: padded.count, by: Self.blockSize) {
      let block = padded[start..<start + Self.blockSize]
      if start > 0, block == padded[start - Self.blockSize..<start] {
        blocks.append(blocks[blocks.count - 1])
      } else if let index = known[block] {
        blocks.append(index)
      } else {
        let index = UInt16(values.count >> Self.blockBits)
        known[block] = index
        blocks.append(index)
        values.append(contentsOf: block)
      }
    }
    self.blocks = blocks
    self.values = values
  }

  /// The value of a scalar; 0 beyond the table. O(1).
  @inline(__always)
  subscript(scalar: UInt32) -> UInt16 {
    let block = Int(scalar >> UInt32(Self.blockBits))
    guard block < blocks.count else { return 0 }
    return values[Int(blocks[block]) << Self.blockBits | Int(scalar) & (Self.blockSize - 1)]
  }
}
