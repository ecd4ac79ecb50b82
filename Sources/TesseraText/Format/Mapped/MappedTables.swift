extension TokenTable {
  /// What hashes begin with in files, so that the same vocabulary gives the same file. Texts that fall into one place make looking up
  /// slower, as far as the author of the vocabulary wants; the author of a text cannot add any.
  static let storedSeed: UInt64 = 0x5445_5353_4552_4121

  /// Adds the sections of the table, and what the header has to say of it.
  func write(to file: inout MappedFileWriter) -> JSON {
    var builder = TokenTableBuilder(capacity: entryCount, bytes: bytes.count)
    bytes.withUnsafeBufferPointer { bytes in
      for entry in 0..<entryCount {
        builder.insert(UnsafeBufferPointer(rebasing: bytes[range(ofEntry: entry)]), id: ids[entry])
      }
    }
    let table = builder.finish(seed: Self.storedSeed)
    file.add(.texts, table.bytes)
    file.add(.starts, table.starts)
    file.add(.ids, table.ids)
    file.add(.textPlaces, table.slots)
    file.add(.textsOfIDs, table.entryOfID)
    file.add(.largeIDs, table.entryOfLargeID.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
    file.add(.replaced, table.replaced.sorted().map { UInt32($0) })
    let free = table.slots.firstIndex(of: 0) ?? 0
    return ["longest": .integer(Int64(maximumLength)), "free_place": .integer(Int64(free))]
  }

  /// Lays a table over its sections.
  ///
  /// What is looked at here is what a reader cannot check in passing: that texts do not overlap, that the search for one ends, and
  /// which id is the largest.
  ///
  /// - Complexity: O(entries), at some billions a second.
  init(_ file: MappedFile, _ header: ConfigurationNode) throws {
    bytes = try file.row(.texts, of: UInt8.self)
    starts = try file.row(.starts, of: UInt32.self)
    ids = try file.row(.ids, of: UInt32.self)
    guard ids.count < Int(UInt32.max) - 1, starts.count == ids.count + 1 else {
      throw TokenizerError(
        .malformed, "\(starts.count) starts do not fit \(ids.count) texts", at: file.place(of: .starts))
    }
    guard Self.areOrdered(starts, upTo: bytes.count) else {
      throw TokenizerError(
        .malformed, "expected starts that grow from 0 to the \(bytes.count) bytes of the texts",
        at: file.place(of: .starts))
    }
    slots = try file.row(.textPlaces, of: UInt64.self)
    let free = try header.count("free_place")
    guard slots.count > 0, slots.count & (slots.count - 1) == 0, free < slots.count, slots[free] == 0 else {
      throw TokenizerError(
        .malformed, "expected a table of 2^n places with a free one at \(free)", at: file.place(of: .textPlaces))
    }
    seed = Self.storedSeed
    entryOfID = try file.row(.textsOfIDs, of: UInt32.self)
    entryOfLargeID = try Self.largeIDs(file, count: ids.count)
    replaced = try Self.replaced(file, count: ids.count)
    maximumLength = min(try header.count("longest"), bytes.count)
    maximumID = ids.withUnsafeBufferPointer { ids in
      var highest: UInt32 = 0
      for id in ids { highest = Swift.max(highest, id) }
      return ids.isEmpty ? -1 : Int(highest)
    }
  }

  /// Whether texts follow one another, so that all of them together are no longer than their section.
  private static func areOrdered(_ starts: TableRow<UInt32>, upTo end: Int) -> Bool {
    starts.withUnsafeBufferPointer { starts in
      var falls: UInt32 = 0
      for index in 1..<Swift.max(starts.count, 1) { falls |= starts[index] < starts[index &- 1] ? 1 : 0 }
      return falls == 0 && starts.first == 0 && starts.last.map(Int.init) == end
    }
  }

  private static func largeIDs(_ file: MappedFile, count: Int) throws -> [UInt32: UInt32] {
    let row = try file.row(.largeIDs, of: UInt32.self)
    guard row.count % 2 == 0, row.count <= 2 * count else {
      throw TokenizerError(.malformed, "expected pairs of ids and texts", at: file.place(of: .largeIDs))
    }
    var entries: [UInt32: UInt32] = [:]
    for index in stride(from: 0, to: row.count, by: 2) where row[index + 1] < count {
      entries[row[index]] = row[index + 1]
    }
    return entries
  }

  private static func replaced(_ file: MappedFile, count: Int) throws -> Set<Int> {
    let row = try file.row(.replaced, of: UInt32.self)
    guard row.count <= count, row.allSatisfy({ $0 < count }) else {
      throw TokenizerError(.malformed, "expected numbers of the \(count) texts", at: file.place(of: .replaced))
    }
    return Set(row.map { Int($0) })
  }
}

extension MergeTable {
  /// Adds the section of the table, and what the header has to say of it.
  func write(to file: inout MappedFileWriter) -> JSON {
    file.add(.merges, slots)
    let free = stride(from: 0, to: slots.count, by: 2).first { slots[$0] == 0 } ?? 0
    return ["count": .integer(Int64(count)), "free_place": .integer(Int64(free / 2))]
  }

  /// Lays a table over its section. O(1).
  init(_ file: MappedFile, _ header: ConfigurationNode) throws {
    slots = try file.row(.merges, of: UInt64.self)
    let (places, free) = (slots.count / 2, try header.count("free_place"))
    guard slots.count % 2 == 0, places > 0, places & (places - 1) == 0, free < places, slots[2 * free] == 0 else {
      throw TokenizerError(
        .malformed, "expected a table of 2^n merges with a free place at \(free)", at: file.place(of: .merges))
    }
    count = min(try header.count("count"), places)
  }
}
