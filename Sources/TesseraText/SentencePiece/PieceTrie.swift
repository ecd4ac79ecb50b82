/// A set of byte strings with values, walked byte by byte in constant time per step.
///
/// A double array: the child of node `n` for byte `b` is cell `base[n] ^ b`, and it is one only if the cell names `n` as its parent.
///
/// Source: Aoe, *An Efficient Digital Search Algorithm by Using a Double-Array Structure*, 1989; the exclusive-or form keeps all
/// children of a node in one block of 256 cells.
struct PieceTrie: Sendable {
  /// What a walk is at when it has left the trie.
  static let nowhere: UInt32 = .max
  static let root: UInt32 = 0

  /// The base in the low half, the parent in the high half.
  private(set) var cells: [UInt64]
  /// The value of the string that ends in a cell, or -1.
  private(set) var values: [Int32]

  /// The child of a node, or ``nowhere``.
  @inline(__always)
  static func step(_ cells: UnsafeBufferPointer<UInt64>, _ node: UInt32, _ byte: UInt8) -> UInt32 {
    let child = UInt32(truncatingIfNeeded: cells[Int(node)]) ^ UInt32(byte)
    return UInt32(truncatingIfNeeded: cells[Int(child)] >> 32) == node ? child : nowhere
  }

  /// The value of a whole string, or -1.
  func value(of text: some Sequence<UInt8>) -> Int32 {
    cells.withUnsafeBufferPointer { cells in
      var node = Self.root
      for byte in text {
        node = Self.step(cells, node, byte)
        if node == Self.nowhere { return -1 }
      }
      return values[Int(node)]
    }
  }

  /// Builds the trie of some strings, none empty; of equal ones the first counts.
  ///
  /// - Complexity: O(total length) cells; time O(n log n) comparisons and, for placing a node, at most a fixed number of cells.
  init(_ entries: [(bytes: [UInt8], value: Int32)]) {
    var builder = PieceTrieBuilder(entries)
    builder.build()
    cells = builder.cells
    values = builder.values
  }
}

/// Places the nodes of a ``PieceTrie``.
private struct PieceTrieBuilder {
  private static let free = UInt64(UInt32.max) << 32
  private static let rootParent = UInt64(UInt32.max - 1) << 32
  /// How many blocks with room are tried for a node before a new block is added.
  private static let openLimit = 16

  var cells: [UInt64] = []
  var values: [Int32] = []
  private let entries: [(bytes: [UInt8], value: Int32)]
  private var order: [Int]
  /// For each block of 256 cells, which are free.
  private var freeBits: [UInt64] = []
  private var open: [Int] = []

  init(_ entries: [(bytes: [UInt8], value: Int32)]) {
    self.entries = entries
    let keyed = entries.enumerated().map { (Self.prefix($1.bytes), $0) }
    order = keyed.sorted { left, right in
      if left.0 != right.0 { return left.0 < right.0 }
      let a = entries[left.1].bytes
      let b = entries[right.1].bytes
      return a == b ? left.1 < right.1 : a.lexicographicallyPrecedes(b)
    }.map(\.1)
  }

  private static func prefix(_ bytes: [UInt8]) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<8 { value = value << 8 | (index < bytes.count ? UInt64(bytes[index]) : 0) }
    return value
  }

  mutating func build() {
    addBlock()
    take(0, parent: Self.rootParent)
    var stack: [(node: Int, depth: Int, range: Range<Int>)] = [(0, 0, 0..<order.count)]
    var groups: [(label: UInt8, range: Range<Int>)] = []
    while let (node, depth, range) = stack.popLast() {
      var start = range.lowerBound
      while start < range.upperBound, entries[order[start]].bytes.count == depth {
        if values[node] < 0 { values[node] = entries[order[start]].value }
        start += 1
      }
      groups.removeAll(keepingCapacity: true)
      while start < range.upperBound {
        let label = entries[order[start]].bytes[depth]
        let end = endOfGroup(from: start, to: range.upperBound, depth: depth, label: label)
        groups.append((label, start..<end))
        start = end
      }
      if groups.isEmpty { continue }
      let base = place(groups.map(\.label))
      cells[node] = cells[node] & ~UInt64(UInt32.max) | UInt64(base)
      for group in groups {
        let child = base ^ Int(group.label)
        take(child, parent: UInt64(node) << 32)
        stack.append((child, depth + 1, group.range))
      }
    }
  }

  private func endOfGroup(from start: Int, to end: Int, depth: Int, label: UInt8) -> Int {
    var low = start + 1
    var high = end
    while low < high {
      let middle = (low + high) / 2
      if entries[order[middle]].bytes[depth] == label { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private mutating func addBlock() {
    open.append(freeBits.count / 4)
    if open.count > Self.openLimit { open.removeFirst() }
    freeBits.append(contentsOf: repeatElement(UInt64.max, count: 4))
    cells.append(contentsOf: repeatElement(Self.free, count: 256))
    values.append(contentsOf: repeatElement(-1, count: 256))
  }

  private func isFree(_ cell: Int) -> Bool { freeBits[cell >> 6] >> UInt64(cell & 63) & 1 == 1 }

  private mutating func take(_ cell: Int, parent: UInt64) {
    freeBits[cell >> 6] &= ~(1 << UInt64(cell & 63))
    cells[cell] = parent
    let block = cell >> 8
    if (0..<4).allSatisfy({ freeBits[block * 4 + $0] == 0 }) { open.removeAll { $0 == block } }
  }

  /// A base such that all cells of the labels are free.
  private mutating func place(_ labels: [UInt8]) -> Int {
    for block in open {
      for word in block * 4..<block * 4 + 4 {
        var rest = freeBits[word]
        while rest != 0 {
          let cell = word << 6 | rest.trailingZeroBitCount
          rest &= rest - 1
          let base = cell ^ Int(labels[0])
          if labels.allSatisfy({ isFree(base ^ Int($0)) }) { return base }
        }
      }
    }
    addBlock()
    return (freeBits.count / 4 - 1) << 8
  }
}
