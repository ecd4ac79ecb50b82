/// Base64 (RFC 4648) without the Foundation library.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xFF, count: 256)
    for (value, letter) in alphabet.enumerated() { table[Int(letter)] = UInt8(value) }
    return table
  }()

  /// The bytes of a text, or `nil` when it is not base64. Padding may be missing; white space may not be there.
  static func decode(_ text: String) -> [UInt8]? { decode(Array(text.utf8)[...]) }

  /// The bytes of a text, or `nil` when it is not base64.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var body = text
    for _ in 0..<2 where body.last == 0x3D { body.removeLast() }
    guard body.count % 4 != 1, body.count == text.count || text.count % 4 == 0 else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(body.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    for letter in body {
      let value = values[Int(letter)]
      guard value != 0xFF else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        result.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return result
  }

  /// The text of bytes, padded.
  static func encode(_ bytes: [UInt8]) -> String {
    var result: [UInt8] = []
    result.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = (0..<3).reduce(UInt32(0)) { $0 << 8 | (start + $1 < bytes.count ? UInt32(bytes[start + $1]) : 0) }
      let length = min(3, bytes.count - start) + 1
      for index in 0..<4 {
        result.append(index < length ? alphabet[Int(group >> UInt32(18 - 6 * index) & 63)] : 0x3D)
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
