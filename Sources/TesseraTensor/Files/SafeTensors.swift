import Foundation

/// A safetensors file: named tensors that are read where they lie.
///
///     let file = try SafeTensors(path: "model.safetensors")
///     let weight = try file.tensor("wte.weight")
///
/// The file is mapped, so opening costs the header and a tensor costs the pages that are touched. Everything the header says is checked
/// before it is used: types, shapes, and that the tensors fill the file without holes or overlaps, as the format demands.
public final class SafeTensors: Sendable {
  /// What the header says about a tensor.
  public struct Entry: Sendable, Equatable {
    /// The type of the elements.
    public let dataType: DataType
    /// The lengths of the axes.
    public let shape: [Int]
    let range: Range<Int>
  }

  /// The path of the file or folder.
  public let path: String
  /// Free text that the writer put in.
  public let metadata: [String: String]
  /// What the header says about every tensor, by name.
  public let entries: [String: Entry]
  private let mapping: MappedBytes
  private let dataStart: Int

  /// The longest header that is read; the limit of the format's own reader.
  static let headerLimit = 100_000_000

  /// - Throws: `CheckpointError` naming the file, the key and what is wrong.
  public init(path: String) throws {
    mapping = try MappedBytes(path: path)
    self.path = path
    let bytes = mapping.bytes
    guard bytes.count >= 8 else {
      throw CheckpointError.malformed(path, "\(bytes.count) bytes are no safetensors file")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(SafeTensors.headerLimit), length <= UInt64(bytes.count - 8) else {
      throw CheckpointError.malformed(path, "the header would have \(length) bytes in a file of \(bytes.count)")
    }
    dataStart = 8 + Int(length)
    let header: Header
    do {
      header = try JSONDecoder().decode(Header.self, from: Data(bytes[8..<dataStart]))
    } catch {
      throw CheckpointError.malformed(path, "the header is no JSON of a safetensors file: \(describe(error))")
    }
    metadata = header.metadata
    entries = try SafeTensors.checked(header.tensors, dataCount: bytes.count - dataStart, path)
  }

  /// The names of the tensors in the order of the file.
  public var keys: [String] {
    entries.sorted { ($0.value.range.lowerBound, $0.key) < ($1.value.range.lowerBound, $1.key) }.map(\.key)
  }

  /// A tensor over the file's own memory.
  /// - Throws: `CheckpointError.missing` if the file has no such tensor.
  public func tensor(_ key: String) throws -> Tensor {
    guard let entry = entries[key] else { throw CheckpointError.missing(path, key: key, expected: []) }
    guard !entry.range.isEmpty, let start = mapping.start else { return try .zeros(entry.shape, entry.dataType) }
    let place = start + dataStart + entry.range.lowerBound
    if Int(bitPattern: place) % entry.dataType.size == 0 {
      return try .over(place, entry.shape, entry.dataType, owner: mapping)
    }
    let buffer = AlignedBytes(copying: UnsafeRawBufferPointer(start: place, count: entry.range.count))
    return try .over(buffer.start, entry.shape, entry.dataType, owner: buffer)
  }

  /// All tensors of the file.
  public func tensors() throws -> [String: Tensor] {
    try Dictionary(uniqueKeysWithValues: entries.keys.map { ($0, try tensor($0)) })
  }

  private static func checked(_ tensors: [String: RawEntry], dataCount: Int, _ path: String) throws -> [String: Entry] {
    var entries: [String: Entry] = [:]
    for (key, raw) in tensors {
      func refuse(_ reason: String) -> CheckpointError { .malformed(path, "the tensor '\(key)' \(reason)") }
      guard let type = DataType(safeTensors: raw.dtype) else { throw refuse("has the unknown type '\(raw.dtype)'") }
      guard raw.dataOffsets.count == 2, raw.dataOffsets[0] >= 0, raw.dataOffsets[0] <= raw.dataOffsets[1],
        raw.dataOffsets[1] <= dataCount
      else { throw refuse("lies at \(raw.dataOffsets) in \(dataCount) bytes of data") }
      guard raw.shape.count <= 64, let count = try? Tensor.elements(of: raw.shape, key) else {
        throw refuse("has the shape \(raw.shape.prefix(64))")
      }
      let (size, overflow) = count.multipliedReportingOverflow(by: type.size)
      guard !overflow, size == raw.dataOffsets[1] - raw.dataOffsets[0] else {
        throw refuse("has \(raw.dataOffsets[1] - raw.dataOffsets[0]) bytes for the shape \(raw.shape) of \(type)")
      }
      entries[key] = Entry(dataType: type, shape: raw.shape, range: raw.dataOffsets[0]..<raw.dataOffsets[1])
    }
    var end = 0
    for range in entries.values.map(\.range).sorted(by: {
      ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound)
    }) {
      guard range.lowerBound == end else {
        throw CheckpointError.malformed(
          path, "the tensors have a hole or overlap at byte \(min(end, range.lowerBound)) of the data")
      }
      end = range.upperBound
    }
    guard end == dataCount else {
      throw CheckpointError.malformed(path, "the tensors end at byte \(end) of \(dataCount) bytes of data")
    }
    return entries
  }

