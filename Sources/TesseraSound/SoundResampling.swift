#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

extension Sound {
  /// The same sound at another rate, band-limited.
  ///
  /// With N half of the lower of the two rates: tones up to 0.9 N keep their level within 0.01 dB, whatever lies at N or above in the
  /// source comes out at least 80 dB lower, and so do images. In between the level falls (half at 0.95 N). The sound is not delayed;
  /// before its start and after its end is silence. The result has ⌈frames · new rate / old rate⌉ frames.
  ///
  /// A windowed sinc: `h(x) = c sinc(c x) w(x / W)` with a Kaiser window `w` (Kaiser, *Nonrecursive digital filter design using the
  /// I0-sinh window function*, 1974), summed in double precision. Samples whose positions fall between the same fractions of the
  /// source's share one filter, which is made when its turn comes, so that any ratio of rates costs no memory.
  ///
  /// - Throws: `SoundError.malformed` for a rate out of 1...768 000, `SoundError.tooLarge` if there would be more samples than allowed.
  /// - Complexity: O(samples · 110 · max(1, old rate / new rate)) multiply-adds
  public func resampled(to rate: Int, limits: Limits = Limits()) throws -> Sound {
    guard Self.rates.contains(rate) else {
      throw SoundError.malformed("sound", "a rate of \(rate) Hz is not between 1 and 768000")
    }
    if rate == sampleRate { return self }
    let filter = ResamplingFilter(from: sampleRate, to: rate)
    let (product, overflow) = frames.multipliedReportingOverflow(by: filter.up)
    let count = product / filter.down + (product % filter.down == 0 ? 0 : 1)
    guard !overflow, count <= limits.samples / channels else {
      throw SoundError.tooLarge(
        "sound", "resampled samples", count: overflow ? .max : count * channels, limit: limits.samples)
    }
    let result = [Float](unsafeUninitializedCapacity: count * channels) { output, filled in
      samples.withUnsafeBufferPointer { filter.apply($0, frames: frames, channels: channels, to: output, count: count) }
      filled = count * channels
    }
    return Sound(trusted: result, channels: channels, sampleRate: rate)
  }
}

/// A windowed sinc for one ratio of rates.
struct ResamplingFilter {
  /// The ratio in lowest terms: `up` samples come out for every `down` that go in.
  let up: Int
  let down: Int
  /// How many samples of the source lie on each side of a new one.
  private let reach: Int
  /// The middle of the transition as a fraction of half the source's rate.
  private let cutoff: Double
  private let halfWidth: Double

  /// The window's shape for 86 dB: a little more than the 80 dB that are promised.
  private static let attenuation = 86.0
  private static let shape = 0.1102 * (attenuation - 8.7)
  private static let scale = 1 / bessel(shape)
  /// The transition reaches from 0.9 to 1 of the band; by Kaiser's formula that takes so many samples of the lower rate on each side.
  private static let crossings = ((attenuation - 8) / (2.285 * 0.1 * Double.pi) / 2).rounded(.up)

  init(from source: Int, to target: Int) {
    var (a, b) = (source, target)
    while b != 0 { (a, b) = (b, a % b) }
    (up, down) = (target / a, source / a)
    let band = min(1, Double(up) / Double(down))
    cutoff = 0.95 * band
    halfWidth = Self.crossings / band
    reach = Int(halfWidth.rounded(.up))
  }

  /// The weights of the source's samples `floor(t) - reach + 1 ... floor(t) + reach` for a fraction of t; they sum to one, so that a
  /// constant stays itself.
  func weights(at fraction: Double) -> [Double] {
    let weights = (0..<2 * reach).map { tap -> Double in
      let x = fraction + Double(reach - 1 - tap)
      guard abs(x) < halfWidth else { return 0 }
      let (angle, place) = (Double.pi * cutoff * x, x / halfWidth)
      let sinc = abs(angle) < 1e-9 ? 1 : sin(angle) / angle
      return sinc * Self.bessel(Self.shape * (1 - place * place).squareRoot()) * Self.scale
    }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  /// The modified Bessel function of the first kind of order 0, by its power series.
  private static func bessel(_ x: Double) -> Double {
    var (sum, term, n) = (1.0, 1.0, 1.0)
    while term > sum * 1e-17 {
      term *= (x / 2 / n) * (x / 2 / n)
      sum += term
      n += 1
    }
    return sum
  }

  func apply(
    _ input: UnsafeBufferPointer<Float>, frames: Int, channels: Int, to output: UnsafeMutableBufferPointer<Float>,
    count: Int
  ) {
    for phase in 0..<min(up, count) {
      // New sample n lies at n · down / up of the source; n = phase + k · up moves by whole samples with k.
      let weights = weights(at: Double(phase * down % up) / Double(up))
      var first = phase * down / up - reach + 1
      for n in stride(from: phase, to: count, by: up) {
        let range = max(first, 0)..<max(min(first + weights.count, frames), max(first, 0))
        for channel in 0..<channels {
          var sum = 0.0
          for index in range { sum += weights[index - first] * Double(input[index * channels + channel]) }
          output[n * channels + channel] = Float(sum)
        }
        first += down
      }
    }
  }
}
