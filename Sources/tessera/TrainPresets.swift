import ArgumentParser
import Foundation
import TesseraText

struct TrainBinary: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "binary",
    abstract: "Byte-pair encoding of executables and other raw bytes, in nested sizes (Binary BPE).",
    discussion: """
      Every file of a folder is taken. With --family the smaller vocabularies are written beside the file, as elf-4096.json beside \
      elf.json; their ids are the first ones of the large one. Encode with `tessera encode --bytes`.

      Examples:
        tessera train binary /usr/bin --vocab-size 65536 --family 4096,8192,16384,32768 -o elf.json
        tessera encode --bytes --tokenizer elf.json /usr/bin/env --count
      """)

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 65_536
  @Option(help: "Sizes of smaller vocabularies to write too, with commas.") var family: String?
  @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 4
  @Option(help: "The most bytes of a token; 0 for no bound.") var maxTokenLength = 16
  @Option(help: "The bytes of a chunk; 0 for whole files.") var chunk = 8192
  @Option(help: "Leave chunks of less entropy out, in bits per byte, such as .1 (padding).") var minEntropy: Double?
  @Option(help: "Leave chunks of more entropy out, such as 7.95 (compressed data).") var maxEntropy: Double?

  func validate() throws {
    let (low, high) = (minEntropy ?? 0, maxEntropy ?? 8)
    if !(low <= high) { throw ValidationError("--min-entropy is more than --max-entropy.") }
    if maxTokenLength < 0 { throw ValidationError("--max-token-length cannot be negative.") }
    _ = try sizes()
  }

  private func sizes() throws -> [Int] {
    try (family ?? "").split(separator: ",").map { text in
      guard let size = Int(text), size >= 263, size <= vocabSize else {
        throw ValidationError("--family: '\(text)' is no size from 263 to --vocab-size.")
      }
      return size
    }
  }

  func run() throws {
    let start = Date()
    try options.counting.needNoStages(for: "binary")
    let run = TrainingRun()
    defer { run.finish() }
    let entropy = minEntropy == nil && maxEntropy == nil ? nil : (minEntropy ?? 0)...(maxEntropy ?? 8)
    var preset = try BinaryBPE(
      vocabularySize: vocabSize, minimumFrequency: minFrequency,
      maximumTokenLength: maxTokenLength == 0 ? nil : maxTokenLength,
      chunks: try ByteChunks(size: chunk, entropy: entropy))
    preset.checkpoint = options.checkpoint
    let (words, cutting) = try options.words(run, takesEveryFile: true) { preset.cutting }
    guard cutting.chunks != nil else {
      throw TokenizerError(.inconsistent, "its words are text and not chunks of bytes", in: options.counts.first)
    }
    let trained = try preset.train(on: words, progress: run.report)
    let largest = try trained.tokenizer(vocabularySize: vocabSize)
    run.finish()
    for size in try sizes() {
      let name = (options.output as NSString).deletingPathExtension + "-\(size)."
      let ending = (options.output as NSString).pathExtension
      try Console.write(
        try trained.tokenizer(vocabularySize: size).tokenizerJSON(), to: name + (ending.isEmpty ? "json" : ending))
    }
    try options.finish(try largest.tokenizerJSON(), size: largest.vocabularySize, words: words, since: start)
  }
}

struct TrainKL3M: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kl3m",
    abstract: "Byte-level BPE with curated tokens for law and finance, or with short tokens (KL3M).",
    discussion: """
      Without --max-characters the domain recipe: the groups of --custom are tokens in any case. With it the character recipe for \
      mending text. The vocabulary is filled up to a power of two.

      Examples:
        tessera train kl3m contracts/ --vocab-size 32768 --custom years,numbers,enumerations -o legal.json
        tessera train kl3m contracts/ --vocab-size 4096 --max-characters 3 -o characters.json
      """)

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 32_768
  @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 2
  @Option(help: "The most characters of a token: the character recipe.") var maxCharacters: Int?
  @Option(
    help: "all, none, or some of whitespace, markdown, html, json, xml, years, numbers, enumerations, with commas.")
  var custom = "all"
  @Option(help: "A file with one more custom token per line.") var tokens: String?
  @Option(help: "nfkc, nfc, nfkd, nfd or none.") var normalization = "nfkc"
  @Flag(help: "Keep the size as it comes.") var noPadding = false

  func validate() throws {
    if !["nfkc", "nfc", "nfkd", "nfd", "none"].contains(normalization) {
      throw ValidationError("--normalization is one of nfkc, nfc, nfkd, nfd, none.")
    }
    _ = try groups()
  }

  private func groups() throws -> [KL3M.TokenGroup] {
    if custom == "all" { return KL3M.TokenGroup.allCases }
    if custom == "none" { return [] }
    return try custom.split(separator: ",").map { name in
      guard let group = KL3M.TokenGroup(rawValue: String(name)) else {
        throw ValidationError("--custom: '\(name)' is no group of tokens.")
      }
      return group
    }
  }

  func run() throws {
    let start = Date()
    try options.counting.needNoStages(for: "kl3m")
    let run = TrainingRun()
    defer { run.finish() }
    var texts = KL3M.customTokens(try groups())
    if let tokens {
      texts += String(decoding: try Console.read(tokens), as: UTF8.self).split(whereSeparator: \.isNewline).map(
        String.init)
    }
    var preset = try KL3M(
      maxCharacters.map { .characters(maximum: $0) } ?? .domain(customTokens: texts), vocabularySize: vocabSize)
    preset.minimumFrequency = minFrequency
    preset.normalization = normalization == "none" ? nil : normalization.uppercased()
    preset.fillsToPowerOfTwo = !noPadding
    preset.checkpoint = options.checkpoint
    let (words, cutting) = try options.words(run) {
      try preset.cutting(unit: options.counting.wholeFiles ? .document : .line)
    }
    guard cutting.isByteLevel else {
      throw TokenizerError(.inconsistent, "its words were not cut by a ByteLevel stage", in: options.counts.first)
    }
    let tokenizer = try preset.train(on: words, cutting: cutting, progress: run.report)
    run.finish()
    try options.finish(try tokenizer.tokenizerJSON(), size: tokenizer.vocabularySize, words: words, since: start)
  }
}

