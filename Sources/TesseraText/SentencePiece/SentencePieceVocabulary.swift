/// The pieces of a model as flat tables, checked by the rules with which the library loads a model.
struct SentencePieceVocabulary: Sendable {
  static let spaceMark: [UInt8] = [0xE2, 0x96, 0x81]
  /// The library refuses pieces of this many bytes and more.
  private static let maximumPieceLength = 8000

  let kinds: [SentencePieceModel.Piece.Kind]
  let scores: [Float]
  let pieces: [[UInt8]]
  /// The id of the piece of kind unknown, or -1.
  let unknownID: Int32
  /// The ids of the byte pieces; empty without byte fallback.
  let byteIDs: [Int32]
  /// The pieces that can be matched in text, which for byte pair encoding are all.
  let trie: PieceTrie
  /// The user-defined symbols, if there are any.
  let userDefined: PieceTrie?
  /// Whether a piece has a space mark behind something that is none, so that words cannot be cut on their own. A symbol that is
  /// no UTF-8 counts too, because the mark behind it can then be taken for the rest of a character.
  let hasMarkInsidePiece: Bool
  let hasUnusedPiece: Bool

  init(_ model: SentencePieceModel) throws(TokenizerError) {
    let fallback = model.trainer.usesByteFallback
    pieces = model.pieces.map(\.bytes)
    scores = model.pieces.map(\.score)
    // A raw zero byte beside byte pieces comes from faulty converters; the library takes it out of use.
    kinds = model.pieces.map { fallback && $0.bytes == [0] ? .unused : $0.kind }
    try Self.check(pieces, kinds)
    unknownID = try Self.findUnknown(kinds, fallback: fallback)
    byteIDs = try Self.findBytes(pieces, kinds, fallback: fallback)
    let reservesOwnTable = model.trainer.kind != .bpe
    var matchable: [(bytes: [UInt8], value: Int32)] = []
    var reserved: [(bytes: [UInt8], value: Int32)] = []
    var symbols: [(bytes: [UInt8], value: Int32)] = []
    for (id, piece) in pieces.enumerated() where piece != [0] {
      let entry = (bytes: piece, value: Int32(id))
      if reservesOwnTable, Self.isReserved(kinds[id]) { reserved.append(entry) } else { matchable.append(entry) }
      if kinds[id] == .userDefined { symbols.append(entry) }
    }
    trie = PieceTrie(matchable)
    try Self.checkUnique(matchable, trie)
    try Self.checkUnique(reserved, PieceTrie(reserved))
    userDefined = symbols.isEmpty ? nil : PieceTrie(symbols)
    hasUnusedPiece = kinds.contains(.unused)
    hasMarkInsidePiece = zip(pieces, kinds).contains { piece, kind in
      !Self.isReserved(kind) && (Self.hasMarkInside(piece) || kind == .userDefined && !Self.isWellFormed(piece))
    }
  }

  /// Control, unknown and byte pieces, which never come out of merging or matching.
  static func isReserved(_ kind: SentencePieceModel.Piece.Kind) -> Bool {
    switch kind {
    case .normal, .userDefined, .unused: false
    case .unknown, .control, .byte: true
    }
  }

  /// The id the library gives to a piece's text: control, unknown and byte pieces come first.
  func id(of piece: [UInt8]) -> Int32? {
    var ordinary: Int32?
    for (id, candidate) in pieces.enumerated() where candidate == piece {
      if Self.isReserved(kinds[id]) { return Int32(id) }
      ordinary = ordinary ?? Int32(id)
    }
    return ordinary
  }

  private static func check(
    _ pieces: [[UInt8]], _ kinds: [SentencePieceModel.Piece.Kind]
  ) throws(TokenizerError) {
    for (id, piece) in pieces.enumerated() {
      let place = TokenizerError.Place.key("pieces[\(id)]")
      if piece.isEmpty { throw TokenizerError(.inconsistent, "an empty piece", at: place) }
      if piece.count >= maximumPieceLength {
        throw TokenizerError(.inconsistent, "a piece of \(piece.count) bytes; 7999 are allowed", at: place)
      }
      if piece == [0], kinds[id] == .unused { continue }
      if piece.contains(0) { throw TokenizerError(.inconsistent, "a piece with a zero byte", at: place) }
    }
  }

  private static func findUnknown(
    _ kinds: [SentencePieceModel.Piece.Kind], fallback: Bool
  ) throws(TokenizerError) -> Int32 {
    let all = kinds.indices.filter { kinds[$0] == .unknown }
    if all.count > 1 {
      throw TokenizerError(.inconsistent, "a second piece of kind unknown", at: .key("pieces[\(all[1])]"))
    }
    guard let id = all.first else {
      if fallback { return -1 }
      throw TokenizerError(.inconsistent, "no piece of kind unknown, and no byte fallback", at: .key("pieces"))
    }
    return Int32(id)
  }

  private static func findBytes(
    _ pieces: [[UInt8]], _ kinds: [SentencePieceModel.Piece.Kind], fallback: Bool
  ) throws(TokenizerError) -> [Int32] {
    var ids = [Int32](repeating: -1, count: 256)
    for (id, kind) in kinds.enumerated() where kind == .byte {
      let place = TokenizerError.Place.key("pieces[\(id)]")
      guard fallback else { throw TokenizerError(.inconsistent, "a byte piece without byte fallback", at: place) }
      guard let byte = byte(of: pieces[id]) else {
        throw TokenizerError(.inconsistent, "a byte piece that is not written like <0x0A>", at: place)
      }
      ids[Int(byte)] = Int32(id)
    }
    guard fallback else { return [] }
    if let missing = ids.firstIndex(of: -1) {
      throw TokenizerError(.inconsistent, "byte fallback without a piece for byte \(missing)", at: .key("pieces"))
    }
    return ids
  }

  /// The byte a text such as `<0x0A>` stands for.
  static func byte(of piece: [UInt8]) -> UInt8? {
    guard piece.count == 6, piece[0] == 0x3C, piece[1] == 0x30, piece[2] == 0x78, piece[5] == 0x3E,
      let high = digit(piece[3]), let low = digit(piece[4])
    else { return nil }
    return high << 4 | low
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    default: nil
    }
  }

  private static func checkUnique(
    _ entries: [(bytes: [UInt8], value: Int32)], _ trie: PieceTrie
  ) throws(TokenizerError) {
    for entry in entries where trie.value(of: entry.bytes) != entry.value {
      throw TokenizerError(.inconsistent, "a piece that is there already", at: .key("pieces[\(entry.value)]"))
    }
  }

  private static func hasMarkInside(_ piece: [UInt8]) -> Bool {
    var index = 0
    while starts(piece, at: index) { index += 3 }
    while index < piece.count {
      if starts(piece, at: index) { return true }
      index += 1
    }
    return false
  }

  private static func isWellFormed(_ piece: [UInt8]) -> Bool { String(validating: piece, as: UTF8.self) != nil }

  private static func starts(_ piece: [UInt8], at index: Int) -> Bool {
    index + 3 <= piece.count && piece[index] == 0xE2 && piece[index + 1] == 0x96 && piece[index + 2] == 0x81
  }
}
