/// Runs of one class, cut after so many scalars: `\p{N}{1,3}`, `[…]+`.
struct ClassRunScanner: PieceScanner {
  private let classes: ScanClasses
  let most: Int

  init(_ set: ScalarSet, atMost most: Int = .max) {
    classes = ScanClasses([(1, set)])
    self.most = most
  }

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    classes.skip(1, atMost: most, start, text)
  }
}

/// `\w+|[^\w\s]+`: words, and runs of what is neither word nor blank.
struct WhitespaceScanner: PieceScanner {
  private let classes: ScanClasses

  init(words: ScalarSet, blanksAndWords: ScalarSet) {
    classes = ScanClasses([(1, words), (2, blanksAndWords)])
  }

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let (bits, next) = classes.at(start, text)
    if bits & 1 != 0 { return classes.skip(1, next, text) }
    return bits & 2 != 0 ? start : classes.skip(without: 2, next, text)
  }
}

/// BERT: blanks are dropped, every punctuation scalar stands alone.
struct BertScanner: PieceScanner {
  private let classes: ScanClasses

  /// - Parameter punctuation: what the reference takes for punctuation, ASCII symbols included.
  /// - Parameter blanks: what it takes for white space.
  init(punctuation: ScalarSet, blanks: ScalarSet) {
    classes = ScanClasses([(1, punctuation), (2, blanks)])
  }

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let (bits, next) = classes.at(start, text)
    if bits & 2 != 0 { return start }
    return bits & 1 != 0 ? next : classes.skip(without: 3, next, text)
  }
}
