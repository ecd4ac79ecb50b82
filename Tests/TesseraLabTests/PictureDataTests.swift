import Foundation
import TesseraFonts
import TesseraPictures
import TesseraTensor
import Testing

@testable import TesseraLab

@Suite("Dividing data")
struct SplitTests {
  @Test("groups are joined through their members and numbered by their first")
  func components() {
    var components = Components(count: 7)
    components.join(5, 3)
    components.join(6, 5)
    components.join(1, 2)
    #expect(components.labels() == [0, 1, 1, 2, 3, 2, 2])
  }

  @Test("rows nearer than the bound are joined, those at it are not")
  func nearRows() {
    // Three points on a line, 0.1 apart, and one that is exactly as far as the bound.
    let rows: [Float] = [0, 0, 0.1, 0.1, 0.2, 0.2, 0.75, 0.75, 1, 1]
    var components = Components(count: 5)
    components.join(rows: rows, width: 2, rootMeanSquareBelow: 0.25)
    #expect(components.labels() == [0, 0, 0, 1, 2])
    var loose = Components(count: 5)
    loose.join(rows: rows, width: 2, rootMeanSquareBelow: 0.2501)
    #expect(loose.labels() == [0, 0, 0, 1, 1])
  }

  @Test("joining rows equals the plain definition, also in wide rows")
  func nearRowsPlainly() {
    var stream = RandomStream(seed: 3)
    let width = 150
    let rows = (0..<40).flatMap { _ -> [Float] in
      let level = Float.random(in: 0...1, using: &stream)
      return (0..<width).map { _ in level + Float.random(in: -0.05...0.05, using: &stream) }
    }
    var components = Components(count: 40)
    components.join(rows: rows, width: width, rootMeanSquareBelow: 0.06)
    var plain = Components(count: 40)
    for a in 0..<40 {
      for b in 0..<a {
        let sum = (0..<width).reduce(Float(0)) {
          let difference = rows[a * width + $1] - rows[b * width + $1]
          return $0 + difference * difference
        }
        if (sum / Float(width)).squareRoot() < 0.06 { plain.join(a, b) }
      }
    }
    let labels = plain.labels()
    #expect(components.labels() == labels)
    #expect(Set(labels).count > 2 && Set(labels).count < 40)
  }

  @Test("what is held out is whole groups, fills the amount, and hangs on keys, not on their order")
  func heldOut() {
    for seed in 0..<20 as Range<UInt64> {
      var stream = RandomStream(seed: seed)
      let groups = (0..<30).map { (key: "group \($0)", size: Int.random(in: 1...9, using: &stream)) }
      let amount = groups.reduce(0) { $0 + $1.size } / 5
      let chosen = HeldOut.choose(groups, amount: amount, seed: seed)
      #expect(chosen.reduce(0) { $0 + groups[$1].size } == amount)
      let backward = HeldOut.choose(groups.reversed(), amount: amount, seed: seed)
      #expect(Set(backward.map { groups.count - 1 - $0 }) == chosen)
    }
    #expect(HeldOut.choose([("a", 5), ("b", 7)], amount: 4, seed: 1).isEmpty)
    #expect(HeldOut.choose([("a", 5), ("b", 7)], amount: 6, seed: 1) == [0])
    #expect(HeldOut.choose([], amount: 6, seed: 1).isEmpty)
  }

  @Test("a long tail falls from all items to a hundredth, in an order that is not the alphabet's")
  func longTail() {
    let tail = LongTail(classes: 62, perClass: 185, seed: 62)
    #expect(tail.order.sorted() == Array(0..<62) && tail.order != Array(0..<62))
    let counts = tail.order.map { tail.kept[$0].count }
    #expect(counts == counts.sorted(by: >))
    #expect(counts.first == 185 && counts.last == 2 && counts.reduce(0, +) == 2523)
    for kept in tail.kept {
      #expect(Set(kept).count == kept.count && kept == kept.sorted() && kept.allSatisfy((0..<185).contains))
    }
    #expect(LongTail(classes: 3, perClass: 4, seed: 1).kept.map(\.count).sorted() == [1, 1, 4])
    #expect(LongTail(classes: 1, perClass: 4, seed: 1).kept == [[0, 1, 2, 3]])
  }
}

