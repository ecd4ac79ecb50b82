import CFreeType

/// One face of a font file, read by FreeType.
///
///     let face = try Typeface(contentsOf: "Lato-Regular.ttf")
///     let size = try face.size(capitals: 20)                // pixels an em, so that H is 20 rows high
///     let glyph = try face.render("g", size: size)          // grey, with bearing and advance
///
/// Outlines are rendered without hinting: the same file gives the same pixels with one version of FreeType. A character is found by
/// the face's Unicode map alone; nothing is shaped. A face is for one task at a time.
public final class Typeface {
  /// What errors call the source.
  public let name: String
  /// How many faces the file has.
  public let faceCount: Int
  /// The name of the family, for instance "Lato".
  public let family: String
  /// The name of the style, for instance "Bold Italic".
  public let style: String

  private let library: FT_Library
  private let face: FT_Face
  private let memory: UnsafeMutableBufferPointer<UInt8>?

  /// Opens a font file (TrueType, OpenType, collections, Type 1 and what else FreeType reads).
  /// - Parameter face: which face of a collection, from 0.
  /// - Throws: `TypefaceError`
  public convenience init(contentsOf path: String, face index: Int = 0) throws {
    try self.init(name: path, memory: nil, index) { library, face, index in FT_New_Face(library, path, index, &face) }
  }

  /// Opens the bytes of a font file; they are copied.
  /// - Parameter name: what errors call the source.
  /// - Throws: `TypefaceError`
  public convenience init(reading bytes: [UInt8], name: String = "the font", face index: Int = 0) throws {
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = memory.initialize(from: bytes)
    try self.init(name: name, memory: memory, index) { library, face, index in
      FT_New_Memory_Face(library, memory.baseAddress, FT_Long(memory.count), index, &face)
    }
  }

  /// - Parameter memory: what the face reads from; it is freed with the face, or here if there is no face.
  private init(
    name: String, memory: UnsafeMutableBufferPointer<UInt8>?, _ index: Int,
    open: (FT_Library, inout FT_Face?, FT_Long) -> FT_Error
  ) throws {
    var library: FT_Library?
    var face: FT_Face?
    do {
      guard FT_Init_FreeType(&library) == 0, let library else {
        throw TypefaceError.unreadable(name, "FreeType cannot be started")
      }
      // The upper half of the number would choose a named instance of a variable font.
      guard (0..<0x10000).contains(index) else { throw TypefaceError.noFace(name, index, of: 0) }
      let failure = open(library, &face, FT_Long(index))
      guard failure == 0, let face else {
        var probe: FT_Face?
        if index > 0, open(library, &probe, -1) == 0, let probe {
          let count = probe.pointee.num_faces
          FT_Done_Face(probe)
          throw TypefaceError.noFace(name, index, of: count)
        }
        throw TypefaceError.unreadable(name, Typeface.reason(failure))
      }
      self.name = name
      self.library = library
      self.face = face
      self.memory = memory
      faceCount = face.pointee.num_faces
      family = face.pointee.family_name.map { String(cString: $0) } ?? ""
      style = face.pointee.style_name.map { String(cString: $0) } ?? ""
    } catch {
      if let library { FT_Done_FreeType(library) }
      memory?.deallocate()
      throw error
    }
  }

  deinit {
    FT_Done_Face(face)
    FT_Done_FreeType(library)
    memory?.deallocate()
  }

  /// How many glyphs the face has.
  public var glyphCount: Int { face.pointee.num_glyphs }

  /// True if glyphs are outlines, which can be rendered in any size.
  public var hasOutlines: Bool { face.pointee.face_flags & FT_FACE_FLAG_SCALABLE != 0 }

  /// True if some glyphs are coloured.
  public var hasColours: Bool { face.pointee.face_flags & FT_FACE_FLAG_COLOR != 0 }

  /// True if the face maps the character to a glyph.
  public func has(_ scalar: Unicode.Scalar) -> Bool { FT_Get_Char_Index(face, FT_ULong(scalar.value)) != 0 }

  /// The characters that the face has glyphs for, in increasing order, each with the number of its glyph.
  ///
  /// - Complexity: O(characters)
  public var characterMap: [(scalar: Unicode.Scalar, glyph: Int)] {
    var glyph: FT_UInt = 0
    var code = FT_Get_First_Char(face, &glyph)
    var map: [(scalar: Unicode.Scalar, glyph: Int)] = []
    var last: FT_ULong?
    // The map of a damaged font may not increase: each step must lead upward, so the walk ends.
    while glyph != 0, last.map({ code > $0 }) ?? true {
      if let scalar = Unicode.Scalar(UInt32(truncatingIfNeeded: code)) { map.append((scalar, Int(glyph))) }
      last = code
      code = FT_Get_Next_Char(face, code, &glyph)
    }
    return map
  }

