/// Reads the `merges` of tokenizer.json: pairs of tokens, or strings of two tokens with a space between them.
///
/// Merges are looked up in blocks, so that the lines of the vocabulary's table are on their way before they are needed. What a merge
/// makes is mostly the entry after the one that the merge before it made, which a comparison tells.
struct MergeReader: ~Copyable {
  private static let blockSize = 64

  private let table: TokenTable
  private let prefixLength: Int
  private var pairs: MergeTableBuilder
  private var rank: UInt32 = 0
  /// The entry that the last merge made.
  private var lastEntry = -1
  /// The ids of a block's merges: left, right, made.
  private var found: [(left: UInt32, right: UInt32, made: UInt32)] = []
  /// Merges that wait to be looked up.
  private var waiting: [Waiting] = []

  private struct Waiting {
    var left: UnsafeBufferPointer<UInt8>
    var right: UnsafeBufferPointer<UInt8>
    var leftHash: UInt64
    var rightHash: UInt64
    /// The place in the list.
    var index: Int
  }

  private init(_ table: TokenTable, prefixLength: Int, count: Int) {
    self.table = table
    self.prefixLength = prefixLength
    pairs = MergeTableBuilder(capacity: count)
    waiting.reserveCapacity(Self.blockSize)
    found.reserveCapacity(Self.blockSize)
  }

  /// - Parameter prefixLength: so many bytes at the start of a right part are left out of what the merge makes.
  /// - Throws: ``TokenizerError`` naming the merge that is none, or whose tokens are not in the vocabulary.
  static func read(_ merges: JSONNode, _ table: TokenTable, prefixLength: Int) throws -> MergeTable {
    var reader = MergeReader(table, prefixLength: prefixLength, count: merges.count)
    let document = merges.document
    try document.bytes.withUnsafeBufferPointer { bytes in
      try document.tape.withUnsafeBufferPointer { tape in
        var place = merges.index + 1
        for index in 0..<merges.count {
          let entry = tape[place]
          if entry.kind == .array, entry.count == 2, tape[place + 1].kind == .string, tape[place + 2].kind == .string {
            try reader.add(JSONTape.text(tape[place + 1], bytes), JSONTape.text(tape[place + 2], bytes), index)
            place += 3
          } else {
            let node = JSONNode(document: document, index: place)
            try reader.addRare(node, index)
            place = node.next
          }
        }
      }
    }
    try reader.resolve()
    return reader.pairs.finish()
  }

  /// Escaped text, or two tokens in one string.
  private mutating func addRare(_ merge: JSONNode, _ index: Int) throws {
    if merge.isString {
      try merge.withUTF8 { text in
        let text = text.assumingMemoryBound(to: UInt8.self)
        if text.starts(with: "#version".utf8) { return }
        guard let space = text.firstIndex(of: 0x20), !text[(space + 1)...].contains(0x20) else {
          try resolve()
          throw TokenizerError(
            .malformed, "expected two tokens with one space between them", at: .key("model.merges[\(index)]"))
        }
        try add(.init(rebasing: text[..<space]), .init(rebasing: text[(space + 1)...]), index)
        if merge.kind == .escapedString { try resolve() }
      }
      return
    }
    var parts: [JSONNode] = []
    merge.forEachElement { parts.append($0) }
    guard parts.count == 2, parts[0].isString, parts[1].isString else {
      try resolve()
      throw TokenizerError(.malformed, "expected a pair of tokens", at: .key("model.merges[\(index)]"))
    }
    try parts[0].withUTF8 { left in
      try parts[1].withUTF8 { right in
        try add(left.assumingMemoryBound(to: UInt8.self), right.assumingMemoryBound(to: UInt8.self), index)
        // Unescaped text is gone after this.
        try resolve()
      }
    }
  }

  @inline(__always)
  private mutating func add(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>, _ index: Int)
    throws
  {
    let new = Waiting(
      left: left, right: right, leftHash: left.foldedHash(seed: table.seed),
      rightHash: right.foldedHash(seed: table.seed), index: index)
    table.prefetch(new.leftHash)
    table.prefetch(new.rightHash)
    waiting.append(new)
    if waiting.count == Self.blockSize { try resolve() }
  }

  /// Looks up the merges that wait and adds them.
  private mutating func resolve() throws {
    for merge in waiting {
      let left = try id(table.entry(of: merge.left, hash: merge.leftHash), merge.left, merge.index)
      let right = try id(table.entry(of: merge.right, hash: merge.rightHash), merge.right, merge.index)
      let made = try joined(merge)
      pairs.prefetch(left, right)
      found.append((left, right, made))
    }
    for merge in found {
      pairs.insert(merge.left, merge.right, .init(rank: rank, id: merge.made))
      rank += 1
    }
    found.removeAll(keepingCapacity: true)
    waiting.removeAll(keepingCapacity: true)
  }

  private func id(_ entry: Int?, _ text: UnsafeBufferPointer<UInt8>, _ index: Int) throws -> UInt32 {
    guard let entry else {
      throw TokenizerError(
        .inconsistent, "the merge needs '\(String(decoding: text, as: UTF8.self))', which is not in the vocabulary",
        at: .key("model.merges[\(index)]"))
    }
    return table.ids[entry]
  }

  /// The id of what a merge makes.
  private mutating func joined(_ merge: Waiting) throws -> UInt32 {
    let right = UnsafeBufferPointer(rebasing: merge.right.dropFirst(prefixLength))
    let next = lastEntry + 1
    if next < table.entryCount, table.replaced.isEmpty {
      let range = table.range(ofEntry: next)
      let text = table.bytes.base + range.lowerBound
      if range.count == merge.left.count + right.count, merge.left.equals(text),
        right.equals(text + merge.left.count)
      {
        lastEntry = next
        return table.ids[next]
      }
    }
    let text = Array(merge.left) + Array(right)
    return try text.withUnsafeBufferPointer { text in
      let entry = table.entry(of: text, hash: text.foldedHash(seed: table.seed))
      let id = try id(entry, text, merge.index)
      lastEntry = entry ?? lastEntry
      return id
    }
  }
}

/// Values of a ``JSONDocument`` read from its memory, for the loops over whole vocabularies.
enum JSONTape {
  /// The text of a string without escapes.
  @inline(__always)
  static func text(_ entry: JSONDocument.Entry, _ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: bytes[Int(entry.start)..<Int(entry.end)])
  }

  /// The value of an integer of up to nine digits; `nil` for anything else.
  @inline(__always)
  static func identifier(_ entry: JSONDocument.Entry, _ bytes: UnsafeBufferPointer<UInt8>) -> UInt32? {
    guard entry.kind == .integer, entry.end &- entry.start < 10 else { return nil }
    var value: UInt32 = 0
    for index in Int(entry.start)..<Int(entry.end) {
      let digit = bytes[index] &- 0x30
      guard digit < 10 else { return nil }
      value = value &* 10 &+ UInt32(digit)
    }
    return value
  }
}
