/// What a tokenizer file is, told from its first bytes.
enum TokenizerFormat {
  /// An object: `tokenizer.json`, a tekken file, or a `vocab.json`.
  case json
  case sentencePiece
  case gguf
  /// `vocab.txt`: one token per line.
  case wordPieces
  /// `merges.txt`: two tokens per line.
  case merges
  /// A `.tiktoken` file, whose pattern must come from elsewhere.
  case ranks
  /// The form that is mapped.
  case mapped

  /// How much of a file is looked at.
  static let headLength = 1 << 16

  /// - Parameter head: the first bytes of a file, ``headLength`` of them or all.
  init?(head: [UInt8]) {
    if head.starts(with: MappedFile.magic) {
      self = .mapped
      return
    }
    if head.starts(with: "GGUF".utf8) {
      self = .gguf
      return
    }
    // Every such model begins with a piece: field 1, wire type 2.
    if head.first == 0x0A {
      self = .sentencePiece
      return
    }
    if head.first(where: { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }) == 0x7B {
      self = .json
      return
    }
    guard !head.contains(0) else { return nil }
    if head.starts(with: "#version".utf8) {
      self = .merges
      return
    }
    // The last line may be cut off.
    let isWhole = head.count < Self.headLength
    let lines = head.split(separator: 0x0A, maxSplits: 64).dropLast(isWhole ? 0 : 1).prefix(64)
      .map { $0.last == 0x0D ? $0.dropLast() : $0 }
    guard !lines.isEmpty else { return nil }
    if lines.allSatisfy(Self.isRank) {
      self = .ranks
    } else if lines.allSatisfy({ $0.split(separator: 0x20, omittingEmptySubsequences: false).count == 2 }) {
      self = .merges
    } else if lines.allSatisfy({ !$0.contains(0x20) }) {
      self = .wordPieces
    } else {
      return nil
    }
  }

  private static func isRank(_ line: ArraySlice<UInt8>) -> Bool {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty, parts[1].allSatisfy({ $0 &- 0x30 < 10 }) else { return false }
    var bytes: [UInt8] = []
    return Array(parts[0]).withUnsafeBufferPointer { Base64.decodeUnpadded($0, into: &bytes) }
  }

  static var unknown: TokenizerError {
    TokenizerError(
      .unsupported,
      "the content is no tokenizer: expected a tokenizer.json, a SentencePiece model, a GGUF or tekken file, "
        + "a vocab.json with its merges.txt, or a vocab.txt",
      at: .byte(0))
  }
}

/// Where the files of one tokenizer lie.
struct TokenizerFiles {
  /// The file that was meant, or was found in the folder that was meant.
  var main: String

  /// The names looked for in a folder, the first of which is taken.
  private static let names = [
    "tokenizer.json", "tokenizer.model", "*.model", "tekken.json", "vocab.json", "vocab.txt", "*.gguf",
  ]

  init(_ path: String) throws {
    guard FileBytes.isDirectory(path) else {
      main = path
      return
    }
    let present = FileBytes.names(in: path)
    for name in Self.names {
      let found = present.first { $0 == name || name.hasPrefix("*") && $0.hasSuffix(name.dropFirst()) }
      guard let found, name != "vocab.json" || present.contains("merges.txt") else { continue }
      main = FileBytes.join(path, found)
      return
    }
    let ranks = present.first { $0.hasSuffix(".tiktoken") }
    throw TokenizerError(
      .inputOutput,
      "the folder holds no tokenizer: expected tokenizer.json, tokenizer.model, tekken.json, vocab.json with merges.txt, "
        + "or vocab.txt" + (ranks.map { "; for \($0) name the file and its encoding" } ?? ""),
      in: path)
  }

  /// The file that belongs to the main one: `merges.txt` to `vocab.json`, `x-merges.txt` to `x-vocab.json`, and the other way.
  func sibling(replacing ending: String, with other: String) throws -> String {
    let (folder, name) = FileBytes.parts(of: main)
    var candidates = [other]
    if name.hasSuffix(ending) { candidates.insert(name.dropLast(ending.count) + other, at: 0) }
    let paths = candidates.map { FileBytes.join(folder, String($0)) }
    guard let path = paths.first(where: FileBytes.exists) else {
      throw TokenizerError(.inputOutput, "needs \(paths[0]) beside it, which is not there", in: main)
    }
    return path
  }
}
