import CTorch

extension Tensor {
  // MARK: Making

  /// Zeros.
  public static func zeros(_ shape: [Int], _ type: DataType = .float32, device: Device = .cpu) throws -> Tensor {
    try Op.zeros(.ints(shape), .type(type), .none, .device(device))
  }

  /// Ones.
  public static func ones(_ shape: [Int], _ type: DataType = .float32, device: Device = .cpu) throws -> Tensor {
    try Op.ones(.ints(shape), .type(type), .none, .device(device))
  }

  /// One number everywhere.
  public static func full(
    _ shape: [Int], _ number: Double, _ type: DataType = .float32, device: Device = .cpu
  ) throws -> Tensor {
    try Op.full(.ints(shape), .double(number), .type(type), .none, .device(device))
  }

  /// The whole numbers of a range, as int64 unless another type is given.
  public static func range(_ range: Range<Int>, step: Int = 1, _ type: DataType = .int64, device: Device = .cpu) throws
    -> Tensor
  {
    try Op.arange(
      .int(range.lowerBound), .int(range.upperBound), .int(step), .type(type), .none, .device(device))
  }

  /// `count` numbers from `start` to `end`, both included.
  public static func linspace(
    _ start: Double, _ end: Double, count: Int, _ type: DataType = .float32, device: Device = .cpu
  ) throws -> Tensor {
    try Op.linspace(.double(start), .double(end), .int(count), .type(type), .none, .device(device))
  }

  /// Joins tensors along an axis that exists.
  public static func concatenated(_ parts: [Tensor], axis: Int = 0) throws -> Tensor {
    let handles = parts.map { Optional($0.handle) }
    let joined = withExtendedLifetime(parts) { ct_concatenate(handles, Int64(handles.count), Int64(axis)) }
    guard let joined else {
      throw TensorError.failed("concatenated", parts.map(\.summary) + ["axis \(axis)"], Torch.lastMessage)
    }
    return Tensor(owning: joined)
  }

  /// Joins tensors of one shape along a new axis.
  public static func stacked(_ parts: [Tensor], axis: Int = 0) throws -> Tensor {
    try Op.stack(.tensors(parts), .int(axis))
  }

  // MARK: Shape

  /// The same elements in another shape; one axis may be -1 and is computed.
  public func reshaped(_ shape: [Int]) throws -> Tensor {
    try made(shape.withInt64 { ct_reshape(handle, $0, Int64(shape.count)) }, "reshaped(\(shape))", self)
  }

  /// The axes in another order.
  public func permuted(_ axes: [Int]) throws -> Tensor {
    try made(axes.withInt64 { ct_permute(handle, $0, Int64(axes.count)) }, "permuted(\(axes))", self)
  }

  /// Two axes exchanged.
  public func transposed(_ a: Int = -2, _ b: Int = -1) throws -> Tensor {
    try made(ct_transpose(handle, Int64(a), Int64(b)), "transposed(\(a), \(b))", self)
  }

  /// The same elements in the order of memory.
  public func contiguous() throws -> Tensor { isContiguous ? self : try Op.contiguous(.tensor(self)) }

  /// A new axis of length one.
  public func unsqueezed(_ axis: Int) throws -> Tensor { try Op.unsqueeze(.tensor(self), .int(axis)) }

  /// Without an axis of length one.
  public func squeezed(_ axis: Int) throws -> Tensor { try Op.squeeze(.tensor(self), .int(axis)) }

  /// Axes of length one repeated without copying; -1 keeps a length.
  public func expanded(_ shape: [Int]) throws -> Tensor { try Op.expand(.tensor(self), .ints(shape)) }

  /// The axes from `first` to `last` as one.
  public func flattened(_ first: Int = 0, _ last: Int = -1) throws -> Tensor {
    let shape = shape
    let (a, b) = (first < 0 ? first + shape.count : first, last < 0 ? last + shape.count : last)
    guard a >= 0, b >= a, b < shape.count else {
      throw TensorError.invalid("flattened", "axes \(first) to \(last) of \(summary)")
    }
    return try reshaped(Array(shape[..<a]) + [shape[a...b].reduce(1, *)] + Array(shape[(b + 1)...]))
  }

  /// The whole tensor repeated along every axis.
  public func repeated(_ times: [Int]) throws -> Tensor { try Op.repeat(.tensor(self), .ints(times)) }

  /// Every element repeated in place along an axis.
  public func interleaved(_ times: Int, axis: Int) throws -> Tensor {
    try Op.repeatInterleave(.tensor(self), .int(times), .int(axis))
  }

  /// The elements in reverse along some axes.
  public func flipped(_ axes: [Int]) throws -> Tensor { try Op.flip(.tensor(self), .ints(axes)) }

  /// The elements moved along axes; what falls out comes in again.
  public func rolled(_ shifts: [Int], axes: [Int]) throws -> Tensor {
    try Op.roll(.tensor(self), .ints(shifts), .ints(axes))
  }

  /// Parts of given lengths along an axis.
  public func split(_ sizes: [Int], axis: Int) throws -> [Tensor] {
    try Op.split.all(.tensor(self), .ints(sizes), .int(axis))
  }

  /// `count` parts of one length along an axis.
  public func chunked(_ count: Int, axis: Int) throws -> [Tensor] {
    let size = size(axis)
    guard count > 0, size % count == 0 else {
      throw TensorError.invalid("chunked", "axis \(axis) of \(summary) is no multiple of \(count)")
    }
    return try split(Array(repeating: size / count, count: count), axis: axis)
  }

  /// Padding with a number. The pairs start with the last axis: `[left, right, top, bottom, ...]`.
  public func padded(_ widths: [Int], with number: Double = 0) throws -> Tensor {
    try Op.pad(.tensor(self), .ints(widths), .string("constant"), .double(number))
  }

