#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The pieces of a Unigram training run with their log probabilities, and where in the text each one occurs.
///
/// All occurrences are edges, listed by the place where they start; the lattice of a part is thus there without any search, and a
/// pass over the text is one pass over the edges. Single characters are the first pieces and always stay.
struct UnigramVocabulary: Sendable {
  /// How many pieces are single characters.
  let characterCount: Int
  private(set) var lengths: [UInt8]
  /// Where in the text a piece can be read.
  private(set) var places: [UInt32]
  /// Log probabilities.
  private(set) var scores: [Double]
  /// The number that each piece had among the candidates.
  private(set) var origins: [UInt32]
  /// A piece above its length in five bits.
  private(set) var edges: [UInt32] = []
  /// The edges of place `i` are `edges[edgeStarts[i]..<edgeStarts[i + 1]]`.
  private(set) var edgeStarts: [UInt32]

  var count: Int { scores.count }

  @inline(__always)
  static func length(_ edge: UInt32) -> Int { Int(edge & 31) }
  @inline(__always)
  static func piece(_ edge: UInt32) -> Int { Int(edge >> 5) }

  /// - Parameter each: calls its argument with the length, the score and the places of each candidate.
  init(
    _ text: UnigramText, remaining: [UInt8],
    each: (_ add: (_ length: Int, _ score: Double, _ places: ArraySlice<UInt32>) -> Void) -> Void
  ) {
    characterCount = text.alphabet.count
    var lengths = [UInt8](repeating: 1, count: text.alphabet.count)
    var places = [UInt32](repeating: 0, count: text.alphabet.count)
    var scores = text.alphabet.map { Double($0.count) }
    var starts = [UInt32](repeating: 1, count: text.symbols.count + 1)
    for at in text.symbols.indices { places[Int(text.symbols[at])] = UInt32(at) }
    each { length, score, found in
      lengths.append(UInt8(length))
      places.append(found[found.startIndex])
      scores.append(score)
      for place in found { starts[Int(place)] += 1 }
    }
    var total: UInt32 = 0
    for at in starts.indices {
      let number = at < text.symbols.count ? starts[at] : 0
      starts[at] = total
      total += number
    }
    var edges = [UInt32](repeating: 0, count: Int(total))
    var cursors = starts
    for at in text.symbols.indices {
      edges[Int(cursors[at])] = text.symbols[at] << 5 | 1
      cursors[at] += 1
    }
    var piece = UInt32(text.alphabet.count)
    each { length, _, found in
      for place in found {
        edges[Int(cursors[Int(place)])] = piece << 5 | UInt32(length)
        cursors[Int(place)] += 1
      }
      piece += 1
    }
    let sum = log(scores.reduce(0, +))
    self.lengths = lengths
    self.places = places
    self.scores = scores.map { log(max($0, 0.5)) - sum }
    origins = Array(0..<UInt32(scores.count))
    self.edges = edges
    edgeStarts = starts
  }

  /// Sets the probabilities from expected counts, and drops pieces that are expected less than every second time.
  ///
  /// The logarithm is replaced by the digamma function, which pushes rare pieces down: the variational form for a sparse prior.
  mutating func maximize(_ expected: [Double]) {
    let characters = characterCount
    keep { $0 < characters || expected[$0] >= 0.5 }
    var sum = 0.0
    var values: [Double] = []
    values.reserveCapacity(count)
    var at = 0
    for piece in expected.indices where piece < characters || expected[piece] >= 0.5 {
      values.append(max(expected[piece], 0.5))
      sum += values[at]
      at += 1
    }
    let total = Self.digamma(sum)
    for piece in scores.indices { scores[piece] = Self.digamma(values[piece]) - total }
  }

  /// Drops pieces and their edges.
  mutating func keep(_ isKept: (Int) -> Bool) {
    var numbers = [UInt32](repeating: .max, count: count)
    var next = 0
    for piece in 0..<count where isKept(piece) {
      numbers[piece] = UInt32(next)
      lengths[next] = lengths[piece]
      places[next] = places[piece]
      scores[next] = scores[piece]
      origins[next] = origins[piece]
      next += 1
    }
    guard next < count else { return }
    lengths.removeLast(count - next)
    places.removeLast(places.count - next)
    origins.removeLast(origins.count - next)
    scores.removeLast(scores.count - next)
    var write = 0
    edges.withUnsafeMutableBufferPointer { edges in
      var read = 0
      for place in 0..<edgeStarts.count - 1 {
        let end = Int(edgeStarts[place + 1])
        edgeStarts[place] = UInt32(write)
        while read < end {
          let number = numbers[Self.piece(edges[read])]
          if number != .max {
            edges[write] = number << 5 | edges[read] & 31
            write += 1
          }
          read += 1
        }
      }
    }
    edgeStarts[edgeStarts.count - 1] = UInt32(write)
    edges.removeLast(edges.count - write)
    if edges.capacity > 2 * write + 1024 { edges = edges.map { $0 } }
  }

  /// The derivative of the logarithm of the gamma function, by its asymptotic series.
  static func digamma(_ x: Double) -> Double {
    var x = x
    var result = 0.0
    while x < 7 {
      result -= 1 / x
      x += 1
    }
    x -= 0.5
    let square = 1 / (x * x)
    return result + log(x) + square
      * (1.0 / 24 + square * (-7.0 / 960 + square * (31.0 / 8064 - square * 127.0 / 30720)))
  }

  /// The text of a piece.
  func string(_ piece: Int, _ text: UnigramText) -> String {
    if piece < characterCount { return Unicode.Scalar(text.alphabet[piece].scalar).map { String($0) } ?? "" }
    var view = String.UnicodeScalarView()
    for at in Int(places[piece])..<Int(places[piece]) + Int(lengths[piece]) {
      Unicode.Scalar(text.alphabet[Int(text.symbols[at])].scalar).map { view.append($0) }
    }
    return String(view)
  }

  /// All characters and the most probable other pieces, in the order of their probabilities.
  func final(_ text: UnigramText, room: Int) -> [(text: String, score: Double)] {
    let order = (0..<count).sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : origins[$0] < origins[$1] }
    var left = room - characterCount
    let kept = order.filter { piece in
      if piece < characterCount { return true }
      left -= 1
      return left >= 0
    }
    return kept.map { (string($0, text), scores[$0]) }
  }
}

extension UnigramVocabulary {
  /// What a checkpoint keeps: which candidates are left, and their scores.
  func saved(fingerprint: UInt64) -> UnigramCheckpoint {
    UnigramCheckpoint(fingerprint: fingerprint, origins: origins, scores: scores)
  }

  /// Goes back to what a checkpoint kept.
  ///
  /// - Throws: ``TokenizerError`` when the candidates do not fit.
  mutating func restore(_ saved: UnigramCheckpoint) throws {
    guard saved.origins.starts(with: 0..<UInt32(characterCount)), Int(saved.origins.last ?? 0) < count,
      zip(saved.origins, saved.origins.dropFirst()).allSatisfy({ $0 < $1 })
    else {
      throw TokenizerError(.inconsistent, "the checkpoint keeps other candidates than these words give")
    }
    var next = 0
    keep { piece in
      guard next < saved.origins.count, saved.origins[next] == UInt32(piece) else { return false }
      next += 1
      return true
    }
    scores = saved.scores
  }
}
