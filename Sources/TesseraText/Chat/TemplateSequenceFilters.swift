/// The filters over sequences.
extension TemplateFilters {
  /// A function that follows a path such as `user.name` or `items.0` through a value.
  private static func getter(
    _ attribute: TemplateValue, default missing: TemplateValue? = nil, _ evaluator: TemplateEvaluator
  ) throws -> (TemplateValue) throws -> TemplateValue {
    let parts = path(attribute)
    return { value in
      var value = value
      for part in parts {
        value = try evaluator.item(part, of: value)
        if let missing, !missing.isNone, value.isUndefined { value = missing }
      }
      return value
    }
  }

  private static func path(_ attribute: TemplateValue) -> [TemplateValue] {
    if attribute.isNone { return [] }
    guard let text = attribute.text else { return [attribute] }
    return text.parts(["."], -1).map { part in
      let name = TemplateText(part)
      if !part.isEmpty, part.allSatisfy(\.isTemplateDigit), let number = Int64(name.string) { return .integer(number) }
      return .string(name)
    }
  }

  private static func folded(_ value: TemplateValue) -> TemplateValue {
    value.text.map { .string($0.lowercased) } ?? value
  }

  /// The key by which elements are compared, from the arguments `case_sensitive` and `attribute`.
  private static func key(
    _ isSensitive: TemplateValue?, _ attribute: TemplateValue?, _ evaluator: TemplateEvaluator
  ) throws -> (TemplateValue) throws -> TemplateValue {
    let get = try getter(attribute ?? .none, evaluator)
    return isSensitive?.isTrue ?? false ? get : { folded(try get($0)) }
  }

  private static func generator(
    _ value: TemplateValue, _ call: TemplateCall, _ step: @escaping () throws -> TemplateValue?
  ) throws -> TemplateValue {
    let depth = (call.positional + call.keywords.map(\.value)).reduce(value.depth) { max($0, $1.depth) }
    return .object(try TemplateGenerator(depth: depth, TemplateIterator(step)))
  }

  /// A generator whose source is only looked at when the first value is asked for.
  private static func lazily(
    _ value: TemplateValue, _ call: TemplateCall, _ evaluator: TemplateEvaluator, skipsFalse: Bool = true,
    _ transform: @escaping () throws -> ((TemplateValue) throws -> TemplateValue?)
  ) throws -> TemplateValue {
    var source: TemplateIterator?
    var apply: ((TemplateValue) throws -> TemplateValue?)?
    return try generator(value, call) { [unowned evaluator] in
      if source == nil {
        let isSkipped = skipsFalse && !value.isTrue
        source = isSkipped ? TemplateIterator([]) : try evaluator.iterator(of: value)
        if !isSkipped { apply = try transform() }
      }
      while let item = try source?.next() {
        try evaluator.charge(1)
        if let result = try apply?(item) { return result }
      }
      return nil
    }
  }

  private static func map(_ value: TemplateValue, _ call: TemplateCall, _ evaluator: TemplateEvaluator) throws
    -> TemplateValue
  {
    try lazily(value, call, evaluator) { [unowned evaluator] in
      if call.positional.isEmpty, let attribute = call.keywords.first(where: { $0.name == "attribute" }) {
        if let other = call.keywords.first(where: { $0.name != "attribute" && $0.name != "default" }) {
          throw TemplateFault.type("'map' takes no argument '\(other.name)'")
        }
        let missing = call.keywords.first { $0.name == "default" }?.value
        return try getter(attribute.value, default: missing, evaluator)
      }
      guard let name = call.positional.first else { throw TemplateFault.type("'map' needs the name of a filter") }
      let filter = try TemplateStringMethods.text(name).string
      let rest = TemplateCall(positional: Array(call.positional.dropFirst()), keywords: call.keywords)
      return { item in try evaluator.deeper { try evaluator.apply(filter: filter, to: item, rest) } }
    }
  }

  private static func select(keeping wanted: Bool, byAttribute: Bool) -> Filter {
    { value, call, evaluator in
      try lazily(value, call, evaluator) { [unowned evaluator] in
        var arguments = call.positional[...]
        var get: (TemplateValue) throws -> TemplateValue = { $0 }
        if byAttribute {
          guard let attribute = arguments.popFirst() else { throw TemplateFault.type("the attribute is missing") }
          get = try getter(attribute, evaluator)
        }
        guard let name = arguments.popFirst() else {
          return { item in try get(item).isTrue == wanted ? item : nil }
        }
        let test = try TemplateStringMethods.text(name).string
        let rest = TemplateCall(positional: Array(arguments), keywords: call.keywords)
        return { item in try evaluator.apply(test: test, to: try get(item), rest) == wanted ? item : nil }
      }
    }
  }

