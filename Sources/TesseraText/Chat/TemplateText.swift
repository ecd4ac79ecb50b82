/// The text of a template's world: an array of Unicode scalars, because templates index, slice and compare by scalar.
///
/// A text may be markup: a text that was marked as safe for HTML, to which other texts are added escaped.
struct TemplateText: Hashable, Sendable {
  var scalars: [Unicode.Scalar]
  var isMarkup = false

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  init(_ scalars: some Sequence<Unicode.Scalar>, markup: Bool = false) {
    self.scalars = Array(scalars)
    isMarkup = markup
  }

  var string: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
  var count: Int { scalars.count }
  var isEmpty: Bool { scalars.isEmpty }

  static func == (left: TemplateText, right: TemplateText) -> Bool { left.scalars == right.scalars }
  static func == (left: TemplateText, right: String) -> Bool { left.scalars.elementsEqual(right.unicodeScalars) }
  static func < (left: TemplateText, right: TemplateText) -> Bool {
    left.scalars.lexicographicallyPrecedes(right.scalars)
  }
  func hash(into hasher: inout Hasher) { hasher.combine(scalars) }

  /// The same characters as plain text.
  var plain: TemplateText { TemplateText(scalars) }

  /// The index of the first occurrence of `needle` that lies inside `range`.
  ///
  /// - Complexity: O(n + m); long needles are looked for with the table of Knuth, Morris and Pratt.
  func firstIndex(of needle: [Unicode.Scalar], in range: Range<Int>) -> Int? {
    guard needle.count <= range.count else { return nil }
    guard let head = needle.first else { return range.lowerBound }
    if needle.count > 16 { return longFirstIndex(of: needle, in: range) }
    var at = range.lowerBound
    while at <= range.upperBound - needle.count {
      if scalars[at] == head, matches(needle, at: at) { return at }
      at += 1
    }
    return nil
  }

  private func longFirstIndex(of needle: [Unicode.Scalar], in range: Range<Int>) -> Int? {
    var borders = [0]
    var length = 0
    for at in 1..<needle.count {
      while length > 0, needle[at] != needle[length] { length = borders[length - 1] }
      if needle[at] == needle[length] { length += 1 }
      borders.append(length)
    }
    length = 0
    for at in range {
      while length > 0, scalars[at] != needle[length] { length = borders[length - 1] }
      if scalars[at] == needle[length] { length += 1 }
      if length == needle.count { return at - length + 1 }
    }
    return nil
  }

  /// The index of the last occurrence of `needle` that lies inside `range`.
  func lastIndex(of needle: [Unicode.Scalar], in range: Range<Int>) -> Int? {
    guard needle.count <= 16 else {
      let reversed = TemplateText(scalars[range].reversed())
      return reversed.firstIndex(of: needle.reversed(), in: 0..<range.count).map {
        range.upperBound - $0 - needle.count
      }
    }
    var at = range.upperBound - needle.count
    while at >= range.lowerBound {
      if matches(needle, at: at) { return at }
      at -= 1
    }
    return nil
  }

  func matches(_ needle: [Unicode.Scalar], at start: Int) -> Bool {
    guard start >= 0, start + needle.count <= scalars.count else { return false }
    for offset in 0..<needle.count where scalars[start + offset] != needle[offset] { return false }
    return true
  }

  /// The text without the scalars at its ends that `isStripped` accepts.
  func stripped(
    left: Bool = true, right: Bool = true, where isStripped: (Unicode.Scalar) -> Bool = \.isTemplateSpace
  ) -> TemplateText {
    var start = 0
    var end = scalars.count
    if left { while start < end, isStripped(scalars[start]) { start += 1 } }
    if right { while end > start, isStripped(scalars[end - 1]) { end -= 1 } }
    return TemplateText(scalars[start..<end], markup: isMarkup)
  }

  /// The lines of the text, divided at every line break that Unicode knows.
  func lines(keepingBreaks: Bool = false) -> [TemplateText] {
    var lines: [TemplateText] = []
    var start = 0
    var at = 0
    while at < scalars.count {
      guard scalars[at].isTemplateLineBreak else {
        at += 1
        continue
      }
      let end = at
      at += scalars[at] == "\r" && at + 1 < scalars.count && scalars[at + 1] == "\n" ? 2 : 1
      lines.append(TemplateText(scalars[start..<(keepingBreaks ? at : end)], markup: isMarkup))
      start = at
    }
    if start < scalars.count { lines.append(TemplateText(scalars[start...], markup: isMarkup)) }
    return lines
  }

