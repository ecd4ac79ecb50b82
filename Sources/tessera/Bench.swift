import ArgumentParser
import Dispatch
import Foundation
import Synchronization
import TesseraText

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the speed of a tokenizer or a network, or the claims behind a preset.",
    discussion: "The whole comparison with other libraries is `make bench`.",
    subcommands: [
      BenchEncode.self, BenchLoad.self, BenchOperations.self, BenchNetwork.self, BenchParallel.self,
    ])
}

struct BenchEncode: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Encode a corpus, cold and then again.",
    discussion: """
      The corpus is one file of documents with a NUL between them. The first pass is cold: nothing was encoded before.
      The checksum is the sum over all ids of id x (2 x place x 0x9E3779B97F4A7C15 + 1), modulo 2^64.

      Example: tessera bench encode --tokenizer tokenizer.json --corpus english.txt --passes 2
      """)

  @OptionGroup var source: TokenizerOptions
  @Option(help: "The file of documents.") var corpus: String
  @Option(help: "How often the corpus is encoded.") var passes = 2
  @Option(help: "Threads.") var threads = 1
  @Option(help: "Documents at the start that get a checksum of their own.") var prefix: Int?
  @Option(help: "Take no more than so many megabytes of documents.") var limit: Double?
  @Flag(help: "Also where each token ends in its text.") var offsets = false
  @Flag(help: "Everything as JSON.") var json = false

  func validate() throws {
    if passes < 1 { throw ValidationError("--passes needs at least 1.") }
    if threads < 1 { throw ValidationError("--threads needs at least 1.") }
    if let prefix, prefix < 0 { throw ValidationError("--prefix cannot be negative.") }
    if source.special != nil, source.pattern == nil, choice == nil {
      throw ValidationError("--special is 'recognize' or 'text'.")
    }
  }

  private var choice: TextTokenizer.SpecialTokensInText? {
    source.special.flatMap(TextTokenizer.SpecialTokensInText.init)
  }

  func run() throws {
    let residentBeforeLoad = ProcessMemory.peakBytes
    let load = Clock()
    let tokenizer = try source.load()
    let loaded = load.elapsed
    let residentAfterLoad = ProcessMemory.peakBytes
    let documents = try readDocuments()
    let bytes = documents.reduce(0) { $0 + $1.utf8.count }
    let residentBefore = ProcessMemory.peakBytes
    var reports: [JSON] = []
    var sums = Checksums()
    var peak = 0
    for pass in 1...passes {
      let clock = Clock()
      let ids = try Self.encode(documents, tokenizer, choice, threads: threads, withOffsets: offsets)
      let time = clock.elapsed
      if pass == 1 { peak = ProcessMemory.peakBytes }
      let passSums = Checksums(of: ids, prefix: prefix ?? documents.count)
      if pass > 1, passSums != sums {
        throw TokenizerError(.invalidRequest, "pass \(pass) gave other ids than the first", in: corpus)
      }
      sums = passSums
      if !json { try Console.print(Self.line(pass, time, bytes)) }
      reports.append([
        "cpu_seconds": .number(time.cpu), "wall_seconds": .number(time.wall),
        "megabytes_per_cpu_second": .number(Double(bytes) / 1e6 / time.cpu),
        "megabytes_per_second": .number(Double(bytes) / 1e6 / time.wall),
      ])
    }
    let checksum = String(sums.all, radix: 16)
    guard json else {
      try Console.print("\(documents.count) documents, \(bytes) bytes, \(sums.count) tokens, checksum \(checksum)")
      try Console.print(
        "loaded in \(Self.rounded(loaded.wall)) s, peak memory \(peak / 1_000_000) MB")
      return
    }
    let report: JSONObject = [
      "documents": .integer(Int64(documents.count)), "bytes": .integer(Int64(bytes)),
      "tokens": .integer(Int64(sums.count)), "checksum": .string(checksum),
      "prefix_checksum": .string(String(sums.prefix, radix: 16)),
      "load_wall_seconds": .number(loaded.wall), "load_cpu_seconds": .number(loaded.cpu),
      "resident_before_load": .integer(Int64(residentBeforeLoad)),
      "resident_after_load": .integer(Int64(residentAfterLoad)),
      "resident_before_encoding": .integer(Int64(residentBefore)),
      "peak_resident": .integer(Int64(peak)), "threads": .integer(Int64(threads)),
      "passes": .array(reports),
    ]
    try Console.print(JSON.object(report).text())
  }

  private func readDocuments() throws -> [String] {
    let bytes = try Console.read(corpus)
    var left = limit.map { Int($0 * 1e6) } ?? Int.max
    var documents: [String] = []
    for document in bytes.split(separator: 0, omittingEmptySubsequences: false) {
      left -= document.count
      if left < 0 { break }
      guard let text = String(validating: document, as: UTF8.self) else {
        throw TokenizerError(.malformed, "the bytes are not valid UTF-8", at: .byte(document.startIndex), in: corpus)
      }
      documents.append(text)
    }
    return documents
  }

  /// The call that is measured: the ids of every document, and where their tokens end when places are wanted.
  private static func encode(
    _ documents: [String], _ tokenizer: TextTokenizer, _ choice: TextTokenizer.SpecialTokensInText?, threads: Int,
    withOffsets: Bool
  ) throws -> TokenBatch {
    try tokenizer.ids(batch: documents, specialTokensInText: choice, threads: threads, withPlaces: withOffsets)
  }

  private static func line(_ pass: Int, _ time: Clock.Time, _ bytes: Int) -> String {
    "\(pass == 1 ? "cold" : "pass \(pass)"): \(rounded(Double(bytes) / 1e6 / time.cpu)) MB/s of processor time, "
      + "\(rounded(time.cpu)) s; \(rounded(Double(bytes) / 1e6 / time.wall)) MB/s by the clock, \(rounded(time.wall)) s"
  }

  static func rounded(_ value: Double) -> String { String(format: "%.3f", value) }
}

