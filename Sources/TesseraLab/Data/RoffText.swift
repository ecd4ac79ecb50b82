/// The text of a manual page in the `man` macros, a line for each paragraph.
///
/// It knows macros of text, fonts, lists and examples, and the escapes of characters. Tables, drawings, definitions, and conditions are
/// left out. Pages in the `mdoc` macros, and pages that only point to another one, give nothing.
struct RoffText {
  private(set) var lines: [String] = []
  private var paragraph = ""
  /// Behind `.TP` the next line of text is a term of its own.
  private var isTerm = false
  private var isLiteral = false
  private var conditionDepth = 0
  /// The request that ends what is being left out.
  private var leftUntil: String?

  /// - Returns: nil for pages that it cannot read
  init?(_ text: String) {
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(".so ") || line.hasPrefix(".Dd") || line.hasPrefix(".Sh") { return nil }
      read(line)
    }
    flush()
    if lines.isEmpty { return nil }
  }

  private mutating func flush() {
    let text = paragraph.split(whereSeparator: { $0 == " " || $0 == "\t" }).joined(separator: " ")
    if text.contains(where: { $0.isLetter || $0.isNumber }) { lines.append(text) }
    paragraph = ""
  }

  private mutating func read(_ line: Substring) {
    if conditionDepth > 0 || isCondition(line) { return readCondition(line) }
    guard line.first == "." || line.first == "'" else {
      if leftUntil == nil { add(String(line)) }
      return
    }
    let parts = Self.arguments(line.dropFirst())
    guard let name = parts.first else { return }
    if let leftUntil {
      if name == leftUntil { self.leftUntil = nil }
      return
    }
    request(name, Array(parts.dropFirst()))
  }

  private func isCondition(_ line: Substring) -> Bool {
    [".if", ".ie", ".el", ".while", "'if", "'ie", "'el"].contains { line.hasPrefix($0) }
  }

  /// What hangs on the kind of printer is left out, over all lines of its braces.
  private mutating func readCondition(_ line: Substring) {
    conditionDepth += line.count(of: "\\{") - line.count(of: "\\}")
    conditionDepth = max(0, conditionDepth)
  }

  private mutating func request(_ name: String, _ arguments: [String]) {
    switch name {
    case "SH", "SS":
      flush()
      isLiteral = false
      add(arguments.joined(separator: " "))
      flush()
    case "PP", "P", "LP", "sp", "RS", "RE", "HP", "br", "RI_", "ti", "in": flush()
    case "TP", "TQ":
      flush()
      isTerm = true
    case "IP":
      flush()
      if let mark = arguments.first, mark.contains(where: \.isLetter), !mark.hasPrefix("\\(") {
        add(mark)
        flush()
      }
    case "B", "I", "SM", "SB": add(arguments.joined(separator: " "))
    case "BR", "RB", "BI", "IB", "IR", "RI": add(arguments.joined())
    case "UR", "MT": if let address = arguments.first { add(address) }
    case "UE", "ME": if let rest = arguments.first { paragraph += rest }
    case "nf", "EX":
      flush()
      isLiteral = true
    case "fi", "EE":
      flush()
      isLiteral = false
    case "TS": leftUntil = "TE"
    case "PS": leftUntil = "PE"
    case "EQ": leftUntil = "EN"
    case "de", "am", "ig": leftUntil = "."
    default: break
    }
  }

  private mutating func add(_ raw: String) {
    let (text, continues) = Self.plain(raw)
    if isLiteral {
      let line = text.last?.isWhitespace == true ? String(text.reversed().drop { $0.isWhitespace }.reversed()) : text
      if line.contains(where: { !$0.isWhitespace }) { lines.append(line) }
      return
    }
    if text.isEmpty || text.first?.isWhitespace == true { flush() }
    paragraph += text + (continues ? "" : " ")
    if isTerm {
      isTerm = false
      flush()
    }
  }

  /// Words of a request; quotes keep spaces, and two quotes inside quotes are one.
  static func arguments(_ line: Substring) -> [String] {
    var (parts, rest) = ([String](), line.drop { $0 == " " || $0 == "\t" })
    while let first = rest.first {
      var part = ""
      if first == "\"" {
        rest.removeFirst()
        while let next = rest.popFirst() {
          if next == "\"" {
            guard rest.first == "\"" else { break }
            rest.removeFirst()
          }
          part.append(next)
        }
      } else {
        while let next = rest.first, next != " ", next != "\t" {
          rest.removeFirst()
          part.append(next)
          if next == "\\", let escaped = rest.popFirst() { part.append(escaped) }
        }
      }
      if part.hasPrefix("\\\"") { break }
      parts.append(part)
      rest = rest.drop { $0 == " " || $0 == "\t" }
    }
    return parts
  }

  private static let glyphs: [String: String] = [
    "bu": "•", "em": "—", "en": "–", "hy": "-", "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "aq": "'", "dq": "\"",
    "co": "©", "rg": "®", "tm": "™", "+-": "±", "mu": "×", "ha": "^", "ti": "~", "rs": "\\", "bs": "\\", "->": "→",
    "<-": "←", "<=": "≤", ">=": "≥", "!=": "≠", "ga": "`", "de": "°", "ss": "ß", ":a": "ä", ":o": "ö", ":u": "ü",
    ":A": "Ä", ":O": "Ö", ":U": "Ü", "'e": "é", "`e": "è", "/o": "ø", "oA": "Å", "Fo": "«", "Fc": "»", "fo": "‹",
    "fc": "›", "Bq": "„", "bq": "‚", "or": "|", "sc": "§", "ba": "|", "sl": "/", "at": "@", "sh": "#", "Do": "$",
    "lB": "[", "rB": "]", "lC": "{", "rC": "}", "mi": "−", "pl": "+", "eq": "=", "if": "∞", "*a": "α", "*b": "β",
    "*m": "μ", "*p": "π", "mc": "µ", "12": "½", "14": "¼", "34": "¾", "R": "®", "Tm": "™", "Aq": "'",
  ]

  /// Characters for escapes; fonts, sizes and motions have none.
  /// - Returns: the text, and whether the next line goes on without a space
  static func plain(_ line: String) -> (String, Bool) {
    var (text, rest, continues) = ("", Substring(line), false)
    while let next = rest.popFirst() {
      guard next == "\\" else {
        text.append(next)
        continue
      }
      guard let escape = rest.popFirst() else { break }
      switch escape {
      case "\"", "#": rest = ""
      case "-": text.append("-")
      case "e", "\\": text.append("\\")
      case " ", "~", "0": text.append(" ")
      case "'", "´": text.append("'")
      case "`": text.append("`")
      case ".": text.append(".")
      case "(": text += character(String(take(2, &rest)))
      case "[": text += character(bracketed(&rest))
      case "*": text += glyphs[name(&rest)] ?? ""
      case "c": continues = true
      case "f", "n", "m", "F", "g", "k", "Y", "M": _ = name(&rest)
      case "s": size(&rest)
      case "h", "v", "w", "o", "D", "l", "L", "A", "b", "x", "Z", "z": quoted(&rest)
      default: break
      }
    }
    return (text, continues)
  }

  private static func take(_ count: Int, _ rest: inout Substring) -> Substring {
    let taken = rest.prefix(count)
    rest = rest.dropFirst(count)
    return taken
  }

  private static func bracketed(_ rest: inout Substring) -> String {
    let inside = rest.prefix { $0 != "]" }
    rest = rest.dropFirst(inside.count + 1)
    return String(inside)
  }

  /// A name of one letter, of two behind `(`, or of any length in brackets.
  private static func name(_ rest: inout Substring) -> String {
    switch rest.first {
    case "(":
      rest.removeFirst()
      return String(take(2, &rest))
    case "[":
      rest.removeFirst()
      return bracketed(&rest)
    case "+", "-": return String(take(2, &rest))
    default: return String(take(1, &rest))
    }
  }

  private static func size(_ rest: inout Substring) {
    if rest.first == "+" || rest.first == "-" { rest.removeFirst() }
    if rest.first == "(" || rest.first == "[" || rest.first == "'" { _ = name(&rest) } else { rest = rest.dropFirst() }
  }

  private static func quoted(_ rest: inout Substring) {
    guard let quote = rest.popFirst(), quote == "'" || quote == "\"" else { return }
    rest = rest.drop { $0 != quote }.dropFirst()
  }

  private static func character(_ name: String) -> String {
    if let glyph = glyphs[name] { return glyph }
    guard name.hasPrefix("u"), let value = UInt32(name.dropFirst(), radix: 16), let scalar = Unicode.Scalar(value)
    else {
      return ""
    }
    return String(scalar)
  }
}

extension Substring {
  fileprivate func count(of word: String) -> Int { ranges(of: word).count }
}