@Suite("The data set of letters")
struct GlyphDataTests {
  /// Typefaces that are made of random blocks, each family with some variants of one design.
  static func faces(families: Int, variants: Int) -> [(path: String, letters: LetterPictures)] {
    (0..<families).flatMap { family -> [(path: String, letters: LetterPictures)] in
      var design = RandomStream(seed: UInt64(family))
      let blocks = (0..<62).map { _ in (0..<16).map { _ in design.next() & 1 == 1 } }
      return (0..<variants).map { variant in
        let ink = UInt8(255 - 10 * variant)
        let pixels = blocks.flatMap { block in
          (0..<1024).map { place in block[place % 32 / 8 + place / 256 * 4] ? ink : 0 }
        }
        // A variant under another name is found by its looks, one of other looks by its name.
        return ("/font-\(family)-\(variant)", LetterPictures(family: "Family\(family)\(variant % 2) x", pixels: pixels))
      }
    }
  }

  @Test("typefaces that look alike, share a first name or are known as one design form clusters")
  func clusters() {
    let faces = Self.faces(families: 3, variants: 3).map(\.letters)
    #expect(LetterPictures.clusters(faces) == [0, 0, 0, 1, 1, 1, 2, 2, 2])
    #expect(LetterPictures.clusters(faces, limit: 0) == [0, 1, 0, 2, 3, 2, 4, 5, 4])
    let lato = LetterPictures(family: "Lato Black", pixels: faces[0].pixels)
    let carlito = LetterPictures(family: "Carlito", pixels: faces[3].pixels)
    #expect(LetterPictures.clusters([lato, faces[6], carlito]) == [0, 1, 0])
  }

  @Test("the difference of alphabets is 0 for equal ones, 2 for ones without common ink, the same both ways")
  func difference() {
    let a = LetterPictures(family: "A", pixels: [255, 0, 0, 0])
    let b = LetterPictures(family: "B", pixels: [0, 255, 0, 0])
    let c = LetterPictures(family: "C", pixels: [255, 255, 0, 0])
    #expect(a.difference(a) == 0 && a.difference(b) == 2)
    #expect(abs(a.difference(c) - 2.0 / 3) < 1e-12 && a.difference(c) == c.difference(a))
  }

  @Test("a letter stands on the baseline, twenty rows high, in the middle")
  func rendering() throws {
    let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/fonts"
    let face = try Typeface(contentsOf: folder + "/boxes.ttf")
    let size = try face.size(capitals: LetterPictures.capitals)
    let picture = try LetterPictures.picture(of: "H", face, size: size)
    let inked = (0..<32).filter { row in picture[row * 32..<row * 32 + 32].contains { $0 > 0 } }
    #expect(inked == Array(5..<25))
    let columns = (0..<32).filter { column in (0..<32).contains { picture[$0 * 32 + column] > 0 } }
    #expect(abs((columns.first ?? 0) + (columns.last ?? 0) - 31) <= 1)
    #expect(LetterPictures(face) == nil, "it has no digits")
  }

