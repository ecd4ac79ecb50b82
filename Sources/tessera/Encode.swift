import ArgumentParser
import Foundation
import TesseraText

struct Encode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Turn text into ids.",
    discussion: "Example: tessera encode --tokenizer tokenizer.json README.md --format json")

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, u16, u32, npy }

  @OptionGroup var source: TokenizerOptions
  @Argument(help: "Files; none for standard input.") var files: [String] = []
  @Flag(help: "One JSON object per line in and out.") var jsonl = false
  @Flag(help: "Take files as bytes that need not be text; nothing in them is a special token.") var bytes = false
  @Flag(help: "Print the number of tokens only.") var count = false
  @Flag(help: "Read standard input as it comes and give out ids as soon as nothing behind them can change them.")
  var stream = false
  @Flag(help: "Leave out the tokens of the template.") var noSpecialTokens = false
  @Option(help: "text, json, u16, u32 or npy.") var format = Format.text
  @Flag(help: "Everything as JSON.") var json = false
  @Option(help: "Threads; all cores when not given.") var threads: Int?
  @Option(name: .shortAndLong, help: "The file to write; standard output when not given.") var output: String?

  func validate() throws {
    try source.needTokenizer()
    if let threads, threads < 1 { throw ValidationError("--threads needs at least 1.") }
    if stream {
      guard files.isEmpty, !jsonl, !bytes, !json, output == nil else {
        throw ValidationError("--stream takes text from standard input and writes ids to standard output.")
      }
      guard count || [.text, .u16, .u32].contains(format) else {
        throw ValidationError("--stream gives ids as text, u16 or u32.")
      }
    }
  }

  func run() throws {
    let tokenizer = try source.load()
    if jsonl {
      guard try Console.answerLines({ try EncodeLine(tokenizer, source.choice?.rawValue, threads).answer($0) }) else {
        throw ExitCode(1)
      }
      return
    }
    var options = TextTokenizer.EncodeOptions(addsSpecialTokens: !noSpecialTokens)
    options.specialTokensInText = source.choice
    let paths = files.isEmpty ? ["-"] : files
    if bytes { options.specialTokensInText = .text }
    let frame = bytes || json ? nil : tokenizer.templateIDs(addsSpecialTokens: !noSpecialTokens)
    if stream {
      guard let frame else {
        throw TokenizerError(.invalidRequest, "the tokenizer cuts or fills texts, which must be known to their end")
      }
      return try runStream(tokenizer, frame)
    }
    if let frame, count, let path = paths.first, paths.count == 1 {
      let text = try Self.text(of: path).text
      let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
      let tokens = try tokenizer.count(text, specialTokensInText: options.specialTokensInText, threads: threads)
      return try printCounts([frame.before.count + tokens + frame.after.count], paths)
    }
    if let frame { return try write(try Self.ids(of: paths, tokenizer, options, threads), frame, paths) }
    let encodings =
      bytes
      ? try paths.map { try tokenizer.encode(bytes: try Console.read($0), options: options) }
      : try tokenizer.encode(batch: try paths.map(Self.text), options: options, threads: threads)
    if count { return try printCounts(encodings.map(\.count), paths) }
    try write(
      encodings.map { encoding in
        json ? Array((EncodeLine.json(of: encoding).text() + "\n").utf8) : try rendered(encoding.ids)
      })
  }

  // MARK: Ids alone

  /// The ids of files without their template: those of one file by all threads together, those of many by one for each.
  private static func ids(
    of paths: [String], _ tokenizer: TextTokenizer, _ options: TextTokenizer.EncodeOptions, _ threads: Int?
  ) throws -> [[UInt32]] {
    let texts = try paths.map { try text(of: $0).text }
    let special = options.specialTokensInText
    if texts.count == 1, let text = texts.first {
      let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
      return [try tokenizer.ids(of: text, specialTokensInText: special, threads: threads)]
    }
    return try tokenizer.ids(batch: texts, specialTokensInText: special, threads: threads).map { Array($0) }
  }

  private func write(
    _ ids: [[UInt32]], _ frame: (before: [UInt32], after: [UInt32]), _ paths: [String]
  ) throws {
    if count { return try printCounts(ids.map { frame.before.count + $0.count + frame.after.count }, paths) }
    try write(ids.map { try rendered(frame.before + $0 + frame.after) })
  }

  private func printCounts(_ counts: [Int], _ paths: [String]) throws {
    for (path, count) in zip(paths, counts) {
      try Console.print(
        json
          ? JSON.object(["file": .string(path), "tokens": .integer(Int64(count))]).text()
          : paths.count > 1 ? "\(count)\t\(path)" : "\(count)")
    }
  }

  private func runStream(_ tokenizer: TextTokenizer, _ frame: (before: [UInt32], after: [UInt32])) throws {
    var stream = tokenizer.encodeStream(specialTokensInText: source.choice)
    var total = 0
    func give(_ ids: [UInt32]) throws {
      if !count, !ids.isEmpty {
        if format == .text, total > 0 { try Console.write([0x20]) }
        let bytes = try rendered(ids)
        try Console.write(format == .text ? bytes.dropLast() : bytes[...])
      }
      total += ids.count
    }
    try give(frame.before)
    while case let data = FileHandle.standardInput.availableData, !data.isEmpty {
      try stream.append(utf8: data)
      try give(stream.takeFinalIDs())
    }
    guard !stream.endsInsideCharacter else {
      throw TokenizerError(.malformed, "the text ends inside a character", in: "-")
    }
    try give(try stream.ids() + frame.after)
    if count { try Console.print("\(total)") } else if format == .text { try Console.write([0x0A]) }
  }

  private func write(_ files: [[UInt8]]) throws {
    let result = files.joined()
    if let output { try Console.write(Array(result), to: output) } else { try Console.write(Array(result)) }
  }

  private static func text(of path: String) throws -> TextTokenizer.Input {
    guard let text = String(validating: try Console.read(path), as: UTF8.self) else {
      throw TokenizerError(.malformed, "the bytes are not valid UTF-8; --bytes encodes any", in: path)
    }
    return TextTokenizer.Input(text)
  }

  private func rendered(_ ids: [UInt32]) throws -> [UInt8] {
    switch format {
    case .text: return Array((ids.map(String.init).joined(separator: " ") + "\n").utf8)
    case .json: return Array((JSON.array(ids.map { .integer(Int64($0)) }).text() + "\n").utf8)
    case .u32: return Self.littleEndian(ids)
    case .u16:
      guard let large = ids.first(where: { $0 > UInt16.max }) else { return Self.littleEndian(ids.map(UInt16.init)) }
      throw TokenizerError(.invalidRequest, "id \(large) does not fit in 16 bits; use --format u32")
    case .npy: return Self.npyHeader(count: ids.count) + Self.littleEndian(ids)
    }
  }

  private static func littleEndian<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(numbers.count * MemoryLayout<Number>.size)
    for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
    return bytes
  }

  /// The header of NumPy's format, version 1.0, padded to 64 bytes.
  private static func npyHeader(count: Int) -> [UInt8] {
    var text = "{'descr': '<u4', 'fortran_order': False, 'shape': (\(count),), }"
    while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
    text += "\n"
    let length = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
  }
}
