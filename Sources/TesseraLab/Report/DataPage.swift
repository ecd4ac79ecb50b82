import Foundation

/// The data sets of the laboratory on one page: counts, rules, terms, and samples, from the manifests of their folders.
public struct DataPage: Sendable {
  /// A data set that is not built.
  public struct Absence: Sendable {
    /// What it is called.
    public let name: String
    /// What it is.
    public let summary: String
    /// Packages that are missing; none if it only was not built yet.
    public let missing: [String]

    /// Makes it from its parts.
    public init(_ name: String, summary: String, missing: [String]) {
      (self.name, self.summary, self.missing) = (name, summary, missing)
    }
  }

  /// What is built.
  public let folders: [DataFolder]
  /// What is not.
  public let absent: [Absence]

  /// Makes it from its parts.
  public init(folders: [DataFolder], absent: [Absence] = []) { (self.folders, self.absent) = (folders, absent) }

  /// The data sets of a laboratory as they lie in its cache; nothing is built.
  /// - Throws: `LabError` if a folder is damaged.
  public init(_ lab: Lab) throws {
    var (folders, absent): ([DataFolder], [Absence]) = ([], [])
    for set in DataSet.all {
      if FileManager.default.fileExists(atPath: set.path(lab) + "/manifest.json") {
        folders.append(try DataFolder(set.path(lab)))
      } else {
        let missing = set.packages.filter { !$0.isInstalled }.map(\.name)
        absent.append(Absence(set.name, summary: set.summary, missing: missing))
      }
    }
    self.init(folders: folders, absent: absent)
  }

  /// The page.
  public var html: String {
    let subtitle =
      "Built on the spot from packages of the distribution or from nothing, the same bytes every time. Items are divided by source, so "
      + "that near-duplicates stand on one side."
    let sections = folders.enumerated().map { section($1, $0) }.joined("\n")
    return Page(title: "Tessera: the data", subtitle: subtitle, body: overview + sections + missing).html
  }

  private var overview: Markup {
    guard !folders.isEmpty else { return "<section class=\"card\"><p>No data set is built yet.</p></section>" }
    var table = PageTable([.init("Data set"), .init("Holds"), .init("Size", side: .right)])
    for (index, folder) in folders.enumerated() {
      let manifest = folder.manifest
      let counts = manifest.counts.map { "\($0.split) \($0.count) \($0.unit)" }.joined(separator: ", ")
      let bytes = manifest.files.reduce(0) { $0 + $1.bytes }
      table.add(
        .init("<a href=\"#d\(index)\">\(manifest.name)</a>", key: manifest.name), .init(text: counts),
        .init(Double(bytes), text: Self.size(bytes)))
    }
    return "<section class=\"card\"><h2>Data sets</h2>\(table.markup())</section>\n"
  }

  private var missing: Markup {
    guard !absent.isEmpty else { return "" }
    var table = PageTable([.init("Data set"), .init("What it is"), .init("Needs")])
    for absence in absent {
      let need = absence.missing.isEmpty ? "tessera lab data \(absence.name)" : absence.missing.joined(separator: ", ")
      table.add(.init(text: absence.name), .init(text: absence.summary), .init(text: need))
    }
    return "\n<section class=\"card\"><h2>Not built</h2>\(table.markup())</section>"
  }

  private func section(_ folder: DataFolder, _ index: Int) -> Markup {
    let manifest = folder.manifest
    var counts = PageTable([.init("Split"), .init("Count", side: .right), .init("Unit")])
    for count in manifest.counts {
      counts.add(.init(text: count.split), .init(Double(count.count), text: "\(count.count)"), .init(text: count.unit))
    }
    var files = PageTable([.init("File"), .init("Size", side: .right), .init("Checksum")])
    for file in manifest.files {
      files.add(
        .init(text: file.name), .init(Double(file.bytes), text: Self.size(file.bytes)),
        .init("<code>\(file.checksum)</code>"))
    }
    let packages = manifest.packages.isEmpty ? "none" : manifest.packages.joined(separator: ", ")
    let splits = manifest.samples.reduce(into: [String]()) { if !$0.contains($1.split) { $0.append($1.split) } }
    let samples = splits.map { split -> Markup in
      let shown = manifest.samples.filter { $0.split == split }.prefix(48).map { sample(folder, $0) }
      return "<h3>Samples: \(split)</h3><div class=\"samples\">\(shown.joined("\n"))</div>"
    }
    return """
      <article class="card" id="d\(index)">
      <div class="head"><h2>\(manifest.name)</h2><span class="soft small">version \(manifest.version)</span></div>
      <p class="claim">\(manifest.summary)</p>
      <dl><dt>Division</dt><dd>\(manifest.splitRule)</dd><dt>Terms</dt><dd>\(manifest.licence)</dd>\
      <dt>Packages</dt><dd>\(packages)</dd></dl>
      <h3>Counts</h3>
      \(counts.markup())
      \(samples.joined("\n"))
      <details><summary>\(manifest.files.count) files</summary>\(files.markup())</details>
      </article>
      """
  }

  private func sample(_ folder: DataFolder, _ sample: DataManifest.Sample) -> Markup {
    guard let name = sample.file else {
      return "<figure><blockquote dir=\"auto\">\(sample.text)</blockquote></figure>"
    }
    let caption: Markup = "<span dir=\"auto\">\(sample.text)</span>"
    guard let bytes = Self.safe(name).flatMap({ try? folder.bytes($0) }), bytes.count <= 1 << 20 else {
      return "<figure><blockquote dir=\"auto\">\(name)</blockquote>\(caption)</figure>"
    }
    if let size = PictureSize(bytes) {
      // Small pictures are shown in whole multiples, so that their dots stay dots.
      let factor = max(1, 128 / max(size.width, size.height, 1))
      let wide: Markup = size.width > 200 ? " class=\"wide\"" : ""
      return """
        <figure\(wide)><img alt="\(sample.text)" width="\(size.width * factor)" height="\(size.height * factor)" \
        src="data:image/png;base64,\(bytes.base64EncodedString())">\(caption)</figure>
        """
    }
    if bytes.starts(with: Array("RIFF".utf8)) {
      return
        "<figure><audio controls src=\"data:audio/wav;base64,\(bytes.base64EncodedString())\"></audio>\(caption)</figure>"
    }
    return "<figure><blockquote dir=\"auto\">\(name)</blockquote>\(caption)</figure>"
  }

  /// A name that stays in its folder.
  private static func safe(_ name: String) -> String? {
    name.hasPrefix("/") || name.split(separator: "/").contains("..") ? nil : name
  }

  static func size(_ bytes: Int) -> String {
    for (unit, size) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where Double(bytes) >= size {
      return "\(NumberText.of((Double(bytes) / size * 10).rounded() / 10)) \(unit)"
    }
    return "\(bytes) B"
  }
}

/// Width and height from the first chunk of a PNG file.
struct PictureSize {
  let width: Int
  let height: Int

  /// Nil if it is none, or is larger than a page can show.
  init?(_ bytes: Data) {
    let head = [UInt8](bytes.prefix(24))
    guard head.count == 24, head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else { return nil }
    func number(_ start: Int) -> Int { head[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
    (width, height) = (number(16), number(20))
    guard (1...4096).contains(width), (1...4096).contains(height) else { return nil }
  }
}
