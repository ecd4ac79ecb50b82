/// The text of an HTML or XHTML page, block by block, without navigation.
///
/// No parser of the standard: it knows which elements begin a new block, which carry no text, and how characters are written. Unclosed
/// elements and stray characters are taken as they come.
struct MarkupText {
  enum Kind { case heading, paragraph, code }

  struct Block: Equatable {
    var kind: Kind
    var text: String
  }

  private(set) var blocks: [Block] = []
  private let bytes: [UInt8]
  private var place = 0
  private var text: [UInt8] = []
  /// The element whose inside is left out, and how many of its name are open.
  private var left: (name: String, depth: Int)?
  private var preformatted = 0
  private var heading = 0
  private var cells = 0

  private static let breaking: Set<String> = [
    "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "table", "tr", "pre", "blockquote", "section", "body", "title",
    "h1", "h2", "h3", "h4", "h5", "h6", "hr", "caption",
  ]
  private static let silent: Set<String> = ["head", "script", "style", "nav"]
  private static let silentClasses: Set<String> = [
    "docnav", "toc", "list-of-tables", "navheader", "navfooter", "indexterm", "index", "producttitle",
  ]
  private static let silentIDs: Set<String> = ["banner", "title"]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    while place < bytes.count {
      if bytes[place] == UInt8(ascii: "<") { readTag() } else { readCharacter() }
    }
    flush()
  }

  private mutating func flush() {
    defer { text.removeAll(keepingCapacity: true) }
    guard text.contains(where: { $0 > 0x20 }) else { return }
    let kind: Kind = preformatted > 0 ? .code : heading > 0 ? .heading : .paragraph
    var lines = String(decoding: text, as: UTF8.self)
    if kind == .code {
      while lines.last?.isWhitespace == true { lines.removeLast() }
      while lines.first?.isNewline == true { lines.removeFirst() }
    } else {
      if lines.first == " " { lines.removeFirst() }
      if lines.last == " " { lines.removeLast() }
    }
    blocks.append(Block(kind: kind, text: lines))
  }

  private func starts(_ word: String, at start: Int) -> Bool { bytes[start...].starts(with: word.utf8) }

  private mutating func skip(past word: String) {
    while place < bytes.count, !starts(word, at: place) { place += 1 }
    place = min(bytes.count, place + word.utf8.count)
  }

  private mutating func readTag() {
    if starts("<!--", at: place) { return skip(past: "-->") }
    let start = place + 1
    guard start < bytes.count else { return place = bytes.count }
    // Programs and rules of style hold what looks like tags; only their own end counts.
    if let left, ["script", "style"].contains(left.name), !starts("</" + left.name, at: place) { return place = start }
    let first = bytes[start] | 0x20
    guard (0x61...0x7A).contains(first) || "/!?".utf8.contains(bytes[start]) else { return readCharacter() }
    let isClosing = bytes[start] == UInt8(ascii: "/")
    var end = isClosing ? start + 1 : start
    let nameStart = end
    while end < bytes.count, bytes[end] | 0x20 >= 0x61 && bytes[end] | 0x20 <= 0x7A || isDigit(end) { end += 1 }
    let name = String(decoding: bytes[nameStart..<end], as: UTF8.self).lowercased()
    let attributesStart = end
    var quote: UInt8?
    while end < bytes.count, quote != nil || bytes[end] != UInt8(ascii: ">") {
      if bytes[end] == quote {
        quote = nil
      } else if quote == nil, bytes[end] == UInt8(ascii: "\"") || bytes[end] == UInt8(ascii: "'") {
        quote = bytes[end]
      }
      end += 1
    }
    place = min(end + 1, bytes.count)
    guard !name.isEmpty else { return }
    let attributes = bytes[attributesStart..<end]
    let isEmpty = attributes.last == UInt8(ascii: "/") || ["br", "img", "hr", "meta", "link", "input"].contains(name)
    if isClosing { close(name) } else { open(name, attributes, isEmpty) }
  }

  private func isDigit(_ place: Int) -> Bool { bytes[place] >= 0x30 && bytes[place] <= 0x39 }

  private mutating func open(_ name: String, _ attributes: ArraySlice<UInt8>, _ isEmpty: Bool) {
    if let left {
      if left.name == name, !isEmpty { self.left = (name, left.depth + 1) }
      return
    }
    if !isEmpty, isSilent(name, attributes) {
      if Self.breaking.contains(name) { breakBlock(name) }
      left = (name, 1)
      return
    }
    breakBlock(name)
    if isEmpty {
      if name == "br" { text.append(preformatted > 0 ? 0x0A : 0x20) }
      return
    }
    switch name {
    case "pre": preformatted += 1
    case "h1", "h2", "h3", "h4", "h5", "h6": heading += 1
    case "td", "th":
      if text.contains(where: { $0 > 0x20 }) { text += Array((text.last == 0x20 ? "| " : " | ").utf8) }
      cells += 1
    default: break
    }
  }

  private mutating func close(_ name: String) {
    if let left {
      guard left.name == name else { return }
      self.left = left.depth == 1 ? nil : (name, left.depth - 1)
      return
    }
    breakBlock(name)
    switch name {
    case "pre": preformatted = max(0, preformatted - 1)
    case "h1", "h2", "h3", "h4", "h5", "h6": heading = max(0, heading - 1)
    case "td", "th": cells = max(0, cells - 1)
    default: break
    }
  }

  /// A row of a table is one block, whatever its cells are made of.
  private mutating func breakBlock(_ name: String) {
    guard Self.breaking.contains(name) else { return }
    if cells > 0, name != "tr", name != "table" { return addSpace() }
    flush()
  }

  private func isSilent(_ name: String, _ attributes: ArraySlice<UInt8>) -> Bool {
    if Self.silent.contains(name) { return true }
    func value(_ key: String) -> [Substring] {
      let text = String(decoding: attributes, as: UTF8.self)
      guard let found = text.firstRange(of: " \(key)=\"") else { return [] }
      return text[found.upperBound...].prefix { $0 != "\"" }.split(separator: " ")
    }
    return value("class").contains { Self.silentClasses.contains(String($0)) }
      || value("id").contains { Self.silentIDs.contains(String($0)) }
  }

  private mutating func addSpace() {
    if let last = text.last, last != 0x20 { text.append(0x20) }
  }

  private mutating func readCharacter() {
    let byte = bytes[place]
    if byte == UInt8(ascii: "&"), let (scalar, length) = reference() {
      place += length
      add(scalar)
    } else if preformatted == 0, byte == 0x20 || byte >= 0x09 && byte <= 0x0D {
      place += 1
      if left == nil { addSpace() }
    } else {
      // One character of UTF-8; what is broken becomes U+FFFD when the block is closed.
      var end = place + 1
      while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
      let character = bytes[place..<end]
      place = end
      if character.elementsEqual([0xC2, 0xA0]) { return add(" ") }
      // Soft hyphens and spaces of no width are hints for the one who sets the line.
      let isHint = character.elementsEqual([0xC2, 0xAD]) || character.elementsEqual([0xE2, 0x80, 0x8B])
      if left == nil, !isHint { text += character }
    }
  }

  private mutating func add(_ scalar: Unicode.Scalar) {
    guard left == nil, scalar != "\u{AD}", scalar != "\u{200B}" else { return }
    if preformatted == 0, scalar == " " || scalar == "\u{A0}" { return addSpace() }
    text += Array(String(scalar == "\u{A0}" ? " " : scalar).utf8)
  }

  private func reference() -> (Unicode.Scalar, Int)? {
    guard let end = bytes[place...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
    let name = String(decoding: bytes[(place + 1)..<end], as: UTF8.self)
    let named: [String: Unicode.Scalar] = [
      "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{A0}",
    ]
    if let scalar = named[name] { return (scalar, end + 1 - place) }
    guard name.hasPrefix("#") else { return nil }
    let digits = name.dropFirst()
    let value = digits.first == "x" || digits.first == "X" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
    return value.flatMap(Unicode.Scalar.init).map { ($0, end + 1 - place) }
  }
}
