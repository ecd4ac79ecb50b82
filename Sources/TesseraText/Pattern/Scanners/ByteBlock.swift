#if hasFeature(BuiltinModule)
  import Builtin
#endif

/// 64 bytes of text, asked class by class: one bit for each byte.
///
/// The comparison of 16 bytes and the gathering of its result are one instruction each where the compiler lets us spell them;
/// elsewhere eight bytes at a time are compared inside a 64-bit word.
struct ByteBlock {
  /// Bytes that may be read behind the block, so that rules can look ahead.
  static let lookahead = 8

  let bytes: UnsafePointer<UInt8>
  #if hasFeature(BuiltinModule)
    private let lanes: (SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>)
  #endif

  /// - Parameter bytes: 64 bytes and ``lookahead`` more.
  @inline(__always)
  init(_ bytes: UnsafePointer<UInt8>) {
    self.bytes = bytes
    #if hasFeature(BuiltinModule)
      let raw = UnsafeRawPointer(bytes)
      lanes = (
        raw.loadUnaligned(as: SIMD16<UInt8>.self),
        raw.loadUnaligned(fromByteOffset: 16, as: SIMD16<UInt8>.self),
        raw.loadUnaligned(fromByteOffset: 32, as: SIMD16<UInt8>.self),
        raw.loadUnaligned(fromByteOffset: 48, as: SIMD16<UInt8>.self)
      )
    #endif
  }

  /// The bytes in `first..<first + count`.
  @inline(__always)
  func range(_ first: UInt8, _ count: UInt8) -> UInt64 {
    #if hasFeature(BuiltinModule)
      let (low, bound) = (SIMD16<UInt8>(repeating: first), SIMD16<UInt8>(repeating: count))
      return Self.below(lanes.0 &- low, bound) | Self.below(lanes.1 &- low, bound) &<< 16
        | Self.below(lanes.2 &- low, bound) &<< 32 | Self.below(lanes.3 &- low, bound) &<< 48
    #else
      return Self.range(first, count, bytes)
    #endif
  }

  @inline(__always)
  func equal(_ byte: UInt8) -> UInt64 { range(byte, 1) }

  /// ASCII letters of either case.
  @inline(__always) var letters: UInt64 { upper | lower }
  @inline(__always) var upper: UInt64 { range(0x41, 26) }
  @inline(__always) var lower: UInt64 { range(0x61, 26) }
  @inline(__always) var digits: UInt64 { range(0x30, 10) }
  /// The ASCII scalars of `\s`.
  @inline(__always) var spaces: UInt64 { range(0x09, 5) | blanks }
  /// U+0020.
  @inline(__always) var blanks: UInt64 { equal(0x20) }
  /// U+000A and U+000D.
  @inline(__always) var lineEnds: UInt64 { equal(0x0A) | equal(0x0D) }
  /// Bytes of scalars beyond ASCII.
  @inline(__always) var beyondASCII: UInt64 { range(0x80, 0x80) }

  #if hasFeature(BuiltinModule)
    @inline(__always)
    private static func below(_ lane: SIMD16<UInt8>, _ bound: SIMD16<UInt8>) -> UInt64 {
      let mask = Builtin.cmp_ult_Vec16xInt8(lane._storage._value, bound._storage._value)
      return UInt64(truncatingIfNeeded: UInt16(Builtin.bitcast_Vec16xInt1_Int16(mask)))
    }
  #endif

  /// The same without vectors.
  static func range(_ first: UInt8, _ count: UInt8, _ bytes: UnsafePointer<UInt8>) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let low7 = ones &* 0x7F
    let high = ones &* 0x80
    let (offset, bound) = (ones &* UInt64(first), ones &* UInt64(count))
    var result: UInt64 = 0
    for word in 0..<8 {
      let x = UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self))
      // Byte-wise x - offset, then the borrow of its comparison with the bound.
      let moved = ((x | high) &- (offset & low7)) ^ ((x ^ ~offset) & high)
      let difference = ((moved | high) &- (bound & low7)) ^ ((moved ^ ~bound) & high)
      let borrow = ((~moved & bound) | ((~moved | bound) & difference)) & high
      result |= (((borrow &>> 7) &* 0x0102_0408_1020_4080) &>> 56) &<< UInt64(8 * word)
    }
    return result
  }
}

extension UInt64 {
  /// The bits below a position, which may be 64.
  @inline(__always)
  static func bits(below position: Int) -> UInt64 {
    position >= 64 ? .max : (1 &<< UInt64(truncatingIfNeeded: position)) &- 1
  }

  /// The position of the highest bit, or -1.
  @inline(__always)
  var highestBit: Int { 63 &- leadingZeroBitCount }

  /// Where a run of these bits that ends at `last` begins.
  @inline(__always)
  func startOfRun(endingAt last: Int) -> Int {
    (~self & .bits(below: last)).highestBit &+ 1
  }
}
