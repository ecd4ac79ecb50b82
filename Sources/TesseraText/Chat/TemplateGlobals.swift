/// The functions that every chat template can call.
enum TemplateGlobals {
  static func all() -> [String: TemplateValue] {
    var result: [String: TemplateValue] = [:]
    for (name, body) in functions {
      if let function = try? TemplateFunction(name, body) { result[name] = .object(function) }
    }
    return result
  }

  private static let functions: [String: @Sendable (TemplateCall, TemplateEvaluator) throws -> TemplateValue] = [
    "range": { call, _ in
      guard call.keywords.isEmpty, (1...3).contains(call.positional.count) else {
        throw TemplateFault.type("'range' needs one to three integers")
      }
      let numbers = try call.positional.map { Int64(try TemplateStringMethods.number($0)) }
      return .object(
        try TemplateRange(
          start: numbers.count > 1 ? numbers[0] : 0, stop: numbers.count > 1 ? numbers[1] : numbers[0],
          step: numbers.count > 2 ? numbers[2] : 1))
    },
    "dict": { call, evaluator in .dict(try dict(call, evaluator)) },
    "namespace": { call, evaluator in
      let namespace = TemplateNamespace(try dict(call, evaluator))
      evaluator.register(namespace)
      return .object(namespace)
    },
    "joiner": { call, _ in .object(try TemplateJoiner(try call.bound("joiner", ["sep"])[0] ?? TemplateValue(", "))) },
    "cycler": { call, _ in
      guard call.keywords.isEmpty else { throw TemplateFault.type("'cycler' takes no named arguments") }
      return .object(try TemplateCycler(try TemplateSequence(call.positional)))
    },
    "lipsum": { _, _ in throw TemplateFault.unsupported("'lipsum' is not supported") },
    "raise_exception": { call, _ in
      let message = try call.bound("raise_exception", ["message"], required: 1)[0]?.printed().string ?? ""
      throw TokenizerError(.invalidRequest, message)
    },
    "strftime_now": { call, evaluator in
      guard let format = try call.bound("strftime_now", ["format"], required: 1)[0] else { return .none }
      let text = try TemplateStringMethods.text(format).string
      return TemplateValue(evaluator.clock.format(text))
    },
  ]

  /// The members that `dict` and `namespace` are made from.
  private static func dict(_ call: TemplateCall, _ evaluator: TemplateEvaluator) throws -> TemplateDict {
    guard call.positional.count <= 1 else { throw TemplateFault.type("'dict' takes one value without a name at most") }
    let dict = TemplateDict()
    switch call.positional.first {
    case .dict(let source)?:
      for entry in source.entries { try dict.set(entry.key, entry.value) }
    case .object(let source as TemplateNamespace)?:
      throw TemplateFault.type("a value of type '\(source.typeName)' cannot be iterated over")
    case .some(let pairs):
      for pair in try evaluator.elements(of: pairs) {
        let items = try evaluator.elements(of: pair)
        guard items.count == 2 else { throw TemplateFault.type("'dict' needs pairs") }
        try dict.set(items[0], items[1])
      }
    case nil: break
    }
    for (name, value) in call.keywords { try dict.set(TemplateValue(name), value) }
    return dict
  }
}
