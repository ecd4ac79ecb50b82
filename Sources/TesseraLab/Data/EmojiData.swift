import Foundation
import TesseraFonts
import TesseraPictures
import TesseraTensor

extension DataSet {
  /// Colour emoji with names and keywords.
  public static let emoji = DataSet(
    name: "emoji", version: 1,
    summary: "Colour emoji of one code point, 64 x 64, RGBA, with groups, and names and keywords in ten languages",
    licence: "pictures of Noto Color Emoji (OFL-1.1); names of Unicode CLDR and lists of Unicode (Unicode-DFS-2016)",
    packages: EmojiSource.packages,
    splitRule: """
      Pictures closer than 0.05 (root mean square over white, 16 x 16) are joined, with all that are joined through them; whole \
      components are held out, a tenth of them.
      """,
    build: { try EmojiSource.build($0) })
}

/// The pictures of `DataSet.emoji`, with what is known of them.
///
///     let emoji = try Emoji(DataSet.emoji.open(lab))
///     let face = emoji.train.picture(0)                          // RGBA, 64 x 64
///     let captions = try emoji.train.names("tr")
public struct Emoji: Sendable {
  /// One side of the split; arrays and texts correspond row for row.
  public struct Part: Sendable {
    /// `[n, 4, 64, 64]`: red, green, blue, and alpha that is not multiplied in.
    public let images: DataArray<UInt8>
    /// The code points, `[n]`.
    public let codePoints: [Int64]
    /// The group, `[n]`: an index of `Emoji.groups`.
    public let groups: [Int64]
    /// The subgroup, `[n]`: an index of `Emoji.subgroups`.
    public let subgroups: [Int64]
    /// The component of near-duplicates, `[n]`.
    public let components: [Int64]
    let folder: DataFolder
    let split: String

    /// How many there are.
    public var count: Int { codePoints.count }

    /// One of them.
    public func picture(_ index: Int) -> Picture {
      let side = EmojiSource.side
      let planes = Array(images[row: index])
      var bytes = [UInt8](repeating: 0, count: planes.count)
      for place in 0..<side * side {
        for channel in 0..<4 { bytes[place * 4 + channel] = planes[channel * side * side + place] }
      }
      // The sizes were checked when the part was read.
      return (try? Picture(width: side, height: side, channels: 4, bytes: bytes)) ?? EmojiSource.blank
    }

    /// The short names in a language, `[n]`; empty where there is none.
    /// - Throws: `LabError` if the language is not one of `Emoji.languages`.
    public func names(_ language: String) throws -> [String] { try texts("names", language) }

    /// The keywords in a language, `[n]`, separated by " | "; empty where there are none.
    public func keywords(_ language: String) throws -> [String] { try texts("keywords", language) }

    private func texts(_ kind: String, _ language: String) throws -> [String] {
      guard Emoji.languages.contains(language) else { throw LabError.unknown("language", language, Emoji.languages) }
      let lines = try folder.lines("\(split)-\(kind)-\(language)")
      guard lines.count == count else {
        throw LabError.malformed(folder.path, "\(lines.count) \(kind) for \(count) emoji")
      }
      return lines
    }
  }

  /// The languages of names and keywords.
  public static let languages = ["ar", "de", "en", "es", "fr", "hi", "ja", "ru", "tr", "zh"]
  /// Seen in training.
  public let train: Part
  /// Held-out components.
  public let test: Part
  /// The names of the groups.
  public let groups: [String]
  /// The names of the subgroups.
  public let subgroups: [String]

  /// - Throws: `LabError` if a file is not as it was built.
  public init(_ folder: DataFolder) throws {
    (train, test) = (try Self.part("train", folder), try Self.part("test", folder))
    (groups, subgroups) = (try folder.lines("groups"), try folder.lines("subgroups"))
  }

  private static func part(_ split: String, _ folder: DataFolder) throws -> Part {
    let images: DataArray<UInt8> = try folder.array("\(split)-images")
    let columns = try ["code-points", "groups", "subgroups", "components"].map { name -> [Int64] in
      let column: DataArray<Int64> = try folder.array("\(split)-\(name)")
      guard images.shape == [column.rows, 4, EmojiSource.side, EmojiSource.side] else {
        throw LabError.malformed(folder.path, "'\(split)-\(name)' does not fit the pictures")
      }
      return column.elements
    }
    return Part(
      images: images, codePoints: columns[0], groups: columns[1], subgroups: columns[2], components: columns[3],
      folder: folder, split: split)
  }
}