  private static func extreme(_ isBetter: @escaping @Sendable (TemplateValue, TemplateValue) throws -> Bool) -> Filter {
    { value, call, evaluator in
      let values = try call.bound("min and max", ["case_sensitive", "attribute"])
      let key = try key(values[0], values[1], evaluator)
      let items = try evaluator.elements(of: value)
      guard var best = items.first else { return .undefined("No aggregated item, sequence was empty.") }
      var bestKey = try key(best)
      for item in items.dropFirst() {
        let itemKey = try key(item)
        if try isBetter(itemKey, bestKey) { (best, bestKey) = (item, itemKey) }
      }
      return best
    }
  }

  static let sequenceFilters: [String: Filter] = [
    "map": map,
    "select": select(keeping: true, byAttribute: false), "reject": select(keeping: false, byAttribute: false),
    "selectattr": select(keeping: true, byAttribute: true), "rejectattr": select(keeping: false, byAttribute: true),
    "min": extreme { try TemplateOrder.isLess($0, $1) }, "max": extreme { try TemplateOrder.isLess($1, $0) },
    "length": length, "count": length,
    "default": fallback, "d": fallback,
    "first": { value, call, evaluator in
      _ = try call.bound("first", [])
      return try evaluator.iterator(of: value).next() ?? .undefined("No first item, sequence was empty.")
    },
    "last": { value, call, evaluator in
      _ = try call.bound("last", [])
      guard try isReversible(value) else { throw TemplateFault.type("'last' needs a sequence") }
      return try evaluator.elements(of: value).last ?? .undefined("No last item, sequence was empty.")
    },
    "list": { value, call, evaluator in
      _ = try call.bound("list", [])
      return try .list(evaluator.elements(of: value))
    },
    "join": { value, call, evaluator in
      let values = try call.bound("join", ["d", "attribute"])
      var items = try evaluator.elements(of: value)
      if let attribute = values[1], !attribute.isNone { items = try items.map(try getter(attribute, evaluator)) }
      let separator = try values[0]?.printed().plain ?? TemplateText([])
      return .string(try evaluator.joined(try items.map { try $0.printed() }, with: separator))
    },
    "reverse": { value, call, evaluator in
      _ = try call.bound("reverse", [])
      if case .string(let text) = value {
        return .string(TemplateText(text.scalars.reversed(), markup: text.isMarkup))
      }
      let items = try evaluator.elements(of: value)
      // What cannot be read backwards becomes a list first.
      guard try isReversible(value), !value.isUndefined else { return try .list(items.reversed()) }
      let iterator = TemplateIterator(items.reversed())
      return try generator(value, call) { try iterator.next() }
    },
    "sort": { value, call, evaluator in
      let values = try call.bound("sort", ["reverse", "case_sensitive", "attribute"])
      let items = try evaluator.elements(of: value)
      try evaluator.charge(items.count * 4)
      var paths = [values[2] ?? .none]
      if let text = values[2]?.text { paths = text.parts([","], -1).map { .string(TemplateText($0)) } }
      let keys = try paths.map { try key(values[1], $0, evaluator) }
      return try .list(
        TemplateOrder.sorted(items, reversed: values[0]?.isTrue ?? false) { item in
          try .list(keys.map { try $0(item) })
        })
    },
    "unique": { value, call, evaluator in
      let values = try call.bound("unique", ["case_sensitive", "attribute"])
      var seen: Set<TemplateKey> = []
      return try lazily(value, call, evaluator, skipsFalse: false) { [unowned evaluator] in
        let key = try key(values[0], values[1], evaluator)
        return { item in seen.insert(try TemplateKey(try key(item))).inserted ? item : nil }
      }
    },
    "items": { value, call, evaluator in
      _ = try call.bound("items", [])
      var index = 0
      return try generator(value, call) { [unowned evaluator] in
        if value.isUndefined { return nil }
        guard case .dict(let dict) = value else { throw TemplateFault.type("'items' needs a mapping") }
        guard index < dict.entries.count else { return nil }
        try evaluator.charge(1)
        index += 1
        return try .tuple([dict.entries[index - 1].key, dict.entries[index - 1].value])
      }
    },
    "dictsort": { value, call, evaluator in
      let values = try call.bound("dictsort", ["case_sensitive", "by", "reverse"])
      guard case .dict(let dict) = value else { throw TemplateFault.type("'dictsort' needs a dict") }
      let by = values[1]?.text?.string ?? (values[1] == nil ? "key" : "")
      guard by == "key" || by == "value" else { throw TemplateFault.type("'by' must be \"key\" or \"value\"") }
      let isSensitive = values[0]?.isTrue ?? false
      try evaluator.charge(dict.entries.count * 4)
      let sorted = try TemplateOrder.sorted(dict.entries, reversed: values[2]?.isTrue ?? false) { entry in
        let part = by == "key" ? entry.key : entry.value
        return isSensitive ? part : folded(part)
      }
      return try .list(sorted.map { try .tuple([$0.key, $0.value]) })
    },
    "batch": { value, call, evaluator in
      let values = try call.bound("batch", ["linecount", "fill_with"], required: 1)
      return try lists(value, call) { [unowned evaluator] in
        try batches(try evaluator.elements(of: value), try number(values[0], 1), values[1], evaluator)
      }
    },
    "slice": { value, call, evaluator in
      let values = try call.bound("slice", ["slices", "fill_with"], required: 1)
      return try lists(value, call) { [unowned evaluator] in
        try slices(try evaluator.elements(of: value), try number(values[0], 1), values[1], evaluator)
      }
    },
    "sum": { value, call, evaluator in
      let values = try call.bound("sum", ["attribute", "start"])
      var items = try evaluator.elements(of: value)
      if let attribute = values[0], !attribute.isNone { items = try items.map(try getter(attribute, evaluator)) }
      if case .string? = values[1] { throw TemplateFault.type("'sum' does not add strings") }
      return try items.reduce(values[1] ?? .integer(0)) { try evaluator.arithmetic(.add, $0, $1) }
    },
    "groupby": groupBy,
    "attr": { value, call, evaluator in
      guard let name = try call.bound("attr", ["name"], required: 1)[0] else { return .none }
      if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
      let text = try TemplateStringMethods.text(name)
      return try evaluator.method(text, of: value)
        ?? .undefined("a value of type '\(value.typeName)' has no attribute '\(text.string)'")
    },
  ]

