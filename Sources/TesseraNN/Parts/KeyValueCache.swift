import TesseraTensor

/// The keys and values of the tokens that a decoder has read, for every layer.
///
///     let cache = KeyValueCache(layers: 12)
///     let first = try model(prompt, cache: cache)
///     let next = try model(token, cache: cache)       // reads one token, sees all
///     try cache.truncate(to: cache.length - 3)        // as if the last three had never been read
///
/// Layers have lengths of their own: one may have read more tokens than another (early exit), or keep only a window of them. Tokens are
/// counted from 0; a layer knows the position that each of its tokens was given. `copy()` is cheap: memory is shared until one of the two
/// is written to.
public final class KeyValueCache {
  /// From the first block to the last.
  public private(set) var layers: [Layer]

  /// - Parameters:
  ///   - windows: for every layer how many tokens one token sees, itself included; nil: all
  ///   - rollback: how many tokens beyond its window a layer keeps, so that so many can be taken back
  public init(windows: [Int?], rollback: Int = 64) {
    layers = windows.map { Layer(window: $0.map { max($0, 1) }, rollback: max(rollback, 0)) }
  }

  /// A cache whose layers keep every token.
  public convenience init(layers: Int) { self.init(windows: Array(repeating: nil, count: max(layers, 0))) }

  private init(_ layers: [Layer]) { self.layers = layers }

  /// How many tokens the first layer has read.
  public var length: Int { layers.first?.length ?? 0 }

  /// The same content, independent from now on. O(layers).
  public func copy() -> KeyValueCache { KeyValueCache(layers) }

  /// Adds the keys and values of tokens that follow those a layer has read.
  /// - Parameters:
  ///   - keys, values: `[batch, heads, tokens, width]`
  ///   - positions: `[batch or 1, tokens]`
  /// - Returns: what these tokens may look at, themselves included: all tokens, or those within the window of the first of them.
  /// - Throws: `TensorError.invalid` if the layer does not exist, or the tokens do not fit those before.
  /// - Complexity: O(tokens) amortized for the copy.
  public func append(_ keys: Tensor, _ values: Tensor, positions: Tensor, layer: Int) throws -> KeyValueView {
    try check(layer, "append")
    return try layers[layer].append(keys, values, positions)
  }

  /// Takes tokens back.
  /// - Parameters:
  ///   - length: how many tokens remain
  ///   - range: the layers; nil: all that have read more
  /// - Throws: `TensorError.invalid` if a window has already dropped tokens that would be seen again.
  public func truncate(to length: Int, layers range: Range<Int>? = nil) throws {
    for layer in range ?? 0..<layers.count {
      try check(layer, "truncate")
      guard layers[layer].canBeTruncated(to: length) else {
        throw TensorError.invalid(
          "truncate",
          "layer \(layer) holds the tokens \(layers[layer].start)..<\(layers[layer].length): it cannot go back to \(length)"
        )
      }
    }
    for layer in range ?? 0..<layers.count { layers[layer].truncate(to: length) }
  }

  /// Of the tokens from `start` on, keeps some: the accepted path of a tree.
  /// - Parameter kept: places counted from `start`, in the order in which they then stand
  public func keep(_ kept: [Int], from start: Int, layers range: Range<Int>? = nil) throws {
    for layer in range ?? 0..<layers.count {
      try check(layer, "keep")
      let added = layers[layer].length - start
      guard start >= layers[layer].start, kept.allSatisfy({ $0 >= 0 && $0 < added }) else {
        throw TensorError.invalid(
          "keep", "layer \(layer) has read \(layers[layer].length) tokens: \(kept) from \(start) on are not all there")
      }
    }
    for layer in range ?? 0..<layers.count { try layers[layer].keep(kept, from: start) }
  }

  /// Puts other rows of the batch in place of these: for beams, or for rows that go on while others have ended.
  /// - Parameter rows: int64 `[new batch]`
  public func select(rows: Tensor) throws {
    for layer in layers.indices { try layers[layer].select(rows) }
  }

  /// Forgets everything.
  public func removeAll() {
    for layer in layers.indices { layers[layer].truncate(to: 0) }
  }

