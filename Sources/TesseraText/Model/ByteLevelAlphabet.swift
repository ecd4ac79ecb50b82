/// The 256 printable characters that stand for bytes in byte-level vocabularies.
///
/// Bytes that print well in Latin-1 stand for themselves; the others take the characters from U+0100 on, in order. From GPT-2
/// (Radford et al. 2019).
public enum ByteLevelAlphabet {
  /// The scalar of each byte.
  public static let scalars: [UInt32] = {
    var next: UInt32 = 256
    return (0...255).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return UInt32(byte)
      default:
        defer { next += 1 }
        return next
      }
    }
  }()

  /// The 256 characters in the order of the bytes.
  public static let characters: [Unicode.Scalar] = scalars.compactMap { Unicode.Scalar($0) }

  private static let bytesByScalar: [Int16] = {
    var table = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar)] = Int16(byte) }
    return table
  }()

  /// The pattern that GPT-2 splits text with.
  static let gpt2PatternText =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  static func gpt2Pattern() throws -> SplitPattern { try SplitPattern(gpt2PatternText, dialect: .oniguruma) }

  /// The byte that a scalar stands for.
  static func byte(of scalar: UInt32) -> UInt8? {
    guard scalar < bytesByScalar.count, bytesByScalar[Int(scalar)] >= 0 else { return nil }
    return UInt8(bytesByScalar[Int(scalar)])
  }

  /// The bytes that a text in the alphabet stands for, or `nil` when a character is not in it.
  static func bytes(of text: ArraySlice<UInt8>) -> [UInt8]? {
    text.withUnsafeBufferPointer { text in
      var result: [UInt8] = []
      result.reserveCapacity(text.count)
      var index = 0
      while index < text.count {
        let length = text.leadLength(at: index)
        guard let byte = byte(of: text.scalar(at: index, length: length)) else { return nil }
        result.append(byte)
        index += length
      }
      return result
    }
  }

  /// Bytes written in the alphabet.
  public static func text(of bytes: some Sequence<UInt8>) -> String {
    var result: [UInt8] = []
    for byte in bytes { UTF8Scalars.append(scalars[Int(byte)], to: &result) }
    return String(decoding: result, as: UTF8.self)
  }

  /// Appends raw bytes written in the alphabet, whose characters have one or two bytes each.
  static func append(_ bytes: UnsafeBufferPointer<UInt8>, to text: RowBuilder<UInt8>) {
    scalars.withUnsafeBufferPointer { scalars in
      for byte in bytes {
        let scalar = scalars[Int(byte)]
        if scalar < 0x80 {
          text.append(UInt8(truncatingIfNeeded: scalar))
        } else {
          text.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
          text.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        }
      }
    }
  }

  /// Rewrites every byte of a text as its character.
  static func map(_ text: inout AlignedText) {
    var changes: [ScalarChange] = []
    changes.reserveCapacity(text.bytes.count)
    for byte in text.bytes {
      changes.append(ScalarChange(scalar: scalars[Int(byte)], change: byte & 0xC0 == 0x80 ? 1 : 0))
    }
    text.rewrite(changes)
  }
}
