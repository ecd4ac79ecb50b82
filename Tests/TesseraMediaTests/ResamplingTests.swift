import TesseraPictures
import Testing

@Suite("Resizing pictures") struct ResamplingTests {
  @Test("area averaging by a whole factor gives the means of blocks")
  func blocks() throws {
    let picture = try Picture(
      width: 4, height: 2, channels: 1, bytes: [0, 10, 100, 200, 20, 30, 100, 201])
    #expect(try picture.resized(width: 2, height: 1).bytes == [15, 150])
    #expect(try picture.resized(width: 1, height: 1).bytes == [83])
  }

  @Test("area averaging by a broken factor weighs by what is covered")
  func fractions() throws {
    let row = try Picture(width: 3, height: 1, channels: 1, bytes: [0, 90, 240])
    // Each half covers one and a half pixels: (0 + 45) / 1.5 and (45 + 240) / 1.5.
    #expect(try row.resized(width: 2, height: 1).bytes == [30, 190])
    #expect(try row.resized(width: 6, height: 1).bytes == [0, 0, 90, 90, 240, 240])
  }

  @Test("one colour stays one colour in every size", arguments: [Resampling.areaAveraging, .bicubic])
  func constant(resampling: Resampling) throws {
    for colour: [UInt8] in [[77], [1, 128, 254], [200, 100, 50, 128], [9, 9, 9, 255]] {
      let picture = try Picture(width: 13, height: 7, filledWith: colour)
      for (width, height) in [(1, 1), (5, 20), (40, 3), (13, 7), (64, 64)] {
        let resized = try picture.resized(width: width, height: height, by: resampling)
        #expect(try resized == Picture(width: width, height: height, filledWith: colour))
      }
    }
  }

  @Test("the cubic kernel gives Keys' weights: -9, 111, 29, -3 of 128 a quarter beside a pixel")
  func cubicWeights() throws {
    let row = try Picture(width: 6, height: 1, channels: 1, bytes: [0, 0, 128, 0, 0, 0])
    // Doubled, the new pixels lie a quarter to the left and to the right of the old ones.
    let doubled = try row.resized(width: 12, height: 1, by: .bicubic)
    #expect(doubled.bytes == [0, 0, 0, 29, 111, 111, 29, 0, 0, 0, 0, 0])
    let inverse = try Picture(width: 6, height: 1, channels: 1, bytes: [128, 128, 0, 128, 128, 128])
    #expect(
      try inverse.resized(width: 12, height: 1, by: .bicubic).bytes[0..<8] == [128, 131, 137, 99, 17, 17, 99, 137])
  }

  @Test("turning and resizing commute", arguments: [Resampling.areaAveraging, .bicubic])
  func turned(resampling: Resampling) throws {
    let picture = try PictureFixtures.noise(11, 6, 1)
    var turned = try Picture(width: 6, height: 11, filledWith: [0])
    for y in 0..<6 { for x in 0..<11 { turned[y, x, 0] = picture[x, y, 0] } }
    let small = try picture.resized(width: 5, height: 9, by: resampling)
    let other = try turned.resized(width: 9, height: 5, by: resampling)
    for y in 0..<9 { for x in 0..<5 { #expect(abs(Int(small[x, y, 0]) - Int(other[y, x, 0])) <= 1) } }
  }

  @Test("what is transparent does not bleed into edges")
  func alpha() throws {
    let picture = try Picture(width: 2, height: 1, channels: 4, bytes: [255, 0, 0, 255, 0, 255, 0, 0])
    #expect(try picture.resized(width: 1, height: 1).bytes == [255, 0, 0, 128])
  }

  @Test("sizes that cannot be are refused")
  func refused() throws {
    let picture = try Picture(width: 2, height: 1, filledWith: [1])
    #expect(throws: PictureError.self) { try picture.resized(width: 0, height: 1) }
    #expect(throws: PictureError.self) { try picture.resized(width: .max, height: .max) }
  }
}