  /// The text with the five characters that matter to HTML written as entities; markup stays as it is.
  var escapedForHTML: TemplateText {
    if isMarkup { return self }
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    for scalar in scalars {
      switch scalar {
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "'": result.append(contentsOf: "&#39;".unicodeScalars)
      case "\"": result.append(contentsOf: "&#34;".unicodeScalars)
      default: result.append(scalar)
      }
    }
    return TemplateText(result, markup: true)
  }
}

extension TemplateText {
  var uppercased: TemplateText {
    TemplateText(scalars.flatMap(\.properties.uppercaseMapping.unicodeScalars), markup: isMarkup)
  }

  var lowercased: TemplateText {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(scalars.count)
    for at in scalars.indices { appendLowercase(at, to: &result) }
    return TemplateText(result, markup: isMarkup)
  }

  /// The first scalar in title case, the others in lower case.
  var capitalized: TemplateText {
    guard let first = scalars.first else { return self }
    var result = Array(first.properties.titlecaseMapping.unicodeScalars)
    for at in scalars.indices.dropFirst() { appendLowercase(at, to: &result) }
    return TemplateText(result, markup: isMarkup)
  }

  /// Every run of cased scalars with its first in title case and the others in lower case.
  var titlecased: TemplateText {
    var result: [Unicode.Scalar] = []
    var isInside = false
    for at in scalars.indices {
      if isInside {
        appendLowercase(at, to: &result)
      } else {
        result.append(contentsOf: scalars[at].properties.titlecaseMapping.unicodeScalars)
      }
      isInside = scalars[at].properties.isCased
    }
    return TemplateText(result, markup: isMarkup)
  }

  /// A capital sigma at the end of a word has its own lower case.
  private func appendLowercase(_ at: Int, to result: inout [Unicode.Scalar]) {
    let scalar = scalars[at]
    if scalar.value < 0x80 {
      result.append(
        scalar.value >= 0x41 && scalar.value <= 0x5A ? Unicode.Scalar(UInt8(scalar.value + 32)) : scalar)
    } else if scalar == "\u{3A3}" {
      result.append(isFinalSigma(at) ? "\u{3C2}" : "\u{3C3}")
    } else {
      result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
    }
  }

  private func isFinalSigma(_ at: Int) -> Bool {
    var before = at - 1
    while before >= 0, scalars[before].properties.isCaseIgnorable { before -= 1 }
    guard before >= 0, scalars[before].properties.isCased else { return false }
    var after = at + 1
    while after < scalars.count, scalars[after].properties.isCaseIgnorable { after += 1 }
    return after == scalars.count || !scalars[after].properties.isCased
  }

  /// Whether there are cased scalars and all of them are upper case.
  var isUppercase: Bool { isOneCase(\.properties.isUppercase, \.properties.isLowercase) }
  /// Whether there are cased scalars and all of them are lower case.
  var isLowercase: Bool { isOneCase(\.properties.isLowercase, \.properties.isUppercase) }

  private func isOneCase(_ wanted: (Unicode.Scalar) -> Bool, _ other: (Unicode.Scalar) -> Bool) -> Bool {
    var found = false
    for scalar in scalars {
      if other(scalar) || scalar.properties.generalCategory == .titlecaseLetter { return false }
      if wanted(scalar) { found = true }
    }
    return found
  }
}

extension Unicode.Scalar {
  /// White space as templates and their string methods know it.
  var isTemplateSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  var isTemplateLineBreak: Bool {
    switch value {
    case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  var isTemplateLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  var isTemplateAlphanumeric: Bool { isTemplateLetter || properties.numericType != nil }

  /// Whether the representation of a string shows the scalar as it is.
  var isTemplatePrintable: Bool {
    if value < 0x7F { return value >= 0x20 }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
      .spaceSeparator:
      return false
    default: return true
    }
  }
}
