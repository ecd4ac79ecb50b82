import CWebP

/// WebP through libwebp.
///
/// Specification: RFC 9649. The length that the container declares is checked first. The exact form keeps the colours of
/// transparent pixels, too, which the library's simple interface does not.
enum WebPFile {
  static func decode(_ bytes: [UInt8], _ name: String, _ limit: Int) throws -> Picture {
    let declared = bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard declared <= bytes.count - 8 else {
      throw PictureError.malformed(name, byte: bytes.count, "the file ends before its \(declared + 8) bytes")
    }
    var features = WebPBitstreamFeatures()
    let status = WebPGetFeatures(bytes, bytes.count, &features)
    guard status == VP8_STATUS_OK else {
      throw PictureError.malformed(name, byte: nil, "the header cannot be read (\(reason(status)))")
    }
    guard features.has_animation == 0 else { throw PictureError.unsupported(name, "moving pictures are not read") }
    let (width, height) = (Int(features.width), Int(features.height))
    guard width > 0, height > 0 else { throw PictureError.malformed(name, byte: nil, "the picture has no pixels") }
    guard width <= limit / height else {
      throw PictureError.tooLarge(name, width: width, height: height, limit: limit)
    }
    let channels = features.has_alpha != 0 ? 4 : 3
    var samples = [UInt8](repeating: 0, count: width * height * channels)
    let row = Int32(width * channels)
    let decoded =
      channels == 4
      ? WebPDecodeRGBAInto(bytes, bytes.count, &samples, samples.count, row)
      : WebPDecodeRGBInto(bytes, bytes.count, &samples, samples.count, row)
    guard decoded != nil else { throw PictureError.malformed(name, byte: nil, "the samples cannot be read") }
    return Picture(unchecked: samples, width, height, channels)
  }

  /// - Parameter quality: 1...100, or nil for the exact form.
  static func encode(_ picture: Picture, quality: Int?) throws -> [UInt8] {
    guard picture.width <= Int(WEBP_MAX_DIMENSION), picture.height <= Int(WEBP_MAX_DIMENSION) else {
      throw PictureError.unsupported(
        "WebP", "\(picture.width) x \(picture.height) pixels: the format ends at \(WEBP_MAX_DIMENSION)")
    }
    var configuration = WebPConfig()
    guard WebPConfigInit(&configuration) != 0 else {
      throw PictureError.unsupported("WebP", "another version of libwebp")
    }
    configuration.lossless = quality == nil ? 1 : 0
    configuration.exact = configuration.lossless
    configuration.quality = Float(quality ?? 75)

    var frame = WebPPicture()
    var file = WebPMemoryWriter()
    guard WebPPictureInit(&frame) != 0 else { throw PictureError.unsupported("WebP", "another version of libwebp") }
    WebPMemoryWriterInit(&file)
    defer {
      WebPPictureFree(&frame)
      WebPMemoryWriterClear(&file)
    }
    frame.width = Int32(picture.width)
    frame.height = Int32(picture.height)
    frame.use_argb = configuration.lossless
    frame.writer = WebPMemoryWrite
    guard load(picture, into: &frame) else { throw PictureError.unsupported("WebP", "there is not enough memory") }
    let encoded = withUnsafeMutablePointer(to: &file) { target in
      frame.custom_ptr = UnsafeMutableRawPointer(target)
      return WebPEncode(&configuration, &frame) != 0
    }
    guard encoded, let start = file.mem else {
      throw PictureError.unsupported("WebP", "libwebp's error \(frame.error_code.rawValue)")
    }
    return Array(UnsafeBufferPointer(start: start, count: file.size))
  }

  /// WebP has no grey form: grey is written as three equal channels.
  private static func load(_ picture: Picture, into frame: inout WebPPicture) -> Bool {
    switch picture.channels {
    case 4: WebPPictureImportRGBA(&frame, picture.bytes, Int32(picture.width * 4)) != 0
    case 3: WebPPictureImportRGB(&frame, picture.bytes, Int32(picture.width * 3)) != 0
    default: WebPPictureImportRGB(&frame, picture.bytes.flatMap { [$0, $0, $0] }, Int32(picture.width * 3)) != 0
    }
  }

  private static func reason(_ status: VP8StatusCode) -> String {
    switch status {
    case VP8_STATUS_NOT_ENOUGH_DATA: "the file is cut short"
    case VP8_STATUS_BITSTREAM_ERROR: "it is damaged"
    case VP8_STATUS_UNSUPPORTED_FEATURE: "it uses what the library does not know"
    default: "libwebp's status \(status.rawValue)"
    }
  }
}
