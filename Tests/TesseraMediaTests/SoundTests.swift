import CSndFile
import Foundation
import Testing

@testable import TesseraSound

@Suite struct SoundTests {
  @Test("a sound knows its frames, its length, and its channels")
  func shape() throws {
    let sound = try Sound([0, 1, 0.5, -1, 0.25, 0], channels: 2, sampleRate: 2)
    #expect(sound.frames == 3)
    #expect(sound.duration == 1.5)
    #expect(sound.channel(1) == [1, -1, 0])
    #expect(sound.mono.samples == [0.5, -0.25, 0.125])
  }

  @Test("rates, channels, open frames and numbers that are none are refused")
  func refusals() {
    #expect(throws: SoundError.self) { try Sound([0], sampleRate: 0) }
    #expect(throws: SoundError.self) { try Sound([0], channels: 0, sampleRate: 8000) }
    #expect(throws: SoundError.self) { try Sound([0, 0, 0], channels: 2, sampleRate: 8000) }
    #expect(throws: SoundError.malformed("sound", "sample 1 is not finite")) {
      try Sound([0, .nan], sampleRate: 8000)
    }
  }

  @Test("samples of 16 and 24 bits come back exactly", arguments: Sound.Format.allCases)
  func exact(format: Sound.Format) throws {
    let steps = Float(1 << ((format.bits ?? 24) - 1))
    let values = [-1, -1 / steps, 0, 1 / steps, 0.5, (steps - 1) / steps] + Tones.noise(5000, bits: format.bits ?? 24)
    let sound = try Sound(values, channels: 2, sampleRate: 22_050)
    let bytes = try sound.encoded(as: format)
    #expect(try Sound(bytes: bytes) == sound)
    #expect(try sound.encoded(as: format) == bytes)
  }

  @Test("whole numbers clip beyond full scale, floating point keeps it")
  func clipping() throws {
    let sound = try Sound([1.5, -3, 1], sampleRate: 8000)
    #expect(try Sound(bytes: sound.encoded(as: .wav16)).samples == [32767 / 32768, -1, 32767 / 32768])
    #expect(try Sound(bytes: sound.encoded(as: .wavFloat)).samples == [1.5, -3, 1])
  }

  @Test("an empty sound is written and read")
  func empty() throws {
    let sound = try Sound([], sampleRate: 8000)
    #expect(try Sound(bytes: sound.encoded(as: .wav16)) == sound)
  }

  @Test("Vorbis and MP3 keep a tone's level, rate and length", arguments: [Tones.vorbis, Tones.mp3])
  func lossy(code: Int) throws {
    let tone = try Tones.tone(440, rate: 44_100, seconds: 0.5, level: 0.5)
    guard let bytes = Tones.encode(tone, code: code) else { return }
    let sound = try Sound(bytes: bytes)
    #expect(sound.sampleRate == 44_100)
    #expect(abs(sound.frames - tone.frames) < 3000)
    let middle = Array(sound.samples[8000..<16_000])
    #expect(abs(Tones.level(middle) - 0.5 / 2.0.squareRoot()) < 0.01)
  }

  @Test("a path is read by content, whatever its name, and written beside its place first")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sound-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sound = try Tones.tone(300, rate: 16_000, seconds: 0.1, level: 0.5)
    try sound.write(to: folder + "/voice.flac")
    try sound.write(to: folder + "/voice.wav")
    try FileManager.default.moveItem(atPath: folder + "/voice.flac", toPath: folder + "/voice.mp3")
    #expect(try Sound(contentsOf: folder + "/voice.mp3") == Sound(contentsOf: folder + "/voice.wav"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["voice.mp3", "voice.wav"])
    #expect(throws: SoundError.self) { try sound.write(to: folder + "/no/such/folder.wav") }
    #expect(throws: SoundError.unreadable(folder, "it is no regular file")) { try Sound(contentsOf: folder) }
    #expect(throws: SoundError.self) { try Sound(contentsOf: folder + "/absent.wav") }
  }

  @Test("what is too large is refused before it is decoded")
  func limits() throws {
    let sound = try Tones.tone(300, rate: 16_000, seconds: 0.5, level: 0.5)
    let bytes = try sound.encoded(as: .flac16)
    #expect(throws: SoundError.tooLarge("sound", "samples", count: 8000, limit: 7999)) {
      try Sound(bytes: bytes, limits: .init(samples: 7999))
    }
    #expect(throws: SoundError.tooLarge("sound", "bytes", count: bytes.count, limit: 100)) {
      try Sound(bytes: bytes, limits: .init(bytes: 100))
    }
    #expect(throws: SoundError.self) { try sound.resampled(to: 768_000, limits: .init(samples: 9000)) }
  }

  @Test("a FLAC header that promises billions of samples takes no memory for them")
  func lyingHeader() throws {
    var bytes = try Tones.tone(300, rate: 16_000, seconds: 0.1, level: 0.5).encoded(as: .flac16)
    // The 36 bits of the number of samples end at byte 26 (RFC 9639, section 8.2).
    bytes.replaceSubrange(22..<26, with: [0xFF, 0xFF, 0xFF, 0x00])
    #expect(throws: SoundError.self) { try Sound(bytes: bytes) }
    bytes.replaceSubrange(22..<26, with: [0, 0, 0xFF, 0])
    #expect(throws: SoundError.self) { try Sound(bytes: bytes) }
  }

  @Test("a WAV that a program wrote to a pipe is read to its end")
  func unknownLength() throws {
    let sound = try Tones.tone(300, rate: 16_000, seconds: 0.1, level: 0.5)
    var bytes = try sound.encoded(as: .wav16)
    let known = try Sound(bytes: bytes)
    for size: [UInt8] in [[0xFF, 0xFF, 0xFF, 0xFF], [0x00, 0xF0, 0xFF, 0x7F]] {
      bytes.replaceSubrange(40..<44, with: size)
      #expect(try Sound(bytes: bytes) == known)
    }
  }

  @Test("every truncation of a file is refused with a typed error")
  func truncations() throws {
    let tone = try Tones.tone(500, rate: 8000, seconds: 0.05, level: 0.5)
    for format in Sound.Format.allCases {
      let bytes = try tone.encoded(as: format)
      for count in stride(from: 0, to: bytes.count, by: 7) {
        #expect(throws: SoundError.self, "\(format.rawValue), \(count) of \(bytes.count)") {
          try Sound(bytes: Array(bytes[..<count]))
        }
      }
    }
    guard let vorbis = Tones.encode(tone, code: Tones.vorbis) else { return }
    for count in stride(from: 0, to: vorbis.count, by: 97) {
      #expect(throws: SoundError.self) { try Sound(bytes: Array(vorbis[..<count])) }
    }
  }

  @Test("changed bytes give a sound or a typed error, never a crash, and stay within the limits")
  func flips() throws {
    let tone = try Tones.tone(500, rate: 8000, seconds: 0.05, level: 0.5)
    var files = try Sound.Format.allCases.map { try tone.encoded(as: $0) }
    files += [Tones.vorbis, Tones.mp3].compactMap { Tones.encode(tone, code: $0) }
    var random = Tones.Random()
    for file in files {
      for _ in 0..<150 {
        var bytes = file
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          // Headers are where lies do harm.
          let reach = Bool.random(using: &random) ? min(80, bytes.count) : bytes.count
          bytes[Int.random(in: 0..<reach, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        do {
          let sound = try Sound(bytes: bytes, limits: .init(samples: 1_000_000))
          #expect(sound.samples.count <= 1_000_000)
          #expect(!sound.samples.contains { !$0.isFinite })
        } catch is SoundError {}
      }
    }
  }

  @Test("text, pictures and noise are no sound")
  func otherFiles() {
    let noise = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31 >> 3) }
    for bytes in [[], Array("RIFF".utf8), Array("Once upon a time".utf8), [0x89, 0x50, 0x4E, 0x47], noise] {
      #expect(throws: SoundError.self) { try Sound(bytes: bytes) }
    }
  }
}