  private func check(_ layer: Int, _ operation: String) throws {
    guard layers.indices.contains(layer) else {
      throw TensorError.invalid(operation, "the cache has \(layers.count) layers, there is no layer \(layer)")
    }
  }
}

/// What some tokens of one layer may look at.
public struct KeyValueView: Sendable {
  /// `[batch, heads, keys, width]`
  public let keys: Tensor
  /// As the keys.
  public let values: Tensor
  /// Which token, counted from the first ever read, the first key belongs to.
  public let start: Int
}

extension KeyValueCache {
  /// One layer's part of a cache.
  public struct Layer {
    /// How many tokens one token sees, itself included; nil: all.
    public let window: Int?
    /// How many tokens were read.
    public private(set) var length = 0
    /// The first token that is still kept.
    public private(set) var start = 0

    private let rollback: Int
    private var buffer: Buffer?
    /// The slot of the token `start`.
    private var offset = 0
    private var positionParts: [Tensor] = []

    init(window: Int?, rollback: Int) { (self.window, self.rollback) = (window, rollback) }

    /// How many tokens are kept.
    public var count: Int { length - start }

    /// The keys that are kept, `[batch, heads, count, width]`, or nil before the first token.
    public var keys: Tensor? {
      get throws { count > 0 ? try buffer?.keys.sliced(offset..<(offset + count), axis: 2) : nil }
    }

    /// The values that are kept, `[batch, heads, count, width]`, or nil before the first token.
    public var values: Tensor? {
      get throws { count > 0 ? try buffer?.values.sliced(offset..<(offset + count), axis: 2) : nil }
    }

    /// The positions of the tokens that are kept, `[batch or 1, count]`, or nil before the first token.
    public var positions: Tensor? {
      get throws {
        guard count > 0 else { return nil }
        let rows = positionParts.map { $0.size(0) }.max() ?? 1
        let all = try Tensor.concatenated(positionParts.map { try $0.expanded([rows, -1]) }, axis: 1)
        return try all.sliced((all.size(1) - count)..<all.size(1), axis: 1)
      }
    }

    mutating func append(_ keys: Tensor, _ values: Tensor, _ positions: Tensor) throws -> KeyValueView {
      let added = try check(keys, values, positions)
      let seen = window.map { min(count, $0 - 1) } ?? count
      try makeRoom(for: added, like: keys, values)
      guard let buffer else { throw TensorError.invalid("append", "no memory") }
      try buffer.write(keys, values, at: offset + count)
      positionParts.append(positions)
      length += added
      let view = KeyValueView(
        keys: try buffer.keys.sliced((offset + count - added - seen)..<(offset + count), axis: 2),
        values: try buffer.values.sliced((offset + count - added - seen)..<(offset + count), axis: 2),
        start: length - added - seen)
      try drop()
      return view
    }

    private func check(_ keys: Tensor, _ values: Tensor, _ positions: Tensor) throws -> Int {
      guard keys.rank == 4, values.rank == 4, keys.shape.dropLast() == values.shape.dropLast() else {
        throw TensorError.invalid(
          "append", "keys and values are [batch, heads, tokens, width], not \(keys.summary) and \(values.summary)")
      }
      let added = keys.size(2)
      guard positions.rank == 2, positions.size(1) == added, [1, keys.size(0)].contains(positions.size(0)) else {
        throw TensorError.invalid("append", "positions \(positions.summary) do not belong to keys \(keys.summary)")
      }
      if count > 0, let buffer, !buffer.takes(keys, values) {
        throw TensorError.invalid("append", "keys \(keys.summary) do not follow \(buffer.keys.summary)")
      }
      return added
    }

    /// Memory of this layer alone with room for more tokens; what was handed out before stays as it was.
    private mutating func makeRoom(for added: Int, like keys: Tensor, _ values: Tensor) throws {
      let end = offset + count
      let fits = buffer?.takes(keys, values) ?? false
      let records = keys.requiresGradient || values.requiresGradient
      if fits, !records, isKnownUniquelyReferenced(&buffer), buffer?.canWrite(end..<(end + added)) == true { return }
      let total = count + added
      buffer = try Buffer(
        keys, values, capacity: records ? total : total + total / 2 + 32, copying: fits ? count : 0, of: buffer,
        from: offset)
      offset = 0
    }

