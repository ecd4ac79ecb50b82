#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The bytes of a file, mapped into memory. Changes stay in this process.
final class MappedBytes: @unchecked Sendable {
  let start: UnsafeMutableRawPointer?
  let count: Int

  init(path: String) throws {
    func refuse() -> CheckpointError { .unreadable(path, String(cString: strerror(errno))) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw refuse() }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw refuse() }
    guard status.st_mode & S_IFMT == S_IFREG else { throw CheckpointError.unreadable(path, "it is no regular file") }
    count = Int(status.st_size)
    guard count > 0 else {
      start = nil
      return
    }
    // Writable, but private: libtorch knows no tensors that cannot be written.
    guard let mapped = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0), mapped != MAP_FAILED else {
      throw refuse()
    }
    start = mapped
  }

  deinit { if let start { munmap(start, count) } }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }
}
