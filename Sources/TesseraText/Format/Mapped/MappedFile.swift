#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The `.tessera` form of a tokenizer: its tables as they stand in memory, so that loading is mapping the file.
///
/// All numbers are little-endian. The file begins with 64 bytes:
///
/// | byte | what |
/// |---|---|
/// | 0 | `TESSERA` and a zero byte |
/// | 8 | the version of the form, 32 bits |
/// | 12 | 0x01020304, 32 bits: tells the order of bytes |
/// | 16 | the length of the file, 64 bits |
/// | 24 | a fingerprint of everything behind these 64 bytes, 64 bits |
/// | 32 | the number of sections, 32 bits |
///
/// The list of sections follows, 32 bytes for each: what it is (32 bits, see ``Section``), the size of an element (32 bits), the
/// offset from the start of the file (64 bits, a multiple of 64), the number of elements (64 bits), and 64 bits of zero. Sections of
/// kinds that are not known are passed over.
///
/// Opening checks the head and the bounds of every section, and reads no table. The tables are not trusted: see ``TokenTable`` and
/// ``MergeTable``. The fingerprint is not checked, since that would read the whole file; ``isIntact`` does it. A file that is made
/// shorter while it is mapped ends the process, as with every mapping: replace such files by renaming.
final class MappedFile: @unchecked Sendable {
  static let magic = Array("TESSERA\0".utf8)
  static let version: UInt32 = 1
  static let byteOrder: UInt32 = 0x0102_0304
  static let headLength = 64
  static let entryLength = 32
  static let alignment = 64
  /// The form has a dozen kinds.
  static let maximumSectionCount = 1024

  /// What a section holds.
  enum Section: UInt32, CaseIterable {
    /// JSON: the parts of the tokenizer, its added tokens, and the counts of the tables.
    case header = 1
    /// The bytes of another format, for what has no tables of its own.
    case source = 2
    /// The texts of the vocabulary, one after the other.
    case texts = 3
    /// Where each text starts, and where the last ends: 32 bits each.
    case starts = 4
    /// The id of each text: 32 bits each.
    case ids = 5
    /// The hash table of the texts: 64 bits a place, the upper half of the hash above the number of the text plus one.
    case textPlaces = 6
    /// The number of the text plus one of each id, or 0: 32 bits each.
    case textsOfIDs = 7
    /// Ids beyond the section before, and the numbers of their texts: pairs of 32 bits.
    case largeIDs = 8
    /// The numbers of texts that a later equal one replaced: 32 bits each.
    case replaced = 9
    /// The hash table of the merges: two words of 64 bits a place.
    case merges = 10
    /// The score of each text: 64-bit floats.
    case scores = 11
    /// The sections of the fast encoder, see ``StoredEncoderTables``: bytes of the tokens, 32 bits each for where those of an id
    /// start and how many they are, and the table of whole words, 64 bits a place.
    case wordTexts = 12
    case wordStarts = 13
    case wordLengths = 14
    case wordPlaces = 15
    /// Ranks of pairs: 21 bits left, 21 bits right, 22 bits rank; bits for the hashes of the pairs; the id that each rank makes.
    case rankPlaces = 16
    case rankBits = 17
    case rankIDs = 18
  }

  private let base: UnsafeRawPointer
  let count: Int
  private let mapping: UnsafeMutableRawPointer?
  private let memory: TableMemory?
  private var sections: [Section: (offset: Int, count: Int, size: Int)] = [:]

