import Dispatch
import Synchronization

/// Is told how far a run has come. What it throws ends the run: that is how a run is cancelled.
public typealias TrainingProgressHandler = @Sendable (TrainingProgress) throws -> Void

/// Counts the words of texts on several threads, in bounded memory.
///
///     let counter = WordCounter(cutting: try WordCutting(preTokenizer: ["type": "Whitespace"]))
///     let words = try counter.count(files: ["a.txt", "b.txt"])
///     try counter.count(files: ["huge.txt"], to: "huge.twc")
///
/// The result depends on the texts and on the cutting alone. When the words of all threads pass the limit, each sorts its own into a
/// file in a temporary folder; at the end all of them are merged.
public struct WordCounter: Sendable {
  /// How text becomes words.
  public var cutting: WordCutting
  /// The number of threads; `nil` for one per core.
  public var threads: Int?
  /// The bytes that words in memory may take before they are written out.
  public var memoryLimit = 1 << 30
  /// Where the temporary folder is made; `nil` for the system's place.
  public var temporaryFolder: String?
  /// Is told the bytes that were read.
  public var progress: TrainingProgressHandler?

  /// Makes a counter.
  public init(cutting: WordCutting, threads: Int? = nil) {
    self.cutting = cutting
    self.threads = threads
  }

  /// Counts the words of files.
  ///
  /// - Parameter files: paths; `-` is standard input.
  /// - Throws: ``TokenizerError`` that names the file, and what ``progress`` throws. No temporary file is left.
  /// - Complexity: O(bytes).
  public func count(files: [String]) throws -> CountedWords {
    switch try countParts(files) {
    case .memory(let words): return words
    case .files(let runs, let folder):
      return try withExtendedLifetime(folder) {
        var words = CountedWords()
        try WordCountMerge(runs, in: folder).forEach { words.append($0, count: $1) }
        return words
      }
    }
  }

  /// Counts the words of files into a file of counts, without holding all of them in memory.
  ///
  /// - Throws: as ``count(files:)``. The file appears when it is complete.
  public func count(files: [String], to path: String) throws {
    switch try countParts(files) {
    case .memory(let words): try words.write(to: path, cutting: cutting)
    case .files(let runs, let folder):
      try withExtendedLifetime(folder) {
        var writer = try WordCountWriter(path, description: cutting.json)
        try WordCountMerge(runs, in: folder).forEach { try writer.append($0, count: $1) }
        try writer.finish()
      }
    }
  }

  private enum Parts {
    case memory(CountedWords)
    case files([String], TemporaryFolder)
  }

  private struct Shared {
    var blocks: TextBlocks
    var lists: [CountedWords] = []
    var runs: [String] = []
    var folder: TemporaryFolder?
    var failure: (any Error)?
  }

  private func countParts(_ files: [String]) throws -> Parts {
    let workers = max(1, threads ?? Parallel.coreCount)
    let shared = Mutex(
      Shared(blocks: try TextBlocks(files, unit: cutting.unit, chunkSize: cutting.chunks?.size ?? 0)))
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      do {
        try work(shared, share: max(1 << 16, memoryLimit / workers))
      } catch {
        shared.withLock { $0.failure = $0.failure ?? error }
      }
    }
    return try shared.withLock { state in
      if let failure = state.failure { throw failure }
      var lists = state.lists
      state.lists = []
      if let folder = state.folder {
        for list in lists { state.runs.append(try spill(list, folder, state.runs.count)) }
        return .files(state.runs, folder)
      }
      while lists.count > 1 { lists.append(CountedWords(merging: lists.removeFirst(), lists.removeFirst())) }
      return .memory(lists.first ?? CountedWords())
    }
  }

  private func work(_ shared: borrowing Mutex<Shared>, share: Int) throws {
    var table = WordTable()
    var block: [UInt8] = []
    while try shared.withLock({ state in
      guard state.failure == nil, try state.blocks.next(into: &block) else { return false }
      try progress?(TrainingProgress(stage: .countingWords, completed: state.blocks.done, total: state.blocks.total))
      return true
    }) {
      count(&block, in: &table)
      guard table.memory > share else { continue }
      let words = table.takeSorted()
      let (folder, number) = try shared.withLock { state in
        if state.folder == nil { state.folder = try TemporaryFolder(in: temporaryFolder) }
        state.runs.append("")
        return (state.folder, state.runs.count - 1)
      }
      guard let folder else { continue }
      let run = try spill(words, folder, number)
      shared.withLock { $0.runs[number] = run }
    }
    let words = table.takeSorted()
    if !words.isEmpty { shared.withLock { $0.lists.append(words) } }
  }

  private func spill(_ words: CountedWords, _ folder: TemporaryFolder, _ number: Int) throws -> String {
    let path = "\(folder.path)/\(number).twc"
    try words.write(to: path, description: nil)
    return path
  }

  private func count(_ block: inout [UInt8], in table: inout WordTable) {
    // What is no UTF-8 becomes U+FFFD, as everywhere else.
    if cutting.chunks == nil, block.withUnsafeBufferPointer({ !$0.isASCII && $0.validPrefixCount < $0.count }) {
      block = Array(String(decoding: block, as: UTF8.self).utf8)
    }
    block.withUnsafeBufferPointer { text in
      guard cutting.unit == .line else { return cutting.forEachWord(in: text) { table.add($0) } }
      var start = 0
      while start < text.count {
        let end = text.end(ofLineFrom: start)
        cutting.forEachWord(in: UnsafeBufferPointer(rebasing: text[start..<end])) { table.add($0) }
        start = end
      }
    }
  }
}

