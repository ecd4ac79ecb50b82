/// What can go wrong in an examination.
public enum MeasureError: Error, Equatable, CustomStringConvertible {
  /// There is nothing to measure on: what was looked at.
  case nothingToMeasure(String)
  /// A file or a value is not what it should be: its name, what is wrong.
  case malformed(String, String)
  /// Something cannot be measured for this tokenizer or language: what, why, and what would help.
  case unsupported(String, String)

  /// What went wrong, in one line.
  public var description: String {
    switch self {
    case .nothingToMeasure(let name): "\(name): there is nothing to measure"
    case .malformed(let name, let reason), .unsupported(let name, let reason): "\(name): \(reason)"
    }
  }
}
