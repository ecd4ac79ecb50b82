/// Reads a pattern in one of the two dialects.
///
/// Nesting is bounded, so the recursion is too; what cannot be matched in linear time (back-references, recursion,
/// conditions) is refused by name.
struct PatternParser {
  struct Flags {
    var ignoresCase = false
    var dotMatchesNewline = false
    var linesHaveAnchors = false
    var extended = false
  }

  static let deepest = 96
  /// The largest count in a quantifier, as in Oniguruma.
  static let largestCount = 100_000

  let dialect: SplitPattern.Dialect
  let properties: UnicodeProperties
  let scalars: [UInt32]
  var index = 0
  var flags = Flags()
  var depth = 0

  init(_ source: String, dialect: SplitPattern.Dialect) {
    self.dialect = dialect
    properties = dialect == .oniguruma ? .oniguruma : .rust
    scalars = source.unicodeScalars.map(\.value)
    flags.linesHaveAnchors = dialect == .oniguruma
  }

  static func parse(_ source: String, dialect: SplitPattern.Dialect) throws(TokenizerError) -> PatternNode {
    var parser = PatternParser(source, dialect: dialect)
    let node = try parser.alternation()
    if parser.index < parser.scalars.count {
      throw parser.failure(.malformed, "a closing parenthesis without an opening one")
    }
    return node
  }

  // MARK: Reading scalars

  var current: UInt32? { index < scalars.count ? scalars[index] : nil }

  func peek(_ offset: Int) -> UInt32? { index + offset < scalars.count ? scalars[index + offset] : nil }

  func follows(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { bytes in
      guard index + bytes.count <= scalars.count else { return false }
      for offset in 0..<bytes.count where scalars[index + offset] != UInt32(bytes[offset]) { return false }
      return true
    }
  }

  mutating func take(_ text: StaticString) -> Bool {
    guard follows(text) else { return false }
    index += text.utf8CodeUnitCount
    return true
  }

  func failure(_ kind: TokenizerError.Kind, _ message: String, at place: Int? = nil) -> TokenizerError {
    let end = min(place ?? index, scalars.count)
    var (line, column) = (1, 1)
    for scalar in scalars[..<end] { (line, column) = scalar == 0x0A ? (line + 1, 1) : (line, column + 1) }
    return TokenizerError(kind, "pattern: \(message)", at: .position(line: line, column: column))
  }

  // MARK: Alternation and sequence

