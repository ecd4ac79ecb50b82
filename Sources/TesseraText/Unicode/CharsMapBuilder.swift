extension CharsMap {
  /// Builds a map that both readers of the binary form understand. Keys are looked up as UTF-8; of equal keys the last
  /// counts.
  ///
  /// - Throws: `TokenizerError` of kind `invalidRequest` for an empty key or a NUL in a key or replacement, of kind
  ///   `limitExceeded` when the trie outgrows what its units can address.
  /// - Complexity: O(total size of the rules), after sorting the keys.
  static func build(from rules: [(key: String, replacement: String)]) throws(TokenizerError) -> CharsMap {
    var pool: [UInt8] = []
    var places: [String: Int] = [:]
    var values: [[UInt8]: Int] = [:]
    for (number, rule) in rules.enumerated() {
      let key = Array(rule.key.utf8)
      guard !key.isEmpty, !key.contains(0), !rule.replacement.utf8.contains(0) else {
        throw TokenizerError(
          .invalidRequest, "a rule needs a key and no NUL in it or in its replacement", at: .key("rules[\(number)]"))
      }
      // String equality is canonical equivalence; the pool must tell such replacements apart.
      let name = rule.replacement.utf8.map { String($0, radix: 16) }.joined(separator: " ")
      if places[name] == nil {
        places[name] = pool.count
        pool += Array(rule.replacement.utf8) + [0]
      }
      values[key] = places[name]
    }
    if pool.isEmpty { pool = [0] }
    let sorted = values.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var builder = DoubleArrayBuilder()
    try builder.build(sorted.map { ($0.key, UInt32($0.value)) })
    return CharsMap(units: builder.units, pool: pool)
  }
}

/// Lays a trie out as a double array with the bit fields of Darts-clone.
///
/// The children of a node live at `base ^ label`; label 0 is the place of the value. A base serves one node only, so a
/// label in a unit identifies its parent. Free units carry the mark of a value, which no byte of a text can match.
private struct DoubleArrayBuilder {
  private(set) var units: [UInt32] = []
  private var isTaken: [Bool] = []
  private var isBase: [Bool] = []
  /// Free units below this were tried often enough.
  private var searchStart = 1

  private static let free: UInt32 = 1 << 31
  private static let blockSize = 256
  /// How far behind the end free units are still tried; bounds the time per node.
  private static let window = 16 * blockSize

  /// - Parameter keys: in ascending order, without duplicates, none empty.
  mutating func build(_ keys: [(key: [UInt8], value: UInt32)]) throws(TokenizerError) {
    grow()
    isTaken[0] = true
    isBase[0] = true
    units[0] = 0
    // A node is a range of keys that share their first `depth` bytes; an explicit stack keeps long keys off the call
    // stack.
    var open: [(unit: Int, keys: Range<Int>, depth: Int)] = [(0, 0..<keys.count, 0)]
    while let node = open.popLast() {
      let children = Self.children(keys, node.keys, node.depth)
      let base = try place(children.map(\.label), parent: node.unit)
      try setOffset(of: node.unit, to: base)
      for child in children {
        let unit = base ^ Int(child.label)
        if child.label == 0 {
          units[unit] = Self.free | keys[child.keys.lowerBound].value
          units[node.unit] |= 1 << 8
        } else {
          units[unit] = UInt32(child.label)
          open.append((unit, child.keys, node.depth + 1))
        }
      }
    }
  }

  /// The distinct next bytes of a range of keys, 0 for a key that ends here.
  private static func children(
    _ keys: [(key: [UInt8], value: UInt32)], _ range: Range<Int>, _ depth: Int
  ) -> [(label: UInt8, keys: Range<Int>)] {
    var children: [(label: UInt8, keys: Range<Int>)] = []
    var start = range.lowerBound
    while start < range.upperBound {
      let label = keys[start].key.count > depth ? keys[start].key[depth] : 0
      var end = start + 1
      while end < range.upperBound, keys[end].key[depth] == label { end += 1 }
      children.append((label, start..<end))
      start = end
    }
    return children
  }

  /// Finds a base where all labels are free and takes their units.
  private mutating func place(_ labels: [UInt8], parent: Int) throws(TokenizerError) -> Int {
    guard let first = labels.first else { return 1 }
    searchStart = max(searchStart, units.count - Self.window)
    while searchStart < units.count, isTaken[searchStart] { searchStart += 1 }
    var candidate = searchStart
    while true {
      if candidate >= units.count {
        guard units.count < 1 << 29 else { throw TokenizerError(.limitExceeded, "the trie has more than 2^29 units") }
        grow()
      }
      let base = candidate ^ Int(first)
      if !isTaken[candidate], !isBase[base], Self.isEncodable(parent ^ base),
        labels.allSatisfy({ !isTaken[base ^ Int($0)] })
      {
        isBase[base] = true
        for label in labels { isTaken[base ^ Int(label)] = true }
        return base
      }
      candidate += 1
    }
  }

  private mutating func setOffset(of unit: Int, to base: Int) throws(TokenizerError) {
    let offset = UInt32(unit ^ base)
    guard Self.isEncodable(Int(offset)) else {
      throw TokenizerError(.limitExceeded, "an offset of the trie is too large")
    }
    units[unit] |= offset < 1 << 21 ? offset << 10 : offset << 2 | 1 << 9
  }

  private static func isEncodable(_ offset: Int) -> Bool { offset < 1 << 21 || offset & 0xFF == 0 && offset < 1 << 29 }

  private mutating func grow() {
    units += [UInt32](repeating: Self.free, count: Self.blockSize)
    isTaken += [Bool](repeating: false, count: Self.blockSize)
    isBase += [Bool](repeating: false, count: Self.blockSize)
  }
}
