/// The printable character that stands for each byte in byte-level vocabularies.
///
/// GPT-2 wrote its vocabulary as text, so every byte needed a character that is neither white space nor a control character.
/// The 188 printable bytes of Latin-1 stand for themselves; the other 68 take U+0100 and up, in order.
///
/// Source: `bytes_to_unicode` of GPT-2's `encoder.py`; tokenizers' ByteLevel pre-tokenizer uses the same table.
public enum ByteLevelAlphabet {
  /// The scalar value that stands for a byte; 256 entries.
  public static let scalars: [UInt32] = {
    var next: UInt32 = 0x100
    return (0...255).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return byte
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The 256 characters in the order of the bytes, as an initial alphabet for training.
  public static let characters: [Unicode.Scalar] = scalars.compactMap { Unicode.Scalar($0) }

  private static let bytes: [UInt16] = {
    var table = [UInt16](repeating: .max, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = UInt16(byte) }
    return table
  }()

  /// The byte a scalar stands for; `nil` for a scalar outside the alphabet.
  public static func byte(of scalar: UInt32) -> UInt8? {
    guard scalar < 0x144 else { return nil }
    return UInt8(exactly: bytes[Int(scalar)])
  }

  /// The text that stands for some bytes.
  public static func text(of bytes: some Sequence<UInt8>) -> String {
    var scalars = String.UnicodeScalarView()
    for byte in bytes { scalars.append(characters[Int(byte)]) }
    return String(scalars)
  }

  /// The bytes a text stands for; `nil` when a scalar is outside the alphabet.
  public static func bytes(of text: String) -> [UInt8]? {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard let byte = byte(of: scalar.value) else { return nil }
      result.append(byte)
    }
    return result
  }
}
