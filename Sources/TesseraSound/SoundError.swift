/// What can go wrong with sound. Every case begins with the name of the file, or of the bytes, it is about.
public enum SoundError: Error, Equatable, CustomStringConvertible {
  /// A file cannot be opened, read, or written: the reason.
  case unreadable(String, String)
  /// The bytes are no sound, or of a kind that is not read: what they are or lack.
  case unsupported(String, String)
  /// The bytes break the rules of their own format: the reason.
  case malformed(String, String)
  /// The bytes end too early: what was promised, what is there.
  case truncated(String, expected: Int, found: Int)
  /// The sound is larger than allowed: what is counted, how many, the limit.
  case tooLarge(String, String, count: Int, limit: Int)

  /// What went wrong, in one line.
  public var description: String {
    switch self {
    case .unreadable(let name, let reason), .unsupported(let name, let reason), .malformed(let name, let reason):
      "\(name): \(reason)"
    case .truncated(let name, let expected, let found):
      "\(name): it ends too early (\(expected) promised, \(found) there)"
    case .tooLarge(let name, let what, let count, let limit):
      "\(name): \(count) \(what) are more than the \(limit) allowed"
    }
  }
}
