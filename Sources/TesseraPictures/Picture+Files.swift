#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A form in which pictures are stored.
public enum PictureFormat: Sendable, Hashable, CaseIterable {
  /// Portable Network Graphics: exact, grey, RGB and RGBA.
  case png
  /// JPEG: lossy, grey and RGB.
  case jpeg
  /// WebP: exact or lossy, RGB and RGBA.
  case webp

  /// The format that bytes begin like, or nil.
  public init?(recognizing bytes: some Collection<UInt8>) {
    let head = Array(bytes.prefix(12))
    if head.starts(with: PNGFile.signature) {
      self = .png
    } else if head.starts(with: [0xff, 0xd8, 0xff]) {
      self = .jpeg
    } else if head.count == 12, head.starts(with: "RIFF".utf8), head[8...].elementsEqual("WEBP".utf8) {
      self = .webp
    } else {
      return nil
    }
  }

  /// The format of a file name: `.png`, `.jpg`, `.jpeg` or `.webp` in any case.
  public init?(path: String) {
    guard let dot = path.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    switch String(path[path.utf8.index(after: dot)...]).lowercased() {
    case "png": self = .png
    case "jpg", "jpeg": self = .jpeg
    case "webp": self = .webp
    default: return nil
    }
  }
}

extension Picture {
  /// The largest file that is read, in bytes.
  public static let fileLimit = 1 << 28

  /// Reads a PNG, JPEG or WebP file; which one is found out by its content.
  ///
  /// Sixteen bits a sample become eight; a palette becomes colours; grey with alpha becomes RGBA. A JPEG file's note about how the
  /// camera was held is not followed. Files with more than `limit` pixels are refused before anything is allocated for them.
  /// - Throws: `PictureError` with the file, what is wrong and, where it is known, at which byte.
  public init(contentsOf path: String, limit: Int = Picture.pixelLimit) throws {
    try self.init(reading: try Picture.read(path), name: path, limit: limit)
  }

  /// Reads the bytes of a PNG, JPEG or WebP file.
  /// - Parameter name: what errors call the source.
  /// - Throws: `PictureError`
  public init(reading bytes: [UInt8], name: String = "the picture", limit: Int = Picture.pixelLimit) throws {
    switch PictureFormat(recognizing: bytes) {
    case .png: self = try PNGFile.decode(bytes, name, limit)
    case .jpeg: self = try JPEGFile.decode(bytes, name, limit)
    case .webp: self = try WebPFile.decode(bytes, name, limit)
    case nil: throw PictureError.unknownFormat(name)
    }
  }

  /// The picture as a file. The same picture always gives the same bytes with one version of the format's library.
  /// - Parameter quality: 1...100, for JPEG (90 unless given) and lossy WebP; WebP without it is exact.
  /// - Throws: `PictureError.unsupported` if the format cannot hold the picture, `PictureError.invalid` for another quality.
  public func encoded(as format: PictureFormat, quality: Int? = nil) throws -> [UInt8] {
    if let quality, !(1...100).contains(quality) { throw PictureError.invalid("a quality is 1...100, not \(quality)") }
    switch format {
    case .png: return try PNGFile.encode(self)
    case .jpeg: return try JPEGFile.encode(self, quality: quality ?? 90)
    case .webp: return try WebPFile.encode(self, quality: quality)
    }
  }

  /// Writes the picture in the format that the path's ending names. The file is written beside its place and then renamed, so that
  /// nothing half written is ever found under its name.
  /// - Throws: `PictureError`
  public func write(to path: String, quality: Int? = nil) throws {
    guard let format = PictureFormat(path: path) else {
      throw PictureError.unsupported(path, "the name must end in .png, .jpg, .jpeg or .webp")
    }
    try Picture.write(try encoded(as: format, quality: quality), to: path)
  }

  private static func read(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw PictureError.unreadable(path, reason(errno)) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&block, 1, block.count, file)
      bytes.append(contentsOf: block[..<count])
      if bytes.count > fileLimit { throw PictureError.unreadable(path, "the file has more than \(fileLimit) bytes") }
      if count < block.count { break }
    }
    guard ferror(file) == 0 else { throw PictureError.unreadable(path, reason(errno)) }
    return bytes
  }

  private static func write(_ bytes: [UInt8], to path: String) throws {
    let part = "\(path).part-\(getpid())"
    guard let file = fopen(part, "wb") else { throw PictureError.unwritable(path, reason(errno)) }
    let written = fwrite(bytes, 1, bytes.count, file) == bytes.count && fflush(file) == 0 && fsync(fileno(file)) == 0
    let failure = errno
    guard fclose(file) == 0, written, rename(part, path) == 0 else {
      let text = reason(written ? errno : failure)
      unlink(part)
      throw PictureError.unwritable(path, text)
    }
  }

  private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
