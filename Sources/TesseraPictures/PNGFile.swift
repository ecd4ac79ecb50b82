import CPNG

/// PNG through libpng's simplified interface.
///
/// Specification: *Portable Network Graphics (PNG) Specification*, third edition. libpng overlooks what is missing after the last
/// row, so the chunks are walked here first: lengths, checksums and the end are checked, and an error knows its byte.
enum PNGFile {
  static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  static func decode(_ bytes: [UInt8], _ name: String, _ limit: Int) throws -> Picture {
    try check(bytes, name, limit)
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    return try bytes.withUnsafeBytes { file in
      guard png_image_begin_read_from_memory(&image, file.baseAddress, file.count) != 0 else {
        throw PictureError.malformed(name, byte: nil, message(image))
      }
      let alpha = image.format & png_uint_32(PNG_FORMAT_FLAG_ALPHA) != 0
      let colour = image.format & png_uint_32(PNG_FORMAT_FLAG_COLOR) != 0
      let channels = alpha ? 4 : colour ? 3 : 1
      image.format = format(channels)
      image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
      let (width, height) = (Int(image.width), Int(image.height))
      var samples = [UInt8](repeating: 0, count: width * height * channels)
      guard png_image_finish_read(&image, nil, &samples, png_int_32(width * channels), nil) != 0 else {
        throw PictureError.malformed(name, byte: nil, message(image))
      }
      return Picture(unchecked: samples, width, height, channels)
    }
  }

  static func encode(_ picture: Picture) throws -> [UInt8] {
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(picture.width)
    image.height = png_uint_32(picture.height)
    image.format = format(picture.channels)
    // Incompressible rows grow by less than a thousandth; a file that needs more is written once more with what it asked for.
    let raw = picture.bytes.count + picture.height
    var size = raw + raw / 500 + 1024
    for _ in 0..<2 {
      var file = [UInt8](repeating: 0, count: size)
      let row = png_int_32(picture.width * picture.channels)
      if png_image_write_to_memory(&image, &file, &size, 0, picture.bytes, row, nil) != 0 {
        return Array(file[..<size])
      }
      guard size > file.count else { break }
    }
    throw PictureError.unsupported("PNG", message(image))
  }

  private static func format(_ channels: Int) -> png_uint_32 {
    let flags =
      channels == 1 ? 0 : channels == 3 ? PNG_FORMAT_FLAG_COLOR : PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA
    return png_uint_32(flags)
  }

  private static func message(_ image: png_image) -> String {
    withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// Walks the chunks of a file that begins with the signature.
  private static func check(_ bytes: [UInt8], _ name: String, _ limit: Int) throws {
    var place = signature.count
    var isFirst = true
    while true {
      guard bytes.count - place >= 12 else {
        throw PictureError.malformed(name, byte: bytes.count, "the file ends before its last chunk")
      }
      let length = number(bytes, place)
      let type = String(decoding: bytes[place + 4..<place + 8], as: UTF8.self)
      guard length <= bytes.count - place - 12 else {
        throw PictureError.malformed(
          name, byte: place, "the chunk '\(type)' of \(length) bytes does not end in the file")
      }
      let end = place + 8 + length
      guard number(bytes, end) == Int(checksum(bytes, place + 4, end)) else {
        throw PictureError.malformed(name, byte: place, "the checksum of the chunk '\(type)' is wrong")
      }
      if isFirst {
        guard type == "IHDR", length == 13 else {
          throw PictureError.malformed(name, byte: place, "the first chunk is '\(type)', not a header")
        }
        let (width, height) = (number(bytes, place + 8), number(bytes, place + 12))
        guard width > 0, height > 0 else {
          throw PictureError.malformed(name, byte: place + 8, "a picture cannot have \(width) x \(height) pixels")
        }
        guard width <= limit / height else {
          throw PictureError.tooLarge(name, width: width, height: height, limit: limit)
        }
        isFirst = false
      }
      if type == "IEND" { return }
      place = end + 4
    }
  }

  private static func number(_ bytes: [UInt8], _ place: Int) -> Int {
    bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
  }

  /// The cyclic redundancy check of ISO 3309 over a part of the file.
  private static func checksum(_ bytes: [UInt8], _ start: Int, _ end: Int) -> UInt32 {
    var crc = UInt32.max
    for place in start..<end { crc = table[Int((crc ^ UInt32(bytes[place])) & 0xff)] ^ (crc >> 8) }
    return ~crc
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? 0xedb8_8320 ^ (crc >> 1) : crc >> 1 }
  }
}
