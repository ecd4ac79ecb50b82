import Foundation

/// Manuals of one language as plain text, a document for each page.
struct TechnicalText {
  /// A page: what its side is drawn from, and its text, a line for each paragraph.
  struct Document: Equatable {
    var key: String
    var lines: [String]
  }

  /// Languages there are enough manuals of.
  enum Language: String, CaseIterable {
    case english = "en", german = "de", turkish = "tr"

    var name: String { "\(self)" }
    var handbook: String {
      switch self {
      case .english: "en-US"
      case .german: "de-DE"
      case .turkish: "tr-TR"
      }
    }
    /// The package whose list says which manual pages are meant, and the folder they lie in.
    var manuals: (package: String, folder: String) {
      switch self {
      case .english: ("manpages", "/usr/share/man/")
      case .german: ("manpages-de", "/usr/share/man/de/")
      case .turkish: ("manpages-tr", "/usr/share/man/tr/")
      }
    }
    /// Sections of the manual, chosen so that the languages have about as much text.
    var sections: Set<Character> {
      switch self {
      case .english: ["1", "2", "4", "5", "7", "8"]
      case .german: ["5", "7"]
      case .turkish: ["1", "2", "3", "4", "5", "7", "8"]
      }
    }
  }

  static let handbook = DataPackage("debian-handbook", file: handbookFolder + "en-US/index.html")
  static let handbookFolder = "/usr/share/doc/debian-handbook/html/"

  static func packages(_ language: Language) -> [DataPackage] {
    var packages = [
      handbook, DataPackage(language.manuals.package, file: "/var/lib/dpkg/info/\(language.manuals.package).list"),
    ]
    if language != .turkish {
      packages.append(
        DataPackage(
          "debian-reference-\(language.rawValue)", file: "/usr/share/debian-reference/ch01.\(language.rawValue).html"))
    }
    return packages
  }

  /// All documents, each line once.
  static func documents(_ language: Language, _ report: (Int, Int) throws -> Void) throws -> [Document] {
    var documents = try handbookPages(language)
    if language != .turkish { documents += try referenceChapters(language) }
    documents += try manualPages(language, report)
    var seen: Set<String> = []
    if language != .english {
      // What nobody translated is English.
      for document in try handbookPages(.english) { seen.formUnion(document.lines) }
      if language != .turkish { for document in try referenceChapters(.english) { seen.formUnion(document.lines) } }
    }
    return withoutRepetition(documents, seen: &seen)
  }

  /// What a document's side is drawn from: pages whose names begin with one word (`iso_8859-1`, `iso_8859-2`) share their boilerplate.
  static func family(of key: String) -> String {
    guard key.hasPrefix("manual/") else { return "family/" + key }
    let word = key.dropFirst(7).prefix { $0.isASCII && $0.isLetter }
    return "family/manual/" + (word.isEmpty ? String(key.dropFirst(7)) : word.lowercased())
  }

  /// Lines that were seen are dropped, and documents of which little is left.
  static func withoutRepetition(_ documents: [Document], seen: inout Set<String>, least: Int = 200) -> [Document] {
    var result: [Document] = []
    for document in documents {
      let lines = document.lines.filter { seen.insert($0).inserted }
      if lines.reduce(0, { $0 + $1.utf8.count + 1 }) >= least {
        result.append(Document(key: document.key, lines: lines))
      }
    }
    return result
  }

  private static func page(_ path: String, _ key: String) throws -> Document {
    let blocks = MarkupText([UInt8](try Files.read(path))).blocks
    return Document(key: key, lines: blocks.flatMap { $0.text.split(separator: "\n").map(String.init) })
  }

  private static func handbookPages(_ language: Language) throws -> [Document] {
    let folder = handbookFolder + language.handbook
    return try Files.names(in: folder).filter { $0.hasSuffix(".html") }.map {
      try page("\(folder)/\($0)", "handbook/\($0.dropLast(5))")
    }
  }

  private static func referenceChapters(_ language: Language) throws -> [Document] {
    let (folder, ending) = ("/usr/share/debian-reference", ".\(language.rawValue).html")
    return try Files.names(in: folder).filter { $0.hasSuffix(ending) && $0.hasPrefix("ch") }.map {
      try page("\(folder)/\($0)", "reference/\($0.dropLast(ending.count))")
    }
  }

  private static func manualPages(_ language: Language, _ report: (Int, Int) throws -> Void) throws -> [Document] {
    let (package, folder) = language.manuals
    let paths = try PackageFiles.paths(of: package).filter { path in
      guard path.hasPrefix(folder + "man"), path.hasSuffix(".gz") else { return false }
      return path.dropFirst(folder.count + 3).first.map(language.sections.contains) ?? false
    }
    var documents: [Document] = []
    for (index, path) in paths.enumerated() where try isRegular(path) {
      if index % 20 == 0 { try report(index, paths.count) }
      let text = String(decoding: try Program.run("gzip", ["-dc", path]), as: UTF8.self)
      let name = (path as NSString).lastPathComponent.dropLast(3)
      if let roff = RoffText(text) { documents.append(Document(key: "manual/\(name)", lines: roff.lines)) }
    }
    return documents
  }

  /// Links to other pages would be the same page twice.
  private static func isRegular(_ path: String) throws -> Bool {
    try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == .typeRegular
  }
}

extension DataSet {
  /// Manuals in English: what language models of the laboratory learn from.
  public static let textEnglish = technicalText(.english)
  /// Manuals in German.
  public static let textGerman = technicalText(.german)
  /// Manuals in Turkish.
  public static let textTurkish = technicalText(.turkish)

  private static func technicalText(_ language: TechnicalText.Language) -> DataSet {
    DataSet(
      name: "text-\(language.rawValue)", version: 3,
      summary: "Technical text in \(language.name.capitalized): manuals of the distribution, a document for each page.",
      licence: "GPL-2+, CC-BY-SA-3.0; manual pages: several free licences",
      packages: TechnicalText.packages(language),
      splitRule: "A line that occurred before is dropped; then whole documents are drawn by the first word "
        + "of their names, one word on one side in every language (8 % of the words test, 4 % validation)."
    ) { writer in
      let documents = try TechnicalText.documents(language) {
        try writer.lab.report(Progress("text-\(language.rawValue)", done: $0, total: $1, unit: "pages"))
      }
      for split in Split.allCases {
        let part = documents.filter { Split.of(TechnicalText.family(of: $0.key)) == split }
        let texts = part.map { Array($0.lines.map { $0 + "\n" }.joined().utf8) }
        try writer.write(split.rawValue, documents: texts)
        try writer.write(split.rawValue + "-names", lines: part.map(\.key))
        writer.count(split.rawValue, part.count, "documents")
        writer.count(split.rawValue, texts.reduce(0) { $0 + $1.count }, "bytes")
        if let first = part.first {
          writer.sample(split.rawValue, "\(first.key): \(first.lines.prefix(3).joined(separator: " "))")
        }
      }
    }
  }
}
