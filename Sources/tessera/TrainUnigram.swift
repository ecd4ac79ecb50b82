import ArgumentParser
import Foundation
import TesseraText

struct TrainUnigram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unigram", abstract: "Unigram pieces with probabilities, as SentencePiece has them.",
    discussion: """
      An output that ends in .model is a SentencePiece model, any other a tokenizer.json.

      Examples:
        tessera train unigram corpus/ --vocab-size 32000 -o tokenizer.json
        tessera train unigram corpus/ --vocab-size 32000 --byte-fallback -o spm.model
      """)

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 8000
  @Option(help: "Rules of SentencePiece: identity, nfkc, nmt_nfkc, nfkc_cf, nmt_nfkc_cf.") var normalization =
    "nmt_nfkc"
  @Option(help: "The share of all characters that get a piece.") var characterCoverage = 0.9995
  @Option(help: "Characters that get a piece in any case.") var requiredCharacters = ""
  @Option(help: "The most characters of a piece.") var maxPieceLength = 16
  @Option(help: "The most candidates.") var seedSize = 1_000_000
  @Option(help: "The share of pieces that each turn keeps.") var shrinkingFactor = 0.75
  @Option(help: "Fittings of the probabilities per turn.") var subIterations = 2
  @Flag(help: "Write unknown characters as bytes.") var byteFallback = false
  @Flag(help: "Make each digit a piece of its own.") var splitDigits = false
  @Flag(help: "Let pieces mix scripts, digits and symbols.") var mixScripts = false
  @Option(help: "A text that is always one piece; may be given several times.") var userSymbol: [String] = []

  func run() throws {
    let start = Date()
    guard let rules = SentencePieceNormalization(rawValue: normalization) else {
      throw ValidationError(
        "--normalization is one of \(SentencePieceNormalization.allCases.map(\.rawValue).joined(separator: ", ")).")
    }
    if options.counting.preTokenizer != nil || options.counting.normalizer != nil {
      throw ValidationError("unigram cuts at spaces by the rules of --normalization; leave the other two options out.")
    }
    let run = TrainingRun()
    defer { run.finish() }
    let (words, cutting) = try options.words(run) {
      try WordCutting(sentencePiece: rules, unit: options.counting.wholeFiles ? .document : .line)
    }
    guard let normalization = cutting.normalization else {
      throw TokenizerError(
        .invalidRequest, "unigram needs words counted with `tessera count --normalization`", in: options.counts.first)
    }
    let model = try trainer(run).train(on: words, normalization: normalization)
    let isModel = options.output.hasSuffix(".model")
    let bytes = isModel ? model.serialized() : Array(try huggingFaceJSON(from: model).text(.pretty).utf8)
    run.finish()
    try options.finish(bytes, size: model.pieces.count, words: words, since: start)
  }

  private func trainer(_ run: TrainingRun) -> UnigramTrainer {
    var trainer = UnigramTrainer(vocabularySize: vocabSize)
    trainer.characterCoverage = characterCoverage
    trainer.requiredCharacters = Array(requiredCharacters.unicodeScalars)
    trainer.maximumPieceLength = maxPieceLength
    trainer.seedSize = seedSize
    trainer.shrinkingFactor = shrinkingFactor
    trainer.subIterations = subIterations
    trainer.usesByteFallback = byteFallback
    trainer.splitsDigits = splitDigits
    trainer.splitsScripts = !mixScripts
    trainer.controlSymbols = options.specialToken
    trainer.userDefinedSymbols = userSymbol
    trainer.threads = options.counting.threads
    trainer.progress = { try run.report($0) }
    trainer.checkpoint = options.checkpoint
    return trainer
  }
}
