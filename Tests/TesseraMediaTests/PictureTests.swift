import TesseraPictures
import Testing

@Suite("Pictures") struct PictureTests {
  @Test("PNG keeps every sample of grey, RGB and RGBA", arguments: [1, 3, 4])
  func png(channels: Int) throws {
    for (width, height) in [(1, 1), (1, 7), (31, 17), (64, 64)] {
      let picture = try PictureFixtures.noise(width, height, channels)
      let file = try picture.encoded(as: .png)
      #expect(PictureFormat(recognizing: file) == .png)
      #expect(try Picture(reading: file) == picture)
      #expect(try picture.encoded(as: .png) == file)
    }
  }

  @Test("exact WebP keeps every sample, also under full transparency", arguments: [3, 4])
  func webp(channels: Int) throws {
    var picture = try PictureFixtures.noise(33, 20, channels)
    if channels == 4 { for x in 0..<33 { picture[x, 3, 3] = 0 } }
    let file = try picture.encoded(as: .webp)
    #expect(PictureFormat(recognizing: file) == .webp)
    #expect(try Picture(reading: file) == picture)
    let grey = try PictureFixtures.noise(9, 5, 1)
    #expect(try Picture(reading: grey.encoded(as: .webp)) == grey.rgb)
  }

  @Test("lossy formats stay near a soft picture, nearer with higher quality", arguments: [PictureFormat.jpeg, .webp])
  func lossy(format: PictureFormat) throws {
    let picture = try PictureFixtures.slope(64, 48, 3).resized(width: 64, height: 48, by: .bicubic)
    var errors: [Double] = []
    for quality in [20, 60, 95] {
      let back = try Picture(reading: picture.encoded(as: format, quality: quality))
      #expect(back.width == 64 && back.height == 48 && back.channels == 3)
      errors.append(PictureFixtures.meanDifference(picture, back))
    }
    #expect(errors[2] < 5 && errors[2] < errors[1] && errors[1] < errors[0], "\(errors)")
    #expect(errors[0] > 0.1)
  }

  @Test("a grey JPEG comes back grey")
  func greyJPEG() throws {
    let picture = try PictureFixtures.slope(40, 30, 1)
    let back = try Picture(reading: picture.encoded(as: .jpeg, quality: 98))
    #expect(back.channels == 1)
    #expect(PictureFixtures.meanDifference(picture, back) < 2)
  }

  @Test("a format that cannot hold the picture says so")
  func unsupported() throws {
    let clear = try PictureFixtures.noise(4, 4, 4)
    #expect(
      throws: PictureError.unsupported("JPEG", "the format has no alpha: composite the picture over a colour first")
    ) {
      try clear.encoded(as: .jpeg)
    }
    let wide = try Picture(width: 16384, height: 1, filledWith: [7])
    #expect(throws: PictureError.self) { try wide.encoded(as: .webp) }
    let tooWide = try Picture(width: 65501, height: 1, filledWith: [7])
    #expect(throws: PictureError.self) { try tooWide.encoded(as: .jpeg) }
    #expect(throws: PictureError.invalid("a quality is 1...100, not 0")) {
      try clear.rgb.encoded(as: .jpeg, quality: 0)
    }
  }

  @Test("files are found out by content, written by name, and leave nothing beside them")
  func files() throws {
    try PictureFixtures.withFolder { folder in
      let picture = try PictureFixtures.noise(8, 6, 3)
      for name in ["a.png", "b.webp", "c.JPG", "d.jpeg"] { try picture.write(to: "\(folder)/\(name)") }
      #expect(PictureFixtures.names(folder) == ["a.png", "b.webp", "c.JPG", "d.jpeg"])
      #expect(try Picture(contentsOf: "\(folder)/a.png") == picture)
      #expect(try Picture(contentsOf: "\(folder)/b.webp") == picture)
      #expect(try Picture(contentsOf: "\(folder)/c.JPG").width == 8)
      #expect(throws: PictureError.self) { try picture.write(to: "\(folder)/picture.gif") }
      #expect(throws: PictureError.self) { try picture.write(to: "\(folder)/missing/a.png") }
      #expect(throws: PictureError.unreadable("\(folder)/none.png", "No such file or directory")) {
        try Picture(contentsOf: "\(folder)/none.png")
      }
      #expect(throws: PictureError.self) { try Picture(contentsOf: folder) }
      #expect(PictureFixtures.names(folder).count == 4)
    }
  }

  @Test("samples become planes in [0, 1] and come back")
  func planes() throws {
    let picture = try PictureFixtures.noise(5, 3, 4)
    let planes = picture.planes
    #expect(planes.count == 60 && planes.allSatisfy { (0...1).contains($0) })
    #expect(planes[15 + 5 * 2 + 4] == Float(picture[4, 2, 1]) / 255)
    #expect(try Picture(width: 5, height: 3, channels: 4, planes: planes) == picture)
    let odd = try Picture(width: 4, height: 1, channels: 1, planes: [.nan, -1, 2, .infinity])
    #expect(odd.bytes == [0, 0, 255, 255])
    #expect(throws: PictureError.self) { try Picture(width: 5, height: 3, channels: 3, planes: planes) }
  }

  @Test("sizes that do not fit the samples are refused")
  func sizes() {
    #expect(throws: PictureError.self) { try Picture(width: 2, height: 2, channels: 3, bytes: [1, 2, 3]) }
    #expect(throws: PictureError.self) { try Picture(width: 0, height: 2, channels: 3, bytes: []) }
    #expect(throws: PictureError.self) { try Picture(width: -1, height: -1, channels: 1, bytes: [1]) }
    #expect(throws: PictureError.self) { try Picture(width: 1, height: 1, channels: 2, bytes: [1, 2]) }
    #expect(throws: PictureError.self) { try Picture(width: .max, height: 4, channels: 4, bytes: [1]) }
    #expect(throws: PictureError.self) { try Picture(width: .max, height: 2, filledWith: [1]) }
  }

  @Test("compositing follows the formula and drops alpha")
  func compositing() throws {
    let picture = try Picture(
      width: 3, height: 1, channels: 4, bytes: [200, 0, 100, 255, 200, 0, 100, 0, 200, 0, 100, 51])
    let laid = picture.composited(over: (red: 255, green: 100, blue: 0))
    #expect(laid.channels == 3)
    #expect(laid.bytes == [200, 0, 100, 255, 100, 0, 244, 80, 20])
    let grey = try Picture(width: 2, height: 1, channels: 1, bytes: [9, 200])
    #expect(grey.composited(over: (red: 1, green: 2, blue: 3)).bytes == [9, 9, 9, 200, 200, 200])
    #expect(picture.grey.bytes == [71, 71, 71] && grey.grey == grey)
  }

  @Test("a crop is the rectangle, and one that sticks out is refused")
  func cropping() throws {
    let picture = try PictureFixtures.noise(7, 5, 3)
    let part = try picture.cropped(x: 2, y: 1, width: 4, height: 3)
    for y in 0..<3 { for x in 0..<4 { #expect(part[x, y, 2] == picture[x + 2, y + 1, 2]) } }
    #expect(throws: PictureError.self) { try picture.cropped(x: 4, y: 0, width: 4, height: 1) }
    #expect(throws: PictureError.self) { try picture.cropped(x: .max, y: 0, width: 4, height: 1) }
    #expect(throws: PictureError.self) { try picture.cropped(x: -1, y: 0, width: 4, height: 1) }
  }
}