  private static let length: Filter = { value, call, _ in
    _ = try call.bound("length", [])
    guard let length = value.length else {
      throw TemplateFault.type("a value of type '\(value.typeName)' has no length")
    }
    return .integer(Int64(length))
  }

  private static let fallback: Filter = { value, call, _ in
    let values = try call.bound("default", ["default_value", "boolean"])
    let isMissing = value.isUndefined || values[1]?.isTrue ?? false && !value.isTrue
    return isMissing ? values[0] ?? TemplateValue("") : value
  }

  private static func isReversible(_ value: TemplateValue) throws -> Bool {
    switch value {
    case .list, .tuple, .dict, .string, .undefined: return true
    case .object(let object): return object.isSequence || object is TemplateDictView
    default: return false
    }
  }

  /// A generator of lists that are made when the first is asked for.
  private static func lists(
    _ value: TemplateValue, _ call: TemplateCall, _ make: @escaping () throws -> [[TemplateValue]]
  ) throws -> TemplateValue {
    var iterator: TemplateIterator?
    return try generator(value, call) {
      if iterator == nil { iterator = TemplateIterator(try make().map { try .list($0) }) }
      return try iterator?.next()
    }
  }

  private static func batches(
    _ items: [TemplateValue], _ size: Int, _ fill: TemplateValue?, _ evaluator: TemplateEvaluator
  ) throws -> [[TemplateValue]] {
    var chunks: [[TemplateValue]] = []
    for item in items {
      if chunks.isEmpty || chunks[chunks.count - 1].count == size { chunks.append([]) }
      chunks[chunks.count - 1].append(item)
    }
    if let fill, !fill.isNone, let last = chunks.last, last.count < size {
      try evaluator.charge(elements: size)
      chunks[chunks.count - 1] += Array(repeating: fill, count: size - last.count)
    }
    return chunks
  }

  private static func slices(
    _ items: [TemplateValue], _ count: Int, _ fill: TemplateValue?, _ evaluator: TemplateEvaluator
  ) throws -> [[TemplateValue]] {
    guard count != 0 else { throw TemplateFault.type("'slice' needs at least one slice") }
    try evaluator.charge(elements: count)
    var start = 0
    var slices: [[TemplateValue]] = []
    for index in 0..<max(0, count) {
      let isLonger = index < items.count % count
      let end = start + items.count / count + (isLonger ? 1 : 0)
      var slice = Array(items[start..<end])
      if let fill, !fill.isNone, !isLonger { slice.append(fill) }
      slices.append(slice)
      start = end
    }
    return slices
  }

  private static let groupBy: Filter = { value, call, evaluator in
    let values = try call.bound("groupby", ["attribute", "default", "case_sensitive"], required: 1)
    let get = try getter(values[0] ?? .none, default: values[1], evaluator)
    let isSensitive = values[2]?.isTrue ?? false
    let items = try evaluator.elements(of: value)
    try evaluator.charge(items.count * 4)
    let key = { (item: TemplateValue) in isSensitive ? try get(item) : folded(try get(item)) }
    var groups: [(key: TemplateValue, items: [TemplateValue])] = []
    for item in try TemplateOrder.sorted(items, by: key) {
      let itemKey = try key(item)
      if let last = groups.last, TemplateOrder.areEqual(last.key, itemKey) {
        groups[groups.count - 1].items.append(item)
      } else {
        groups.append((itemKey, [item]))
      }
    }
    return try .list(
      groups.map { group in
        let shown = try isSensitive ? group.key : get(group.items[0])
        return .tuple(try TemplateSequence([shown, try .list(group.items)], names: ["grouper", "list"]))
      })
  }
}
