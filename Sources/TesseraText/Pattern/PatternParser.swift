/// A regular expression as a tree.
indirect enum PatternNode {
  case empty
  case characters(ScalarSet)
  case sequence([PatternNode])
  case alternatives([PatternNode])
  case repetition(PatternNode, minimum: Int, maximum: Int?, Greed)
  case atomic(PatternNode)
  case look(PatternNode, isAhead: Bool, isNegative: Bool)
  case anchor(Anchor)

  enum Greed { case greedy, lazy, possessive }
  enum Anchor { case lineStart, lineEnd, textStart, textEnd, textEndOrLastLine, wordBoundary, noWordBoundary }
}

/// Reads the syntax that tokenizer files use.
struct PatternParser {
  private let scalars: [Unicode.Scalar]
  private var at = 0
  private let dialect: SplitPattern.Dialect
  private var depth = 0
  private var ignoresCase = false
  private var dotMatchesNewline = false
  private var isMultiline: Bool
  private var isExtended = false
  static let maximumDepth = 120

  init(_ source: String, dialect: SplitPattern.Dialect) {
    scalars = Array(source.unicodeScalars)
    self.dialect = dialect
    isMultiline = dialect == .oniguruma
  }

  mutating func parse() throws -> PatternNode {
    let node = try alternatives()
    if at < scalars.count { throw fault("a closing parenthesis without an opening one") }
    return node
  }

  private func fault(_ message: String, _ kind: TokenizerError.Kind = .malformed) -> TokenizerError {
    TokenizerError(kind, message, at: .position(line: 1, column: at + 1))
  }

  private var peek: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek == scalar else { return false }
    at += 1
    return true
  }

  private mutating func take(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard scalars[at...].starts(with: wanted) else { return false }
    at += wanted.count
    return true
  }

  private mutating func alternatives() throws -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw fault("groups nested too deeply", .limitExceeded) }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .alternatives(branches)
  }

  private mutating func sequence() throws -> PatternNode {
    var parts: [PatternNode] = []
    while let next = peek, next != "|", next != ")" {
      if isExtended, skipExtended(next) { continue }
      if let flags = try inlineFlags() {
        // Flags without a body hold for the rest of the group, alternatives included.
        parts.append(flags)
        continue
      }
      parts.append(try quantified(try atom()))
    }
    return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
  }

  private mutating func skipExtended(_ next: Unicode.Scalar) -> Bool {
    if next.properties.isWhitespace {
      at += 1
      return true
    }
    guard next == "#" else { return false }
    while let scalar = peek, scalar != "\n" {
      _ = scalar
      at += 1
    }
    return true
  }

  // MARK: Quantifiers

  private mutating func quantified(_ atom: PatternNode) throws -> PatternNode {
    var node = atom
    while let (minimum, maximum, isInterval) = try quantifier() {
      if take("?") {
        node = .repetition(node, minimum: minimum, maximum: maximum, .lazy)
      } else if !(isInterval && dialect == .oniguruma), take("+") {
        node = .repetition(node, minimum: minimum, maximum: maximum, .possessive)
      } else {
        node = .repetition(node, minimum: minimum, maximum: maximum, .greedy)
      }
    }
    return node
  }

  private mutating func quantifier() throws -> (Int, Int?, isInterval: Bool)? {
    if take("*") { return (0, nil, false) }
    if take("+") { return (1, nil, false) }
    if take("?") { return (0, 1, false) }
    guard peek == "{" else { return nil }
    let start = at
    at += 1
    let low = number()
    var high = low
    if take(",") { high = number() }
    let hasComma = scalars[at - 1] == "," || high != low
    guard take("}"), low != nil || high != nil else {
      at = start
      return nil
    }
    guard (low ?? 0) <= 1000, (high ?? 0) <= 1000 else { throw fault("a repetition of more than 1000", .limitExceeded) }
    if let low, let high, high < low { throw fault("a repetition that ends before it starts") }
    return (low ?? 0, hasComma || high != nil ? high : nil, true)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let digit = peek, ("0"..."9").contains(digit), (value ?? 0) < 1_000_000 {
      value = (value ?? 0) * 10 + Int(digit.value - 0x30)
      at += 1
    }
    return value
  }

  // MARK: Atoms

  private mutating func atom() throws -> PatternNode {
    let scalar = scalars[at]
    at += 1
    switch scalar {
    case "(": return try group()
    case "[": return .characters(prepared(try bracket()))
    case ".":
      return .characters(prepared(ScalarSet([.range(0x0A, 0x0A)], isNegated: true), isDot: true))
    case "^": return .anchor(isMultiline ? .lineStart : .textStart)
    case "$": return .anchor(isMultiline ? .lineEnd : .textEnd)
    case "\\": return try escape()
    case "*", "+", "?": throw fault("nothing to repeat")
    default: return .characters(prepared(ScalarSet([.range(scalar.value, scalar.value)])))
    }
  }

  private func prepared(_ set: ScalarSet, isDot: Bool = false) -> ScalarSet {
    var result = isDot && dotMatchesNewline ? ScalarSet([.range(0, 0x10FFFF)]) : set
    result.ignoresCase = ignoresCase && !isDot
    result.prepare()
    return result
  }

  private mutating func group() throws -> PatternNode {
    let saved = (ignoresCase, dotMatchesNewline, isMultiline, isExtended)
    defer { (ignoresCase, dotMatchesNewline, isMultiline, isExtended) = saved }
    var wrap: (PatternNode) -> PatternNode = { $0 }
    if take("?") {
      if take(":") {
      } else if take(">") {
        wrap = { .atomic($0) }
      } else if take("=") {
        wrap = { .look($0, isAhead: true, isNegative: false) }
      } else if take("!") {
        wrap = { .look($0, isAhead: true, isNegative: true) }
      } else if take("<=") {
        wrap = { .look($0, isAhead: false, isNegative: false) }
      } else if take("<!") {
        wrap = { .look($0, isAhead: false, isNegative: true) }
      } else if take("P<") || take("<") {
        while let name = peek, name != ">" {
          _ = name
          at += 1
        }
        guard take(">") else { throw fault("a group's name without its end") }
      } else {
        try flags()
        guard take(":") else { throw fault("expected a colon after the flags") }
      }
    }
    let body = try alternatives()
    guard take(")") else { throw fault("a group without its end") }
    return wrap(body)
  }

  /// `(?i)`: flags for the rest of the enclosing group.
  private mutating func inlineFlags() throws -> PatternNode? {
    let start = at
    guard take("(?") else { return nil }
    guard let first = peek, "imsxu-".unicodeScalars.contains(first) else {
      at = start
      return nil
    }
    let saved = (ignoresCase, dotMatchesNewline, isMultiline, isExtended)
    try flags()
    guard take(")") else {
      (ignoresCase, dotMatchesNewline, isMultiline, isExtended) = saved
      at = start
      return nil
    }
    return try alternatives()
  }

  private mutating func flags() throws {
    var value = true
    while let flag = peek, flag != ")", flag != ":" {
      switch (flag, dialect) {
      case ("-", _): value = false
      case ("i", _): ignoresCase = value
      case ("x", _): isExtended = value
      case ("m", .oniguruma), ("s", .rust): dotMatchesNewline = value
      case ("m", .rust): isMultiline = value
      case ("u", .rust): break
      default: throw fault("unknown flag '\(flag)'", .unsupported)
      }
      at += 1
    }
  }
}

