/// The methods of strings.
enum TemplateStringMethods {
  typealias Body = (TemplateText, TemplateCall, TemplateEvaluator) throws -> TemplateValue

  static func method(_ name: String, of text: TemplateText) throws -> TemplateValue? {
    guard let body = table[name] else { return nil }
    return .object(
      try TemplateFunction(name) { call, evaluator in
        try evaluator.charge(1 + text.count / 16)
        return try body(text, call, evaluator)
      })
  }

  private static let table:
    [String: @Sendable (TemplateText, TemplateCall, TemplateEvaluator) throws -> TemplateValue] =
      changing.merging(searching) { $1 }.merging(splitting) { $1 }.merging(asking) { $1 }

  // MARK: Arguments

  /// The positional arguments, whose number is checked; Python's string methods take most of theirs without names.
  private static func arguments(_ call: TemplateCall, _ range: ClosedRange<Int>) throws -> [TemplateValue] {
    guard call.keywords.isEmpty, range.contains(call.positional.count) else {
      throw TemplateFault.type("the method takes \(range.lowerBound) to \(range.upperBound) arguments without names")
    }
    return call.positional
  }

  static func text(_ value: TemplateValue) throws -> TemplateText {
    if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
    guard let text = value.text else { throw TemplateFault.type("expected a string, found '\(value.typeName)'") }
    return text
  }

  static func number(_ value: TemplateValue) throws -> Int {
    if case .undefined(let missing) = value { throw TemplateFault.undefined(missing) }
    guard let number = value.integer else {
      throw TemplateFault.type("expected an integer, found '\(value.typeName)'")
    }
    return Int(number)
  }

  private typealias Method = @Sendable (TemplateText, TemplateCall, TemplateEvaluator) throws -> TemplateValue

  // MARK: Methods that give another string

  private static func plain(_ body: @escaping @Sendable (TemplateText) -> TemplateText) -> Method {
    { text, call, evaluator in
      _ = try arguments(call, 0...0)
      return .string(body(text))
    }
  }

  private static func strip(left: Bool, right: Bool) -> Method {
    { text, call, _ in
      guard let first = try arguments(call, 0...1).first, !first.isNone else {
        return .string(text.stripped(left: left, right: right))
      }
      let set = Set(try TemplateStringMethods.text(first).scalars)
      return .string(text.stripped(left: left, right: right) { set.contains($0) })
    }
  }

  private static func justified(_ place: @escaping @Sendable (_ margin: Int, _ width: Int) -> Int) -> Method {
    { text, call, evaluator in
      let arguments = try arguments(call, 1...2)
      let width = try number(arguments[0])
      let fill = arguments.count > 1 ? try TemplateStringMethods.text(arguments[1]).scalars : [" "]
      guard fill.count == 1 else { throw TemplateFault.type("the fill must be one character") }
      guard width > text.count else { return .string(text) }
      try evaluator.charge(scalars: width)
      let left = place(width - text.count, width)
      let before = [Unicode.Scalar](repeating: fill[0], count: left)
      let after = [Unicode.Scalar](repeating: fill[0], count: width - text.count - left)
      return .string(TemplateText(before + text.scalars + after, markup: text.isMarkup))
    }
  }

  /// Where Python puts the odd space of a centred text.
  @Sendable static func centerMargin(_ margin: Int, _ width: Int) -> Int { margin / 2 + (margin & width & 1) }

