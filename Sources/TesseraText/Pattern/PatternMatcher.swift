/// Runs a ``PatternProgram`` over one text.
///
/// Backtracking in the order that Perl-like engines try things. Without back-references a state (an instruction at a position)
/// that failed once fails always, from whatever start of the search; once an attempt takes many steps such states are remembered
/// for the whole text, which bounds the total time by the program's size times the length of the text.
struct PatternMatcher {
  private let program: PatternProgram
  private let text: UnsafeBufferPointer<UInt8>
  private var stack: [Frame] = []
  /// Bit per instruction and position: this state was entered and did not lead to a match.
  private var visited: [UInt64] = []
  private var remembers = false
  private var steps = 0
  /// Results of look-arounds by instruction and position.
  private var looks: [UInt64: Bool] = [:]
  /// Where the last scan of each unbounded run began and ended: a run that begins inside ends there too.
  private var extents: [Range<Int>]
  /// Places behind each unbounded run from where the rest is known to fail.
  private var failures: [Range<Int>]
  private static let stepsBeforeRemembering = 400

  private struct Frame {
    /// Where to go on, or -1 for the border of an atomic group.
    var instruction: Int32
    var position: Int32
    /// For runs that can give back (or take more): how far, else -1.
    var limit: Int32 = -1
    var isLazy = false
    /// Where a run that gives back ended at first, or where one that takes more began.
    var start: Int32 = 0
  }

  init(_ program: PatternProgram, _ text: UnsafeBufferPointer<UInt8>) {
    self.program = program
    self.text = text
    extents = [Range<Int>](repeating: 0..<0, count: program.instructions.count)
    failures = extents
  }

  /// The end of the match that starts at a position.
  mutating func match(at start: Int) -> Int? {
    steps = 0
    if let end = run(from: 0, at: start) {
      if remembers { forget(at: end) }
      return end
    }
    return nil
  }

  /// A state at the end of a match was on the way to it and did not fail.
  private mutating func forget(at position: Int) {
    for instruction in program.instructions.indices { setVisited(instruction, position, false) }
  }

  private mutating func setVisited(_ instruction: Int, _ position: Int, _ value: Bool) {
    let bit = position * program.instructions.count + instruction
    if value { visited[bit >> 6] |= 1 << UInt64(bit & 63) } else { visited[bit >> 6] &= ~(1 << UInt64(bit & 63)) }
  }

  private func isVisited(_ instruction: Int, _ position: Int) -> Bool {
    let bit = position * program.instructions.count + instruction
    return visited[bit >> 6] >> UInt64(bit & 63) & 1 != 0
  }

  private mutating func startRemembering() {
    remembers = true
    visited = [UInt64](repeating: 0, count: ((text.count + 1) * program.instructions.count + 63) / 64)
  }

  private mutating func run(from first: Int, at start: Int) -> Int? {
    let bottom = stack.count
    var instruction = first
    var position = start
    while true {
      var hasFailed = false
      steps += 1
      if !remembers, steps > Self.stepsBeforeRemembering { startRemembering() }
      if remembers {
        if isVisited(instruction, position) { hasFailed = true } else { setVisited(instruction, position, true) }
      }
      if !hasFailed {
        switch program.instructions[instruction] {
        case .match:
          stack.removeLast(stack.count - bottom)
          return position
        case .characters(let set):
          if let next = advance(position, set) {
            instruction += 1
            position = next
          } else {
            hasFailed = true
          }
        case .run(let set, let minimum, let maximum, let greed):
          if let next = enterRun(set, minimum, maximum, greed, instruction, position) {
            position = next
            instruction += 1
          } else {
            hasFailed = true
          }
        case .split(let first, let second):
          stack.append(Frame(instruction: Int32(second), position: Int32(position)))
          instruction = first
        case .jump(let target): instruction = target
        case .atomicBegin:
          stack.append(Frame(instruction: -1, position: 0))
          instruction += 1
        case .atomicEnd:
          while let frame = stack.popLast(), frame.instruction >= 0 {}
          instruction += 1
        case .anchor(let anchor):
          if holds(anchor, at: position) { instruction += 1 } else { hasFailed = true }
        case .look(let next, let isAhead, let isNegative, let width):
          if look(instruction, position, isAhead: isAhead, width: width) != isNegative {
            instruction = next
          } else {
            hasFailed = true
          }
        }
      }
      if hasFailed {
        guard let (next, at) = backtrack(to: bottom) else { return nil }
        (instruction, position) = (next, at)
      }
    }
  }

  @inline(__always)
  private func advance(_ position: Int, _ set: Int) -> Int? {
    guard position < text.count else { return nil }
    let length = text.leadLength(at: position)
    return program.classes[set].contains(text.scalar(at: position, length: length)) ? position + length : nil
  }

