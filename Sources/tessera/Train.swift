import ArgumentParser
import Foundation
import TesseraText

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Learn a vocabulary from text.",
    discussion: """
      The file depends on the text and the options alone, never on the number of threads.

      Example: tessera train bpe corpus/ --vocab-size 32000 -o tokenizer.json
      """,
    subcommands: [
      TrainBPE.self, TrainUnigram.self, TrainWordPiece.self, TrainWordLevel.self, TrainBinary.self, TrainKL3M.self,
      TrainSupertokens.self, TrainSuperwords.self,
    ])
}

struct TrainBPE: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bpe", abstract: "Byte-pair encoding, of bytes or of characters.",
    discussion: """
      Merges equal those of Hugging Face's trainer on the same files. With a pre-tokenizer that ends in ByteLevel (the default) \
      the alphabet is the 256 bytes; with any other it is the characters of the text.

      Examples:
        tessera train bpe corpus/ --vocab-size 32000 -o tokenizer.json
        tessera train bpe a.txt --pre-tokenizer whitespace --end-suffix '</w>' --special-token '<unk>' --unknown '<unk>'
        cat corpus.txt | tessera train bpe - --vocab-size 8000
      """)

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 32_000
  @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 2
  @Option(help: "The most characters of the alphabet.") var limitAlphabet: Int?
  @Option(help: "Characters that are in the alphabet in any case.") var initialAlphabet: String?
  @Option(help: "What marks a token that does not start a word, such as ##.") var continuingPrefix: String?
  @Option(help: "What marks a token that ends a word, such as </w>.") var endSuffix: String?
  @Option(help: "The most characters of a token.") var maxTokenLength: Int?
  @Option(help: "A text that is a token in any case; may be given several times.") var token: [String] = []
  @Option(help: "A file with one such text per line.") var tokens: String?
  @Option(help: "The special token for unknown characters.") var unknown: String?

  func validate() throws {
    if vocabSize < 0 { throw ValidationError("--vocab-size cannot be negative.") }
    if minFrequency < 0 { throw ValidationError("--min-frequency cannot be negative.") }
  }

  func run() throws {
    let start = Date()
    let run = TrainingRun()
    defer { run.finish() }
    let (words, cutting) = try options.words(run) { try options.counting.cutting(preTokenizer: "gpt2") }
    if cutting.isByteLevel, vocabSize < 256 {
      throw ValidationError("--vocab-size needs at least 256, one for each byte.")
    }
    var trainer = BPETrainer(vocabularySize: vocabSize)
    trainer.minimumFrequency = minFrequency
    trainer.specialTokens = options.specialToken
    trainer.requiredTokens = token
    if let tokens {
      let lines = String(decoding: try Console.read(tokens), as: UTF8.self).split(whereSeparator: \.isNewline)
      trainer.requiredTokens += lines.map(String.init)
    }
    trainer.limitAlphabet = limitAlphabet
    trainer.initialAlphabet =
      (cutting.isByteLevel ? ByteLevelAlphabet.characters : []) + Array((initialAlphabet ?? "").unicodeScalars)
    trainer.continuingSubwordPrefix = continuingPrefix
    trainer.endOfWordSuffix = endSuffix
    trainer.maximumTokenLength = maxTokenLength
    trainer.checkpoint = options.checkpoint
    let trained = try trainer.train(on: words, reading: cutting.isByteLevel ? .byteLevel : .text, progress: run.report)
    let tokenizer = try TextTokenizer(trained, from: trainer, cutting: cutting, unknownToken: unknown)
    run.finish()
    try options.finish(try tokenizer.tokenizerJSON(), size: tokenizer.vocabularySize, words: words, since: start)
  }
}

struct TrainWordPiece: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wordpiece", abstract: "WordPiece, as BERT has it.",
    discussion: "Example: tessera train wordpiece corpus/ --vocab-size 30000 -o tokenizer.json")

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 30_000
  @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 2
  @Option(help: "The most characters of the alphabet.") var limitAlphabet = 1000
  @Option(help: "What marks a token that does not start a word.") var continuingPrefix = "##"
  @Option(help: "The token for unknown words.") var unknown = "[UNK]"

  func run() throws {
    let start = Date()
    let run = TrainingRun()
    defer { run.finish() }
    let (words, cutting) = try options.words(run) {
      try options.counting.cutting(preTokenizer: "bert", normalizer: "bert")
    }
    var trainer = BPETrainer(vocabularySize: vocabSize)
    trainer.minimumFrequency = minFrequency
    trainer.specialTokens =
      options.specialToken.isEmpty ? ["[PAD]", unknown, "[CLS]", "[SEP]", "[MASK]"] : options.specialToken
    trainer.limitAlphabet = limitAlphabet
    trainer.continuingSubwordPrefix = continuingPrefix
    trainer.checkpoint = options.checkpoint
    let trained = try trainer.train(on: words, reading: .text, progress: run.report)
    let tokenizer = try TextTokenizer(wordPiece: trained, from: trainer, cutting: cutting, unknownToken: unknown)
    run.finish()
    try options.finish(try tokenizer.tokenizerJSON(), size: tokenizer.vocabularySize, words: words, since: start)
  }
}

struct TrainWordLevel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wordlevel", abstract: "The most frequent words, one token each.",
    discussion: "Example: tessera train wordlevel corpus/ --vocab-size 50000 -o tokenizer.json")

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 30_000
  @Option(help: "Words that occur less often are left out.") var minFrequency = 0
  @Option(help: "The token for unknown words.") var unknown = "<unk>"

  func run() throws {
    let start = Date()
    let run = TrainingRun()
    defer { run.finish() }
    let (words, cutting) = try options.words(run) { try options.counting.cutting(preTokenizer: "whitespace") }
    var trainer = WordLevelTrainer(vocabularySize: vocabSize)
    trainer.minimumFrequency = minFrequency
    trainer.specialTokens = options.specialToken.isEmpty ? [unknown] : options.specialToken
    let vocabulary = trainer.train(on: words)
    let tokenizer = try TextTokenizer(words: vocabulary, from: trainer, cutting: cutting, unknownToken: unknown)
    run.finish()
    try options.finish(try tokenizer.tokenizerJSON(), size: tokenizer.vocabularySize, words: words, since: start)
  }
}
