/// Reads the wire format of Protocol Buffers, field by field, without a schema.
///
/// The reader never trusts a length: every value is checked against the bytes that are left before anything is copied, groups
/// nest at most ``maximumDepth`` deep, and a varint may not have more than ten bytes.
///
/// Source: the encoding chapter of the Protocol Buffers documentation.
struct ProtobufReader {
  /// How deep groups may nest, the same bound as the reference implementation's.
  static let maximumDepth = 100

  /// The four ways a value can stand in the file. A group is kept as the bytes between its two tags.
  enum Value: Hashable, Sendable {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes([UInt8])
    case group([UInt8])
    case fixed32(UInt32)
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  /// Where `bytes` begins in the file, so that errors of nested messages name the right byte.
  private let origin: Int
  private(set) var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>, origin: Int = 0) {
    self.bytes = bytes
    self.origin = origin
  }

  var isAtEnd: Bool { position >= bytes.count }

  /// The offset of the next byte from the start of the file.
  var offset: Int { origin + position }

  /// Reads the next field's number and wire type.
  mutating func readTag() throws(TokenizerError) -> (number: Int, wireType: UInt8) {
    let start = offset
    let tag = try readVarint()
    guard tag <= UInt64(UInt32.max), tag >> 3 != 0 else {
      throw TokenizerError(.malformed, "\(tag) is no field tag", at: .byte(start))
    }
    return (Int(tag >> 3), UInt8(tag & 7))
  }

  /// Reads a varint of at most ten bytes; bits above the 64th are dropped, as the reference does.
  mutating func readVarint() throws(TokenizerError) -> UInt64 {
    var value: UInt64 = 0
    let start = offset
    for index in 0..<10 {
      guard position < bytes.count else {
        throw TokenizerError(.malformed, "a varint that goes on past the end", at: .byte(start))
      }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) &<< UInt64(7 * index)
      if byte < 0x80 { return value }
    }
    throw TokenizerError(.malformed, "a varint of more than ten bytes", at: .byte(start))
  }

  /// Reads a length and returns the bytes it covers, in place.
  mutating func readRange() throws(TokenizerError) -> Range<Int> {
    let start = offset
    let length = try readVarint()
    guard length <= UInt64(bytes.count - position) else {
      throw TokenizerError(
        .malformed, "a length of \(length) where \(bytes.count - position) bytes are left", at: .byte(start))
    }
    let range = position..<position + Int(length)
    position = range.upperBound
    return range
  }

  /// Reads a length and returns a reader of the bytes it covers.
  mutating func readMessage() throws(TokenizerError) -> ProtobufReader {
    let range = try readRange()
    return ProtobufReader(UnsafeBufferPointer(rebasing: bytes[range]), origin: origin + range.lowerBound)
  }

  /// Reads a length and copies the bytes it covers.
  mutating func readBytes() throws(TokenizerError) -> [UInt8] {
    Array(bytes[try readRange()])
  }

  /// Reads four bytes, the least significant first.
  mutating func readFixed32() throws(TokenizerError) -> UInt32 {
    UInt32(truncatingIfNeeded: try readLittleEndian(4))
  }

  /// Reads the value of a field of any number.
  mutating func readValue(of number: Int, wireType: UInt8) throws(TokenizerError) -> Value {
    switch wireType {
    case 0: return .varint(try readVarint())
    case 1: return .fixed64(try readLittleEndian(8))
    case 2: return .bytes(try readBytes())
    case 3:
      let start = position
      let end = try skipGroup(number)
      return .group(Array(bytes[start..<end]))
    case 5: return .fixed32(try readFixed32())
    default:
      throw TokenizerError(.malformed, "field \(number) has the impossible wire type \(wireType)", at: .byte(offset))
    }
  }

  private mutating func readLittleEndian(_ count: Int) throws(TokenizerError) -> UInt64 {
    guard bytes.count - position >= count else {
      throw TokenizerError(.malformed, "a number of \(count) bytes is cut off", at: .byte(offset))
    }
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
    position += count
    return value
  }

  /// Skips to behind the end tag of a group and returns where that tag begins.
  private mutating func skipGroup(_ number: Int) throws(TokenizerError) -> Int {
    var open = [number]
    let start = offset
    while !isAtEnd {
      let beforeTag = position
      let (inner, wireType) = try readTag()
      switch wireType {
      case 3:
        guard open.count < Self.maximumDepth else {
          throw TokenizerError(.limitExceeded, "groups nest deeper than \(Self.maximumDepth)", at: .byte(offset))
        }
        open.append(inner)
      case 4:
        guard open.last == inner else {
          throw TokenizerError(.malformed, "the end of group \(inner), which is not open", at: .byte(offset))
        }
        open.removeLast()
        if open.isEmpty { return beforeTag }
      case 0: _ = try readVarint()
      case 1: _ = try readLittleEndian(8)
      case 2: _ = try readRange()
      case 5: _ = try readLittleEndian(4)
      default:
        throw TokenizerError(.malformed, "field \(inner) has the impossible wire type \(wireType)", at: .byte(offset))
      }
    }
    throw TokenizerError(.malformed, "group \(number) does not end", at: .byte(start))
  }
}