@Suite struct SoundResamplingTests {
  @Test(
    "tones of the pass band keep their level within 0.01 dB",
    arguments: [
      (44_100, 16_000), (22_050, 16_000), (16_000, 44_100), (48_000, 44_100), (8000, 16_000), (16_000, 8000),
    ])
  func passBand(from: Int, to: Int) throws {
    for part in [0.01, 0.3, 0.6, 0.9] {
      let frequency = part * Double(min(from, to)) / 2
      let sound = try Tones.tone(frequency, rate: from, seconds: 0.5, level: 0.5).resampled(to: to)
      let gain = 20 * log10(Tones.amplitude(of: frequency, in: sound) / 0.5)
      #expect(abs(gain) < 0.01, "\(from) to \(to) Hz, \(frequency) Hz: \(gain) dB")
    }
  }

  @Test("whatever lies beyond the new band comes out 80 dB lower")
  func aliases() throws {
    for (from, to) in [(44_100, 16_000), (48_000, 8000), (22_050, 16_000)] {
      for part in [1.0, 1.1, 1.3] where part * Double(to) < Double(from) {
        let sound = try Tones.tone(part * Double(to) / 2 + 3, rate: from, seconds: 0.5, level: 1).resampled(to: to)
        let middle = sound.samples[sound.frames / 4..<sound.frames * 3 / 4]
        let level = 20 * log10(Tones.level(Array(middle)) * 2.0.squareRoot())
        #expect(level < -80, "\(from) to \(to) Hz, \(part): \(level) dB")
      }
    }
  }

