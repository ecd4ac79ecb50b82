/// A regular expression as instructions for ``PatternMatcher``.
struct PatternProgram: Sendable {
  enum Instruction: Sendable {
    case characters(Int)
    /// A run of scalars of one class: at least `minimum`, at most `maximum`, then what follows.
    case run(Int, minimum: Int, maximum: Int, PatternNode.Greed)
    /// Tries the first place, then the second.
    case split(Int, Int)
    case jump(Int)
    case atomicBegin
    case atomicEnd
    case anchor(PatternNode.Anchor)
    /// The body follows and ends in `match`; goes on at `next`.
    case look(next: Int, isAhead: Bool, isNegative: Bool, width: Int)
    case match
  }

  private(set) var instructions: [Instruction] = []
  private(set) var classes: [ScalarSet] = []
  static let maximumSize = 20_000

  init(_ node: PatternNode) throws {
    try compile(node)
    try emit(.match)
  }

  /// Matches the empty text.
  static let nothing = PatternProgram()

  private init() { instructions = [.match] }

  private mutating func emit(_ instruction: Instruction) throws {
    guard instructions.count < Self.maximumSize else {
      throw TokenizerError(.limitExceeded, "the pattern is too large once its repetitions are written out")
    }
    instructions.append(instruction)
  }

  private mutating func index(of set: ScalarSet) -> Int {
    if let known = classes.firstIndex(of: set) { return known }
    classes.append(set)
    return classes.count - 1
  }

  private mutating func compile(_ node: PatternNode) throws {
    switch node {
    case .empty: break
    case .characters(let set): try emit(.characters(index(of: set)))
    case .sequence(let parts): for part in parts { try compile(part) }
    case .alternatives(let branches): try compileAlternatives(branches)
    case .anchor(let anchor): try emit(.anchor(anchor))
    case .atomic(let body):
      try emit(.atomicBegin)
      try compile(body)
      try emit(.atomicEnd)
    case .look(let body, let isAhead, let isNegative):
      let start = instructions.count
      let width = isAhead ? 0 : try Self.width(of: body)
      try emit(.match)
      try compile(body)
      try emit(.match)
      instructions[start] = .look(next: instructions.count, isAhead: isAhead, isNegative: isNegative, width: width)
    case .repetition(let body, let minimum, let maximum, let greed):
      try compileRepetition(body, minimum, maximum, greed)
    }
  }

  private mutating func compileAlternatives(_ branches: [PatternNode]) throws {
    var exits: [Int] = []
    for (number, branch) in branches.enumerated() {
      if number == branches.count - 1 {
        try compile(branch)
        break
      }
      let split = instructions.count
      try emit(.match)
      try compile(branch)
      exits.append(instructions.count)
      try emit(.match)
      instructions[split] = .split(split + 1, instructions.count)
    }
    for exit in exits { instructions[exit] = .jump(instructions.count) }
  }

  private mutating func compileRepetition(
    _ body: PatternNode, _ minimum: Int, _ maximum: Int?, _ greed: PatternNode.Greed
  ) throws {
    if case .characters(let set) = body {
      return try emit(.run(index(of: set), minimum: minimum, maximum: maximum ?? .max, greed))
    }
    if greed == .possessive {
      return try compile(.atomic(.repetition(body, minimum: minimum, maximum: maximum, .greedy)))
    }
    for _ in 0..<minimum { try compile(body) }
    func split(_ at: Int, _ inside: Int, _ outside: Int) {
      instructions[at] = greed == .lazy ? .split(outside, inside) : .split(inside, outside)
    }
    guard let maximum else {
      let loop = instructions.count
      try emit(.match)
      try compile(body)
      try emit(.jump(loop))
      return split(loop, loop + 1, instructions.count)
    }
    var splits: [Int] = []
    for _ in minimum..<max(minimum, maximum) {
      splits.append(instructions.count)
      try emit(.match)
      try compile(body)
    }
    for at in splits { split(at, at + 1, instructions.count) }
  }

  /// The number of scalars that a look-behind looks at: it must be fixed.
  private static func width(of node: PatternNode) throws -> Int {
    switch node {
    case .empty, .anchor, .look: return 0
    case .characters: return 1
    case .sequence(let parts): return try parts.reduce(0) { $0 + (try width(of: $1)) }
    case .atomic(let body): return try width(of: body)
    case .repetition(let body, let minimum, let maximum, _) where maximum == minimum:
      return try width(of: body) * minimum
    case .alternatives(let branches):
      let widths = try Set(branches.map { try width(of: $0) })
      if widths.count == 1, let only = widths.first { return only }
      fallthrough
    default: throw TokenizerError(.unsupported, "a look-behind of variable length")
    }
  }
}
