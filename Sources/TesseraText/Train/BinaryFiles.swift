#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that is read in parts.
final class InputFile {
  private let path: String
  private let descriptor: Int32

  /// - Parameter path: `-` for standard input, which has no size and no places.
  /// - Throws: ``TokenizerError`` with the system's reason.
  init(_ path: String) throws {
    self.path = path
    descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw systemFailure(path) }
  }

  deinit { if descriptor > 0 { close(descriptor) } }

  func size() throws -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw systemFailure(path) }
    return Int(status.st_size)
  }

  /// Fewer bytes than asked for come at the end of the file only.
  func read(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
        if got < 0, errno == EINTR { continue }
        guard got >= 0 else { throw systemFailure(path) }
        if got == 0 { break }
        filled += got
      }
    }
  }

  /// Appends what comes next.
  ///
  /// - Returns: whether the end was not reached yet.
  func read(into bytes: inout [UInt8], count: Int) throws -> Bool {
    let old = bytes.count
    // Filling the end of the array in place spares a copy of the text.
    bytes.append(contentsOf: repeatElement(0, count: count))
    var filled = 0
    while filled < count {
      let got = bytes.withUnsafeMutableBytes { buffer in
        systemRead(descriptor, buffer.baseAddress.map { $0 + old + filled }, count - filled)
      }
      if got < 0, errno == EINTR { continue }
      guard got >= 0 else { throw systemFailure(path) }
      if got == 0 { break }
      filled += got
    }
    bytes.removeLast(count - filled)
    return filled == count
  }
}

/// A file that is written with a buffer. Unless it is moved to its place it is removed in the end.
final class OutputFile {
  private let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var isMoved = false
  /// The bytes written.
  private(set) var count = 0

  /// - Throws: ``TokenizerError`` with the system's reason.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw systemFailure(path) }
    buffer.reserveCapacity(1 << 16)
  }

  deinit {
    close(descriptor)
    if !isMoved { unlink(path) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    if buffer.count + bytes.count > 1 << 16 || bytes.count > 1 << 15 { try flush() }
    if bytes.count > 1 << 15 { try writeAll(bytes) } else { buffer.append(contentsOf: bytes) }
    count += bytes.count
  }

  private func flush() throws {
    try buffer.withUnsafeBytes { try writeAll($0) }
    buffer.removeAll(keepingCapacity: true)
  }

  private func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      let done = systemWrite(descriptor, rest.baseAddress, rest.count)
      if done < 0, errno == EINTR { continue }
      guard done > 0 else { throw systemFailure(path) }
      rest = .init(rebasing: rest.dropFirst(done))
    }
  }

  /// Appends everything that was written to another file.
  func append(contentsOf other: OutputFile) throws {
    try other.flush()
    var offset = 0
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while offset < other.count {
      let got = part.withUnsafeMutableBytes { pread(other.descriptor, $0.baseAddress, $0.count, off_t(offset)) }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { throw systemFailure(other.path) }
      try part.withUnsafeBytes { try write(.init(rebasing: $0[..<got])) }
      offset += got
    }
  }

  /// Removes a file, if it is there.
  static func remove(_ path: String) { unlink(path) }

  /// Moves the finished file to its place.
  func move(to place: String) throws {
    try flush()
    guard rename(path, place) == 0 else { throw systemFailure(place) }
    isMoved = true
  }
}

/// A folder for files that nobody needs later.
final class TemporaryFolder {
  let path: String

  /// - Parameter parent: where to make it; `nil` for the system's place.
  init(in parent: String? = nil) throws {
    let place = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(place)/tessera.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw systemFailure(place) }
    path = String(cString: made)
  }

  deinit {
    // Only files that were made here can be in it.
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { unlink("\(path)/\(name)") }
      }
      closedir(folder)
    }
    rmdir(path)
  }
}

private func systemFailure(_ path: String) -> TokenizerError {
  TokenizerError(.inputOutput, String(cString: strerror(errno)), in: path)
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
  read(descriptor, buffer, count)
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, buffer, count)
}
