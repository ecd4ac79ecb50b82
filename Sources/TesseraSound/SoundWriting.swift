import CSndFile

extension Sound {
  /// A kind of file that sound is written as.
  public enum Format: String, Sendable, CaseIterable {
    /// WAV with whole numbers of 16 bits; samples beyond full scale are clipped.
    case wav16 = "WAV, 16 bits"
    /// WAV with whole numbers of 24 bits; samples beyond full scale are clipped.
    case wav24 = "WAV, 24 bits"
    /// WAV with 32-bit floating-point numbers: every sample is kept exactly.
    case wavFloat = "WAV, floating point"
    /// FLAC with 16 bits: half the size, same samples as `wav16`. At most 8 channels and 655 350 Hz.
    case flac16 = "FLAC, 16 bits"
    /// FLAC with 24 bits.
    case flac24 = "FLAC, 24 bits"

    var code: Int {
      switch self {
      case .wav16: SF_FORMAT_WAV | SF_FORMAT_PCM_16
      case .wav24: SF_FORMAT_WAV | SF_FORMAT_PCM_24
      case .wavFloat: SF_FORMAT_WAV | SF_FORMAT_FLOAT
      case .flac16: SF_FORMAT_FLAC | SF_FORMAT_PCM_16
      case .flac24: SF_FORMAT_FLAC | SF_FORMAT_PCM_24
      }
    }

    /// Bits of whole numbers; nil for floating point.
    var bits: Int? {
      switch self {
      case .wav16, .flac16: 16
      case .wav24, .flac24: 24
      case .wavFloat: nil
      }
    }
  }

  /// Writes a file: beside its place first, then renamed.
  /// - Parameter format: by default FLAC for a name that ends in `.flac`, WAV otherwise, both with 16 bits
  /// - Throws: `SoundError`, naming the path.
  public func write(to path: String, as format: Format? = nil) throws {
    let isFLAC = path.utf8.suffix(5).elementsEqual(".flac".utf8)
    try SoundFile.write(encoded(as: format ?? (isFLAC ? .flac16 : .wav16), name: path), to: path)
  }

  /// The bytes of a file. The same samples give the same bytes.
  /// - Throws: `SoundError.unsupported` if the format cannot hold the rate or the channels.
  public func encoded(as format: Format) throws -> [UInt8] { try encoded(as: format, name: "sound") }

  private func encoded(as format: Format, name: String) throws -> [UInt8] {
    var info = SF_INFO()
    info.samplerate = Int32(sampleRate)
    info.channels = Int32(channels)
    info.format = Int32(format.code)
    let refusal = SoundError.unsupported(
      name, "\(format.rawValue) cannot hold \(frames) frames of \(channels) channels at \(sampleRate) Hz")
    // The chunks of a WAV file count bytes in 32 bits.
    guard sf_format_check(&info) != 0, samples.count <= 1 << 29 else { throw refusal }
    let target = MemoryFile()
    let written = target.open(SFM_WRITE, &info) { file, _ in
      // The chunk of peaks has the time of day in it.
      sf_command(file, Int32(SFC_SET_ADD_PEAK_CHUNK), nil, Int32(SF_FALSE))
      return put(file, bits: format.bits)
    }
    guard written == samples.count else { throw refusal }
    return target.bytes
  }

  /// Whole numbers are made here: libsndfile multiplies by 32767 when it writes and divides by 32768 when it reads, so what it read
  /// would not come back.
  private func put(_ file: OpaquePointer, bits: Int?) -> Int {
    guard let bits else { return Int(sf_write_float(file, samples, sf_count_t(samples.count))) }
    let scale = Double(1 << (bits - 1))
    let shift = 32 - bits
    let numbers = samples.map { sample -> Int32 in
      Int32(max(-scale, min(scale - 1, (Double(sample) * scale).rounded(.toNearestOrEven)))) << shift
    }
    return Int(sf_write_int(file, numbers, sf_count_t(numbers.count)))
  }
}