  private mutating func enterRun(
    _ set: Int, _ minimum: Int, _ maximum: Int, _ greed: PatternNode.Greed, _ instruction: Int, _ start: Int
  ) -> Int? {
    var position = start
    var count = 0
    var shortest = start
    let isUnbounded = maximum == .max
    let wanted = greed == .lazy ? minimum : maximum
    if isUnbounded, greed != .lazy, minimum <= 1, extents[instruction].contains(start) {
      // Scanned before, from further left.
      count = 2
      shortest = minimum == 0 ? start : start + text.leadLength(at: start)
      position = extents[instruction].upperBound
    }
    while count < wanted, let next = advance(position, set) {
      position = next
      count += 1
      if count == minimum { shortest = position }
    }
    guard count >= minimum else { return nil }
    if minimum == 0 { shortest = start }
    if isUnbounded {
      if greed != .lazy { extents[instruction] = min(start, position)..<position }
      let known = failures[instruction]
      // All places that this run could end at have failed already.
      if greed == .lazy ? known.contains(position) : known.contains(shortest) && known.upperBound > position {
        if greed != .possessive { return nil }
      }
    }
    switch greed {
    case .greedy where position > shortest:
      stack.append(
        Frame(
          instruction: Int32(instruction), position: Int32(position), limit: Int32(shortest), start: Int32(position)))
    case .lazy where maximum > minimum:
      let more = maximum == .max ? Int32.max : Int32(maximum - minimum)
      stack.append(
        Frame(
          instruction: Int32(instruction), position: Int32(position), limit: more, isLazy: true,
          start: Int32(position)))
    default: break
    }
    return position
  }

  private mutating func backtrack(to bottom: Int) -> (Int, Int)? {
    while stack.count > bottom {
      let top = stack.count - 1
      let frame = stack[top]
      if frame.instruction < 0 {
        stack.removeLast()
        continue
      }
      if frame.limit < 0 {
        stack.removeLast()
        return (Int(frame.instruction), Int(frame.position))
      }
      guard case .run(let set, _, _, _) = program.instructions[Int(frame.instruction)] else {
        stack.removeLast()
        continue
      }
      if frame.isLazy {
        guard frame.limit > 0, let next = advance(Int(frame.position), set) else {
          if frame.limit == .max { noteFailure(frame, from: Int(frame.start), to: Int(frame.position)) }
          stack.removeLast()
          continue
        }
        stack[top].position = Int32(next)
        if frame.limit != .max { stack[top].limit -= 1 }
        return (Int(frame.instruction) + 1, next)
      }
      var position = Int(frame.position) - 1
      let known = failures[Int(frame.instruction)]
      if known.contains(position) { position = max(known.lowerBound - 1, Int(frame.limit)) }
      while text[position] & 0xC0 == 0x80 { position -= 1 }
      if position <= Int(frame.limit) {
        noteFailure(frame, from: position + 1, to: Int(frame.start))
        stack.removeLast()
      } else {
        stack[top].position = Int32(position)
      }
      return (Int(frame.instruction) + 1, position)
    }
    return nil
  }

  /// From every place in a closed range behind an unbounded run the rest has failed.
  private mutating func noteFailure(_ frame: Frame, from start: Int, to end: Int) {
    let instruction = Int(frame.instruction)
    guard start <= end, case .run(_, _, .max, _) = program.instructions[instruction] else { return }
    let known = failures[instruction]
    let isNeighbour = !known.isEmpty && known.lowerBound <= end + 1 && start <= known.upperBound
    failures[instruction] =
      isNeighbour ? min(start, known.lowerBound)..<max(end + 1, known.upperBound) : start..<end + 1
  }

  // MARK: Conditions

  private mutating func look(_ instruction: Int, _ position: Int, isAhead: Bool, width: Int) -> Bool {
    var start = position
    if !isAhead {
      for _ in 0..<width {
        guard start > 0 else { return false }
        start -= 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
      }
    }
    // The usual body is one class.
    if case .characters(let set) = program.instructions[instruction + 1],
      case .match = program.instructions[instruction + 2]
    {
      return advance(start, set) != nil
    }
    let key = UInt64(instruction) << 32 | UInt64(position)
    if remembers, let known = looks[key] { return known }
    // States inside the body depend on where it began, so they are not shared with other runs of it.
    let saved = (remembers, visited, steps)
    (remembers, visited, steps) = (false, [], 0)
    let result = run(from: instruction + 1, at: start) != nil
    (remembers, visited, steps) = saved
    if remembers { looks[key] = result }
    return result
  }

  private func holds(_ anchor: PatternNode.Anchor, at position: Int) -> Bool {
    switch anchor {
    case .textStart: return position == 0
    case .textEnd: return position == text.count
    case .textEndOrLastLine: return position == text.count || (position == text.count - 1 && text[position] == 0x0A)
    case .lineStart: return position == 0 || text[position - 1] == 0x0A && position < text.count
    case .lineEnd: return position == text.count || text[position] == 0x0A
    case .wordBoundary: return isWord(before: position) != isWord(at: position)
    case .noWordBoundary: return isWord(before: position) == isWord(at: position)
    }
  }

  private func isWord(at position: Int) -> Bool {
    guard position < text.count else { return false }
    let scalar = text.scalar(at: position, length: text.leadLength(at: position))
    return PatternClasses.flags[scalar] & PatternClasses.word != 0
  }

  private func isWord(before position: Int) -> Bool {
    text.scalar(before: position).map { PatternClasses.flags[$0] & PatternClasses.word != 0 } ?? false
  }
}
