/// A small number for every Unicode scalar, in a two-stage table: one load for the block, one for the scalar.
///
/// Blocks that are alike are stored once, so a table of a typical property takes 20 to 60 KB.
struct ScalarClasses: Sendable {
  private static let blockBits: UInt32 = 7
  private let table: Table

  /// The two stages, read without checks of bounds: every scalar has a block and every block its values.
  private final class Table: @unchecked Sendable {
    let blocks: UnsafeMutablePointer<UInt16>
    let values: UnsafeMutablePointer<UInt8>

    init(_ blocks: [UInt16], _ values: [UInt8]) {
      self.blocks = .allocate(capacity: blocks.count)
      self.blocks.initialize(from: blocks, count: blocks.count)
      self.values = .allocate(capacity: values.count)
      self.values.initialize(from: values, count: values.count)
    }

    deinit {
      blocks.deallocate()
      values.deallocate()
    }
  }

  /// - Parameter starts: where each run of equal values begins, in ascending order; scalars before the first
  ///   have the value 0.
  init(starts: some Sequence<(scalar: UInt32, value: UInt8)>) {
    var flat = [UInt8](repeating: 0, count: 0x110000)
    var runStart = 0
    var runValue: UInt8 = 0
    for (scalar, value) in starts {
      let next = min(Int(scalar), flat.count)
      if runStart < next { for index in runStart..<next { flat[index] = runValue } }
      (runStart, runValue) = (next, value)
    }
    for index in runStart..<flat.count { flat[index] = runValue }

    let size = 1 << Int(Self.blockBits)
    var known: [ArraySlice<UInt8>: UInt16] = [:]
    var blocks: [UInt16] = []
    var values: [UInt8] = []
    for start in stride(from: 0, to: flat.count, by: size) {
      let block = flat[start..<start + size]
      // Most blocks equal the one before them: comparing is cheaper than hashing.
      if start > 0, block == flat[start - size..<start] {
        blocks.append(blocks[blocks.count - 1])
      } else if let index = known[block] {
        blocks.append(index)
      } else {
        let index = UInt16(values.count >> Int(Self.blockBits))
        known[block] = index
        blocks.append(index)
        values.append(contentsOf: block)
      }
    }
    table = Table(blocks, values)
  }

  /// The value of a scalar; 0 beyond U+10FFFF. O(1).
  @inline(__always)
  subscript(scalar: UInt32) -> UInt8 {
    guard scalar < 0x110000 else { return 0 }
    let block = Int(table.blocks[Int(scalar >> Self.blockBits)])
    return table.values[block << Int(Self.blockBits) | Int(scalar & (1 << Self.blockBits - 1))]
  }
}
