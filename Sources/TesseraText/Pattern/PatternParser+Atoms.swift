extension PatternParser {
  enum Atom {
    /// A comment.
    case nothing
    /// Flags that hold from here on, such as `(?i)`.
    case flagsChanged
    /// One scalar, which may join its neighbours as literal text.
    case scalar(UInt32)
    case node(PatternNode)
  }

  mutating func atom() throws(TokenizerError) -> Atom {
    let start = index
    guard let scalar = current else { return .nothing }
    index += 1
    switch Unicode.Scalar(scalar) {
    case "(": return try group()
    case "[": return .node(try bracketNode())
    case "\\": return try escape()
    case ".": return .node(.set(flags.dotMatchesNewline ? .all : ScalarSet(scalar: 0x0A).inverted))
    case "^":
      if dialect == .oniguruma { return .node(.assertion(.lineStartBeforeText)) }
      return .node(.assertion(flags.linesHaveAnchors ? .lineStart : .textStart))
    case "$": return .node(.assertion(flags.linesHaveAnchors ? .lineEnd : .textEnd))
    case "*", "+", "?": throw failure(.malformed, "a quantifier has nothing to repeat", at: start)
    default: return .scalar(scalar)
    }
  }

  // MARK: Groups

  /// After the opening parenthesis.
  private mutating func group() throws(TokenizerError) -> Atom {
    let start = index - 1
    guard take("?") else {
      if current == "*" { throw failure(.unsupported, "callouts are not supported", at: start) }
      return .node(try body(from: start))
    }
    if take("#") {
      while let scalar = current {
        index += scalar == "\\" && dialect == .oniguruma ? 2 : 1
        if scalar == ")" { return .nothing }
      }
      throw failure(.malformed, "a comment without its closing parenthesis", at: start)
    }
    if take(":") { return .node(try body(from: start)) }
    if take("=") { return .node(.look(try body(from: start), behind: false, negated: false)) }
    if take("!") { return .node(.look(try body(from: start), behind: false, negated: true)) }
    if take(">") { return .node(.atomic(try body(from: start))) }
    if take("<=") { return .node(.look(try body(from: start), behind: true, negated: false)) }
    if take("<!") { return .node(.look(try body(from: start), behind: true, negated: true)) }
    if follows("P=") || follows("P>") || follows("&") || follows("R") {
      throw failure(.unsupported, "back-references and recursion are not supported", at: start)
    }
    if take("<") || (dialect == .rust && take("P<")) || (dialect == .oniguruma && take("'")) {
      try groupName(closing: scalars[index - 1] == "'" ? "'" : ">")
      return .node(try body(from: start))
    }
    if follows("~") || follows("|") || follows("(") || follows("{") || follows("@") {
      throw failure(.unsupported, "conditions, absence operators and callouts are not supported", at: start)
    }
    return try flagGroup(from: start)
  }

  /// The body of a group and its closing parenthesis; flags set inside end with it.
  private mutating func body(from start: Int) throws(TokenizerError) -> PatternNode {
    let outer = flags
    let node = try alternation()
    flags = outer
    guard take(")") else { throw failure(.malformed, "a group without its closing parenthesis", at: start) }
    return node
  }

  private mutating func groupName(closing: Unicode.Scalar) throws(TokenizerError) {
    let start = index
    while let scalar = current, scalar != closing, scalar != ")" { index += 1 }
    guard index > start, current == closing else {
      throw failure(.malformed, "a group with an invalid name", at: start)
    }
    index += 1
  }

  private mutating func flagGroup(from start: Int) throws(TokenizerError) -> Atom {
    let outer = flags
    var value = true
    while let scalar = current {
      index += 1
      switch (Unicode.Scalar(scalar), dialect) {
      case ("-", _): value = false
      case ("i", _): flags.ignoresCase = value
      case ("x", _): flags.extended = value
      case ("m", .oniguruma), ("s", .rust): flags.dotMatchesNewline = value
      case ("m", .rust): flags.linesHaveAnchors = value
      case ("u", .rust) where value: break
      case (")", _): return .flagsChanged
      case (":", _):
        let node = try alternation()
        flags = outer
        guard take(")") else { throw failure(.malformed, "a group without its closing parenthesis", at: start) }
        return .node(node)
      case ("W", .oniguruma), ("D", .oniguruma), ("S", .oniguruma), ("P", .oniguruma), ("y", .oniguruma),
        ("I", .oniguruma), ("L", .oniguruma), ("C", .oniguruma), ("u", .rust), ("U", .rust), ("R", .rust):
        throw failure(.unsupported, "this flag is not supported", at: index - 1)
      default: throw failure(.malformed, "an unknown flag or kind of group", at: index - 1)
      }
    }
    throw failure(.malformed, "a group without its closing parenthesis", at: start)
  }

  // MARK: Escapes outside of brackets

  private mutating func escape() throws(TokenizerError) -> Atom {
    let start = index - 1
    guard let scalar = current else { throw failure(.malformed, "a backslash at the end", at: start) }
    switch Unicode.Scalar(scalar) {
    case "A": return assertion(.textStart)
    case "z": return assertion(.textEnd)
    case "Z": return assertion(.textEndOrFinalNewline)
    case "b":
      if dialect == .rust, peek(1) == "{" {
        throw failure(.unsupported, "half boundaries are not supported", at: start)
      }
      return assertion(.wordBoundary)
    case "B": return assertion(.notWordBoundary)
    case "R":
      index += 1
      let single = ScalarSet(0x0A...0x0D, 0x85...0x85, 0x2028...0x2029)
      return .node(.atomic(.alternation([.scalars([0x0D, 0x0A]), .set(single)])))
    case "N", "O":
      index += 1
      return .node(.set(scalar == "O" ? .all : ScalarSet(scalar: 0x0A).inverted))
    case "X" where dialect == .oniguruma, "y" where dialect == .oniguruma, "Y" where dialect == .oniguruma:
      throw failure(.unsupported, "text segments are not supported", at: start)
    case "G", "K": throw failure(.unsupported, "\\G and \\K are not supported", at: start)
    case "k", "g": throw failure(.unsupported, "back-references and recursion are not supported", at: start)
    case "1", "2", "3", "4", "5", "6", "7", "8", "9":
      throw failure(.unsupported, "back-references are not supported", at: start)
    case "<", ">":
      if dialect == .rust { throw failure(.unsupported, "half boundaries are not supported", at: start) }
    default: break
    }
    switch try scalarOrSet(from: start, inBracket: false) {
    case .scalar(let value): return .scalar(value)
    case .set(let set): return .node(.set(set))
    }
  }

  private mutating func assertion(_ kind: PatternAssertion) -> Atom {
    index += 1
    return .node(.assertion(kind))
  }
}
