/// A row of numbers that never changes, in memory that it shares: built here, or a part of a mapped file.
///
/// Reading is checked, since what a file says may be anything.
struct TableRow<Element: BitwiseCopyable & Sendable>: RandomAccessCollection, @unchecked Sendable {
  let base: UnsafePointer<Element>
  let count: Int
  /// What keeps the memory.
  let owner: AnyObject

  /// - Parameter base: the first of `count` elements in memory that lives as long as its owner.
  init(_ base: UnsafePointer<Element>, count: Int, owner: AnyObject) {
    self.base = base
    self.count = count
    self.owner = owner
  }

  var startIndex: Int { 0 }
  var endIndex: Int { count }

  @inline(__always)
  subscript(index: Int) -> Element {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "the row has no such element")
    return base[index]
  }

  /// The memory, which is there while the body runs.
  @inline(__always)
  func withUnsafeBufferPointer<Result>(_ body: (UnsafeBufferPointer<Element>) throws -> Result) rethrows -> Result {
    defer { withExtendedLifetime(owner) {} }
    return try body(UnsafeBufferPointer(start: base, count: count))
  }
}

/// A row that grows at its end until it is finished.
final class RowBuilder<Element: BitwiseCopyable & Sendable> {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int
  private var memory: TableMemory

  init(capacity: Int = 0) {
    self.capacity = max(capacity, 16)
    memory = TableMemory(byteCount: self.capacity * MemoryLayout<Element>.stride)
    base = memory.base.bindMemory(to: Element.self, capacity: self.capacity)
  }

  /// The row as it is now; nothing may be appended afterwards.
  func finish() -> TableRow<Element> { TableRow(UnsafePointer(base), count: count, owner: memory) }

  @inline(__always)
  subscript(index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }

  @inline(__always)
  func append(_ element: Element) {
    if count == capacity { grow(to: count + 1) }
    (base + count).initialize(to: element)
    count &+= 1
  }

  @inline(__always)
  func append(_ elements: UnsafeBufferPointer<Element>) {
    guard let source = elements.baseAddress else { return }
    if count + elements.count > capacity { grow(to: count + elements.count) }
    (base + count).initialize(from: source, count: elements.count)
    count &+= elements.count
  }

  /// Appends an element so many times.
  func append(repeating element: Element, count more: Int) {
    if count + more > capacity { grow(to: count + more) }
    (base + count).initialize(repeating: element, count: more)
    count += more
  }

  @inline(never)
  private func grow(to minimum: Int) {
    capacity = max(capacity * 2, minimum)
    let larger = TableMemory(byteCount: capacity * MemoryLayout<Element>.stride)
    let target = larger.base.bindMemory(to: Element.self, capacity: capacity)
    target.initialize(from: base, count: count)
    (memory, base) = (larger, target)
  }
}