  /// Maps a file.
  ///
  /// - Throws: ``TokenizerError`` for a file that cannot be mapped, or whose head or list of sections is wrong. O(1).
  init(path: String) throws {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Self.failure() }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.failure() }
    guard Int(status.st_size) >= Self.headLength else { throw Self.tooShort(Int(status.st_size)) }
    count = Int(status.st_size)
    guard let address = mmap(nil, count, PROT_READ, Int32(MAP_PRIVATE), descriptor, 0), address != MAP_FAILED else {
      throw Self.failure()
    }
    mapping = address
    memory = nil
    base = UnsafeRawPointer(address)
    try readSections()
  }

  /// Lays the form over a copy of some bytes.
  init(_ bytes: [UInt8]) throws {
    guard bytes.count >= Self.headLength else { throw Self.tooShort(bytes.count) }
    count = bytes.count
    let copy = TableMemory(byteCount: bytes.count)
    bytes.withUnsafeBytes {
      copy.base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy.base), byteCount: $0.count)
    }
    memory = copy
    mapping = nil
    base = UnsafeRawPointer(copy.base)
    try readSections()
  }

  deinit {
    if let mapping { munmap(mapping, count) }
  }

  private static func failure() -> TokenizerError { TokenizerError(.inputOutput, String(cString: strerror(errno))) }

  private static func tooShort(_ count: Int) -> TokenizerError {
    TokenizerError(.malformed, "expected at least \(headLength) bytes, found \(count)", at: .byte(count))
  }

  private func readSections() throws {
    guard (0..<8).allSatisfy({ byte($0) == Self.magic[$0] }) else {
      throw TokenizerError(.malformed, "expected 'TESSERA' and a zero byte", at: .byte(0))
    }
    let order = word(12)
    #if _endian(big)
      throw TokenizerError(.unsupported, "the tables are little-endian, this machine is not; convert the original here")
    #else
      guard order == Self.byteOrder else {
        throw TokenizerError(
          .unsupported, "the tables have another order of bytes; convert the original again", at: .byte(12))
      }
    #endif
    guard word(8) == Self.version else {
      throw TokenizerError(
        .unsupported, "version \(word(8)) of the form, expected \(Self.version); convert the original again",
        at: .byte(8))
    }
    guard wideWord(16) == UInt64(count) else {
      throw TokenizerError(
        .malformed, "the file has \(count) bytes, but says it has \(wideWord(16))", at: .byte(16))
    }
    let sectionCount = Int(word(32))
    guard sectionCount <= Self.maximumSectionCount, Self.headLength + sectionCount * Self.entryLength <= count else {
      throw TokenizerError(.malformed, "the list of \(sectionCount) sections does not fit into the file", at: .byte(32))
    }
    for index in 0..<sectionCount { try readSection(at: Self.headLength + index * Self.entryLength) }
  }

  private func readSection(at place: Int) throws {
    let (size, offset, elements) = (UInt64(word(place + 4)), wideWord(place + 8), wideWord(place + 16))
    let (length, overflow) = elements.multipliedReportingOverflow(by: size)
    guard size > 0, size <= 16, !overflow, offset % UInt64(Self.alignment) == 0, offset <= UInt64(count),
      length <= UInt64(count) - offset
    else {
      throw TokenizerError(
        .malformed, "a section of \(elements) elements of \(size) bytes at byte \(offset) does not fit into the file",
        at: .byte(place))
    }
    guard let section = Section(rawValue: word(place)) else { return }
    guard sections[section] == nil else {
      throw TokenizerError(.malformed, "the section '\(section)' occurs a second time", at: .byte(place))
    }
    sections[section] = (Int(offset), Int(elements), Int(size))
  }

  private func byte(_ offset: Int) -> UInt8 { base.load(fromByteOffset: offset, as: UInt8.self) }
  private func word(_ offset: Int) -> UInt32 { base.load(fromByteOffset: offset, as: UInt32.self) }
  private func wideWord(_ offset: Int) -> UInt64 { base.load(fromByteOffset: offset, as: UInt64.self) }

  func has(_ section: Section) -> Bool { sections[section] != nil }

  /// A section as a row, which keeps the mapping.
  ///
  /// - Throws: ``TokenizerError`` when it is missing or has elements of another size.
  func row<Element: BitwiseCopyable & Sendable>(_ section: Section, of _: Element.Type) throws -> TableRow<Element> {
    guard let found = sections[section] else {
      throw TokenizerError(.malformed, "the section '\(section)' is missing", at: .byte(Self.headLength))
    }
    guard found.size == MemoryLayout<Element>.stride else {
      throw TokenizerError(
        .malformed,
        "the section '\(section)' has elements of \(found.size) bytes, expected \(MemoryLayout<Element>.stride)",
        at: .byte(found.offset))
    }
    let start = (base + found.offset).assumingMemoryBound(to: Element.self)
    return TableRow(start, count: found.count, owner: self)
  }

  /// Where a section stands, for messages.
  func place(of section: Section) -> TokenizerError.Place { .byte(sections[section]?.offset ?? 0) }

  /// Whether the content has the fingerprint that the head says. O(n).
  var isIntact: Bool {
    let content = UnsafeRawBufferPointer(start: base + Self.headLength, count: count - Self.headLength)
    return content.assumingMemoryBound(to: UInt8.self).foldedHash(seed: 0) == wideWord(24)
  }
}

/// Puts the sections of a ``MappedFile`` together.
struct MappedFileWriter {
  private var sections: [(section: MappedFile.Section, size: Int, count: Int, bytes: [UInt8])] = []

  mutating func add<Element: BitwiseCopyable>(_ section: MappedFile.Section, _ elements: UnsafeBufferPointer<Element>) {
    sections.append(
      (section, MemoryLayout<Element>.stride, elements.count, Array(UnsafeRawBufferPointer(elements))))
  }

  mutating func add<Element: BitwiseCopyable>(_ section: MappedFile.Section, _ elements: [Element]) {
    elements.withUnsafeBufferPointer { add(section, $0) }
  }

  mutating func add<Element>(_ section: MappedFile.Section, _ row: TableRow<Element>) {
    row.withUnsafeBufferPointer { add(section, $0) }
  }

  mutating func add(contentsOf other: MappedFileWriter) { sections += other.sections }

  /// The bytes of the file: the same for the same sections.
  func finish() -> [UInt8] {
    func aligned(_ offset: Int) -> Int { (offset + MappedFile.alignment - 1) & ~(MappedFile.alignment - 1) }
    var file = [UInt8](repeating: 0, count: MappedFile.headLength)
    func append(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { file.append(contentsOf: $0) }
    }
    var offset = aligned(file.count + sections.count * MappedFile.entryLength)
    for section in sections {
      append(section.section.rawValue)
      append(UInt32(section.size))
      append(UInt64(offset))
      append(UInt64(section.count))
      append(UInt64(0))
      offset = aligned(offset + section.bytes.count)
    }
    file.reserveCapacity(offset)
    for section in sections {
      file.append(contentsOf: repeatElement(0, count: aligned(file.count) - file.count))
      file.append(contentsOf: section.bytes)
    }
    file.append(contentsOf: repeatElement(0, count: aligned(file.count) - file.count))
    let content = file
    let fingerprint = content.withUnsafeBufferPointer {
      UnsafeBufferPointer(rebasing: $0[MappedFile.headLength...]).foldedHash(seed: 0)
    }
    file = MappedFile.magic
    append(MappedFile.version)
    append(MappedFile.byteOrder)
    append(UInt64(content.count))
    append(fingerprint)
    append(UInt32(sections.count))
    file.append(contentsOf: repeatElement(0, count: MappedFile.headLength - file.count))
    file.append(contentsOf: content[MappedFile.headLength...])
    return file
  }
}
