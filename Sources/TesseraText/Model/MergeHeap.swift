/// Something that waits to be merged, smaller keys first.
protocol MergeHeapItem {
  associatedtype Key: Comparable
  var key: Key { get }
}

/// A binary heap of possible merges, the best on top. Its memory is kept between words.
struct MergeHeap<Item: MergeHeapItem> {
  private var items: [Item] = []

  mutating func removeAll() { items.removeAll(keepingCapacity: true) }

  /// Adds a merge without keeping the order; ``order()`` must follow.
  mutating func append(_ item: Item) { items.append(item) }

  /// Brings what was appended into order. O(n).
  mutating func order() {
    var index = items.count / 2
    while index > 0 {
      index -= 1
      sink(index)
    }
  }

  /// O(log n).
  mutating func push(_ item: Item) {
    var index = items.count
    items.append(item)
    while index > 0 {
      let parent = (index - 1) / 2
      if items[parent].key <= item.key { break }
      items[index] = items[parent]
      index = parent
    }
    items[index] = item
  }

  /// The merge with the smallest key. O(log n).
  mutating func pop() -> Item? {
    guard let best = items.first, let last = items.popLast() else { return nil }
    if !items.isEmpty {
      items[0] = last
      sink(0)
    }
    return best
  }

  private mutating func sink(_ start: Int) {
    let item = items[start]
    var index = start
    while true {
      var child = 2 * index + 1
      if child >= items.count { break }
      if child + 1 < items.count, items[child + 1].key < items[child].key { child += 1 }
      if items[child].key >= item.key { break }
      items[index] = items[child]
      index = child
    }
    items[index] = item
  }
}
