/// What kind of file some bytes are, found out by content, and what can be said of them before a library reads them.
enum SoundContainer: Equatable {
  case wav, flac, ogg, mp3

  /// Looks at the first bytes.
  init?(_ bytes: [UInt8]) {
    func has(_ text: StaticString, at place: Int) -> Bool {
      bytes.count >= place + text.utf8CodeUnitCount
        && text.withUTF8Buffer { bytes[place..<place + $0.count].elementsEqual($0) }
    }
    if has("RIFF", at: 0), has("WAVE", at: 8) {
      self = .wav
    } else if has("fLaC", at: 0) {
      self = .flac
    } else if has("OggS", at: 0) {
      self = .ogg
    } else if has("ID3", at: 0) || Self.isMPEGFrame(bytes) {
      self = .mp3
    } else {
      return nil
    }
  }

  /// The header of an MPEG audio frame of layer 3 (ISO/IEC 11172-3, 2.4.2.3): the sync word, no reserved version, bit rate, or sample
  /// rate. Two letters of chance would pass for the sync word alone.
  private static func isMPEGFrame(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= 4, bytes[0] == 0xFF, bytes[1] & 0xE0 == 0xE0 else { return false }
    let (version, layer) = (bytes[1] >> 3 & 3, bytes[1] >> 1 & 3)
    let (bitRate, sampleRate) = (bytes[2] >> 4, bytes[2] >> 2 & 3)
    return version != 1 && layer == 1 && bitRate != 0 && bitRate != 15 && sampleRate != 3
  }

  /// Refuses what is cut off or of a kind that is not read, before any library looks at it.
  func check(_ bytes: [UInt8], _ name: String) throws {
    switch self {
    case .wav: try Self.checkWave(bytes, name)
    case .ogg: try Self.checkOgg(bytes, name)
    case .flac, .mp3: break
    }
  }

  private static func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
    (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  /// Walks the chunks: the form must be known, and the samples must all be there. libsndfile shortens a sound silently.
  private static func checkWave(_ bytes: [UInt8], _ name: String) throws {
    var place = 12
    var hasForm = false
    while place + 8 <= bytes.count {
      let size = number(bytes, place + 4, 4)
      let body = place + 8
      switch bytes[place..<place + 4] {
      case ArraySlice("fmt ".utf8):
        guard body + max(size, 16) <= bytes.count else { break }
        let form = number(bytes, body, 2)
        // Integers, floating point, A-law, µ-law, and the extensible header, which names one of these again.
        guard [1, 3, 6, 7, 0xFFFE].contains(form) else {
          throw SoundError.unsupported(name, "WAV with samples of the form \(form) is not read")
        }
        hasForm = true
      case ArraySlice("data".utf8):
        guard hasForm else { throw SoundError.malformed(name, "samples stand before their form") }
        // Programs that write to a pipe do not know the length and say one of these.
        let isUnknown = [0, 0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF].contains(size) || size >= 0xFFFF_F000
        guard isUnknown || body + size <= bytes.count else {
          throw SoundError.truncated(name, expected: size, found: bytes.count - body)
        }
        return
      default: break
      }
      place = body + size + size % 2
    }
    throw SoundError.truncated(name, expected: place + 8, found: bytes.count)
  }

  /// Walks the pages: the last one must be whole and marked as the last (RFC 3533, section 6).
  private static func checkOgg(_ bytes: [UInt8], _ name: String) throws {
    var place = 0
    var isLast = false
    while place < bytes.count {
      guard place + 27 <= bytes.count else {
        throw SoundError.truncated(name, expected: place + 27, found: bytes.count)
      }
      guard bytes[place..<place + 4].elementsEqual("OggS".utf8) else {
        throw SoundError.malformed(name, "no Ogg page at byte \(place)")
      }
      let table = place + 27 + Int(bytes[place + 26])
      guard table <= bytes.count else { throw SoundError.truncated(name, expected: table, found: bytes.count) }
      isLast = bytes[place + 5] & 4 != 0
      let end = bytes[place + 27..<table].reduce(table) { $0 + Int($1) }
      guard end <= bytes.count else { throw SoundError.truncated(name, expected: end, found: bytes.count) }
      place = end
    }
    guard isLast else { throw SoundError.truncated(name, expected: bytes.count + 27, found: bytes.count) }
  }
}
