/// The part of a SentencePiece model that says how it was trained and what kind it is.
///
/// Fields without a property here are kept and written back.
public struct SentencePieceTrainerSpec: Sendable, Equatable {
  /// The way a model cuts text.
  public enum Kind: Int32, Sendable {
    /// The most probable sequence of pieces.
    case unigram = 1
    /// Merging of neighbours in the order of scores.
    case bpe = 2
    /// Whole words.
    case word = 3
    /// Single characters.
    case character = 4
  }

  var message = ProtobufMessage()

  /// Makes a specification in which every field has its default.
  public init() {}

  /// How text is cut.
  public var kind: Kind {
    get {
      let raw = message.varint(3) { Kind(rawValue: Int32(truncatingIfNeeded: $0)) != nil }
      return raw.flatMap { Kind(rawValue: Int32(truncatingIfNeeded: $0)) } ?? .unigram
    }
    set { message.set(3, .varint(UInt64(newValue.rawValue))) }
  }

  /// Whether the mark of a space belongs to the end of a word and not to its beginning.
  public var treatsWhitespaceAsSuffix: Bool {
    get { flag(24, default: false) }
    set { message.set(24, .varint(newValue ? 1 : 0)) }
  }

  /// Whether unknown text is written as byte pieces.
  public var usesByteFallback: Bool {
    get { flag(35, default: false) }
    set { message.set(35, .varint(newValue ? 1 : 0)) }
  }

  /// The texts given as control symbols to the trainer.
  public var controlSymbols: [String] { texts(30) }
  /// The texts given as user-defined symbols to the trainer.
  public var userDefinedSymbols: [String] { texts(31) }
  /// The number of pieces asked for.
  public var vocabularySize: Int { Int(Int32(truncatingIfNeeded: message.varint(4) ?? 8000)) }

  /// What an unknown token is decoded to.
  public var unknownSurface: [UInt8] {
    get { message.bytes(44) ?? Array(" \u{2047} ".utf8) }
    set { message.set(44, .bytes(newValue)) }
  }

  /// The piece that stands for unknown text. An empty one counts as missing.
  public var unknownPiece: [UInt8] {
    get { specialPiece(45, default: "<unk>") }
    set { message.set(45, .bytes(newValue)) }
  }
  /// The piece that begins a text.
  public var beginPiece: [UInt8] {
    get { specialPiece(46, default: "<s>") }
    set { message.set(46, .bytes(newValue)) }
  }
  /// The piece that ends a text.
  public var endPiece: [UInt8] {
    get { specialPiece(47, default: "</s>") }
    set { message.set(47, .bytes(newValue)) }
  }
  /// The piece that fills a batch.
  public var paddingPiece: [UInt8] {
    get { specialPiece(48, default: "<pad>") }
    set { message.set(48, .bytes(newValue)) }
  }

  private func flag(_ number: Int, default value: Bool) -> Bool { message.varint(number).map { $0 != 0 } ?? value }

  private func texts(_ number: Int) -> [String] {
    message.allBytes(number).map { String(decoding: $0, as: UTF8.self) }
  }

  private func specialPiece(_ number: Int, default text: String) -> [UInt8] {
    guard let bytes = message.bytes(number), !bytes.isEmpty else { return Array(text.utf8) }
    return bytes
  }
}

/// The part of a SentencePiece model that says how text is changed before it is cut, or after it is decoded.
public struct SentencePieceNormalizerSpec: Sendable, Equatable {
  var message = ProtobufMessage()

  /// Makes a specification in which every field has its default.
  public init() {}

  /// The name of the rule, such as `nmt_nfkc`.
  public var name: String {
    get { String(decoding: message.bytes(1) ?? [], as: UTF8.self) }
    set { message.set(1, .bytes(Array(newValue.utf8))) }
  }
  /// The compiled replacements: a double-array trie and a pool of texts. Empty for none.
  public var precompiledCharsMap: [UInt8] {
    get { message.bytes(2) ?? [] }
    set { message.set(2, .bytes(newValue)) }
  }
  /// Whether a text gets a space mark in front (or behind).
  public var addsDummyPrefix: Bool {
    get { flag(3) }
    set { message.set(3, .varint(newValue ? 1 : 0)) }
  }
  /// Whether spaces are trimmed at both ends and runs of them folded.
  public var removesExtraWhitespaces: Bool {
    get { flag(4) }
    set { message.set(4, .varint(newValue ? 1 : 0)) }
  }
  /// Whether a space is written as U+2581.
  public var escapesWhitespaces: Bool {
    get { flag(5) }
    set { message.set(5, .varint(newValue ? 1 : 0)) }
  }
  /// The rules the trainer compiled, when they came as a table.
  public var ruleTable: [UInt8] {
    get { message.bytes(6) ?? [] }
    set { message.set(6, .bytes(newValue)) }
  }

  private func flag(_ number: Int) -> Bool { message.varint(number).map { $0 != 0 } ?? true }
}
