#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension ChatTemplate.Clock {
  /// The clock of the system in its time zone.
  public static let system = ChatTemplate.Clock { format in
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    return text(format, parts)
  }

  /// A clock that stands still, `seconds` after 1970 in universal time.
  public static func fixed(secondsSince1970 seconds: Int) -> ChatTemplate.Clock {
    ChatTemplate.Clock { format in
      var now = time_t(seconds)
      var parts = tm()
      gmtime_r(&now, &parts)
      return text(format, parts)
    }
  }

  /// What `strftime` makes of a format; a mark in front tells an empty result from a buffer that is too small.
  private static func text(_ format: String, _ parts: tm) -> String {
    var parts = parts
    var size = 256
    while size <= 1 << 16 {
      var buffer = [CChar](repeating: 0, count: size)
      let length = strftime(&buffer, size, "x" + format, &parts)
      if length > 0 {
        return String(decoding: buffer[1..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      size *= 4
    }
    return ""
  }
}
