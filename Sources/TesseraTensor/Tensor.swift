import CTorch

/// An array of numbers of one type with any number of axes, on a processor or an accelerator.
///
///     let x = try Tensor([1, 2, 3, 4] as [Float], [2, 2])
///     let y = try x.matmul(x) + 1
///     print(try y.values(Float.self))  // [8.0, 11.0, 16.0, 23.0]
///
/// A tensor never changes for those who hold it: every operation gives a new one (which may share memory with the old), so a tensor may
/// be used from any task. Operations throw `TensorError` with the operation and the shapes. When gradients are recorded, the graph behind
/// a tensor lives as long as the tensor.
public final class Tensor: @unchecked Sendable {
  let handle: OpaquePointer

  /// Takes over a reference.
  init(owning handle: OpaquePointer) { self.handle = handle }

  deinit { ct_release(handle) }

  // MARK: What a tensor says about itself

  /// The number of axes.
  public var rank: Int { Int(ct_rank(handle)) }

  /// The length of every axis.
  public var shape: [Int] {
    let rank = rank
    guard rank > 0, let sizes = ct_sizes(handle) else { return [] }
    return sizes.withMemoryRebound(to: Int.self, capacity: rank) { Array(UnsafeBufferPointer(start: $0, count: rank)) }
  }

  /// The length of one axis; negative axes count from the end. Precondition: the axis exists.
  public func size(_ axis: Int) -> Int {
    let rank = rank
    let place = axis < 0 ? axis + rank : axis
    precondition(place >= 0 && place < rank, "axis \(axis) of a tensor with \(rank) axes")
    return Int(ct_sizes(handle)[place])
  }

  /// How far apart neighbours along every axis lie, in elements.
  public var strides: [Int] {
    let rank = rank
    guard rank > 0, let strides = ct_strides(handle) else { return [] }
    return (0..<rank).map { Int(strides[$0]) }
  }

  /// The number of elements.
  public var count: Int { Int(ct_count(handle)) }

  /// The type of the elements.
  public var dataType: DataType { DataType(rawValue: ct_dtype(handle)) ?? .float32 }

  /// Where the elements lie.
  public var device: Device { Device(code: ct_device(handle)) }

  /// True when the elements lie in memory in the order of the shape.
  public var isContiguous: Bool { ct_is_contiguous(handle) }

  /// True when nobody else holds this tensor's reference in libtorch, or any part of its memory.
  package var isUnshared: Bool { ct_is_unshared(handle) }

  // MARK: Making

  /// A tensor with the elements of an array, in row-major order.
  /// - Parameter shape: the lengths of the axes; nil makes one axis.
  /// - Throws: `TensorError.invalid` if the shape does not have as many elements as the array.
  public convenience init<Element: TensorElement>(
    _ elements: [Element], _ shape: [Int]? = nil, device: Device = .cpu
  ) throws {
    let shape = shape ?? [elements.count]
    guard try Tensor.elements(of: shape, "Tensor") == elements.count else {
      throw TensorError.invalid("Tensor", "\(elements.count) elements do not fill the shape \(shape)")
    }
    let made = try Tensor.empty(shape, Element.dataType)
    elements.withUnsafeBytes { bytes in
      if let from = bytes.baseAddress, let to = ct_data(made.handle) {
        to.copyMemory(from: from, byteCount: bytes.count)
      }
    }
    self.init(owning: try made.to(device).takeHandle())
  }

  /// A tensor without axes that holds one number.
  public convenience init<Element: TensorElement>(_ element: Element, device: Device = .cpu) throws {
    try self.init([element], [], device: device)
  }

  /// The reference of a tensor for a new owner.
  private func takeHandle() throws -> OpaquePointer {
    guard let copy = ct_convert(handle, ct_dtype(handle), ct_device(handle), false) else { throw failure("to", self) }
    return copy
  }

