/// Gives out text as ids come in, never half a character.
///
///     var stream = tokenizer.decodeStream()
///     for id in ids { if let piece = try stream.next(id) { print(piece, terminator: "") } }
///
/// Ids are kept until their text is complete; a text that ends in the replacement character may still change. Joined, the pieces
/// are the decoded text of all ids, up to an incomplete end.
public struct DecodeStream: Sendable {
  let core: TokenizerCore
  let skipSpecialTokens: Bool
  private var ids: [UInt32] = []
  private var prefix: [UInt8] = []
  private var prefixIndex = 0

  init(core: TokenizerCore, skipSpecialTokens: Bool) {
    self.core = core
    self.skipSpecialTokens = skipSpecialTokens
  }

  private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

  private func text() -> [UInt8] { core.decode(ids, skipSpecialTokens: skipSpecialTokens) }

  private func isOpen(_ text: [UInt8]) -> Bool { text.suffix(3).elementsEqual(Self.replacement) }

  /// Takes one id and returns the text that became certain, if any.
  ///
  /// - Throws: ``TokenizerError`` when the id changes text that was given out already.
  public mutating func next(_ id: UInt32) throws -> String? {
    if prefix.isEmpty, !ids.isEmpty {
      let known = text()
      if !isOpen(known) {
        prefix = known
        prefixIndex = ids.count
      }
    }
    ids.append(id)
    let all = text()
    guard all.count > prefix.count, !isOpen(all) else { return nil }
    guard all.starts(with: prefix) else {
      throw TokenizerError(
        .inconsistent,
        "token \(id) changes text that was given out: expected '\(String(decoding: prefix, as: UTF8.self))', "
          + "found '\(String(decoding: all, as: UTF8.self))'")
    }
    let new = String(decoding: all[prefix.count...], as: UTF8.self)
    let nextIndex = ids.count - prefixIndex
    ids.removeFirst(prefixIndex)
    prefix = text()
    prefixIndex = nextIndex
    return new
  }
}
