#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The metadata at the head of a GGUF file: keys with typed values, before the tensors.
///
/// Versions 1, 2 and 3 are read, in both byte orders. Nothing is allocated because the file says so: memory grows only with bytes
/// that are there.
///
/// Source: the GGUF description of ggml, and its reader.
public struct GGUF: Sendable {
  /// A value of the metadata. Integers of all widths are one case, floating-point numbers another.
  public indirect enum Value: Sendable {
    case integer(Int64)
    /// An unsigned number of 64 bits that does not fit `integer`.
    case large(UInt64)
    case number(Double)
    case bool(Bool)
    /// UTF-8 by agreement, but not checked.
    case string([UInt8])
    case integers([Int64])
    case numbers([Double])
    case bools([Bool])
    case strings(Strings)
    case arrays([Value])
  }

  /// Strings in one buffer.
  public struct Strings: Sendable {
    /// The bytes of all strings, one after the other.
    public fileprivate(set) var bytes: [UInt8] = []
    /// String `i` is `bytes[offsets[i]..<offsets[i + 1]]`.
    public fileprivate(set) var offsets: [Int] = [0]
    /// The number of strings.
    public var count: Int { offsets.count - 1 }
    /// The bytes of one string.
    public subscript(index: Int) -> ArraySlice<UInt8> { bytes[offsets[index]..<offsets[index + 1]] }
  }

  /// The version of the format: 1, 2 or 3.
  public private(set) var version: UInt32 = 0
  /// Whether numbers have their most significant byte first.
  public private(set) var isBigEndian = false
  /// The number of tensors the file says it holds.
  public private(set) var tensorCount: UInt64 = 0
  /// The keys in the order of the file.
  public private(set) var keys: [String] = []
  /// The number of bytes up to the end of the metadata.
  public private(set) var byteCount = 0
  private var values: [String: Value] = [:]

  /// The value of a key.
  public subscript(key: String) -> Value? { values[key] }

  /// Whether a file starts as this format does.
  public static func recognizes(_ file: [UInt8]) -> Bool { file.starts(with: Array("GGUF".utf8)) }

  /// Reads the metadata from the first bytes of a file, or all of them.
  ///
  /// - Throws: ``TokenizerError`` naming the byte where the bytes end too early or make no sense.
  /// - Complexity: O(n) for n bytes of metadata.
  public init(_ bytes: [UInt8]) throws {
    do {
      try self.init(prefix: bytes)
    } catch let end as GGUFReader.PrematureEnd {
      throw end.error
    }
  }

  /// Reads the metadata of a file without reading its tensors: from the start, in steps of growing size.
  ///
  /// - Throws: ``TokenizerError``, as ``init(_:)``, or when the file cannot be read or its metadata passes 1 GiB.
  public init(path: String) throws {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { throw TokenizerError(.inputOutput, "the file cannot be opened", in: path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var goal = 1 << 20
    while true {
      let isWhole = try GGUF.read(file, into: &bytes, upTo: goal, path)
      do {
        try self.init(prefix: bytes)
        return
      } catch let end as GGUFReader.PrematureEnd {
        if isWhole { throw end.error.inFile(path) }
        guard goal < 1 << 30 else {
          throw TokenizerError(.limitExceeded, "the metadata passes 1 GiB", at: .byte(goal), in: path)
        }
        goal *= 4
      } catch let error as TokenizerError {
        throw error.inFile(path)
      }
    }
  }

  /// Reads on until there are `goal` bytes; true when the file ends before.
  private static func read(_ file: Int32, into bytes: inout [UInt8], upTo goal: Int, _ path: String) throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 18)
    while bytes.count < goal {
      #if canImport(Darwin)
        let count = Darwin.read(file, &chunk, min(chunk.count, goal - bytes.count))
      #elseif canImport(Musl)
        let count = Musl.read(file, &chunk, min(chunk.count, goal - bytes.count))
      #else
        let count = Glibc.read(file, &chunk, min(chunk.count, goal - bytes.count))
      #endif
      if count < 0 {
        if errno == EINTR { continue }
        throw TokenizerError(.inputOutput, "the file cannot be read", at: .byte(bytes.count), in: path)
      }
      if count == 0 { return true }
      bytes.append(contentsOf: chunk[..<count])
    }
    return false
  }

  /// - Throws: ``GGUFReader/PrematureEnd`` when more bytes are needed.
  private init(prefix bytes: [UInt8]) throws {
    var reader = GGUFReader(bytes: bytes)
    try reader.header()
    version = reader.version
    isBigEndian = reader.isBigEndian
    tensorCount = try reader.count()
    let pairs = try reader.count()
    var index: UInt64 = 0
    while index < pairs {
      let start = reader.at
      let key = try reader.bytesOfString(limit: 65_535)
      guard let text = String(validating: key, as: UTF8.self) else {
        throw TokenizerError(.malformed, "the key is not UTF-8", at: .byte(start))
      }
      let value = try reader.value(type: try reader.integer(4), depth: 0)
      guard values.updateValue(value, forKey: text) == nil else {
        throw TokenizerError(.inconsistent, "the key \(text) occurs a second time", at: .byte(start))
      }
      keys.append(text)
      index += 1
    }
    byteCount = reader.at
  }
}

/// Reads typed values from bytes.
struct GGUFReader {
  /// The bytes end before the value does. For a prefix of a file this is a call for more.
  struct PrematureEnd: Error {
    var error: TokenizerError
  }

