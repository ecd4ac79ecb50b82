import Foundation

/// Reads whole files and writes them beside their place first.
package enum Files {
  static func read(_ path: String) throws -> Data {
    do { return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) } catch {
      throw LabError.unreadable(path, reason(error))
    }
  }

  static func write(_ data: Data, to path: String) throws {
    do { try data.write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw LabError.unreadable(path, "it cannot be written: \(reason(error))")
    }
  }

  static func makeFolder(_ path: String) throws {
    do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
      throw LabError.unreadable(path, "the folder cannot be made: \(reason(error))")
    }
  }

  /// Where something is built before it takes its place. What processes that were killed have left there is removed.
  static func part(of path: String) -> String {
    let url = URL(fileURLWithPath: path)
    let (folder, prefix) = (url.deletingLastPathComponent().path, url.lastPathComponent + ".part-")
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(prefix) {
      if let process = Int32(name.dropFirst(prefix.count)), process > 0, kill(process, 0) != 0 {
        try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      }
    }
    return "\(path).part-\(ProcessInfo.processInfo.processIdentifier)"
  }

  /// The names in a folder, sorted by their bytes.
  static func names(in path: String) throws -> [String] {
    do { return try FileManager.default.contentsOfDirectory(atPath: path).sorted(by: Files.precedes) } catch {
      throw LabError.unreadable(path, reason(error))
    }
  }

  /// The order of names everywhere in the laboratory: by bytes, whatever the locale.
  static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

  /// JSON as files and `--json` show it: keys sorted, numbers that are none as words.
  package static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = numbers
    return try encoder.encode(value)
  }

  /// A JSON file with a line end.
  static func writeJSON(_ value: some Encodable, to path: String) throws {
    try write(encode(value) + Data("\n".utf8), to: path)
  }

  static func decode<Value: Decodable>(_ type: Value.Type, _ data: Data, _ path: String) throws -> Value {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")
    do { return try decoder.decode(type, from: data) } catch let error as DecodingError {
      throw LabError.malformed(path, place(of: error))
    } catch {
      throw LabError.malformed(path, "it is no JSON of this kind")
    }
  }

  private static let numbers = JSONEncoder.NonConformingFloatEncodingStrategy.convertToString(
    positiveInfinity: "infinity", negativeInfinity: "-infinity", nan: "nan")

  private static func place(of error: DecodingError) -> String {
    let context: DecodingError.Context
    var missing = ""
    switch error {
    case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found): context = found
    case .keyNotFound(let key, let found): (context, missing) = (found, "'\(key.stringValue)' is missing")
    @unknown default: return "it cannot be decoded"
    }
    let path = context.codingPath.map(\.stringValue).joined(separator: ".")
    let reason = missing.isEmpty ? context.debugDescription : missing
    return path.isEmpty ? reason : "'\(path)': \(reason)"
  }

  /// What the system says of an error, in a few words.
  package static func reason(_ error: any Error) -> String {
    let error = error as NSError
    let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError ?? error
    if underlying.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(underlying.code))) }
    return underlying.localizedDescription
  }
}

/// FNV-1a in 64 bits (Fowler, Noll, Vo): tells whether bytes changed by mistake, not by malice.
struct Checksum {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  init(_ bytes: some Sequence<UInt8> = []) { add(bytes) }

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
