import Foundation
import Synchronization
import TesseraText

/// One line on standard error that says how far long work has come; nothing when standard error is no terminal.
///
///     let progress = ProgressLine(label: "encoding")
///     for … { progress.update(done: bytes, total: allBytes, unit: "B") }
///     progress.finish()
///
/// The line is drawn at most ten times a second, shows rate and time left, and is wiped when the work is done, so that results
/// stand alone. It may be updated from several threads.
final class ProgressLine: Sendable {
  private struct State {
    var label: String
    var start: UInt64
    var lastDrawn: UInt64 = 0
    var isVisible = false
  }

  /// Whether a person watches.
  let isWatched: Bool
  private let state: Mutex<State>

  /// - Parameter label: what is being done, in a word or two.
  init(label: String) {
    isWatched = isatty(STDERR_FILENO) == 1
    state = Mutex(State(label: label, start: Self.now))
  }

  /// Shows how much is done.
  ///
  /// - Parameters:
  ///   - total: all there is to do; 0 when that is not known.
  ///   - unit: what is counted; `B` is shown in kB, MB and GB.
  ///   - label: replaces the label from here on, for work in several parts; each part has its own clock.
  ///   - detail: what else is worth seeing, at the end of the line.
  func update(done: Int, total: Int, unit: String, label: String? = nil, detail: String = "") {
    guard isWatched else { return }
    let now = Self.now
    state.withLock { state in
      if let label, label != state.label { (state.label, state.start, state.lastDrawn) = (label, now, 0) }
      guard now &- state.lastDrawn > 100_000_000 else { return }
      state.lastDrawn = now
      state.isVisible = true
      let seconds = Double(now &- state.start) / 1e9
      let line =
        Self.line(label: state.label, done: done, total: total, unit: unit, seconds: seconds)
        + (detail.isEmpty ? "" : "  " + detail)
      Self.write("\r\u{1B}[K" + DisplayWidth.prefix(of: line, columns: Terminal.columns(of: STDERR_FILENO) - 1))
    }
  }

  /// Wipes the line. To be called once the work is done or has failed.
  func finish() {
    state.withLock { state in
      if state.isVisible { Self.write("\r\u{1B}[K") }
      state.isVisible = false
    }
  }

  /// `label  42 %  12.3 MB of 29.1 MB  4.5 MB/s  4 s left`
  static func line(label: String, done: Int, total: Int, unit: String, seconds: Double) -> String {
    var parts = [label]
    if total > 0 { parts.append("\(Int(100 * Double(min(done, total)) / Double(total))) %") }
    parts.append(amount(Double(done), unit) + (total > 0 ? " of " + amount(Double(total), unit) : ""))
    // A rate over less than half a second is noise.
    if seconds > 0.5, done > 0 {
      let rate = Double(done) / seconds
      parts.append(amount(rate, unit) + "/s")
      if total > done { parts.append(duration(Double(total - done) / rate) + " left") }
    }
    return parts.joined(separator: "  ")
  }

  private static func amount(_ value: Double, _ unit: String) -> String {
    guard unit == "B" else { return "\(Int(min(value, 1e15))) \(unit)" }
    let steps = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)]
    guard let (name, size) = steps.first(where: { value >= $0.1 }) else { return "\(Int(value)) B" }
    return String(format: "%.1f %@", value / size, name)
  }

  private static func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds, 359_999).rounded(.up))
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  private static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }
  private static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
