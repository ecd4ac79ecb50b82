import Foundation
import TesseraText

extension Proof {
  /// The claims behind the presets.
  static let all = [binary, kl3m, kl3mCharacters, supertokens, superwords]

  static let binary = Proof(
    name: "binary",
    claim:
      "byte-pair encoding of raw bytes puts at least twice as many bytes of an executable into a token as raw bytes do",
    baseline: "raw bytes (1.0), and byte-level encoding inside words trained on as much English text, 4096 tokens each",
    data:
      "ELF files of /usr/bin and /usr/lib: 24 MB to train (2 MB when quick), 6 MB held out by file, at most 2 MB of each; "
      + "controls: gzip of held-out files, zeros, English text",
    seeds: [1, 2],
    metric: "bytes per token; control tokens are not recognized",
    rule: [
      .init(figure: "ELF, 4096 tokens", bound: .atLeast(2)),
      .init(figure: "ELF, 4096 tokens, over text encoding", bound: .atLeast(1.2)),
      .init(figure: "English, 4096 tokens, over text encoding", bound: .atMost(0.9)),
      .init(figure: "gzip, 4096 tokens", bound: .atMost(1.15)),
      .init(figure: "files that come back exactly, share", bound: .atLeast(1)),
    ], measure: measureBinary)

  private static func measureBinary(_ data: ProofData, _ seed: UInt64) throws -> [(name: String, value: Double)] {
    let size = data.isQuick ? 2_000_000 : 24_000_000
    let files = try data.executables(seed, training: size, heldOut: size / 4)
    let english = try data.documents(data.text, seed, training: files.trainingBytes, heldOut: 500_000)
    let preset = try BinaryBPE(vocabularySize: 4096)
    let family = try preset.train(on: try ProofData.count(files.training, preset.cutting))
    let text = try ProofData.wordBPE(english.training, vocabularySize: 4096)
    var figures: [(name: String, value: Double)] = [
      ("training files", Double(files.training.count)), ("training MB", Double(files.trainingBytes) / 1e6),
      ("held-out files", Double(files.heldOut.count)), ("held-out MB", Double(files.heldOutBytes) / 1e6),
    ]
    for size in [512, 1024, 2048, 4096] {
      let tokenizer = try family.tokenizer(vocabularySize: size)
      figures.append(("ELF, \(size) tokens", try tokenizer.bytesPerToken(files.heldOut)))
    }
    let tokenizer = try family.tokenizer(vocabularySize: 4096)
    let elf = figures.last?.value ?? 0
    let byText = try text.bytesPerToken(files.heldOut)
    let (ours, theirs) = (try tokenizer.bytesPerToken(english.heldOut), try text.bytesPerToken(english.heldOut))
    figures += [
      ("ELF, text encoding", byText), ("ELF, 4096 tokens, over text encoding", elf / byText),
      ("English, 4096 tokens", ours), ("English, text encoding", theirs),
      ("English, 4096 tokens, over text encoding", ours / theirs),
      ("gzip, 4096 tokens", try tokenizer.bytesPerToken(try gzipped(files.heldOut))),
      ("zeros, 4096 tokens", try tokenizer.bytesPerToken([[UInt8](repeating: 0, count: 1 << 18)])),
    ]
    var (exact, used) = (0, Set<UInt32>())
    for file in files.heldOut {
      let ids = try tokenizer.encode(bytes: file, options: .init(specialTokensInText: .text)).ids
      used.formUnion(ids)
      if tokenizer.decodeBytes(ids, skipSpecialTokens: false) == file { exact += 1 }
    }
    figures.append(("files that come back exactly, share", Double(exact) / Double(files.heldOut.count)))
    figures.append(("tokens used in held-out files, share", Double(used.count) / 4096))
    return figures
  }