/// How the emoji are made.
enum EmojiSource {
  static let side = 64
  /// One under which the two dozen faces of clocks, a single component, are trained on and do not make up a sixth of the test.
  static let seed: UInt64 = 65
  static let font = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
  static let list = "/usr/share/unicode/emoji/emoji-test.txt"
  static let annotations = "/usr/share/unicode/cldr/common/annotations"
  static let packages = [
    DataPackage("fonts-noto-color-emoji", file: font), DataPackage("unicode-data", file: list),
    DataPackage("unicode-cldr-core", file: annotations + "/en.xml"),
  ]
  static let blank = Picture(transparent: side)

  /// An emoji with its picture.
  struct Item {
    let entry: EmojiList.Entry
    let picture: Picture
    var component = 0
  }

  static func build(_ writer: DataWriter) throws {
    let text = String(decoding: try Files.read(list), as: UTF8.self)
    try write(try pictures(EmojiList(parsing: text, list).entries, writer.lab), writer) { language in
      let path = "\(annotations)/\(language).xml"
      return try EmojiNames(parsing: String(decoding: Files.read(path), as: UTF8.self), path)
    }
  }

  /// Divides the emoji and writes them.
  /// - Parameter names: what emoji are called in a language
  static func write(_ items: [Item], _ writer: DataWriter, names: (String) throws -> EmojiNames) throws {
    var items = items
    let labels = components(items.map(\.picture))
    for (index, label) in labels.enumerated() { items[index].component = label }
    let test = heldOut(items)
    let groups = unique(items.map(\.entry.group))
    let subgroups = unique(items.map(\.entry.subgroup))
    try writer.write("groups", lines: groups)
    try writer.write("subgroups", lines: subgroups)
    writer.count("all", (labels.max() ?? -1) + 1, "components")
    try demandDistance(items, test)
    for (split, part) in [
      ("train", items.filter { !test.contains($0.component) }), ("test", items.filter { test.contains($0.component) }),
    ] {
      try write(part, split, groups, subgroups, writer)
    }
    try writeNames(items, test, writer, names)
  }

  private static func writeNames(
    _ items: [Item], _ test: Set<Int>, _ writer: DataWriter, _ names: (String) throws -> EmojiNames
  ) throws {
    var isNamed = [Bool](repeating: true, count: items.count)
    for language in Emoji.languages {
      let known = try names(language)
      // The newest emoji have no annotations yet, but the list names them in English.
      let texts = items.map { known.names[$0.entry.scalar] ?? (language == "en" ? $0.entry.name : "") }
      let keywords = items.map { known.keywords[$0.entry.scalar] ?? "" }
      for (index, text) in texts.enumerated() where text.isEmpty { isNamed[index] = false }
      for (split, isTest) in [("train", false), ("test", true)] {
        let part = items.indices.filter { test.contains(items[$0].component) == isTest }
        try writer.write("\(split)-names-\(language)", lines: part.map { texts[$0] })
        try writer.write("\(split)-keywords-\(language)", lines: part.map { keywords[$0] })
      }
    }
    for (split, isTest) in [("train", false), ("test", true)] {
      let count = items.indices.count { isNamed[$0] && test.contains(items[$0].component) == isTest }
      writer.count(split, count, "pictures with a name in every language")
    }
  }

  /// The emoji that the font has, each different picture once.
  private static func pictures(_ entries: [EmojiList.Entry], _ lab: Lab) throws -> [Item] {
    let face = try Typeface(contentsOf: font)
    var seen: Set<[UInt8]> = []
    var items: [Item] = []
    for (done, entry) in entries.enumerated() {
      try lab.report(Progress("emoji", done: done, total: entries.count, unit: "pictures"))
      guard face.has(entry.scalar), let glyph = try face.colourBitmap(entry.scalar),
        seen.insert(glyph.bytes).inserted
      else { continue }
      items.append(Item(entry: entry, picture: try picture(of: glyph)))
    }
    return items
  }

