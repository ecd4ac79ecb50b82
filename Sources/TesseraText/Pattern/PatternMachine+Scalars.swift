extension PatternMachine {
  // MARK: Reading UTF-8

  /// The scalar at a position before the end, and where the next begins. What is not UTF-8 reads as U+FFFD.
  @inline(__always)
  borrowing func scalar(at position: Int) -> (value: UInt32, next: Int) {
    let lead = text[position]
    if lead < 0x80 { return (UInt32(lead), position + 1) }
    let (value, length) = UTF8Scalars.decode(text, at: position)
    return (value, position &+ length)
  }

  /// The scalar that ends at a position after the start, and where it begins.
  borrowing func scalar(before position: Int) -> (value: UInt32, start: Int) {
    let last = text[position - 1]
    if last < 0x80 { return (UInt32(last), position - 1) }
    var start = position - 1
    while start > 0, position - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
    let (value, length) = UTF8Scalars.decode(text, at: start)
    return start &+ length == position ? (value, start) : (0xFFFD, position - 1)
  }

  // MARK: One scalar

  @inline(__always)
  borrowing func accepts(_ instruction: PatternProgram.Instruction, _ value: UInt32) -> Bool {
    switch instruction.operation {
    case .any: true
    case .scalar: value == UInt32(bitPattern: instruction.a)
    default: sets[Int(instruction.a)].contains(value)
    }
  }

  @inline(__always)
  borrowing func stepForward(_ instruction: PatternProgram.Instruction, _ position: Int) -> Int {
    guard position < text.count else { return -1 }
    let (value, next) = scalar(at: position)
    return accepts(instruction, value) ? next : -1
  }

  borrowing func stepBack(_ instruction: PatternProgram.Instruction, _ position: Int) -> Int {
    guard position > 0 else { return -1 }
    let (value, start) = scalar(before: position)
    return accepts(instruction, value) ? start : -1
  }

  // MARK: Many scalars

  /// The position after (or, going back, before) `b` scalars of the set, or -1.
  borrowing func exactly(_ instruction: PatternProgram.Instruction, _ start: Int, isBackward: Bool) -> Int {
    var position = start
    for _ in 0..<instruction.b {
      position = isBackward ? stepBack(instruction, position) : stepForward(instruction, position)
      if position < 0 { return -1 }
    }
    return position
  }

  borrowing func runForward(_ instruction: PatternProgram.Instruction, _ start: Int) -> Int {
    let set = sets[Int(instruction.a)]
    let (low, high) = set.ascii
    var left = instruction.operation == .run ? Int.max : Int(instruction.b)
    var position = start
    let end = text.count
    while position < end, left > 0 {
      let byte = text[position]
      if byte < 0x80 {
        guard (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 != 0 else { break }
        position &+= 1
      } else {
        let (value, length) = UTF8Scalars.decode(text, at: position)
        guard set.contains(value) else { break }
        position &+= length
      }
      left &-= 1
    }
    return position
  }

  borrowing func runBack(_ instruction: PatternProgram.Instruction, _ start: Int) -> Int {
    var left = instruction.operation == .run ? Int.max : Int(instruction.b)
    var position = start
    while left > 0 {
      let next = stepBack(instruction, position)
      guard next >= 0 else { break }
      position = next
      left -= 1
    }
    return position
  }

  // MARK: Conditions

  borrowing func peeks(_ instruction: PatternProgram.Instruction, _ position: Int) -> Bool {
    let set = sets[Int(instruction.a)]
    if instruction.isBehind {
      guard position > 0 else { return instruction.isNegated }
      return set.contains(scalar(before: position).value) != instruction.isNegated
    }
    guard position < text.count else { return instruction.isNegated }
    return set.contains(scalar(at: position).value) != instruction.isNegated
  }

  borrowing func holds(_ kind: Int32, _ position: Int) -> Bool {
    let end = text.count
    switch PatternAssertion(rawValue: UInt8(truncatingIfNeeded: kind)) {
    case .textStart: return position == 0
    case .textEnd: return position == end
    case .textEndOrFinalNewline: return position == end || (position == end - 1 && text[position] == 0x0A)
    case .lineStart: return position == 0 || text[position - 1] == 0x0A
    case .lineStartBeforeText: return position == 0 || (position < end && text[position - 1] == 0x0A)
    case .lineEnd: return position == end || text[position] == 0x0A
    case .wordBoundary: return isWordBoundary(position)
    case .notWordBoundary: return !isWordBoundary(position)
    case nil: return false
    }
  }

  private borrowing func isWordBoundary(_ position: Int) -> Bool {
    let words = sets[program.wordSet]
    let before = position > 0 && words.contains(scalar(before: position).value)
    let after = position < text.count && words.contains(scalar(at: position).value)
    return before != after
  }
}
