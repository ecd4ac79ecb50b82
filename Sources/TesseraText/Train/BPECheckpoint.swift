/// The merges of a training run, kept in a file while it runs.
///
/// Going on means going through the merges again, which takes a fraction of the time of counting words, and being sure that they
/// are the same. The file: `tessera` and the byte 2, fingerprint of words and options, number of merges (8 bytes each); then left
/// and right token of each merge (4 bytes each). All little-endian.
struct BPECheckpoint {
  private static let magic = Array("tessera\u{2}".utf8)
  /// Merges between two savings at least; the file is rewritten when it would double.
  private static let step = 1 << 12

  private let path: String
  private let fingerprint: UInt64
  private var known: [UInt64] = []
  private var nextSaving: Int

  /// - Throws: ``TokenizerError`` for a file that is none, or of another run.
  init(_ path: String, fingerprint: UInt64) throws {
    self.path = path
    self.fingerprint = fingerprint
    nextSaving = Self.step
    guard FileBytes.exists(path) else { return }
    let bytes = try FileBytes.read(path)
    func number(_ at: Int, _ size: Int) -> UInt64 {
      bytes[at..<at + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard bytes.count >= 24, bytes.starts(with: Self.magic), number(16, 8) <= UInt64(bytes.count / 8),
      24 + 8 * number(16, 8) == UInt64(bytes.count)
    else { throw TokenizerError(.malformed, "no checkpoint of a BPE training run", at: .byte(0), in: path) }
    guard number(8, 8) == fingerprint else {
      throw TokenizerError(
        .inconsistent, "the checkpoint was made with other words or options; remove it to start anew", in: path)
    }
    known = (0..<Int(number(16, 8))).map {
      PairCounts.key(UInt32(number(24 + 8 * $0, 4)), UInt32(number(28 + 8 * $0, 4)))
    }
    nextSaving = max(Self.step, 2 * known.count)
  }

  /// Takes note of one more merge.
  mutating func note(_ merges: [TrainedBPE.Merge]) throws {
    if merges.count <= known.count, let last = merges.last,
      known[merges.count - 1] != PairCounts.key(last.left, last.right)
    {
      throw TokenizerError(.inconsistent, "merge \(merges.count - 1) is another one than in this run", in: path)
    }
    guard merges.count >= nextSaving else { return }
    nextSaving = 2 * merges.count
    let file = try OutputFile(path + "~")
    try Self.magic.withUnsafeBytes { try file.write($0) }
    try withUnsafeBytes(of: fingerprint.littleEndian) { try file.write($0) }
    try withUnsafeBytes(of: UInt64(merges.count).littleEndian) { try file.write($0) }
    for merge in merges {
      try withUnsafeBytes(of: (merge.left.littleEndian, merge.right.littleEndian)) { try file.write($0) }
    }
    try file.move(to: path)
  }

  /// Removes the file of a finished run.
  func remove() { OutputFile.remove(path) }
}
