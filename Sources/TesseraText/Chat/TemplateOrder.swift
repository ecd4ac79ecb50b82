/// Equality, order and membership as Python defines them.
enum TemplateOrder {
  static func areEqual(_ left: TemplateValue, _ right: TemplateValue) -> Bool {
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let a), .string(let b)): return a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      return a === b || a.items.count == b.items.count && zip(a.items, b.items).allSatisfy { areEqual($0, $1) }
    case (.dict(let a), .dict(let b)): return areEqual(a, b)
    case (.object(let a as TemplateRange), .object(let b as TemplateRange)):
      return a.count == b.count && (a.count == 0 || a.start == b.start && (a.count == 1 || a.step == b.step))
    case (.object(let a), .object(let b)): return a === b
    default:
      if let a = left.integer, let b = right.integer { return a == b }
      if let a = left.double, let b = right.double { return a == b }
      return false
    }
  }

  private static func areEqual(_ a: TemplateDict, _ b: TemplateDict) -> Bool {
    if a === b { return true }
    guard a.entries.count == b.entries.count else { return false }
    return a.entries.allSatisfy { entry in
      guard let key = try? TemplateKey(entry.key), let other = b[key] else { return false }
      return areEqual(entry.value, other)
    }
  }

  /// Whether the left value comes first.
  ///
  /// - Throws: when the values have no order.
  static func isLess(_ left: TemplateValue, _ right: TemplateValue) throws -> Bool {
    switch (left, right) {
    case (.undefined(let missing), _), (_, .undefined(let missing)): throw TemplateFault.undefined(missing)
    case (.string(let a), .string(let b)): return a < b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
      for (x, y) in zip(a.items, b.items) where !areEqual(x, y) { return try isLess(x, y) }
      return a.items.count < b.items.count
    default:
      if let a = left.integer, let b = right.integer { return a < b }
      if let a = left.double, let b = right.double { return a < b }
      throw TemplateFault.type("values of type '\(left.typeName)' and '\(right.typeName)' have no order")
    }
  }

  static func compare(_ operation: TemplateComparison, _ left: TemplateValue, _ right: TemplateValue) throws -> Bool {
    switch operation {
    case .equal: return areEqual(left, right)
    case .notEqual: return !areEqual(left, right)
    case .less: return try isLess(left, right)
    case .greater: return try isLess(right, left)
    case .lessOrEqual: return try isLessOrEqual(left, right)
    case .greaterOrEqual: return try isLessOrEqual(right, left)
    case .isIn: return try contains(right, left)
    case .isNotIn: return try !contains(right, left)
    }
  }

  /// Not the opposite of the reversed order, because nothing is less than or equal to NaN.
  private static func isLessOrEqual(_ left: TemplateValue, _ right: TemplateValue) throws -> Bool {
    let isLess = try isLess(left, right)
    return isLess || areEqual(left, right)
  }

  static func contains(_ container: TemplateValue, _ element: TemplateValue) throws -> Bool {
    switch container {
    case .string(let text):
      guard let part = element.text else {
        throw TemplateFault.type("'in' a string needs a string, not a value of type '\(element.typeName)'")
      }
      return text.firstIndex(of: part.scalars, in: 0..<text.count) != nil
    case .dict(let dict): return dict[try TemplateKey(element)] != nil
    case .list(let sequence), .tuple(let sequence): return sequence.items.contains { areEqual($0, element) }
    default:
      guard let iterator = try container.iterator() else {
        throw TemplateFault.type("a value of type '\(container.typeName)' contains nothing")
      }
      while let value = try iterator.next() { if areEqual(value, element) { return true } }
      return false
    }
  }

  /// The elements in the order of their keys; equal ones keep their order, in reverse too.
  static func sorted<Element>(
    _ elements: [Element], reversed: Bool = false, by key: (Element) throws -> TemplateValue
  ) throws -> [Element] {
    var keyed: [(key: TemplateValue, element: Element)] = []
    for element in elements { keyed.append((try key(element), element)) }
    let ordered = reversed ? keyed.reversed() : keyed
    let result = try ordered.sorted { try isLess($0.key, $1.key) }.map(\.element)
    return reversed ? result.reversed() : result
  }
}
