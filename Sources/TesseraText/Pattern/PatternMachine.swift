#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs a program over one piece of text: backtracking with an explicit stack, in time linear in the text.
struct PatternMachine: ~Copyable {
  /// Something to come back to, in 16 bytes: a hostile pattern stacks two for every byte of the text.
  struct Frame {
    enum Kind: UInt8 {
      /// Further targets of the branch at `code`, the bits of `high`, from `low`.
      case targets
      /// The same, and that branch was visited in a region and has not failed yet.
      case choice
      /// A run that took everything from `low` to `high` and may give back.
      case run
      /// A lazy run from `low` that has reached `high`; a lazy counted one with `low` left to take.
      case lazyRun, lazyCount
      /// Slot `code` was visited from `low` to `high` in a region, and has not failed yet.
      case path
      /// Region `code` was entered at `low`; `high` holds what held outside.
      case mark
    }
    private var lowAndCode: UInt64
    private var highAndKind: UInt64

    init(_ kind: Kind, _ code: Int32, _ low: Int, _ high: Int) {
      lowAndCode = UInt64(truncatingIfNeeded: low) << 24 | UInt64(truncatingIfNeeded: code)
      highAndKind = UInt64(truncatingIfNeeded: high) << 8 | UInt64(kind.rawValue)
    }

    var kind: Kind { Kind(rawValue: UInt8(truncatingIfNeeded: highAndKind)) ?? .path }
    /// Below 2^24, which programs are far from.
    var code: Int32 { Int32(truncatingIfNeeded: lowAndCode & 0xFF_FFFF) }
    /// Below 2^40.
    var low: Int { Int(truncatingIfNeeded: lowAndCode >> 24) }
    /// Below 2^56.
    var high: Int {
      get { Int(truncatingIfNeeded: highAndKind >> 8) }
      set { highAndKind = UInt64(truncatingIfNeeded: newValue) << 8 | highAndKind & 0xFF }
    }
  }

  let program: PatternProgram
  let code: UnsafeBufferPointer<PatternProgram.Instruction>
  let branches: UnsafeBufferPointer<PatternProgram.Branch>
  let targets: UnsafeBufferPointer<Int32>
  let masks: UnsafeBufferPointer<UInt64>
  let sets: UnsafeBufferPointer<PatternClassTable>
  let text: UnsafeBufferPointer<UInt8>
  var memo: PatternMemo
  private var frames: UnsafeMutablePointer<Frame>
  private var capacity = 64
  private var count = 0
  /// The frame of the innermost region, or -1.
  private var mark = -1
  private var isBackward = false
  private var remembers: Bool
  /// Steps that may still be made before remembering starts to pay; every match earns some.
  private var allowance = 512

  init(
    _ program: PatternProgram, code: UnsafeBufferPointer<PatternProgram.Instruction>,
    branches: UnsafeBufferPointer<PatternProgram.Branch>, targets: UnsafeBufferPointer<Int32>,
    masks: UnsafeBufferPointer<UInt64>, sets: UnsafeBufferPointer<PatternClassTable>,
    slots: UnsafeBufferPointer<PatternProgram.Slot>, text: UnsafeBufferPointer<UInt8>, alwaysRemembers: Bool
  ) {
    self.program = program
    self.code = code
    self.branches = branches
    self.targets = targets
    self.masks = masks
    self.sets = sets
    self.text = text
    memo = PatternMemo(slots, rows: program.rows, columns: program.endColumns, keepsAll: program.looksFarBack)
    frames = Self.enlarge(nil, to: capacity)
    remembers = false
    if alwaysRemembers || program.needsMemo {
      allowance = .min / 2
      remember()
    }
  }

  deinit { free(frames) }

  /// Larger stacks are moved by the system's page tables, not copied, so that no second one is needed beside them.
  private static func enlarge(_ frames: UnsafeMutablePointer<Frame>?, to capacity: Int) -> UnsafeMutablePointer<Frame> {
    guard let memory = realloc(frames, capacity * MemoryLayout<Frame>.stride) else {
      preconditionFailure("out of memory for \(capacity) frames of a pattern")
    }
    return memory.bindMemory(to: Frame.self, capacity: capacity)
  }

  private mutating func remember() {
    remembers = true
    if !memo.isOpen { memo.open(length: text.count) }
  }

  /// To be called after each match, before the next search.
  mutating func pass(_ end: Int, matched length: Int) {
    memo.pass(end)
    allowance += 32 + 8 * length
    if allowance > 4096 { allowance = 4096 }
    if remembers, allowance > 0 { remembers = false }
  }

