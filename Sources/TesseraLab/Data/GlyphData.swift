import Foundation
import TesseraFonts
import TesseraPictures
import TesseraTensor

extension DataSet {
  /// Letters and digits in many typefaces.
  public static let glyphs = DataSet(
    name: "glyphs", version: 1,
    summary: "Letters and digits in more than two hundred typefaces, 32 x 32, grey; also 10 classes, and a long tail",
    licence:
      "pictures of fonts under OFL-1.1, Apache-2.0, GPL and AGPL with font exception, and Bitstream Vera's terms",
    packages: GlyphSource.packages,
    splitRule: """
      Typefaces that look alike (relative squared difference of the alphabet below 0.10) or whose families begin with the same \
      word form a cluster, as do Lato and Carlito; whole clusters are held out, 21 % of the typefaces.
      """,
    build: { try GlyphSource.build($0) })
}

/// The letters of `DataSet.glyphs`, ready for training.
///
///     let glyphs = try Glyphs(DataSet.glyphs.open(lab))
///     let train = try glyphs.part(.longTail, .train)
///     let pictures = try train.images.tensor(rows: [0, 1, 2])         // uint8 [3, 1, 32, 32], 255 is ink
public struct Glyphs: Sendable {
  /// What is to be told apart.
  public enum Task: String, Sendable, CaseIterable {
    /// The capitals A to J.
    case ten = "glyph-10"
    /// Capitals, small letters, digits.
    case all = "glyph-62"
    /// All 62 classes; the class of rank c, in a shuffled order, keeps n · 0.01^(c/61) of its n training pictures. The test part is
    /// that of `all`.
    case longTail = "glyph-62-LT"
  }

  /// A part of the split.
  public enum Split: String, Sendable, CaseIterable {
    /// Seen in training.
    case train
    /// Held-out clusters of typefaces.
    case test
  }

  /// Pictures with their labels, row for row.
  public struct Part: Sendable {
    /// `[n, 1, 32, 32]`, 255 is ink.
    public let images: DataArray<UInt8>
    /// The class, `[n]`.
    public let labels: [Int64]
    /// The typeface, `[n]`: a line of `fonts.txt`.
    public let fonts: [Int64]
  }

  /// The characters of the 62 classes, by label.
  public static let characters = LetterPictures.characters.map(String.init)
  private let parts: [Split: Part]
  private let tail: [Int]
  /// The classes of the long tail from the most frequent to the rarest.
  public let tailOrder: [Int64]

  /// - Throws: `LabError` if a file is not as it was built.
  public init(_ folder: DataFolder) throws {
    parts = try Dictionary(
      uniqueKeysWithValues: Split.allCases.map { split in
        let images: DataArray<UInt8> = try folder.array("\(split)-images")
        let labels: DataArray<Int64> = try folder.array("\(split)-labels")
        let fonts: DataArray<Int64> = try folder.array("\(split)-fonts")
        guard images.rows == labels.rows, images.rows == fonts.rows else {
          throw LabError.malformed(folder.path, "the parts '\(split)' have different lengths")
        }
        return (split, Part(images: images, labels: labels.elements, fonts: fonts.elements))
      })
    let tail: DataArray<Int64> = try folder.array("long-tail")
    self.tail = tail.elements.map(Int.init)
    tailOrder = try folder.array("long-tail-order").elements
  }

  /// The pictures of a task's part.
  public func part(_ task: Task, _ split: Split) throws -> Part {
    guard let part = parts[split] else { throw LabError.unknown("split", split.rawValue, ["train", "test"]) }
    switch (task, split) {
    case (.all, _), (.longTail, .test): return part
    case (.longTail, .train): return try part.rows(tail)
    case (.ten, _): return try part.rows(part.labels.indices.filter { part.labels[$0] < 10 })
    }
  }
}

extension Glyphs.Part {
  /// Some of the pictures.
  func rows(_ rows: [Int]) throws -> Glyphs.Part {
    var pixels: [UInt8] = []
    for row in rows {
      guard labels.indices.contains(row) else { throw LabError.malformed("long-tail", "there is no picture \(row)") }
      pixels += images[row: row]
    }
    return Glyphs.Part(
      images: try DataArray(pixels, [rows.count] + images.shape.dropFirst()), labels: rows.map { labels[$0] },
      fonts: rows.map { fonts[$0] })
  }
}

