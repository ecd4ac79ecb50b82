extension PatternParser {
  enum Item {
    case scalar(UInt32)
    case set(ScalarSet)
  }

  /// A bracket class after its `[`, with what ignoring case adds to it.
  mutating func bracketNode() throws(TokenizerError) -> PatternNode {
    let (set, isNegated) = try bracket()
    guard flags.ignoresCase, dialect == .oniguruma, !isNegated else { return .set(set) }
    return withExpansions(set)
  }

  /// The set of a bracket class after its `[`, up to and with its `]`.
  private mutating func bracket(isNested: Bool = false) throws(TokenizerError) -> (ScalarSet, isNegated: Bool) {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.deepest {
      throw failure(.limitExceeded, "classes are nested more than \(Self.deepest) deep")
    }
    let start = index - 1
    let isNegated = take("^")
    var parts: [Range<UInt32>] = []
    var left: (set: ScalarSet, operation: UInt32)?
    var isFirst = true
    while true {
      guard let scalar = current else { throw failure(.malformed, "a class without its closing bracket", at: start) }
      if scalar == "]", !isFirst { break }
      if dialect == .rust, flags.extended, skipExtended() { continue }
      if let operation = setOperation() {
        left = (combine(left, ScalarSet(parts)), operation)
        parts = []
        isFirst = false
        continue
      }
      isFirst = false
      try member(&parts)
    }
    index += 1
    var set = combine(left, ScalarSet(parts))
    // Oniguruma adds the other cases to the outermost class only.
    if flags.ignoresCase, !(isNested && dialect == .oniguruma) { set = properties.closure(of: set) }
    return (isNegated ? set.inverted : set, isNegated)
  }

  /// `&&`, and in Rust `--` and `~~`.
  private mutating func setOperation() -> UInt32? {
    guard let scalar = current, let next = peek(1), next == scalar else { return nil }
    guard scalar == "&" || (dialect == .rust && (scalar == "-" || scalar == "~")) else { return nil }
    index += 2
    return scalar
  }

  private func combine(_ left: (set: ScalarSet, operation: UInt32)?, _ right: ScalarSet) -> ScalarSet {
    guard let left else { return right }
    let folded = flags.ignoresCase && dialect == .rust
    let (first, second) =
      folded ? (properties.closure(of: left.set), properties.closure(of: right)) : (left.set, right)
    if left.operation == "&" { return first.intersection(second) }
    if left.operation == "-" { return first.subtracting(second) }
    return first.subtracting(second).union(second.subtracting(first))
  }

  /// One member of a class: a nested class, a named one, a scalar or a range.
  private mutating func member(_ parts: inout [Range<UInt32>]) throws(TokenizerError) {
    if current == "[" {
      if let set = try posix() {
        parts += set.ranges
        return
      }
      index += 1
      parts += try bracket(isNested: true).0.ranges
      return
    }
    let start = index
    let first: UInt32
    switch try item() {
    case .set(let set):
      parts += set.ranges
      if current == "-", let next = peek(1), next != "]", !(dialect == .rust && next == "-") {
        throw failure(.malformed, "a class at the start of a range", at: start)
      }
      return
    case .scalar(let value): first = value
    }
    guard current == "-", let next = peek(1), next != "]", !(next == "-" && dialect == .rust) else {
      parts.append(first..<first + 1)
      return
    }
    index += 1
    if dialect == .oniguruma, next == "[" || follows("&&") {
      // The hyphen is plain before a nested class.
      parts += [first..<first + 1, 0x2D..<0x2E]
      return
    }
    guard case .scalar(let last) = try item() else {
      throw failure(.malformed, "a class at the end of a range", at: start)
    }
    guard first <= last else { throw failure(.malformed, "a range whose end comes before its start", at: start) }
    parts.append(first..<last + 1)
    if dialect == .oniguruma, current == "-", peek(1) != "]" {
      // `[a-c-e]`: after a range a hyphen is plain.
      index += 1
      parts.append(0x2D..<0x2E)
    }
  }

  private mutating func item() throws(TokenizerError) -> Item {
    let start = index
    guard let scalar = current else { throw failure(.malformed, "a class without its closing bracket", at: start) }
    index += 1
    guard scalar == "\\" else { return .scalar(scalar) }
    if take("b") { return .scalar(0x08) }
    return try scalarOrSet(from: start, inBracket: true)
  }

  /// `[:alpha:]` or `[:^alpha:]`.
  private mutating func posix() throws(TokenizerError) -> ScalarSet? {
    guard follows("[:") else { return nil }
    var end = index + 2
    while end < scalars.count, end < index + 20, scalars[end] != ":", scalars[end] != "]" { end += 1 }
    guard end + 1 < scalars.count, scalars[end] == (":" as Unicode.Scalar), scalars[end + 1] == ("]" as Unicode.Scalar)
    else { return nil }
    var name = String(String.UnicodeScalarView(scalars[(index + 2)..<end].compactMap(Unicode.Scalar.init)))
    let isNegated = name.hasPrefix("^")
    if isNegated { name.removeFirst() }
    // `ascii` means the same to both engines; the other names do not.
    let set: ScalarSet? =
      dialect == .oniguruma && name != "ascii" ? properties.property("[:\(name):]") : Self.asciiClass(name)
    guard let set else { throw failure(.malformed, "an unknown class [:\(name):]") }
    index = end + 2
    return isNegated ? set.inverted : set
  }

  private static func asciiClass(_ name: String) -> ScalarSet? {
    switch name {
    case "alnum": ScalarSet(0x30...0x39, 0x41...0x5A, 0x61...0x7A)
    case "alpha": ScalarSet(0x41...0x5A, 0x61...0x7A)
    case "ascii": ScalarSet(0...0x7F)
    case "blank": ScalarSet(0x09...0x09, 0x20...0x20)
    case "cntrl": ScalarSet(0...0x1F, 0x7F...0x7F)
    case "digit": ScalarSet(0x30...0x39)
    case "graph": ScalarSet(0x21...0x7E)
    case "lower": ScalarSet(0x61...0x7A)
    case "print": ScalarSet(0x20...0x7E)
    case "punct": ScalarSet(0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E)
    case "space": ScalarSet(0x09...0x0D, 0x20...0x20)
    case "upper": ScalarSet(0x41...0x5A)
    case "word": ScalarSet(0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A)
    case "xdigit": ScalarSet(0x30...0x39, 0x41...0x46, 0x61...0x66)
    default: nil
    }
  }

  // MARK: Escapes with the same meaning inside and outside of brackets

  /// After the backslash.
  mutating func scalarOrSet(from start: Int, inBracket: Bool) throws(TokenizerError) -> Item {
    guard let scalar = current else { throw failure(.malformed, "a backslash at the end", at: start) }
    index += 1
    switch Unicode.Scalar(scalar) {
    case "n": return .scalar(0x0A)
    case "t": return .scalar(0x09)
    case "r": return .scalar(0x0D)
    case "f": return .scalar(0x0C)
    case "v": return .scalar(0x0B)
    case "a": return .scalar(0x07)
    case "e": return .scalar(0x1B)
    case "x": return .scalar(try hexadecimal(digits: 2, from: start, isByte: true))
    case "u": return .scalar(try hexadecimal(digits: 4, from: start, isByte: false))
    case "U" where dialect == .rust: return .scalar(try hexadecimal(digits: 8, from: start, isByte: false))
    case "d": return .set(shorthand("\\d", inBracket))
    case "D": return .set(shorthand("\\d", inBracket).inverted)
    case "s": return .set(shorthand("\\s", inBracket))
    case "S": return .set(shorthand("\\s", inBracket).inverted)
    case "w": return .set(shorthand("\\w", inBracket))
    case "W": return .set(shorthand("\\w", inBracket).inverted)
    case "h": return .set(shorthand("\\h", inBracket))
    case "H": return .set(shorthand("\\h", inBracket).inverted)
    case "p", "P":
      if let set = try property(isNegated: scalar == "P", from: start) { return .set(set) }
      return .scalar(scalar)
    case "0" where dialect == .oniguruma:
      var value: UInt32 = 0
      for _ in 0..<2 {
        guard let digit = current, (0x30...0x37).contains(digit) else { break }
        value = value * 8 + digit - 0x30
        index += 1
      }
      return .scalar(try asciiOnly(value, from: start))
    case "c" where dialect == .oniguruma:
      guard let letter = current, letter < 0x80 else {
        throw failure(.malformed, "a control escape without its letter", at: start)
      }
      index += 1
      return .scalar(letter == "?" ? 0x7F : letter & 0x1F)
    case "C", "M", "o":
      if dialect == .oniguruma { throw failure(.unsupported, "this escape is not supported", at: start) }
    default: break
    }
    let isLetter = (0x41...0x5A).contains(scalar & ~0x20) || (0x30...0x39).contains(scalar)
    if dialect == .rust, isLetter { throw failure(.malformed, "an unknown escape", at: start) }
    return .scalar(scalar)
  }

  /// In Oniguruma a shorthand may mean something else inside of brackets.
  private func shorthand(_ key: String, _ inBracket: Bool) -> ScalarSet {
    (inBracket ? properties.property("[\(key)]") : nil) ?? properties.property(key) ?? .empty
  }

  private func asciiOnly(_ value: UInt32, from start: Int) throws(TokenizerError) -> UInt32 {
    // Beyond ASCII these escapes are bytes of UTF-8 in Oniguruma, not scalars.
    if value > 0x7F { throw failure(.unsupported, "escapes of single bytes are not supported", at: start) }
    return value
  }

  private mutating func hexadecimal(digits: Int, from start: Int, isByte: Bool) throws(TokenizerError) -> UInt32 {
    let isBraced = (isByte || dialect == .rust) && take("{")
    var value: UInt32 = 0
    var count = 0
    while count < (isBraced ? 8 : digits), let scalar = current, let digit = hexDigit(scalar) {
      value = value << 4 | digit
      count += 1
      index += 1
    }
    let isComplete = isBraced ? take("}") : (count == digits || (isByte && dialect == .oniguruma))
    guard isComplete, count > 0 else { throw failure(.malformed, "an incomplete hexadecimal escape", at: start) }
    guard value < 0x110000, !(0xD800...0xDFFF).contains(value) else {
      throw failure(.malformed, "U+\(String(value, radix: 16)) is not a scalar", at: start)
    }
    return isByte && !isBraced && dialect == .oniguruma ? try asciiOnly(value, from: start) : value
  }

  private func hexDigit(_ scalar: UInt32) -> UInt32? {
    switch scalar {
    case 0x30...0x39: scalar - 0x30
    case 0x41...0x46: scalar - 0x41 + 10
    case 0x61...0x66: scalar - 0x61 + 10
    default: nil
    }
  }

  /// `\p{Name}`, `\p{^Name}`, `\P{Name}` and in Rust `\pL`; nothing where the letter is just a letter.
  private mutating func property(isNegated: Bool, from start: Int) throws(TokenizerError) -> ScalarSet? {
    var isNegated = isNegated
    var name = String.UnicodeScalarView()
    if take("{") {
      if take("^") { isNegated.toggle() }
      while let scalar = current, scalar != "}", let value = Unicode.Scalar(scalar), name.count < 64 {
        name.append(value)
        index += 1
      }
      guard take("}") else { throw failure(.malformed, "a property without its closing brace", at: start) }
    } else {
      guard dialect == .rust else { return nil }
      guard let scalar = current.flatMap(Unicode.Scalar.init) else {
        throw failure(.malformed, "a property without its name", at: start)
      }
      name.append(scalar)
      index += 1
    }
    let text = String(name)
    guard var set = properties.named(text, in: dialect) else {
      throw failure(.unsupported, "the property \(text) is not known", at: start)
    }
    if flags.ignoresCase, dialect == .rust { set = properties.closure(of: set) }
    return isNegated ? set.inverted : set
  }
}