  private static let changing: [String: Method] = [
    "upper": plain(\.uppercased), "lower": plain(\.lowercased), "casefold": plain(\.lowercased),
    "title": plain(\.titlecased), "capitalize": plain(\.capitalized),
    "swapcase": plain { text in
      TemplateText(
        text.scalars.flatMap { scalar in
          let properties = scalar.properties
          return properties.isUppercase
            ? properties.lowercaseMapping.unicodeScalars : properties.uppercaseMapping.unicodeScalars
        })
    },
    "strip": strip(left: true, right: true), "lstrip": strip(left: true, right: false),
    "rstrip": strip(left: false, right: true),
    "center": justified(centerMargin), "ljust": justified { _, _ in 0 }, "rjust": justified { margin, _ in margin },
    "zfill": { text, call, evaluator in
      let width = try number(try arguments(call, 1...1)[0])
      guard width > text.count else { return .string(text) }
      try evaluator.charge(scalars: width)
      let hasSign = text.scalars.first == "-" || text.scalars.first == "+"
      let zeros = [Unicode.Scalar](repeating: "0", count: width - text.count)
      let sign = hasSign ? Array(text.scalars.prefix(1)) : []
      return .string(TemplateText(sign + zeros + text.scalars.dropFirst(sign.count)))
    },
    "removeprefix": { text, call, _ in
      let prefix = try TemplateStringMethods.text(try arguments(call, 1...1)[0])
      guard text.matches(prefix.scalars, at: 0) else { return .string(text) }
      return .string(TemplateText(text.scalars.dropFirst(prefix.count), markup: text.isMarkup))
    },
    "removesuffix": { text, call, _ in
      let suffix = try TemplateStringMethods.text(try arguments(call, 1...1)[0])
      guard text.matches(suffix.scalars, at: text.count - suffix.count) else { return .string(text) }
      return .string(TemplateText(text.scalars.dropLast(suffix.count), markup: text.isMarkup))
    },
    "replace": { text, call, evaluator in
      let values = try call.bound("replace", ["old", "new", "count"], required: 2)
      let (old, new) = (
        try TemplateStringMethods.text(values[0] ?? .none), try TemplateStringMethods.text(values[1] ?? .none)
      )
      guard !call.keywords.contains(where: { $0.name != "count" }) else {
        throw TemplateFault.type("'replace' takes 'old' and 'new' without names")
      }
      let count = try values[2].map { try number($0) } ?? -1
      return .string(
        try evaluator.replacing(old, with: text.isMarkup ? new.escapedForHTML : new, in: text, count: count))
    },
    "join": { text, call, evaluator in
      let items = try evaluator.elements(of: try arguments(call, 1...1)[0])
      return .string(try evaluator.joined(try items.map { try TemplateStringMethods.text($0) }, with: text))
    },
    "expandtabs": { text, call, evaluator in
      let values = try call.bound("expandtabs", ["tabsize"])
      return .string(try expandingTabs(text, try values[0].map { try number($0) } ?? 8, evaluator))
    },
    "format": { text, call, evaluator in .string(try evaluator.formatted(text, call)) },
    "format_map": { text, call, evaluator in
      guard case .dict(let dict) = try arguments(call, 1...1)[0] else {
        throw TemplateFault.type("'format_map' needs a dict")
      }
      let keywords = dict.entries.compactMap { entry in entry.key.text.map { (name: $0.string, value: entry.value) } }
      return .string(try evaluator.formatted(text, TemplateCall(positional: [], keywords: keywords)))
    },
  ]

  private static func expandingTabs(_ text: TemplateText, _ size: Int, _ evaluator: TemplateEvaluator) throws
    -> TemplateText
  {
    var result: [Unicode.Scalar] = []
    var column = 0
    for scalar in text.scalars {
      if scalar == "\t" {
        guard size > 0 else { continue }
        let width = size - column % size
        try evaluator.charge(scalars: result.count.addingReportingOverflow(width).partialValue)
        result += [Unicode.Scalar](repeating: " ", count: width)
        column += width
      } else {
        result.append(scalar)
        column = scalar == "\n" || scalar == "\r" ? 0 : column + 1
      }
    }
    return TemplateText(result, markup: text.isMarkup)
  }

  // MARK: Methods that look for something

  /// The part of the text that the optional bounds at `index` of the arguments select.
  private static func range(_ values: [TemplateValue], from index: Int, _ count: Int) throws -> Range<Int>? {
    func bound(_ place: Int) throws -> Int? {
      guard place < values.count, !values[place].isNone else { return nil }
      return try number(values[place])
    }
    let start = try bound(index)
    if let start, start > count { return nil }
    let (first, last) = TemplateEvaluator.bounds(count, start, try bound(index + 1), 1)
    return first <= last ? first..<last : nil
  }

  private static func find(last: Bool, orFail: Bool) -> Method {
    { text, call, _ in
      let values = try arguments(call, 1...3)
      let needle = try TemplateStringMethods.text(values[0]).scalars
      let range = try range(values, from: 1, text.count)
      let found = range.flatMap { last ? text.lastIndex(of: needle, in: $0) : text.firstIndex(of: needle, in: $0) }
      if found == nil, orFail { throw TemplateFault.type("the substring is not found") }
      return .integer(Int64(found ?? -1))
    }
  }

  private static func affix(_ isPrefix: Bool) -> Method {
    { text, call, _ in
      let values = try arguments(call, 1...3)
      var candidates = [values[0]]
      if case .tuple(let sequence) = values[0] { candidates = sequence.items }
      let texts = try candidates.map { try TemplateStringMethods.text($0).scalars }
      guard let range = try range(values, from: 1, text.count) else { return .bool(false) }
      return .bool(
        texts.contains { part in
          part.count <= range.count
            && text.matches(part, at: isPrefix ? range.lowerBound : range.upperBound - part.count)
        })
    }
  }