extension PatternParser {
  // MARK: Escapes and brackets

  fileprivate mutating func escape() throws -> PatternNode {
    guard let scalar = peek else { throw fault("the pattern ends after a backslash") }
    switch scalar {
    case "A": return anchor(.textStart)
    case "z": return anchor(.textEnd)
    case "Z": return anchor(.textEndOrLastLine)
    case "b": return anchor(.wordBoundary)
    case "B": return anchor(.noWordBoundary)
    case "R":
      at += 1
      let single = ScalarSet([.range(0x0A, 0x0D), .range(0x85, 0x85), .range(0x2028, 0x2029)])
      return .atomic(.alternatives([.sequence([.one(0x0D), .one(0x0A)]), .characters(prepared(single))]))
    case "1"..."9", "k", "g", "X", "G", "K", "y", "Y":
      throw fault("'\\\(scalar)' is not supported", .unsupported)
    default:
      return .characters(prepared(ScalarSet([try classEscape()])))
    }
  }

  private mutating func anchor(_ anchor: PatternNode.Anchor) -> PatternNode {
    at += 1
    return .anchor(anchor)
  }

  /// What stands after a backslash, inside or outside brackets.
  private mutating func classEscape() throws -> ScalarSet.Item {
    guard let scalar = peek else { throw fault("the pattern ends after a backslash") }
    at += 1
    func negated(_ item: ScalarSet.Item) -> ScalarSet.Item { .nested(ScalarSet([item], isNegated: true)) }
    let digits = ScalarSet.Item.categories(1 << UInt32(GeneralCategory.nd.rawValue))
    let hexadecimal = ScalarSet.Item.nested(ScalarSet([.range(0x30, 0x39), .range(0x41, 0x46), .range(0x61, 0x66)]))
    func one(_ value: UInt32) -> ScalarSet.Item { .range(value, value) }
    switch scalar {
    case "s": return .flags(PatternClasses.space)
    case "S": return negated(.flags(PatternClasses.space))
    case "w": return .flags(PatternClasses.word)
    case "W": return negated(.flags(PatternClasses.word))
    case "d": return digits
    case "D": return negated(digits)
    case "h" where dialect == .oniguruma: return hexadecimal
    case "H" where dialect == .oniguruma: return negated(hexadecimal)
    case "p", "P": return try property(isNegated: scalar == "P")
    case "n": return one(0x0A)
    case "r": return one(0x0D)
    case "t": return one(0x09)
    case "f": return one(0x0C)
    case "v": return one(0x0B)
    case "a": return one(0x07)
    case "e": return one(0x1B)
    case "0": return one(0)
    case "x", "u", "U": return one(try codePoint(scalar))
    default:
      if scalar.properties.isAlphabetic { throw fault("unknown escape '\\\(scalar)'", .unsupported) }
      return one(scalar.value)
    }
  }

