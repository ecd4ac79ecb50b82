/// The methods of lists, tuples, dicts and numbers. Those that would change the value are refused.
enum TemplateMethods {
  private static let changingLists: Set<String> = [
    "append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove",
  ]
  private static let changingDicts: Set<String> = ["clear", "pop", "popitem", "setdefault", "update"]

  private static func refused(_ name: String) -> TemplateValue {
    .undefined("'\(name)' would change the value, which templates must not do")
  }

  private static func function(
    _ name: String, _ depth: Int, _ body: @escaping TemplateFunction.Body
  ) throws -> TemplateValue {
    .object(try TemplateFunction(name, boundDepth: depth, body))
  }

  static func method(_ name: String, of value: TemplateValue, _ sequence: TemplateSequence) throws -> TemplateValue? {
    if let index = sequence.names.firstIndex(of: name) { return sequence.items[index] }
    if case .list = value, changingLists.contains(name) { return refused(name) }
    switch name {
    case "count":
      return try function(name, sequence.depth) { call, evaluator in
        let element = try one(call, name)
        try evaluator.charge(sequence.weight / 16)
        return .integer(Int64(sequence.items.count { TemplateOrder.areEqual($0, element) }))
      }
    case "index":
      return try function(name, sequence.depth) { call, evaluator in
        try evaluator.charge(sequence.weight / 16)
        return try index(call, in: sequence.items)
      }
    case "copy":
      if case .list = value { return try function(name, sequence.depth) { _, _ in value } }
      return nil
    default: return nil
    }
  }

  private static func one(_ call: TemplateCall, _ name: String) throws -> TemplateValue {
    guard call.positional.count == 1, call.keywords.isEmpty else {
      throw TemplateFault.type("'\(name)' needs one argument")
    }
    return call.positional[0]
  }

  private static func index(_ call: TemplateCall, in items: [TemplateValue]) throws -> TemplateValue {
    guard (1...3).contains(call.positional.count), call.keywords.isEmpty else {
      throw TemplateFault.type("'index' needs one to three arguments")
    }
    let bounds = try call.positional.dropFirst().map { bound -> Int in
      guard let number = bound.integer else { throw TemplateFault.type("the bounds of 'index' must be integers") }
      return Int(number)
    }
    let (start, end) = TemplateEvaluator.bounds(items.count, bounds.first, bounds.count > 1 ? bounds[1] : nil, 1)
    for place in stride(from: start, to: end, by: 1)
    where TemplateOrder.areEqual(items[place], call.positional[0]) {
      return .integer(Int64(place))
    }
    throw TemplateFault.type("the value is not in the list")
  }

  static func method(_ name: String, of dict: TemplateDict) throws -> TemplateValue? {
    if changingDicts.contains(name) { return refused(name) }
    switch name {
    case "get":
      return try function(name, dict.depth) { call, _ in
        guard (1...2).contains(call.positional.count), call.keywords.isEmpty else {
          throw TemplateFault.type("'get' needs one or two arguments")
        }
        let missing = call.positional.count > 1 ? call.positional[1] : .none
        return dict[try TemplateKey(call.positional[0])] ?? missing
      }
    case "keys", "values", "items":
      guard let part = TemplateDictView.Part(rawValue: name) else { return nil }
      return try function(name, dict.depth) { call, evaluator in
        _ = try call.bound(name, [])
        try evaluator.charge(elements: dict.entries.count)
        return .object(try TemplateDictView(dict, part))
      }
    case "copy": return try function(name, dict.depth) { _, _ in .dict(dict) }
    default: return nil
    }
  }

  static func number(_ name: String, of value: TemplateValue) throws -> TemplateValue? {
    switch (name, value) {
    case ("real", .float): return value
    case ("imag", .float): return .float(0)
    case ("real", _), ("numerator", .integer), ("numerator", .bool): return value.integer.map { .integer($0) }
    case ("imag", _): return .integer(0)
    case ("denominator", .integer), ("denominator", .bool): return .integer(1)
    case ("is_integer", _):
      return try function(name, 0) { _, _ in
        if case .float(let number) = value { return .bool(number.isFinite && number == number.rounded()) }
        return .bool(true)
      }
    case ("bit_length", .integer), ("bit_length", .bool):
      let magnitude = (value.integer ?? 0).magnitude
      return try function(name, 0) { _, _ in .integer(Int64(UInt64.bitWidth - magnitude.leadingZeroBitCount)) }
    default: return nil
    }
  }
}
