import Foundation

/// What a terminal can do.
enum Terminal {
  /// Whether a file descriptor leads to a person.
  static func isWatched(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Whether colours are wanted: only in a terminal, and not when `NO_COLOR` is set (https://no-color.org) or it is a dumb one.
  static func hasColors(_ descriptor: Int32) -> Bool {
    let environment = ProcessInfo.processInfo.environment
    return isWatched(descriptor) && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
  }

  /// The number of columns; 80 when it cannot be known.
  static func columns(of descriptor: Int32) -> Int {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? 80
  }
}
