/// Cuts text into contiguous chunks of random lengths, wherever words begin and end.
///
///     let chunks = try RandomChunks("4-7:.2,8-15:.8", seed: 1)
///
/// The chunks of a text depend on the text and the seed alone: not on what was cut before, nor on threads.
public struct RandomChunks: Sendable, Equatable {
  /// Lengths with the weight of drawing one of them.
  public struct Lengths: Sendable, Equatable {
    /// The lengths in Unicode scalars, all equally likely.
    public var range: ClosedRange<Int>
    /// How likely the range is, relative to the others.
    public var weight: Double

    /// Makes an entry.
    public init(_ range: ClosedRange<Int>, weight: Double) {
      self.range = range
      self.weight = weight
    }
  }

  /// The distribution of lengths.
  public let lengths: [Lengths]
  /// Other seeds give other chunks.
  public let seed: UInt64
  /// Runs of one character are shortened by so many, as often as that goes, before the text is cut; zero keeps them.
  public let droppedRun: Int
  private let smallest: Int
  private let totalWeight: Double

  /// Makes a cutting. The weights need not add up to 1.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` that names the entry.
  public init(_ lengths: [Lengths], seed: UInt64, droppedRun: Int = 0) throws {
    for entry in lengths {
      let name = "\(entry.range.lowerBound)-\(entry.range.upperBound):\(entry.weight)"
      guard entry.range.lowerBound >= 1, entry.range.upperBound <= 1 << 20 else {
        throw TokenizerError(.invalidRequest, "lengths '\(name)': expected 1 to 2^20 characters")
      }
      guard entry.weight >= 0, entry.weight.isFinite else {
        throw TokenizerError(.invalidRequest, "lengths '\(name)': expected a weight that is not negative")
      }
    }
    totalWeight = lengths.reduce(0) { $0 + $1.weight }
    guard totalWeight > 0, totalWeight.isFinite else {
      throw TokenizerError(.invalidRequest, "lengths: expected at least one with a weight above zero")
    }
    guard droppedRun >= 0 else { throw TokenizerError(.invalidRequest, "a dropped run cannot be negative") }
    self.lengths = lengths
    self.seed = seed
    self.droppedRun = droppedRun
    smallest = lengths.lazy.filter { $0.weight > 0 }.map(\.range.lowerBound).min() ?? 1
  }

  /// Reads a distribution written as `4-5:.25,6-9:.75`.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` that names the entry.
  public init(_ text: String, seed: UInt64, droppedRun: Int = 0) throws {
    let entries = try text.split(separator: ",").map { entry in
      let parts = entry.split(separator: ":", maxSplits: 1)
      let bounds = parts.first?.split(separator: "-", maxSplits: 1).compactMap { Int($0) } ?? []
      guard parts.count == 2, bounds.count == 2, bounds[0] <= bounds[1], let weight = Double(parts[1]) else {
        throw TokenizerError(.invalidRequest, "lengths '\(entry)': expected MIN-MAX:WEIGHT, such as 4-5:.25")
      }
      return Lengths(bounds[0]...bounds[1], weight: weight)
    }
    try self.init(entries, seed: seed, droppedRun: droppedRun)
  }

  /// Calls `body` with each chunk of a text, in order; together they are the text, but for dropped runs.
  ///
  /// - Parameter text: valid UTF-8.
  /// - Complexity: O(n).
  func forEachChunk(in text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    guard droppedRun > 1 else { return cut(text, body) }
    withoutRuns(text).withUnsafeBufferPointer { cut($0, body) }
  }

  private func cut(_ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    var remaining = text.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    var hash = seed ^ UInt64(remaining)
    for byte in text { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    var numbers = SplitMix64(seed: hash)
    var start = 0
    while remaining > 0 {
      let length = remaining < smallest ? remaining : draw(from: &numbers, atMost: remaining)
      var end = start
      for _ in 0..<length {
        end += 1
        while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
      }
      body(UnsafeBufferPointer(rebasing: text[start..<end]))
      start = end
      remaining -= length
    }
  }

  private func draw(from numbers: inout SplitMix64, atMost remaining: Int) -> Int {
    var point = Double(numbers.next() >> 11) / Double(1 << 53) * totalWeight
    var range = 1...1
    for entry in lengths where entry.weight > 0 {
      range = entry.range
      if point < entry.weight { break }
      point -= entry.weight
    }
    return Int.random(in: min(range.lowerBound, remaining)...min(range.upperBound, remaining), using: &numbers)
  }

  /// The text without as many whole runs as there are; line ends are kept.
  private func withoutRuns(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var kept: [UInt8] = []
    kept.reserveCapacity(text.count)
    var at = 0
    while at < text.count {
      let length = text.leadLength(at: at)
      let scalar = text[at..<min(at + length, text.count)]
      var count = 1
      var end = at + length
      while end + length <= text.count, text[end..<(end + length)].elementsEqual(scalar) {
        count += 1
        end += length
      }
      let rest = text[at] == 0x0A ? count : count % droppedRun
      for _ in 0..<rest { kept.append(contentsOf: scalar) }
      at = end
    }
    return kept
  }

  /// The distribution in the form that is read.
  public var text: String {
    lengths.map { "\($0.range.lowerBound)-\($0.range.upperBound):\($0.weight)" }.joined(separator: ",")
  }

  var json: JSON {
    [
      "lengths": .string(text), "seed": .integer(Int64(bitPattern: seed)), "dropped_run": .integer(Int64(droppedRun)),
    ]
  }

  init(json: JSON) throws {
    guard let text = json["lengths"]?.stringValue, let seed = json["seed"]?.integerValue else {
      throw TokenizerError(.malformed, "expected lengths and a seed", at: .key("random_chunks"))
    }
    try self.init(
      text, seed: UInt64(bitPattern: Int64(seed)), droppedRun: json["dropped_run"]?.integerValue ?? 0)
  }
}
