import Foundation

extension DataSet {
  /// Paragraphs and names that say the same in several languages.
  public static let parallelText = DataSet(
    name: "parallel-text", version: 3,
    summary:
      "Paragraphs of the Debian handbook and names of languages, countries, scripts and currencies, line by line in "
      + "\(ParallelText.languages.count) languages; an empty line where nobody translated.",
    licence: "handbook: GPL-2+ or CC-BY-SA-3.0; iso-codes: LGPL-2.1+",
    packages: [TechnicalText.handbook, DataPackage("iso-codes", file: "/usr/share/iso-codes/json/iso_639-2.json")],
    splitRule: "Paragraphs by page, one page on one side in every language; names by the English name. "
      + "A paragraph that equals the English one counts as not translated, and repetitions are dropped."
  ) { writer in
    let kinds = [("text", try ParallelText.paragraphs()), ("names", try ParallelText.names())]
    for (kind, rows) in kinds {
      for split in Split.allCases {
        let part = rows.filter { Split.of($0.key) == split }
        for (column, language) in ParallelText.languages.enumerated() {
          try writer.write("\(kind)-\(split.rawValue)-\(language.rawValue)", lines: part.map { $0.texts[column] })
          let count = part.count { !$0.texts[column].isEmpty }
          writer.count(split.rawValue, count, "\(kind == "text" ? "paragraphs" : "names") (\(language.rawValue))")
        }
        if let first = part.first(where: { row in row.texts.allSatisfy { !$0.isEmpty } }) ?? part.first {
          let shown = zip(ParallelText.languages, first.texts).map { "\($0.rawValue): \($1.prefix(120))" }
          writer.sample(split.rawValue, shown.joined(separator: " / "))
        }
      }
    }
  }
}

/// Texts in several languages that say the same.
enum ParallelText {
  /// Languages of which half of the handbook or more is translated, and Turkish.
  enum Language: String, CaseIterable {
    case english = "en", german = "de", french = "fr", spanish = "es", italian = "it", portuguese = "pt-BR"
    case russian = "ru", japanese = "ja", turkish = "tr"

    var handbook: String {
      switch self {
      case .english: "en-US"
      case .german: "de-DE"
      case .french: "fr-FR"
      case .spanish: "es-ES"
      case .italian: "it-IT"
      case .portuguese: "pt-BR"
      case .russian: "ru-RU"
      case .japanese: "ja-JP"
      case .turkish: "tr-TR"
      }
    }
    var locale: String { self == .portuguese ? "pt_BR" : rawValue }
  }

  static let languages = Language.allCases

  /// A meaning: what its side is drawn from, and its texts by language; empty where there is none.
  struct Row: Equatable {
    var key: String
    var texts: [String]
  }

  /// Pages of one name have the same blocks in every language. Where the numbers of blocks differ, the page is left out in that language.
  static func paragraphs() throws -> [Row] {
    let folder = TechnicalText.handbookFolder
    var (rows, seen) = ([Row](), Set<String>())
    for name in try Files.names(in: folder + "en-US") where name.hasSuffix(".html") {
      let pages = try languages.map { language -> [MarkupText.Block] in
        let path = "\(folder)\(language.handbook)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return MarkupText([UInt8](try Files.read(path))).blocks
      }
      rows += aligned(pages, key: TechnicalText.family(of: "handbook/\(name.dropLast(5))"), seen: &seen)
    }
    return rows
  }

  /// - Parameter pages: English first
  static func aligned(_ pages: [[MarkupText.Block]], key: String, seen: inout Set<String>) -> [Row] {
    guard let english = pages.first else { return [] }
    var rows: [Row] = []
    for (place, block) in english.enumerated() where block.kind != .code {
      var texts = [block.text]
      for page in pages.dropFirst() {
        let isLike = page.count == english.count && page[place].kind == block.kind
        texts.append(isLike && page[place].text != block.text ? page[place].text : "")
      }
      guard texts.dropFirst().contains(where: { !$0.isEmpty }), seen.insert(block.text).inserted else { continue }
      rows.append(Row(key: key, texts: texts))
    }
    return rows
  }

  static func names() throws -> [Row] {
    var (rows, seen) = ([Row](), Set<String>())
    for domain in ["iso_639-2", "iso_3166-1", "iso_15924", "iso_4217"] {
      let tables = try languages.dropFirst().map { language -> [String: String] in
        let path = "/usr/share/locale/\(language.locale)/LC_MESSAGES/\(domain).mo"
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        return try MessageCatalogue([UInt8](try Files.read(path)), path).messages
      }
      let keys = Set(tables.flatMap(\.keys)).sorted(by: Files.precedes)
      for key in keys where !key.isEmpty && !key.utf8.contains(0x0A) && seen.insert(key).inserted {
        let texts = tables.map { table in table[key].map { $0 == key || $0.utf8.contains(0x0A) ? "" : $0 } ?? "" }
        if texts.contains(where: { !$0.isEmpty }) { rows.append(Row(key: "name/\(key)", texts: [key] + texts)) }
      }
    }
    return rows
  }
}

/// A compiled catalogue of gettext, as the manual of GNU gettext describes it ("The Format of GNU MO Files").
struct MessageCatalogue {
  /// Translations by the text they stand for.
  private(set) var messages: [String: String] = [:]

  /// - Throws: `LabError.malformed` naming the file.
  init(_ bytes: [UInt8], _ path: String) throws {
    func refuse(_ reason: String) -> LabError { .malformed(path, reason) }
    guard bytes.count >= 20 else { throw refuse("it ends within the header") }
    let isLittle = bytes.starts(with: [0xDE, 0x12, 0x04, 0x95])
    guard isLittle || bytes.starts(with: [0x95, 0x04, 0x12, 0xDE]) else {
      throw refuse("it is no catalogue of gettext")
    }
    func number(_ place: Int) throws -> Int {
      guard place >= 0, place <= bytes.count - 4 else { throw refuse("a number would stand at byte \(place)") }
      let four = bytes[place..<place + 4]
      return (isLittle ? Array(four.reversed()) : Array(four)).reduce(0) { $0 << 8 | Int($1) }
    }
    func text(_ entry: Int) throws -> String {
      let (length, start) = (try number(entry), try number(entry + 4))
      guard start + length <= bytes.count else { throw refuse("a text would end at byte \(start + length)") }
      return String(decoding: bytes[start..<start + length], as: UTF8.self)
    }
    let (count, originals, translations) = (try number(8), try number(12), try number(16))
    guard count <= bytes.count / 16 else { throw refuse("\(count) messages cannot be in \(bytes.count) bytes") }
    for index in 0..<count {
      messages[try text(originals + 8 * index)] = try text(translations + 8 * index)
    }
  }
}
