/// How much of a text is kept; the `truncation` object of tokenizer.json.
public struct Truncation: Sendable, Equatable {
  /// Which side loses tokens.
  public enum Direction: String, Sendable, CaseIterable {
    case left = "Left"
    case right = "Right"
  }

  /// Which of two sequences loses tokens.
  public enum Strategy: String, Sendable, CaseIterable {
    case longestFirst = "LongestFirst"
    case onlyFirst = "OnlyFirst"
    case onlySecond = "OnlySecond"
  }

  /// The most tokens that are kept, those of the template included.
  public var maximumLength: Int
  /// How many tokens neighbouring windows share.
  public var stride: Int
  /// Which of two sequences loses tokens.
  public var strategy: Strategy
  /// Which side loses tokens.
  public var direction: Direction

  /// Makes a rule; the defaults cut the longer sequence on the right.
  public init(
    maximumLength: Int, stride: Int = 0, strategy: Strategy = .longestFirst, direction: Direction = .right
  ) {
    self.maximumLength = maximumLength
    self.stride = stride
    self.strategy = strategy
    self.direction = direction
  }

  /// Reads the object of tokenizer.json. The words of the Python interface (`longest_first`, `right`) are understood too.
  ///
  /// - Throws: ``TokenizerError`` naming the key.
  public init(json: JSON, path: String = "truncation") throws {
    let node = ConfigurationNode(Self.canonical(json), path: path)
    maximumLength = try node.count("max_length")
    stride = try node.count("stride", default: 0)
    strategy = try node.word("strategy", default: .longestFirst)
    direction = try node.word("direction", default: .right)
  }

  private static func canonical(_ json: JSON) -> JSON {
    guard case .object(var object) = json else { return json }
    let words = [
      "longest_first": "LongestFirst", "only_first": "OnlyFirst", "only_second": "OnlySecond", "left": "Left",
      "right": "Right",
    ]
    for key in ["strategy", "direction"] {
      if let word = object[key]?.stringValue, let known = words[word] { object[key] = .string(known) }
    }
    return .object(object)
  }

  var json: JSON {
    [
      "direction": .string(direction.rawValue), "max_length": .integer(Int64(maximumLength)),
      "strategy": .string(strategy.rawValue), "stride": .integer(Int64(stride)),
    ]
  }

  /// Cuts one or two encodings to a total length.
  ///
  /// - Parameter reserved: tokens that the template will add.
  func apply(to first: inout Encoding, _ second: inout Encoding?, reserved: Int) throws {
    guard reserved <= maximumLength else {
      throw TokenizerError(
        .invalidRequest, "the maximum length \(maximumLength) leaves no room for the \(reserved) special tokens")
    }
    let limit = maximumLength - reserved
    let total = first.count + (second?.count ?? 0)
    if limit == 0 {
      try truncate(&first, to: 0)
      if second != nil { try truncate(&second!, to: 0) }
      return
    }
    guard total > limit else { return }
    switch strategy {
    case .longestFirst:
      guard let other = second else { return try truncate(&first, to: limit) }
      let lengths = Self.sharedLengths(first.count, other.count, limit)
      try truncate(&first, to: lengths.0)
      try truncate(&second!, to: lengths.1)
    case .onlyFirst: try truncate(&first, by: total - limit)
    case .onlySecond:
      guard second != nil else {
        throw TokenizerError(.invalidRequest, "truncation of the second sequence, but there is only one")
      }
      try truncate(&second!, by: total - limit)
    }
  }

  /// The shorter sequence keeps what it has as long as the longer one can give; then both get half.
  static func sharedLengths(_ first: Int, _ second: Int, _ limit: Int) -> (Int, Int) {
    var shorter = min(first, second)
    var longer = shorter > limit ? shorter : max(shorter, limit - shorter)
    if shorter + longer > limit {
      shorter = limit / 2
      longer = shorter + limit % 2
    }
    return first > second ? (longer, shorter) : (shorter, longer)
  }

  private func truncate(_ encoding: inout Encoding, by excess: Int) throws {
    guard encoding.count > excess else {
      throw TokenizerError(
        .invalidRequest,
        "the sequence of \(encoding.count) tokens is too short to lose \(excess) for the maximum length \(maximumLength)"
      )
    }
    try truncate(&encoding, to: encoding.count - excess)
  }

  private func truncate(_ encoding: inout Encoding, to length: Int) throws {
    guard length < encoding.count else { return }
    guard length > 0 else {
      let all = encoding
      encoding = Encoding()
      encoding.overflowing = [all]
      return
    }
    guard stride < length else {
      throw TokenizerError(
        .invalidRequest, "the stride \(stride) must be less than the \(length) tokens that are kept of the sequence")
    }
    let windows = Self.windows(of: encoding.count, length: length, step: length - stride, direction)
    var result = encoding.slice(windows[0])
    result.overflowing = windows.dropFirst().map(encoding.slice)
    encoding = result
  }

  static func windows(of count: Int, length: Int, step: Int, _ direction: Direction) -> [Range<Int>] {
    var result: [Range<Int>] = []
    switch direction {
    case .right:
      var start = 0
      repeat {
        result.append(start..<min(start + length, count))
        start += step
      } while result[result.count - 1].upperBound < count
    case .left:
      var stop = count
      repeat {
        result.append(max(stop - length, 0)..<stop)
        stop -= step
      } while result[result.count - 1].lowerBound > 0
    }
    return result
  }
}
