import CSndFile

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

extension Sound {
  /// Reads a WAV, FLAC, Ogg Vorbis or MP3 file, told apart by content.
  ///
  /// Limits are checked before memory is taken, and again while a stream of unknown length is decoded. A file that ends before what its
  /// header promises is refused; MP3 has no such promise, so a cut one is only shorter.
  ///
  /// - Throws: `SoundError`, naming the path.
  public init(contentsOf path: String, limits: Limits = Limits()) throws {
    try self.init(bytes: SoundFile.read(path, limit: limits.bytes), name: path, limits: limits)
  }

  /// Reads the bytes of such a file.
  /// - Parameter name: what errors call it
  /// - Throws: `SoundError`
  public init(bytes: [UInt8], name: String = "sound", limits: Limits = Limits()) throws {
    guard bytes.count <= limits.bytes else {
      throw SoundError.tooLarge(name, "bytes", count: bytes.count, limit: limits.bytes)
    }
    guard let container = SoundContainer(bytes) else {
      throw SoundError.unsupported(name, bytes.isEmpty ? "it is empty" : "it is no WAV, FLAC, Ogg Vorbis or MP3 file")
    }
    try container.check(bytes, name)
    var info = SF_INFO()
    let read = try MemoryFile(bytes).open(SFM_READ, &info) { file, info in
      try Self.samples(of: file, info, container, name, limits)
    }
    guard let read else {
      throw SoundError.malformed(name, Self.complaint(nil))
    }
    try self.init(read, channels: Int(info.channels), sampleRate: Int(info.samplerate), name: name)
  }

  private static func complaint(_ file: OpaquePointer?) -> String {
    sf_strerror(file).map { String(cString: $0) } ?? "it cannot be decoded"
  }

  /// Decodes piece by piece: what a header says of the length is checked, never believed.
  private static func samples(
    of file: OpaquePointer, _ info: SF_INFO, _ container: SoundContainer, _ name: String, _ limits: Limits
  ) throws -> [Float] {
    let channels = Int(info.channels)
    guard channelCounts.contains(channels) else {
      throw SoundError.malformed(name, "\(channels) channels are not between 1 and 64")
    }
    guard rates.contains(Int(info.samplerate)) else {
      throw SoundError.malformed(name, "a rate of \(info.samplerate) Hz is not between 1 and 768000")
    }
    let promised = Int(clamping: info.frames)
    // An unknown length is given as the largest number there is.
    let isKnown = promised >= 0 && promised < .max / 64
    guard !isKnown || promised <= limits.samples / channels else {
      throw SoundError.tooLarge(name, "samples", count: promised * channels, limit: limits.samples)
    }
    var samples: [Float] = []
    let piece = 65_536
    var buffer = [Float](repeating: 0, count: piece * channels)
    while true {
      let count = Int(sf_readf_float(file, &buffer, sf_count_t(piece)))
      guard count > 0 else { break }
      guard samples.count + count * channels <= limits.samples else {
        throw SoundError.tooLarge(
          name, "samples or more", count: samples.count + count * channels, limit: limits.samples)
      }
      samples += buffer[..<(count * channels)]
    }
    guard sf_error(file) == SF_ERR_NO_ERROR else { throw SoundError.malformed(name, complaint(file)) }
    if container == .flac, isKnown, samples.count < promised * channels {
      throw SoundError.truncated(name, expected: promised, found: samples.count / channels)
    }
    return samples
  }
}

/// Whole files, read within a limit and written beside their place first.
enum SoundFile {
  private static var reason: String { String(cString: strerror(errno)) }

  static func read(_ path: String, limit: Int) throws -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw SoundError.unreadable(path, reason) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw SoundError.unreadable(path, reason) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SoundError.unreadable(path, "it is no regular file") }
    let count = Int(status.st_size)
    guard count <= limit else { throw SoundError.tooLarge(path, "bytes", count: count, limit: limit) }
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        #if canImport(Darwin)
          let got = Darwin.read(file, buffer.baseAddress! + filled, count - filled)
        #elseif canImport(Musl)
          let got = Musl.read(file, buffer.baseAddress! + filled, count - filled)
        #else
          let got = Glibc.read(file, buffer.baseAddress! + filled, count - filled)
        #endif
        if got < 0, errno == EINTR { continue }
        if got < 0 { failure = reason }
        if got <= 0 { break }
        filled += got
      }
    }
    if let failure { throw SoundError.unreadable(path, failure) }
    return bytes
  }

  /// Writes beside the place, then renames: nobody sees half a file, and a failure leaves what was there.
  static func write(_ bytes: [UInt8], to path: String) throws {
    var template = Array((path + ".XXXXXX").utf8CString)
    let file = mkstemp(&template)
    let beside = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    guard file >= 0 else { throw SoundError.unreadable(path, "it cannot be written: \(reason)") }
    func fail() -> SoundError {
      let error = SoundError.unreadable(path, "it cannot be written: \(reason)")
      unlink(beside)
      return error
    }
    var place = 0
    while place < bytes.count {
      let put = bytes[place...].withUnsafeBytes { buffer in
        #if canImport(Darwin)
          Darwin.write(file, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
          Musl.write(file, buffer.baseAddress, buffer.count)
        #else
          Glibc.write(file, buffer.baseAddress, buffer.count)
        #endif
      }
      if put < 0, errno == EINTR { continue }
      guard put > 0 else {
        let error = fail()
        close(file)
        throw error
      }
      place += put
    }
    // `mkstemp` makes files for the owner alone; others get what the user's mask leaves of the usual rights.
    let mask = umask(0)
    umask(mask)
    fchmod(file, 0o666 & ~mask)
    guard close(file) == 0, rename(beside, path) == 0 else { throw fail() }
  }
}
