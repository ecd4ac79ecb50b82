import Foundation

/// The emoji of Unicode's list that are one code point each.
struct EmojiList: Equatable {
  /// One emoji.
  struct Entry: Equatable {
    /// Its code point; a variation selector behind it is dropped.
    let scalar: Unicode.Scalar
    /// For instance "Animals & Nature".
    let group: String
    /// For instance "animal-bird".
    let subgroup: String
    /// The list's own name, in English.
    let name: String
  }

  /// In the order of the list.
  let entries: [Entry]

  /// Reads `emoji-test.txt`. What is not fully qualified, has a skin tone or takes more than one code point is left out: sequences
  /// need ligatures, and nothing is shaped here.
  ///
  /// Source: Unicode Technical Standard #51, section "Emoji Sets".
  /// - Throws: `LabError.malformed` with the line.
  init(parsing text: String, _ path: String) throws {
    var (group, subgroup) = ("", "")
    var entries: [Entry] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("# group: ") { group = String(line.dropFirst("# group: ".count)) }
      if line.hasPrefix("# subgroup: ") { subgroup = String(line.dropFirst("# subgroup: ".count)) }
      let fields = line.prefix { $0 != "#" }.split(separator: ";")
      guard fields.count == 2 else { continue }
      guard fields[1].trimmingCharacters(in: .whitespaces) == "fully-qualified" else { continue }
      let codes = try fields[0].split(separator: " ").map { code in
        guard let value = UInt32(code, radix: 16), let scalar = Unicode.Scalar(value) else {
          throw LabError.malformed(path, "line \(number + 1): '\(code)' is no code point")
        }
        return scalar
      }
      let shown = codes.filter { $0 != "\u{FE0F}" }
      guard shown.count == 1, let scalar = shown.first, !("\u{1F3FB}"..."\u{1F3FF}").contains(scalar) else { continue }
      guard !group.isEmpty, !subgroup.isEmpty else {
        throw LabError.malformed(path, "line \(number + 1): an emoji stands outside the groups")
      }
      entries.append(Entry(scalar: scalar, group: group, subgroup: subgroup, name: Self.name(of: line)))
    }
    guard !entries.isEmpty else { throw LabError.malformed(path, "there are no emoji in it") }
    self.entries = entries
  }
}

extension EmojiList {
  /// What follows the version in a line's comment: "# 😀 E1.0 grinning face".
  private static func name(of line: Substring) -> String {
    let comment = line.utf8.split(separator: UInt8(ascii: "#"), maxSplits: 1).last ?? line.utf8[...]
    let words = comment.split(separator: UInt8(ascii: " "), maxSplits: 2)
    return words.count == 3 ? String(decoding: words[2], as: UTF8.self) : ""
  }
}

/// What emoji are called in one language: CLDR's annotations.
///
/// Source: Unicode Technical Standard #35, part 7, "Annotations". A file is read line by line, as the packages hold one annotation a
/// line; it is no reader of XML.
struct EmojiNames: Equatable {
  /// The short name by code point.
  private(set) var names: [Unicode.Scalar: String] = [:]
  /// Keywords, separated by " | ", by code point.
  private(set) var keywords: [Unicode.Scalar: String] = [:]

  /// Reads an annotation file; sequences are passed over.
  ///
  /// Everything is compared as bytes: a skin tone behind a quotation mark is one character with it.
  /// - Throws: `LabError.malformed` with the line.
  init(parsing text: String, _ path: String) throws {
    for (number, line) in Array(text.utf8).split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let line = line.drop { $0 == 0x20 || $0 == 0x09 }
      guard line.starts(with: "<annotation ".utf8) else { continue }
      guard let open = line.firstIndex(of: UInt8(ascii: ">")), let character = Self.value("cp", line[..<open]),
        let close = line[open...].firstIndex(of: UInt8(ascii: "<")),
        line[close...].starts(with: "</annotation>".utf8)
      else { throw LabError.malformed(path, "line \(number + 1): this is no annotation") }
      let content = Self.unescaped(line[(open + 1)..<close])
      let scalars = Self.unescaped(character).unicodeScalars.filter { $0 != "\u{FE0F}" }
      guard scalars.count == 1, let scalar = scalars.first else { continue }
      let isName = Self.value("type", line[..<open])?.elementsEqual("tts".utf8) ?? false
      if isName { names[scalar] = content } else { keywords[scalar] = content }
    }
  }

  /// The value of an attribute of a tag without its closing bracket.
  private static func value(_ key: String, _ tag: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let start = Array(" \(key)=\"".utf8)
    guard let place = tag.indices.first(where: { tag[$0...].starts(with: start) }) else { return nil }
    let rest = tag[(place + start.count)...]
    return rest.firstIndex(of: UInt8(ascii: "\"")).map { rest[..<$0] }
  }

  private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    guard bytes.contains(UInt8(ascii: "&")) else { return text }
    return [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
      .reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
  }
}