struct BenchLoad: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Load a tokenizer several times.",
    discussion: "Example: tessera bench load --tokenizer tokenizer.json --passes 5")

  @OptionGroup var source: TokenizerOptions
  @Option(help: "How often it is loaded.") var passes = 5
  @Flag(help: "Everything as JSON.") var json = false

  func validate() throws {
    if passes < 1 { throw ValidationError("--passes needs at least 1.") }
  }

  func run() throws {
    var times: [Clock.Time] = []
    var firstIDs: [Clock.Time] = []
    var size = 0
    var residentAfterFirst = 0
    for _ in 0..<passes {
      let clock = Clock()
      let tokenizer = try source.load()
      times.append(clock.elapsed)
      _ = try tokenizer.ids(of: "A first text, and its ids.")
      firstIDs.append(clock.elapsed)
      size = tokenizer.vocabularySize
      if times.count == 1 { residentAfterFirst = ProcessMemory.peakBytes }
    }
    let best = times.map(\.wall).min() ?? 0
    let bestIDs = firstIDs.map(\.wall).min() ?? 0
    guard json else {
      try Console.print(
        "\(size) tokens; first \(Self.milliseconds(times[0].wall)), best \(Self.milliseconds(best)); "
          + "to the first ids \(Self.milliseconds(firstIDs[0].wall)), best \(Self.milliseconds(bestIDs)); "
          + "peak memory \(residentAfterFirst / 1_000_000) MB")
      return
    }
    try Console.print(
      JSON.object([
        "vocabulary_size": .integer(Int64(size)), "first_wall_seconds": .number(times[0].wall),
        "first_cpu_seconds": .number(times[0].cpu), "best_wall_seconds": .number(best),
        "first_ids_wall_seconds": .number(firstIDs[0].wall), "best_first_ids_wall_seconds": .number(bestIDs),
        "resident_after_load": .integer(Int64(residentAfterFirst)),
      ]).text())
  }

  private static func milliseconds(_ seconds: Double) -> String { String(format: "%.3f ms", seconds * 1000) }
}

/// Tells apart any two lists of ids that differ in content or order, but for chance; fast to compute in any language.
struct Checksums: Equatable {
  /// Over all ids.
  private(set) var all: UInt64 = 0
  /// Over the ids of the first documents.
  private(set) var prefix: UInt64 = 0
  private(set) var count = 0

  init() {}

  init(of documents: TokenBatch, prefix documentCount: Int) {
    let prefixEnd = documents.rowOffsets[min(documentCount, documents.count)]
    documents.withUnsafeIDs { ids in
      for (place, id) in ids.enumerated() {
        if place == prefixEnd { prefix = all }
        all &+= UInt64(id) &* (2 &* UInt64(place) &* 0x9E37_79B9_7F4A_7C15 &+ 1)
      }
      if prefixEnd == ids.count { prefix = all }
      count = ids.count
    }
  }
}

/// Time since it was made: of the clock on the wall, and of the processor for all threads of the process.
struct Clock {
  struct Time {
    var wall: Double
    var cpu: Double
  }

  private let start = Self.now

  var elapsed: Time {
    let end = Self.now
    return Time(wall: end.wall - start.wall, cpu: end.cpu - start.cpu)
  }

  private static var now: Time {
    func seconds(_ clock: clockid_t) -> Double {
      var time = timespec()
      clock_gettime(clock, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    return Time(wall: seconds(CLOCK_MONOTONIC), cpu: seconds(CLOCK_PROCESS_CPUTIME_ID))
  }
}

/// The memory of the process.
enum ProcessMemory {
  /// The largest resident size so far, in bytes.
  ///
  /// On Linux not what `getrusage` says, which keeps the peak of the program that started this one.
  static var peakBytes: Int {
    #if canImport(Darwin)
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #else
      guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
        let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
      else { return 0 }
      return kibibytes * 1024
    #endif
  }
}