  private struct RawEntry: Decodable {
    let dtype: String
    let shape: [Int]
    let dataOffsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case dataOffsets = "data_offsets"
    }
  }

  private struct Header: Decodable {
    var metadata: [String: String] = [:]
    var tensors: [String: RawEntry] = [:]

    struct Key: CodingKey {
      let stringValue: String
      init(stringValue: String) { self.stringValue = stringValue }
      var intValue: Int? { nil }
      init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      for key in container.allKeys {
        if key.stringValue == "__metadata__" {
          metadata = try container.decodeIfPresent([String: String].self, forKey: key) ?? [:]
        } else {
          tensors[key.stringValue] = try container.decode(RawEntry.self, forKey: key)
        }
      }
    }
  }
}

extension SafeTensors {
  /// Writes named tensors to a file: beside it first, then in its place, so that an interrupt leaves the old file or the new one.
  /// - Throws: `CheckpointError.unreadable` if the file cannot be written.
  public static func write(_ tensors: [String: Tensor], metadata: [String: String] = [:], to path: String) throws {
    // Larger elements first, as the format's own writer does it, so that every tensor is aligned.
    let order = tensors.sorted {
      let (a, b) = ($0.value.dataType.size, $1.value.dataType.size)
      return a != b ? a > b : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
    }
    var header: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
    var offset = 0
    for (key, tensor) in order {
      guard key != "__metadata__" else { throw CheckpointError.malformed(path, "no tensor can be called '\(key)'") }
      let end = offset + tensor.count * tensor.dataType.size
      header[key] =
        ["dtype": tensor.dataType.safeTensors, "shape": tensor.shape, "data_offsets": [offset, end]] as [String: Any]
      offset = end
    }
    var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
    json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
    let output = try FileReplacement(path: path)
    try withUnsafeBytes(of: UInt64(json.count).littleEndian) { try output.write($0) }
    try json.withUnsafeBytes { try output.write($0) }
    for (_, tensor) in order { try tensor.withBytes { try output.write($0) } }
    try output.commit()
  }
}

extension DataType {
  init?(safeTensors name: String) {
    guard let type = DataType.allCases.first(where: { $0.safeTensors == name }) else { return nil }
    self = type
  }

  /// The name in the header of a safetensors file.
  var safeTensors: String {
    switch self {
    case .float32: "F32"
    case .float64: "F64"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .int64: "I64"
    case .int32: "I32"
    case .int16: "I16"
    case .int8: "I8"
    case .uint8: "U8"
    case .bool: "BOOL"
    case .complex64: "C64"
    case .float8e4m3: "F8_E4M3"
    case .float8e5m2: "F8_E5M2"
    case .uint16: "U16"
    case .uint32: "U32"
    case .uint64: "U64"
    case .complex128: "C128"
    }
  }
}

/// Bytes that a tensor lies over, aligned for any element.
final class AlignedBytes: @unchecked Sendable {
  let start: UnsafeMutableRawPointer
  init(copying bytes: UnsafeRawBufferPointer) {
    start = .allocate(byteCount: bytes.count, alignment: 64)
    if let base = bytes.baseAddress { start.copyMemory(from: base, byteCount: bytes.count) }
  }
  deinit { start.deallocate() }
}

/// One line about a decoding error: where and what.
package func describe(_ error: any Error) -> String {
  guard let error = error as? DecodingError else {
    return "\(error)".split(separator: "\n").first.map(String.init) ?? ""
  }
  let context: DecodingError.Context
  switch error {
  case .typeMismatch(_, let c), .valueNotFound(_, let c), .keyNotFound(_, let c), .dataCorrupted(let c): context = c
  @unknown default: return "it cannot be decoded"
  }
  let path = context.codingPath.map(\.stringValue).joined(separator: ".")
  return path.isEmpty ? context.debugDescription : "'\(path)': \(context.debugDescription)"
}
