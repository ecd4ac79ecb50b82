/// Encodes words by the stages of a tokenizer.json.
///
/// Exact where each stage does the same to a word alone as in the midst of a text; ``TileRules`` says whether that is so, and what
/// cannot be known beforehand is checked word by word.
final class PipelineTiles: TileSource {
  let scanner: TileScanner
  private let rules: TileRules
  private let preTokenizer: PreTokenizer?
  private let model: TokenizerModel

  var hasEdges: Bool { rules.isStrict }

  /// - Returns: `nil` when words cannot be encoded one by one.
  init?(_ core: TokenizerCore) {
    guard core.added.normalizedMatcher.isEmpty,
      let rules = TileRules(core.normalizer, core.preTokenizer, core.description.model)
    else { return nil }
    self.rules = rules
    scanner = rules.scanner
    preTokenizer = core.preTokenizer
    model = core.description.model
  }

  func append(
    _ tile: UnsafeBufferPointer<UInt8>, _ place: TilePlace, _ output: inout TokenBuffer, _ scratch: EncoderScratch
  ) throws -> Bool {
    var pieces = Pieces(input: Array(tile))
    pieces.pieces[0].base = place.base
    var isEntangled = false
    pieces.rewrite { text in
      isEntangled = rules.isStrict && rules.isEntangled(text.bytes, tile, place)
      for stage in rules.stages where !isEntangled {
        stage.apply(to: &text, place)
        isEntangled = rules.isStrict && rules.isEntangled(text.bytes, tile, place)
      }
    }
    if isEntangled {
      scratch.isEntangled = true
      return false
    }
    for index in pieces.pieces.indices where pieces.pieces[index].count > 0 {
      pieces.pieces[index].base = Int(pieces.origins[pieces.pieces[index].start].start)
    }
    pieces.dropEmpty()
    preTokenizer?.apply(to: &pieces)
    scratch.model.output.removeAll()
    try pieces.bytes.withUnsafeBufferPointer { bytes in
      for piece in pieces.pieces {
        let word = UnsafeBufferPointer(rebasing: bytes[piece.start..<piece.end])
        try model.tokenize(word, isRaw: false, &scratch.model)
      }
    }
    scratch.model.output.ids.withUnsafeBufferPointer { output.append(contentsOf: $0) }
    return true
  }
}

extension NormalizerStage {
  /// Rewrites a tile as it is rewritten in the midst of its text: what belongs to the ends of a text happens only there.
  func apply(to text: inout AlignedText, _ place: TilePlace) {
    switch self {
    case .sequence(let parts): for part in parts { part.apply(to: &text, place) }
    case .strip(let left, let right):
      NormalizerStage.strip(left: left && place.isFirst, right: right && place.isLast).apply(to: &text)
    case .prepend: if place.isFirst { apply(to: &text) }
    default: apply(to: &text)
    }
  }
}