  /// The lower triangle of the last two axes, with the diagonal `diagonal` above the main one; zero elsewhere.
  public func lowerTriangle(_ diagonal: Int = 0) throws -> Tensor { try Op.tril(.tensor(self), .int(diagonal)) }

  /// The upper triangle of the last two axes.
  public func upperTriangle(_ diagonal: Int = 0) throws -> Tensor { try Op.triu(.tensor(self), .int(diagonal)) }

  // MARK: Parts

  /// One place of an axis, which disappears.
  public func selected(_ index: Int, axis: Int) throws -> Tensor {
    try made(ct_select(handle, Int64(axis), Int64(index)), "selected(\(index), axis: \(axis))", self)
  }

  /// A range of an axis, as a view; what lies beyond the end is left out.
  public func sliced(_ range: Range<Int>, axis: Int, step: Int = 1) throws -> Tensor {
    try made(
      ct_slice(handle, Int64(axis), Int64(range.lowerBound), Int64(range.upperBound), Int64(step)),
      "sliced(\(range), axis: \(axis))", self)
  }

  /// The rows of an axis that an int64 vector names.
  public func rows(_ indices: Tensor, axis: Int = 0) throws -> Tensor {
    try Op.indexSelect(.tensor(self), .int(axis), .tensor(indices))
  }

  /// For every element of `indices`, the element of this tensor at that place of `axis`, the other axes being equal.
  public func gathered(_ indices: Tensor, axis: Int) throws -> Tensor {
    try Op.gather(.tensor(self), .int(axis), .tensor(indices))
  }

  /// The tensor with `source` written at the places of `axis` that `indices` names.
  public func scattered(_ indices: Tensor, _ source: Tensor, axis: Int) throws -> Tensor {
    try Op.scatter(.tensor(self), .int(axis), .tensor(indices), .tensor(source))
  }

  /// The tensor with `source` added at the places of `axis` that `indices` names.
  public func scatterAdded(_ indices: Tensor, _ source: Tensor, axis: Int) throws -> Tensor {
    try Op.scatterAdd(.tensor(self), .int(axis), .tensor(indices), .tensor(source))
  }

  /// The elements where a mask is true, as one axis.
  public func masked(_ mask: Tensor) throws -> Tensor { try Op.maskedSelect(.tensor(self), .tensor(mask)) }

  /// The places where an element is not zero, int64 `[places, axes]`.
  public func nonzero() throws -> Tensor { try Op.nonzero(.tensor(self)) }

  /// A part: whole numbers take one place, ranges a stretch, `Axis.all` everything, `Axis.new` adds an axis, `Axis.rest` stands for all
  /// axes not named, a tensor of indices or a mask picks rows.
  ///
  ///     try x[0, Axis.all, 1...]
  public subscript(_ indices: any TensorIndex...) -> Tensor {
    get throws { try part(indices.map(\.tensorIndex)) }
  }

  private func part(_ indices: [IndexValue]) throws -> Tensor {
    let named = indices.reduce(0) { $0 + ($1.takesAxis ? 1 : 0) }
    guard named <= rank else { throw TensorError.invalid("subscript", "\(named) indices for \(summary)") }
    var result = self
    var axis = 0
    for index in indices {
      switch index {
      case .place(let place):
        result = try result.selected(place, axis: axis)
      case .stretch(let start, let end):
        result = try made(
          ct_slice(result.handle, Int64(axis), Int64(start), Int64(end), 1), "subscript(\(start)..<\(end))", result)
        axis += 1
      case .picked(let picks):
        let chosen = picks.dataType == .bool ? try picks.nonzero().reshaped([-1]) : picks
        guard chosen.rank == 1 else {
          throw TensorError.invalid("subscript", "indices must have one axis: \(picks.summary)")
        }
        result = try result.rows(chosen, axis: axis)
        axis += 1
      case .all: axis += 1
      case .new:
        result = try result.unsqueezed(axis)
        axis += 1
      case .rest: axis += rank - named
      }
    }
    return result
  }
}

/// What can stand in the brackets behind a tensor.
public protocol TensorIndex {
  var tensorIndex: IndexValue { get }
}

/// An index in the one form that the subscript reads.
public enum IndexValue {
  case place(Int), stretch(Int, Int), picked(Tensor), all, new, rest
  var takesAxis: Bool {
    switch self {
    case .new, .rest: false
    default: true
    }
  }
}

/// Indices that are neither numbers nor ranges.
public enum Axis: TensorIndex {
  /// The whole axis.
  case all
  /// A new axis of length one.
  case new
  /// All axes that are not named.
  case rest

  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue {
    switch self {
    case .all: .all
    case .new: .new
    case .rest: .rest
    }
  }
}

/// The index in the form that the subscript reads.
extension Int: TensorIndex {
  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue { .place(self) }
}
/// The index in the form that the subscript reads.
extension Tensor: TensorIndex {
  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue { .picked(self) }
}
extension Range: TensorIndex where Bound == Int {
  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue { .stretch(lowerBound, upperBound) }
}
extension ClosedRange: TensorIndex where Bound == Int {
  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue { .stretch(lowerBound, upperBound == -1 ? Int.max : upperBound + 1) }
}
extension PartialRangeFrom: TensorIndex where Bound == Int {
  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue { .stretch(lowerBound, Int.max) }
}
extension PartialRangeUpTo: TensorIndex where Bound == Int {
  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue { .stretch(0, upperBound) }
}
extension PartialRangeThrough: TensorIndex where Bound == Int {
  /// The index in the form that the subscript reads.
  public var tensorIndex: IndexValue { .stretch(0, upperBound == -1 ? Int.max : upperBound + 1) }
}
