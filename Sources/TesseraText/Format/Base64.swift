/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Digit values by byte; 255 for bytes outside the alphabet.
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 255, count: 256)
    for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
    return values
  }()

  /// The bytes that a text stands for. O(n).
  ///
  /// - Throws: `TokenizerError` of kind `malformed` at the byte that is no digit, at a length that is no multiple of four, at
  ///   padding in the wrong place and at digits whose unused bits are not zero.
  static func decode(_ text: some Collection<UInt8>) throws(TokenizerError) -> [UInt8] {
    let count = text.count
    guard count % 4 == 0 else {
      throw TokenizerError(.malformed, "base64 of \(count) characters; expected a multiple of four", at: .byte(count))
    }
    let values = values
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count / 4 * 3)
    var group: UInt32 = 0
    var padding = 0
    for (position, byte) in text.enumerated() {
      if byte == UInt8(ascii: "="), position >= count - 2 {
        padding += 1
        group <<= 6
      } else {
        let value = values[Int(byte)]
        guard value < 64, padding == 0 else {
          throw TokenizerError(.malformed, "byte \(byte) is not a base64 digit here", at: .byte(position))
        }
        group = group << 6 | UInt32(value)
      }
      guard position % 4 == 3 else { continue }
      for place in 0..<3 - padding { bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place))) }
      guard padding == 0 || group & (padding == 1 ? 0xFF : 0xFFFF) == 0 else {
        throw TokenizerError(
          .malformed, "the last base64 digit has bits beyond the data", at: .byte(position - padding))
      }
      group = 0
    }
    return bytes
  }

  /// Appends what a text of a rank file stands for; false when it is not base64. Padding may be missing, and padding alone is
  /// the empty string. O(n).
  static func decodeUnpadded(_ text: UnsafeBufferPointer<UInt8>, into bytes: inout [UInt8]) -> Bool {
    var length = text.count
    while length > 0, text.count - length < 2, text[length - 1] == 0x3D { length -= 1 }
    if length & 3 == 1 || (text.count != length && length > 0 && text.count & 3 != 0) { return false }
    return values.withUnsafeBufferPointer { values in
      var gathered: UInt32 = 0
      var bits: UInt32 = 0
      for at in 0..<length {
        let value = values[Int(text[at])]
        if value == 0xFF { return false }
        gathered = gathered << 6 | UInt32(value)
        bits += 6
        if bits >= 8 {
          bits -= 8
          bytes.append(UInt8(truncatingIfNeeded: gathered >> bits))
        }
      }
      return true
    }
  }

  /// The text for some bytes, padded to a multiple of four. O(n).
  static func encode(_ bytes: some Collection<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    append(bytes, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Appends the text for some bytes, padded to a multiple of four. O(n).
  static func append(_ bytes: some Collection<UInt8>, to text: inout [UInt8]) {
    let alphabet = alphabet
    var group: UInt32 = 0
    var held = 0
    for byte in bytes {
      group = group << 8 | UInt32(byte)
      held += 1
      guard held == 3 else { continue }
      for shift in [18, 12, 6, 0] as [UInt32] { text.append(alphabet[Int(group >> shift & 63)]) }
      (group, held) = (0, 0)
    }
    guard held > 0 else { return }
    group <<= UInt32(8 * (3 - held))
    text.append(alphabet[Int(group >> 18 & 63)])
    text.append(alphabet[Int(group >> 12 & 63)])
    text.append(held == 2 ? alphabet[Int(group >> 6 & 63)] : 0x3D)
    text.append(0x3D)
  }
}
