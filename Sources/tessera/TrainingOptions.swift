import ArgumentParser
import Foundation
import TesseraText

/// What every `tessera train` and `tessera count` needs to get words.
struct CountingOptions: ParsableArguments {
  @Argument(help: "Files or folders; - or none for standard input.") var files: [String] = []
  @Option(
    help:
      "How text is cut: gpt2, llama3, qwen2, o200k, whitespace, bert, metaspace, none, or the JSON of a pre_tokenizer.")
  var preTokenizer: String?
  @Option(help: "How text is normalized: nfc, nfkc, bert, lowercase, none, or the JSON of a normalizer.")
  var normalizer: String?
  @Flag(help: "Cut whole files at once instead of line by line, so that words may hold line ends.") var wholeFiles =
    false
  @Option(help: "Threads; the result is the same for any number.") var threads: Int?
  @Option(help: "Megabytes of words in memory, beyond which they go to temporary files.") var memory = 1024
  @Option(help: "Where to put the temporary files.") var temporaryFolder: String?

  func validate() throws {
    if memory < 1 { throw ValidationError("--memory needs at least 1 megabyte.") }
    if let threads, threads < 1 { throw ValidationError("--threads needs at least 1.") }
  }

  func cutting(preTokenizer fallback: String, normalizer other: String = "none") throws -> WordCutting {
    try WordCutting(
      normalizer: try NamedStage.normalizer(normalizer ?? other),
      preTokenizer: try NamedStage.preTokenizer(preTokenizer ?? fallback),
      unit: wholeFiles ? .document : .line)
  }

  func counter(_ cutting: WordCutting, _ run: TrainingRun) -> WordCounter {
    var counter = WordCounter(cutting: cutting, threads: threads)
    counter.memoryLimit = memory << 20
    counter.temporaryFolder = temporaryFolder
    counter.progress = { try run.report($0) }
    return counter
  }

  func paths(takesEveryFile: Bool = false) throws -> [String] {
    try Corpus(files.isEmpty ? ["-"] : files, takesEveryFile: takesEveryFile).paths
  }

  /// Presets cut and normalize text in their own way.
  func needNoStages(for preset: String) throws {
    if preTokenizer != nil || normalizer != nil {
      throw ValidationError("\(preset) cuts in its own way; leave --pre-tokenizer and --normalizer out.")
    }
  }
}

/// What every `tessera train` takes.
struct TrainingOptions: ParsableArguments {
  @OptionGroup var counting: CountingOptions
  @Option(help: "A file of word counts by `tessera count`, instead of text; may be given several times.")
  var counts: [String] = []
  @Option(help: "Words that occur less often are left out.") var minWordCount = 1
  @Option(help: "A control token; may be given several times.") var specialToken: [String] = []
  @Option(help: "Keeps word counts (FILE.twc) and state while at work; the same command goes on from there.")
  var checkpoint: String?
  @Option(name: .shortAndLong, help: "The file to write.") var output = "tokenizer.json"
  @Flag(help: "Say as JSON what was made.") var json = false

  func validate() throws {
    if !counts.isEmpty, !counting.files.isEmpty {
      throw ValidationError("Give either files of text or --counts, not both.")
    }
  }

  /// The words to train on and how they were cut.
  func words(
    _ run: TrainingRun, takesEveryFile: Bool = false, _ cutting: () throws -> WordCutting
  ) throws -> (CountedWords, WordCutting) {
    if !counts.isEmpty {
      if counting.preTokenizer != nil || counting.normalizer != nil {
        throw ValidationError("The words of --counts are cut already; leave --pre-tokenizer and --normalizer out.")
      }
      return try CountedWords.reading(counts, minimumCount: Int64(minWordCount))
    }
    let cutting = try cutting()
    let paths = try counting.paths(takesEveryFile: takesEveryFile)
    guard let checkpoint else {
      let words = try counting.counter(cutting, run).count(files: paths)
      return (minWordCount > 1 ? words.dropping(below: Int64(minWordCount)) : words, cutting)
    }
    let kept = checkpoint + ".twc"
    if !FileManager.default.fileExists(atPath: kept) {
      try counting.counter(cutting, run).count(files: paths, to: kept)
    }
    let (words, found) = try CountedWords.reading([kept], minimumCount: Int64(minWordCount))
    guard found.json == cutting.json else {
      throw TokenizerError(.inconsistent, "its words were cut in another way; remove it to start anew", in: kept)
    }
    return (words, cutting)
  }

  /// Writes the tokenizer, removes the checkpoint and says what was made.
  func finish(_ bytes: [UInt8], size: Int, words: CountedWords, since start: Date) throws {
    try Console.write(bytes, to: output)
    if let checkpoint { try? FileManager.default.removeItem(atPath: checkpoint + ".twc") }
    let seconds = (Date().timeIntervalSince(start) * 1000).rounded() / 1000
    try Console.print(
      json
        ? JSON.object([
          "tokenizer": .string(output), "vocabulary_size": .integer(Int64(size)),
          "distinct_words": .integer(Int64(words.count)), "words": .integer(words.occurrences),
          "seconds": .number(seconds),
        ]).text() : "\(size) tokens in \(output)")
  }
}

/// Stages of tokenizer.json by short names.
enum NamedStage {
  private static let byteLevel: JSON = [
    "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
  ]
  private static let blanks = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let patterns = [
    "llama3": contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + blanks,
    "qwen2": contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"# + blanks,
    "o200k": #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"# + contractions + "?"
      + #"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"# + contractions + "?"
      + #"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"# + blanks,
  ]

  static func preTokenizer(_ text: String) throws -> JSON {
    if let pattern = patterns[text] {
      let split: JSON = [
        "type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated", "invert": false,
      ]
      return ["type": "Sequence", "pretokenizers": [split, byteLevel]]
    }
    switch text {
    case "gpt2": return ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true]
    case "bytes": return byteLevel
    case "whitespace": return ["type": "Whitespace"]
    case "bert": return ["type": "BertPreTokenizer"]
    case "metaspace":
      return ["type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always", "split": true]
    case "none": return nil
    default: return try read(text, "--pre-tokenizer")
    }
  }

  static func normalizer(_ text: String) throws -> JSON {
    switch text {
    case "nfc", "nfd", "nfkc", "nfkd": return ["type": .string(text.uppercased())]
    case "lowercase": return ["type": "Lowercase"]
    case "bert":
      return [
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil,
        "lowercase": true,
      ]
    case "none": return nil
    default: return try read(text, "--normalizer")
    }
  }

  private static func read(_ text: String, _ option: String) throws -> JSON {
    guard text.hasPrefix("{") else { throw ValidationError("\(option): '\(text)' is neither a known name nor JSON.") }
    do {
      return try JSON(parsing: text)
    } catch let error as TokenizerError {
      throw ValidationError("\(option): \(error.description)")
    }
  }
}
