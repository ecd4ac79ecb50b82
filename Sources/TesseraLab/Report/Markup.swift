/// A piece of HTML or SVG. What is put into a literal is escaped unless it is markup itself.
///
///     let cell: Markup = "<td>\(name)</td>"     // a name of "<b>" becomes "&lt;b&gt;"
///
/// So text from a record cannot become markup by being forgotten.
struct Markup: ExpressibleByStringInterpolation, Equatable {
  /// The markup as it stands in a file.
  let source: String

  init(stringLiteral value: String) { source = value }
  init(stringInterpolation: Interpolation) { source = stringInterpolation.source }
  private init(_ source: String) { self.source = source }

  /// Text, in an element or in an attribute between quotation marks.
  init(text: String) { source = Self.escape(text) }

  static func + (a: Markup, b: Markup) -> Markup { Markup(a.source + b.source) }
  static func += (a: inout Markup, b: Markup) { a = a + b }

  var isEmpty: Bool { source.isEmpty }

  struct Interpolation: StringInterpolationProtocol {
    fileprivate var source = ""

    init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity * 2) }

    mutating func appendLiteral(_ literal: String) { source += literal }
    mutating func appendInterpolation(_ text: String) { source += Markup.escape(text) }
    mutating func appendInterpolation(_ markup: Markup) { source += markup.source }
    mutating func appendInterpolation(_ number: Int) { source += String(number) }
    /// A coordinate: two decimals are finer than any screen.
    mutating func appendInterpolation(_ number: Double) { source += Coordinate.text(number) }
  }

  /// The five characters that mean something in HTML and XML are named; characters that neither allows are replaced.
  private static func escape(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case "\u{0}"..<" ", "\u{7F}"..<"\u{A0}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Sequence<Markup> {
  /// One after the other.
  func joined(_ separator: Markup = "") -> Markup {
    var result = ""
    var isFirst = true
    for part in self {
      if !isFirst { result += separator.source }
      result += part.source
      isFirst = false
    }
    return Markup(trusting: result)
  }
}

extension Markup {
  /// Takes markup that was built elsewhere, such as a style sheet.
  init(trusting source: String) { self.init(stringLiteral: source) }
}

/// Coordinates of drawings.
enum Coordinate {
  /// At most two decimals, without trailing zeros. No number at all becomes 0, so that a drawing stays one.
  static func text(_ number: Double) -> String {
    guard number.isFinite, abs(number) < 1e9 else { return "0" }
    let hundredths = Int((number * 100).rounded())
    let (whole, rest) = (abs(hundredths) / 100, abs(hundredths) % 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    return rest % 10 == 0 ? "\(sign)\(whole).\(rest / 10)" : "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }
}
