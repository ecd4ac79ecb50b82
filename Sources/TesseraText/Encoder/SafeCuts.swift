/// Where a word may be cut so that its parts can be encoded one by one: between characters that no token joins.
///
/// A merge across such a place would make a token that covers it, and there is none. In scripts with many characters most places are
/// of this kind, so that long runs fall into short parts, which the cache knows.
///
/// - Complexity: memory is 40 KB; a question is one look into it.
final class SafeCuts: @unchecked Sendable {
  private static let bits = 18
  /// One bit for the hash of each pair of characters that stand side by side in a token: never unset where a token joins them.
  private let pairs: UnsafeMutablePointer<UInt64>
  /// The same by last and first byte, for tokens that hold only a part of a character.
  private let parts: UnsafeMutablePointer<UInt64>

  convenience init(_ vocabulary: ByteVocabulary) {
    self.init()
    for id in 0..<vocabulary.idCount { add(vocabulary.bytes(of: UInt32(id))) }
  }

  /// - Parameter tokens: all that can come out of merges.
  convenience init(tokens: some Sequence<some Collection<UInt8>>) {
    self.init()
    for token in tokens { Array(token).withUnsafeBufferPointer { add($0) } }
  }

  private init() {
    pairs = .allocate(capacity: 1 << (Self.bits - 6))
    pairs.initialize(repeating: 0, count: 1 << (Self.bits - 6))
    parts = .allocate(capacity: 1 << 10)
    parts.initialize(repeating: 0, count: 1 << 10)
  }

  deinit {
    pairs.deallocate()
    parts.deallocate()
  }

  private func add(_ token: UnsafeBufferPointer<UInt8>) {
    guard token.count > 1 else { return }
    // The first byte may stand inside a character, whose beginning is then unknown.
    var left = 0
    var isLeftWhole = token[0] & 0xC0 != 0x80
    for index in 1..<token.count where token[index] & 0xC0 != 0x80 {
      let length = Self.length(token[index])
      if isLeftWhole, index - left == Self.length(token[left]), index + length <= token.count {
        let place = Self.place(Self.character(token, left, index - left), Self.character(token, index, length))
        pairs[place >> 6] |= 1 << UInt64(place & 63)
      } else {
        let place = Int(token[index - 1]) << 8 | Int(token[index])
        parts[place >> 6] |= 1 << UInt64(place & 63)
      }
      left = index
      isLeftWhole = true
    }
  }

  @inline(__always)
  private static func length(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4 }

  @inline(__always)
  private static func character(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ length: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in start..<start &+ length { value = value &<< 8 | UInt64(text[index]) }
    return value
  }

  @inline(__always)
  private static func place(_ left: UInt64, _ right: UInt64) -> Int {
    Int(truncatingIfNeeded: ((left &* 0x9E37_79B9_7F4A_7C15 ^ right) &* 0xD6E8_FEB8_6659_FD93) &>> UInt64(64 - bits))
  }

  /// Calls the body with the ends of the parts of a word, which must be valid UTF-8; the word's own end is not among them.
  @inline(__always)
  func forEachCut(in word: UnsafeBufferPointer<UInt8>, _ body: (Int) throws -> Void) rethrows {
    var position = min(Self.length(word[0]), word.count)
    var left = Self.character(word, 0, position)
    while position < word.count {
      let length = min(Self.length(word[position]), word.count &- position)
      let right = Self.character(word, position, length)
      let place = Self.place(left, right)
      let part = Int(word[position &- 1]) &<< 8 | Int(word[position])
      let isJoined =
        (pairs[place &>> 6] &>> UInt64(place & 63)) | (parts[part &>> 6] &>> UInt64(part & 63))
      if isJoined & 1 == 0 { try body(position) }
      position &+= length
      left = right
    }
  }
}

extension EncoderScratch {
  /// Appends the ids of a long word part by part; parts seen before are known.
  ///
  /// - Parameters:
  ///   - unknown: an id that neighbours share.
  ///   - encode: appends the ids of a part, or says no.
  /// - Returns: false as soon as a part got no ids; some of those before it may have been appended.
  func appendParts(
    of word: UnsafeBufferPointer<UInt8>, _ cuts: SafeCuts, unknown: UInt32?, into output: inout TokenBuffer,
    _ encode: (UnsafeBufferPointer<UInt8>, inout TokenBuffer) throws -> Bool
  ) rethrows -> Bool {
    if word.count <= WordCache.shortLimit { return word.isEmpty ? true : try encode(word, &output) }
    var (start, isDone) = (0, true)
    let first = output.count
    func append(_ end: Int) throws {
      guard isDone else { return }
      let part = UnsafeBufferPointer(rebasing: word[start..<end])
      let before = output.count
      isDone = try appendPart(part, readable: word.count - start, into: &output, encode)
      if let unknown, before > first, output.count > before, output.ids[before] == unknown,
        output.ids[before - 1] == unknown
      {
        output.remove(at: before)
      }
      start = end
    }
    try cuts.forEachCut(in: word) { try append($0) }
    try append(word.count)
    return isDone
  }

  private func appendPart(
    _ part: UnsafeBufferPointer<UInt8>, readable: Int, into output: inout TokenBuffer,
    _ encode: (UnsafeBufferPointer<UInt8>, inout TokenBuffer) throws -> Bool
  ) rethrows -> Bool {
    guard let base = part.baseAddress, part.count <= WordCache.shortLimit else { return try encode(part, &output) }
    let key = partKey(base, part.count, readable: readable)
    if cache.find(key, { output.append(contentsOf: $0) }) { return true }
    let first = output.count
    guard try encode(part, &output) else { return false }
    cache.insert(key, UnsafeBufferPointer(start: output.ids + first, count: output.count - first))
    return true
  }
}
