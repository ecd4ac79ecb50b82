#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
import Dispatch
import Synchronization

/// Work on many items by a few threads.
enum Parallel {
  /// The cores that are there.
  static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Applies `transform` to every item and keeps the order. Items are handed out one after the other; each thread has a state of
  /// its own.
  static func map<Item: Sendable, State, Result: Sendable>(
    _ items: [Item], threads: Int?, state: @Sendable () -> State,
    _ transform: @Sendable (Item, inout State) throws -> Result
  ) throws -> [Result] {
    let workers = min(max(1, threads ?? coreCount), items.count)
    guard workers > 1 else {
      var scratch = state()
      return try items.map { try transform($0, &scratch) }
    }
    let next = Atomic<Int>(0)
    let results = Mutex<(values: [Int: Result], error: (index: Int, error: any Error)?)>(([:], nil))
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      var scratch = state()
      var mine: [(Int, Result)] = []
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < items.count else { break }
        do {
          mine.append((index, try transform(items[index], &scratch)))
        } catch {
          results.withLock { if $0.error.map({ index < $0.index }) ?? true { $0.error = (index, error) } }
          break
        }
      }
      results.withLock { for (index, value) in mine { $0.values[index] = value } }
    }
    return try results.withLock { shared in
      if let failure = shared.error { throw failure.error }
      return items.indices.compactMap { shared.values[$0] }
    }
  }
}