  private mutating func push(_ kind: Frame.Kind, _ code: Int32, _ low: Int, _ high: Int) {
    if count == capacity {
      capacity *= 2
      frames = Self.enlarge(frames, to: capacity)
    }
    (frames + count).initialize(to: Frame(kind, code, low, high))
    count += 1
  }

  /// What comes after an instruction.
  private enum Step {
    case go(Int)
    case fail
    /// The innermost region succeeded, with this end.
    case succeed(Int)
  }

  /// The end of the match that starts here, or nil.
  mutating func match(at start: Int) -> Int? {
    (count, mark, isBackward) = (0, -1, false)
    var pc = 0
    var position = start
    while true {
      allowance &-= 1
      if allowance < 0, !remembers { remember() }
      var step: Step
      let instruction = code[pc]
      switch instruction.operation {
      case .accept: return position
      case .scalar, .set, .any, .exactly:
        let next =
          instruction.operation == .exactly
          ? exactly(instruction, position, isBackward: isBackward)
          : isBackward ? stepBack(instruction, position) : stepForward(instruction, position)
        step = next < 0 ? .fail : .go(pc + 1)
        if next >= 0 { position = next }
      case .run, .upTo: step = run(instruction, pc, &position)
      case .branch: step = branch(instruction, pc, position)
      case .jump: step = .go(Int(instruction.a))
      case .assert: step = holds(instruction.a, position) ? .go(pc + 1) : .fail
      case .peek: step = peeks(instruction, position) ? .go(pc + 1) : .fail
      case .enter:
        push(.mark, instruction.a, position, (mark + 1) << 1 | (isBackward ? 1 : 0))
        mark = count - 1
        isBackward = program.regions[Int(instruction.a)].isBackward
        step = .go(pc + 1)
      case .leave: step = .succeed(position)
      }
      while true {
        switch step {
        case .go(let next): pc = next
        case .fail:
          guard let next = backtrack(&position) else { return nil }
          step = next
          continue
        case .succeed(let end):
          step = leaveRegion(end, &position)
          continue
        }
        break
      }
    }
  }

  // MARK: Choices

  /// Whether a choice is new here. If it is not, the step says how it ended.
  private mutating func isNew(_ slot: Int32, _ position: Int, _ step: inout Step) -> Bool {
    guard memo.isVisited(slot, position) else { return true }
    step = .fail
    if mark >= 0, let end = memo.end(slot, position) { step = .succeed(end) }
    return false
  }

  private mutating func branch(_ instruction: PatternProgram.Instruction, _ pc: Int, _ position: Int) -> Step {
    if remembers {
      var step = Step.fail
      guard isNew(instruction.slot, position, &step) else { return step }
      memo.visit(instruction.slot, position, position)
    }
    let isPath = remembers && mark >= 0
    let branch = branches[Int(instruction.a)]
    var mask: UInt64
    if branch.masks >= 0 {
      let byte = position < text.count ? Int(text[position]) : 256
      mask = masks[Int(branch.masks) + byte]
    } else {
      mask = .max >> UInt64(64 - branch.count)
    }
    guard mask != 0 else { return .fail }
    let first = mask.trailingZeroBitCount
    mask &= mask - 1
    if mask != 0 {
      push(isPath ? .choice : .targets, Int32(pc), position, Int(truncatingIfNeeded: mask))
    } else if isPath {
      push(.path, instruction.slot, position, position)
    }
    return .go(Int(targets[Int(branch.first) + first]))
  }

  private mutating func run(_ instruction: PatternProgram.Instruction, _ pc: Int, _ position: inout Int) -> Step {
    let start = position
    let isEndless = instruction.operation == .run
    if remembers {
      var step = Step.fail
      guard isNew(instruction.slot, start, &step) else { return step }
    }
    if instruction.mode == .lazy {
      if remembers {
        memo.visit(instruction.slot, start, start)
        if mark >= 0 { push(.path, instruction.slot, start, start) }
      }
      push(isEndless ? .lazyRun : .lazyCount, Int32(pc), isEndless ? start : Int(instruction.b), start)
      return .go(pc + 1)
    }
    if remembers, isEndless { return rememberedRun(instruction, pc, &position) }
    position = isBackward ? runBack(instruction, start) : runForward(instruction, start)
    allowance &-= abs(position - start)
    if remembers {
      memo.visit(instruction.slot, start, start)
      if mark >= 0 { push(.path, instruction.slot, start, start) }
    }
    if position != start, instruction.mode == .greedy, !instruction.keepsAll { push(.run, Int32(pc), start, position) }
    return .go(pc + 1)
  }

