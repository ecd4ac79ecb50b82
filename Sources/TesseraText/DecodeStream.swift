/// Gives out text as ids come in, never half a character.
///
///     var stream = tokenizer.decodeStream()
///     for id in ids { if let piece = try stream.next(id) { print(piece, terminator: "") } }
///
/// Ids are kept until their text is complete; a text that ends in the replacement character may still change. Joined, the pieces
/// are the decoded text of all ids, up to an incomplete end.
///
/// Source: `step_decode_stream` of tokenizers 0.23.
public struct DecodeStream: Sendable {
  static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

  /// As long as so few ids wait, their text is simply made again for each.
  private static let mostDecodedAgain = 8

  private let core: TokenizerCore
  private let skipSpecialTokens: Bool
  private var ids: [UInt32] = []
  private var prefix: [UInt8] = []
  private var prefixIndex = 0
  /// The text of `ids`: its length, and whether it is incomplete.
  private var current: (count: Int, isOpen: Bool) = (0, false)
  private var length: DecodedLength?

  init(core: TokenizerCore, skipSpecialTokens: Bool) {
    self.core = core
    self.skipSpecialTokens = skipSpecialTokens
  }

  private func text() -> [UInt8] { core.decode(ids, skipSpecialTokens: skipSpecialTokens) }

  private static func measure(_ text: [UInt8]) -> (count: Int, isOpen: Bool) {
    (text.count, text.suffix(3).elementsEqual(replacement))
  }

  /// Takes one id and returns the text that became certain, if any.
  ///
  /// - Throws: ``TokenizerError`` when the id changes text that was given out already.
  /// - Complexity: O(length of the token), on average over all ids; O(ids that wait) for decoders that rewrite the whole text.
  public mutating func next(_ id: UInt32) throws -> String? {
    if prefix.isEmpty, !ids.isEmpty, !current.isOpen {
      if current.count > 0 { prefix = text() }
      prefixIndex = ids.count
    }
    ids.append(id)
    let known = measure(id)
    guard current.count > prefix.count, !current.isOpen else { return nil }
    let all = known ?? text()
    guard all.starts(with: prefix) else {
      throw TokenizerError(
        .inconsistent,
        "token \(id) changes text that was given out: expected the \(prefix.count) bytes given out to stay")
    }
    let new = String(decoding: all[prefix.count...], as: UTF8.self)
    let nextIndex = ids.count - prefixIndex
    ids.removeFirst(prefixIndex)
    prefix = text()
    prefixIndex = nextIndex
    current = Self.measure(prefix)
    length = nil
    return new
  }

  /// Brings `current` up to date with an id that was appended; gives the text where it was made on the way.
  private mutating func measure(_ id: UInt32) -> [UInt8]? {
    if length == nil, ids.count > Self.mostDecodedAgain {
      length = core.decodedLength()
      for id in ids.dropLast() { append(id) }
    }
    guard length != nil else {
      let all = text()
      current = Self.measure(all)
      return all
    }
    append(id)
    current = length?.ifEnded ?? current
    return nil
  }

  private mutating func append(_ id: UInt32) {
    core.append(id, to: &length, skipSpecialTokens: skipSpecialTokens)
  }
}
