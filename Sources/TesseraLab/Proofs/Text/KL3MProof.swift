import TesseraTensor
import TesseraText

extension Proof {
  /// Legal text in tokens of a domain's own vocabulary.
  public static let kl3m = Proof(
    system: "kl3m",
    Declaration(
      name: "kl3m",
      claim:
        "A vocabulary trained on legal text takes 9 to 17 % fewer tokens on legal text than a general one of the same size.",
      baseline: "byte-level encoding inside words of the same size, trained on as many bytes of general English text",
      baselineFigures: ["legal, general encoding"],
      data:
        "licences and statements of copyright of installed packages, paragraphs taken once: up to 2 MB to train (200 kB when "
        + "quick), up to 300 kB of other packages held out; general text: English manuals",
      seeds: [1, 2, 3],
      metric:
        "tokens per character, 8192 tokens (2048 when quick); the preset once without and once with custom tokens",
      rule: [
        .atMost("legal, domain over general", 0.91), .atLeast("general, domain over general", 1),
        .atMost("legal terms, domain over general", 0.9),
        .atMost("legal, domain with custom tokens over general", 0.91),
      ],
      ceiling: ["legal, general encoding"], packages: DataSet.licences.packages + DataSet.textEnglish.packages),
    measure: measureKL3M)

  private static let terms = [
    "WITHOUT WARRANTY OF ANY KIND", " merchantability", " derivative work", " indemnify", " licensor", " sublicense",
    " infringement", " herein", " jurisdiction", " liability", " fitness for a particular purpose", " perpetual",
  ]

  private static func measureKL3M(_ run: Run) throws -> Outcome {
    let legal = try TextCorpus(
      .licences, run, training: run.isQuick ? 200_000 : 2_000_000, heldOut: run.isQuick ? 50_000 : 300_000)
    let english = try TextCorpus(.textEnglish, run, training: legal.trainingBytes, heldOut: 200_000)
    let size = run.isQuick ? 2048 : 8192
    let general = try TextCorpus.wordBPE(english.training, vocabularySize: size)
    func domain(_ tokens: [String]) throws -> TextTokenizer {
      var preset = try KL3M(.domain(customTokens: tokens), vocabularySize: size)
      preset.fillsToPowerOfTwo = false
      let cutting = try preset.cutting()
      return try preset.train(on: try TextCorpus.count(legal.training, cutting), cutting: cutting)
    }
    let plain = try domain([])
    // The custom tokens of all groups alone would fill the small vocabulary.
    let custom = try domain(
      KL3M.customTokens(run.isQuick ? [.whitespace, .enumerations] : KL3M.TokenGroup.allCases))
    let list = terms.map { Array($0.utf8) }
    func cost(_ tokenizer: TextTokenizer, _ documents: [[UInt8]]) throws -> Double {
      let characters = documents.reduce(0) { $0 + String(decoding: $1, as: UTF8.self).unicodeScalars.count }
      return Double(try tokenizer.tokens(in: documents)) / Double(max(1, characters))
    }
    let costs = try [general, plain, custom].map { tokenizer in
      (try cost(tokenizer, legal.heldOut), try cost(tokenizer, english.heldOut), Double(try tokenizer.tokens(in: list)))
    }
    var outcome = Outcome()
    outcome.add("training data", Double(legal.trainingBytes) / 1e6, "MB")
    outcome.add("held-out legal text", Double(legal.heldOutBytes) / 1e6, "MB")
    outcome.add("legal, general encoding", costs[0].0, "tokens/character")
    outcome.add("legal, domain", costs[1].0, "tokens/character")
    outcome.add("legal, domain with custom tokens", costs[2].0, "tokens/character")
    outcome.add("legal, domain over general", costs[1].0 / costs[0].0)
    outcome.add("legal, domain with custom tokens over general", costs[2].0 / costs[0].0)
    outcome.add("general, domain over general", costs[1].1 / costs[0].1)
    outcome.add("tokens per legal term, general", costs[0].2 / Double(terms.count))
    outcome.add("tokens per legal term, domain", costs[1].2 / Double(terms.count))
    outcome.add("legal terms, domain over general", costs[1].2 / costs[0].2)
    return outcome
  }
}
