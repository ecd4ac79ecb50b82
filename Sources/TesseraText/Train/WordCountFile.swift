/// Files of word counts (`.twc`): columns of numbers and bytes, words in the order of their bytes.
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 8 | `tessera` and a zero byte |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | d: length of the description |
/// | 16 | 8 | n: number of words |
/// | 24 | 8 | b: bytes of all words |
/// | 32 | d | description: how the words were cut, as JSON (``WordCutting/json``) |
/// | | 4 n | length of each word, at least 1 |
/// | | 8 n | count of each word, 1 to 2^63 - 1 |
/// | | b | the words, one after the other, each greater than the one before |
///
/// Numbers are little-endian. The file ends with the last word.
enum WordCountFile {
  static let magic = Array("tessera\0".utf8)
  static let version: UInt32 = 1
  static let headerSize = 32
  /// No description is longer than a normalizer with a table of replacements.
  static let maximumDescription = 1 << 26
}

/// Reads a file of word counts, word after word, with buffers of a fixed size.
///
/// Everything the header claims is checked against the size of the file before memory is allocated, every word and count when it
/// is read.
final class WordCountReader {
  let path: String
  /// How the words were cut.
  let description: JSON
  let count: Int
  let byteCount: Int
  private let file: InputFile
  private var lengths: Column
  private var counts: Column
  private var words: Column
  private var index = 0
  private var bytesUsed = 0
  private(set) var word: [UInt8] = []
  private(set) var occurrences: Int64 = 0

  private struct Column {
    var offset: Int
    var buffer: [UInt8] = []
    var position = 0
  }

  /// - Throws: ``TokenizerError`` that names the file and the byte.
  init(_ path: String) throws {
    self.path = path
    file = try InputFile(path)
    let size = try file.size()
    func fault(_ message: String, at byte: Int) -> TokenizerError {
      TokenizerError(.malformed, message, at: .byte(byte), in: path)
    }
    let header = try file.read(at: 0, count: min(size, WordCountFile.headerSize))
    guard header.count == WordCountFile.headerSize, header.starts(with: WordCountFile.magic) else {
      throw fault("no file of word counts: it does not begin with 'tessera' and a zero byte", at: 0)
    }
    let version = Self.number(header, 8, 4)
    guard version == UInt64(WordCountFile.version) else {
      throw TokenizerError(.unsupported, "version \(version); expected 1", at: .byte(8), in: path)
    }
    let descriptionLength = Self.number(header, 12, 4)
    let n = Self.number(header, 16, 8)
    let b = Self.number(header, 24, 8)
    guard descriptionLength <= WordCountFile.maximumDescription, n <= UInt64(UInt32.max), b <= UInt64(Int64.max / 2),
      b >= n,
      UInt64(WordCountFile.headerSize) + descriptionLength + 12 * n + b == UInt64(size)
    else {
      throw fault(
        "\(n) words of \(b) bytes and a description of \(descriptionLength) do not make \(size) bytes", at: 12)
    }
    do {
      description = try JSON(parsing: try file.read(at: WordCountFile.headerSize, count: Int(descriptionLength)))
    } catch let error as TokenizerError {
      throw fault("the description is no JSON: \(error.message)", at: WordCountFile.headerSize)
    }
    count = Int(n)
    byteCount = Int(b)
    let start = WordCountFile.headerSize + Int(descriptionLength)
    lengths = Column(offset: start)
    counts = Column(offset: start + 4 * count)
    words = Column(offset: start + 12 * count)
  }

