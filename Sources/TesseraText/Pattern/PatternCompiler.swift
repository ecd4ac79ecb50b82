/// Turns a parsed pattern into a program. The size is bounded, whatever the counts in the pattern.
struct PatternCompiler {
  static let largestProgram = 50_000
  static let mostSets = 2_000
  /// A frame of the machine holds a bit for each target.
  static let mostTargets = 56

  private(set) var program = PatternProgram()
  private var knownSets: [ScalarSet: Int32] = [:]
  private(set) var sources: [ScalarSet] = []
  private var isBackward = false
  private var region: Int32 = -1
  private var work = 0
  private let wordSet: ScalarSet

  static func compile(_ node: PatternNode, words: ScalarSet) throws(TokenizerError) -> PatternProgram {
    var compiler = PatternCompiler(wordSet: words)
    try compiler.emit(node)
    compiler.program.code.append(.init(operation: .accept))
    var analysis = PatternAnalysis(program: compiler.program, sets: compiler.sources)
    return analysis.finished()
  }

  private init(wordSet: ScalarSet) { self.wordSet = wordSet }

  private var here: Int { program.code.count }

  private mutating func add(_ instruction: PatternProgram.Instruction) throws(TokenizerError) {
    if here >= Self.largestProgram {
      throw TokenizerError(
        .limitExceeded, "pattern: larger than \(Self.largestProgram) steps when its counts are written out")
    }
    program.code.append(instruction)
  }

  private mutating func emit(_ node: PatternNode) throws(TokenizerError) {
    work += 1
    if work > 4 * Self.largestProgram {
      throw TokenizerError(.limitExceeded, "pattern: its counts multiply to more than can be written out")
    }
    switch node {
    case .empty: break
    case .set(let set): try emit(set)
    case .sequence(let nodes):
      for part in isBackward ? nodes.reversed() : nodes { try emit(part) }
    case .alternation(let nodes):
      if let set = Self.single(node) { try emit(set) } else { try alternatives(nodes[...]) }
    case .repeated(let body, let min, let max, let mode):
      if let set = Self.single(body) {
        try run(of: set, min, max, mode)
      } else if mode == .possessive {
        try atomic(.repeated(body, min: min, max: max, .greedy))
      } else {
        try loop(body, min, max, isLazy: mode == .lazy)
      }
    case .atomic(let body): try atomic(body)
    case .look(let body, let behind, let negated):
      if let set = Self.single(body) {
        var peek = PatternProgram.Instruction(operation: .peek, a: try index(of: set))
        peek.isBehind = behind
        peek.isNegated = negated
        try add(peek)
      } else {
        try enter(.init(isAtomic: false, isNegated: negated, isBackward: behind), body)
      }
    case .assertion(let kind):
      if kind == .wordBoundary || kind == .notWordBoundary { program.wordSet = Int(try index(of: wordSet)) }
      try add(.init(operation: .assert, a: Int32(kind.rawValue)))
    }
  }

  /// The set of a node that always matches exactly one scalar.
  private static func single(_ node: PatternNode) -> ScalarSet? {
    switch node {
    case .set(let set): return set
    case .sequence(let nodes): return nodes.count == 1 ? single(nodes[0]) : nil
    case .atomic(let body): return single(body)
    case .alternation(let nodes):
      var union = ScalarSet.empty
      for part in nodes {
        guard let set = single(part) else { return nil }
        union = union.union(set)
      }
      return union
    default: return nil
    }
  }

  static func isNullable(_ node: PatternNode) -> Bool {
    switch node {
    case .empty, .look, .assertion: true
    case .set: false
    case .sequence(let nodes): nodes.allSatisfy(isNullable)
    case .alternation(let nodes): nodes.contains(where: isNullable)
    case .repeated(let body, let min, _, _): min == 0 || isNullable(body)
    case .atomic(let body): isNullable(body)
    }
  }

  // MARK: Single scalars and their runs

  private mutating func emit(_ set: ScalarSet) throws(TokenizerError) {
    if let scalar = set.only {
      try add(.init(operation: .scalar, a: Int32(scalar)))
    } else if set == .all {
      try add(.init(operation: .any))
    } else {
      try add(.init(operation: .set, a: try index(of: set)))
    }
  }

  private mutating func index(of set: ScalarSet) throws(TokenizerError) -> Int32 {
    if let known = knownSets[set] { return known }
    if sources.count >= Self.mostSets {
      throw TokenizerError(.limitExceeded, "pattern: more than \(Self.mostSets) different classes")
    }
    let index = Int32(sources.count)
    knownSets[set] = index
    sources.append(set)
    program.sets.append(PatternClassTable(set))
    return index
  }

  private mutating func run(
    of set: ScalarSet, _ min: Int, _ max: Int?, _ mode: PatternNode.Mode
  ) throws(TokenizerError) {
    if mode == .possessive, isBackward { throw Self.noAtomicsBackward }
    if min == 1 { try emit(set) }
    if min > 1 { try add(.init(operation: .exactly, a: try index(of: set), b: Int32(min))) }
    if let max, max == min { return }
    var run = PatternProgram.Instruction(operation: max == nil ? .run : .upTo, mode: mode, a: try index(of: set))
    if let max { run.b = Int32(max - min) }
    run.slot = slot()
    try add(run)
  }

