import TesseraFonts
import Testing

@Suite("Typefaces") struct TypefaceTests {
  static let folder = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 } + "/Fixtures/fonts"

  static func bytes(_ name: String) throws -> [UInt8] { try PictureFixtures.readBytes("\(folder)/\(name)") }

  @Test("a face knows its names and its characters")
  func names() throws {
    let face = try Typeface(contentsOf: "\(Self.folder)/boxes.ttf")
    #expect(face.family == "Tessera Boxes" && face.style == "Regular" && face.faceCount == 1)
    #expect(face.hasOutlines && !face.hasColours && face.glyphCount == 6)
    #expect(face.characterMap.map(\.scalar) == [" ", "A", "H", "j", "\u{1F600}"])
    #expect(face.characterMap.map(\.glyph) == [1, 3, 2, 4, 5])
    #expect(face.has("H") && face.has("\u{1F600}") && !face.has("I"))
  }

  @Test("a collection has its faces, and no others")
  func collection() throws {
    let path = "\(Self.folder)/boxes.ttc"
    #expect(try Typeface(contentsOf: path).faceCount == 2)
    #expect(try Typeface(contentsOf: path, face: 1).style == "Narrow")
    #expect(try Typeface(reading: Self.bytes("boxes.ttc"), face: 1).style == "Narrow")
    #expect(throws: TypefaceError.noFace(path, 2, of: 2)) { try Typeface(contentsOf: path, face: 2) }
    #expect(throws: TypefaceError.self) { try Typeface(contentsOf: path, face: -1) }
    #expect(throws: TypefaceError.self) { try Typeface(contentsOf: path, face: 1 << 16) }
  }

  @Test("a box is rendered with the coverage that its outline has")
  func boxes() throws {
    let face = try Typeface(contentsOf: "\(Self.folder)/boxes.ttf")
    let h = try face.render("H", size: 10)
    #expect(h.width == 4 && h.height == 7 && h.left == 1 && h.top == 7 && h.advance == 6 && h.channels == 1)
    #expect(h.bytes == [UInt8](repeating: 255, count: 28))
    let j = try face.render("j", size: 10)
    #expect(j.width == 2 && j.height == 7 && j.left == -1 && j.top == 5 && j.advance == 2.5)
    // At 15 pixels an em H reaches from 1.5 to 7.5 and up to 10.5: half pixels at both sides and at the top.
    let half = try face.render("H", size: 15)
    #expect(half.width == 7 && half.height == 11 && half.left == 1 && half.top == 11)
    #expect((127...128).contains(half.bytes[half.width + 0]) && half.bytes[half.width + 1] == 255)
    #expect((63...64).contains(half.bytes[0]) && (127...128).contains(half.bytes[3]))
    // The triangle covers half of its box.
    let a = try face.render("A", size: 100)
    let covered = Double(a.bytes.reduce(0) { $0 + Int($1) }) / 255
    #expect(abs(covered - 0.5 * 70 * 70) < 1)
    #expect(try face.render("A", size: 100) == a)
    #expect(try Typeface(reading: Self.bytes("boxes.ttf")).render("A", size: 100) == a)
  }

  @Test("a blank has no pixels but an advance")
  func blank() throws {
    let space = try Typeface(contentsOf: "\(Self.folder)/boxes.ttf").render(" ", size: 20)
    #expect(space.width == 0 && space.height == 0 && space.bytes.isEmpty && space.advance == 6)
    #expect(space.placed(width: 2, height: 2, baseline: 1) == [0, 0, 0, 0])
  }

  @Test("capitals get the height that is asked for")
  func capitals() throws {
    let face = try Typeface(contentsOf: "\(Self.folder)/boxes.ttf")
    let size = try face.size(capitals: 20)
    #expect(abs(size - 20 * 1000 / 700) < 1e-9)
    let h = try face.render("H", size: size)
    #expect(h.top == 20 && h.height == 20)
    #expect(throws: TypefaceError.self) { try face.size(capitals: 0) }
  }

  @Test("a bitmap stands on the baseline of its canvas and is cut at the edges")
  func placing() throws {
    let face = try Typeface(contentsOf: "\(Self.folder)/boxes.ttf")
    let j = try face.render("j", size: 10).placed(width: 4, height: 8, baseline: 6)
    let row: [UInt8] = [0, 255, 255, 0]
    #expect(j == [0, 0, 0, 0] + row + row + row + row + row + row + row)
    let cut = try face.render("H", size: 10).placed(width: 2, height: 3, baseline: 5)
    #expect(cut == [255, 255, 255, 255, 255, 255])
    let right = try face.render("H", size: 10).placed(width: 3, height: 1, baseline: 1, x: 2)
    #expect(right == [0, 0, 255])
    #expect(try face.render("H", size: 10).placed(width: 3, height: 1, baseline: 1, x: 9) == [0, 0, 0])
    #expect(try face.render("H", size: 10).placed(width: 3, height: 1, baseline: 1, x: -9) == [0, 0, 0])
  }

  @Test("coloured bitmaps come with alpha that is not multiplied in")
  func colours() throws {
    let face = try Typeface(contentsOf: "\(Self.folder)/colours.ttf")
    #expect(face.hasColours && !face.hasOutlines)
    let first = try #require(try face.colourBitmap("\u{1F600}"))
    #expect(first.width == 4 && first.height == 3 && first.channels == 4 && first.left == 1 && first.top == 2)
    #expect(first.advance == 6)
    #expect(Array(first.bytes[0..<4]) == [255, 0, 0, 255] && Array(first.bytes[16..<20]) == [0, 0, 0, 0])
    #expect(Array(first.bytes[32..<36]) == [0, 0, 255, 128])
    let second = try #require(try face.colourBitmap("\u{1F601}"))
    let expected: [[UInt8]] = (0..<12).map { (step: UInt8) in [10 * step, 200, 255 - 10 * step, 255] }
    #expect(second.bytes == Array(expected.joined()))
    #expect(throws: TypefaceError.self) { try face.render("\u{1F600}", size: 10) }
    #expect(try Typeface(contentsOf: "\(Self.folder)/boxes.ttf").colourBitmap("H") == nil)
  }

  @Test("what is not there is named")
  func missing() throws {
    let face = try Typeface(contentsOf: "\(Self.folder)/boxes.ttf")
    #expect(throws: TypefaceError.noGlyph(face.name, "é")) { try face.render("é", size: 10) }
    #expect("\(TypefaceError.noGlyph("a.ttf", "é"))" == "a.ttf has no glyph for U+00E9")
    #expect(throws: TypefaceError.self) { try face.render("H", size: 0) }
    #expect(throws: TypefaceError.self) { try face.render("H", size: .nan) }
    #expect(throws: TypefaceError.unreadable("/none.ttf", "the file cannot be opened")) {
      try Typeface(contentsOf: "/none.ttf")
    }
    #expect(throws: TypefaceError.self) { try Typeface(reading: []) }
    #expect(throws: TypefaceError.self) { try Typeface(reading: Array("no font at all".utf8)) }
  }

  @Test("damaged fonts give glyphs or typed errors", arguments: ["boxes.ttf", "boxes.ttc", "colours.ttf"])
  func damaged(name: String) throws {
    let bytes = try Self.bytes(name)
    var numbers = PictureFixtures.Numbers(state: 11)
    for round in 0..<600 {
      var changed = bytes
      if round % 3 == 0 {
        changed.removeLast(Int.random(in: 1...bytes.count, using: &numbers))
      } else {
        for _ in 0...round % 5 {
          changed[Int.random(in: 0..<bytes.count, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
        }
      }
      do {
        let face = try Typeface(reading: changed)
        #expect(face.characterMap.count < 1 << 20)
        for scalar: Unicode.Scalar in ["H", "A", "j", "\u{1F600}"] where face.has(scalar) {
          do {
            if let colour = try face.colourBitmap(scalar) {
              #expect(colour.bytes.count == colour.width * colour.height * 4)
            }
            let glyph = try face.render(scalar, size: 20)
            #expect(glyph.bytes.count == glyph.width * glyph.height)
          } catch is TypefaceError {
          }
        }
      } catch is TypefaceError {
      }
    }
  }
}