  /// The number of elements of a shape, checked.
  static func elements(of shape: [Int], _ operation: String) throws -> Int {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else { throw TensorError.invalid(operation, "\(shape) is no shape") }
      count = product
    }
    return count
  }

  /// Uninitialised memory.
  package static func empty(_ shape: [Int], _ type: DataType, device: Device = .cpu) throws -> Tensor {
    try Torch.demand()
    let made = shape.withInt64 { ct_empty($0, Int64(shape.count), type.rawValue, device.code) }
    return try made.map(Tensor.init(owning:))
      ?? { throw TensorError.failed("empty", ["\(shape)"], Torch.lastMessage) }()
  }

  /// Takes elements where they lie; `owner` stays alive as long as the memory is used.
  package static func over(
    _ memory: UnsafeMutableRawPointer, _ shape: [Int], _ type: DataType, owner: AnyObject
  ) throws -> Tensor {
    try Torch.demand()
    let context = Unmanaged.passRetained(owner)
    let made = shape.withInt64 {
      ct_from_memory(
        memory, $0, Int64(shape.count), type.rawValue,
        { context in if let context { Unmanaged<AnyObject>.fromOpaque(context).release() } }, context.toOpaque())
    }
    if let made { return Tensor(owning: made) }
    context.release()
    throw TensorError.failed("over", ["\(shape)"], Torch.lastMessage)
  }

  // MARK: Reading

  /// The elements in row-major order, converted to a Swift type.
  public func values<Element: TensorElement>(_ type: Element.Type = Element.self) throws -> [Element] {
    let plain = try detached().to(Element.dataType).to(.cpu).contiguous()
    let count = plain.count
    return withExtendedLifetime(plain) {
      guard count > 0, let data = ct_data(plain.handle) else { return [] }
      let start = data.assumingMemoryBound(to: Element.self)
      return Array(UnsafeBufferPointer(start: start, count: count))
    }
  }

  /// The one element of a tensor, as a number.
  /// - Throws: `TensorError.invalid` if there is not exactly one.
  public func item() throws -> Double {
    guard count == 1 else { throw TensorError.invalid("item", "\(summary) has not one element") }
    return try values(Double.self)[0]
  }

  /// The one element of a tensor of whole numbers.
  public func integer() throws -> Int {
    guard count == 1 else { throw TensorError.invalid("integer", "\(summary) has not one element") }
    return try values(Int.self)[0]
  }

  /// Calls a body with the bytes of the elements in row-major order.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    let plain = try detached().to(.cpu).contiguous()
    return try withExtendedLifetime(plain) {
      let size = plain.count * plain.dataType.size
      return try body(UnsafeRawBufferPointer(start: size > 0 ? ct_data(plain.handle) : nil, count: size))
    }
  }

  // MARK: Type and place

  /// The same numbers in another type.
  public func to(_ type: DataType) throws -> Tensor {
    if type == dataType { return self }
    return try made(ct_convert(handle, type.rawValue, ct_device(handle), false), "to(\(type))", self)
  }

  /// The same numbers in another place.
  public func to(_ device: Device) throws -> Tensor {
    if device == self.device { return self }
    return try made(ct_convert(handle, ct_dtype(handle), device.code, false), "to(\(device))", self)
  }

  /// The same numbers in memory of their own.
  public func copy() throws -> Tensor {
    try made(ct_convert(handle, ct_dtype(handle), ct_device(handle), true), "copy", self)
  }

  /// The same numbers without the graph behind them.
  public func detached() throws -> Tensor { try made(ct_detach(handle), "detached", self) }
}

extension Tensor: CustomStringConvertible {
  /// Type and shape, for messages: `float32 [2, 3]`.
  public var summary: String { "\(dataType) \(shape)" }

  /// Type, shape and up to eight elements.
  public var description: String {
    let flat = try? reshaped([-1])
    let shown = (try? flat?.sliced(0..<min(8, count), axis: 0).values(Double.self)) ?? []
    let numbers = shown.map { dataType.isFloatingPoint ? String(Float($0)) : String(Int($0)) }
    return "Tensor(\(summary): \(numbers.joined(separator: ", "))\(count > 8 ? ", ..." : ""))"
  }
}

/// A result, or the error of an operation with what it was given.
@inline(__always)
func made(_ handle: OpaquePointer?, _ operation: @autoclosure () -> String, _ a: Tensor, _ b: Tensor? = nil) throws
  -> Tensor
{
  guard let handle else { throw failure(operation(), a, b) }
  return Tensor(owning: handle)
}

@inline(never)
func failure(_ operation: String, _ a: Tensor, _ b: Tensor? = nil) -> TensorError {
  TensorError.failed(operation, [a.summary] + (b.map { [$0.summary] } ?? []), Torch.lastMessage)
}

extension Array where Element == Int {
  /// The numbers as libtorch takes them, uncopied.
  @inline(__always)
  func withInt64<Result>(_ body: (UnsafePointer<Int64>?) throws -> Result) rethrows -> Result {
    try withUnsafeBufferPointer { numbers in
      try numbers.withMemoryRebound(to: Int64.self) { try body($0.baseAddress) }
    }
  }
}