  private mutating func slot() -> Int32 {
    let kind = region < 0 ? nil : program.regions[Int(region)]
    var slot = PatternProgram.Slot(row: Int32(program.rows), ends: -1, isInRegion: kind != nil)
    program.rows += kind.map { $0.isAtomic } == false ? 2 : 1
    if kind?.isAtomic == true {
      slot.ends = Int32(program.endColumns)
      program.endColumns += 1
    }
    if isBackward { program.looksFarBack = true }
    program.slots.append(slot)
    return Int32(program.slots.count - 1)
  }

  // MARK: Choices

  /// Adds a branch whose targets are set later.
  private mutating func branch(_ count: Int) throws(TokenizerError) -> (branch: Int, first: Int) {
    let first = program.targets.count
    program.targets += [Int32](repeating: 0, count: count)
    program.branches.append(.init(first: Int32(first), count: Int32(count), masks: -1))
    try add(.init(operation: .branch, a: Int32(program.branches.count - 1), slot: slot()))
    return (program.branches.count - 1, first)
  }

  private mutating func alternatives(_ nodes: ArraySlice<PatternNode>) throws(TokenizerError) {
    let direct = nodes.count <= Self.mostTargets ? nodes : nodes.prefix(Self.mostTargets - 1)
    let rest = nodes.dropFirst(direct.count)
    let (_, first) = try branch(direct.count + (rest.isEmpty ? 0 : 1))
    var exits: [Int] = []
    for (offset, node) in direct.enumerated() {
      program.targets[first + offset] = Int32(here)
      try emit(node)
      if offset + 1 < direct.count || !rest.isEmpty {
        exits.append(here)
        try add(.init(operation: .jump))
      }
    }
    if !rest.isEmpty {
      program.targets[first + direct.count] = Int32(here)
      try alternatives(rest)
    }
    for exit in exits { program.code[exit].a = Int32(here) }
  }

  private mutating func loop(
    _ body: PatternNode, _ min: Int, _ max: Int?, isLazy: Bool
  ) throws(TokenizerError) {
    for _ in 0..<(max == nil && min > 0 && Self.isNullable(body) ? min - 1 : min) { try emit(body) }
    guard let max else { return try endlessLoop(body, isOptional: min == 0, isLazy: isLazy) }
    var exits: [Int] = []
    for _ in 0..<Swift.max(max - min, 0) {
      let (_, first) = try branch(2)
      program.targets[first + (isLazy ? 1 : 0)] = Int32(here)
      exits.append(first + (isLazy ? 0 : 1))
      try emit(body)
    }
    for exit in exits { program.targets[exit] = Int32(here) }
  }

  private mutating func endlessLoop(_ body: PatternNode, isOptional: Bool, isLazy: Bool) throws(TokenizerError) {
    let (inner, outer) = isLazy ? (1, 0) : (0, 1)
    guard Self.isNullable(body) else {
      let start = here
      let (_, first) = try branch(2)
      program.targets[first + inner] = Int32(here)
      try emit(body)
      try add(.init(operation: .jump, a: Int32(start)))
      program.targets[first + outer] = Int32(here)
      return
    }
    // A pass that matches nothing arrives at the branch behind the body a second time at one position: visited already,
    // so the loop is left and the other ways through the body are not tried before what follows.
    program.needsMemo = true
    var skip: Int?
    if isOptional {
      let (_, first) = try branch(2)
      program.targets[first + inner] = Int32(here)
      skip = first + outer
    }
    let start = here
    try emit(body)
    let (_, first) = try branch(2)
    program.targets[first + inner] = Int32(start)
    program.targets[first + outer] = Int32(here)
    if let skip { program.targets[skip] = Int32(here) }
  }

  // MARK: Regions

  private static let noAtomicsBackward = TokenizerError(
    .unsupported, "pattern: atomic groups and possessive quantifiers are not supported inside a look-behind")

  private mutating func atomic(_ body: PatternNode) throws(TokenizerError) {
    if let set = Self.single(body) { return try emit(set) }
    if isBackward { throw Self.noAtomicsBackward }
    try enter(.init(isAtomic: true), body)
  }

  private mutating func enter(_ kind: PatternProgram.Region, _ body: PatternNode) throws(TokenizerError) {
    let (outerRegion, outerDirection) = (region, isBackward)
    let index = Int32(program.regions.count)
    program.regions.append(kind)
    (region, isBackward) = (index, kind.isBackward)
    try add(.init(operation: .enter, a: index))
    try emit(body)
    try add(.init(operation: .leave, a: index))
    program.regions[Int(index)].next = Int32(here)
    (region, isBackward) = (outerRegion, outerDirection)
  }
}
