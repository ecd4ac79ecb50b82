import Foundation
import Testing

@testable import TesseraText

@Suite("Counting words")
struct WordCounterTests {
  private static let stage: JSON = [
    "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
  ]

  /// A folder for the files of one test, removed with it.
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("words-\(UUID().uuidString)").path
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var entries: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      return "\(path)/\(name)"
    }
  }

  /// Text with short and long words, in several scripts, and some bytes that are no UTF-8.
  private static func text(seed: UInt64, words: Int) -> [UInt8] {
    var state = seed
    func next(_ bound: UInt64) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % bound)
    }
    let parts = ["a", "the", "日本", "é", "counting", "\u{0}", "😀", "extraordinarily", "x"]
    var bytes: [UInt8] = []
    for _ in 0..<words {
      for _ in 0...next(3) { bytes += Array(parts[next(UInt64(parts.count))].utf8) }
      if next(400) == 0 { bytes.append(0xFF) }
      bytes.append(next(12) == 0 ? 0x0A : 0x20)
    }
    return bytes
  }

  private static func words(_ lists: (String, Int64)...) -> CountedWords {
    var counts = WordCounts()
    for (word, count) in lists {
      Array(word.utf8).withUnsafeBufferPointer { counts.add($0, times: count) }
    }
    return CountedWords(sorting: counts)
  }

  @Test("words come in the order of their bytes with exact counts, whatever their length")
  func order() {
    var table = WordTable()
    var expected: [[UInt8]: Int64] = [:]
    for length in 1...40 {
      for fill in [UInt8(0), 0x61, 0xFF] {
        let word = [UInt8](repeating: fill, count: length)
        for _ in 0...(length % 3) {
          word.withUnsafeBufferPointer { table.add($0) }
          expected[word, default: 0] += 1
        }
      }
    }
    #expect(table.count == expected.count)
    let words = table.takeSorted()
    var found: [(word: [UInt8], count: Int64)] = []
    words.forEach { found.append((Array($0), $1)) }
    let sorted = expected.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    #expect(found.map(\.word) == sorted.map(\.key))
    #expect(found.map(\.count) == sorted.map(\.value))
    #expect(table.count == 0)
  }

  @Test("threads, memory limits and the number of files change nothing, and no temporary file stays")
  func independence() throws {
    let folder = try Folder()
    let temporary = try Folder()
    let text = Self.text(seed: 7, words: 60_000)
    let whole = try folder.file("whole", text)
    let cutting = try WordCutting(preTokenizer: Self.stage)
    let expected = try WordCounter(cutting: cutting, threads: 1).count(files: [whole])
    #expect(expected.count > 500)
    for threads in [1, 2, 5] {
      var counter = WordCounter(cutting: cutting, threads: threads)
      counter.memoryLimit = 1
      counter.temporaryFolder = temporary.path
      #expect(try counter.count(files: [whole]) == expected)
      try counter.count(files: [whole], to: "\(folder.path)/spilled.twc")
      #expect(try CountedWords.reading(["\(folder.path)/spilled.twc"]).0 == expected)
    }
    #expect(temporary.entries.isEmpty)
    #expect(folder.entries == ["spilled.twc", "whole"])
  }

  @Test("files with columns of more than a buffer are what was written, byte for byte")
  func largeFiles() throws {
    let folder = try Folder()
    var counts = WordCounts()
    for number in 0..<30_000 { counts.add(Array("word\(number)".utf8)) }
    counts.add([UInt8](repeating: 0x7A, count: 200_000))
    let words = CountedWords(sorting: counts)
    let path = "\(folder.path)/large.twc"
    try words.write(to: path, cutting: try WordCutting(preTokenizer: Self.stage))
    #expect(try CountedWords.reading([path]).0 == words)
  }

  @Test("files of counts can be added up in any grouping")
  func merging() throws {
    let folder = try Folder()
    let cutting = try WordCutting(preTokenizer: Self.stage)
    var paths: [String] = []
    for part in 0..<3 {
      let text = try folder.file("part\(part)", Self.text(seed: UInt64(part), words: 3000))
      paths.append("\(folder.path)/\(part).twc")
      try WordCounter(cutting: cutting).count(files: [text], to: paths[part])
    }
    let all = "\(folder.path)/all.twc"
    let pair = "\(folder.path)/pair.twc"
    _ = try CountedWords.merge(paths, to: all)
    _ = try CountedWords.merge([paths[2], paths[0]], to: pair)
    _ = try CountedWords.merge([pair, paths[1]], to: "\(folder.path)/again.twc")
    #expect(try FileBytes.read(all) == FileBytes.read("\(folder.path)/again.twc"))
    let (words, found) = try CountedWords.reading(paths)
    #expect(words == (try CountedWords.reading([all]).0))
    #expect(found.json == cutting.json)
    #expect(words == (try WordCounter(cutting: cutting).count(files: (0..<3).map { "\(folder.path)/part\($0)" })))
  }

  @Test("files whose words were cut differently are not added up")
  func differentCutting() throws {
    let folder = try Folder()
    let words = Self.words(("a", 1))
    try words.write(to: "\(folder.path)/a.twc", cutting: try WordCutting(preTokenizer: Self.stage))
    try words.write(to: "\(folder.path)/b.twc", cutting: try WordCutting(preTokenizer: ["type": "Whitespace"]))
    #expect(throws: TokenizerError.self) {
      try CountedWords.merge(["\(folder.path)/a.twc", "\(folder.path)/b.twc"], to: "\(folder.path)/c.twc")
    }
    #expect(folder.entries == ["a.twc", "b.twc"])
  }

  @Test("a damaged file of counts gives an error or other counts, never a crash")
  func damage() throws {
    let folder = try Folder()
    let good = "\(folder.path)/good.twc"
    let words = Self.words(("a", 3), ("ab", 1), ("b", 1 << 40), ("zebra", 7))
    try words.write(to: good, cutting: try WordCutting(preTokenizer: Self.stage))
    #expect(try CountedWords.reading([good]).0 == words)
    let bytes = try FileBytes.read(good)
    for index in bytes.indices {
      for value in [UInt8(0), 1, 0x7F, 0xFF] where bytes[index] != value {
        var damaged = bytes
        damaged[index] = value
        let path = try folder.file("damaged.twc", damaged)
        _ = try? CountedWords.reading([path])
        if index < 32 { #expect(throws: TokenizerError.self) { try CountedWords.reading([path]) } }
      }
      let path = try folder.file("short.twc", Array(bytes[..<index]))
      #expect(throws: TokenizerError.self) { try CountedWords.reading([path]) }
    }
    let path = try folder.file("long.twc", bytes + [0])
    #expect(throws: TokenizerError.self) { try CountedWords.reading([path]) }
  }

  @Test("words out of order, and lengths or counts of zero, are refused")
  func impossibleColumns() throws {
    let folder = try Folder()
    func file(_ words: [(String, UInt32, UInt64)]) throws -> String {
      let description = Array(try WordCutting(preTokenizer: Self.stage).json.text().utf8)
      var bytes = WordCountFile.magic
      func append<T: FixedWidthInteger>(_ number: T) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
      }
      append(UInt32(1))
      append(UInt32(description.count))
      append(UInt64(words.count))
      append(UInt64(words.reduce(0) { $0 + $1.0.utf8.count }))
      bytes += description
      for word in words { append(word.1) }
      for word in words { append(word.2) }
      for word in words { bytes += Array(word.0.utf8) }
      return try folder.file("made.twc", bytes)
    }
    #expect(try CountedWords.reading([try file([("a", 1, 1), ("b", 1, 2)])]).0 == Self.words(("a", 1), ("b", 2)))
    for wrong: [(String, UInt32, UInt64)] in [
      [("b", 1, 1), ("a", 1, 1)], [("a", 1, 1), ("a", 1, 1)], [("ab", 0, 1), ("b", 3, 1)], [("a", 1, 0)],
      [("a", 1, 1 << 63)], [("ab", 1, 1), ("b", 1, 1)],
    ] {
      #expect(throws: TokenizerError.self) { try CountedWords.reading([try file(wrong)]) }
    }
  }

  @Test("a run that is told to stop stops, and leaves nothing behind")
  func cancellation() throws {
    let folder = try Folder()
    let temporary = try Folder()
    let text = try folder.file("text", Self.text(seed: 3, words: 300_000))
    var counter = WordCounter(cutting: try WordCutting(preTokenizer: Self.stage), threads: 2)
    counter.memoryLimit = 1
    counter.temporaryFolder = temporary.path
    counter.progress = { if $0.completed > 2 << 20 { throw CancellationError() } }
    #expect(throws: CancellationError.self) { try counter.count(files: [text], to: "\(folder.path)/out.twc") }
    #expect(folder.entries == ["text"])
    #expect(temporary.entries.isEmpty)
  }
}
