/// A small number for every Unicode scalar, in a two-stage table: one load for the block, one for the scalar.
///
/// Blocks that are alike are stored once, so a table of a typical property takes 20 to 60 KB.
struct ScalarClasses: Sendable {
  private static let blockBits: UInt32 = 7
  private static let limit = 0x110000
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
    let size = 1 << Int(Self.blockBits)
    var known: [ArraySlice<UInt8>: UInt16] = [:]
    // Most blocks hold one value; those are found without being written.
    var uniform = [UInt16](repeating: .max, count: 256)
    var blocks: [UInt16] = []
    blocks.reserveCapacity(Self.limit / size)
    var values: [UInt8] = []
    var block = [UInt8](repeating: 0, count: size)
    var filled = 0
    func add(_ block: ArraySlice<UInt8>) -> UInt16 {
      if let index = known[block] { return index }
      let index = UInt16(values.count >> Int(Self.blockBits))
      known[block] = index
      values.append(contentsOf: block)
      return index
    }
    /// Goes on to a scalar with one value.
    func fill(_ value: UInt8, upTo end: Int) {
      var start = blocks.count * size + filled
      while start < end {
        if filled == 0, start + size <= end {
          if uniform[Int(value)] == .max { uniform[Int(value)] = add([UInt8](repeating: value, count: size)[...]) }
          blocks.append(uniform[Int(value)])
          start += size
          continue
        }
        let count = min(end - start, size - filled)
        for index in filled..<filled + count { block[index] = value }
        (filled, start) = (filled + count, start + count)
        if filled == size {
          blocks.append(add(block[...]))
          filled = 0
        }
      }
    }
    var runValue: UInt8 = 0
    for (scalar, value) in starts {
      fill(runValue, upTo: min(Int(scalar), Self.limit))
      runValue = value
    }
    fill(runValue, upTo: Self.limit)
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