/// Writes the wire format of Protocol Buffers.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  mutating func writeVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func writeTag(_ number: Int, wireType: UInt8) {
    writeVarint(UInt64(number) << 3 | UInt64(wireType))
  }

  mutating func writeFixed32(_ value: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  mutating func writeBytes(_ number: Int, _ value: some Collection<UInt8>) {
    writeTag(number, wireType: 2)
    writeVarint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func write(_ field: ProtobufMessage.Field) {
    switch field.value {
    case .varint(let value):
      writeTag(field.number, wireType: 0)
      writeVarint(value)
    case .fixed64(let value):
      writeTag(field.number, wireType: 1)
      writeFixed32(UInt32(truncatingIfNeeded: value))
      writeFixed32(UInt32(truncatingIfNeeded: value >> 32))
    case .bytes(let value): writeBytes(field.number, value)
    case .group(let value):
      writeTag(field.number, wireType: 3)
      bytes.append(contentsOf: value)
      writeTag(field.number, wireType: 4)
    case .fixed32(let value):
      writeTag(field.number, wireType: 5)
      writeFixed32(value)
    }
  }
}

/// A message as the list of its fields in the order of the file, known or not, so that writing it gives the same bytes.
struct ProtobufMessage: Hashable, Sendable {
  struct Field: Hashable, Sendable {
    var number: Int
    var value: ProtobufReader.Value
  }

  var fields: [Field] = []

  init() {}

  init(reading reader: inout ProtobufReader) throws(TokenizerError) {
    try merge(&reader)
  }

  /// Adds the fields of a further occurrence; the last value of a field counts, as the format demands.
  mutating func merge(_ reader: inout ProtobufReader) throws(TokenizerError) {
    while !reader.isAtEnd {
      let (number, wireType) = try reader.readTag()
      fields.append(Field(number: number, value: try reader.readValue(of: number, wireType: wireType)))
    }
  }

  func serialized() -> [UInt8] {
    var writer = ProtobufWriter()
    for field in fields { writer.write(field) }
    return writer.bytes
  }

  /// The last varint of a number that `accepts` holds for. A value of another wire type is an unknown field.
  func varint(_ number: Int, where accepts: (UInt64) -> Bool = { _ in true }) -> UInt64? {
    for field in fields.reversed() where field.number == number {
      if case .varint(let value) = field.value, accepts(value) { return value }
    }
    return nil
  }

  func bytes(_ number: Int) -> [UInt8]? {
    for field in fields.reversed() where field.number == number {
      if case .bytes(let value) = field.value { return value }
    }
    return nil
  }

  func allBytes(_ number: Int) -> [[UInt8]] {
    fields.compactMap { field in
      if field.number == number, case .bytes(let value) = field.value { value } else { nil }
    }
  }

  /// Gives a field one value, in its place if it was there, otherwise before the first field of a higher number.
  mutating func set(_ number: Int, _ value: ProtobufReader.Value?) {
    setAll(number, value.map { [$0] } ?? [])
  }

  mutating func setAll(_ number: Int, _ values: [ProtobufReader.Value]) {
    let place =
      fields.firstIndex { $0.number == number } ?? fields.firstIndex { $0.number > number } ?? fields.count
    fields.removeAll { $0.number == number }
    fields.insert(contentsOf: values.map { Field(number: number, value: $0) }, at: place)
  }
}
