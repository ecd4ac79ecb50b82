/// Writes a pattern of tiktoken (fancy-regex) the way tokenizer.json means it (Oniguruma with Ruby's syntax).
///
/// The two agree in nearly everything that patterns of tokenizers use. What differs is written otherwise:
///
/// | fancy-regex | Oniguruma | why |
/// |---|---|---|
/// | `x{1,3}+` | `(?>x{1,3})` | there, an interval has no possessive form |
/// | `x{3}?` | `x{3}` | there, this makes the interval optional |
/// | `$`, `^` | `\z`, `\A` | there, both also match at the ends of lines |
/// | `(?s:.)` | `(?m:.)` | another letter for a dot that matches line ends |
/// | `(?P<n>x)`, `\pL`, `\p{Script=Han}`, `\u{1F600}` | `(?<n>x)`, `\p{L}`, `\p{Han}`, `\x{1F600}` | another spelling |
struct RankPattern {
  private var rest: Substring.UnicodeScalarView
  private var output: [Unicode.Scalar] = []
  /// Where the last atom starts in the output, so that it can be put in a group.
  private var atom = 0
  private var groups: [(start: Int, linesHaveAnchors: Bool)] = []
  private var linesHaveAnchors = false

  /// - Returns: `nil` when the pattern uses what the other engine cannot say.
  static func oniguruma(_ pattern: String) -> String? {
    var writer = RankPattern(pattern)
    while let scalar = writer.take() {
      guard writer.write(scalar) else { return nil }
    }
    var text = String.UnicodeScalarView()
    text.append(contentsOf: writer.output)
    return String(text)
  }

  private init(_ pattern: String) { rest = pattern.unicodeScalars[...] }

  private mutating func take() -> Unicode.Scalar? { rest.popFirst() }

  private mutating func take(_ text: String) -> Bool {
    guard rest.starts(with: text.unicodeScalars) else { return false }
    rest.removeFirst(text.unicodeScalars.count)
    return true
  }

  /// Everything up to and with an end; `nil` when there is none.
  private mutating func take(through end: Unicode.Scalar) -> String? {
    guard let index = rest.firstIndex(of: end) else { return nil }
    let text = String(rest[...index])
    rest = rest[rest.index(after: index)...]
    return text
  }

  private mutating func append(_ text: String) { output.append(contentsOf: text.unicodeScalars) }

  private mutating func append(atom text: String) {
    atom = output.count
    append(text)
  }

  private mutating func write(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "\\":
      guard let text = escape() else { return false }
      append(atom: text)
    case "[":
      guard let text = bracket() else { return false }
      append(atom: text)
    case "(": return open()
    case ")":
      guard let group = groups.popLast() else { return false }
      linesHaveAnchors = group.linesHaveAnchors
      append(")")
      atom = group.start
    case "$": append(atom: linesHaveAnchors ? "$" : #"\z"#)
    case "^": append(atom: linesHaveAnchors ? "^" : #"\A"#)
    case "{": return interval()
    case "*", "+", "?":
      append(String(scalar))
      // A mark behind a quantifier belongs to it in both.
      if let next = rest.first, next == "+" || next == "?" {
        append(String(next))
        rest.removeFirst()
      }
    default: append(atom: String(scalar))
    }
    return true
  }

  private mutating func interval() -> Bool {
    guard let text = take(through: "}") else { return false }
    if take("+") {
      output.insert(contentsOf: "(?>".unicodeScalars, at: atom)
      append("{" + text + ")")
    } else {
      append("{" + text)
      if take("?"), text.contains(",") { append("?") }
    }
    return true
  }

  private mutating func open() -> Bool {
    let start = output.count
    groups.append((start, linesHaveAnchors))
    guard take("?") else {
      append("(")
      return true
    }
    if take("P<") {
      append("(?<")
      return true
    }
    // Look-around, atomic and named groups are spelled alike.
    guard let first = rest.first, first == "-" || first.properties.isAlphabetic else {
      append("(?")
      return true
    }
    guard let end = rest.firstIndex(where: { $0 == ":" || $0 == ")" }) else { return false }
    guard let flags = flags(String(rest[..<end])) else { return false }
    let isGroup = rest[end] == ":"
    rest = rest[rest.index(after: end)...]
    append("(?" + flags + (isGroup ? ":" : ")"))
    if !isGroup {
      // The flags hold to the end of the group around them.
      groups.removeLast()
      atom = start
    }
    return true
  }

  /// The flags with the letters of the other engine; `nil` for what it has no letter for.
  private mutating func flags(_ text: String) -> String? {
    var result = ""
    var isOn = true
    for letter in text {
      switch letter {
      case "-":
        isOn = false
        result.append("-")
      case "i", "x": result.append(letter)
      case "s": result.append("m")
      case "m": linesHaveAnchors = isOn
      case "u" where isOn: break
      default: return nil
      }
    }
    return result == "-" ? "" : result
  }

  /// What follows a backslash, with it.
  private mutating func escape() -> String? {
    guard let scalar = take() else { return nil }
    switch scalar {
    case "p", "P":
      guard let next = take() else { return nil }
      guard next == "{" else { return "\\\(scalar){\(next)}" }
      guard let name = take(through: "}") else { return nil }
      // `Script=Han`, `sc=Han` and `gc=L` are plain names there.
      let plain = name.split(separator: "=", maxSplits: 1).last.map(String.init) ?? name
      return "\\\(scalar){" + plain
    case "u", "U", "x":
      if take("{") { return take(through: "}").map { "\\x{" + $0 } }
      let count = scalar == "u" ? 4 : scalar == "U" ? 8 : 2
      guard rest.count >= count else { return nil }
      let digits = String(rest.prefix(count))
      rest.removeFirst(count)
      return "\\x{\(digits)}"
    default: return "\\\(scalar)"
    }
  }

  /// The members of a class such as `[:alpha:]`, which are ASCII here and Unicode there.
  private static func members(ofClass name: String) -> String? {
    let isNegative = name.hasPrefix("^")
    guard name.hasSuffix(":]"), let text = asciiClasses[String(name.dropFirst(isNegative ? 1 : 0).dropLast(2))] else {
      return nil
    }
    return "[" + (isNegative ? "^" : "") + text + "]"
  }

  private static let asciiClasses = [
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": #"\x{00}-\x{7F}"#, "blank": #"\t\x{20}"#,
    "cntrl": #"\x{00}-\x{1F}\x{7F}"#, "digit": "0-9", "graph": #"\x{21}-\x{7E}"#, "lower": "a-z",
    "print": #"\x{20}-\x{7E}"#, "punct": #"\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}"#,
    "space": #"\t\n\x{0B}\f\r\x{20}"#, "upper": "A-Z", "word": "0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
  ]

  /// A bracket after its opening, with it. Set differences have no other form.
  private mutating func bracket() -> String? {
    var text = "["
    if take("^") { text += "^" }
    if take("]") { text += "\\]" }
    while let scalar = take() {
      switch scalar {
      case "]": return text + "]"
      case "[":
        if take(":") {
          guard let name = take(through: "]"), let members = Self.members(ofClass: name) else { return nil }
          text += members
        } else if let inner = bracket() {
          text += inner
        } else {
          return nil
        }
      case "\\":
        guard let escaped = escape() else { return nil }
        text += escaped
      case "-" where rest.first == "-", "~" where rest.first == "~": return nil
      default: text.unicodeScalars.append(scalar)
      }
    }
    return nil
  }
}
