import TesseraTensor
import TesseraText

extension Proof {
  /// Tokens of at most three characters, for text with errors.
  public static let kl3mCharacters = Proof(
    system: "kl3m",
    Declaration(
      name: "kl3m-characters",
      claim:
        "Short tokens keep the cut of wrong and right spellings alike: more boundaries stay and fewer tokens change per error.",
      baseline: "the same preset without a bound on the length of tokens, same size, same text",
      baselineFigures: ["stability at 5 %, unbounded", "tokens changed by one error, unbounded"],
      data:
        "licences of installed packages as for kl3m; errors of a scanner in held-out lines: 2, 5 and 10 % of the characters, "
        + "and one error per line for the footprint",
      seeds: [1, 2, 3],
      metric: "share of token boundaries that both texts have, and tokens that change around one error; 4096 tokens",
      rule: [
        .atLeast("stability at 5 %, bounded minus unbounded", 0.05),
        .atMost("tokens changed by one error, bounded over unbounded", 1),
        .atMost("characters in changed tokens, bounded over unbounded", 0.9),
      ], packages: DataSet.licences.packages),
    measure: measureCharacters)

  private static func measureCharacters(_ run: Run) throws -> Outcome {
    let legal = try TextCorpus(
      .licences, run, training: run.isQuick ? 200_000 : 2_000_000, heldOut: run.isQuick ? 30_000 : 200_000)
    func train(_ maximum: Int) throws -> TextTokenizer {
      let preset = try KL3M(.characters(maximum: maximum), vocabularySize: 4096)
      let cutting = try preset.cutting()
      return try preset.train(on: try TextCorpus.count(legal.training, cutting), cutting: cutting)
    }
    let lines = legal.heldOut.flatMap { $0.split(separator: 0x0A) }.map {
      Array(String(decoding: $0, as: UTF8.self).unicodeScalars)
    }
    .filter { $0.count >= 20 }
    var outcome = Outcome()
    outcome.add("training data", Double(legal.trainingBytes) / 1e6, "MB")
    outcome.add("held-out lines", Double(lines.count))
    let tokenizers = [(name: "bounded", try train(3)), (name: "unbounded", try train(1 << 20))]
    var points: [[[Double]]] = [[], []]
    for rate in [0.02, 0.05, 0.1] {
      let values = try tokenizers.map { try stability($0.1, lines, rate, run) }
      for (index, value) in values.enumerated() {
        outcome.add("stability at \(Int(rate * 100)) %, \(tokenizers[index].name)", value)
        points[index].append([rate * 100, value])
      }
      outcome.add("stability at \(Int(rate * 100)) %, bounded minus unbounded", values[0] - values[1])
    }
    outcome.curves = tokenizers.indices.map {
      Curve(
        chart: "boundaries that survive a scanner's errors", name: tokenizers[$0].name,
        x: .init("wrong characters", "%"), y: .init("boundaries kept", "share"), points: points[$0])
    }
    let prints = try tokenizers.map { try footprint($0.1, lines, run) }
    for (tokenizer, print) in zip(tokenizers, prints) {
      outcome.add("tokens changed by one error, \(tokenizer.name)", print.tokens)
      outcome.add("characters in changed tokens, \(tokenizer.name)", print.characters)
    }
    outcome.add("tokens changed by one error, bounded over unbounded", prints[0].tokens / prints[1].tokens)
    outcome.add("characters in changed tokens, bounded over unbounded", prints[0].characters / prints[1].characters)
    return outcome
  }

  private static func text(_ scalars: [Unicode.Scalar]) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  private static func stability(
    _ tokenizer: TextTokenizer, _ lines: [[Unicode.Scalar]], _ rate: Double, _ run: Run
  ) throws -> Double {
    var numbers = run.stream.named("errors")
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
    _ tokenizer: TextTokenizer, _ lines: [[Unicode.Scalar]], _ run: Run
  ) throws -> (tokens: Double, characters: Double) {
    var numbers = run.stream.named("errors")
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