    private mutating func drop() throws {
      guard let window else { return }
      let first = max(start, length - (window - 1) - rollback)
      (offset, start) = (offset + first - start, first)
      if positionParts.count > 256, let all = try positions { positionParts = [all] }
    }

    func canBeTruncated(to target: Int) -> Bool {
      if target >= length { return true }
      let needed = window.map { max(0, target - ($0 - 1)) } ?? 0
      return target >= 0 && (start <= needed || target == 0)
    }

    mutating func truncate(to target: Int) {
      guard target < length else { return }
      if target == 0 {
        (length, start, offset, positionParts) = (0, 0, 0, [])
        return
      }
      var surplus = length - target
      while surplus > 0, let last = positionParts.popLast() {
        let size = last.size(1)
        if size > surplus, let kept = try? last.sliced(0..<(size - surplus), axis: 1) { positionParts.append(kept) }
        surplus -= min(size, surplus)
      }
      length = target
    }

    mutating func keep(_ kept: [Int], from first: Int) throws {
      guard first < length else { return }
      guard let keys = try keys, let values = try values, let positions = try positions else { return }
      let places = try Tensor(kept.map { $0 + first - start }, device: keys.device)
      let (chosenKeys, chosenValues) = (try keys.rows(places, axis: 2), try values.rows(places, axis: 2))
      let chosenPositions = try positions.rows(places.to(positions.device), axis: 1)
      // Unlike `truncate`, this never needs what a window has dropped: the tokens that stay were seen already.
      let total = first - start
      positionParts = total > 0 ? [try positions.sliced(0..<total, axis: 1)] : []
      length = first
      if !kept.isEmpty { _ = try append(chosenKeys, chosenValues, chosenPositions) }
    }

    mutating func select(_ rows: Tensor) throws {
      guard let keys = try keys, let values = try values, let positions = try positions else { return }
      buffer = Buffer(keys: try keys.rows(rows), values: try values.rows(rows), used: count)
      offset = 0
      positionParts = [positions.size(0) == 1 ? positions : try positions.rows(rows)]
    }
  }
}

/// Memory for the keys and values of a layer, with room at the end.
private final class Buffer {
  let keys: Tensor
  let values: Tensor
  /// Slots that were written: somebody may look at them.
  private var used: Int

  init(keys: Tensor, values: Tensor, used: Int) { (self.keys, self.values, self.used) = (keys, values, used) }

  convenience init(
    _ keys: Tensor, _ values: Tensor, capacity: Int, copying count: Int, of other: Buffer?, from offset: Int
  ) throws {
    func room(_ like: Tensor) throws -> Tensor {
      var shape = like.shape
      shape[2] = capacity
      return try Tensor.empty(shape, like.dataType, device: like.device)
    }
    self.init(keys: try room(keys), values: try room(values), used: 0)
    if let other, count > 0 {
      try write(
        other.keys.sliced(offset..<(offset + count), axis: 2), other.values.sliced(offset..<(offset + count), axis: 2),
        at: 0)
    }
  }

  func takes(_ newKeys: Tensor, _ newValues: Tensor) -> Bool {
    func fits(_ a: Tensor, _ b: Tensor) -> Bool {
      a.size(0) == b.size(0) && a.size(1) == b.size(1) && a.size(3) == b.size(3) && a.dataType == b.dataType
        && a.device == b.device
    }
    return fits(keys, newKeys) && fits(values, newValues)
  }

  /// There is room, and nobody looks at slots that were written before.
  func canWrite(_ slots: Range<Int>) -> Bool {
    slots.upperBound <= keys.size(2) && !keys.requiresGradient
      && (slots.lowerBound >= used || (keys.isUnshared && values.isUnshared))
  }

  func write(_ newKeys: Tensor, _ newValues: Tensor, at slot: Int) throws {
    let end = slot + newKeys.size(2)
    _ = try Op.copyInto(.tensor(try keys.sliced(slot..<end, axis: 2)), .tensor(newKeys))
    _ = try Op.copyInto(.tensor(try values.sliced(slot..<end, axis: 2)), .tensor(newValues))
    used = max(used, end)
  }
}
