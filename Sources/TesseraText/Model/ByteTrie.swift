/// A trie over byte strings, its edges in one open-addressing table.
///
/// - Complexity: one probe per byte; 8 to 16 bytes of memory per edge.
struct ByteTrie: Sendable {
  static let noValue = UInt32.max

  /// Key: node << 8 | byte, plus one so that 0 means free.
  private var keys: [UInt64]
  private var children: [UInt32]
  /// The value of each node, or `noValue`.
  private(set) var values: [UInt32] = [noValue]
  private var edgeCount = 0
  /// The children of the root, by byte.
  private var rootChildren = [UInt32](repeating: 0, count: 256)

  init(capacity: Int = 0) {
    var size = 64
    while size < capacity * 2 { size *= 2 }
    keys = [UInt64](repeating: 0, count: size)
    children = [UInt32](repeating: 0, count: size)
  }

  /// Adds a string; a string that is there already gets the new value. Empty strings are left out.
  mutating func insert(_ text: some Sequence<UInt8>, value: UInt32) {
    var node: UInt32 = 0
    for byte in text { node = child(of: node, byte) ?? addChild(of: node, byte) }
    if node != 0 { values[Int(node)] = value }
  }

  /// The node an edge leads to.
  @inline(__always)
  func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
    if node == 0 {
      let child = rootChildren[Int(byte)]
      return child == 0 ? nil : child
    }
    let key = (UInt64(node) << 8 | UInt64(byte)) + 1
    var slot = Self.slot(key, keys.count - 1)
    while keys[slot] != 0 {
      if keys[slot] == key { return children[slot] }
      slot = (slot + 1) & (keys.count - 1)
    }
    return nil
  }

  /// Calls `body` with the end and the value of every entry that starts at a place of the text, shortest first.
  @inline(__always)
  func forEachPrefix(of text: UnsafeBufferPointer<UInt8>, from start: Int, _ body: (Int, UInt32) -> Void) {
    var node: UInt32 = 0
    var index = start
    while index < text.count, let next = child(of: node, text[index]) {
      node = next
      index += 1
      let value = values[Int(node)]
      if value != Self.noValue { body(index, value) }
    }
  }

  @inline(__always)
  private static func slot(_ key: UInt64, _ mask: Int) -> Int {
    let hash = key &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: hash >> 32) & mask
  }

  private mutating func addChild(of node: UInt32, _ byte: UInt8) -> UInt32 {
    let child = UInt32(values.count)
    values.append(Self.noValue)
    if node == 0 {
      rootChildren[Int(byte)] = child
      return child
    }
    edgeCount += 1
    if edgeCount * 2 > keys.count { grow() }
    place((UInt64(node) << 8 | UInt64(byte)) + 1, child)
    return child
  }

  private mutating func place(_ key: UInt64, _ child: UInt32) {
    var slot = Self.slot(key, keys.count - 1)
    while keys[slot] != 0 { slot = (slot + 1) & (keys.count - 1) }
    keys[slot] = key
    children[slot] = child
  }

  private mutating func grow() {
    let (oldKeys, oldChildren) = (keys, children)
    keys = [UInt64](repeating: 0, count: oldKeys.count * 2)
    children = [UInt32](repeating: 0, count: oldKeys.count * 2)
    for index in oldKeys.indices where oldKeys[index] != 0 { place(oldKeys[index], oldChildren[index]) }
  }
}
