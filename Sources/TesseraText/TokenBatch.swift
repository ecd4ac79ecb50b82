/// The ids of many texts in one piece of memory, row after row.
///
///     let batch = try tokenizer.ids(batch: documents)
///     batch.idCount                                // of all rows
///     for row in batch { train(on: row) }          // each a collection of ids
///
/// Nothing is allocated per token or per row: the ids of a corpus take four bytes each.
public struct TokenBatch: Sendable, RandomAccessCollection {
  private let memory: TableMemory
  private let endMemory: TableMemory?
  /// Where the rows begin, and, as the last element, where the last one ends; counted in ids.
  public let rowOffsets: [Int]

  init(memory: TableMemory, ends: TableMemory?, rowOffsets: [Int]) {
    self.memory = memory
    endMemory = ends
    self.rowOffsets = rowOffsets
  }

  /// The ids of one text.
  public struct Row: Sendable, RandomAccessCollection {
    fileprivate let memory: TableMemory
    fileprivate let start: Int
    /// The number of ids.
    public let count: Int

    /// Zero.
    public var startIndex: Int { 0 }
    /// The number of ids.
    public var endIndex: Int { count }

    /// The id at a place. O(1).
    public subscript(index: Int) -> UInt32 {
      precondition(index >= 0 && index < count, "a row of \(count) ids has none at \(index)")
      return memory.row(of: UInt32.self)[start + index]
    }

    /// Calls the body with the ids, valid until it returns.
    public func withContiguousStorageIfAvailable<Result>(
      _ body: (UnsafeBufferPointer<UInt32>) throws -> Result
    ) rethrows -> Result? {
      try body(UnsafeBufferPointer(start: memory.row(of: UInt32.self) + start, count: count))
    }
  }

  /// Zero.
  public var startIndex: Int { 0 }
  /// The number of rows.
  public var endIndex: Int { rowOffsets.count - 1 }

  /// The ids of one text. O(1).
  public subscript(row: Int) -> Row {
    Row(memory: memory, start: rowOffsets[row], count: rowOffsets[row + 1] - rowOffsets[row])
  }

  /// The number of ids in all rows.
  public var idCount: Int { rowOffsets[rowOffsets.count - 1] }

  /// Calls the body with the ids of all rows, valid until it returns.
  public func withUnsafeIDs<Result>(_ body: (UnsafeBufferPointer<UInt32>) throws -> Result) rethrows -> Result {
    try body(UnsafeBufferPointer(start: memory.row(of: UInt32.self), count: idCount))
  }

  /// Where the tokens of a row stand in their text, in bytes of its UTF-8; `nil` when places were not asked for.
  ///
  /// Tokens of byte-level tokenizers follow one another without gaps: each begins where the one before it ends.
  public func byteEnds(ofRow row: Int) -> [Int]? {
    guard let endMemory else { return nil }
    let ends = endMemory.row(of: UInt32.self)
    return (rowOffsets[row]..<rowOffsets[row + 1]).map { Int(ends[$0]) }
  }
}