  private static func gzipped(_ files: [[UInt8]]) throws -> [[UInt8]] {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("tessera-proof-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: path) }
    try Data(files.prefix(8).joined()).write(to: path)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["gzip", "-9", "-c", path.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = Array(output.fileHandleForReading.readDataToEndOfFile())
    process.waitUntilExit()
    return [bytes]
  }

  static let kl3m = Proof(
    name: "kl3m",
    claim:
      "a vocabulary trained on legal text takes 9 to 17 % fewer tokens on legal text than a general one of the same size",
    baseline: "byte-level encoding inside words of the same size, trained on as many bytes of general English text",
    data:
      "licences and statements of copyright in /usr/share, paragraphs taken once: up to 2 MB to train (200 kB when quick), "
      + "up to 300 kB held out by file; general text from the corpus of the benchmarks",
    seeds: [1, 2, 3],
    metric: "tokens per character, 8192 tokens (2048 when quick); the preset once without and once with custom tokens",
    rule: [
      .init(figure: "legal, domain over general", bound: .atMost(0.91)),
      .init(figure: "general, domain over general", bound: .atLeast(1)),
      .init(figure: "legal terms, domain over general", bound: .atMost(0.9)),
      .init(figure: "legal, domain with custom tokens over general", bound: .atMost(0.91)),
    ], measure: measureKL3M)

  private static let terms = [
    "WITHOUT WARRANTY OF ANY KIND", " merchantability", " derivative work", " indemnify", " licensor", " sublicense",
    " infringement", " herein", " jurisdiction", " liability", " fitness for a particular purpose", " perpetual",
  ]

  private static func measureKL3M(_ data: ProofData, _ seed: UInt64) throws -> [(name: String, value: Double)] {
    let legal = try data.licences(
      seed, training: data.isQuick ? 200_000 : 2_000_000, heldOut: data.isQuick ? 50_000 : 300_000)
    let english = try data.documents(data.text, seed, training: legal.trainingBytes, heldOut: 300_000)
    let size = data.isQuick ? 2048 : 8192
    let general = try ProofData.wordBPE(english.training, vocabularySize: size)
    func domain(_ tokens: [String]) throws -> TextTokenizer {
      var preset = try KL3M(.domain(customTokens: tokens), vocabularySize: size)
      preset.fillsToPowerOfTwo = false
      let cutting = try preset.cutting()
      return try preset.train(on: try ProofData.count(legal.training, cutting), cutting: cutting)
    }
    let plain = try domain([])
    // The custom tokens of all groups alone would fill the small vocabulary.
    let custom = try domain(
      KL3M.customTokens(data.isQuick ? [.whitespace, .enumerations] : KL3M.TokenGroup.allCases))
    let list = terms.map { Array($0.utf8) }
    func cost(_ tokenizer: TextTokenizer, _ documents: [[UInt8]]) throws -> Double {
      let characters = documents.reduce(0) { $0 + String(decoding: $1, as: UTF8.self).unicodeScalars.count }
      return Double(try tokenizer.tokens(in: documents)) / Double(max(1, characters))
    }
    let costs = try [general, plain, custom].map { tokenizer in
      (try cost(tokenizer, legal.heldOut), try cost(tokenizer, english.heldOut), Double(try tokenizer.tokens(in: list)))
    }
    return [
      ("training MB", Double(legal.trainingBytes) / 1e6), ("held-out legal MB", Double(legal.heldOutBytes) / 1e6),
      ("legal, general encoding", costs[0].0), ("legal, domain", costs[1].0),
      ("legal, domain with custom tokens", costs[2].0),
      ("legal, domain over general", costs[1].0 / costs[0].0),
      ("legal, domain with custom tokens over general", costs[2].0 / costs[0].0),
      ("general, domain over general", costs[1].1 / costs[0].1),
      ("tokens per legal term, general", costs[0].2 / Double(terms.count)),
      ("tokens per legal term, domain", costs[1].2 / Double(terms.count)),
      ("legal terms, domain over general", costs[1].2 / costs[0].2),
    ]
  }

  static let supertokens = Proof(
    name: "supertokens",
    claim: "tokens that cross words, learned from random chunks, hold more bytes per token at the same size",
    baseline: "byte-level encoding inside words (GPT-2's pattern), same size, same text",
    data: "English text and source code: 6 MB to train (600 kB when quick), 500 kB held out by document, of each",
    seeds: [1, 2],
    metric: "bytes per token of held-out text, 8192 tokens (2048 when quick)",
    rule: crossingRule, measure: { try measureCrossing($0, $1, Self.trainSupertokens) })

  static let superwords = Proof(
    name: "superwords",
    claim: "a second pass across words holds more bytes per token at the same size",
    baseline: "byte-level encoding inside words (GPT-2's pattern), same size, same text",
    data: "English text and source code: 6 MB to train (600 kB when quick), 500 kB held out by document, of each",
    seeds: [1, 2],
    metric: "bytes per token of held-out text, 8192 tokens, 6144 of them inside words (2048 and 1536 when quick)",
    rule: crossingRule, measure: { try measureCrossing($0, $1, Self.trainSuperwords) })

  private static let crossingRule: [Condition] = [
    .init(figure: "English, over words", bound: .atLeast(1.1)), .init(figure: "code, over words", bound: .atLeast(1.1)),
    .init(figure: "English, share of tokens that cross words", bound: .atLeast(0.1)),
  ]

  private static func trainSupertokens(_ documents: [[UInt8]], _ size: Int, _ seed: UInt64) throws -> TextTokenizer {
    let preset = try Supertokens(vocabularySize: size, seed: seed)
    let cutting = try preset.cutting()
    return try preset.train(on: try ProofData.count(documents, cutting), cutting: cutting)
  }

  private static func trainSuperwords(_ documents: [[UInt8]], _ size: Int, _: UInt64) throws -> TextTokenizer {
    let preset = try Superwords(vocabularySize: size, wordVocabularySize: size / 4 * 3)
    return try preset.train(
      words: try ProofData.count(documents, try preset.wordCutting()),
      lines: try ProofData.count(documents, try preset.lineCutting()))
  }

  private static func measureCrossing(
    _ data: ProofData, _ seed: UInt64, _ train: ([[UInt8]], Int, UInt64) throws -> TextTokenizer
  ) throws -> [(name: String, value: Double)] {
    let size = data.isQuick ? 2048 : 8192
    var figures: [(name: String, value: Double)] = []
    for (name, path) in [("English", data.text), ("code", data.code)] {
      let split = try data.documents(path, seed, training: data.isQuick ? 600_000 : 6_000_000, heldOut: 500_000)
      let words = try ProofData.wordBPE(split.training, vocabularySize: size)
      let crossing = try train(split.training, size, seed)
      let (first, second) = (try words.bytesPerToken(split.heldOut), try crossing.bytesPerToken(split.heldOut))
      figures += [
        ("\(name), training MB", Double(split.trainingBytes) / 1e6), ("\(name), words", first),
        ("\(name), crossing", second),
        ("\(name), over words", second / first),
        ("\(name), share of tokens that cross words", try shareCrossing(crossing, split.heldOut)),
      ]
    }
    return figures
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
