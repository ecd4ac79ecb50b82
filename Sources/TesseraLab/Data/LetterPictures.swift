import Foundation
import TesseraFonts

/// The letters and digits of one typeface as small grey pictures.
///
/// All are drawn in one size, in which the capital H is 20 rows high, and stand on one baseline, so that c and C, o, O and 0 differ;
/// only from left to right each is centred by its own pixels. What reaches beyond the picture is cut off.
struct LetterPictures: Sendable, Equatable {
  /// The classes, by label.
  static let characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".unicodeScalars.map { $0 }
  /// Rows and columns of a picture.
  static let side = 32
  /// The row on whose upper edge letters stand.
  static let baseline = 25
  /// The height of H in rows.
  static let capitals = 20.0

  /// The family's name.
  let family: String
  /// One picture after another, `[characters, side, side]`, 255 where there is ink.
  let pixels: [UInt8]

  init(family: String, pixels: [UInt8]) { (self.family, self.pixels) = (family, pixels) }

  /// - Returns: nil if the face lacks a character, has no outlines, or one that leaves no ink.
  init?(_ face: Typeface) {
    guard face.hasOutlines, Self.characters.allSatisfy(face.has),
      let size = try? face.size(capitals: Self.capitals)
    else { return nil }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(Self.characters.count * Self.side * Self.side)
    for character in Self.characters {
      guard let picture = try? Self.picture(of: character, face, size: size), picture.contains(where: { $0 > 0 }) else {
        return nil
      }
      pixels += picture
    }
    (family, self.pixels) = (face.family, pixels)
  }

  /// One character, `[side, side]`.
  static func picture(of character: Unicode.Scalar, _ face: Typeface, size: Double) throws -> [UInt8] {
    try face.render(character, size: size).placed(width: side, height: side, baseline: baseline)
  }

  /// What the squared difference of two alphabets is of the mean of their squares: 0 for equal ones, at most 2.
  func difference(_ other: LetterPictures) -> Double {
    var (difference, squares) = (0, 0)
    for (a, b) in zip(pixels, other.pixels) {
      let (a, b) = (Int(a), Int(b))
      difference += (a - b) * (a - b)
      squares += a * a + b * b
    }
    return squares == 0 ? 0 : 2 * Double(difference) / Double(squares)
  }

  /// The difference below which two typefaces look alike.
  static let limit = 0.1
  /// Families that are one design in another's widths, by the first word: Carlito is Lato drawn narrower, which the pixels hide.
  static let sameDesign = ["Carlito": "Lato"]

  /// The number of the cluster of every typeface: those that look alike (a difference below `limit`), those whose families begin with
  /// the same word, and those known to be one design, with all that are joined through them.
  static func clusters(_ faces: [LetterPictures], limit: Double = limit) -> [Int] {
    var components = Components(count: faces.count)
    let words = faces.map { face in
      let first = face.family.split(separator: " ").first.map(String.init) ?? ""
      return Array((sameDesign[first] ?? first).utf8)
    }
    for a in faces.indices {
      for b in 0..<a where words[a] == words[b] || faces[a].difference(faces[b]) < limit { components.join(a, b) }
    }
    return components.labels()
  }
}

extension DataPackage {
  /// The files that the package has brought, without links, sorted by their bytes.
  /// - Throws: `LabError.program` if the package manager does not know it.
  func files(endingIn endings: [String]) throws -> [String] {
    let list = String(decoding: try Program.run("dpkg-query", ["--listfiles", name]), as: UTF8.self)
    return list.split(separator: "\n").map(String.init).filter { path in
      guard endings.contains(where: { path.lowercased().hasSuffix("." + $0) }) else { return false }
      let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
      return kind == .typeRegular
    }.sorted(by: Files.precedes)
  }
}