/// How the letters are made.
enum GlyphSource {
  static let seed: UInt64 = 62
  /// Symbols under the codes of letters.
  static let disguised: Set<String> = ["D050000L", "Standard Symbols PS"]

  static let packages: [DataPackage] = [
    ("fonts-dejavu-core", "truetype/dejavu/DejaVuSans.ttf"),
    ("fonts-dejavu-extra", "truetype/dejavu/DejaVuSerif-Italic.ttf"),
    ("fonts-urw-base35", "opentype/urw-base35/NimbusSans-Regular.otf"),
    ("fonts-liberation", "truetype/liberation/LiberationSans-Regular.ttf"),
    ("fonts-noto-core", "truetype/noto/NotoSans-Regular.ttf"),
    ("fonts-freefont-ttf", "truetype/freefont/FreeSans.ttf"), ("fonts-lato", "truetype/lato/Lato-Regular.ttf"),
    ("fonts-open-sans", "truetype/open-sans/OpenSans-Regular.ttf"),
    ("fonts-roboto-unhinted", "truetype/roboto/unhinted/RobotoTTF/Roboto-Regular.ttf"),
    ("fonts-croscore", "truetype/croscore/Arimo-Regular.ttf"),
    ("fonts-crosextra-carlito", "truetype/crosextra/Carlito-Regular.ttf"),
    ("fonts-crosextra-caladea", "truetype/crosextra/Caladea-Regular.ttf"),
    ("fonts-ebgaramond", "opentype/ebgaramond/EBGaramond12-Regular.otf"),
    ("fonts-linuxlibertine", "opentype/linux-libertine/LinLibertine_R.otf"),
    ("fonts-firacode", "truetype/firacode/FiraCode-Regular.ttf"), ("fonts-hack", "truetype/hack/Hack-Regular.ttf"),
    ("fonts-inconsolata", "truetype/inconsolata/Inconsolata.otf"),
    ("fonts-comfortaa", "truetype/comfortaa/Comfortaa-Regular.ttf"),
    ("fonts-quicksand", "truetype/quicksand/Quicksand-Regular.ttf"), ("fonts-play", "truetype/play/Play-Regular.ttf"),
    ("fonts-cantarell", "opentype/cantarell/Cantarell-Regular.otf"),
    ("fonts-league-spartan", "opentype/league-spartan/LeagueSpartan-Regular.otf"),
    ("fonts-sil-gentium", "truetype/gentium/Gentium-R.ttf"), ("fonts-sil-andika", "truetype/andika/Andika-Regular.ttf"),
  ].map { DataPackage($0.0, file: "/usr/share/fonts/" + $0.1) }

  /// The typefaces with all the characters, each once, with where they come from, in the order of their paths.
  static func faces(_ lab: Lab) throws -> [(path: String, letters: LetterPictures)] {
    let paths = try packages.flatMap { try $0.files(endingIn: ["ttf", "otf", "ttc", "t1"]) }.sorted(by: Files.precedes)
    var seen: Set<[UInt8]> = []
    var faces: [(path: String, letters: LetterPictures)] = []
    for (done, path) in paths.enumerated() {
      try lab.report(Progress("fonts", done: done, total: paths.count, unit: "files"))
      guard let face = try? Typeface(contentsOf: path), let letters = LetterPictures(face),
        !disguised.contains(letters.family), seen.insert(letters.pixels).inserted
      else { continue }
      faces.append((path, letters))
    }
    return faces
  }

  static func build(_ writer: DataWriter) throws { try write(try faces(writer.lab), writer) }

  /// Divides the typefaces and writes them.
  static func write(_ faces: [(path: String, letters: LetterPictures)], _ writer: DataWriter) throws {
    let clusters = LetterPictures.clusters(faces.map(\.letters))
    var groups: [(key: String, size: Int)] = []
    for (face, cluster) in zip(faces, clusters) {
      if cluster == groups.count { groups.append((face.path, 0)) }
      groups[cluster].size += 1
    }
    let heldOut = HeldOut.choose(groups, amount: faces.count * 21 / 100, seed: seed)
    let test = Set(faces.indices.filter { heldOut.contains(clusters[$0]) })
    for seen in faces.indices where !test.contains(seen) {
      for unseen in test where faces[seen].letters.difference(faces[unseen].letters) < LetterPictures.limit {
        throw LabError.refused(
          "glyphs", "\(faces[seen].path) and \(faces[unseen].path) stand on two sides of the split")
      }
    }
    try writer.write("fonts", lines: faces.map { "\($0.letters.family)\t\($0.path)" })
    try writer.write("font-clusters", DataArray(clusters.map(Int64.init), [clusters.count]))
    try writer.write("classes", lines: Glyphs.characters)
    writer.count("all", groups.count, "clusters")
    for (split, chosen) in [("train", faces.indices.filter { !test.contains($0) }), ("test", test.sorted())] {
      try write(chosen, faces.map(\.letters), split, writer)
    }
    try writeTail(faces.count - test.count, writer)
  }

