/// What went wrong with a tokenizer file, a text or a request, and where.
///
/// Every place where data from outside enters the toolkit throws this type. The description is one line that names the file, the
/// place inside it, what was found there and what was expected.
public struct TokenizerError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The families of failures, for code that wants to react differently to each.
  public enum Kind: String, Sendable {
    /// The bytes are not what the format allows: bad JSON, a lying length, a truncated file.
    case malformed
    /// The file is well formed but describes a tokenizer that makes no sense, such as a merge of unknown tokens.
    case inconsistent
    /// The format, or a part of it, is not known here.
    case unsupported
    /// The file or folder cannot be read or written.
    case inputOutput
    /// The call asks for something that cannot be done with these arguments.
    case invalidRequest
    /// A bound that protects the caller was reached: nesting, steps, output size.
    case limitExceeded
  }

  /// A place inside a file or a value.
  public enum Place: Equatable, Sendable {
    /// A path of keys and indices, such as `model.merges[12]`.
    case key(String)
    /// A byte offset from the start of the file.
    case byte(Int)
    /// A line number, counted from one.
    case line(Int)
    /// A line and a column, both counted from one, of a template or a pattern.
    case position(line: Int, column: Int)
  }

  /// The family of the failure.
  public var kind: Kind
  /// What is wrong, what was expected and, where there is something to do about it, what to do.
  public var message: String
  /// The place inside the file, when there is one.
  public var place: Place?
  /// The file, when the data came from one.
  public var file: String?

  /// Makes an error from its parts.
  public init(_ kind: Kind, _ message: String, at place: Place? = nil, in file: String? = nil) {
    self.kind = kind
    self.message = message
    self.place = place
    self.file = file
  }

  /// The same error with the file's name, unless it has one already.
  public func inFile(_ name: String) -> TokenizerError {
    var copy = self
    if copy.file == nil { copy.file = name }
    return copy
  }

  /// One line: `file: place: message`, with what is no printable text in it escaped, and what is very long cut.
  public var description: String {
    var parts: [String] = []
    if let file { parts.append(file) }
    switch place {
    case .key(let path): parts.append(path)
    case .byte(let offset): parts.append("byte \(offset)")
    case .line(let number): parts.append("line \(number)")
    case .position(let line, let column): parts.append("line \(line), column \(column)")
    case nil: break
    }
    parts.append(message)
    return parts.map(Self.oneLine).joined(separator: ": ")
  }

  private static let longestPart = 500

  /// Keys and texts of a file are quoted in messages, whatever they hold.
  private static func oneLine(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(longestPart) {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: result += scalar.escaped(asASCII: true).unicodeScalars
      default: result.append(scalar)
      }
    }
    if text.unicodeScalars.dropFirst(longestPart).first != nil { result.append("…") }
    return String(result)
  }
}