  mutating func alternation() throws(TokenizerError) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.deepest {
      throw failure(.limitExceeded, "groups are nested more than \(Self.deepest) deep")
    }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .alternation(branches)
  }

  /// One branch, to the next `|`, `)` or the end.
  private mutating func sequence() throws(TokenizerError) -> PatternNode {
    var nodes: [PatternNode] = []
    var literal: [UInt32] = []
    func flush() {
      if !literal.isEmpty { nodes.append(self.literal(literal)) }
      literal = []
    }
    while let scalar = current, scalar != "|", scalar != ")" {
      if flags.extended, skipExtended() { continue }
      let before = flags
      switch try atom() {
      case .nothing: continue
      case .flagsChanged:
        // Literals read so far keep the flags they were read under.
        let after = flags
        flags = before
        flush()
        flags = after
        if dialect == .oniguruma {
          // In Oniguruma the rest of the group, its further branches included, becomes the body of the option.
          nodes.append(try alternation())
        }
      case .scalar(let value):
        if flags.extended { while skipExtended() {} }
        if let count = try quantifier() {
          flush()
          nodes.append(try repeated(self.literal([value]), count))
        } else {
          literal.append(value)
        }
      case .node(let node):
        flush()
        if flags.extended { while skipExtended() {} }
        if let count = try quantifier() {
          nodes.append(try repeated(node, count))
        } else {
          nodes.append(node)
        }
      }
    }
    flush()
    return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
  }

  /// Skips a blank or a comment of the extended syntax.
  mutating func skipExtended() -> Bool {
    guard let scalar = current else { return false }
    if scalar == "#" {
      while let next = current, next != "\n" { index += 1 }
      return true
    }
    guard isPatternBlank(scalar) else { return false }
    index += 1
    return true
  }

  func isPatternBlank(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x09...0x0D, 0x20: true
    case 0x85, 0x200E, 0x200F, 0x2028, 0x2029: dialect == .rust
    default: false
    }
  }

  // MARK: Quantifiers

  struct Count {
    var min: Int
    var max: Int?
    var mode: PatternNode.Mode
  }

  private mutating func quantifier() throws(TokenizerError) -> Count? {
    var count: Count
    var isInterval = false
    if take("*") {
      count = Count(min: 0, max: nil, mode: .greedy)
    } else if take("+") {
      count = Count(min: 1, max: nil, mode: .greedy)
    } else if take("?") {
      count = Count(min: 0, max: 1, mode: .greedy)
    } else if let (min, max) = try interval() {
      count = Count(min: min, max: max, mode: .greedy)
      isInterval = true
    } else {
      return nil
    }
    // Oniguruma reads `{n}?` as an optional `{n}` and `{n,m}+` as a repeated `{n,m}`.
    let isFixed = isInterval && count.min == count.max
    if current == "?", !(dialect == .oniguruma && isFixed) {
      index += 1
      count.mode = .lazy
    } else if current == "+", !(dialect == .oniguruma && isInterval) {
      index += 1
      count.mode = .possessive
    }
    if let max = count.max, max < count.min {
      if dialect == .rust {
        count.max = count.min
      } else {
        // Oniguruma turns the counts round, and the repeat then gives nothing back.
        (count.min, count.max) = (max, count.min)
        count.mode = .possessive
      }
    }
    return count
  }

  /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; anything else is plain text.
  private mutating func interval() throws(TokenizerError) -> (Int, Int?)? {
    let start = index
    guard take("{") else { return nil }
    let low = number()
    var high = low
    let hasComma = take(",")
    if hasComma { high = number() }
    guard take("}"), low != nil || high != nil else {
      index = start
      return nil
    }
    if (low ?? 0) > Self.largestCount || (high ?? 0) > Self.largestCount {
      throw failure(.limitExceeded, "a count above \(Self.largestCount)", at: start)
    }
    return (low ?? 0, hasComma ? high : low)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = current, (0x30...0x39).contains(scalar) {
      value = min((value ?? 0) * 10 + Int(scalar - 0x30), Self.largestCount + 1)
      index += 1
    }
    return value
  }

  private mutating func repeated(_ node: PatternNode, _ first: Count) throws(TokenizerError) -> PatternNode {
    var result = PatternNode.repeated(node, min: first.min, max: first.max, first.mode)
    guard dialect == .oniguruma else {
      if let next = current, next == "*" || next == "+" || next == "?" {
        throw failure(.malformed, "a quantifier follows a quantifier")
      }
      return result
    }
    var stacked = 1
    while let next = try quantifier() {
      stacked += 1
      if stacked > 8 { throw failure(.limitExceeded, "more than 8 quantifiers in a row") }
      result = .repeated(result, min: next.min, max: next.max, next.mode)
    }
    return result
  }

  // MARK: Literal text

  /// Text that is matched as written, or in any case.
  func literal(_ text: [UInt32]) -> PatternNode {
    guard flags.ignoresCase else { return .scalars(text) }
    guard dialect == .oniguruma else { return .sequence(text.map { .set(anyCase(of: $0)) }) }
    return foldedLiteral(text[...])
  }

  func anyCase(of scalar: UInt32) -> ScalarSet {
    ScalarSet(properties.orbit(of: scalar).map { $0..<$0 + 1 })
  }

  /// Oniguruma also lets one scalar stand for its folding of several (`ß` for `ss`) and the other way round.
  private func foldedLiteral(_ text: ArraySlice<UInt32>) -> PatternNode {
    var nodes: [PatternNode] = []
    var rest = text
    while let first = rest.first {
      let joined = properties.expansions.filter { expansion in
        rest.count >= expansion.sequence.count
          && zip(rest, expansion.sequence).allSatisfy { properties.orbit(of: $0).contains($1) }
      }
      if joined.isEmpty {
        nodes.append(anyCaseOrExpansion(of: first))
        rest = rest.dropFirst()
        continue
      }
      // All ways to cut the next two or three scalars; the text decides which can match.
      let longest = joined.map(\.sequence.count).max() ?? 2
      nodes.append(.alternation(cuts(Array(rest.prefix(longest)))))
      rest = rest.dropFirst(longest)
    }
    return .sequence(nodes)
  }

  private func cuts(_ text: [UInt32]) -> [PatternNode] {
    guard let first = text.first else { return [.empty] }
    var ways = cuts(Array(text.dropFirst())).map { PatternNode.sequence([anyCaseOrExpansion(of: first), $0]) }
    for expansion in properties.expansions where expansion.sequence.count <= text.count {
      guard zip(text, expansion.sequence).allSatisfy({ properties.orbit(of: $0).contains($1) }) else { continue }
      let single = PatternNode.set(ScalarSet(expansion.scalars.map { $0..<$0 + 1 }))
      ways += cuts(Array(text.dropFirst(expansion.sequence.count))).map { .sequence([single, $0]) }
    }
    return ways
  }

  private func anyCaseOrExpansion(of scalar: UInt32) -> PatternNode {
    withExpansions(anyCase(of: scalar))
  }

  /// A set, then the sequences that equal one of its members when case is ignored.
  func withExpansions(_ set: ScalarSet) -> PatternNode {
    let sequences = properties.expansions.filter { $0.scalars.contains(where: set.contains) }
    if sequences.isEmpty { return .set(set) }
    let spelled = sequences.map { PatternNode.sequence($0.sequence.map { .set(anyCase(of: $0)) }) }
    return .alternation([.set(set.union(ScalarSet(sequences.flatMap { $0.scalars.map { $0..<$0 + 1 } })))] + spelled)
  }
}

func == (scalar: UInt32?, character: Unicode.Scalar) -> Bool { scalar == character.value }
func == (scalar: UInt32, character: Unicode.Scalar) -> Bool { scalar == character.value }
func != (scalar: UInt32, character: Unicode.Scalar) -> Bool { scalar != character.value }
func != (scalar: UInt32?, character: Unicode.Scalar) -> Bool { scalar != character.value }
