import Foundation
import Synchronization

/// An interrupt from the keyboard that work can ask about, so that it ends where nothing is left half done.
enum Interrupt {
  private static let isRequested = Atomic<Bool>(false)

  /// From here on the first interrupt only makes `check` throw; a second one ends the process at once.
  static func watch() {
    signal(SIGINT) { _ in
      signal(SIGINT, SIG_DFL)
      Interrupt.isRequested.store(true, ordering: .relaxed)
    }
    // Who started this program may have had the signal blocked, and that is inherited.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// - Throws: `CancellationError` after an interrupt.
  static func check() throws {
    if isRequested.load(ordering: .relaxed) { throw CancellationError() }
  }
}
