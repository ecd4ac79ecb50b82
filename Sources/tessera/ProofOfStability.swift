import TesseraText

/// How much of a cut into tokens survives errors in the text.
struct BoundaryStability {
  /// Boundaries of both texts that fall on the same place, over all boundaries of either: 1 for equal cuts.
  ///
  /// - Parameters:
  ///   - clean: the ends of the tokens of the right text, in scalars, without the end of the text.
  ///   - noisy: the same for the text with errors.
  ///   - places: for every place of the right text its place in the other, `nil` where there is none.
  static func stability(_ clean: [Int], _ noisy: [Int], places: [Int?]) -> Double {
    let mapped = Set(clean.compactMap { places[$0] })
    let lost = clean.count - mapped.count
    let union = mapped.union(noisy).count + lost
    return union == 0 ? 1 : Double(mapped.intersection(noisy).count) / Double(union)
  }

  /// The tokens that differ between two lists, without what they share at both ends: the larger number of the two lists.
  static func footprint(_ a: [UInt32], _ b: [UInt32]) -> Int {
    let head = zip(a, b).prefix { $0 == $1 }.count
    let tail = zip(a.dropFirst(head).reversed(), b.dropFirst(head).reversed()).prefix { $0 == $1 }.count
    return max(a.count, b.count) - head - tail
  }
}

/// Errors as a scanner of pages makes them.
struct ScanErrors {
  private static let twins: [Unicode.Scalar: Unicode.Scalar] = [
    "c": "e", "e": "c", "0": "o", "o": "0", "5": "S", "S": "5", "l": "1", "1": "l", "i": "l", "h": "b", "n": "u",
    "u": "n",
    "t": "f", "a": "o",
  ]
  let rate: Double

  /// The text with errors, and for every place in the right text its place in the other.
  func apply(
    to text: [Unicode.Scalar], using numbers: inout ProofNumbers, onlyAt place: Int? = nil
  ) -> (text: [Unicode.Scalar], places: [Int?]) {
    var result: [Unicode.Scalar] = []
    var places: [Int?] = []
    var at = 0
    while at < text.count {
      places.append(result.count)
      let scalar = text[at]
      let isHit = place.map { $0 == at } ?? (Double.random(in: 0..<1, using: &numbers) < rate)
      at += 1
      guard isHit else {
        result.append(scalar)
        continue
      }
      switch Int.random(in: 0..<4, using: &numbers) {
      case 0 where scalar == " ": break
      case 1: result += [scalar, " "]
      case 2 where at < text.count:
        places.append(nil)
        result += [text[at], scalar]
        at += 1
      default: result.append(Self.twins[scalar] ?? "~")
      }
    }
    places.append(result.count)
    return (result, places)
  }
}

extension Proof {
  static let kl3mCharacters = Proof(
    name: "kl3m-characters",
    claim:
      "short tokens keep the cut of wrong and right spellings alike: more boundaries stay and fewer tokens change per error",
    baseline: "the same preset without a bound on the length of tokens, same size, same text",
    data:
      "licences in /usr/share as for kl3m; errors of a scanner in held-out lines: 2, 5 and 10 % of the characters, and "
      + "one error per line for the footprint",
    seeds: [1, 2, 3],
    metric: "share of token boundaries that both texts have, and tokens that change around one error; 4096 tokens",
    rule: [
      .init(figure: "stability at 5 %, bounded minus unbounded", bound: .atLeast(0.05)),
      .init(figure: "tokens changed by one error, bounded over unbounded", bound: .atMost(1)),
      .init(figure: "characters in changed tokens, bounded over unbounded", bound: .atMost(0.9)),
    ], measure: measureCharacters)

  private static func measureCharacters(_ data: ProofData, _ seed: UInt64) throws -> [(name: String, value: Double)] {
    let legal = try data.licences(
      seed, training: data.isQuick ? 200_000 : 2_000_000, heldOut: data.isQuick ? 30_000 : 200_000)
    func train(_ maximum: Int) throws -> TextTokenizer {
      let preset = try KL3M(.characters(maximum: maximum), vocabularySize: 4096)
      let cutting = try preset.cutting()
      return try preset.train(on: try ProofData.count(legal.training, cutting), cutting: cutting)
    }
    let lines = legal.heldOut.flatMap { $0.split(separator: 0x0A) }.map {
      Array(String(decoding: $0, as: UTF8.self).unicodeScalars)
    }
    .filter { $0.count >= 20 }
    var figures: [(name: String, value: Double)] = [
      ("training MB", Double(legal.trainingBytes) / 1e6), ("held-out lines", Double(lines.count)),
    ]
    let tokenizers = [(name: "bounded", try train(3)), (name: "unbounded", try train(1 << 20))]
    for rate in [0.02, 0.05, 0.1] {
      let values = try tokenizers.map { try stability($0.1, lines, rate, seed) }
      for (tokenizer, value) in zip(tokenizers, values) {
        figures.append(("stability at \(Int(rate * 100)) %, \(tokenizer.name)", value))
      }
      figures.append(("stability at \(Int(rate * 100)) %, bounded minus unbounded", values[0] - values[1]))
    }
    let prints = try tokenizers.map { try footprint($0.1, lines, seed) }
    for (tokenizer, print) in zip(tokenizers, prints) {
      figures.append(("tokens changed by one error, \(tokenizer.name)", print.tokens))
      figures.append(("characters in changed tokens, \(tokenizer.name)", print.characters))
    }
    figures.append(("tokens changed by one error, bounded over unbounded", prints[0].tokens / prints[1].tokens))
    figures.append(
      ("characters in changed tokens, bounded over unbounded", prints[0].characters / prints[1].characters))
    return figures
  }

  private static func text(_ scalars: [Unicode.Scalar]) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private static func stability(
    _ tokenizer: TextTokenizer, _ lines: [[Unicode.Scalar]], _ rate: Double, _ seed: UInt64
  ) throws -> Double {
    var numbers = ProofNumbers(state: seed)
    var sum = 0.0
    for line in lines {
      let (noisy, places) = ScanErrors(rate: rate).apply(to: line, using: &numbers)
      let ends = try [line, noisy].map { text in
        try tokenizer.encode(Self.text(text)).offsets.map(\.upperBound).filter { $0 < text.count }
      }
      sum += BoundaryStability.stability(ends[0], ends[1], places: places)
    }
    return sum / Double(max(1, lines.count))
  }

  private static func footprint(
    _ tokenizer: TextTokenizer, _ lines: [[Unicode.Scalar]], _ seed: UInt64
  ) throws -> (tokens: Double, characters: Double) {
    var numbers = ProofNumbers(state: seed)
    var (tokens, characters) = (0, 0)
    for line in lines {
      let place = Int.random(in: 0..<line.count, using: &numbers)
      let (noisy, _) = ScanErrors(rate: 0).apply(to: line, using: &numbers, onlyAt: place)
      let clean = try tokenizer.encode(Self.text(line))
      let wrong = try tokenizer.encode(Self.text(noisy))
      tokens += BoundaryStability.footprint(clean.ids, wrong.ids)
      let head = zip(clean.ids, wrong.ids).prefix { $0 == $1 }.count
      let tail = zip(clean.ids.dropFirst(head).reversed(), wrong.ids.dropFirst(head).reversed())
        .prefix { $0 == $1 }.count
      if head < clean.count - tail {
        characters += clean.offsets[clean.count - tail - 1].upperBound - clean.offsets[head].lowerBound
      }
    }
    let count = Double(max(1, lines.count))
    return (Double(tokens) / count, Double(characters) / count)
  }
}
