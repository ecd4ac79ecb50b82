import Foundation

/// A file that is written beside another and takes its place when it is complete. Dropped without `commit`, it leaves no trace.
package final class FileReplacement {
  private let path: String
  private let part: String
  private var file: UnsafeMutablePointer<FILE>?

  /// - Throws: `CheckpointError.unreadable` if the file cannot be made.
  package init(path: String) throws {
    self.path = path
    part = path + ".part-\(ProcessInfo.processInfo.processIdentifier)"
    file = fopen(part, "wb")
    guard file != nil else { throw CheckpointError.unreadable(path, String(cString: strerror(errno))) }
  }

  deinit {
    if let file {
      fclose(file)
      unlink(part)
    }
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    guard let file, fwrite(start, 1, bytes.count, file) == bytes.count else {
      throw CheckpointError.unreadable(path, String(cString: strerror(errno)))
    }
  }

  /// Puts the file in its place.
  package func commit() throws {
    guard let open = file else { return }
    let flushed = fflush(open) == 0 && fsync(fileno(open)) == 0
    let reason = errno
    file = nil
    guard fclose(open) == 0, flushed, rename(part, path) == 0 else {
      let text = String(cString: strerror(flushed ? errno : reason))
      unlink(part)
      throw CheckpointError.unreadable(path, text)
    }
  }
}