  let bytes: [UInt8]
  private(set) var at = 0
  private(set) var version: UInt32 = 0
  private(set) var isBigEndian = false

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func header() throws {
    try need(8)
    guard GGUF.recognizes(bytes) else {
      throw TokenizerError(.malformed, "expected the letters GGUF", at: .byte(0))
    }
    at = 4
    version = UInt32(truncatingIfNeeded: try integer(4))
    // A small number whose low half is empty was written in the other byte order.
    if version & 0xFFFF == 0 {
      isBigEndian = true
      version = version.byteSwapped
    }
    guard (1...3).contains(version) else {
      throw TokenizerError(.unsupported, "version \(version) is not known; expected 1, 2 or 3", at: .byte(4))
    }
  }

  private func need(_ count: Int) throws {
    guard count > bytes.count - at else { return }
    throw PrematureEnd(error: TokenizerError(.malformed, "the file ends inside its metadata", at: .byte(bytes.count)))
  }

  /// The bits of a number of `width` bytes.
  mutating func integer(_ width: Int) throws -> UInt64 {
    try need(width)
    var value: UInt64 = 0
    for offset in 0..<width {
      let byte = UInt64(bytes[at + (isBigEndian ? offset : width - 1 - offset)])
      value = value << 8 | byte
    }
    at += width
    return value
  }

  /// A count or a length: 32 bits in version 1, 64 since.
  mutating func count() throws -> UInt64 { try integer(version == 1 ? 4 : 8) }

  /// A count of things that take at least `width` bytes each, and are all there.
  private mutating func count(width: Int) throws -> Int {
    let start = at
    let count = try count()
    guard count <= UInt64(Int.max / 16) else {
      throw TokenizerError(.malformed, "a length of \(count) is larger than any file", at: .byte(start))
    }
    try need(Int(count) * width)
    return Int(count)
  }

  mutating func bytesOfString(limit: Int = .max) throws -> ArraySlice<UInt8> {
    let start = at
    let length = try count(width: 1)
    guard length <= limit else {
      throw TokenizerError(.malformed, "a key of \(length) bytes; expected at most \(limit)", at: .byte(start))
    }
    defer { at += length }
    return bytes[at..<(at + length)]
  }

  /// The width in bytes of the values of a type; zero for strings and arrays.
  private static let widths = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8]

  private func check(_ type: UInt64, _ start: Int) throws {
    if type >= GGUFReader.widths.count {
      throw TokenizerError(.malformed, "the value type \(type) is not known; expected 0 to 12", at: .byte(start))
    }
  }

  mutating func value(type: UInt64, depth: Int) throws -> GGUF.Value {
    try check(type, at - 4)
    switch type {
    case 6, 12: return .number(try number(type))
    case 7: return .bool(try bool())
    case 8: return .string(Array(try bytesOfString()))
    case 9: return try array(depth: depth)
    case 10:
      let value = try integer(8)
      return value <= UInt64(Int64.max) ? .integer(Int64(value)) : .large(value)
    default: return .integer(try signed(type))
    }
  }

  private mutating func signed(_ type: UInt64) throws -> Int64 {
    let width = GGUFReader.widths[Int(type)]
    let bits = try integer(width)
    // Types 1, 3 and 5 have a sign; 4, 2 and 0 do not.
    guard type == 1 || type == 3 || type == 5 else { return Int64(bitPattern: bits) }
    let shift = Int64(64 - 8 * width)
    return (Int64(bitPattern: bits) << shift) >> shift
  }

  private mutating func number(_ type: UInt64) throws -> Double {
    type == 6 ? Double(Float(bitPattern: UInt32(try integer(4)))) : Double(bitPattern: try integer(8))
  }

  private mutating func bool() throws -> Bool {
    let byte = try integer(1)
    guard byte < 2 else { throw TokenizerError(.malformed, "a truth value must be 0 or 1", at: .byte(at - 1)) }
    return byte == 1
  }

  private mutating func array(depth: Int) throws -> GGUF.Value {
    let start = at
    let type = try integer(4)
    try check(type, start)
    guard depth < 8 else {
      throw TokenizerError(.limitExceeded, "arrays nested deeper than 8 levels", at: .byte(start))
    }
    switch type {
    case 6, 12: return .numbers(try elements(type) { try $0.number(type) })
    case 7: return .bools(try elements(type) { try $0.bool() })
    case 8: return .strings(try strings())
    case 9:
      // An empty array takes at least eight bytes.
      let count = try count(width: 8)
      var arrays: [GGUF.Value] = []
      for _ in 0..<count { arrays.append(try array(depth: depth + 1)) }
      return .arrays(arrays)
    default:
      return .integers(
        try elements(type) { reader in
          let value = try reader.signed(type)
          guard type != 10 || value >= 0 else {
            throw TokenizerError(.unsupported, "a number of an array does not fit 63 bits", at: .byte(reader.at - 8))
          }
          return value
        })
    }
  }

  private mutating func elements<Element>(
    _ type: UInt64, _ element: (inout GGUFReader) throws -> Element
  ) throws -> [Element] {
    let count = try count(width: GGUFReader.widths[Int(type)])
    var result: [Element] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(try element(&self)) }
    return result
  }

  private mutating func strings() throws -> GGUF.Strings {
    let count = try count(width: version == 1 ? 4 : 8)
    var strings = GGUF.Strings()
    strings.offsets.reserveCapacity(count + 1)
    for _ in 0..<count {
      strings.bytes.append(contentsOf: try bytesOfString())
      strings.offsets.append(strings.bytes.count)
    }
    return strings
  }
}
