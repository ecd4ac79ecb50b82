extension PreTokenizer {
  /// Calls `body` with the matches of a pattern and the gaps between them, in order.
  static func forEachSpan(
    of pattern: SplitPattern, in text: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>, _ isMatch: Bool) -> Void
  ) {
    var last = 0
    pattern.forEachMatch(in: text) { match in
      if last < match.lowerBound { body(last..<match.lowerBound, false) }
      body(match, true)
      last = match.upperBound
    }
    if last < text.count { body(last..<text.count, false) }
  }

  /// A part of a text, and whether it is a match of the pattern or a gap.
  typealias Span = (range: Range<Int>, isMatch: Bool)

  static func spans(of pattern: SplitPattern, in text: UnsafeBufferPointer<UInt8>) -> [Span] {
    var result: [Span] = []
    forEachSpan(of: pattern, in: text) { result.append(($0, $1)) }
    return result
  }

  /// Cuts pieces where single scalars satisfy a condition.
  static func split(_ pieces: inout Pieces, _ behavior: SplitBehavior, where matches: (UInt32) -> Bool) {
    pieces.split { text, _, emit in
      var spans: [Span] = []
      var last = 0
      var index = 0
      while index < text.count {
        let length = text.leadLength(at: index)
        if matches(text.scalar(at: index, length: length)) {
          if last < index { spans.append((last..<index, false)) }
          spans.append((index..<index + length, true))
          last = index + length
        }
        index += length
      }
      if last < text.count { spans.append((last..<text.count, false)) }
      for range in ranges(of: spans, behavior) { emit(range) }
    }
  }

  /// What the behaviour makes of the spans of a text, which follow one another without gaps.
  static func ranges(of spans: [Span], _ behavior: SplitBehavior) -> [Range<Int>] {
    switch behavior {
    case .removed: spans.filter { !$0.isMatch }.map(\.range)
    case .isolated: spans.map(\.range)
    case .contiguous: join(spans) { isMatch, wasMatch in isMatch == wasMatch }
    case .mergedWithPrevious: join(spans) { isMatch, wasMatch in isMatch && !wasMatch }
    case .mergedWithNext: join(spans.reversed()) { isMatch, wasMatch in isMatch && !wasMatch }.reversed()
    }
  }

  /// Joins a span to the one before it when the rule says so. The text begins as if after a gap.
  private static func join(_ spans: [Span], when rule: (_ isMatch: Bool, _ wasMatch: Bool) -> Bool) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var wasMatch = false
    for (range, isMatch) in spans {
      if let open = result.last, rule(isMatch, wasMatch) {
        result[result.count - 1] =
          min(open.lowerBound, range.lowerBound)..<max(open.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
      wasMatch = isMatch
    }
    return result
  }

  /// Runs of word characters and runs of what is neither word nor white space.
  static func splitWords(_ text: UnsafeBufferPointer<UInt8>, _ emit: (Range<Int>) -> Void) {
    var start = 0
    var kind = 0
    var index = 0
    while index < text.count {
      let length = text.leadLength(at: index)
      let scalar = text.scalar(at: index, length: length)
      let next = UnicodeClasses.isWordCharacter(scalar) ? 1 : UnicodeClasses.isPatternSpace(scalar) ? 0 : 2
      if next != kind {
        if kind != 0 { emit(start..<index) }
        (start, kind) = (index, next)
      }
      index += length
    }
    if kind != 0 { emit(start..<text.count) }
  }

  /// Cuts where the script changes. Spaces belong to any script; before the first script they are lost, as in the reference.
  static func splitScripts(_ text: UnsafeBufferPointer<UInt8>, _ emit: (Range<Int>) -> Void) {
    var start: Int?
    var script: UInt8?
    var index = 0
    while index < text.count {
      let length = text.leadLength(at: index)
      let next = UnicodeClasses.script(text.scalar(at: index, length: length))
      if next != UnicodeClasses.anyScript {
        if next != script {
          if let start { emit(start..<index) }
          start = index
        }
        script = next
      }
      index += length
    }
    if let start { emit(start..<text.count) }
  }

  static func splitEvery(_ length: Int, _ text: UnsafeBufferPointer<UInt8>, _ emit: (Range<Int>) -> Void) {
    var start = 0
    var count = 0
    var index = 0
    while index < text.count {
      index += text.leadLength(at: index)
      count += 1
      if count == length {
        emit(start..<index)
        (start, count) = (index, 0)
      }
    }
    emit(start..<text.count)
  }
}
