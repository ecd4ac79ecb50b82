/// One text on several threads: cut where ``TextCuts`` says, so that the ids of the parts are those of the whole.
extension TokenizerCore {
  /// So many bytes are worth a part of their own: less would not pay for the memory of its ids.
  static let smallestPart = 1 << 18

  /// Text and ids on their way between threads that all end before their owner does.
  private struct Shared<Pointer>: @unchecked Sendable { let pointer: Pointer }

  /// The ids of a text, or `nil` when it is better encoded by one thread.
  ///
  /// - Parameter part: how long parts are at least, in bytes.
  func ids(
    of text: UnsafeBufferPointer<UInt8>, _ recognizesSpecial: Bool, threads: Int, part: Int = smallestPart
  ) throws -> [UInt32]? {
    let parts = try map(text, threads, part) { text, place, scratch -> (TableMemory, Int)? in
      // Untouched memory costs nothing, and few tokenizers make more tokens than there are bytes.
      var output = TokenBuffer(capacity: text.count + 4096)
      guard try self.appendIDs(of: text, place, recognizesSpecial, into: &output, scratch) else { return nil }
      let count = output.count
      return (output.take().ids, count)
    }
    guard let parts else { return nil }
    let starts = parts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.1) }
    return [UInt32](unsafeUninitializedCapacity: starts[parts.count]) { ids, count in
      if let base = ids.baseAddress {
        let target = Shared(pointer: base)
        _ = try? Parallel.map(Array(parts.indices), threads: threads, state: { () }) { index, _ in
          (target.pointer + starts[index]).update(from: parts[index].0.row(of: UInt32.self), count: parts[index].1)
        }
      }
      count = starts[parts.count]
    }
  }

  /// The number of tokens of a text, or `nil` as in ``ids(of:_:threads:part:)``.
  func count(
    of text: UnsafeBufferPointer<UInt8>, _ recognizesSpecial: Bool, threads: Int, part: Int = smallestPart
  ) throws -> Int? {
    try map(text, threads, part) { text, place, scratch -> Int? in
      var output = TokenBuffer(capacity: 1024, countsOnly: true)
      guard try self.appendIDs(of: text, place, recognizesSpecial, into: &output, scratch) else { return nil }
      return output.total
    }?.reduce(0, +)
  }

  /// Has every part of a text encoded, or gives `nil` when there is but one, or one cannot be encoded alone.
  private func map<Result: Sendable>(
    _ text: UnsafeBufferPointer<UInt8>, _ threads: Int, _ part: Int,
    _ encode: @Sendable (UnsafeBufferPointer<UInt8>, TextPart, EncoderScratch) throws -> Result?
  ) throws -> [Result]? {
    // A few parts for each thread, so that all end at about the same time.
    let size = max(part, text.count / (4 * threads))
    guard text.count >= 2 * size, text.count < Int(Int32.max), let cuts = textCuts, cuts.isParallel else { return nil }
    var parts: [Range<Int>] = []
    var start = 0
    while start < text.count {
      let end = cuts.first(in: text, min(start + size, text.count)..<text.count) ?? text.count
      parts.append(start..<end)
      start = end
    }
    let shared = Shared(pointer: text)
    let results = try Parallel.map(parts, threads: threads, state: { () }) { range, _ in
      try engine.withScratch { scratch in
        let place = TextPart(
          origin: range.lowerBound, isStart: range.lowerBound == 0, isEnd: range.upperBound == shared.pointer.count)
        return try encode(UnsafeBufferPointer(rebasing: shared.pointer[range]), place, scratch)
      }
    }
    let known = results.compactMap { $0 }
    return known.count == parts.count ? known : nil
  }
}
