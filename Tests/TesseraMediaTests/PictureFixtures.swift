import TesseraPictures

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Pictures made on the spot.
enum PictureFixtures {
  /// Numbers that look random and are the same in every run.
  struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  /// Noise: nothing compresses it.
  static func noise(_ width: Int, _ height: Int, _ channels: Int, seed: UInt64 = 1) throws -> Picture {
    var numbers = Numbers(state: seed)
    let bytes = (0..<width * height * channels).map { _ in UInt8.random(in: 0...255, using: &numbers) }
    return try Picture(width: width, height: height, channels: channels, bytes: bytes)
  }

  /// A soft slope in every channel: what lossy formats keep well.
  static func slope(_ width: Int, _ height: Int, _ channels: Int) throws -> Picture {
    var bytes: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        for channel in 0..<channels { bytes.append(UInt8((x * 3 + y * 2 + channel * 40) % 256)) }
      }
    }
    return try Picture(width: width, height: height, channels: channels, bytes: bytes)
  }

  static func meanDifference(_ a: Picture, _ b: Picture) -> Double {
    zip(a.bytes, b.bytes).reduce(0) { $0 + abs(Double($1.0) - Double($1.1)) } / Double(a.bytes.count)
  }

  /// Runs with a folder of its own, which is gone afterwards.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    var template = Array("/tmp/tessera-pictures-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw PictureError.unwritable("/tmp", String(cString: strerror(errno))) }
    let folder = String(cString: made)
    defer {
      for name in names(folder) { unlink(folder + "/" + name) }
      rmdir(folder)
    }
    return try body(folder)
  }

  static func names(_ folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  static func writeBytes(_ bytes: [UInt8], to path: String) {
    guard let file = fopen(path, "wb") else { return }
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  static func readBytes(_ path: String) throws -> [UInt8] {
    guard let file = fopen(path, "rb") else { throw PictureError.unreadable(path, String(cString: strerror(errno))) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes[..<count])
  }

  /// The bytes with the checksums of all PNG chunks made right again.
  static func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var place = 8
    while place + 12 <= bytes.count {
      let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - place - 12 else { break }
      var crc = UInt32.max
      for byte in bytes[place + 4..<place + 8 + length] {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = crc & 1 == 1 ? 0xedb8_8320 ^ (crc >> 1) : crc >> 1 }
      }
      for i in 0..<4 { bytes[place + 8 + length + i] = UInt8(truncatingIfNeeded: ~crc >> UInt32(24 - 8 * i)) }
      place += 12 + length
    }
    return bytes
  }
}