  private static func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> UInt64 {
    bytes[at..<at + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Moves to the next word.
  ///
  /// - Returns: false at the end.
  func next() throws -> Bool {
    guard index < count else {
      if bytesUsed != byteCount { throw fault("the lengths add up to \(bytesUsed) bytes, not \(byteCount)", lengths) }
      return false
    }
    let length = Int(try takeNumber(4, from: &lengths))
    let number = try takeNumber(8, from: &counts)
    guard length > 0, length <= byteCount - bytesUsed else {
      throw fault("word \(index) has \(length) bytes; \(byteCount - bytesUsed) are left", lengths)
    }
    guard number > 0, number <= UInt64(Int64.max) else { throw fault("word \(index) has the count \(number)", counts) }
    let following = try take(length, from: &words, left: byteCount - bytesUsed)
    let isLater = word.withUnsafeBytes { old in following.withUnsafeBytes { CountedWords.compare(old, $0) < 0 } }
    guard isLater || index == 0 else { throw fault("word \(index) is not greater than the one before", words) }
    word = following
    occurrences = Int64(number)
    bytesUsed += length
    index += 1
    return true
  }

  private func fault(_ message: String, _ column: Column) -> TokenizerError {
    TokenizerError(.malformed, message, at: .byte(column.offset - (column.buffer.count - column.position)), in: path)
  }

  private func takeNumber(_ size: Int, from column: inout Column) throws -> UInt64 {
    try fill(&column, with: size, left: size * (count - index))
    defer { column.position += size }
    var number: UInt64 = 0
    for at in 0..<size { number |= UInt64(column.buffer[column.position + at]) << UInt64(8 * at) }
    return number
  }

  private func take(_ size: Int, from column: inout Column, left: Int) throws -> [UInt8] {
    try fill(&column, with: size, left: left)
    defer { column.position += size }
    return Array(column.buffer[column.position..<column.position + size])
  }

  /// Makes sure that the buffer of a column holds the next bytes.
  ///
  /// - Parameter left: the bytes of the column that were not taken yet.
  private func fill(_ column: inout Column, with size: Int, left: Int) throws {
    if column.buffer.count - column.position >= size { return }
    let kept = column.buffer[column.position...]
    let wanted = min(left, max(size, 1 << 16)) - kept.count
    column.buffer = Array(kept) + (try file.read(at: column.offset, count: wanted))
    column.offset += wanted
    column.position = 0
    guard column.buffer.count >= size else {
      throw TokenizerError(.malformed, "the file ends inside of a column", at: .byte(column.offset), in: path)
    }
  }
}

/// Writes a file of word counts: the columns into files beside it, joined and moved into place at the end.
struct WordCountWriter {
  private let path: String
  private let description: [UInt8]
  private var lengths: OutputFile
  private var counts: OutputFile
  private var words: OutputFile
  private var count = 0

  init(_ path: String, description: JSON) throws {
    self.path = path
    self.description = Array(description.text().utf8)
    lengths = try OutputFile(path + ".lengths~")
    counts = try OutputFile(path + ".counts~")
    words = try OutputFile(path + ".words~")
  }

  /// Writes a word that is greater than all before.
  mutating func append(_ word: UnsafeRawBufferPointer, count times: Int64) throws {
    guard word.count <= Int(UInt32.max), count < Int(UInt32.max) else {
      throw TokenizerError(.limitExceeded, "a file of counts takes 2^32 words of less than 4 GB each", in: path)
    }
    try withUnsafeBytes(of: UInt32(word.count).littleEndian) { try lengths.write($0) }
    try withUnsafeBytes(of: times.littleEndian) { try counts.write($0) }
    try words.write(word)
    count += 1
  }

  /// Joins the columns and moves the file to its place.
  func finish() throws {
    let output = try OutputFile(path + "~")
    var header = WordCountFile.magic
    func append(_ number: UInt64, _ size: Int) {
      for shift in 0..<size { header.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * shift))) }
    }
    append(UInt64(WordCountFile.version), 4)
    append(UInt64(description.count), 4)
    append(UInt64(count), 8)
    append(UInt64(words.count), 8)
    try (header + description).withUnsafeBytes { try output.write($0) }
    for column in [lengths, counts, words] { try output.append(contentsOf: column) }
    try output.move(to: path)
  }
}
