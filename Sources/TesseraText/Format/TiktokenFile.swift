/// The `.tiktoken` format: one token per line, base64, a space, the rank in decimal.
///
/// Lines end with LF or CR LF; empty lines are passed over. Pattern and special tokens stand outside the file: ``NamedEncoding``.
///
/// Source: `load_tiktoken_bpe` of tiktoken 0.14.
public enum TiktokenFile {
  /// Reads the tokens of a file.
  ///
  /// - Throws: ``TokenizerError`` naming the line that is not a token and a rank, or repeats one.
  /// - Complexity: O(n).
  public static func read(_ file: [UInt8]) throws -> RankVocabulary {
    // A line with a token takes at least eight bytes in real files.
    var tokens = ByteStringTable(capacity: file.count / 8)
    var ranks: [UInt32] = []
    var lines: [UInt32] = []
    var token: [UInt8] = []
    try file.withUnsafeBufferPointer { file in
      try file.forEachLine { line, number in
        guard !line.isEmpty else { return }
        ranks.append(try parse(line, number, into: &token))
        lines.append(UInt32(truncatingIfNeeded: number))
        guard tokens.insert(token).isNew else {
          throw TokenizerError(.inconsistent, "the token occurs a second time", at: .line(number))
        }
      }
    }
    guard !ranks.isEmpty else {
      throw TokenizerError(.malformed, "the file holds no token; expected lines of base64 and rank")
    }
    return try RankVocabulary(tokens: tokens, ranks: ranks) { .line(Int(lines[$0])) }
  }

  private static func parse(_ line: UnsafeBufferPointer<UInt8>, _ number: Int, into token: inout [UInt8]) throws
    -> UInt32
  {
    guard let space = line.firstIndex(of: 0x20) else {
      throw TokenizerError(.malformed, "expected a token in base64, a space and its rank", at: .line(number))
    }
    token.removeAll(keepingCapacity: true)
    guard space > 0, Base64.decodeUnpadded(UnsafeBufferPointer(rebasing: line[..<space]), into: &token) else {
      throw TokenizerError(.malformed, "the token is not base64", at: .line(number))
    }
    var rank: UInt32 = 0
    let digits = line[(space + 1)...]
    for digit in digits {
      guard digit &- 0x30 < 10, rank < 200_000_000 else {
        throw TokenizerError(.malformed, "the rank must be a decimal number below 2,000,000,000", at: .line(number))
      }
      rank = rank * 10 + UInt32(digit - 0x30)
    }
    guard !digits.isEmpty else { throw TokenizerError(.malformed, "the rank is missing", at: .line(number)) }
    return rank
  }

  /// Writes a vocabulary, one line per token in the order of the ranks.
  public static func write(_ vocabulary: RankVocabulary) -> [UInt8] {
    var file: [UInt8] = []
    file.reserveCapacity(vocabulary.bytes.count * 2 + vocabulary.count * 8)
    for index in 0..<vocabulary.count {
      let token = vocabulary.token(index)
      // As in Whisper's multilingual file, padding alone is the empty token.
      if token.isEmpty { file.append(0x3D) } else { Base64.append(token, to: &file) }
      file.append(0x20)
      file.append(contentsOf: String(vocabulary.ranks[index]).utf8)
      file.append(0x0A)
    }
    return file
  }
}
