extension SentencePieceEncoder {
  /// The text of some ids, as the library writes it.
  ///
  /// Marks become spaces, the dummy space in front is dropped, control symbols give nothing, unknown ids the model's unknown surface,
  /// and byte pieces their characters, with U+FFFD for each byte that is part of none.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` for an id that is not in the model.
  /// - Complexity: O(length of the output).
  public func decode(_ ids: some Sequence<UInt32>) throws -> [UInt8] {
    var text: [UInt8] = []
    var bytes: [UInt8] = []
    let dropsSpace = normalizer.addsDummyPrefix || normalizer.removesExtraWhitespaces
    var isAtStart = true
    for (index, id) in ids.enumerated() {
      guard id < UInt32(count) else {
        throw TokenizerError(
          .invalidRequest, "id \(id) in a vocabulary of \(count) pieces", at: .key("ids[\(index)]"))
      }
      let piece = vocabulary.pieces[Int(id)]
      let kind = vocabulary.kinds[Int(id)]
      if kind == .byte {
        if let byte = SentencePieceVocabulary.byte(of: piece) { bytes.append(byte) }
        continue
      }
      Self.flush(&bytes, to: &text)
      if !text.isEmpty { isAtStart = false }
      if kind == .control { continue }
      var rest = piece[...]
      var droppedSpace = false
      if isAtStart, dropsSpace, rest.starts(with: SentencePieceVocabulary.spaceMark) {
        rest = rest.dropFirst(3)
        droppedSpace = !normalizer.removesExtraWhitespaces
      }
      if kind == .unknown { text += unknownSurface } else { Self.appendUnmarked(rest, to: &text) }
      if droppedSpace || !text.isEmpty { isAtStart = false }
    }
    Self.flush(&bytes, to: &text)
    guard let denormalizer else { return text }
    return text.withUnsafeBufferPointer { denormalizer.normalize($0, withOrigins: false).bytes }
  }

  /// Appends the characters that the bytes collected so far make up.
  private static func flush(_ bytes: inout [UInt8], to text: inout [UInt8]) {
    if bytes.isEmpty { return }
    bytes.withUnsafeBufferPointer { buffer in
      var position = 0
      while position < buffer.count {
        if let length = SentencePieceNormalizer.characterLength(buffer, at: position) {
          text.append(contentsOf: buffer[position..<position + length])
          position += length
        } else {
          text += [0xEF, 0xBF, 0xBD]
          position += 1
        }
      }
    }
    bytes.removeAll(keepingCapacity: true)
  }

  private static func appendUnmarked(_ piece: ArraySlice<UInt8>, to text: inout [UInt8]) {
    var index = piece.startIndex
    while index < piece.endIndex {
      if piece[index] == 0xE2, piece[index...].starts(with: SentencePieceVocabulary.spaceMark) {
        text.append(0x20)
        index += 3
      } else {
        text.append(piece[index])
        index += 1
      }
    }
  }
}
