/// How many columns text takes in a terminal.
///
/// Wide and full-width scalars of East Asia and emoji take two columns (UAX #11), marks, format characters and the later parts of
/// Hangul syllables none. Flags, emoji with modifiers and joined emoji take two as a whole.
package enum DisplayWidth {
  /// The columns of a text without control characters.
  package static func of(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + of($1) } }

  /// The columns of a character as a person sees it.
  package static func of(_ character: Character) -> Int {
    let scalars = character.unicodeScalars
    guard scalars.count > 1 else { return scalars.first.map(of) ?? 0 }
    if scalars.contains(where: { $0.value == 0xFE0F || $0.properties.isEmojiPresentation }) { return 2 }
    return scalars.reduce(0) { $0 + of($1) }
  }

  package static func of(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return scalar.value == 0xAD || scalar.properties.generalCategory != .control ? 1 : 0 }
    if (0x1160...0x11FF).contains(scalar.value) || (0xD7B0...0xD7FF).contains(scalar.value) { return 0 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control, .lineSeparator, .paragraphSeparator: return 0
    default: return isWide(scalar.value) || scalar.properties.isEmojiPresentation ? 2 : 1
    }
  }

  /// As much of the start of a text as fits.
  package static func prefix(of text: String, columns: Int) -> String {
    var used = 0
    var result = ""
    for character in text {
      used += of(character)
      if used > columns { break }
      result.append(character)
    }
    return result
  }

  /// The text with spaces behind it up to a width.
  package static func padded(_ text: String, to columns: Int) -> String {
    text + String(repeating: " ", count: max(0, columns - of(text)))
  }

  private static func isWide(_ scalar: UInt32) -> Bool {
    let bounds = WideScalars.bounds
    var (low, high) = (0, bounds.count / 2)
    while low < high {
      let middle = (low + high) / 2
      if bounds[2 * middle + 1] < scalar { low = middle + 1 } else { high = middle }
    }
    return low < bounds.count / 2 && bounds[2 * low] <= scalar
  }
}
