import TesseraTensor
import TesseraText

extension Proof {
  /// Tokens that cross words, learned from random chunks.
  public static let supertokens = Proof(
    system: "tokenadapt",
    crossing(
      "supertokens", "Tokens that cross words, learned from random chunks, hold more bytes per token at the same size.",
      "bytes per token of held-out text, 8192 tokens (2048 when quick)"),
    measure: { try measureCrossing($0, trainSupertokens) })

  /// Tokens that cross words, learned in a second pass.
  public static let superwords = Proof(
    system: nil,
    crossing(
      "superwords", "A second pass across words holds more bytes per token at the same size.",
      "bytes per token of held-out text, 8192 tokens, 6144 of them inside words (2048 and 1536 when quick)"),
    measure: { try measureCrossing($0, trainSuperwords) })

  private static func crossing(_ name: String, _ claim: String, _ metric: String) -> Declaration {
    Declaration(
      name: name, claim: claim, baseline: "byte-level encoding inside words (GPT-2's pattern), same size, same text",
      baselineFigures: ["English, words", "code, words"],
      data:
        "English manuals and source code: 3 MB to train (600 kB when quick), 200 kB of other pages or packages held out, of each",
      seeds: [1, 2], metric: metric,
      rule: [
        .atLeast("English, over words", 1.1), .atLeast("code, over words", 1.1),
        .atLeast("English, share of tokens that cross words", 0.1),
      ],
      floor: ["English, words", "code, words"], packages: DataSet.textEnglish.packages + DataSet.code.packages)
  }

  private static func trainSupertokens(_ documents: [[UInt8]], _ size: Int, _ seed: UInt64) throws -> TextTokenizer {
    let preset = try Supertokens(vocabularySize: size, seed: seed)
    let cutting = try preset.cutting()
    return try preset.train(on: try TextCorpus.count(documents, cutting), cutting: cutting)
  }

  private static func trainSuperwords(_ documents: [[UInt8]], _ size: Int, _: UInt64) throws -> TextTokenizer {
    let preset = try Superwords(vocabularySize: size, wordVocabularySize: size / 4 * 3)
    return try preset.train(
      words: try TextCorpus.count(documents, try preset.wordCutting()),
      lines: try TextCorpus.count(documents, try preset.lineCutting()))
  }

  private static func measureCrossing(
    _ run: Run, _ train: ([[UInt8]], Int, UInt64) throws -> TextTokenizer
  ) throws -> Outcome {
    let size = run.isQuick ? 2048 : 8192
    var outcome = Outcome()
    for (name, set) in [("English", DataSet.textEnglish), ("code", DataSet.code)] {
      let corpus = try TextCorpus(set, run, training: run.isQuick ? 600_000 : 3_000_000, heldOut: 200_000)
      let words = try TextCorpus.wordBPE(corpus.training, vocabularySize: size)
      let crossing = try train(corpus.training, size, run.seed)
      let (first, second) = (try words.bytesPerToken(corpus.heldOut), try crossing.bytesPerToken(corpus.heldOut))
      outcome.add("\(name), training data", Double(corpus.trainingBytes) / 1e6, "MB")
      outcome.add("\(name), words", first, "bytes/token")
      outcome.add("\(name), crossing", second, "bytes/token")
      outcome.add("\(name), over words", second / first)
      outcome.add("\(name), share of tokens that cross words", try shareCrossing(crossing, corpus.heldOut))
    }
    return outcome
  }

  /// The share of tokens in use that have a letter, a blank and a letter in this order.
  private static func shareCrossing(_ tokenizer: TextTokenizer, _ documents: [[UInt8]]) throws -> Double {
    func crosses(_ id: UInt32) -> Bool {
      let parts = tokenizer.decode([id]).split(separator: " ", omittingEmptySubsequences: false)
      return parts.indices.dropFirst().contains {
        parts[$0 - 1].contains(where: \.isLetter) && parts[$0...].contains { $0.contains(where: \.isLetter) }
      }
    }
    var known: [UInt32: Bool] = [:]
    var (crossing, all) = (0, 0)
    for document in documents {
      for id in try tokenizer.encode(bytes: document, options: .init(specialTokensInText: .text)).ids {
        let answer = known[id] ?? crosses(id)
        known[id] = answer
        all += 1
        if answer { crossing += 1 }
      }
    }
    return Double(crossing) / Double(max(1, all))
  }
}
