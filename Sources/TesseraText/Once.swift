import Synchronization

/// A value that is made by the first who asks for it. Asking again costs one load.
final class Once<Value: Sendable>: @unchecked Sendable {
  private let isMade = Atomic<Bool>(false)
  private let lock = Mutex<Value?>(nil)
  /// Written once, before `isMade` says so.
  private var made: Value?
  private let make: @Sendable () -> Value

  init(_ make: @escaping @Sendable () -> Value) { self.make = make }

  /// The value. Whoever asks while it is being made waits.
  var value: Value {
    if isMade.load(ordering: .acquiring), let made { return made }
    return lock.withLock { kept in
      if let kept { return kept }
      let new = make()
      kept = new
      made = new
      isMade.store(true, ordering: .releasing)
      return new
    }
  }
}
