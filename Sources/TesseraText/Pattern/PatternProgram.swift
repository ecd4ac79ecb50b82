/// A pattern as a program for a backtracking machine, with the tables its instructions refer to.
struct PatternProgram: Sendable {
  enum Operation: UInt8 {
    /// One scalar: equal to `a`, in set `a`, any.
    case scalar, set, any
    /// `b` scalars of set `a`.
    case exactly
    /// As many scalars of set `a` as there are, or up to `b` of them.
    case run, upTo
    /// One of the alternatives of branch `a`, in order.
    case branch
    case jump
    /// Assertion `a`, or one scalar of set `a` ahead or behind (`isBehind`, `isNegated`).
    case assert, peek
    /// The body of region `a` follows; `leave` ends it.
    case enter, leave
    case accept
  }

  struct Instruction {
    var operation: Operation
    var mode: PatternNode.Mode = .greedy
    /// For runs: giving scalars back can never help, because what follows cannot start with one.
    var keepsAll = false
    var isBehind = false
    var isNegated = false
    var a: Int32 = 0
    var b: Int32 = 0
    /// The number under which visited positions are remembered, at instructions where the machine has a choice.
    var slot: Int32 = -1
  }

  /// A part that is matched on its own: its first success counts, and nothing outside changes it.
  struct Region {
    var isAtomic: Bool
    var isNegated = false
    var isBackward = false
    /// The instruction after the region.
    var next: Int32 = 0
  }

  struct Slot {
    /// The bit row of visited positions; in a look-around the next row holds those that succeeded.
    var row: Int32
    /// In an atomic group, the column of where the group ended; else -1.
    var ends: Int32
    var isInRegion: Bool
  }

  struct Branch {
    /// Where its targets begin, and how many they are (at most ``PatternCompiler/mostTargets``).
    var first: Int32
    var count: Int32
    /// Its 257 masks of targets that can start with a byte, or -1. The last is for the end of the text.
    var masks: Int32
  }

  var code: [Instruction] = []
  var branches: [Branch] = []
  var targets: [Int32] = []
  var masks: [UInt64] = []
  var regions: [Region] = []
  var slots: [Slot] = []
  var rows = 0
  var endColumns = 0
  var sets: [PatternClassTable] = []
  /// The set of word scalars, if there is a word boundary.
  var wordSet = 0
  /// Bytes a match can start with, and as the last element whether one can start at the end of the text.
  var starts = [Bool](repeating: true, count: 257)
  /// A loop whose body can match nothing ends only by remembering.
  var needsMemo = false
  /// Something is matched backwards with choices, so what was remembered about earlier positions stays useful.
  var looksFarBack = false
}
