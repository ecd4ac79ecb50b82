/// How much of the thread's stack has been used since a starting point.
///
/// Depth is counted as well, but how much stack a level takes differs tenfold between debug and release builds; threads other
/// than the main one have as little as 512 KB.
struct TemplateStack {
  /// What parsing or rendering may use.
  static let maximumBytes: UInt = 320 << 10
  private let start = TemplateStack.address()

  /// An address close to the frame of the caller.
  @inline(never)
  private static func address() -> UInt {
    var marker: UInt8 = 0
    return withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
  }

  var isExhausted: Bool {
    let now = Self.address()
    return max(now, start) - min(now, start) > Self.maximumBytes
  }
}
