import CTorch

/// A generator of libtorch with a seed of its own, for one operation.
public final class Generator: @unchecked Sendable {
  let handle: OpaquePointer

  init(seed: UInt64, device: Device) throws {
    try Torch.demand()
    guard let made = ct_make_generator(seed, device.code) else {
      throw TensorError.failed("generator", ["\(device)"], Torch.lastMessage)
    }
    handle = made
  }

  deinit { ct_release_generator(handle) }
}

/// A source of random numbers with an explicit seed. It can be split, and two numbers are its whole state.
///
///     var stream = RandomStream(seed: 1)
///     let noise = try stream.normal([2, 3])
///     var other = stream.split()          // independent of everything drawn from `stream` later
///
/// Every draw of a tensor is an independent stream whose seed is a hash of the key and of the number of draws before it: the same seed
/// gives the same numbers on the same device, whatever other streams do.
public struct RandomStream: Sendable, Codable, Equatable, RandomNumberGenerator {
  private let key: UInt64
  private var draws: UInt64 = 0

  /// Makes it from its parts.
  public init(seed: UInt64) { key = RandomStream.mix(seed &+ 0x9E37_79B9_7F4A_7C15) }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    draws &+= 1
    return RandomStream.mix(key ^ RandomStream.mix(draws &* 0x9E37_79B9_7F4A_7C15))
  }

  /// A stream that is independent of this one.
  public mutating func split() -> RandomStream { RandomStream(seed: next()) }

  /// A stream with a name: the same for the same name, wherever it is asked for.
  public func named(_ name: String) -> RandomStream {
    var hash = key
    for byte in name.utf8 { hash = RandomStream.mix(hash ^ UInt64(byte)) }
    return RandomStream(seed: hash)
  }

  /// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A generator for one operation of libtorch.
  public mutating func generator(_ device: Device = .cpu) throws -> Generator {
    try Generator(seed: next(), device: device)
  }

  /// Numbers from the standard normal distribution.
  public mutating func normal(
    _ shape: [Int], mean: Double = 0, deviation: Double = 1, _ type: DataType = .float32, device: Device = .cpu
  ) throws -> Tensor {
    let drawn = try Op.randn(
      .ints(shape), .random(try generator(device)), .type(type), .none, .device(device))
    return deviation == 1 && mean == 0 ? drawn : try drawn * deviation + mean
  }

  /// Numbers from the uniform distribution over `low ..< high`.
  public mutating func uniform(
    _ shape: [Int], _ low: Double = 0, _ high: Double = 1, _ type: DataType = .float32, device: Device = .cpu
  ) throws -> Tensor {
    let drawn = try Op.rand(
      .ints(shape), .random(try generator(device)), .type(type), .none, .device(device))
    return low == 0 && high == 1 ? drawn : try drawn * (high - low) + low
  }

  /// Whole numbers from `range`, as int64.
  public mutating func integers(_ shape: [Int], in range: Range<Int>, device: Device = .cpu) throws -> Tensor {
    try Op.randint(
      .int(range.lowerBound), .int(range.upperBound), .ints(shape), .random(try generator(device)), .type(.int64),
      .none,
      .device(device))
  }

  /// The numbers `0 ..< count` in random order, as int64.
  public mutating func permutation(_ count: Int, device: Device = .cpu) throws -> Tensor {
    try Op.randperm(.int(count), .random(try generator(device)), .type(.int64), .none, .device(device))
  }

  /// Draws indices with probabilities proportional to the rows of `weights`.
  /// - Parameter weights: `[classes]` or `[rows, classes]`, not negative
  /// - Returns: int64 `[samples]` or `[rows, samples]`
  public mutating func multinomial(_ weights: Tensor, samples: Int = 1, replacement: Bool = false) throws -> Tensor {
    try Op.multinomial(
      .tensor(weights), .int(samples), .bool(replacement), .random(try generator(weights.device)))
  }

  /// True with the given probability, for each element.
  public mutating func bernoulli(_ shape: [Int], _ probability: Double, device: Device = .cpu) throws -> Tensor {
    try uniform(shape, device: device) .< probability
  }
}
