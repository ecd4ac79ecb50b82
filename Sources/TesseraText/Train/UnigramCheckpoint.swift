/// What is kept of a Unigram training run between two turns.
///
/// The file: `tessera` and the byte 1, fingerprint of words and options, number of pieces (8 bytes each); then the number of each
/// piece among the candidates (4 bytes) and the bits of its score (8 bytes). All little-endian.
struct UnigramCheckpoint {
  var fingerprint: UInt64
  var origins: [UInt32]
  var scores: [Double]

  private static let magic = Array("tessera\u{1}".utf8)

  init(fingerprint: UInt64, origins: [UInt32], scores: [Double]) {
    self.fingerprint = fingerprint
    self.origins = origins
    self.scores = scores
  }

  /// Reads a checkpoint; `nil` when there is no file.
  ///
  /// - Throws: ``TokenizerError``: `malformed` for other files, `inconsistent` for a run with other words or options.
  init?(path: String, fingerprint: UInt64) throws {
    guard FileBytes.exists(path) else { return nil }
    let bytes = try FileBytes.read(path)
    func number(_ at: Int, _ size: Int) -> UInt64 {
      bytes[at..<at + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard bytes.count >= 24, bytes.starts(with: Self.magic) else {
      throw TokenizerError(.malformed, "no checkpoint of a Unigram training run", at: .byte(0), in: path)
    }
    let count = number(16, 8)
    guard count <= UInt64(bytes.count), 24 + 12 * count == UInt64(bytes.count) else {
      throw TokenizerError(
        .malformed, "\(count) pieces do not make \(bytes.count) bytes", at: .byte(16), in: path)
    }
    guard number(8, 8) == fingerprint else {
      throw TokenizerError(
        .inconsistent, "the checkpoint was made with other words or options; remove it to start anew", in: path)
    }
    self.fingerprint = fingerprint
    origins = (0..<Int(count)).map { UInt32(number(24 + 4 * $0, 4)) }
    scores = (0..<Int(count)).map { Double(bitPattern: number(24 + 4 * Int(count) + 8 * $0, 8)) }
    guard scores.allSatisfy(\.isFinite) else {
      throw TokenizerError(.malformed, "a score is no number", in: path)
    }
  }

  /// Writes the checkpoint beside its place and moves it there.
  func write(to path: String) throws {
    let file = try OutputFile(path + "~")
    try Self.magic.withUnsafeBytes { try file.write($0) }
    try withUnsafeBytes(of: fingerprint.littleEndian) { try file.write($0) }
    try withUnsafeBytes(of: UInt64(origins.count).littleEndian) { try file.write($0) }
    for origin in origins { try withUnsafeBytes(of: origin.littleEndian) { try file.write($0) } }
    for score in scores { try withUnsafeBytes(of: score.bitPattern.littleEndian) { try file.write($0) } }
    try file.move(to: path)
  }

  static func remove(_ path: String) { OutputFile.remove(path) }
}
