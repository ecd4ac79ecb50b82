/// The filters of chat templates. Those over sequences stand in a file of their own.
enum TemplateFilters {
  typealias Filter = @Sendable (TemplateValue, TemplateCall, TemplateEvaluator) throws -> TemplateValue

  static let table: [String: Filter] =
    textFilters.merging(numberFilters) { $1 }.merging(sequenceFilters) { $1 }.merging(markupFilters) { $1 }
    .merging(refusedFilters) { $1 }
  static let names = Set(table.keys)

  /// A filter that gives another text and takes no arguments.
  private static func plain(_ body: @escaping @Sendable (TemplateText) -> TemplateText) -> Filter {
    { value, call, _ in
      _ = try call.bound("the filter", [])
      return .string(body(try value.printed()))
    }
  }

  static func number(_ value: TemplateValue?, _ missing: Int) throws -> Int {
    guard let value else { return missing }
    return try TemplateStringMethods.number(value)
  }

  private static let textFilters: [String: Filter] = [
    "upper": plain(\.uppercased), "lower": plain(\.lowercased), "capitalize": plain(\.capitalized),
    "title": plain(\.titledWords), "string": plain { $0 },
    "trim": { value, call, _ in
      let chars = try call.bound("trim", ["chars"])[0]
      let text = try value.printed()
      guard let chars, !chars.isNone else { return .string(text.stripped()) }
      let set = Set(try TemplateStringMethods.text(chars).scalars)
      return .string(text.stripped { set.contains($0) })
    },
    "replace": { value, call, evaluator in
      let values = try call.bound("replace", ["old", "new", "count"], required: 2)
      let (old, new) = (try values[0]?.printed(), try values[1]?.printed())
      let count = try values[2].flatMap { $0.isNone ? nil : try number($0, -1) } ?? -1
      let text = try value.printed().plain
      return .string(
        try evaluator.replacing(old ?? TemplateText([]), with: new ?? TemplateText([]), in: text, count: count))
    },
    "center": { value, call, evaluator in
      let width = try number(try call.bound("center", ["width"])[0], 80)
      let text = try value.printed()
      guard width > text.count else { return .string(text) }
      try evaluator.charge(scalars: width)
      let left = TemplateStringMethods.centerMargin(width - text.count, width)
      let before = [Unicode.Scalar](repeating: " ", count: left)
      let after = [Unicode.Scalar](repeating: " ", count: width - text.count - left)
      return .string(TemplateText(before + text.scalars + after, markup: text.isMarkup))
    },
    "indent": { value, call, evaluator in .string(try indented(value, call, evaluator)) },
    "truncate": { value, call, _ in try truncated(value, call) },
    "wordcount": { value, call, _ in
      _ = try call.bound("wordcount", [])
      var count: Int64 = 0
      var isInside = false
      for scalar in try value.printed().scalars {
        let isWord = scalar == "_" || scalar.isTemplateAlphanumeric
        if isWord, !isInside { count += 1 }
        isInside = isWord
      }
      return .integer(count)
    },
    "format": { value, call, evaluator in
      guard call.positional.isEmpty || call.keywords.isEmpty else {
        throw TemplateFault.type("'format' takes values with names or without, not both")
      }
      let values: TemplateValue =
        call.keywords.isEmpty
        ? try .tuple(call.positional)
        : .dict(try TemplateDict(call.keywords.map { (TemplateValue($0.name), $0.value) }))
      return try evaluator.percentFormat(try value.printed(), values)
    },
    "tojson": { value, call, evaluator in .string(try json(value, call, evaluator)) },
    "pprint": { value, call, evaluator in
      _ = try call.bound("pprint", ["verbose"])
      let text = try value.withSortedKeys().representation()
      guard text.count <= 80 else { throw TemplateFault.unsupported("'pprint' of a value that takes several lines") }
      return .string(text)
    },
  ]

  private static func indented(_ value: TemplateValue, _ call: TemplateCall, _ evaluator: TemplateEvaluator) throws
    -> TemplateText
  {
    let values = try call.bound("indent", ["width", "first", "blank"])
    let text = try TemplateStringMethods.text(value)
    var indent: [Unicode.Scalar]
    if case .string(let width)? = values[0] {
      indent = text.isMarkup ? width.escapedForHTML.scalars : width.scalars
    } else {
      let width = max(0, try number(values[0], 4))
      try evaluator.charge(scalars: width)
      indent = Array(repeating: " ", count: width)
    }
    let blank = values[2]?.isTrue ?? false
    var result: [Unicode.Scalar] = values[1]?.isTrue ?? false ? indent : []
    for (index, line) in TemplateText(text.scalars + ["\n"]).lines().enumerated() {
      if index > 0 {
        result.append("\n")
        if blank || !line.isEmpty { result += indent }
      }
      result += line.scalars
      if result.count > evaluator.limits.outputBytes { break }
    }
    try evaluator.charge(scalars: result.count)
    return TemplateText(result, markup: text.isMarkup)
  }

