/// Finds out what can start where, so that the machine tries only what can succeed.
struct PatternAnalysis {
  /// Programs above this size go without, to bound the time a hostile pattern takes.
  private static let largestAnalysed = 2_000
  private static let mostTables = 256

  private var program: PatternProgram
  private let sets: [ScalarSet]
  private let all = [Bool](repeating: true, count: 257)

  init(program: PatternProgram, sets: [ScalarSet]) {
    self.program = program
    self.sets = sets
  }

  mutating func finished() -> PatternProgram {
    guard program.code.count <= Self.largestAnalysed else { return program }
    program.starts = startBytes(at: 0)
    var isBackward = [Bool](repeating: false, count: program.code.count)
    markBackward(&isBackward)
    for index in program.code.indices where !isBackward[index] {
      switch program.code[index].operation {
      case .branch: addMasks(index)
      case .run, .upTo: program.code[index].keepsAll = neverGivesBack(index)
      default: break
      }
    }
    return program
  }

  private func markBackward(_ isBackward: inout [Bool]) {
    var stack: [Bool] = []
    for (index, instruction) in program.code.enumerated() {
      isBackward[index] = stack.last ?? false
      if instruction.operation == .enter { stack.append(program.regions[Int(instruction.a)].isBackward) }
      if instruction.operation == .leave { stack.removeLast() }
    }
  }

  private mutating func addMasks(_ index: Int) {
    let number = Int(program.code[index].a)
    let branch = program.branches[number]
    guard program.masks.count < Self.mostTables * 257 else { return }
    var masks = [UInt64](repeating: 0, count: 257)
    for offset in 0..<Int(branch.count) {
      let bytes = startBytes(at: Int(program.targets[Int(branch.first) + offset]))
      for byte in 0..<257 where bytes[byte] { masks[byte] |= 1 << UInt64(offset) }
    }
    program.branches[number].masks = Int32(program.masks.count)
    program.masks += masks
  }

  private func neverGivesBack(_ index: Int) -> Bool {
    let instruction = program.code[index]
    var next = index + 1
    while program.code[next].operation == .jump { next = Int(program.code[next].a) }
    // What accepts at once is never asked for another way.
    if program.code[next].operation == .accept || program.code[next].operation == .leave { return true }
    guard let first = firstScalars(at: next) else { return false }
    return first.isDisjoint(with: sets[Int(instruction.a)])
  }

  private func startBytes(at index: Int) -> [Bool] {
    guard let scalars = firstScalars(at: index) else { return all }
    var bytes = [Bool](repeating: false, count: 257)
    for range in scalars.ranges {
      if range.lowerBound < 0x80 {
        for byte in range.lowerBound..<min(range.upperBound, 0x80) { bytes[Int(byte)] = true }
      }
      if range.upperBound > 0x80 {
        for byte in Self.lead(max(range.lowerBound, 0x80))...Self.lead(range.upperBound - 1) { bytes[byte] = true }
      }
    }
    // Bytes that are not UTF-8 are read as U+FFFD.
    if scalars.contains(0xFFFD) { for byte in 0x80..<256 { bytes[byte] = true } }
    return bytes
  }

  /// The first byte in UTF-8 of a scalar beyond ASCII.
  private static func lead(_ scalar: UInt32) -> Int {
    scalar < 0x800 ? Int(0xC0 | scalar >> 6) : scalar < 0x10000 ? Int(0xE0 | scalar >> 12) : Int(0xF0 | scalar >> 18)
  }

  /// The scalars one of which a match from here must consume first; nil if it may end without consuming any.
  private func firstScalars(at start: Int) -> ScalarSet? {
    var ranges: [Range<UInt32>] = []
    var seen: Set<Int> = []
    var entered: Set<Int32> = []
    var pending = [start]
    while let index = pending.popLast() {
      guard seen.insert(index).inserted else { continue }
      let instruction = program.code[index]
      switch instruction.operation {
      case .scalar: ranges.append(UInt32(instruction.a)..<UInt32(instruction.a) + 1)
      case .set, .exactly: ranges += sets[Int(instruction.a)].ranges
      case .any: return .all
      case .run, .upTo:
        ranges += sets[Int(instruction.a)].ranges
        pending.append(index + 1)
      case .branch:
        let branch = program.branches[Int(instruction.a)]
        for target in program.targets[Int(branch.first)..<Int(branch.first + branch.count)] {
          pending.append(Int(target))
        }
      case .jump: pending.append(Int(instruction.a))
      case .assert, .peek: pending.append(index + 1)
      case .enter:
        let region = program.regions[Int(instruction.a)]
        if region.isAtomic { entered.insert(instruction.a) }
        pending.append(region.isAtomic ? index + 1 : Int(region.next))
      case .leave:
        // What follows an atomic group must not steer a choice inside of it.
        guard entered.contains(instruction.a) else { return nil }
        pending.append(Int(program.regions[Int(instruction.a)].next))
      case .accept: return nil
      }
    }
    return ScalarSet(ranges)
  }
}