  private static func write(_ chosen: [Int], _ faces: [LetterPictures], _ split: String, _ writer: DataWriter) throws {
    let (classes, side) = (LetterPictures.characters.count, LetterPictures.side)
    let count = chosen.count * classes
    let pixels = chosen.flatMap { faces[$0].pixels }
    try writer.write("\(split)-images", DataArray(pixels, [count, 1, side, side]))
    try writer.write("\(split)-labels", DataArray((0..<count).map { Int64($0 % classes) }, [count]))
    try writer.write("\(split)-fonts", DataArray((0..<count).map { Int64(chosen[$0 / classes]) }, [count]))
    writer.count(split, chosen.count, "typefaces")
    writer.count(split, count, "pictures")
    let lines = min(chosen.count, 8)
    let shown = (0..<lines).map { $0 * chosen.count / lines }
    let tiles = shown.map { Array(pixels[$0 * classes * side * side..<($0 * classes + classes) * side * side]) }
    let sheet = try Self.sheet(tiles, columns: classes, side: side)
    try writer.write("\(split)-sample.png", bytes: Data(sheet.encoded(as: .png)))
    let names = shown.map { faces[chosen[$0]].family }.joined(separator: ", ")
    writer.sample(split, "one typeface a row: \(names)", file: "\(split)-sample.png")
  }

  /// Rows of pictures beside one another, ink black on white.
  static func sheet(_ rows: [[UInt8]], columns: Int, side: Int) throws -> Picture {
    var sheet = try Picture(width: columns * side, height: max(1, rows.count) * side, filledWith: [255])
    for (row, pixels) in rows.enumerated() {
      for (place, ink) in pixels.enumerated() {
        let (tile, inside) = place.quotientAndRemainder(dividingBy: side * side)
        sheet[tile * side + inside % side, row * side + inside / side, 0] = 255 - ink
      }
    }
    return sheet
  }

  /// Which training pictures the long tail keeps: their rows, sorted.
  private static func writeTail(_ fonts: Int, _ writer: DataWriter) throws {
    let tail = LongTail(classes: LetterPictures.characters.count, perClass: fonts, seed: seed)
    let rows = tail.kept.enumerated().flatMap { label, kept in kept.map { $0 * tail.kept.count + label } }.sorted()
    try writer.write("long-tail", DataArray(rows.map(Int64.init), [rows.count]))
    try writer.write("long-tail-order", DataArray(tail.order.map(Int64.init), [tail.order.count]))
    writer.count("train, long tail", rows.count, "pictures")
  }
}

/// A balanced set made unbalanced: the class of rank c keeps n · ratio^(c / (classes - 1)) of its n items, rounded, at least one.
struct LongTail {
  /// The classes from the most frequent to the rarest.
  let order: [Int]
  /// The items that each class keeps, by class, sorted.
  let kept: [[Int]]

  init(classes: Int, perClass: Int, ratio: Double = 0.01, seed: UInt64) {
    let stream = RandomStream(seed: seed)
    order = Self.shuffled(classes, stream.named("order of classes"))
    var kept = [[Int]](repeating: [], count: classes)
    for (rank, label) in order.enumerated() {
      let share = classes > 1 ? Foundation.pow(ratio, Double(rank) / Double(classes - 1)) : 1
      let count = min(perClass, max(1, Int((Double(perClass) * share).rounded())))
      kept[label] = Self.shuffled(perClass, stream.named("class \(label)")).prefix(count).sorted()
    }
    self.kept = kept
  }

  /// The numbers below a count in a random order.
  private static func shuffled(_ count: Int, _ stream: RandomStream) -> [Int] {
    var stream = stream
    return (0..<count).map { (stream.next(), $0) }.sorted { $0 < $1 }.map(\.1)
  }
}
