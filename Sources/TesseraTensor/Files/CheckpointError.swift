/// What can be wrong with the files of a model.
public enum CheckpointError: Error, Equatable, CustomStringConvertible {
  /// A file cannot be read or written: its path, the reason.
  case unreadable(String, String)
  /// A file is not what its name says: its path, the reason.
  case malformed(String, String)
  /// A tensor is not in a file: the path, the key, the shape that was expected.
  case missing(String, key: String, expected: [Int])
  /// A tensor has another shape than expected.
  case wrongShape(String, key: String, expected: [Int], found: [Int])
  /// A value of a configuration cannot be used: the path, the key, the reason.
  case configuration(String, key: String, String)
  /// The configuration names an architecture that is not known: the path, the name.
  case unknownArchitecture(String, String)

  /// What went wrong, in one line.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason), .malformed(let file, let reason): "\(file): \(reason)"
    case .missing(let file, let key, let shape):
      "\(file): there is no tensor '\(key)', expected with the shape \(shape)"
    case .wrongShape(let file, let key, let expected, let found):
      "\(file): the tensor '\(key)' has the shape \(found), and \(expected) is expected"
    case .configuration(let file, let key, let reason): "\(file): '\(key)': \(reason)"
    case .unknownArchitecture(let file, let name): "\(file): the architecture '\(name)' is not known"
    }
  }
}