  @Test("the data set keeps look-alikes on one side, and built twice gives the same bytes")
  func build() throws {
    let folder = try TemporaryFolder()
    let faces = Self.faces(families: 10, variants: 2)
    let set = DataSet(
      name: "letters", version: 1, summary: "", licence: "", packages: [], splitRule: "",
      build: { try GlyphSource.write(faces, $0) })
    let data = try set.open(Lab(cache: folder.path + "/a"))
    #expect(try set.open(Lab(cache: folder.path + "/b")).manifest == data.manifest)

    let glyphs = try Glyphs(data)
    let (train, test) = (try glyphs.part(.all, .train), try glyphs.part(.all, .test))
    #expect(train.images.shape == [16 * 62, 1, 32, 32] && test.images.shape == [4 * 62, 1, 32, 32])
    let clusters: DataArray<Int64> = try data.array("font-clusters")
    let sides = [train, test].map { Set($0.fonts.map { clusters.elements[Int($0)] }) }
    #expect(sides[0].isDisjoint(with: sides[1]) && sides[0].union(sides[1]).count == 10)
    for row in [0, 61, 100, 200] {
      let letters = faces[Int(test.fonts[row])].letters.pixels
      let label = Int(test.labels[row])
      #expect(Array(test.images[row: row]) == Array(letters[label * 1024..<label * 1024 + 1024]))
    }
    let ten = try glyphs.part(.ten, .train)
    #expect(ten.labels.count == 160 && Set(ten.labels) == Set(0..<10))
    let tail = try glyphs.part(.longTail, .train)
    let counts = glyphs.tailOrder.map { label in tail.labels.count { $0 == label } }
    #expect(counts == counts.sorted(by: >) && counts.first == 16 && counts.last == 1)
    #expect(try glyphs.part(.longTail, .test).labels == test.labels)
    #expect(try Picture(reading: Array(data.bytes("test-sample.png"))).width == 62 * 32)
  }
}

@Suite("The data set of emoji")
struct EmojiDataTests {
  @Test("of Unicode's list remain the fully qualified emoji of one code point without skin tone")
  func list() throws {
    let text = """
      # group: Smileys & Emotion
      # subgroup: face-smiling
      1F600 ; fully-qualified # 😀 E1.0 grinning face
      263A FE0F ; fully-qualified # ☺️ E0.6 smiling face
      263A ; unqualified # ☺ E0.6 smiling face
      # group: People & Body
      # subgroup: hand
      1F44B 1F3FB ; fully-qualified # 👋🏻 E1.0 waving hand: light skin tone
      1F3FB ; component # 🏻 E1.0 light skin tone
      1F468 200D 1F680 ; fully-qualified # 👨‍🚀 E4.0 man astronaut
      0023 FE0F 20E3 ; fully-qualified # #️⃣ E0.6 keycap: #
      1F44B ; fully-qualified # 👋 E0.6 waving hand
      """
    let entries = try EmojiList(parsing: text, "list").entries
    #expect(entries.map(\.scalar) == ["\u{1F600}", "\u{263A}", "\u{1F44B}"])
    #expect(entries.map(\.group) == ["Smileys & Emotion", "Smileys & Emotion", "People & Body"])
    #expect(entries.map(\.subgroup) == ["face-smiling", "face-smiling", "hand"])
    #expect(entries.map(\.name) == ["grinning face", "smiling face", "waving hand"])
  }

