import CTurboJPEG

/// JPEG through libjpeg-turbo's TurboJPEG interface.
///
/// Specification: ITU-T T.81. A file about which the library so much as warns (cut short, damaged) is refused: it would otherwise be
/// filled up with grey in silence. The accurate transform gives the same samples with every set of vector instructions.
enum JPEGFile {
  static func decode(_ bytes: [UInt8], _ name: String, _ limit: Int) throws -> Picture {
    guard let handle = tjInitDecompress() else { throw PictureError.unsupported(name, message(nil)) }
    defer { tjDestroy(handle) }
    var (width, height, sampling, space) = (Int32(0), Int32(0), Int32(0), Int32(0))
    guard tjDecompressHeader3(handle, bytes, UInt(bytes.count), &width, &height, &sampling, &space) == 0 else {
      throw PictureError.malformed(name, byte: nil, message(handle))
    }
    guard width > 0, height > 0 else { throw PictureError.malformed(name, byte: nil, "the picture has no pixels") }
    guard Int(width) <= limit / Int(height) else {
      throw PictureError.tooLarge(name, width: Int(width), height: Int(height), limit: limit)
    }
    guard space != TJCS_CMYK.rawValue, space != TJCS_YCCK.rawValue else {
      throw PictureError.unsupported(name, "JPEG files in the colours of print (CMYK) are not read")
    }
    let channels = space == TJCS_GRAY.rawValue ? 1 : 3
    var samples = [UInt8](repeating: 0, count: Int(width) * Int(height) * channels)
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS
    let failed = tjDecompress2(
      handle, bytes, UInt(bytes.count), &samples, width, 0, height, format(channels), Int32(flags))
    guard failed == 0 else { throw PictureError.malformed(name, byte: nil, message(handle)) }
    return Picture(unchecked: samples, Int(width), Int(height), channels)
  }

  static func encode(_ picture: Picture, quality: Int) throws -> [UInt8] {
    guard picture.channels != 4 else {
      throw PictureError.unsupported("JPEG", "the format has no alpha: composite the picture over a colour first")
    }
    guard picture.width <= 65500, picture.height <= 65500 else {
      throw PictureError.unsupported("JPEG", "\(picture.width) x \(picture.height) pixels: the format ends at 65500")
    }
    guard let handle = tjInitCompress() else { throw PictureError.unsupported("JPEG", message(nil)) }
    defer { tjDestroy(handle) }
    var file: UnsafeMutablePointer<UInt8>?
    var size: UInt = 0
    defer { tjFree(file) }
    let sampling = picture.channels == 1 ? TJSAMP_GRAY : quality >= 90 ? TJSAMP_444 : TJSAMP_420
    let failed = tjCompress2(
      handle, picture.bytes, Int32(picture.width), 0, Int32(picture.height), format(picture.channels), &file, &size,
      Int32(sampling.rawValue), Int32(quality), Int32(TJFLAG_ACCURATEDCT))
    guard failed == 0, let file else { throw PictureError.unsupported("JPEG", message(handle)) }
    return Array(UnsafeBufferPointer(start: file, count: Int(size)))
  }

  private static func format(_ channels: Int) -> Int32 { Int32((channels == 1 ? TJPF_GRAY : TJPF_RGB).rawValue) }

  private static func message(_ handle: tjhandle?) -> String { String(cString: tjGetErrorStr2(handle)) }
}
