/// Learns a byte-pair-encoding vocabulary from word counts.
///
///     var trainer = BPETrainer(vocabularySize: 32_000)
///     trainer.initialAlphabet = ByteLevelAlphabet.characters
///     let trained = try trainer.train(on: counts, reading: .byteLevel)
///
/// Starting from single characters, the most frequent pair of neighbouring symbols becomes a token, until the vocabulary is
/// full; among equally frequent pairs the one with the smaller ids wins. Words are visited again only where a pair occurs.
///
/// The vocabulary is numbered: special tokens, alphabet in the order of the scalars, forms with prefix or suffix in the order in
/// which the words first show them, merged tokens. It equals that of tokenizers' `BpeTrainer`, with ids and merges, except where
/// that follows the random order of its hash maps:
/// - characters of equal count at `limitAlphabet`: here the smaller scalars are kept;
/// - ids of forms with `continuingSubwordPrefix` or `endOfWordSuffix`: here they follow the order of the words;
/// - a pair that is queued twice with one count, which takes a prefix or suffix that is also a character of the words.
///
/// Source: *Neural Machine Translation of Rare Words with Subword Units*, 2016 (arXiv 1508.07909), and tokenizers 0.23.
public struct BPETrainer: Sendable {
  /// The size of the vocabulary, with special tokens and alphabet. It is passed when these alone are more.
  public var vocabularySize: Int
  /// Pairs that occur less often are not merged.
  public var minimumFrequency = 0
  /// Tokens that get the first ids.
  public var specialTokens: [String] = []
  /// Texts that are tokens in any case, after the special ones; their ids count for the size.
  public var requiredTokens: [String] = []
  /// The most characters of the alphabet; the rarest beyond it are dropped from the words.
  public var limitAlphabet: Int?
  /// Characters that are in the alphabet whether or not they occur.
  public var initialAlphabet: [Unicode.Scalar] = []
  /// Whether the initial alphabet gets the first ids of the alphabet, in the order in which it is given.
  public var keepsAlphabetOrder = false
  /// What marks a symbol that does not start a word, such as `##`.
  public var continuingSubwordPrefix: String?
  /// What marks a symbol that ends a word, such as `</w>`.
  public var endOfWordSuffix: String?
  /// A token is shorter than this many characters, unless it is one of two.
  public var maximumTokenLength: Int?

  /// Where to keep the merges found so far. A later run with the same words and options is checked against them.
  public var checkpoint: String?

  /// How the bytes of counted words become characters.
  public enum Reading: Sendable {
    /// The words are UTF-8 text; bytes that are not become U+FFFD.
    case text
    /// Each byte is a character of ``ByteLevelAlphabet``.
    case byteLevel
  }

  /// Makes a trainer with the reference's defaults.
  public init(vocabularySize: Int = 30_000) {
    self.vocabularySize = vocabularySize
  }

