#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Cuts files into pieces of equal size, as bytes and not as text.
///
/// Pieces that are all alike (padding) or without any order (compressed data) teach nothing and can be left out by their entropy.
public struct ByteChunks: Sendable, Equatable {
  /// The bytes of a chunk; zero for whole files, which then have to fit in memory.
  public let size: Int
  /// Chunks whose bytes have an entropy outside of it are left out; in bits per byte. `nil` keeps all.
  public let entropy: ClosedRange<Double>?

  /// Makes a cutting.
  ///
  /// - Throws: ``TokenizerError`` of kind `invalidRequest` unless `size` is 0 to 2^30.
  public init(size: Int = 8192, entropy: ClosedRange<Double>? = nil) throws {
    guard size >= 0, size <= 1 << 30 else {
      throw TokenizerError(.invalidRequest, "chunks of \(size) bytes; expected 0 to 2^30")
    }
    self.size = size
    self.entropy = entropy
  }

  /// The entropy of the distribution of byte values, in bits per byte: 0 for equal bytes, 8 when all 256 are equally frequent.
  public static func entropy(of bytes: UnsafeBufferPointer<UInt8>) -> Double {
    guard !bytes.isEmpty else { return 0 }
    var counts = [Int](repeating: 0, count: 256)
    for byte in bytes { counts[Int(byte)] += 1 }
    let total = Double(bytes.count)
    return counts.reduce(0) { $1 == 0 ? $0 : $0 - Double($1) / total * log2(Double($1) / total) }
  }

  func forEachChunk(in bytes: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
    let step = size == 0 ? bytes.count : size
    for start in stride(from: 0, to: bytes.count, by: max(1, step)) {
      let chunk = UnsafeBufferPointer(rebasing: bytes[start..<min(start + step, bytes.count)])
      if let entropy, !entropy.contains(Self.entropy(of: chunk)) { continue }
      body(chunk)
    }
  }

  var json: JSON {
    [
      "size": .integer(Int64(size)),
      "entropy": entropy.map { [.number($0.lowerBound), .number($0.upperBound)] } ?? .null,
    ]
  }

  init(json: JSON) throws {
    guard let size = json["size"]?.integerValue else {
      throw TokenizerError(.malformed, "expected a number of bytes", at: .key("chunks.size"))
    }
    var entropy: ClosedRange<Double>?
    if let bounds = json["entropy"], !bounds.isNull {
      let numbers = (bounds.arrayValue ?? []).compactMap(\.doubleValue)
      guard numbers.count == 2, numbers[0] <= numbers[1] else {
        throw TokenizerError(.malformed, "expected two numbers in order", at: .key("chunks.entropy"))
      }
      entropy = numbers[0]...numbers[1]
    }
    try self.init(size: size, entropy: entropy)
  }
}
