import CSndFile

/// Bytes in memory that libsndfile reads or writes like a file.
final class MemoryFile {
  private(set) var bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// Opens the bytes; the pointer lives only inside the closure.
  /// - Returns: nil if the library refuses
  func open<Result>(_ mode: Int, _ info: inout SF_INFO, _ body: (OpaquePointer, SF_INFO) throws -> Result) rethrows
    -> Result?
  {
    var calls = Self.calls
    let context = Unmanaged.passUnretained(self).toOpaque()
    return try withExtendedLifetime(self) {
      guard let file = sf_open_virtual(&calls, Int32(mode), &info, context) else { return nil }
      defer { sf_close(file) }
      return try body(file, info)
    }
  }

  private static func file(_ context: UnsafeMutableRawPointer?) -> MemoryFile? {
    context.map { Unmanaged<MemoryFile>.fromOpaque($0).takeUnretainedValue() }
  }

  private static var calls: SF_VIRTUAL_IO {
    SF_VIRTUAL_IO(
      get_filelen: { sf_count_t(MemoryFile.file($0)?.bytes.count ?? 0) },
      seek: { offset, whence, context in MemoryFile.file(context)?.seek(offset, whence) ?? -1 },
      read: { target, count, context in MemoryFile.file(context)?.read(target, count) ?? 0 },
      write: { source, count, context in MemoryFile.file(context)?.write(source, count) ?? 0 },
      tell: { sf_count_t(MemoryFile.file($0)?.position ?? -1) })
  }

  private func seek(_ offset: sf_count_t, _ whence: Int32) -> sf_count_t {
    let start = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? position : bytes.count
    let (target, overflow) = start.addingReportingOverflow(Int(offset))
    // A header can ask for any place: beyond the end nothing is read, and a file being written grows only by writing.
    guard !overflow, target >= 0 else { return -1 }
    position = min(target, bytes.count)
    return sf_count_t(position)
  }

  private func read(_ target: UnsafeMutableRawPointer?, _ count: sf_count_t) -> sf_count_t {
    let length = min(Int(count), bytes.count - position)
    guard let target, length > 0 else { return 0 }
    bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress! + position, byteCount: length) }
    position += length
    return sf_count_t(length)
  }

  private func write(_ source: UnsafeRawPointer?, _ count: sf_count_t) -> sf_count_t {
    guard let source, count > 0 else { return 0 }
    let new = UnsafeRawBufferPointer(start: source, count: Int(count))
    let overlap = min(new.count, bytes.count - position)
    bytes.replaceSubrange(position..<position + overlap, with: new)
    position += new.count
    return count
  }
}
