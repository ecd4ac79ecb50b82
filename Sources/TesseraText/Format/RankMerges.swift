/// The merges that a vocabulary of ranks stands for.
///
/// A rank file says which tokens exist, not how they arise. The merge that makes a token is found by encoding its bytes with the
/// tokens of lower rank only: two parts remain, and these are its merge. Applying the merges in the order of their results then
/// gives the same ids as looking up merged bytes.
public struct RankMerges: Sendable {
  /// The merges in the order of their ranks; the numbers are ids.
  public private(set) var merges: [TrainedBPE.Merge] = []
  /// The ids of tokens of two and more bytes that no merge makes: their parts do not come down to two, or they have more than
  /// ``longestToken`` bytes. They can only be found as whole pieces.
  public private(set) var unreachable: [UInt32] = []

  /// Longer tokens are not looked into, so that the time stays linear in the size of the vocabulary. Tokens of released
  /// vocabularies have at most 512 bytes.
  public static let longestToken = 1024

  /// Finds the merges.
  ///
  /// - Complexity: for a token of n bytes O(n) look-ups and O(n^2) comparisons of numbers, with n at most 1024.
  public init(_ vocabulary: RankVocabulary) {
    var finder = Finder(vocabulary)
    merges.reserveCapacity(vocabulary.count)
    for index in 0..<vocabulary.count {
      let length = vocabulary.offsets[index + 1] - vocabulary.offsets[index]
      guard length > 1 else { continue }
      let result = vocabulary.ranks[index] + vocabulary.idOffset
      guard length <= RankMerges.longestToken, let (left, right) = finder.parts(of: index) else {
        unreachable.append(result)
        continue
      }
      merges.append(
        TrainedBPE.Merge(
          left: vocabulary.ranks[left] + vocabulary.idOffset, right: vocabulary.ranks[right] + vocabulary.idOffset,
          result: result))
    }
  }
}

/// Splits tokens into their two parts. Indices stand for ranks, since tokens are ordered by them.
private struct Finder {
  private let tables: Tables
  /// Where each part of the token at work starts, its index, and the index of the token it makes with the next part.
  private var starts = [Int](repeating: 0, count: RankMerges.longestToken + 1)
  private var parts = [UInt32](repeating: 0, count: RankMerges.longestToken)
  private var joined = [UInt32](repeating: .max, count: RankMerges.longestToken)

  init(_ vocabulary: RankVocabulary) { tables = Tables(tokens: vocabulary.tokens) }

  /// The indices of the two parts that make a token; `nil` when it does not come down to two.
  mutating func parts(of index: Int) -> (left: Int, right: Int)? {
    let tables = tables
    return tables.tokens.bytes.withUnsafeBufferPointer { bytes in
      let range = tables.tokens.offsets[index]..<tables.tokens.offsets[index + 1]
      let token = UnsafeBufferPointer(rebasing: bytes[range])
      return starts.withUnsafeMutableBufferPointer { starts in
        parts.withUnsafeMutableBufferPointer { parts in
          joined.withUnsafeMutableBufferPointer { joined in
            tables.split(token, UInt32(index), starts, parts, joined)
          }
        }
      }
    }
  }
}

/// The tokens, and the short ones by their bytes.
private struct Tables {
  let tokens: ByteStringTable
  /// The index of each token of one byte and of two bytes; `UInt32.max` where there is none.
  private var single = [UInt32](repeating: .max, count: 256)
  private var double = [UInt32](repeating: .max, count: 65_536)
  /// A bit for the hash of each token, which answers most questions for tokens that are not there.
  private var known: [UInt64]
  private let knownShift: UInt64

  init(tokens: ByteStringTable) {
    self.tokens = tokens
    var bits = 10
    while 1 << bits < tokens.count * 8 { bits += 1 }
    knownShift = UInt64(64 - bits)
    known = [UInt64](repeating: 0, count: 1 << (bits - 6))
    tokens.bytes.withUnsafeBufferPointer { bytes in
      for index in 0..<tokens.count {
        let token = UnsafeBufferPointer(rebasing: bytes[tokens.offsets[index]..<tokens.offsets[index + 1]])
        let bit = token.foldedHash() &>> knownShift
        known[Int(bit >> 6)] |= 1 << (bit & 63)
      }
    }
    for index in 0..<tokens.count {
      let token = tokens[index]
      if token.count == 1 { single[Int(token[token.startIndex])] = UInt32(index) }
      if token.count == 2 {
        double[Int(token[token.startIndex]) << 8 | Int(token[token.startIndex + 1])] = UInt32(index)
      }
    }
  }

  func split(
    _ token: UnsafeBufferPointer<UInt8>, _ own: UInt32, _ starts: UnsafeMutableBufferPointer<Int>,
    _ parts: UnsafeMutableBufferPointer<UInt32>, _ joined: UnsafeMutableBufferPointer<UInt32>
  ) -> (left: Int, right: Int)? {
    var count = token.count
    for at in 0..<count {
      starts[at] = at
      parts[at] = single[Int(token[at])]
      if parts[at] == .max { return nil }
      joined[at] = at + 1 < count ? double[Int(token[at]) << 8 | Int(token[at + 1])] : .max
    }
    starts[count] = count
    /// The token made of two parts, which must rank below the one at work.
    func join(_ part: Int) -> UInt32 {
      guard part + 1 < count else { return .max }
      let bytes = UnsafeBufferPointer(rebasing: token[starts[part]..<starts[part + 2]])
      let hash = bytes.foldedHash()
      let bit = hash &>> knownShift
      if (known[Int(bit &>> 6)] &>> (bit & 63)) & 1 == 0 { return .max }
      return tokens.find(bytes, hash: hash).map { UInt32($0) } ?? .max
    }
    while count > 2 {
      var best = 0
      for part in 1..<(count - 1) where joined[part] < joined[best] { best = part }
      guard joined[best] < own else { return nil }
      parts[best] = joined[best]
      count -= 1
      for part in (best + 1)..<count {
        parts[part] = parts[part + 1]
        joined[part] = joined[part + 1]
        starts[part] = starts[part + 1]
      }
      starts[count] = token.count
      // With two parts left their pair is the token itself.
      guard count > 2 else { break }
      joined[best] = join(best)
      if best > 0 { joined[best - 1] = join(best - 1) }
    }
    return (Int(parts[0]), Int(parts[1]))
  }
}
