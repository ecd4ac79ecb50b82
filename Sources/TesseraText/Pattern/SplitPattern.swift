/// A pattern that cuts text into pieces, as tokenizer files carry it.
///
///     let pattern = try SplitPattern(#"\p{L}+|\s+(?!\S)"#, dialect: .oniguruma)
///     pattern.forEachMatch(in: bytes) { range in … }
///
/// Two dialects are understood: the one of Hugging Face tokenizers (Oniguruma) and the one of tiktoken (fancy-regex). The
/// time is linear in the text for every pattern; patterns of the known families run on scanners made for them.
struct SplitPattern: Sendable {
  /// Whose syntax and whose Unicode tables a pattern was written for.
  enum Dialect: Sendable, Hashable { case oniguruma, rust }

  /// What the machine runs; `nil` where there is a scanner, which needs none.
  private let program: PatternProgram?
  let dialect: Dialect
  /// Makes what was written by hand for this pattern: its tables of classes are made when they are first needed.
  private let scannerOnce: Once<any PieceScanner>?
  /// What the pattern was made from.
  let source: String
  /// Whether it matches its source and nothing else.
  let isLiteral: Bool
  /// Remembers from the first step on; for tests.
  var alwaysRemembers = false

  /// Reads a pattern.
  ///
  /// - Throws: ``TokenizerError`` with line and column: `malformed` if the engine of the dialect would refuse it too,
  ///   `unsupported` for back-references, recursion, conditions and the like, `limitExceeded` for counts that multiply to
  ///   a giant program.
  /// - Parameter usesScanner: false keeps to the general machine even where there is a scanner; for tests.
  init(_ source: String, dialect: Dialect, usesScanner: Bool = true) throws(TokenizerError) {
    self.dialect = dialect
    self.source = source
    isLiteral = false
    scannerOnce = usesScanner ? Self.scanner(for: source, dialect: dialect) : nil
    guard scannerOnce == nil else {
      program = nil
      return
    }
    let node = try PatternParser.parse(source, dialect: dialect)
    let properties: UnicodeProperties = dialect == .oniguruma ? .oniguruma : .rust
    program = try PatternCompiler.compile(node, words: properties.property("\\w") ?? .empty)
  }

  private init(program: PatternProgram, literal: String) {
    (self.program, dialect, scannerOnce, source, isLiteral) = (program, .oniguruma, nil, literal, true)
  }

  /// Whether this text runs on a scanner made for it.
  var isKnown: Bool { scannerOnce != nil }

  /// What was written by hand for this pattern.
  var scanner: (any PieceScanner)? { scannerOnce?.value }

  /// A pattern that matches one plain string.
  static func literal(_ text: String) throws(TokenizerError) -> SplitPattern {
    let node = PatternNode.scalars(text.unicodeScalars.map(\.value))
    return SplitPattern(program: try PatternCompiler.compile(node, words: .empty), literal: text)
  }

  /// Calls the body with the byte range of every match, from left to right.
  ///
  /// Matches do not overlap; an empty one that touches the match before it is left out, as the engines do. In an empty text
  /// nothing matches: the reference does not search one.
  ///
  /// - Parameter text: one piece of UTF-8. Its ends are the ends for anchors and look-around.
  /// - Complexity: O(n) for n bytes, times the size of the pattern.
  func forEachMatch(in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Void) {
    guard !text.isEmpty else { return }
    if let scanner { return scanner.forEachMatch(in: text, body) }
    guard let program else { return }
    program.code.withUnsafeBufferPointer { code in
      program.branches.withUnsafeBufferPointer { branches in
        program.targets.withUnsafeBufferPointer { targets in
          program.masks.withUnsafeBufferPointer { masks in
            program.sets.withUnsafeBufferPointer { sets in
              program.slots.withUnsafeBufferPointer { slots in
                program.starts.withUnsafeBufferPointer { starts in
                  var machine = PatternMachine(
                    program, code: code, branches: branches, targets: targets, masks: masks, sets: sets, slots: slots,
                    text: text, alwaysRemembers: alwaysRemembers)
                  Self.search(text, &machine, starts, body)
                }
              }
            }
          }
        }
      }
    }
  }

  private static func search(
    _ text: UnsafeBufferPointer<UInt8>, _ machine: inout PatternMachine, _ starts: UnsafeBufferPointer<Bool>,
    _ body: (Range<Int>) -> Void
  ) {
    var position = 0
    var lastEnd = -1
    while position <= text.count {
      let byte = position < text.count ? Int(text[position]) : 256
      if starts[byte], let end = machine.match(at: position), !(end == position && end == lastEnd) {
        body(position..<end)
        machine.pass(end, matched: end - position)
        lastEnd = end
        if end > position {
          position = end
          continue
        }
      } else if starts[byte] {
        machine.pass(position, matched: 0)
      }
      position = position < text.count ? machine.scalar(at: position).next : position + 1
    }
  }
}
