/// What can go wrong with a picture.
public enum PictureError: Error, Equatable, CustomStringConvertible {
  /// A file cannot be read: its path, the reason.
  case unreadable(String, String)
  /// A file cannot be written: its path, the reason.
  case unwritable(String, String)
  /// The bytes are no PNG, JPEG or WebP file: the name of the source.
  case unknownFormat(String)
  /// The bytes are not what their first ones promise: the name of the source, the byte where that shows (if it is known), the reason.
  case malformed(String, byte: Int?, String)
  /// The picture has more pixels than are allowed: the name of the source, its size, the limit in pixels.
  case tooLarge(String, width: Int, height: Int, limit: Int)
  /// The file is well formed but of a kind that is not read, or the picture of one that cannot be written: the name, the reason.
  case unsupported(String, String)
  /// An argument cannot be used: the reason.
  case invalid(String)

  /// What went wrong, in one line.
  public var description: String {
    switch self {
    case .unreadable(let name, let reason): "\(name) cannot be read: \(reason)"
    case .unwritable(let name, let reason): "\(name) cannot be written: \(reason)"
    case .unknownFormat(let name): "\(name) is neither a PNG, a JPEG nor a WebP file"
    case .malformed(let name, let byte?, let reason): "\(name), byte \(byte): \(reason)"
    case .malformed(let name, nil, let reason): "\(name): \(reason)"
    case .tooLarge(let name, let width, let height, let limit):
      "\(name) has \(width) x \(height) pixels, and at most \(limit) are allowed"
    case .unsupported(let name, let reason): "\(name): \(reason)"
    case .invalid(let reason): reason
    }
  }
}
