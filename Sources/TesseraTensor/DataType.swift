import CTorch

/// The type of a tensor's elements.
public enum DataType: Int32, Sendable, CaseIterable, Codable {
  case float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool
  case complex64, float8e4m3, float8e5m2, uint16, uint32, uint64, complex128

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .int8, .uint8, .bool, .float8e4m3, .float8e5m2: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64, .complex64: 8
    case .complex128: 16
    }
  }

  /// True for the real floating-point types: those that gradients flow through.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16, .float8e4m3, .float8e5m2: true
    default: false
    }
  }
}

/// Where a tensor's elements lie.
public enum Device: Hashable, Sendable, CustomStringConvertible {
  /// The memory of the processor.
  case cpu
  /// The accelerator with this index, starting at 0.
  case accelerator(Int)

  init(code: Int32) { self = code == 0 ? .cpu : .accelerator(Int(code) - 1) }
  var code: Int32 {
    switch self {
    case .cpu: 0
    case .accelerator(let index): Int32(clamping: index) + 1
    }
  }

  /// What went wrong, in one line.
  public var description: String {
    switch self {
    case .cpu: "cpu"
    case .accelerator(let index): "accelerator:\(index)"
    }
  }
}

/// A Swift type whose values a tensor can be made from and read as.
public protocol TensorElement: Sendable {
  static var dataType: DataType { get }
}

/// The type of the elements.
extension Float: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .float32 }
}
/// The type of the elements.
extension Double: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .float64 }
}
/// The type of the elements.
extension Int: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .int64 }
}
/// The type of the elements.
extension Int64: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .int64 }
}
/// The type of the elements.
extension Int32: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .int32 }
}
/// The type of the elements.
extension Int16: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .int16 }
}
/// The type of the elements.
extension Int8: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .int8 }
}
/// The type of the elements.
extension UInt8: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .uint8 }
}
/// The type of the elements.
extension UInt32: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .uint32 }
}
/// The type of the elements.
extension Bool: TensorElement {
  /// The type that libtorch has for it.
  public static var dataType: DataType { .bool }
}
