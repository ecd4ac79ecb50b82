/// Tokens as bytes with their ranks: what tiktoken and tekken files hold.
///
/// Tokens are ordered by rank. A rank is priority and identity at once; the id of a token is its rank plus ``idOffset``.
public struct RankVocabulary: Sendable {
  private(set) var tokens: ByteStringTable
  /// The ranks in ascending order; gaps are allowed.
  public private(set) var ranks: [UInt32]
  /// What is added to a rank to make an id.
  public var idOffset: UInt32

  /// The number of tokens.
  public var count: Int { ranks.count }
  /// The bytes of all tokens, one after the other.
  public var bytes: [UInt8] { tokens.bytes }
  /// Token `i` is `bytes[offsets[i]..<offsets[i + 1]]`.
  public var offsets: [Int] { tokens.offsets }

  /// The bytes of the token at an index, in the order of the ranks.
  public func token(_ index: Int) -> ArraySlice<UInt8> { tokens[index] }

  /// The index of a token, in the order of the ranks.
  public func index(of bytes: some Sequence<UInt8>) -> Int? { tokens.find(bytes) }

  /// The id of a token; `nil` when it is not in the vocabulary.
  public func id(of bytes: some Sequence<UInt8>) -> UInt32? { tokens.find(bytes).map { ranks[$0] + idOffset } }

  /// Gathers tokens in the order of the file.
  ///
  /// - Parameter place: names the entry in an error.
  /// - Throws: ``TokenizerError`` for a rank or a token that occurs twice.
  init(
    tokens: consuming ByteStringTable, ranks: [UInt32], idOffset: UInt32 = 0, place: (Int) -> TokenizerError.Place
  ) throws {
    self.idOffset = idOffset
    if zip(ranks, ranks.dropFirst()).allSatisfy({ $0 < $1 }) {
      self.tokens = tokens
      self.ranks = ranks
      return
    }
    let order = ranks.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
    for (first, second) in zip(order, order.dropFirst()) where ranks[first] == ranks[second] {
      throw TokenizerError(.inconsistent, "the rank \(ranks[second]) occurs a second time", at: place(second))
    }
    var sorted = ByteStringTable(capacity: order.count)
    for index in order { _ = sorted.insert(tokens[index]) }
    self.tokens = sorted
    self.ranks = order.map { ranks[$0] }
  }
}
