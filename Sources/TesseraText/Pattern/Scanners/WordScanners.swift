/// GPT-2 and the encodings of its time: words, numbers and the rest, each with the space before it.
struct GPT2Scanner: PieceScanner {
  let classes: ScanClasses

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let contraction = ScanRules.contraction(start, text, ignoresCase: false)
    if contraction > start { return contraction }
    var position = start
    var (bits, next) = classes.at(start, text)
    if text[start] == 0x20, next < text.count {
      let following = classes.at(next, text)
      if following.bits & ScanClasses.space == 0 {
        position = next
        (bits, next) = following
      }
    }
    if bits & ScanClasses.letter != 0 { return classes.skip(ScanClasses.letter, next, text) }
    if bits & ScanClasses.number != 0 { return classes.skip(ScanClasses.number, next, text) }
    if bits & ScanClasses.space == 0 {
      return classes.skip(without: ScanClasses.letter | ScanClasses.number | ScanClasses.space, next, text)
    }
    return ScanRules.blanks(position, text, classes, endsLines: false)
  }
}

/// cl100k and its relatives (Llama 3, Qwen, OLMo): any one scalar may lead a word, numbers are cut short, line ends close
/// what stands before them.
struct CL100KScanner: PieceScanner {
  let classes: ScanClasses
  /// The most digits in a piece.
  var digits = 3
  /// What words consist of: letters, or letters and marks.
  var word = ScanClasses.letter
  /// `\s++$` is tried before the other rules for blanks.
  var takesAllAtEnd = false

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let contraction = ScanRules.contraction(start, text, ignoresCase: true)
    if contraction > start { return contraction }
    let (bits, next) = classes.at(start, text)
    let following = classes.bits(next, text)
    if bits & (ScanClasses.letter | ScanClasses.number | ScanClasses.lineEnd) == 0, following & word != 0 {
      return classes.skip(word, next, text)
    }
    if bits & word != 0 { return classes.skip(word, next, text) }
    if bits & ScanClasses.number != 0 { return classes.skip(ScanClasses.number, atMost: digits, start, text) }
    let named = word | ScanClasses.number | ScanClasses.space
    if bits & named == 0 || (text[start] == 0x20 && next < text.count && following & named == 0) {
      return classes.skip(ScanClasses.lineEnd, classes.skip(without: named, next, text), text)
    }
    return ScanRules.blanks(start, text, classes, endsLines: true, takesAllAtEnd: takesAllAtEnd)
  }
}

/// o200k and its relatives (Tekken, Kimi): words are also cut where lower case turns to upper case.
struct O200KScanner: PieceScanner {
  let classes: ScanClasses
  var digits = 3
  /// Contractions belong to the word before them.
  var joinsContractions = true
  /// A run of symbols takes the slashes after it too, not only the line ends.
  var takesSlashes = true
  /// Runs of Han scalars are pieces of their own.
  var separatesHan = false

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let (bits, next) = classes.at(start, text)
    if separatesHan, bits & ScanClasses.han != 0 { return classes.skip(ScanClasses.han, next, text) }
    let mayLead = bits & (ScanClasses.letter | ScanClasses.number | ScanClasses.lineEnd) == 0
    let word = word(start, mayLead ? next : start, bits, text)
    if word > start {
      return joinsContractions ? ScanRules.contraction(word, text, ignoresCase: true) : word
    }
    if bits & ScanClasses.number != 0 { return classes.skip(ScanClasses.number, atMost: digits, start, text) }
    let named = ScanClasses.letter | ScanClasses.number | ScanClasses.space
    let following = classes.bits(next, text)
    if bits & named == 0 || (text[start] == 0x20 && next < text.count && following & named == 0) {
      var position = classes.skip(without: named, next, text)
      while position < text.count {
        let byte = text[position]
        guard byte == 0x0A || byte == 0x0D || (takesSlashes && byte == 0x2F) else { break }
        position += 1
      }
      return position
    }
    return ScanRules.blanks(start, text, classes, endsLines: true)
  }

  /// The two word rules, `x?U*L+` and then `x?U+L*`, where U and L share the scalars without case.
  private func word(_ start: Int, _ body: Int, _ bits: UInt8, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var position = body
    // After the last scalar that both U and L take: where `U*L+` ends if nothing but U follows.
    var afterShared = start
    while position < text.count {
      let (bits, next) = wordBits(position, text)
      if bits & ScanClasses.upper == 0 { break }
      position = next
      if bits & ScanClasses.lower != 0 { afterShared = next }
    }
    let lower = skipLower(position, text)
    if lower > position { return lower }
    if afterShared > start { return afterShared }
    // A mark may lead, but is a word itself.
    if body > start, bits & ScanClasses.mark != 0, !(separatesHan && bits & ScanClasses.han != 0) { return body }
    return position > body ? position : start
  }

  @inline(__always)
  private func wordBits(_ position: Int, _ text: UnsafeBufferPointer<UInt8>) -> (bits: UInt8, next: Int) {
    let (bits, next) = classes.at(position, text)
    return separatesHan && bits & ScanClasses.han != 0 ? (0, next) : (bits, next)
  }

  private func skipLower(_ start: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
    var position = start
    while position < text.count {
      let (bits, next) = wordBits(position, text)
      if bits & ScanClasses.lower == 0 { break }
      position = next
    }
    return position
  }
}

/// The last of DeepSeek's three patterns: ASCII symbols lead Latin words, marks belong to words, and numbers, cut out
/// before, may lead too.
struct DeepSeekScanner: PieceScanner {
  let classes: ScanClasses

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let (bits, next) = classes.at(start, text)
    let byte = text[start]
    if byte < 0x80, bits & ScanClasses.symbol != 0, next < text.count, Self.isASCIILetter(text[next]) {
      var position = next
      while position < text.count, Self.isASCIILetter(text[position]) { position += 1 }
      return position
    }
    let word = ScanClasses.letter | ScanClasses.mark
    if bits & word != 0 { return classes.skip(word, next, text) }
    let following = classes.bits(next, text)
    if bits & (ScanClasses.symbol | ScanClasses.lineEnd) == 0, following & word != 0 {
      return classes.skip(word, next, text)
    }
    if bits & ScanClasses.symbol != 0 || (byte == 0x20 && following & ScanClasses.symbol != 0) {
      return classes.skip(ScanClasses.lineEnd, classes.skip(ScanClasses.symbol, next, text), text)
    }
    guard bits & ScanClasses.space != 0 else { return start }
    return ScanRules.blanks(start, text, classes, endsLines: true)
  }

  private static func isASCIILetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}

/// CLIP: contractions, words, single digits and runs of the rest; blanks belong to nothing.
struct CLIPScanner: PieceScanner {
  let classes: ScanClasses

  func end(from start: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let contraction = ScanRules.contraction(start, text, ignoresCase: false)
    if contraction > start { return contraction }
    let (bits, next) = classes.at(start, text)
    if bits & ScanClasses.letter != 0 { return classes.skip(ScanClasses.letter, next, text) }
    if bits & ScanClasses.number != 0 { return next }
    if bits & ScanClasses.space != 0 { return start }
    return classes.skip(without: ScanClasses.letter | ScanClasses.number | ScanClasses.space, next, text)
  }
}
