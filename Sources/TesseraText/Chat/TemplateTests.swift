/// The tests that follow `is`.
enum TemplateTests {
  typealias Test = @Sendable (TemplateValue, TemplateCall, TemplateEvaluator) throws -> Bool

  static let table: [String: Test] = kindTests.merging(comparisonTests) { $1 }
  static let names = Set(table.keys)

  private static func kind(_ body: @escaping @Sendable (TemplateValue) throws -> Bool) -> Test {
    { value, call, _ in
      _ = try call.bound("the test", [])
      return try body(value)
    }
  }

  private static func comparison(_ operation: TemplateComparison) -> Test {
    { value, call, evaluator in
      guard let other = try call.bound("the test", ["other"], required: 1)[0] else { return false }
      try evaluator.charge(min(value.weight, other.weight) / 16)
      return try TemplateOrder.compare(operation, value, other)
    }
  }

  private static func remainder(_ divisor: Int64?, is wanted: Int64) -> Test {
    { value, call, evaluator in
      var divisor = TemplateValue.integer(divisor ?? 0)
      if case .integer(0) = divisor {
        divisor = try call.bound("divisibleby", ["num"], required: 1)[0] ?? divisor
      } else {
        _ = try call.bound("the test", [])
      }
      return TemplateOrder.areEqual(try evaluator.arithmetic(.modulo, value, divisor), .integer(wanted))
    }
  }

  private static let kindTests: [String: Test] = [
    "defined": kind { !$0.isUndefined }, "undefined": kind(\.isUndefined), "none": kind(\.isNone),
    "boolean": kind { if case .bool = $0 { true } else { false } },
    "true": kind { if case .bool(true) = $0 { true } else { false } },
    "false": kind { if case .bool(false) = $0 { true } else { false } },
    "integer": kind { if case .integer = $0 { true } else { false } },
    "float": kind { if case .float = $0 { true } else { false } },
    "number": kind { $0.double != nil },
    "string": kind { $0.text != nil },
    "mapping": kind { if case .dict = $0 { true } else { false } },
    "sequence": kind { value in
      switch value {
      case .list, .tuple, .dict, .string, .undefined: true
      case .object(let object): object.isSequence
      default: false
      }
    },
    "iterable": kind { value in
      if case .object(let object) = value, object is TemplateLoopObject { return true }
      return try value.iterator() != nil
    },
    "callable": kind { value in
      if case .object(let object) = value { return object.isCallable }
      return value.isUndefined
    },
    "escaped": kind { $0.text?.isMarkup ?? false },
    "upper": kind { try $0.printed().isUppercase }, "lower": kind { try $0.printed().isLowercase },
    "odd": remainder(2, is: 1), "even": remainder(2, is: 0), "divisibleby": remainder(nil, is: 0),
    "filter": kind { $0.text.map { TemplateFilters.names.contains($0.string) } ?? false },
    "test": kind { $0.text.map { names.contains($0.string) } ?? false },
  ]

  private static let comparisonTests: [String: Test] = [
    "eq": comparison(.equal), "equalto": comparison(.equal), "==": comparison(.equal),
    "ne": comparison(.notEqual), "!=": comparison(.notEqual),
    "lt": comparison(.less), "lessthan": comparison(.less), "<": comparison(.less),
    "le": comparison(.lessOrEqual), "<=": comparison(.lessOrEqual),
    "gt": comparison(.greater), "greaterthan": comparison(.greater), ">": comparison(.greater),
    "ge": comparison(.greaterOrEqual), ">=": comparison(.greaterOrEqual),
    "in": comparison(.isIn),
    "sameas": { value, call, _ in
      guard let other = try call.bound("sameas", ["other"], required: 1)[0] else { return false }
      return isSame(value, other)
    },
  ]

  private static func isSame(_ left: TemplateValue, _ right: TemplateValue) -> Bool {
    switch (left, right) {
    case (.none, .none): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.float(let a), .float(let b)): a == b
    case (.string(let a), .string(let b)): a == b
    case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)): a === b || a.items.isEmpty && b.items.isEmpty
    case (.dict(let a), .dict(let b)): a === b
    case (.object(let a), .object(let b)): a === b
    case (.undefined(let a), .undefined(let b)): a === b
    default: false
    }
  }
}
