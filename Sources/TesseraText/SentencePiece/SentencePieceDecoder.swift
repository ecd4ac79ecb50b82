extension SentencePieceEncoder {
  /// The text of some ids, as the library writes it.
  ///
  /// Marks become spaces, the dummy space in front is dropped, control symbols give nothing, unknown ids the model's unknown surface,
  /// and byte pieces their characters, with U+FFFD for each byte that is part of none.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` for an id that is not in the model.
  /// - Complexity: O(length of the output).
  public func decode(_ ids: some Sequence<UInt32>) throws -> [UInt8] {
    var text = SentencePieceText(self)
    for (index, id) in ids.enumerated() {
      guard id < UInt32(count) else {
        throw TokenizerError(
          .invalidRequest, "id \(id) in a vocabulary of \(count) pieces", at: .key("ids[\(index)]"))
      }
      text.append(id)
    }
    text.finish()
    guard let denormalizer else { return text.bytes }
    return text.bytes.withUnsafeBufferPointer { denormalizer.normalize($0, withOrigins: false).bytes }
  }
}

/// The text of pieces as they come in. Who takes bytes out of it in between gets, joined, the same text.
struct SentencePieceText: Sendable {
  /// The text so far, but for bytes that may become part of a character.
  var bytes: [UInt8] = []
  private let encoder: SentencePieceEncoder
  private let dropsSpace: Bool
  /// Byte pieces whose character may not be complete.
  private var pending: [UInt8] = []
  private var isEmpty = true
  private var isAtStart = true

  init(_ encoder: SentencePieceEncoder) {
    self.encoder = encoder
    dropsSpace = encoder.normalizer.addsDummyPrefix || encoder.normalizer.removesExtraWhitespaces
  }

  /// Takes the next piece, which must be in the model.
  mutating func append(_ id: UInt32) {
    let piece = encoder.vocabulary.pieces[Int(id)]
    let kind = encoder.vocabulary.kinds[Int(id)]
    if kind == .byte {
      if let byte = SentencePieceVocabulary.byte(of: piece) { pending.append(byte) }
      return flush(keeping: 3)
    }
    flush(keeping: 0)
    if !isEmpty { isAtStart = false }
    if kind == .control { return }
    var rest = piece[...]
    var droppedSpace = false
    if isAtStart, dropsSpace, rest.starts(with: SentencePieceVocabulary.spaceMark) {
      rest = rest.dropFirst(3)
      droppedSpace = !encoder.normalizer.removesExtraWhitespaces
    }
    let before = bytes.count
    if kind == .unknown { bytes += encoder.unknownSurface } else { appendUnmarked(rest) }
    if bytes.count > before { isEmpty = false }
    if droppedSpace || !isEmpty { isAtStart = false }
  }

  /// Says that no more pieces come.
  mutating func finish() { flush(keeping: 0) }

  /// Appends the characters that the pending bytes make up, until no more than some bytes are left.
  private mutating func flush(keeping most: Int) {
    guard pending.count > most else { return }
    isEmpty = false
    var position = 0
    pending.withUnsafeBufferPointer { buffer in
      while buffer.count - position > most {
        let length = buffer.scalarLength(at: position)
        if length > 0 {
          bytes.append(contentsOf: buffer[position..<position + length])
          position += length
        } else {
          bytes += DecodeStream.replacement
          position += 1
        }
      }
    }
    pending.removeFirst(position)
  }

  private mutating func appendUnmarked(_ piece: ArraySlice<UInt8>) {
    var index = piece.startIndex
    while index < piece.endIndex {
      if piece[index] == 0xE2, piece[index...].starts(with: SentencePieceVocabulary.spaceMark) {
        bytes.append(0x20)
        index += 3
      } else {
        bytes.append(piece[index])
        index += 1
      }
    }
  }
}