struct TrainSupertokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "supertokens",
    abstract: "Byte-level BPE on chunks of random lengths, so that tokens cross words (Supertokens).",
    discussion: """
      Whole files are cut; they have to fit in memory one by one.

      Example: tessera train supertokens corpus/ --vocab-size 32000 --lengths 4-9:.3,10-16:.7 --seed 1 -o super.json
      """)

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 32_000
  @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 2
  @Option(help: "The most characters of a token; 0 for no bound.") var maxTokenLength = 30
  @Option(help: "Lengths of chunks in characters with their weights.") var lengths = Supertokens.releasedLengths
  @Option(help: "Other seeds cut elsewhere.") var seed: UInt64 = 1

  func run() throws {
    let start = Date()
    try options.counting.needNoStages(for: "supertokens")
    let run = TrainingRun()
    defer { run.finish() }
    var preset = try Supertokens(vocabularySize: vocabSize, lengths: lengths, seed: seed)
    preset.minimumFrequency = minFrequency
    preset.maximumTokenLength = maxTokenLength <= 0 ? nil : maxTokenLength
    if !options.specialToken.isEmpty { preset.specialTokens = options.specialToken }
    preset.checkpoint = options.checkpoint
    let (words, cutting) = try options.words(run) { try preset.cutting() }
    guard cutting.randomChunks != nil else {
      throw TokenizerError(.inconsistent, "its words are no random chunks of text", in: options.counts.first)
    }
    let tokenizer = try preset.train(on: words, cutting: cutting, progress: run.report)
    run.finish()
    try options.finish(try tokenizer.tokenizerJSON(), size: tokenizer.vocabularySize, words: words, since: start)
  }
}

struct TrainSuperwords: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "superwords", abstract: "Byte-level BPE in two passes: inside words, then across them.",
    discussion: """
      The files are read twice; the second pass keeps all distinct lines in memory.

      Example: tessera train superwords corpus/ --vocab-size 32000 --word-vocab-size 24000 -o super.json
      """)

  @OptionGroup var options: TrainingOptions
  @Option(help: "The size of the vocabulary.") var vocabSize = 32_000
  @Option(help: "The size at which tokens begin to cross words; nine tenths when not given.") var wordVocabSize: Int?
  @Option(help: "Pairs that occur less often are not merged.") var minFrequency = 2
  @Option(help: "The most characters of a token that crosses words; 0 for no bound.") var maxTokenLength = 30

  func validate() throws {
    if options.counting.files.isEmpty || options.counting.files.contains("-") {
      throw ValidationError("superwords reads its files twice: name files or folders.")
    }
    if options.checkpoint != nil || !options.counts.isEmpty {
      throw ValidationError("superwords takes neither --checkpoint nor --counts.")
    }
  }

  func run() throws {
    let start = Date()
    try options.counting.needNoStages(for: "superwords")
    let run = TrainingRun()
    defer { run.finish() }
    var preset = try Superwords(vocabularySize: vocabSize, wordVocabularySize: wordVocabSize)
    preset.minimumFrequency = minFrequency
    preset.maximumTokenLength = maxTokenLength <= 0 ? nil : maxTokenLength
    preset.specialTokens = options.specialToken
    let (words, _) = try options.words(run) { try preset.wordCutting() }
    let (lines, _) = try options.words(run) { try preset.lineCutting() }
    let tokenizer = try preset.train(words: words, lines: lines, progress: run.report)
    run.finish()
    try options.finish(try tokenizer.tokenizerJSON(), size: tokenizer.vocabularySize, words: words, since: start)
  }
}