  @Test("making more samples adds nothing above the old band")
  func images() throws {
    let (from, to, frequency) = (8000, 44_100, 3000.0)
    let sound = try Tones.tone(frequency, rate: from, seconds: 0.5, level: 1).resampled(to: to)
    for image in [5000.0, 11_000, 13_000] {
      #expect(20 * log10(Tones.amplitude(of: image, in: sound)) < -80)
    }
  }

  @Test("a tone is not shifted in time")
  func noDelay() throws {
    let tone = try Tones.tone(1000, rate: 44_100, seconds: 0.3, level: 0.5)
    let direct = try Tones.tone(1000, rate: 16_000, seconds: 0.3, level: 0.5)
    let sound = try tone.resampled(to: 16_000)
    for index in 1000..<3800 { #expect(abs(sound.samples[index] - direct.samples[index]) < 1e-3) }
  }

  @Test("lengths, constants, channels and repetition are kept")
  func shape() throws {
    let constant = try Sound([Float](repeating: 0.25, count: 2000), channels: 2, sampleRate: 44_100)
    let sound = try constant.resampled(to: 16_000)
    #expect(sound.frames == (1000 * 16_000 + 44_099) / 44_100)
    #expect(sound.samples[300..<400].allSatisfy { abs($0 - 0.25) < 1e-6 })
    #expect(try constant.resampled(to: 16_000) == sound)
    #expect(try constant.resampled(to: 44_100) == constant)
    #expect(try Sound([], sampleRate: 3).resampled(to: 7).frames == 0)
    #expect(throws: SoundError.self) { try constant.resampled(to: 0) }
    let left = try Sound(Tones.noise(500, bits: 16), sampleRate: 22_050)
    let pair = try Sound(left.samples.flatMap { [$0, -$0] }, channels: 2, sampleRate: 22_050)
    #expect(try pair.resampled(to: 16_000).channel(0) == left.resampled(to: 16_000).samples)
  }

  @Test("any ratio of rates is served: each new position has its own filter, and none is stored")
  func coprimeRates() throws {
    let tone = try Tones.tone(440, rate: 44_100, seconds: 0.05, level: 0.5)
    let sound = try tone.resampled(to: 44_101)
    #expect(sound.frames == 2206)
    #expect(abs(sound.samples[1000] - tone.samples[1000]) < 0.01)
  }
}

/// Sounds without files.
enum Tones {
  static let vorbis = SF_FORMAT_OGG | SF_FORMAT_VORBIS
  static let mp3 = SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III

  static func tone(_ frequency: Double, rate: Int, seconds: Double, level: Double) throws -> Sound {
    let count = Int(seconds * Double(rate))
    return try Sound(
      (0..<count).map { Float(level * sin(2 * .pi * frequency * Double($0) / Double(rate))) }, sampleRate: rate)
  }

  /// The root of the mean square.
  static func level(_ samples: [Float]) -> Double {
    (samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(samples.count)).squareRoot()
  }

  /// The amplitude of a frequency in the middle half, under a Hann window.
  static func amplitude(of frequency: Double, in sound: Sound) -> Double {
    let (start, count) = (sound.frames / 4, sound.frames / 2)
    var (real, imaginary, sum) = (0.0, 0.0, 0.0)
    for index in 0..<count {
      let window = 0.5 - 0.5 * cos(2 * .pi * (Double(index) + 0.5) / Double(count))
      let angle = 2 * .pi * frequency * Double(start + index) / Double(sound.sampleRate)
      real += window * Double(sound.samples[start + index]) * cos(angle)
      imaginary += window * Double(sound.samples[start + index]) * sin(angle)
      sum += window
    }
    return 2 * (real * real + imaginary * imaginary).squareRoot() / sum
  }

  /// Numbers that such samples can hold.
  static func noise(_ count: Int, bits: Int) -> [Float] {
    var random = Random()
    let scale = Float(1 << (bits - 1))
    return (0..<count / 2 * 2).map { _ in
      Float(Int.random(in: -(1 << (bits - 1))..<1 << (bits - 1), using: &random)) / scale
    }
  }

  /// Formats that are read and never written; nil where the library was built without them.
  static func encode(_ sound: Sound, code: Int) -> [UInt8]? {
    var info = SF_INFO()
    (info.samplerate, info.channels, info.format) = (Int32(sound.sampleRate), Int32(sound.channels), Int32(code))
    let file = MemoryFile()
    let written = file.open(SFM_WRITE, &info) { pointer, _ in
      sf_write_float(pointer, sound.samples, sf_count_t(sound.samples.count))
    }
    return written == sf_count_t(sound.samples.count) ? file.bytes : nil
  }

  /// Splitmix64, so that every run sees the same bytes.
  struct Random: RandomNumberGenerator {
    private var state: UInt64 = 20_26
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }
}
