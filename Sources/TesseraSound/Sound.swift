/// Sound in memory: samples of some channels at one rate.
///
///     let voice = try Sound(contentsOf: "hello.flac").mono.resampled(to: 16_000)
///     try voice.write(to: "hello.wav")
///
/// Files are told apart by their content, never by their name. Samples are kept as `Float`, so 24 bits of a file survive exactly.
public struct Sound: Sendable, Equatable {
  /// Frames in a second, 1...768 000.
  public let sampleRate: Int
  /// Samples in a frame, 1...64.
  public let channels: Int
  /// Samples, frame after frame; full scale is [-1, 1]. They are finite; files of floating-point numbers may exceed full scale.
  public let samples: [Float]

  /// What is read at most, and made at most by resampling.
  public struct Limits: Sendable, Equatable {
    /// Bytes of a file.
    public var bytes: Int
    /// Samples, over all channels.
    public var samples: Int

    /// By default files up to 1 GiB and 200 million samples (800 MB, 70 minutes of two channels at 48 kHz).
    public init(bytes: Int = 1 << 30, samples: Int = 200_000_000) { (self.bytes, self.samples) = (bytes, samples) }
  }

  static let rates = 1...768_000
  static let channelCounts = 1...64

  /// Makes it from samples, frame after frame.
  /// - Throws: `SoundError.malformed` if the rate or the number of channels is out of range, if the last frame is not full, or if a
  ///   sample is not finite.
  /// - Complexity: O(n)
  public init(_ samples: [Float], channels: Int = 1, sampleRate: Int) throws {
    try self.init(samples, channels: channels, sampleRate: sampleRate, name: "sound")
  }

  init(_ samples: [Float], channels: Int, sampleRate: Int, name: String) throws {
    guard Self.rates.contains(sampleRate) else {
      throw SoundError.malformed(name, "a rate of \(sampleRate) Hz is not between 1 and 768000")
    }
    guard Self.channelCounts.contains(channels) else {
      throw SoundError.malformed(name, "\(channels) channels are not between 1 and 64")
    }
    guard samples.count % channels == 0 else {
      throw SoundError.malformed(name, "\(samples.count) samples do not fill frames of \(channels)")
    }
    if let place = samples.firstIndex(where: { !$0.isFinite }) {
      throw SoundError.malformed(name, "sample \(place) is not finite")
    }
    (self.samples, self.channels, self.sampleRate) = (samples, channels, sampleRate)
  }

  /// For samples that are known to be in order.
  init(trusted samples: [Float], channels: Int, sampleRate: Int) {
    (self.samples, self.channels, self.sampleRate) = (samples, channels, sampleRate)
  }

  /// The number of frames.
  public var frames: Int { samples.count / channels }

  /// Seconds.
  public var duration: Double { Double(frames) / Double(sampleRate) }

  /// One channel: the mean of all.
  /// - Complexity: O(n)
  public var mono: Sound {
    if channels == 1 { return self }
    let mixed = (0..<frames).map { frame in
      // In double precision, so that equal channels give themselves back.
      Float(samples[frame * channels..<(frame + 1) * channels].reduce(0.0) { $0 + Double($1) } / Double(channels))
    }
    return Sound(trusted: mixed, channels: 1, sampleRate: sampleRate)
  }

  /// The samples of one channel, counted from 0.
  /// - Complexity: O(frames)
  public func channel(_ channel: Int) -> [Float] {
    precondition((0..<channels).contains(channel), "there are \(channels) channels")
    return stride(from: channel, to: samples.count, by: channels).map { samples[$0] }
  }
}
