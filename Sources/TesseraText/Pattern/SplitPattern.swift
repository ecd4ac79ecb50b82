/// A pattern that text is split or replaced at.
///
/// Understands the regular expressions of tokenizer files: Unicode classes, look-around, possessive and lazy quantifiers, atomic
/// and case-insensitive groups. Back-references are refused. Time is linear in the text, see ``PatternMatcher``.
struct SplitPattern: Sendable {
  /// Whose rules hold where engines differ.
  enum Dialect: Sendable {
    /// Oniguruma, which Hugging Face's library uses.
    case oniguruma
    /// The Rust regex crates, which tiktoken uses.
    case rust
  }

  /// The pattern as it was written.
  let source: String
  private let program: PatternProgram
  /// The bytes a match can start with; `nil` when it can be empty or is not known.
  private let literal: [UInt8]?

  /// - Throws: ``TokenizerError`` with the column of the fault.
  init(_ source: String, dialect: Dialect) throws {
    self.source = source
    var parser = PatternParser(source, dialect: dialect)
    program = try PatternProgram(try parser.parse())
    literal = nil
  }

  private init(literal text: String) {
    source = text
    literal = Array(text.utf8)
    program = .nothing
  }

  /// A plain string, taken as it is.
  static func literal(_ text: String) -> SplitPattern { SplitPattern(literal: text) }

  /// Calls `body` with each match, in order. The ends of the text are the ends for look-around.
  func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    if let literal, !literal.isEmpty { return forEachOccurrence(of: literal, in: text, body) }
    guard !text.isEmpty else { return }
    var matcher = PatternMatcher(program, text)
    var position = 0
    var lastEnd = -1
    while position <= text.count {
      guard let end = matcher.match(at: position) else {
        position += position < text.count ? text.leadLength(at: position) : 1
        continue
      }
      // An empty match right behind a match does not count.
      if end > position || position != lastEnd { body(position..<end) }
      lastEnd = end
      if end > position {
        position = end
      } else {
        position += position < text.count ? text.leadLength(at: position) : 1
      }
    }
  }

  private func forEachOccurrence(
    of literal: [UInt8], in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void
  ) {
    var index = 0
    while index + literal.count <= text.count {
      if text[index] == literal[0], literal.indices.allSatisfy({ text[index + $0] == literal[$0] }) {
        body(index..<index + literal.count)
        index += literal.count
      } else {
        index += 1
      }
    }
  }
}
