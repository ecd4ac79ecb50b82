import Foundation
import TesseraText

/// Shows the progress of a training run, and ends the run when the user interrupts it, so that nothing is left half done.
final class TrainingRun: Sendable {
  private let line = ProgressLine(label: "training")

  init() { Interrupt.watch() }

  /// To be called with every report of a run.
  ///
  /// - Throws: `CancellationError` after an interrupt.
  func report(_ progress: TrainingProgress) throws {
    try Interrupt.check()
    let (label, unit) =
      switch progress.stage {
      case .countingWords: ("counting words", "B")
      case .countingPairs: ("counting pairs", "words")
      case .findingCandidates: ("finding candidates", "")
      case .choosingTokens: ("choosing tokens", "tokens")
      }
    line.update(done: progress.completed, total: progress.total, unit: unit, label: label)
  }

  func finish() { line.finish() }
}