  private static func truncated(_ value: TemplateValue, _ call: TemplateCall) throws -> TemplateValue {
    let values = try call.bound("truncate", ["length", "killwords", "end", "leeway"])
    let length = try number(values[0], 255)
    let end = try values[2].map { try TemplateStringMethods.text($0).scalars } ?? [".", ".", "."]
    let leeway = try values[3].flatMap { $0.isNone ? nil : try number($0, 5) } ?? 5
    guard length >= end.count, leeway >= 0 else {
      throw TemplateFault.type("'truncate' needs a length of at least \(end.count) and a leeway that is not negative")
    }
    // Anything that is short enough passes, text or not.
    if let count = value.length, count <= length.addingReportingOverflow(leeway).partialValue { return value }
    let text = try TemplateStringMethods.text(value)
    var kept = TemplateText(text.scalars.prefix(length - end.count))
    if !(values[1]?.isTrue ?? false), let space = kept.scalars.lastIndex(of: " ") {
      kept = TemplateText(kept.scalars[..<space])
    }
    return .string(TemplateText(kept.scalars + end))
  }

  private static func json(_ value: TemplateValue, _ call: TemplateCall, _ evaluator: TemplateEvaluator) throws
    -> TemplateText
  {
    let values = try call.bound("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
    var indent: TemplateText?
    switch values[1] {
    case .string(let text)?: indent = text
    case .some(let width) where !width.isNone:
      let width = max(0, try number(width, 0))
      try evaluator.charge(scalars: width)
      indent = TemplateText([Unicode.Scalar](repeating: " ", count: width))
    default: break
    }
    if let indent {
      let (most, overflow) = indent.count.multipliedReportingOverflow(by: value.weight)
      try evaluator.charge(scalars: overflow ? Int.max : most)
    }
    var separators: (item: TemplateText, key: TemplateText)?
    if let pair = values[2], !pair.isNone {
      let items = try evaluator.elements(of: pair)
      guard items.count == 2 else { throw TemplateFault.type("'separators' must be two strings") }
      separators = (try TemplateStringMethods.text(items[0]), try TemplateStringMethods.text(items[1]))
    }
    var writer = TemplateJSONWriter(
      indent: indent, separators: separators, sortsKeys: values[3]?.isTrue ?? false,
      isASCII: values[0]?.isTrue ?? false)
    let text = try writer.text(of: value)
    try evaluator.charge(scalars: text.count)
    return text
  }

  private static let numberFilters: [String: Filter] = [
    "abs": { value, call, evaluator in
      _ = try call.bound("abs", [])
      if case .float(let number) = value { return .float(number.magnitude) }
      guard let number = value.integer else { throw TemplateFault.type("'abs' needs a number") }
      return number < 0 ? try evaluator.negated(value) : .integer(number)
    },
    "int": { value, call, _ in
      let values = try call.bound("int", ["default", "base"])
      let base = try number(values[1], 10)
      return try TemplateNumbers.integer(from: value, base: base) ?? values[0] ?? .integer(0)
    },
    "float": { value, call, _ in
      let missing = try call.bound("float", ["default"])[0]
      if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
      if case .string(let text) = value {
        return TemplateNumbers.double(from: text).map { .float($0) } ?? missing ?? .float(0)
      }
      return value.double.map { .float($0) } ?? missing ?? .float(0)
    },
    "round": { value, call, _ in
      let values = try call.bound("round", ["precision", "method"])
      let precision = try number(values[0], 0)
      let method = try values[1].map { try TemplateStringMethods.text($0).string } ?? "common"
      return try TemplateNumbers.rounded(value, precision, method)
    },
    "filesizeformat": { value, call, _ in
      let isBinary = try call.bound("filesizeformat", ["binary"])[0]?.isTrue ?? false
      return .string(try TemplateNumbers.fileSize(value, isBinary))
    },
  ]

  private static let refusedFilters: [String: Filter] = [
    "random": { _, _, _ in throw TemplateFault.unsupported("the filter 'random' is not supported") },
    "urlize": { _, _, _ in throw TemplateFault.unsupported("the filter 'urlize' is not supported") },
    "wordwrap": { _, _, _ in throw TemplateFault.unsupported("the filter 'wordwrap' is not supported") },
  ]
}

extension TemplateText {
  /// Every word with its first letter in upper case; words begin after white space and opening brackets.
  fileprivate var titledWords: TemplateText {
    var result: [Unicode.Scalar] = []
    var start = 0
    func isBoundary(_ scalar: Unicode.Scalar) -> Bool {
      scalar.isTemplateSpace || ["-", "(", "{", "[", "<"].contains(scalar)
    }
    while start < count {
      var end = start
      let kind = isBoundary(scalars[start])
      while end < count, isBoundary(scalars[end]) == kind { end += 1 }
      result += scalars[start].properties.uppercaseMapping.unicodeScalars
      result += TemplateText(scalars[(start + 1)..<end]).lowercased.scalars
      start = end
    }
    return TemplateText(result, markup: isMarkup)
  }
}

extension TemplateValue {
  /// The value with the members of all dicts in the order of their keys, as `pprint` shows them.
  fileprivate func withSortedKeys() throws -> TemplateValue {
    switch self {
    case .list(let sequence): return try .list(sequence.items.map { try $0.withSortedKeys() })
    case .tuple(let sequence): return try .tuple(sequence.items.map { try $0.withSortedKeys() })
    case .dict(let dict):
      let entries = try TemplateOrder.sorted(dict.entries) { $0.key }
      return .dict(try TemplateDict(entries.map { ($0.key, try $0.value.withSortedKeys()) }))
    default: return self
    }
  }
}
