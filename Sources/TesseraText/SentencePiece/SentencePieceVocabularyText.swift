extension SentencePieceModel {
  /// Reads the `.vocab` file that stands beside a model: one piece per line, a tab and the score.
  ///
  /// The text does not say what a piece is for: `<unk>` is taken as unknown, `<s>`, `</s>` and `<pad>` as control, and the 256 texts
  /// such as `<0x0A>` as bytes if all are there. It does not have the normalization either, so that stays the default.
  ///
  /// - Parameter kind: what the model does with the pieces, which the text does not say.
  /// - Throws: ``TokenizerError`` of kind `malformed` that names the line.
  /// - Complexity: O(bytes).
  public init(vocabularyText bytes: [UInt8], kind: SentencePieceTrainerSpec.Kind = .unigram) throws {
    self.init()
    trainer.kind = kind
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      if line.isEmpty, number == lines.count - 1 { break }
      guard let tab = line.lastIndex(of: 0x09) else {
        throw TokenizerError(.malformed, "no tab between a piece and its score", at: .line(number + 1))
      }
      guard let score = Float(String(decoding: line[(tab + 1)...], as: UTF8.self)) else {
        throw TokenizerError(.malformed, "a score that is no number", at: .line(number + 1))
      }
      var piece = Piece("", score: score)
      piece.bytes = Array(line[..<tab])
      pieces.append(piece)
    }
    guessKinds()
  }

  private mutating func guessKinds() {
    var bytePieces: [Int: UInt8] = [:]
    for (id, piece) in pieces.enumerated() {
      switch piece.bytes {
      case trainer.unknownPiece: pieces[id].storedKind = .unknown
      case trainer.beginPiece, trainer.endPiece, trainer.paddingPiece: pieces[id].storedKind = .control
      default: if let byte = SentencePieceVocabulary.byte(of: piece.bytes) { bytePieces[id] = byte }
      }
    }
    guard Set(bytePieces.values).count == 256 else { return }
    trainer.usesByteFallback = true
    for id in bytePieces.keys { pieces[id].storedKind = .byte }
  }

  /// The `.vocab` text of the pieces.
  ///
  /// - Complexity: O(bytes).
  public func vocabularyText() -> [UInt8] {
    var text: [UInt8] = []
    for piece in pieces {
      text += piece.bytes
      text.append(0x09)
      text += Array((piece.score == piece.score.rounded() ? wholeText(piece.score) : "\(piece.score)").utf8)
      text.append(0x0A)
    }
    return text
  }

  /// A whole number as the trainer writes it, without a point.
  private func wholeText(_ score: Float) -> String {
    score.magnitude < 1e9 ? "\(Int(score))" : "\(score)"
  }
}
