/// Applies the merges of a byte-pair encoding to one word: lowest rank first, leftmost first among equals.
///
/// Short words rescan an array of ranks, which is fastest there; longer ones use a heap over a linked list, so that the time is
/// O(n log n) for any input. The scratch memory is kept between words.
struct BPEMerger {
  /// The symbols of the word; after ``merge(with:dropout:)`` the tokens.
  private(set) var ids: [UInt32] = []
  /// How many bytes of the word each symbol stands for.
  private(set) var lengths: [UInt32] = []

  private var ranks: [UInt32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var heap = MergeHeap<Candidate>()
  private static let shortWord = 40
  private static let noMerge = UInt32.max

  mutating func removeAll() {
    ids.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
  }

  mutating func append(_ id: UInt32, length: Int) {
    ids.append(id)
    lengths.append(UInt32(length))
  }

  /// Merges the symbols.
  ///
  /// - Parameter dropout: called before each merge; `true` skips it this time (BPE-dropout, Provilkov et al. 2020).
  mutating func merge(with table: MergeTable, dropout: (() -> Bool)? = nil) {
    guard ids.count > 1 else { return }
    if let dropout {
      mergeLong(table, dropout)
    } else if ids.count <= Self.shortWord {
      mergeShort(table)
    } else {
      mergeLong(table, nil)
    }
  }

  private mutating func mergeShort(_ table: MergeTable) {
    var count = ids.count
    ranks.removeAll(keepingCapacity: true)
    for index in 0..<count - 1 { ranks.append(table.merge(of: ids[index], ids[index + 1])?.rank ?? Self.noMerge) }
    ranks.append(Self.noMerge)
    while true {
      var best = 0
      var bestRank = ranks[0]
      for index in 1..<max(count - 1, 1) where ranks[index] < bestRank { (best, bestRank) = (index, ranks[index]) }
      guard bestRank != Self.noMerge, let merge = table.merge(of: ids[best], ids[best + 1]) else { break }
      ids[best] = merge.id
      lengths[best] += lengths[best + 1]
      count -= 1
      for index in best + 1..<max(count, best + 1) {
        ids[index] = ids[index + 1]
        lengths[index] = lengths[index + 1]
        ranks[index] = ranks[index + 1]
      }
      if best + 1 < count {
        ranks[best] = table.merge(of: ids[best], ids[best + 1])?.rank ?? Self.noMerge
      } else {
        ranks[best] = Self.noMerge
      }
      if best > 0 { ranks[best - 1] = table.merge(of: ids[best - 1], ids[best])?.rank ?? Self.noMerge }
      if count == 1 { break }
    }
    ids.removeLast(ids.count - count)
    lengths.removeLast(lengths.count - count)
  }

  private mutating func mergeLong(_ table: MergeTable, _ dropout: (() -> Bool)?) {
    let count = ids.count
    next.removeAll(keepingCapacity: true)
    previous.removeAll(keepingCapacity: true)
    heap.removeAll()
    for index in 0..<count {
      next.append(index + 1 < count ? Int32(index + 1) : -1)
      previous.append(Int32(index - 1))
    }
    for index in 0..<count - 1 { push(index, table) }
    var skipped: [Candidate] = []
    while let top = heap.pop() {
      if let dropout, dropout() {
        skipped.append(top)
        continue
      }
      for entry in skipped { heap.push(entry) }
      skipped.removeAll(keepingCapacity: true)
      let left = Int(top.position)
      // A symbol swallowed by its left neighbour has length 0; a pair that changed yields another id.
      guard lengths[left] != 0, next[left] >= 0 else { continue }
      let right = Int(next[left])
      guard let merge = table.merge(of: ids[left], ids[right]), merge.id == top.id else { continue }
      ids[left] = merge.id
      lengths[left] += lengths[right]
      lengths[right] = 0
      next[left] = next[right]
      if next[left] >= 0 { previous[Int(next[left])] = Int32(left) }
      if previous[left] >= 0 { push(Int(previous[left]), table) }
      push(left, table)
    }
    compact()
  }

  private mutating func compact() {
    var kept = 0
    for index in ids.indices where lengths[index] != 0 {
      ids[kept] = ids[index]
      lengths[kept] = lengths[index]
      kept += 1
    }
    ids.removeLast(ids.count - kept)
    lengths.removeLast(lengths.count - kept)
  }

  /// A merge that is possible at a symbol, ordered by rank, then position.
  private struct Candidate: MergeHeapItem {
    var key: UInt64
    var id: UInt32
    var position: UInt32 { UInt32(truncatingIfNeeded: key) }
  }

  private mutating func push(_ left: Int, _ table: MergeTable) {
    guard next[left] >= 0, let merge = table.merge(of: ids[left], ids[Int(next[left])]) else { return }
    heap.push(Candidate(key: UInt64(merge.rank) << 32 | UInt64(left), id: merge.id))
  }
}