  private static let searching: [String: Method] = [
    "find": find(last: false, orFail: false), "rfind": find(last: true, orFail: false),
    "index": find(last: false, orFail: true), "rindex": find(last: true, orFail: true),
    "startswith": affix(true), "endswith": affix(false),
    "count": { text, call, _ in
      let values = try arguments(call, 1...3)
      let needle = try TemplateStringMethods.text(values[0]).scalars
      guard var range = try range(values, from: 1, text.count) else { return .integer(0) }
      if needle.isEmpty { return .integer(Int64(range.count + 1)) }
      var count: Int64 = 0
      while let found = text.firstIndex(of: needle, in: range) {
        count += 1
        range = found + needle.count..<range.upperBound
      }
      return .integer(count)
    },
  ]

  // MARK: Methods that divide

  private static func pieces(_ text: TemplateText, _ pieces: [ArraySlice<Unicode.Scalar>]) throws -> TemplateValue {
    try .list(pieces.map { .string(TemplateText($0, markup: text.isMarkup)) })
  }

  private static func split(fromRight: Bool) -> Method {
    { text, call, evaluator in
      let values = try call.bound("split", ["sep", "maxsplit"])
      let limit = try values[1].map { try number($0) } ?? -1
      try evaluator.charge(text.count / 4)
      guard let separator = values[0], !separator.isNone else {
        return try pieces(text, fromRight ? text.wordsFromRight(limit) : text.words(limit))
      }
      let scalars = try TemplateStringMethods.text(separator).scalars
      guard !scalars.isEmpty else { throw TemplateFault.type("the separator must not be empty") }
      return try pieces(text, fromRight ? text.partsFromRight(scalars, limit) : text.parts(scalars, limit))
    }
  }

  private static func partition(fromRight: Bool) -> Method {
    { text, call, _ in
      let separator = try TemplateStringMethods.text(try arguments(call, 1...1)[0]).scalars
      guard !separator.isEmpty else { throw TemplateFault.type("the separator must not be empty") }
      let all = 0..<text.count
      let place = fromRight ? text.lastIndex(of: separator, in: all) : text.firstIndex(of: separator, in: all)
      let none = ArraySlice<Unicode.Scalar>()
      var parts = fromRight ? [none, none, text.scalars[...]] : [text.scalars[...], none, none]
      if let place { parts = [text.scalars[..<place], separator[...], text.scalars[(place + separator.count)...]] }
      return try .tuple(parts.map { .string(TemplateText($0, markup: text.isMarkup)) })
    }
  }

  private static let splitting: [String: Method] = [
    "split": split(fromRight: false), "rsplit": split(fromRight: true),
    "partition": partition(fromRight: false), "rpartition": partition(fromRight: true),
    "splitlines": { text, call, _ in
      let keeps = try call.bound("splitlines", ["keepends"])[0]?.isTrue ?? false
      return try .list(text.lines(keepingBreaks: keeps).map { .string($0) })
    },
  ]

  // MARK: Questions

  private static func all(_ test: @escaping @Sendable (Unicode.Scalar) -> Bool, empty: Bool = false) -> Method {
    { text, call, _ in
      _ = try arguments(call, 0...0)
      return .bool(text.isEmpty ? empty : text.scalars.allSatisfy(test))
    }
  }

  private static let asking: [String: Method] = [
    "isalpha": all(\.isTemplateLetter), "isalnum": all(\.isTemplateAlphanumeric),
    "isspace": all(\.isTemplateSpace), "isprintable": all(\.isTemplatePrintable, empty: true),
    "isdigit": all { $0.properties.numericType == .decimal || $0.properties.numericType == .digit },
    "isdecimal": all { $0.properties.numericType == .decimal }, "isnumeric": all { $0.properties.numericType != nil },
    "isascii": all({ $0.isASCII }, empty: true),
    "isupper": { text, call, _ in .bool(text.isUppercase) },
    "islower": { text, call, _ in .bool(text.isLowercase) },
    "istitle": { text, call, _ in .bool(text.isTitlecase) },
    "isidentifier": { text, call, _ in
      guard let first = text.scalars.first else { return .bool(false) }
      return .bool(
        (first == "_" || first.properties.isXIDStart) && text.scalars.allSatisfy { $0.properties.isXIDContinue })
    },
  ]
}

extension TemplateText {
  fileprivate var isTitlecase: Bool {
    var isInside = false
    var found = false
    for scalar in scalars {
      let properties = scalar.properties
      if properties.isUppercase || properties.generalCategory == .titlecaseLetter {
        if isInside { return false }
        isInside = true
        found = true
      } else if properties.isLowercase {
        if !isInside { return false }
        found = true
      } else {
        isInside = false
      }
    }
    return found
  }
}