  /// The size, in pixels an em, at which the letter H is `capitals` pixels high.
  /// - Throws: `TypefaceError` if the face has no H with an outline.
  public func size(capitals: Double) throws -> Double {
    guard capitals > 0, capitals <= 1024 else {
      throw TypefaceError.invalid("capitals can be up to 1024 pixels high, not \(capitals)")
    }
    try load("H", FT_Int32(FT_LOAD_NO_SCALE))
    let units = Double(face.pointee.units_per_EM)
    let height = Double(face.pointee.glyph.pointee.metrics.horiBearingY)
    guard units > 0, height > 0 else { throw TypefaceError.unrenderable(name, "H", "it has no height") }
    return capitals * units / height
  }

  /// Renders the outline of a character in shades of grey.
  /// - Parameter size: pixels an em, more than 0 and at most 2048.
  /// - Throws: `TypefaceError`
  public func render(_ scalar: Unicode.Scalar, size: Double) throws -> GlyphBitmap {
    guard size > 0, size <= 2048 else { throw TypefaceError.invalid("a size is in 0...2048 pixels, not \(size)") }
    guard hasOutlines else { throw TypefaceError.unrenderable(name, scalar, "the face has no outlines") }
    try check(FT_Set_Char_Size(face, 0, FT_F26Dot6((size * 64).rounded()), 72, 72), scalar)
    try load(scalar, FT_Int32(FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP))
    var box = FT_BBox()
    FT_Outline_Get_CBox(&face.pointee.glyph.pointee.outline, &box)
    // A damaged outline may reach far beyond its em.
    guard box.xMax - box.xMin < 64 * 8192, box.yMax - box.yMin < 64 * 8192 else {
      throw TypefaceError.unrenderable(name, scalar, "the outline is too large")
    }
    try check(FT_Render_Glyph(face.pointee.glyph, FT_RENDER_MODE_NORMAL), scalar)
    return try bitmap(scalar)
  }

  /// The coloured bitmap of a character in the first size that the face holds, or nil where the face has none for it.
  /// - Throws: `TypefaceError` if there is no such glyph or it is damaged.
  public func colourBitmap(_ scalar: Unicode.Scalar) throws -> GlyphBitmap? {
    guard hasColours, face.pointee.num_fixed_sizes > 0 else { return nil }
    try check(FT_Select_Size(face, 0), scalar)
    try load(scalar, FT_Int32(FT_LOAD_COLOR))
    guard face.pointee.glyph.pointee.bitmap.pixel_mode == UInt8(FT_PIXEL_MODE_BGRA.rawValue) else { return nil }
    return try bitmap(scalar)
  }

  private func load(_ scalar: Unicode.Scalar, _ flags: FT_Int32) throws {
    let glyph = FT_Get_Char_Index(face, FT_ULong(scalar.value))
    guard glyph != 0 else { throw TypefaceError.noGlyph(name, scalar) }
    try check(FT_Load_Glyph(face, glyph, flags), scalar)
  }

  private func check(_ failure: FT_Error, _ scalar: Unicode.Scalar) throws {
    guard failure == 0 else { throw TypefaceError.unrenderable(name, scalar, Typeface.reason(failure)) }
  }

  /// What stands in the face's slot.
  private func bitmap(_ scalar: Unicode.Scalar) throws -> GlyphBitmap {
    let slot = face.pointee.glyph.pointee
    let source = slot.bitmap
    let isColour = source.pixel_mode == UInt8(FT_PIXEL_MODE_BGRA.rawValue)
    guard isColour || source.pixel_mode == UInt8(FT_PIXEL_MODE_GRAY.rawValue), source.pitch >= 0 else {
      throw TypefaceError.unrenderable(name, scalar, "its pixels are of the kind \(source.pixel_mode)")
    }
    let (width, height) = (Int(source.width), Int(source.rows))
    let row = width * (isColour ? 4 : 1)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(row * height)
    if let start = source.buffer {
      for line in 0..<height {
        bytes.append(contentsOf: UnsafeBufferPointer(start: start + line * Int(source.pitch), count: row))
      }
    }
    return GlyphBitmap(
      width: width, height: height, channels: isColour ? 4 : 1, bytes: isColour ? Typeface.straight(bytes) : bytes,
      left: Int(slot.bitmap_left), top: Int(slot.bitmap_top), advance: Double(slot.advance.x) / 64)
  }

  /// Blue, green, red multiplied by alpha, as red, green, blue beside alpha.
  private static func straight(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    for pixel in stride(from: 0, to: bytes.count, by: 4) {
      let alpha = UInt32(bytes[pixel + 3])
      for channel in 0..<3 {
        let value = UInt32(bytes[pixel + 2 - channel])
        result[pixel + channel] = alpha == 0 ? 0 : UInt8(min(255, (value * 255 + alpha / 2) / alpha))
      }
    }
    return result
  }

  private static func reason(_ code: FT_Error) -> String {
    switch code {
    case 0x01: "the file cannot be opened"
    case 0x02: "the file is of no kind that FreeType reads"
    case 0x03: "the file is damaged"
    case 0x06: "the file asks for what FreeType does not have"
    case 0x40: "there is not enough memory"
    case 0x51...0x55: "the file cannot be read"
    default: "FreeType's error \(code)"
    }
  }
}