  /// Trains on words with their counts.
  ///
  /// - Throws: ``TokenizerError`` for counts below zero or beyond 64 bits in all, `CancellationError` when the task is cancelled.
  /// - Complexity: O(n) to count n symbols, then about O(log n) per changed pair.
  public func train(
    words: some Sequence<(word: String, count: Int)>, progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> TrainedBPE {
    var text = SymbolWords()
    for (word, count) in words {
      for scalar in word.unicodeScalars { text.symbols.append(scalar.value) }
      text.endWord(count: Int64(count))
    }
    return try train(text, progress)
  }

  /// Trains on counted words.
  ///
  /// - Throws: as ``train(words:progress:)``.
  public func train(
    on counts: WordCounts, reading: Reading, progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> TrainedBPE {
    var text = SymbolWords()
    text.symbols.reserveCapacity(counts.words.bytes.count)
    counts.forEach { text.append($0, count: $1, reading) }
    return try train(text, progress)
  }

  /// Trains on counted words.
  ///
  /// - Throws: as ``train(words:progress:)``, and what `progress` throws.
  public func train(
    on words: CountedWords, reading: Reading, progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> TrainedBPE {
    var text = SymbolWords()
    text.symbols.reserveCapacity(words.bytes.count)
    text.starts.reserveCapacity(words.count + 1)
    text.counts.reserveCapacity(words.count)
    words.forEach { text.append($0, count: $1, reading) }
    return try train(text, progress)
  }

  private func train(
    _ text: consuming SymbolWords, _ progress: ((TrainingProgress) throws -> Void)?
  ) throws -> TrainedBPE {
    try check(text)
    try progress?(TrainingProgress(stage: .countingPairs, completed: 0, total: text.counts.count))
    var tokens = ByteStringTable(capacity: min(vocabularySize, 1 << 20))
    for token in specialTokens + requiredTokens { _ = tokens.insert(token.utf8) }
    if keepsAlphabetOrder { for scalar in initialAlphabet { _ = tokens.insert(utf8(scalar.value)) } }
    addAlphabet(of: text, to: &tokens)
    let words = symbols(of: text, in: &tokens)
    return try merge(words, tokens, progress)
  }

  /// Goes on with a vocabulary that was trained before: its merges stay, and pairs of its tokens become new ones.
  ///
  /// - Parameters:
  ///   - words: the ids of texts with their counts.
  /// - Throws: as ``train(words:progress:)``.
  func train(
    continuing first: TrainedBPE, on words: consuming SymbolWords,
    progress: ((TrainingProgress) throws -> Void)? = nil
  ) throws -> TrainedBPE {
    try check(words)
    try progress?(TrainingProgress(stage: .countingPairs, completed: 0, total: words.counts.count))
    var tokens = ByteStringTable(capacity: min(vocabularySize, 1 << 20))
    for token in first.vocabulary { _ = tokens.insert(token.utf8) }
    let lengths = first.vocabulary.map { UInt32($0.unicodeScalars.count) }
    return try merge(words, tokens, after: first.steps, lengths: lengths, progress)
  }

  /// Merges pairs until the vocabulary is full.
  ///
  /// - Parameters:
  ///   - earlier: merges that come before.
  ///   - lengths: the characters of each token, when tokens are longer than one.
  private func merge(
    _ words: consuming SymbolWords, _ alphabet: consuming ByteStringTable, after earlier: [TrainedBPE.Merge] = [],
    lengths: [UInt32] = [], _ progress: ((TrainingProgress) throws -> Void)?
  ) throws -> TrainedBPE {
    var tokens = alphabet
    var keeper = try checkpoint.map { try BPECheckpoint($0, fingerprint: fingerprint(of: words, tokens)) }
    var merging = BPEMerging(words: words, maximumLength: maximumTokenLength, lengths: lengths)
    var merges = earlier
    let prefix = Array((continuingSubwordPrefix ?? "").utf8)
    while tokens.count < vocabularySize,
      let candidate = merging.next(minimumFrequency: UInt64(max(0, minimumFrequency)))
    {
      let left = UInt32(candidate.key >> 32)
      let right = UInt32(truncatingIfNeeded: candidate.key)
      var second = tokens[Int(right)]
      if second.starts(with: prefix) { second = second.dropFirst(prefix.count) }
      let merged = UInt32(tokens.insert(Array(tokens[Int(left)] + second)).index)
      merges.append(.init(left: left, right: right, result: merged))
      try keeper?.note(merges)
      merging.merge(candidate, into: merged)
      if merges.count & 63 == 0 {
        try Task.checkCancellation()
        try progress?(TrainingProgress(stage: .choosingTokens, completed: tokens.count, total: vocabularySize))
      }
    }
    try progress?(TrainingProgress(stage: .choosingTokens, completed: tokens.count, total: vocabularySize))
    keeper?.remove()
    return TrainedBPE(
      vocabulary: (0..<tokens.count).map { tokens.string($0) }, steps: merges)
  }

  /// A number that tells runs with other words or other options apart.
  private func fingerprint(of words: borrowing SymbolWords, _ tokens: borrowing ByteStringTable) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func mix(_ number: Int) { hash = foldedProduct(hash ^ UInt64(bitPattern: Int64(number)), 0x9E37_79B9_7F4A_7C15) }
    for number in [vocabularySize, minimumFrequency, maximumTokenLength ?? -1] { mix(number) }
    for symbol in words.symbols { mix(Int(symbol)) }
    for index in words.counts.indices {
      mix(words.starts[index])
      mix(Int(words.counts[index]))
    }
    for byte in tokens.bytes { mix(Int(byte)) }
    return hash
  }

  /// Nothing may overflow later: no count of a pair passes the sum over all symbols.
  private func check(_ text: borrowing SymbolWords) throws {
    guard text.symbols.count < Int(UInt32.max), text.counts.count < Int(UInt32.max) else {
      throw TokenizerError(.limitExceeded, "training takes fewer than 2^32 words and characters of distinct words")
    }
    var total: Int64 = 0
    for (word, count) in text.counts.enumerated() {
      guard count >= 0 else {
        throw TokenizerError(.invalidRequest, "word \(word) has the count \(count); counts must not be negative")
      }
      let (product, tooLarge) = count.multipliedReportingOverflow(by: Int64(text.starts[word + 1] - text.starts[word]))
      let (sum, overflow) = total.addingReportingOverflow(product)
      guard !tooLarge, !overflow else {
        throw TokenizerError(.limitExceeded, "the counts add up to more than 64 bits hold")
      }
      total = sum
    }
  }

  /// Adds the characters of the words and of the initial alphabet in the order of their scalars, without the rarest ones beyond
  /// the limit.
  private func addAlphabet(of text: borrowing SymbolWords, to tokens: inout ByteStringTable) {
    let last = max(text.symbols.max() ?? 0, initialAlphabet.map(\.value).max() ?? 0)
    var occurrences = [Int64](repeating: -1, count: Int(last) + 1)
    var alphabet: [Int] = []
    func add(_ scalar: Int, _ count: Int64) {
      if occurrences[scalar] < 0 {
        occurrences[scalar] = 0
        alphabet.append(scalar)
      }
      occurrences[scalar] += count
    }
    for word in text.counts.indices {
      for at in text.starts[word]..<text.starts[word + 1] { add(Int(text.symbols[at]), text.counts[word]) }
    }
    for scalar in initialAlphabet {
      add(Int(scalar.value), 0)
      occurrences[Int(scalar.value)] = .max
    }
    alphabet.sort()
    if let limitAlphabet, alphabet.count > max(0, limitAlphabet) {
      alphabet.sort { occurrences[$0] != occurrences[$1] ? occurrences[$0] > occurrences[$1] : $0 < $1 }
      alphabet.removeSubrange(max(0, limitAlphabet)...)
      alphabet.sort()
    }
    for scalar in alphabet { _ = tokens.insert(utf8(UInt32(scalar))) }
  }

  /// Turns the characters of the words into symbols. Characters that are no tokens are left out.
  private func symbols(of text: consuming SymbolWords, in tokens: inout ByteStringTable) -> SymbolWords {
    var forms = SymbolForms(prefix: continuingSubwordPrefix ?? "", suffix: endOfWordSuffix ?? "")
    var words = SymbolWords()
    words.symbols.reserveCapacity(text.symbols.count)
    words.starts.reserveCapacity(text.starts.count)
    for word in text.counts.indices {
      let range = text.starts[word]..<text.starts[word + 1]
      for at in range {
        let isFirst = at == range.lowerBound
        let isLast = at == range.upperBound - 1
        if let id = forms.symbol(of: text.symbols[at], isFirst: isFirst, isLast: isLast, in: &tokens) {
          words.symbols.append(id)
        }
      }
      words.endWord(count: text.counts[word])
    }
    return words
  }
}

/// The tokens of single characters by their place in the word, found once each.
private struct SymbolForms {
  let prefix: [UInt8]
  let suffix: [UInt8]
  private var known: [UInt32: UInt32] = [:]

  init(prefix: String, suffix: String) {
    self.prefix = Array(prefix.utf8)
    self.suffix = Array(suffix.utf8)
  }

  /// The token of a character, which is added when it is a form that was not seen before; `nil` when the bare character is none.
  mutating func symbol(of scalar: UInt32, isFirst: Bool, isLast: Bool, in tokens: inout ByteStringTable) -> UInt32? {
    let hasPrefix = !isFirst && !prefix.isEmpty
    let hasSuffix = isLast && !suffix.isEmpty
    let form = scalar << 2 | (hasPrefix ? 1 : 0) | (hasSuffix ? 2 : 0)
    if let id = known[form] { return id == .max ? nil : id }
    let bare = utf8(scalar)
    guard tokens.find(bare) != nil else {
      known[form] = .max
      return nil
    }
    let id = UInt32(tokens.insert((hasPrefix ? prefix : []) + bare + (hasSuffix ? suffix : [])).index)
    known[form] = id
    return id
  }
}

/// The UTF-8 bytes of a scalar value.
private func utf8(_ scalar: UInt32) -> [UInt8] {
  Unicode.Scalar(scalar).map { Array(String($0).utf8) } ?? []
}
