/// A SentencePiece model file: pieces with scores and types, and how text is normalized.
///
///     let model = try SentencePieceModel(bytes: file)
///     model.pieces[5].text                      // "▁the"
///     model.trainer.kind                        // .bpe
///     model.serialized() == file                // fields that are not known here are kept
///
/// The file is a Protocol Buffers message. Missing fields have the defaults of `sentencepiece_model.proto` (release 0.2.3), and an
/// enumeration value that the schema does not have counts as a missing field.
public struct SentencePieceModel: Sendable, Equatable {
  /// One entry of the vocabulary.
  public struct Piece: Sendable, Equatable {
    /// What a piece is for.
    public enum Kind: Int32, Sendable {
      /// An ordinary piece of text.
      case normal = 1
      /// What stands for text outside the vocabulary.
      case unknown = 2
      /// A mark such as `</s>` that never stands for text.
      case control = 3
      /// A text that is always one piece.
      case userDefined = 4
      /// A piece that is never given out.
      case unused = 5
      /// One byte, written `<0x41>`, for text outside the vocabulary.
      case byte = 6
    }

    /// The bytes of the text, with U+2581 for a space.
    public var bytes: [UInt8]
    /// The score as it stands in the file; a missing one counts as zero.
    public var storedScore: Float?
    /// The kind as it stands in the file; a missing one counts as normal.
    public var storedKind: Kind?
    var unknownFields: ProtobufMessage?

    /// Makes a piece.
    public init(_ text: String, score: Float = 0, kind: Kind = .normal) {
      bytes = Array(text.utf8)
      storedScore = score
      storedKind = kind == .normal ? nil : kind
    }

    /// The text; bytes that are no UTF-8 show as U+FFFD.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
    /// The log probability, or the rank of a merge, negated.
    public var score: Float { storedScore ?? 0 }
    /// What the piece is for.
    public var kind: Kind { storedKind ?? .normal }

    init(reading reader: inout ProtobufReader) throws(TokenizerError) {
      bytes = []
      while !reader.isAtEnd {
        let (number, wireType) = try reader.readTag()
        switch (number, wireType) {
        case (1, 2): bytes = try reader.readBytes()
        case (2, 5): storedScore = Float(bitPattern: try reader.readFixed32())
        default:
          let value = try reader.readValue(of: number, wireType: wireType)
          if number == 3, case .varint(let raw) = value, let kind = Kind(rawValue: Int32(truncatingIfNeeded: raw)) {
            storedKind = kind
          } else {
            var unknown = unknownFields ?? ProtobufMessage()
            unknown.fields.append(ProtobufMessage.Field(number: number, value: value))
            unknownFields = unknown
          }
        }
      }
    }

    func write(to writer: inout ProtobufWriter) {
      var body = ProtobufWriter()
      body.writeBytes(1, bytes)
      if let storedScore {
        body.writeTag(2, wireType: 5)
        body.writeFixed32(storedScore.bitPattern)
      }
      if let storedKind {
        body.writeTag(3, wireType: 0)
        body.writeVarint(UInt64(storedKind.rawValue))
      }
      for field in unknownFields?.fields ?? [] { body.write(field) }
      writer.writeBytes(1, body.bytes)
    }
  }

  /// The vocabulary; the index is the token's id.
  public var pieces: [Piece] = []
  /// How the model was trained, and what kind it is.
  public var trainer = SentencePieceTrainerSpec()
  /// How text is changed before it is cut.
  public var normalizer = SentencePieceNormalizerSpec()
  /// How decoded text is changed, if at all.
  public var denormalizer: SentencePieceNormalizerSpec?
  private var hasTrainer = false
  private var hasNormalizer = false
  private var otherFields = ProtobufMessage()

  /// Makes a model without pieces.
  public init() {}

  /// Reads a model file.
  ///
  /// - Throws: ``TokenizerError`` of kind `malformed` that names the byte.
  /// - Complexity: O(bytes).
  public init(bytes: [UInt8]) throws {
    try bytes.withUnsafeBufferPointer { buffer in
      var reader = ProtobufReader(buffer)
      try read(&reader)
    }
  }

  private mutating func read(_ reader: inout ProtobufReader) throws(TokenizerError) {
    while !reader.isAtEnd {
      let (number, wireType) = try reader.readTag()
      switch (number, wireType) {
      case (1, 2):
        var inner = try reader.readMessage()
        pieces.append(try Piece(reading: &inner))
      case (2, 2):
        var inner = try reader.readMessage()
        try trainer.message.merge(&inner)
        hasTrainer = true
      case (3, 2):
        var inner = try reader.readMessage()
        try normalizer.message.merge(&inner)
        hasNormalizer = true
      case (5, 2):
        var inner = try reader.readMessage()
        var spec = denormalizer ?? SentencePieceNormalizerSpec()
        try spec.message.merge(&inner)
        denormalizer = spec
      default:
        let value = try reader.readValue(of: number, wireType: wireType)
        otherFields.fields.append(ProtobufMessage.Field(number: number, value: value))
      }
    }
  }

  /// The model as the bytes of a file; equal to the bytes read, where those had their fields in the order of the schema.
  ///
  /// - Complexity: O(bytes).
  public func serialized() -> [UInt8] {
    var writer = ProtobufWriter()
    for piece in pieces { piece.write(to: &writer) }
    if hasTrainer || !trainer.message.fields.isEmpty { writer.writeBytes(2, trainer.message.serialized()) }
    if hasNormalizer || !normalizer.message.fields.isEmpty { writer.writeBytes(3, normalizer.message.serialized()) }
    for field in otherFields.fields where field.number < 5 { writer.write(field) }
    if let denormalizer { writer.writeBytes(5, denormalizer.message.serialized()) }
    for field in otherFields.fields where field.number >= 5 { writer.write(field) }
    return writer.bytes
  }

  /// The pairs of text and expected pieces that older trainers stored to test a model with.
  ///
  /// - Throws: ``TokenizerError`` of kind `malformed`, because these are only read here.
  public func selfTestSamples() throws -> [(input: String, expected: String)] {
    var samples: [(input: String, expected: String)] = []
    for data in otherFields.allBytes(4) {
      let test = try Self.message(data)
      for sample in test.allBytes(1) {
        let fields = try Self.message(sample)
        samples.append(
          (
            String(decoding: fields.bytes(1) ?? [], as: UTF8.self),
            String(decoding: fields.bytes(2) ?? [], as: UTF8.self)
          ))
      }
    }
    return samples
  }

  private static func message(_ bytes: [UInt8]) throws -> ProtobufMessage {
    try bytes.withUnsafeBufferPointer { buffer in
      var reader = ProtobufReader(buffer)
      return try ProtobufMessage(reading: &reader)
    }
  }
}