  private mutating func codePoint(_ kind: Unicode.Scalar) throws -> UInt32 {
    var digits = ""
    if take("{") {
      while let digit = peek, digit != "}", digits.count < 8 {
        digits.unicodeScalars.append(digit)
        at += 1
      }
      guard take("}") else { throw fault("a code point without its end") }
    } else {
      let length = kind == "x" ? 2 : kind == "u" ? 4 : 8
      while let digit = peek, digits.count < length, digit.properties.isASCIIHexDigit {
        digits.unicodeScalars.append(digit)
        at += 1
      }
    }
    guard let value = UInt32(digits, radix: 16), value <= 0x10FFFF else { throw fault("expected a code point") }
    return value
  }

  private mutating func property(isNegated: Bool) throws -> ScalarSet.Item {
    var name = ""
    var isNegated = isNegated
    if take("{") {
      if take("^") { isNegated.toggle() }
      while let scalar = peek, scalar != "}", name.count < 64 {
        name.unicodeScalars.append(scalar)
        at += 1
      }
      guard take("}") else { throw fault("a property without its end") }
    } else if let scalar = peek {
      name.unicodeScalars.append(scalar)
      at += 1
    }
    guard let item = PatternClasses.item(named: name) else { throw fault("unknown property '\(name)'", .unsupported) }
    return isNegated ? .nested(ScalarSet([item], isNegated: true)) : item
  }

  private mutating func bracket() throws -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw fault("brackets nested too deeply", .limitExceeded) }
    var set = ScalarSet()
    set.isNegated = take("^")
    if ignoresCase { set.ignoresCase = true }
    var isFirst = true
    while true {
      guard let scalar = peek else { throw fault("a bracket without its end") }
      if scalar == "]", !isFirst { break }
      isFirst = false
      if take("&&") {
        set.intersections.append(try intersection())
        break
      }
      set.items.append(try bracketItem())
    }
    guard take("]") else { throw fault("a bracket without its end") }
    return set
  }

  /// The rest of a bracket after `&&`.
  private mutating func intersection() throws -> ScalarSet {
    var set = ScalarSet()
    set.ignoresCase = ignoresCase
    while let scalar = peek, scalar != "]" {
      if take("&&") {
        set.intersections.append(try intersection())
        break
      }
      set.items.append(try bracketItem())
    }
    return set
  }

  private mutating func bracketItem() throws -> ScalarSet.Item {
    if take("[:") {
      let isNegated = take("^")
      var name = ""
      while let scalar = peek, scalar != ":", name.count < 32 {
        name.unicodeScalars.append(scalar)
        at += 1
      }
      guard take(":]"), let item = PatternClasses.item(named: name) else {
        throw fault("unknown class '[:\(name):]'", .unsupported)
      }
      return isNegated ? .nested(ScalarSet([item], isNegated: true)) : item
    }
    if take("[") { return .nested(try bracket()) }
    let first = try bracketAtom()
    guard case .range(let low, let same) = first, low == same, peek == "-", at + 1 < scalars.count,
      scalars[at + 1] != "]"
    else { return first }
    let start = at
    at += 1
    guard case .range(let high, let top) = try bracketAtom(), high == top else {
      // A class cannot end a range; the hyphen stands for itself.
      at = start
      return first
    }
    guard low <= high else { throw fault("a range that ends before it starts") }
    return .range(low, high)
  }

  private mutating func bracketAtom() throws -> ScalarSet.Item {
    guard let scalar = peek else { throw fault("a bracket without its end") }
    at += 1
    guard scalar == "\\" else { return .range(scalar.value, scalar.value) }
    if take("b") { return .range(8, 8) }
    return try classEscape()
  }
}

extension PatternNode {
  static func one(_ scalar: UInt32) -> PatternNode {
    var set = ScalarSet([.range(scalar, scalar)])
    set.prepare()
    return .characters(set)
  }
}