/// The bytes of files one after the other, in blocks that end where a line, a chunk or a file does.
struct TextBlocks {
  private static let blockSize = 1 << 20
  /// Longer lines are cut.
  private static let maximumLine = 1 << 24

  private var files: [String]
  private let unit: WordCutting.Unit
  /// Blocks of documents hold whole chunks of so many bytes; zero for whole documents.
  private let chunkSize: Int
  private var file: InputFile?
  private var rest: [UInt8] = []
  /// The bytes given out.
  private(set) var done = 0
  /// The bytes of all files; zero when one of them has no size.
  let total: Int

  init(_ paths: [String], unit: WordCutting.Unit, chunkSize: Int = 0) throws {
    files = paths.reversed()
    self.unit = unit
    self.chunkSize = unit == .document ? chunkSize : 0
    var total = 0
    for path in paths where path != "-" { total += try InputFile(path).size() }
    self.total = paths.contains("-") ? 0 : total
  }

  /// Puts the next block in the place of another.
  ///
  /// - Returns: false at the end.
  mutating func next(into block: inout [UInt8]) throws -> Bool {
    block.removeAll(keepingCapacity: true)
    while true {
      guard let file else {
        guard let path = files.popLast() else { return false }
        file = try InputFile(path)
        continue
      }
      if block.isEmpty { swap(&block, &rest) }
      let size = chunkSize > 0 ? max(1, Self.blockSize / chunkSize) * chunkSize : Self.blockSize
      let goesOn = try file.read(into: &block, count: size)
      if !goesOn { self.file = nil }
      if goesOn, unit == .document, chunkSize == 0 { continue }
      if goesOn, chunkSize == 0 {
        if let end = block.lastIndex(of: 0x0A).map({ $0 + 1 }) {
          rest.removeAll(keepingCapacity: true)
          rest.append(contentsOf: block[end...])
          block.removeLast(block.count - end)
        } else if block.count >= Self.maximumLine {
          var end = Self.maximumLine
          while end > Self.maximumLine - 4, end < block.count, block[end] & 0xC0 == 0x80 { end -= 1 }
          rest = Array(block[end...])
          block.removeLast(block.count - end)
        } else {
          continue
        }
      }
      done += block.count
      if !block.isEmpty { return true }
    }
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether all bytes are below 0x80.
  var isASCII: Bool {
    let raw = UnsafeRawBufferPointer(self)
    var all: UInt64 = 0
    var at = 0
    while at &+ 8 <= count {
      all |= raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      at &+= 8
    }
    while at < count {
      all |= UInt64(self[at])
      at &+= 1
    }
    return all & 0x8080_8080_8080_8080 == 0
  }
}

/// Merges files of word counts that were written for the same cutting.
struct WordCountMerge {
  /// How many files are open at once.
  private static let width = 64
  private let paths: [String]
  private let folder: TemporaryFolder?

  /// - Parameter folder: where runs of runs are put when there are very many files.
  init(_ paths: [String], in folder: TemporaryFolder?) {
    self.paths = paths
    self.folder = folder
  }

