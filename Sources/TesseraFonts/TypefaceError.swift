/// What can go wrong with a font.
public enum TypefaceError: Error, Equatable, CustomStringConvertible {
  /// The file cannot be opened or is no font: the name of the source, the reason.
  case unreadable(String, String)
  /// The file has fewer faces: the name of the source, the face that was asked for, how many there are.
  case noFace(String, Int, of: Int)
  /// The face has no glyph for a character.
  case noGlyph(String, Unicode.Scalar)
  /// The glyph of a character cannot be rendered: the name of the source, the character, the reason.
  case unrenderable(String, Unicode.Scalar, String)
  /// An argument cannot be used: the reason.
  case invalid(String)

  /// What went wrong, in one line.
  public var description: String {
    switch self {
    case .unreadable(let name, let reason): "\(name): \(reason)"
    case .noFace(let name, let face, let count): "\(name) has \(count) faces, and there is no face \(face)"
    case .noGlyph(let name, let scalar): "\(name) has no glyph for \(Self.code(scalar))"
    case .unrenderable(let name, let scalar, let reason):
      "\(name): the glyph for \(Self.code(scalar)) cannot be rendered: \(reason)"
    case .invalid(let reason): reason
    }
  }

  private static func code(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