  /// An endless run that stops where an earlier one has been, whose outcome holds from there on.
  private mutating func rememberedRun(
    _ instruction: PatternProgram.Instruction, _ pc: Int, _ position: inout Int
  ) -> Step {
    let start = position
    var meets = false
    while !meets {
      let next = isBackward ? stepBack(instruction, position) : stepForward(instruction, position)
      if next < 0 { break }
      position = next
      meets = memo.isVisited(instruction.slot, position)
    }
    let end = meets && mark >= 0 ? memo.end(instruction.slot, position) : nil
    memo.visit(instruction.slot, min(start, position), max(start, position))
    if mark >= 0 { push(.path, instruction.slot, start, position) }
    if let end { return .succeed(end) }
    if position != start, instruction.mode == .greedy, !instruction.keepsAll { push(.run, Int32(pc), start, position) }
    return meets ? .fail : .go(pc + 1)
  }

  // MARK: Coming back

  private mutating func backtrack(_ position: inout Int) -> Step? {
    while count > 0 {
      count -= 1
      let frame = frames[count]
      switch frame.kind {
      case .path: continue
      case .targets, .choice:
        let instruction = code[Int(frame.code)]
        var mask = UInt64(truncatingIfNeeded: frame.high)
        let first = mask.trailingZeroBitCount
        mask &= mask - 1
        position = frame.low
        if mask != 0 {
          frames[count].high = Int(truncatingIfNeeded: mask)
          count += 1
        } else if frame.kind == .choice {
          push(.path, instruction.slot, position, position)
        }
        return .go(Int(targets[Int(branches[Int(instruction.a)].first) + first]))
      case .run:
        position = isBackward ? scalar(at: frame.high).next : scalar(before: frame.high).start
        if !isBackward, position < frame.low { position = frame.low }
        if isBackward, position > frame.low { position = frame.low }
        if code[Int(frame.code)].operation == .run { shortenPath(to: position, of: code[Int(frame.code)].slot) }
        if position != frame.low { push(.run, frame.code, frame.low, position) }
        allowance &-= 1
        return .go(Int(frame.code) + 1)
      case .lazyRun, .lazyCount:
        if let step = extend(frame, &position) { return step }
      case .mark:
        leave(frame)
        let region = program.regions[Int(frame.code)]
        guard region.isNegated else { continue }
        position = frame.low
        return .go(Int(region.next))
      }
    }
    return nil
  }

  /// Lets a lazy run take one more scalar; nil if it cannot.
  private mutating func extend(_ frame: Frame, _ position: inout Int) -> Step? {
    let instruction = code[Int(frame.code)]
    let next = isBackward ? stepBack(instruction, frame.high) : stepForward(instruction, frame.high)
    guard next >= 0 else { return nil }
    position = next
    if frame.kind == .lazyCount {
      if frame.low > 1 { push(.lazyCount, frame.code, frame.low - 1, next) }
      return .go(Int(frame.code) + 1)
    }
    if remembers {
      var step = Step.fail
      guard isNew(instruction.slot, next, &step) else {
        if case .fail = step { return nil }
        return step
      }
      memo.visit(instruction.slot, next, next)
      shortenPath(to: next, of: instruction.slot)
    }
    push(.lazyRun, frame.code, frame.low, next)
    return .go(Int(frame.code) + 1)
  }

  /// Moves the end of a run's path to where the run now stands: only from there on back would it succeed.
  private mutating func shortenPath(to position: Int, of slot: Int32) {
    guard mark >= 0, count > 0, frames[count - 1].kind == .path, frames[count - 1].code == slot else { return }
    frames[count - 1].high = position
  }

  private mutating func leave(_ frame: Frame) {
    mark = frame.high >> 1 - 1
    isBackward = frame.high & 1 != 0
  }

  private mutating func leaveRegion(_ end: Int, _ position: inout Int) -> Step {
    var index = mark + 1
    while index < count {
      let frame = frames[index]
      if frame.kind == .path {
        memo.succeed(frame.code, min(frame.low, frame.high), max(frame.low, frame.high), end: end)
      } else if frame.kind == .choice {
        memo.succeed(code[Int(frame.code)].slot, frame.low, frame.low, end: end)
      }
      index += 1
    }
    count = mark
    let frame = frames[count]
    leave(frame)
    let region = program.regions[Int(frame.code)]
    if region.isNegated { return .fail }
    position = region.isAtomic ? end : frame.low
    return .go(Int(region.next))
  }
}
