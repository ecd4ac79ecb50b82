/// A parsed pattern: what is matched, free of the spelling and of the dialect.
indirect enum PatternNode: Sendable {
  enum Mode: UInt8, Sendable { case greedy, lazy, possessive }

  case empty
  case set(ScalarSet)
  case sequence([PatternNode])
  case alternation([PatternNode])
  case repeated(PatternNode, min: Int, max: Int?, Mode)
  case atomic(PatternNode)
  case look(PatternNode, behind: Bool, negated: Bool)
  case assertion(PatternAssertion)

  static func scalars(_ scalars: some Sequence<UInt32>) -> PatternNode {
    .sequence(scalars.map { .set(ScalarSet(scalar: $0)) })
  }
}

/// A condition on a position that consumes nothing.
enum PatternAssertion: UInt8, Sendable {
  case textStart, textEnd
  /// At the end or before a newline that ends the text.
  case textEndOrFinalNewline
  case lineStart
  /// As `lineStart`, but not at the end of the text (Oniguruma).
  case lineStartBeforeText
  case lineEnd
  case wordBoundary, notWordBoundary
}