  /// A glyph in the middle of a transparent square, made as small as the data set's pictures.
  static func picture(of glyph: GlyphBitmap) throws -> Picture {
    let square = max(glyph.width, glyph.height, 1)
    let top = (square - glyph.height) / 2
    let canvas = glyph.placed(width: square, height: square, baseline: glyph.top + top)
    return try Picture(width: square, height: square, channels: 4, bytes: canvas).resized(width: side, height: side)
  }

  /// The component of near-duplicates of every picture: pairs closer than 0.05 are joined, seen over white in 16 x 16 pixels.
  static func components(_ pictures: [Picture], limit: Float = 0.05) -> [Int] {
    let small = 16
    var rows: [Float] = []
    rows.reserveCapacity(pictures.count * small * small * 3)
    for picture in pictures {
      let white = picture.composited(over: (red: 255, green: 255, blue: 255))
      rows += (try? white.resized(width: small, height: small))?.planes ?? []
    }
    var components = Components(count: pictures.count)
    components.join(rows: rows, width: small * small * 3, rootMeanSquareBelow: limit)
    return components.labels()
  }

  /// What the rule of the split promises is looked at before anything is written.
  private static func demandDistance(_ items: [Item], _ test: Set<Int>) throws {
    let sides = [false, true].map { side in items.filter { test.contains($0.component) == side }.map(\.picture) }
    let joined = Set(components(sides[0] + sides[1]))
    let apart = sides.map { Set(components($0)).count }
    guard joined.count == apart[0] + apart[1] else {
      throw LabError.refused("emoji", "near-duplicates stand on both sides of the split")
    }
  }

  /// A tenth of the components.
  private static func heldOut(_ items: [Item]) -> Set<Int> {
    var groups: [(key: String, size: Int)] = []
    for item in items where item.component == groups.count {
      groups.append(("U+\(String(item.entry.scalar.value, radix: 16))", 1))
    }
    return HeldOut.choose(groups, amount: groups.count / 10, seed: seed)
  }

  private static func write(
    _ items: [Item], _ split: String, _ groups: [String], _ subgroups: [String], _ writer: DataWriter
  ) throws {
    func column(_ name: String, _ values: [Int]) throws {
      try writer.write("\(split)-\(name)", DataArray(values.map(Int64.init), [values.count]))
    }
    var planes: [UInt8] = []
    planes.reserveCapacity(items.count * side * side * 4)
    for item in items {
      for channel in 0..<4 {
        planes += stride(from: channel, to: item.picture.bytes.count, by: 4).lazy.map { item.picture.bytes[$0] }
      }
    }
    try writer.write("\(split)-images", DataArray(planes, [items.count, 4, side, side]))
    try column("code-points", items.map { Int($0.entry.scalar.value) })
    try column("groups", items.map { groups.firstIndex(of: $0.entry.group) ?? -1 })
    try column("subgroups", items.map { subgroups.firstIndex(of: $0.entry.subgroup) ?? -1 })
    try column("components", items.map(\.component))
    writer.count(split, items.count, "pictures")
    writer.count(split, Set(items.map(\.component)).count, "components")

    let tiles = min(items.count, 96)
    let shown = (0..<tiles).map { items[$0 * items.count / tiles].picture }
    try writer.write("\(split)-sample.png", bytes: Data(Self.sheet(shown, columns: 16).encoded(as: .png)))
    writer.sample(split, "\(shown.count) of \(items.count)", file: "\(split)-sample.png")
  }

  /// Pictures in rows over a transparent ground.
  static func sheet(_ pictures: [Picture], columns: Int) throws -> Picture {
    let rows = max(1, (pictures.count + columns - 1) / columns)
    var sheet = try Picture(width: columns * side, height: rows * side, filledWith: [0, 0, 0, 0])
    for (index, picture) in pictures.enumerated() {
      sheet.draw(picture, x: index % columns * side, y: index / columns * side)
    }
    return sheet
  }

  private static func unique(_ texts: [String]) -> [String] {
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }
  }
}
