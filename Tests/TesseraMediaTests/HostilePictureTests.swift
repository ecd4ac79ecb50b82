import TesseraPictures
import Testing

@Suite("Hostile pictures") struct HostilePictureTests {
  /// A small file of each format, and the lossy forms.
  static func files() throws -> [(name: String, bytes: [UInt8])] {
    let colour = try PictureFixtures.noise(9, 7, 3)
    let clear = try PictureFixtures.noise(9, 7, 4)
    let soft = try PictureFixtures.slope(24, 20, 3)
    return [
      ("png", try colour.encoded(as: .png)), ("png with alpha", try clear.encoded(as: .png)),
      ("jpeg", try soft.encoded(as: .jpeg)), ("grey jpeg", try soft.grey.encoded(as: .jpeg)),
      ("webp", try colour.encoded(as: .webp)), ("webp with alpha", try clear.encoded(as: .webp)),
      ("lossy webp", try soft.encoded(as: .webp, quality: 50)),
      ("lossy webp with alpha", try clear.encoded(as: .webp, quality: 50)),
    ]
  }

  @Test("every truncation of a file is refused")
  func truncations() throws {
    for (name, bytes) in try HostilePictureTests.files() {
      for count in 0..<bytes.count {
        #expect(throws: PictureError.self, "\(name) cut to \(count) of \(bytes.count)") {
          try Picture(reading: Array(bytes[..<count]), name: name)
        }
      }
      _ = try Picture(reading: bytes)
    }
  }

  @Test("changed bytes give a picture or a typed error")
  func changes() throws {
    var numbers = PictureFixtures.Numbers(state: 7)
    for (name, bytes) in try HostilePictureTests.files() {
      for round in 0..<400 {
        var changed = bytes
        for _ in 0...round % 4 {
          changed[Int.random(in: 0..<bytes.count, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
        }
        if round % 2 == 0, name.hasPrefix("png") { changed = PictureFixtures.withChecksums(changed) }
        do {
          let picture = try Picture(reading: changed, name: name, limit: 1 << 20)
          #expect(picture.bytes.count == picture.width * picture.height * picture.channels)
        } catch is PictureError {
        }
      }
    }
  }

  @Test("any single changed byte of a PNG is found")
  func checksums() throws {
    let bytes = try PictureFixtures.noise(5, 4, 3).encoded(as: .png)
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= 0x10
      #expect(throws: PictureError.self, "byte \(place)") { try Picture(reading: changed) }
    }
  }

  @Test("a wrong checksum names the chunk and its byte")
  func checksumMessage() throws {
    var bytes = try PictureFixtures.noise(5, 4, 3).encoded(as: .png)
    bytes[16] ^= 1
    #expect(throws: PictureError.malformed("a.png", byte: 8, "the checksum of the chunk 'IHDR' is wrong")) {
      try Picture(reading: bytes, name: "a.png")
    }
  }

  @Test("a file that promises a huge picture is refused before memory is taken")
  func huge() throws {
    var png = try PictureFixtures.noise(5, 4, 3).encoded(as: .png)
    png.replaceSubrange(16..<24, with: [0x00, 0x0f, 0xff, 0xff, 0x00, 0x0f, 0xff, 0xff])
    png = PictureFixtures.withChecksums(png)
    #expect(throws: PictureError.tooLarge("a.png", width: 0xfffff, height: 0xfffff, limit: Picture.pixelLimit)) {
      try Picture(reading: png, name: "a.png")
    }
    png.replaceSubrange(16..<24, with: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    #expect(throws: PictureError.self) { try Picture(reading: PictureFixtures.withChecksums(png)) }

    var jpeg = try PictureFixtures.slope(24, 20, 3).encoded(as: .jpeg)
    let frame = try #require(jpeg.indices.dropLast().first { jpeg[$0] == 0xff && jpeg[$0 + 1] == 0xc0 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xff, 0xdc, 0xff, 0xdc])
    #expect(throws: PictureError.tooLarge("a.jpg", width: 65500, height: 65500, limit: Picture.pixelLimit)) {
      try Picture(reading: jpeg, name: "a.jpg")
    }

    var webp = try PictureFixtures.noise(9, 7, 3).encoded(as: .webp)
    webp.replaceSubrange(21..<24, with: [0xff, 0xff, 0xff])  // both sizes, 14 bits each, become 16384
    webp[24] = webp[24] | 0x0f
    #expect(throws: PictureError.tooLarge("a.webp", width: 16384, height: 16384, limit: Picture.pixelLimit)) {
      try Picture(reading: webp, name: "a.webp")
    }
  }

  @Test("a limit of the caller holds exactly")
  func limits() throws {
    for format in PictureFormat.allCases {
      let file = try PictureFixtures.slope(10, 10, 3).encoded(as: format)
      _ = try Picture(reading: file, limit: 100)
      #expect(throws: PictureError.self) { try Picture(reading: file, limit: 99) }
    }
  }

  @Test("what is no picture is said to be none")
  func unknown() {
    for bytes: [UInt8] in [[], [0], Array("GIF89a".utf8), Array("RIFF\0\0\0\0WAVE".utf8), [0x89, 0x50, 0x4e]] {
      #expect(throws: PictureError.unknownFormat("x")) { try Picture(reading: bytes, name: "x") }
    }
  }
}
