import Synchronization

/// A value in a rearrangement: the pattern, or the length of a named axis.
public protocol RearrangeArgument {}
extension String: RearrangeArgument {}
extension Int: RearrangeArgument {}

extension Tensor {
  /// Splits, joins and reorders axes by name.
  ///
  ///     try x.rearranged("b n (h d) -> b h n d", h: 8)
  ///
  /// A group in parentheses on the left is split: at most one of its names may have no length given. A group on the right is joined. `1`
  /// is an axis of length one, `...` stands for all axes between. (Rogozhnikov, "Einops", 2022.)
  public var rearranged: Rearrangement { Rearrangement(tensor: self) }
}

/// A rearrangement that waits for its pattern.
@dynamicCallable
public struct Rearrangement {
  let tensor: Tensor

  /// Applies the pattern, which comes first, with the lengths of named axes.
  /// - Throws: `TensorError.invalid` if the pattern is wrong or does not fit the shape.
  public func dynamicallyCall(
    withKeywordArguments arguments: KeyValuePairs<String, any RearrangeArgument>
  ) throws -> Tensor {
    guard let text = arguments.first?.value as? String else {
      throw TensorError.invalid("rearranged", "the first argument is the pattern")
    }
    var lengths: [String: Int] = [:]
    for (name, value) in arguments.dropFirst() {
      guard let length = value as? Int, length > 0 else {
        throw TensorError.invalid("rearranged", "'\(name)' needs a positive length, not \(value)")
      }
      lengths[name] = length
    }
    return try RearrangePattern.cached(text).apply(to: tensor, lengths)
  }
}

/// A pattern that was read once.
struct RearrangePattern: Sendable {
  enum Item: Hashable, Sendable { case axis(String), one, rest }
  let text: String
  let left: [[Item]]
  let right: [[Item]]

  private static let known = Mutex<[String: RearrangePattern]>([:])

  static func cached(_ text: String) throws -> RearrangePattern {
    if let pattern = known.withLock({ $0[text] }) { return pattern }
    let pattern = try RearrangePattern(text)
    known.withLock {
      if $0.count >= 1024 { $0.removeAll() }
      $0[text] = pattern
    }
    return pattern
  }

  init(_ text: String) throws {
    self.text = text
    let sides = text.split(separator: "->", omittingEmptySubsequences: false)
    guard sides.count == 2 else { throw TensorError.invalid("rearranged", "'\(text)' has no '->'") }
    left = try RearrangePattern.groups(sides[0], of: text)
    right = try RearrangePattern.groups(sides[1], of: text)
    let (from, to) = (left.flatMap(\.self).filter { $0 != .one }, right.flatMap(\.self).filter { $0 != .one })
    guard Set(from).count == from.count, Set(to).count == to.count, Set(from) == Set(to) else {
      throw TensorError.invalid("rearranged", "'\(text)': every name stands once on both sides")
    }
    guard !left.contains(where: { $0.count > 1 && $0.contains(.rest) }) else {
      throw TensorError.invalid("rearranged", "'\(text)': '...' on the left stands outside parentheses")
    }
  }

  private static func groups(_ side: Substring, of text: String) throws -> [[Item]] {
    func item(_ word: Substring) -> Item { word == "1" ? .one : word == "..." ? .rest : .axis(String(word)) }
    var groups: [[Item]] = []
    var open: [Item]?
    let spaced = side.replacing("(", with: " ( ").replacing(")", with: " ) ")
    for word in spaced.split(separator: " ") {
      switch word {
      case "(" where open == nil: open = []
      case ")" where open != nil:
        // A joined rest is told from a plain one by the axis of length one beside it.
        groups.append(open == [.rest] ? [.rest, .one] : open ?? [])
        open = nil
      case "(", ")": throw TensorError.invalid("rearranged", "'\(text)': unbalanced parentheses")
      default:
        if open == nil { groups.append([item(word)]) } else { open?.append(item(word)) }
      }
    }
    guard open == nil else { throw TensorError.invalid("rearranged", "'\(text)': unbalanced parentheses") }
    return groups
  }

  func apply(to tensor: Tensor, _ given: [String: Int]) throws -> Tensor {
    func refuse(_ reason: String) -> TensorError {
      .invalid("rearranged", "'\(text)' for \(tensor.summary): \(reason)")
    }
    let shape = tensor.shape
    let hasRest = left.contains([.rest])
    let plain = left.count - (hasRest ? 1 : 0)
    guard hasRest ? shape.count >= plain : shape.count == plain else {
      throw refuse("the pattern has \(plain) axes")
    }
    // Axes of the tensor split into the names of the left side.
    var split: [Int] = []
    var place: [Item: [Int]] = [:]
    var lengths = given
    var axis = 0
    for group in left {
      if group == [.rest] {
        let count = shape.count - plain
        place[.rest] = Array(split.count..<split.count + count)
        split += shape[axis..<axis + count]
        axis += count
        continue
      }
      let size = shape[axis]
      axis += 1
      var known = 1
      var unknown: String?
      for case .axis(let name) in group {
        if let length = lengths[name] {
          known *= length
        } else if group.count == 1 {
          unknown = name
        } else if unknown == nil {
          unknown = name
        } else {
          throw refuse("the lengths of '\(unknown ?? "")' and '\(name)' are both unknown")
        }
      }
      guard unknown != nil ? known > 0 && size % known == 0 : size == known else {
        throw refuse("an axis of length \(size) does not fit \(known)")
      }
      if let unknown { lengths[unknown] = size / known }
      for item in group {
        guard case .axis(let name) = item, let length = lengths[name] else { continue }
        place[item] = [split.count]
        split.append(length)
      }
    }
    for name in given.keys where place[.axis(name)] == nil { throw refuse("there is no axis '\(name)'") }
    let order = right.flatMap(\.self).flatMap { place[$0] ?? [] }
    let joined = right.flatMap { group in
      group == [.rest]
        ? (place[.rest] ?? []).map { split[$0] } : [group.flatMap { place[$0] ?? [] }.reduce(1) { $0 * split[$1] }]
    }
    var result = split == shape ? tensor : try tensor.reshaped(split)
    if order != Array(0..<order.count) { result = try result.permuted(order) }
    return joined == result.shape ? result : try result.reshaped(joined)
  }
}
