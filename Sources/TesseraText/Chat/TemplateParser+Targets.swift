// MARK: What a template assigns to

extension TemplateParser {
  static let constants: Set<String> = ["true", "false", "none", "True", "False", "None"]

  mutating func target(allowingAttributes: Bool, isParameter: Bool = false) throws -> TemplateTarget {
    var items: [TemplateTarget] = []
    var isTuple = false
    while !isTargetEnd {
      items.append(try singleTarget(allowingAttributes: allowingAttributes, isParameter: isParameter))
      guard skip(symbol: ",") else { break }
      isTuple = true
    }
    if !isTuple, let only = items.first { return only }
    guard isTuple else { throw unexpected("expected the name of a variable") }
    return .tuple(items)
  }

  private var isTargetEnd: Bool {
    current.kind == .blockEnd || current.kind == .variableEnd || isSymbol(")")
  }

  private mutating func singleTarget(allowingAttributes: Bool, isParameter: Bool) throws -> TemplateTarget {
    if isSymbol("(") {
      return try nested { parser in
        parser.advance()
        let inner = try parser.target(allowingAttributes: false, isParameter: isParameter)
        try parser.expect(symbol: ")")
        return inner
      }
    }
    let position = current.position
    let name = try expectName("the name of a variable")
    guard !Self.constants.contains(name) else { throw fault("cannot assign to '\(name)'", at: position) }
    if allowingAttributes, skip(symbol: ".") {
      return .attribute(name, mention: use(name), key: TemplateText(try expectName("the name of an attribute")))
    }
    if name == "loop", insideLoops > 0, !isParameter {
      throw fault("a loop cannot assign to its own variable 'loop'", at: position)
    }
    return .name(name, mention: assigning(name))
  }
}