  /// Calls `body` with each word and the sum of its counts, in order.
  ///
  /// - Complexity: O(n log k) for n words in k files; memory for k buffers.
  func forEach(_ body: (UnsafeRawBufferPointer, Int64) throws -> Void) throws {
    var paths = paths
    var made = 0
    var extra = folder
    while paths.count > Self.width {
      let place = try extra ?? TemporaryFolder()
      extra = place
      let merged = "\(place.path)/merged\(made).twc"
      made += 1
      var writer = try WordCountWriter(merged, description: nil)
      try Self.merge(Array(paths[..<Self.width])) { try writer.append($0, count: $1) }
      try writer.finish()
      paths = Array(paths[Self.width...]) + [merged]
    }
    try withExtendedLifetime(extra) { try Self.merge(paths, body) }
  }

  private static func merge(_ paths: [String], _ body: (UnsafeRawBufferPointer, Int64) throws -> Void) throws {
    var open: [WordCountReader] = []
    for path in paths {
      let reader = try WordCountReader(path)
      if try reader.next() { open.append(reader) }
    }
    func precedes(_ a: WordCountReader, _ b: WordCountReader) -> Bool {
      a.word.withUnsafeBytes { first in b.word.withUnsafeBytes { CountedWords.compare(first, $0) < 0 } }
    }
    // The readers are kept sorted by their words; few move far.
    open.sort(by: precedes)
    while let first = open.first {
      let word = first.word
      var sum: Int64 = 0
      while let reader = open.first, reader.word == word {
        sum = CountedWords.sum(sum, reader.occurrences)
        open.removeFirst()
        guard try reader.next() else { continue }
        var low = 0
        var high = open.count
        while low < high {
          let middle = (low + high) / 2
          if precedes(open[middle], reader) { low = middle + 1 } else { high = middle }
        }
        open.insert(reader, at: low)
      }
      try word.withUnsafeBytes { try body($0, sum) }
    }
  }
}

extension CountedWords {
  /// Writes a file of word counts.
  ///
  /// - Throws: ``TokenizerError`` with the system's reason. The file appears when it is complete.
  public func write(to path: String, cutting: WordCutting) throws { try write(to: path, description: cutting.json) }

  func write(to path: String, description: JSON) throws {
    var writer = try WordCountWriter(path, description: description)
    try forEach { try writer.append(UnsafeRawBufferPointer($0), count: $1) }
    try writer.finish()
  }

  /// Reads files of word counts that were cut alike, and adds them up.
  ///
  /// - Parameter minimumCount: rarer words are left out.
  /// - Throws: ``TokenizerError`` that names the file: `malformed` at the byte, `inconsistent` when the files were cut differently.
  /// - Complexity: O(n log k) for n words in k files.
  public static func reading(_ paths: [String], minimumCount: Int64 = 1) throws -> (CountedWords, WordCutting) {
    let cutting = try WordCountMerge.cutting(of: paths)
    var words = CountedWords()
    try WordCountMerge(paths, in: nil).forEach { if $1 >= minimumCount { words.append($0, count: $1) } }
    return (words, cutting)
  }

  /// The words that occur at least so often.
  public func dropping(below minimum: Int64) -> CountedWords {
    var kept = CountedWords()
    forEach { if $1 >= minimum { kept.append(UnsafeRawBufferPointer($0), count: $1) } }
    return kept
  }

  /// Adds files of word counts up into one, in memory for a few buffers.
  ///
  /// - Throws: as ``reading(_:minimumCount:)``. The file appears when it is complete.
  /// - Returns: the number of distinct words.
  public static func merge(_ paths: [String], to path: String, minimumCount: Int64 = 1) throws -> Int {
    var writer = try WordCountWriter(path, description: try WordCountMerge.cutting(of: paths).json)
    var count = 0
    try WordCountMerge(paths, in: nil).forEach { word, times in
      guard times >= minimumCount else { return }
      try writer.append(word, count: times)
      count += 1
    }
    try writer.finish()
    return count
  }
}

extension WordCountMerge {
  /// How the words of files were cut, which must be the same for all.
  fileprivate static func cutting(of paths: [String]) throws -> WordCutting {
    guard let first = paths.first else {
      throw TokenizerError(.invalidRequest, "no file of word counts was given")
    }
    let description = try WordCountReader(first).description
    for path in paths.dropFirst() where try WordCountReader(path).description != description {
      throw TokenizerError(.inconsistent, "its words were cut in another way than those of \(first)", in: path)
    }
    do {
      return try WordCutting(json: description)
    } catch let error as TokenizerError {
      throw error.inFile(first)
    }
  }
}