  @Test("a damaged list is refused with its line")
  func damagedList() {
    #expect(throws: LabError.malformed("list", "line 2: '1F60G' is no code point")) {
      try EmojiList(parsing: "# group: A\n1F60G ; fully-qualified # x", "list")
    }
    #expect(throws: LabError.malformed("list", "line 1: an emoji stands outside the groups")) {
      try EmojiList(parsing: "1F600 ; fully-qualified # x", "list")
    }
    #expect(throws: LabError.malformed("list", "there are no emoji in it")) { try EmojiList(parsing: "", "list") }
  }

  @Test("names and keywords are read as bytes, entities and combining characters included")
  func names() throws {
    let text = """
      <ldml>
      \t\t<annotation cp="🏻">type 1–2 | skin</annotation>
      \t\t<annotation cp="🏻" type="tts">light skin tone</annotation>
      \t\t<annotation cp="🔣">〒♪&amp;% | a &lt;b&gt;</annotation>
      \t\t<annotation cp="🔣" type="tts" draft="contributed">\u{301}symbols</annotation>
      \t\t<annotation cp="👨‍🚀" type="tts">astronaut</annotation>
      \t\t<annotation cp="&amp;" type="tts">and</annotation>
      </ldml>
      """
    let names = try EmojiNames(parsing: text, "en.xml")
    #expect(names.names == ["\u{1F3FB}": "light skin tone", "\u{1F523}": "\u{301}symbols", "&": "and"])
    #expect(names.keywords == ["\u{1F3FB}": "type 1–2 | skin", "\u{1F523}": "〒♪&% | a <b>"])
    for line in ["<annotation cp=\"x\">a", "<annotation cp=\"x\" type", "<annotation type=\"tts\">a</annotation>"] {
      #expect(throws: LabError.malformed("en.xml", "line 2: this is no annotation")) {
        try EmojiNames(parsing: "<ldml>\n" + line, "en.xml")
      }
    }
  }

  @Test("a glyph stands in the middle of its picture")
  func placing() throws {
    let glyph = GlyphBitmap(
      width: 128, height: 64, channels: 4, bytes: [UInt8](repeating: 255, count: 128 * 64 * 4), left: 3, top: 50,
      advance: 0)
    let picture = try EmojiSource.picture(of: glyph)
    #expect(picture.width == 64 && picture.height == 64)
    #expect((0..<64).map { picture[5, $0, 3] } == (0..<64).map { (16..<48).contains($0) ? 255 : 0 })
  }

  /// Discs of some colours; every third has a twin that is hardly darker.
  static func items(_ count: Int) throws -> [EmojiSource.Item] {
    try (0..<count).map { index in
      var stream = RandomStream(seed: UInt64(index / 3 * 2 + (index % 3 == 2 ? 1 : 0)))
      let radius = Double.random(in: 8...30, using: &stream)
      var colour = (0..<3).map { _ in UInt8.random(in: 20...235, using: &stream) }
      if index % 3 == 1 { colour = colour.map { $0 - 4 } }
      var picture = Picture(transparent: 64)
      for y in 0..<64 {
        for x in 0..<64
        where (Double(x) - 32) * (Double(x) - 32) + (Double(y) - 32) * (Double(y) - 32) < radius * radius {
          for channel in 0..<3 { picture[x, y, channel] = colour[channel] }
          picture[x, y, 3] = 255
        }
      }
      let scalar = try #require(Unicode.Scalar(UInt32(0x1F600 + index)))
      return EmojiSource.Item(
        entry: .init(scalar: scalar, group: "g\(index % 2)", subgroup: "s\(index % 5)", name: "disc \(index)"),
        picture: picture)
    }
  }

  @Test("the data set keeps near-duplicates on one side, and built twice gives the same bytes")
  func build() throws {
    let folder = try TemporaryFolder()
    let items = try Self.items(60)
    let set = DataSet(
      name: "discs", version: 1, summary: "", licence: "", packages: [], splitRule: "",
      build: { writer in
        try EmojiSource.write(items, writer) { language in
          try EmojiNames(parsing: "<annotation cp=\"😀\" type=\"tts\">\(language)</annotation>", language)
        }
      })
    let data = try set.open(Lab(cache: folder.path + "/a"))
    #expect(try set.open(Lab(cache: folder.path + "/b")).manifest == data.manifest)

    let emoji = try Emoji(data)
    let components = (emoji.train.components, emoji.test.components)
    #expect(Set(components.0).isDisjoint(with: components.1))
    #expect(Set(components.1).count == Set(components.0 + components.1).count / 10)
    #expect(emoji.train.count + emoji.test.count == 60)
    // Twins have one component, so they stand together.
    let sides = Dictionary(
      uniqueKeysWithValues: emoji.train.codePoints.map { ($0, 0) } + emoji.test.codePoints.map { ($0, 1) })
    for index in stride(from: 0, to: 60, by: 3) {
      #expect(sides[Int64(0x1F600 + index)] == sides[Int64(0x1F601 + index)])
    }
    let pictures = (0..<emoji.train.count).map(emoji.train.picture)
    for (picture, code) in zip(pictures, emoji.train.codePoints) {
      #expect(picture == items[Int(code) - 0x1F600].picture)
    }
    #expect(emoji.groups == ["g0", "g1"] && emoji.subgroups == ["s0", "s1", "s2", "s3", "s4"])
    let all = try emoji.train.names("tr") + emoji.test.names("tr")
    #expect(all.filter { !$0.isEmpty } == ["tr"])
    #expect(try emoji.train.names("en").allSatisfy { $0.hasPrefix("disc ") || $0 == "en" })
    #expect(throws: LabError.self) { try emoji.train.names("xx") }
  }
}
