import Foundation

extension DataSet {
  /// Legal text: licences and statements of copyright of installed packages.
  public static let licences = DataSet(
    name: "licences", version: 1,
    summary: "licences and statements of copyright of the packages installed on the machine",
    licence: "each file under the terms it states",
    packages: [DataPackage("base-files", file: "/usr/share/common-licenses/GPL-3")],
    splitRule: "by package; a paragraph is taken once, and one whose words stand in the training part is not held out",
    build: { try Licences.build($0) })
}

private enum Licences {
  static func build(_ writer: DataWriter) throws {
    let packages = try files()
    var seen = Set<String>()
    for (side, held) in [("train", false), ("test", true)] {
      var documents: [[UInt8]] = []
      for (package, path) in packages where (Split.of(package, test: 20, validation: 0) == .test) == held {
        let text = paragraphs(of: path, &seen)
        if !text.isEmpty { documents.append(Array(text.utf8)) }
      }
      try writer.write(side, documents: documents)
      writer.count(side, documents.count, "files")
      writer.count(side, documents.reduce(0) { $0 + $1.count }, "bytes")
      for document in documents.prefix(2) {
        writer.sample(side, String(decoding: document.prefix(300), as: UTF8.self))
      }
    }
  }

  /// Names of packages with their files, the common licences first.
  private static func files() throws -> [(String, String)] {
    let common = "/usr/share/common-licenses", documentation = "/usr/share/doc"
    let packages = (try? Files.names(in: documentation)) ?? []
    return try Files.names(in: common).map { ($0, "\(common)/\($0)") }
      + packages.map { ($0, "\(documentation)/\($0)/copyright") }
  }

  /// The paragraphs of a file that were not seen before.
  private static func paragraphs(of path: String, _ seen: inout Set<String>) -> String {
    guard let data = FileManager.default.contents(atPath: path), data.count < 1 << 20,
      let text = String(validating: data, as: UTF8.self)
    else { return "" }
    var kept: [Substring] = []
    for paragraph in text.split(separator: "\n\n") {
      let words = paragraph.lowercased().split { !$0.isLetter }
      if words.count >= 8, seen.insert(words.joined(separator: " ")).inserted { kept.append(paragraph) }
    }
    return kept.joined(separator: "\n\n")
  }
}
